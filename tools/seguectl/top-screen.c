/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "top.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <curses.h>

#include <spa/utils/defs.h>

#include "bus.h"
#include "json.h"
#include "table.h"
#include "terminal.h"

#define FRAME_USEC	200000	/* from one question to the next */
#define BAR_MIN_DB	-60.0	/* at a bar's left end; at its right is full scale */
#define BAR_STEPS	5	/* of 12 dB, with a dot between two */
#define LOUD_DB		-6.0
#define CELL_MAX	512

enum colour { QUIET = 1, LOUD, CLIPPED };	/* of a bar; the numbers beside it say the same */

struct column {
	struct segue_column shown;
	int width, rank;	/* columns of low rank are shown first */
	bool right;
};

static const struct column columns[] = {
	{ { "NODE", "Name", SEGUE_FORMAT_TEXT }, 12, 0 },
	{ { "TYPE", "Type", SEGUE_FORMAT_TEXT }, 9, 2 },
	{ { "STATE", "State", SEGUE_FORMAT_TEXT }, 12, 0 },
	{ { "SOUND", "Label", SEGUE_FORMAT_TEXT }, 12, 1 },
	{ { "VOICES", "Voices", SEGUE_FORMAT_TEXT }, 6, 6, true },
	{ { "QUANTUM", "Quantum", SEGUE_FORMAT_TEXT }, 7, 3, true },
	{ { "CYCLE", "CycleMedian", SEGUE_FORMAT_TIME }, 8, 1, true },
	{ { "99.9 %", "CycleLong", SEGUE_FORMAT_TIME }, 8, 4, true },
	{ { "MAX", "CycleMax", SEGUE_FORMAT_TIME }, 8, 1, true },
	{ { "XRUNS", "Xruns", SEGUE_FORMAT_TEXT }, 6, 1, true },
	{ { "SWAPS", "SwapsApplied", SEGUE_FORMAT_TEXT }, 6, 1, true },
	{ { "SUPERSEDED", "SwapsSuperseded", SEGUE_FORMAT_TEXT }, 10, 7, true },
	{ { "CLIPPED", "Clipped", SEGUE_FORMAT_TEXT }, 7, 5, true },
	{ { "PEAK", "PeakMax", SEGUE_FORMAT_GAIN }, 9, 0, true },
	{ { "LAST ERROR", "LastError", SEGUE_FORMAT_TEXT }, 30, 8 },
};
#define SOUND_COLUMN	3	/* takes what is left */
#define RANK_MAX	8

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = true;
}

/* ------------------------------------------------------------ a screen */

static void put(int y, int x, const char *text, int width, bool right)
{
	char cell[CELL_MAX];

	mvaddstr(y, x, segue_terminal_fit(cell, sizeof(cell), text, width, right));
}

static int width_up_to(int rank)
{
	int width = -1;		/* a blank between two */

	for (size_t i = 0; i < SPA_N_ELEMENTS(columns); i++)
		width += columns[i].rank <= rank ? columns[i].width + 1 : 0;
	return width;
}

static int rank_that_fits(void)
{
	int rank = 0;

	while (rank < RANK_MAX && width_up_to(rank + 1) <= COLS)
		rank++;
	return rank;
}

/* A line of the table, or with node NULL its heading. */
static void put_row(int y, json_object *node)
{
	int rank = rank_that_fits(), left = COLS - width_up_to(rank), x = 0;
	char cell[CELL_MAX];

	for (size_t i = 0; i < SPA_N_ELEMENTS(columns) && x < COLS; i++) {
		const struct column *column = &columns[i];
		int width = SPA_MIN(column->width + (i == SOUND_COLUMN ? SPA_MAX(left, 0) : 0), COLS - x);

		if (column->rank > rank)
			continue;
		if (node != NULL)
			segue_format_property(cell, sizeof(cell), node, column->shown.property,
					column->shown.format);
		put(y, x, node != NULL ? cell : column->shown.heading, width, column->right);
		x += width + 1;
	}
}

