/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "sfz-fixture.h"

#include <stdio.h>

struct segue_sfz *sfz_read_file(struct make_fixture *f, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	f->make.name = "kit.sfz";
	return segue_sfz_read(&f->make, path, NULL);
}

struct segue_sfz *sfz_read_text(struct make_fixture *f, const char *text)
{
	struct segue_sfz *sfz;

	make_fixture_write_text(f, "kit.sfz", text);
	if ((sfz = sfz_read_file(f, "kit.sfz")) == NULL)
		fail_msg("'%.60s': %s", text, f->make.error.message);
	/* nothing of it is kept in counted memory */
	assert_int_equal(make_fixture_bytes(f), 0);
	return sfz;
}

void assert_refused(struct make_fixture *f, const char *text, int res, const char *message)
{
	make_fixture_write_text(f, "kit.sfz", text);
	f->make.error = (struct segue_error) { 0 };
	if (sfz_read_file(f, "kit.sfz") != NULL)
		fail_msg("'%.60s' is accepted", text);
	assert_string_equal(f->make.error.message, message);
	assert_int_equal(f->make.error.res, res);
	assert_int_equal(make_fixture_bytes(f), 0);
}
