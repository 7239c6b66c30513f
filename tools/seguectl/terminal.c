/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "terminal.h"

#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include <curses.h>
#include <term.h>

#include <spa/utils/defs.h>
#include <spa/utils/string.h>

#define DEFAULT_COLUMNS		80
#define DEFAULT_ROWS		24
#define FIT_MAX			512	/* columns */

bool segue_terminal_is_screen(int fd)
{
	bool moves;
	int error;

	if (!isatty(fd) || setupterm(NULL, fd, &error) != OK)
		return false;
	moves = cursor_address != NULL;
	del_curterm(cur_term);
	return moves;
}

bool segue_terminal_has_utf8(void)
{
	return spa_streq(nl_langinfo(CODESET), "UTF-8");
}

bool segue_terminal_wants_colour(void)
{
	const char *no = getenv("NO_COLOR");

	return no == NULL || no[0] == '\0';
}

void segue_terminal_size(int *ret_columns, int *ret_rows)
{
	struct winsize size = { 0 };

	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	*ret_columns = size.ws_col > 0 ? size.ws_col : DEFAULT_COLUMNS;
	*ret_rows = size.ws_row > 0 ? size.ws_row : DEFAULT_ROWS;
}

/* The next sign of a text, which can be printed; 0 at its end. */
static wchar_t next_sign(const char **text, mbstate_t *state)
{
	wchar_t sign;
	size_t n = mbrtowc(&sign, *text, MB_CUR_MAX, state);

	if (n == (size_t)-1 || n == (size_t)-2) {
		*state = (mbstate_t) { 0 };
		(*text)++;
		return L'?';
	}
	*text += n;
	return n == 0 ? L'\0' : wcwidth(sign) < 0 ? L'?' : sign;
}

/* The columns taken; cut: not all of the text is in. */
static int take_signs(const char *text, int width, wchar_t *signs, bool *cut)
{
	mbstate_t state = { 0 };
	int taken = 0, n = 0;
	wchar_t sign;

	*cut = false;
	while ((sign = next_sign(&text, &state)) != L'\0' && n < FIT_MAX) {
		if (taken + wcwidth(sign) > width) {
			*cut = true;
			break;
		}
		signs[n++] = sign;
		taken += wcwidth(sign);
	}
	signs[n] = L'\0';
	return taken;
}

char *segue_terminal_fit(char *buf, size_t size, const char *text, int width, bool right)
{
	wchar_t signs[FIT_MAX + 1];
	int taken, blanks;
	bool cut;

	width = SPA_CLAMP(width, 0, FIT_MAX);
	taken = take_signs(text, width, signs, &cut);
	if (cut && width > 0) {
		taken = take_signs(text, width - 1, signs, &cut) + 1;
		wcscat(signs, segue_terminal_has_utf8() ? L"…" : L".");
	}
	blanks = width - taken;
	snprintf(buf, size, "%*s%ls%*s", right ? blanks : 0, "", signs, right ? 0 : blanks, "");
	return buf;
}

char *segue_terminal_clean(char *buf, size_t size, const char *text)
{
	wchar_t signs[FIT_MAX + 1];
	bool cut;

	(void)take_signs(text, FIT_MAX, signs, &cut);
	snprintf(buf, size, "%ls", signs);
	return buf;
}
