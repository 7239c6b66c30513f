/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* The text of an SFZ instrument, and behind a zero byte that of inc.sfz. Beside them lie two samples: a.wav has one
 * channel, b.wav two and a loop. */

#include "fuzz-make.h"

#include <math.h>
#include <string.h>

#include "make/instrument.h"

static void write_files(struct segue_make *make, struct fuzz_input *input)
{
	static bool has_samples;
	char *text = fuzz_text(input);

	if (!has_samples) {
		fuzz_write_wav(make, "a.wav", 1);
		fuzz_write_wav(make, "b.wav", 2);
		has_samples = true;
	}
	fuzz_write("kit.sfz", text, strlen(text));
	fuzz_write("inc.sfz", input->data, input->size);
	free(text);
}

/* Only what lies beside it may be opened, as props.load has it. */
static int check_path(void *data, const char *path, struct segue_error *error)
{
	const char *folder = fuzz_folder();

	if (strncmp(path, folder, strlen(folder)) == 0 && path[strlen(folder)] == '/')
		return 0;
	return segue_error_set(error, -EACCES, "%s: isn't below %s", path, folder);
}

static void check_region(const struct segue_region *region)
{
	const struct segue_sample *sample = region->sample;

	fuzz_check_sample(sample);
	fuzz_check(isfinite(region->root) && isfinite(region->gain) && fabsf(region->pan) <= 1.0f,
			"root %g, gain %g, pan %g", region->root, region->gain, region->pan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct segue_path_check check = { .check = check_path };
	struct segue_make make = fuzz_make_begin("kit.sfz");
	struct fuzz_input input = { data, size };
	struct segue_instrument *instrument = NULL;
	struct segue_kit *kit;
	float peak;

	write_files(&make, &input);
	if ((kit = segue_kit_open(&make, fuzz_path("kit.sfz"), &check)) != NULL) {
		fuzz_check(kit->sfz->n_regions > 0, "it has no regions");
		instrument = segue_instrument_make(&make, kit, 1.0, &peak);
	}
	for (uint32_t i = 0; instrument != NULL && i < instrument->n_regions; i++)
		check_region(&instrument->regions[i]);
	if (instrument != NULL)
		fuzz_play(&instrument->buffer);
	segue_kit_free(kit);
	segue_memory_free(make.memory, instrument);
	fuzz_make_end(&make, instrument != NULL ? 0 : make.error.res);
	return 0;
}
