/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "make/kit.h"

#include "kit-fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void the_header_tells_of_all(void **state)
{
	struct make_fixture *f = *state;
	struct segue_kit *kit;
	const struct segue_header *h;
	char *identity;

	write_ramp(f, "a.wav", 0.0f, 100, 1, 96000);
	write_ramp(f, "b.wav", 0.0f, 1000, 3, RATE);
	kit = open_kit(f, "<region> sample=a.wav <region> sample=b.wav <region> sample=a.wav cutoff=3");
	h = segue_kit_header(kit);
	assert_int_equal(h->channels, 3);
	assert_int_equal(h->rate, 96000);
	assert_int_equal(h->frames, 1100);
	assert_false(h->is_long);
	assert_in_range(h->bytes, 3100 * sizeof(float), 3100 * sizeof(float) + 4096);
	assert_string_equal(segue_kit_unfollowed(kit), "cutoff");
	identity = strdup(segue_kit_identity(kit));
	segue_kit_free(kit);
	kit = open_kit(f, "<region> sample=a.wav <region> sample=b.wav <region> sample=a.wav cutoff=3");
	/* the text was written again */
	assert_string_not_equal(segue_kit_identity(kit), identity);
	free(identity);
	identity = strdup(segue_kit_identity(kit));
	segue_kit_free(kit);
	write_ramp(f, "a.wav", 0.0f, 100, 1, 96000);
	snprintf(f->path, sizeof(f->path), "%s/kit.sfz", f->dir);
	kit = segue_kit_open(&f->make, f->path, NULL);
	assert_string_not_equal(segue_kit_identity(kit), identity);
	free(identity);
	segue_kit_free(kit);
	write_ramp(f, "long.wav", 0.0f, 2000000, 1, 768000);
	kit = open_kit(f, "<region> sample=long.wav");
	assert_true(segue_kit_header(kit)->is_long);
	segue_kit_free(kit);
}

#define test(name)	cmocka_unit_test_setup_teardown(name, make_fixture_setup, make_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(the_header_tells_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
