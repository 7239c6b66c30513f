/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "rt/midi.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <spa/control/control.h>
#include <spa/utils/type.h>

#include "fixture.h"

#define ANY	-2.0	/* a value that isn't looked at */

/* A sequence on the heap, just as large as it says. */
struct stage {
	uint8_t *memory;
	size_t size;
	struct segue_midi midi;
};

static int setup(void **state)
{
	struct stage *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->size = sizeof(struct spa_pod_sequence);
	s->memory = calloc(1, s->size);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct stage *s = *state;

	free(s->memory);
	free(s);
	return 0;
}

static void clear(struct stage *s)
{
	s->size = sizeof(struct spa_pod_sequence);
}

static void add_typed(struct stage *s, uint32_t frame, uint32_t type, uint32_t pod, const void *bytes, uint32_t size)
{
	struct spa_pod_control control = { frame, type, { size, pod } };
	size_t padded = SPA_ROUND_UP_N(size, 8);

	s->memory = realloc(s->memory, s->size + sizeof(control) + padded);
	assert_non_null(s->memory);
	memset(s->memory + s->size, 0, sizeof(control) + padded);
	memcpy(s->memory + s->size, &control, sizeof(control));
	memcpy(s->memory + s->size + sizeof(control), bytes, size);
	s->size += sizeof(control) + padded;
}

#define ADD(s, frame, ...) do { \
	const uint8_t bytes_[] = { __VA_ARGS__ }; \
	add_typed(s, frame, SPA_CONTROL_Midi, SPA_TYPE_Bytes, bytes_, sizeof(bytes_)); \
} while (0)

#define ADD_UMP(s, frame, ...) do { \
	const uint32_t words_[] = { __VA_ARGS__ }; \
	add_typed(s, frame, SEGUE_CONTROL_UMP, SPA_TYPE_Bytes, words_, sizeof(words_)); \
} while (0)

static void begin(struct stage *s)
{
	struct spa_pod_sequence *sequence = (struct spa_pod_sequence *)s->memory;

	sequence->pod = (struct spa_pod) { s->size - sizeof(struct spa_pod), SPA_TYPE_Sequence };
	segue_midi_begin(&s->midi, sequence);
}

static void expect(struct stage *s, uint32_t frame, enum segue_midi_type type, uint8_t channel, uint8_t key,
		double value)
{
	struct segue_midi_event event;

	assert_true(segue_midi_next(&s->midi, &event));
	assert_int_equal(event.frame, frame);
	assert_int_equal(event.type, type);
	assert_int_equal(event.channel, channel);
	assert_int_equal(event.key, key);
	if (value != ANY)
		assert_near(event.value, value, 1e-9);
}

static void expect_end(struct stage *s)
{
	struct segue_midi_event event;

	assert_false(segue_midi_next(&s->midi, &event));
	assert_false(segue_midi_next(&s->midi, &event));
}

static void nothing_and_an_empty_sequence_are_no_events(void **state)
{
	struct stage *s = *state;

	segue_midi_begin(&s->midi, NULL);
	expect_end(s);
	begin(s);
	expect_end(s);
}

static void midi_1_messages_are_read_in_order(void **state)
{
	struct stage *s = *state;

	ADD(s, 0, 0x90, 60, 127);
	ADD(s, 0, 0x93, 61, 1);
	ADD(s, 7, 0x9f, 62, 0);
	ADD(s, 8, 0x82, 63, 64);
	ADD(s, 9, 0xb1, 7, 100);
	ADD(s, 10, 0xe0, 0, 64);
	ADD(s, 11, 0xe0, 0, 0);
	ADD(s, 12, 0xe0, 127, 127);
	ADD(s, 13, 0xa0, 60, 1);	/* not ours: pressure, program */
	ADD(s, 13, 0xc0, 60);
	ADD(s, 13, 0xd0, 60);
	begin(s);
	expect(s, 0, SEGUE_MIDI_NOTE_ON, 0, 60, 1.0);
	expect(s, 0, SEGUE_MIDI_NOTE_ON, 3, 61, 1.0 / 127.0);
	expect(s, 7, SEGUE_MIDI_NOTE_OFF, 15, 62, 0.0);
	expect(s, 8, SEGUE_MIDI_NOTE_OFF, 2, 63, 64.0 / 127.0);
	expect(s, 9, SEGUE_MIDI_CONTROLLER, 1, 7, 100.0 / 127.0);
	expect(s, 10, SEGUE_MIDI_BEND, 0, 0, 0.0);
	expect(s, 11, SEGUE_MIDI_BEND, 0, 0, -1.0);
	expect(s, 12, SEGUE_MIDI_BEND, 0, 0, 8191.0 / 8192.0);
	expect_end(s);
}

