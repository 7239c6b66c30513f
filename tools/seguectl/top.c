/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "top.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <spa/utils/defs.h>

#include "bus.h"
#include "commands.h"
#include "json.h"
#include "table.h"
#include "terminal.h"

#define LINE_USEC	1000000

const char *segue_top_trouble(const struct segue_status *status)
{
	if (segue_status_is_late(status))
		return "Segue doesn't answer.";
	return status->service == NULL ? "Segue isn't running. Start it: systemctl --user start segue" : NULL;
}

char *segue_top_format_memory(char *buf, size_t size, const struct segue_status *status)
{
	char live[16], max[16], pending[16], retired[16];

	segue_format_property(live, sizeof(live), status->service, "BytesLive", SEGUE_FORMAT_BYTES);
	segue_format_property(max, sizeof(max), status->service, "BytesMax", SEGUE_FORMAT_BYTES);
	segue_format_property(pending, sizeof(pending), status->service, "BytesPending", SEGUE_FORMAT_BYTES);
	segue_format_property(retired, sizeof(retired), status->service, "BytesRetired", SEGUE_FORMAT_BYTES);
	snprintf(buf, size, "live %s of %s, pending %s, retired %s", live, max, pending, retired);
	return buf;
}

static void derive_cycle(json_object *node)
{
	static const char *const members[] = { "CycleMedian", "CycleLong", "CycleMax" };
	json_object *times;

	if (!json_object_object_get_ex(node, "CycleTime", &times) || segue_json_number(node, "Cycles") == 0.0)
		return;
	for (size_t i = 0; i < SPA_N_ELEMENTS(members); i++)
		json_object_object_add(node, members[i], json_object_new_double(
					json_object_get_double(json_object_array_get_idx(times, i)) * 1e-6));
}

static void derive_peak(json_object *node)
{
	json_object *peaks;
	double max = 0.0;

	if (!json_object_object_get_ex(node, "Peak", &peaks))
		return;
	for (size_t i = 0; i < json_object_array_length(peaks); i++)
		max = SPA_MAX(max, json_object_get_double(json_object_array_get_idx(peaks, i)));
	json_object_object_add(node, "PeakMax", json_object_new_double(max));
}

void segue_top_derive(json_object *nodes)
{
	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		derive_cycle(json_object_array_get_idx(nodes, i));
		derive_peak(json_object_array_get_idx(nodes, i));
	}
}

/* --------------------------------------------------------------- lines */

static void print_node(json_object *node)
{
	char label[64], sound[64], cycle[16], peak[16];

	segue_format_property(label, sizeof(label), node, "Label", SEGUE_FORMAT_TEXT);
	segue_terminal_clean(sound, sizeof(sound), label);
	segue_format_property(cycle, sizeof(cycle), node, "CycleMedian", SEGUE_FORMAT_TIME);
	segue_format_property(peak, sizeof(peak), node, "PeakMax", SEGUE_FORMAT_GAIN);
	printf("; %s: %s, %s, cycle %s, peak %s, swaps %s, xruns %s", segue_json_text(node, "Name"),
			segue_json_text(node, "State"), sound, cycle, peak, segue_json_text(node, "SwapsApplied"),
			segue_json_text(node, "Xruns"));
}

static void print_status(struct segue_status *status)
{
	char memory[128];

	if (status->ctl->json) {
		json_object *object = json_object_get(status->service);

		json_object_object_add(object, "Nodes", json_object_get(status->nodes));
		segue_json_print(object);
		return;
	}
	segue_top_derive(status->nodes);
	fputs(segue_top_format_memory(memory, sizeof(memory), status), stdout);
	for (size_t i = 0; i < json_object_array_length(status->nodes); i++)
		print_node(json_object_array_get_idx(status->nodes, i));
	putchar('\n');
}

static void print_trouble(struct segue_ctl *ctl, const char *trouble)
{
	json_object *object;

	if (!ctl->json) {
		puts(trouble);
		return;
	}
	object = json_object_new_object();
	json_object_object_add(object, "message", json_object_new_string(trouble));
	segue_json_print(object);
}

static void print_line(struct segue_status *status)
{
	const char *trouble = segue_top_trouble(status);

	if (trouble != NULL)
		print_trouble(status->ctl, trouble);
	else
		print_status(status);
	status->fresh = false;
}

/* A line a second, until its reader leaves. */
static enum segue_exit print_lines(struct segue_status *status)
{
	struct pollfd out = { .fd = STDOUT_FILENO };
	int res;

	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	do {
		if ((res = segue_status_wait(status, &out, LINE_USEC)) >= 0 && status->fresh)
			print_line(status);
	} while (res >= 0 && out.revents == 0 && !ferror(stdout));
	return res < 0 ? segue_bus_fail_errno(status->ctl, res) : SEGUE_EXIT_OK;
}

enum segue_exit segue_command_top(struct segue_ctl *ctl)
{
	bool screen = !ctl->json && segue_terminal_is_screen(STDIN_FILENO) && segue_terminal_is_screen(STDOUT_FILENO);
	struct segue_status status;
	enum segue_exit exit;

	if ((exit = segue_status_init(&status, ctl)) == SEGUE_EXIT_OK)
		exit = screen ? segue_top_screen(&status) : print_lines(&status);
	segue_status_clear(&status);
	return exit;
}
