/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "make/sfz.h"

#include "sfz-fixture.h"

#include <math.h>
#include <string.h>

#include <spa/utils/defs.h>

/* Anything at all may be in a text. */

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Whatever is read is refused with a message or has regions; the sanitizers see to the rest. */
static void assert_ends_well(struct make_fixture *f, const char *bytes, size_t size)
{
	struct segue_sfz *sfz;

	make_fixture_write(f, "kit.sfz", bytes, size);
	f->make.error = (struct segue_error) { 0 };
	sfz = sfz_read_file(f, "kit.sfz");
	assert_int_equal(make_fixture_bytes(f), 0);
	if (sfz == NULL) {
		assert_true(f->make.error.res < 0);
		assert_memory_equal(f->make.error.message, "kit.sfz: ", 9);
		return;
	}
	assert_true(sfz->n_regions > 0 && sfz->n_files > 0);
	for (uint32_t i = 0; i < sfz->n_regions; i++) {
		const struct segue_sfz_region *r = &sfz->regions[i];

		assert_true(r->file < sfz->n_files);
		assert_true(r->region.key_high <= 127 && r->region.velocity_high <= 127);
		assert_true(isfinite(r->region.gain) && fabsf(r->region.pan) <= 1.0f);
	}
	segue_sfz_free(sfz);
}

static const char *const seeds[] = {
	("<control>default_path=a\\b/ <global>key=c4 volume=-3<master>tune=5\n<group>lokey=c#1 hikey=60 // x\n"
		"<region>sample=a b.wav loop_mode=one_shot /* x */ offset=5 end=10 <region> sample=../c.wav trigger=release"),
	"#define $A 36\n#define $B $A.wav\n#include \"inc.sfz\"\n<region> key=$A sample=$B ampeg_release=0.5 pan=-100\n",
	"<region> sample=x.wav loop_start=1 loop_end=2 group=-1 off_by=3 seq_position=1 lorand=0 sw_last=c2 sw_default=24",
};

static void text_changed_at_random_ends_well(void **state)
{
	static const char alphabet[] = "<>=$#\"/*\\\n\r\t .c#-0169eregion$Ainclude\x80\xff\x01";
	struct make_fixture *f = *state;
	uint64_t seed = 88172645463325252u;
	char text[1024];

	make_fixture_write_text(f, "inc.sfz", "<region> sample=i.wav #include \"inc2.sfz\" key=$A");
	make_fixture_write_text(f, "inc2.sfz", "lovel=$A #define $A 5");
	for (uint32_t i = 0; i < 4000; i++) {
		const char *from = seeds[next_random(&seed) % SPA_N_ELEMENTS(seeds)];
		size_t size = strlen(from);

		memcpy(text, from, size + 1);
		for (uint64_t n = next_random(&seed) % 12; n > 0 && size > 1; n--) {
			size_t at = next_random(&seed) % size, to = next_random(&seed) % size;
			size_t length = SPA_MIN(next_random(&seed) % 16, size - SPA_MAX(at, to));

			switch (next_random(&seed) % 5) {
			case 0:
				text[at] = alphabet[next_random(&seed) % (sizeof(alphabet) - 1)];
				break;
			case 1:	/* cut short */
				if (next_random(&seed) % 4 == 0)
					size = at;
				break;
			case 2:
				memmove(text + at, text + to, length);
				break;
			case 3:	/* without some */
				memmove(text + at, text + at + length, size - at - length);
				size -= length;
				break;
			case 4:	/* twice */
				if (size + length < sizeof(text)) {
					memmove(text + at + length, text + at, size - at);
					size += length;
				}
				break;
			}
		}
		assert_ends_well(f, text, size);
	}
}

#define test(name)	cmocka_unit_test_setup_teardown(name, make_fixture_setup, make_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(text_changed_at_random_ends_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