static void several_messages_and_running_status_in_one_event_are_read(void **state)
{
	struct stage *s = *state;

	ADD(s, 3, 0x90, 60, 100, 0x80, 60, 0, 0x91, 1, 2, 3, 4, 0xf8, 5, 6);
	ADD(s, 4, 7, 8);
	begin(s);
	expect(s, 3, SEGUE_MIDI_NOTE_ON, 0, 60, ANY);
	expect(s, 3, SEGUE_MIDI_NOTE_OFF, 0, 60, ANY);
	expect(s, 3, SEGUE_MIDI_NOTE_ON, 1, 1, ANY);
	expect(s, 3, SEGUE_MIDI_NOTE_ON, 1, 3, ANY);
	expect(s, 3, SEGUE_MIDI_NOTE_ON, 1, 5, ANY);
	expect(s, 4, SEGUE_MIDI_NOTE_ON, 1, 7, ANY);
	expect_end(s);
}

static void system_messages_are_passed_over_however_they_are_cut(void **state)
{
	struct stage *s = *state;

	ADD(s, 0, 0xf0, 1, 2, 3, 0xf7);
	ADD(s, 1, 0x90, 60, 1);
	ADD(s, 2, 0xf0, 1, 2);
	ADD(s, 3, 3, 4, 5);
	ADD(s, 4, 6, 0xf7, 0x90, 61, 1);
	ADD(s, 5, 0xf2, 1, 2, 0xf6, 0xfe, 0xf3, 1, 0x90, 62, 1);
	ADD(s, 6, 0xf0, 1, 2, 0x90, 63, 1);	/* broken off */
	begin(s);
	for (uint8_t k = 0; k < 4; k++)
		expect(s, (const uint8_t[]) { 1, 4, 5, 6 }[k], SEGUE_MIDI_NOTE_ON, 0, 60 + k, ANY);
	expect_end(s);
}

static void malformed_events_are_skipped(void **state)
{
	static const uint8_t on[] = { 0x90, 60, 1 };
	struct stage *s = *state;

	ADD(s, 0, 0x90, 60);			/* too short */
	ADD(s, 0, 0x90);
	ADD(s, 0, 60, 1);			/* no status */
	ADD(s, 0, 0x90, 0x80, 1);		/* no data */
	ADD(s, 0, 0x90, 1, 0xff);
	ADD(s, 0, 0x90, 1, 2, 3);		/* half a message more */
	add_typed(s, 0, SPA_CONTROL_Midi, SPA_TYPE_Bytes, on, 0);
	add_typed(s, 0, SPA_CONTROL_Midi, SPA_TYPE_Int, on, sizeof(on));
	add_typed(s, 0, SPA_CONTROL_OSC, SPA_TYPE_Bytes, on, sizeof(on));	/* isn't ours */
	ADD(s, 1, 0x90, 60, 1);
	begin(s);
	expect(s, 0, SEGUE_MIDI_NOTE_ON, 0, 1, ANY);
	expect(s, 1, SEGUE_MIDI_NOTE_ON, 0, 60, ANY);
	expect_end(s);
}

static void malformed_packets_are_skipped(void **state)
{
	static const uint8_t part[] = { 1, 2, 3, 4, 5, 6 };
	struct stage *s = *state;

	ADD_UMP(s, 0, 0x2090bc01);		/* a key above 127 */
	ADD_UMP(s, 0, 0x20903cff);
	ADD_UMP(s, 0, 0x40903c00);		/* half of one */
	ADD_UMP(s, 0, 0x4090bc00, 0xffff0000);
	add_typed(s, 0, SEGUE_CONTROL_UMP, SPA_TYPE_Bytes, part, 3);
	ADD_UMP(s, 1, 0x20903c01);
	begin(s);
	expect(s, 1, SEGUE_MIDI_NOTE_ON, 0, 60, ANY);
	expect_end(s);
}

static void packets_of_type_2_are_the_bytes_in_them(void **state)
{
	struct stage *s = *state;

	ADD_UMP(s, 0, 0x20903c7f, 0x2f913d00, 0x2082017f);
	ADD_UMP(s, 1, 0x20b10a40, 0x20e00040, 0x20c00500);
	begin(s);
	expect(s, 0, SEGUE_MIDI_NOTE_ON, 0, 60, 1.0);
	expect(s, 0, SEGUE_MIDI_NOTE_OFF, 1, 61, ANY);
	expect(s, 0, SEGUE_MIDI_NOTE_OFF, 2, 1, ANY);
	expect(s, 1, SEGUE_MIDI_CONTROLLER, 1, 10, 0.5);
	expect(s, 1, SEGUE_MIDI_BEND, 0, 0, 0.0);
	expect_end(s);
}