/* one of the eight widths of a block, from the left */
static const char *part_of_block(int eighths)
{
	static const char *const blocks[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█" };

	if (segue_terminal_has_utf8())
		return blocks[eighths];
	return eighths >= 4 ? "#" : "";
}

static enum colour colour_at(int cell, int width, double db)
{
	if (cell == width - 1 && db > 0.0)
		return CLIPPED;
	return BAR_MIN_DB * (1.0 - (double)(cell + 1) / width) > LOUD_DB ? LOUD : QUIET;
}

static void put_bar(int y, int x, int width, double db)
{
	double filled = SPA_CLAMP(1.0 - db / BAR_MIN_DB, 0.0, 1.0) * width;

	for (int i = 0; i < width; i++) {
		const char *block = part_of_block(lround(SPA_CLAMP((filled - i) * 8.0, 0.0, 8.0)));
		bool dot = i > 0 && i * BAR_STEPS / width != (i - 1) * BAR_STEPS / width;

		attrset(COLOR_PAIR(colour_at(i, width, db)));
		mvaddstr(y, x + i, block[0] != '\0' ? block : dot ? "." : " ");
	}
	attrset(A_NORMAL);
}

/* "  1 ████      .       .  -6.0 dB" */
static void put_meter(int y, size_t channel, double peak)
{
	char number[24], db[16];

	snprintf(number, sizeof(number), "%zu", channel + 1);
	put(y, 0, number, 4, true);
	put_bar(y, 5, SPA_MAX(COLS - 15, 0), 20.0 * log10(peak));
	put(y, SPA_MAX(COLS - 9, 0), segue_format_gain(db, sizeof(db), peak), 9, true);
}

static size_t n_meters(json_object *node)
{
	json_object *peaks;

	return json_object_object_get_ex(node, "Peak", &peaks) ? json_object_array_length(peaks) : 0;
}

static void put_meters(int y, json_object *node)
{
	json_object *peaks = json_object_object_get(node, "Peak");

	for (size_t i = 0; i < n_meters(node); i++)
		put_meter(y + i, i, json_object_get_double(json_object_array_get_idx(peaks, i)));
}

/* As many nodes as there is room for, with a bar for each channel if that leaves none out. Returns how many are
 * left out. */
static size_t put_nodes(int y, int end, json_object *nodes)
{
	size_t n = json_object_array_length(nodes), n_rows = n;
	bool bars;

	for (size_t i = 0; i < n; i++)
		n_rows += n_meters(json_object_array_get_idx(nodes, i));
	bars = n_rows <= (size_t)SPA_MAX(end - y, 0);
	for (size_t i = 0; i < n; i++) {
		json_object *node = json_object_array_get_idx(nodes, i);

		if (y >= end)
			return n - i;
		put_row(y++, node);
		if (bars) {
			put_meters(y, node);
			y += n_meters(node);
		}
	}
	return 0;
}

static void put_service(const struct segue_status *status)
{
	char memory[128], line[CELL_MAX];

	snprintf(line, sizeof(line), "Segue %s: %s; %s sounds, %s reclaimed",
			segue_json_text(status->service, "Version"),
			segue_top_format_memory(memory, sizeof(memory), status),
			segue_json_text(status->service, "BuffersLive"),
			segue_json_text(status->service, "BuffersReclaimed"));
	put(0, 0, line, COLS, false);
}

static void put_footer(size_t left_out)
{
	char line[80] = "q quits";

	if (left_out > 0)
		snprintf(line, sizeof(line), "q quits; %zu more nodes in a taller window", left_out);
	/* the last corner stays free: writing there scrolls some terminals */
	put(LINES - 1, 0, line, COLS - 1, false);
}

static void draw(struct segue_status *status)
{
	const char *trouble = segue_top_trouble(status);
	size_t left_out = 0;

	erase();
	if (trouble != NULL) {
		put(0, 0, trouble, COLS, false);
	} else {
		put_service(status);
		attrset(A_REVERSE);
		put_row(2, NULL);
		attrset(A_NORMAL);
		segue_top_derive(status->nodes);
		left_out = put_nodes(3, LINES - 1, status->nodes);
	}
	put_footer(left_out);
	refresh();
}

/* ----------------------------------------------------------- its times */

/* before curses, which leaves them to us then */
static void catch_signals(void)
{
	const struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static void set_up(void)
{
	cbreak();
	noecho();
	curs_set(0);
	nodelay(stdscr, true);
	keypad(stdscr, true);
	if (segue_terminal_wants_colour() && has_colors()) {
		start_color();
		use_default_colors();
		init_pair(QUIET, COLOR_GREEN, -1);
		init_pair(LOUD, COLOR_YELLOW, -1);
		init_pair(CLIPPED, COLOR_RED, -1);
	}
}

/* \return false: that is enough */
static bool take_keys(struct segue_status *status)
{
	int key;

	while ((key = getch()) != ERR) {
		if (key == 'q' || key == 'Q')
			return false;
		/* what was drawn before is drawn again */
		status->fresh |= key == KEY_RESIZE && status->nodes != NULL;
	}
	return !interrupted;
}

static int run(struct segue_status *status)
{
	struct pollfd keyboard = { .fd = STDIN_FILENO, .events = POLLIN };
	int res = 0;

	while (res >= 0 && take_keys(status) && !(keyboard.revents & (POLLHUP | POLLERR))) {
		res = segue_status_wait(status, &keyboard, FRAME_USEC);
		if (status->fresh)
			draw(status);
		status->fresh = false;
	}
	return res;
}

enum segue_exit segue_top_screen(struct segue_status *status)
{
	SCREEN *screen;
	int res;

	catch_signals();
	if ((screen = newterm(NULL, stdout, stdin)) == NULL)
		return segue_fail_memory(status->ctl);
	set_up();
	res = run(status);
	endwin();
	delscreen(screen);
	return res < 0 ? segue_bus_fail_errno(status->ctl, res) : SEGUE_EXIT_OK;
}