static void packets_of_type_4_are_finer(void **state)
{
	struct stage *s = *state;

	ADD_UMP(s, 0, 0x40903c00, 0xffff0000, 0x40913d03, 0x80001234);
	ADD_UMP(s, 1, 0x40923c00, 0, 0x40833c00, 0x12340000);
	ADD_UMP(s, 2, 0x40b00700, 0xffffffff, 0x40b00b00, 0, 0x40b00a00, 0x80000000, 0x40b00a00, 0xffffffff);
	ADD_UMP(s, 3, 0x40e00000, 0x80000000, 0x40e00000, 0, 0x40e00000, 0xffffffff);
	ADD_UMP(s, 4, 0x40200000, 1, 0x40600000, 1, 0x40f03c00, 1);	/* not ours */
	begin(s);
	expect(s, 0, SEGUE_MIDI_NOTE_ON, 0, 60, 1.0);
	expect(s, 0, SEGUE_MIDI_NOTE_ON, 1, 61, 64.0 / 127.0);
	expect(s, 1, SEGUE_MIDI_NOTE_ON, 2, 60, 0.0);
	expect(s, 1, SEGUE_MIDI_NOTE_OFF, 3, 60, ANY);
	expect(s, 2, SEGUE_MIDI_CONTROLLER, 0, 7, 1.0);
	expect(s, 2, SEGUE_MIDI_CONTROLLER, 0, 11, 0.0);
	expect(s, 2, SEGUE_MIDI_CONTROLLER, 0, 10, 0.5);
	expect(s, 2, SEGUE_MIDI_CONTROLLER, 0, 10, 1.0);
	expect(s, 3, SEGUE_MIDI_BEND, 0, 0, 0.0);
	expect(s, 3, SEGUE_MIDI_BEND, 0, 0, -1.0);
	expect(s, 3, SEGUE_MIDI_BEND, 0, 0, 8191.0 / 8192.0);
	expect_end(s);
}

static void packets_of_other_types_are_passed_over(void **state)
{
	struct stage *s = *state;

	/* each with a note behind it, so that its length counts */
	ADD_UMP(s, 0, 0x00000000, 0x20903c01, 0x10f80000, 0x20903c01);
	ADD_UMP(s, 0, 0x30160102, 0x03040506, 0x20903c01, 0x50000000, 1, 2, 3, 0x20903c01);
	ADD_UMP(s, 0, 0xd0100000, 1, 2, 3, 0x20903c01, 0xf0000000, 1, 2, 3, 0x20903c01);
	begin(s);
	for (uint32_t i = 0; i < 6; i++)
		expect(s, 0, SEGUE_MIDI_NOTE_ON, 0, 60, ANY);
	expect_end(s);
}

static void a_pan_has_its_middle_at_64(void **state)
{
	struct stage *s = *state;

	for (uint32_t v = 0; v < 128; v++)
		ADD(s, v, 0xb0, 10, v);
	begin(s);
	for (uint32_t v = 0; v < 128; v++)
		expect(s, v, SEGUE_MIDI_CONTROLLER, 0, 10, v <= 64 ? v / 128.0 : 0.5 + 0.5 * (v - 64) / 63.0);
	expect_end(s);
}

static void whatever_bytes_there_are_nothing_is_read_beyond_them(void **state)
{
	struct stage *s = *state;
	struct segue_midi_event event;

	for (uint32_t run = 0; run < 20000; run++) {
		uint32_t n = random_below(6), type = random_below(2) ? SPA_CONTROL_Midi : SEGUE_CONTROL_UMP;

		clear(s);
		for (uint32_t i = 0; i < n; i++) {
			uint8_t bytes[12];

			for (uint32_t b = 0; b < sizeof(bytes); b++)
				bytes[b] = random_below(2) ? random_below(256) : 0x80 | random_below(128);
			add_typed(s, i, type, SPA_TYPE_Bytes, bytes, random_below(13));
		}
		/* a size that lies */
		if (n > 0 && random_below(4) == 0)
			((struct spa_pod_control *)(s->memory + sizeof(struct spa_pod_sequence)))->value.size =
				random_below(2) ? UINT32_MAX - random_below(9) : random_below(200);
		/* or an end in the middle */
		if (random_below(4) == 0)
			s->size -= random_below(s->size - sizeof(struct spa_pod_sequence) + 1);
		begin(s);
		while (segue_midi_next(&s->midi, &event)) {
			assert_true(event.channel < 16 && event.key < 128);
			assert_true(event.value >= -1.0 && event.value <= 1.0);
		}
	}
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_and_an_empty_sequence_are_no_events),
		TEST(midi_1_messages_are_read_in_order),
		TEST(several_messages_and_running_status_in_one_event_are_read),
		TEST(system_messages_are_passed_over_however_they_are_cut),
		TEST(malformed_events_are_skipped),
		TEST(malformed_packets_are_skipped),
		TEST(packets_of_type_2_are_the_bytes_in_them),
		TEST(packets_of_type_4_are_finer),
		TEST(packets_of_other_types_are_passed_over),
		TEST(a_pan_has_its_middle_at_64),
		TEST(whatever_bytes_there_are_nothing_is_read_beyond_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
