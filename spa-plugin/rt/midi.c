/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "midi.h"

#include <string.h>

#include <spa/control/control.h>
#include <spa/utils/defs.h>
#include <spa/utils/type.h>

#define CC_PAN		10u

/* Where a controller of 7 bits stands. The middle of a pan is 64, so its two halves differ. */
SEGUE_DATA_LOOP static double stand(uint8_t controller, uint8_t value)
{
	if (controller != CC_PAN)
		return value / 127.0;
	return value <= 64 ? value / 128.0 : 0.5 + (value - 64) / 126.0;
}

/* The same of so many bits. MIDI 2.0 stretches the halves above and below the middle each by itself; what came from
 * 7 bits, or a bend's 14, so is what it was there. */
SEGUE_DATA_LOOP static double halves(uint32_t value, uint32_t bits, double middle, double below, double above)
{
	double half = (double)(UINT32_C(1) << (bits - 1)), distance = value - half;

	return distance <= 0.0 ? middle + distance / half * below : middle + distance / (half - 1.0) * above;
}

SEGUE_DATA_LOOP static double unit(uint32_t value, uint32_t bits)
{
	return halves(value, bits, 64.0 / 127.0, 64.0 / 127.0, 63.0 / 127.0);
}

SEGUE_DATA_LOOP static double stand_32(uint8_t controller, uint32_t value)
{
	return controller == CC_PAN ? halves(value, 32, 0.5, 0.5, 0.5) : unit(value, 32);
}

/* \return whether it is one of ours */
SEGUE_DATA_LOOP static bool read_voice_message(uint8_t status, uint8_t a, uint8_t b, struct segue_midi_event *ret)
{
	ret->channel = status & 0x0f;
	ret->key = a;
	switch (status & 0xf0) {
	case 0x80:
		ret->type = SEGUE_MIDI_NOTE_OFF;
		ret->value = b / 127.0;
		return true;
	case 0x90:
		ret->type = b > 0 ? SEGUE_MIDI_NOTE_ON : SEGUE_MIDI_NOTE_OFF;
		ret->value = b / 127.0;
		return true;
	case 0xb0:
		ret->type = SEGUE_MIDI_CONTROLLER;
		ret->value = stand(a, b);
		return true;
	case 0xe0:
		ret->type = SEGUE_MIDI_BEND;
		ret->key = 0;
		ret->value = ((b << 7 | a) - 8192) / 8192.0;
		return true;
	}
	return false;
}

/* ----------------------------------------------------------------- MIDI 1.0 */

SEGUE_DATA_LOOP static void skip_event(struct segue_midi *m)
{
	m->n_bytes = 0;
	m->status = 0;
}

SEGUE_DATA_LOOP static uint32_t count_data_bytes(uint8_t status)
{
	switch (status & 0xf0) {
	case 0xc0: case 0xd0:
		return 1;
	case 0xf0:
		return status == 0xf2 ? 2 : status == 0xf1 || status == 0xf3 ? 1 : 0;
	default:
		return 2;
	}
}

SEGUE_DATA_LOOP static void skip_bytes(struct segue_midi *m, uint32_t n)
{
	m->bytes += n;
	m->n_bytes -= n;
}

/* Past the data of a system exclusive message, and its end if that is here. */
SEGUE_DATA_LOOP static void skip_system(struct segue_midi *m)
{
	while (m->n_bytes > 0 && m->bytes[0] < 0x80)
		skip_bytes(m, 1);
	if (m->n_bytes == 0)
		return;
	if (m->bytes[0] == 0xf7)
		skip_bytes(m, 1);
	m->in_system = false;
}

/* One message. \return whether it is one of ours */
SEGUE_DATA_LOOP static bool read_bytes(struct segue_midi *m, struct segue_midi_event *ret)
{
	uint8_t data[2] = { 0 };
	uint32_t i, n_data;

	if (m->in_system) {
		skip_system(m);
		return false;
	}
	if (m->bytes[0] >= 0xf8) {	/* real time: one byte anywhere */
		skip_bytes(m, 1);
		return false;
	}
	if (m->bytes[0] >= 0x80) {
		m->status = m->bytes[0];
		skip_bytes(m, 1);
	}
	if (m->status == 0) {
		skip_event(m);
		return false;
	}
	n_data = count_data_bytes(m->status);
	for (i = 0; i < n_data; i++) {
		if (i >= m->n_bytes || (data[i] = m->bytes[i]) >= 0x80) {
			skip_event(m);
			return false;
		}
	}
	skip_bytes(m, n_data);
	if (m->status >= 0xf0) {
		m->in_system = m->status == 0xf0;
		m->status = 0;
		return false;
	}
	return read_voice_message(m->status, data[0], data[1], ret);
}

/* ---------------------------------------------------------------------- UMP */

/* of a packet, by its message type */
static const uint8_t n_words[16] = { 1, 1, 1, 2, 2, 4, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4 };

/* MIDI 2.0 channel voice */
SEGUE_DATA_LOOP static bool read_voice_message_2(uint32_t first, uint32_t value, struct segue_midi_event *ret)
{
	ret->channel = (first >> 16) & 0x0f;
	ret->key = (first >> 8) & 0x7f;
	switch ((first >> 16) & 0xf0) {
	case 0x80:
		ret->type = SEGUE_MIDI_NOTE_OFF;
		ret->value = unit(value >> 16, 16);
		return true;
	case 0x90:
		ret->type = SEGUE_MIDI_NOTE_ON;	/* at velocity 0 too */
		ret->value = unit(value >> 16, 16);
		return true;
	case 0xb0:
		ret->type = SEGUE_MIDI_CONTROLLER;
		ret->value = stand_32(ret->key, value);
		return true;
	case 0xe0:
		ret->type = SEGUE_MIDI_BEND;
		ret->key = 0;
		ret->value = halves(value, 32, 0.0, 1.0, 8191.0 / 8192.0);
		return true;
	}
	return false;
}

/* One packet. \return whether it is one of ours */
SEGUE_DATA_LOOP static bool read_packet(struct segue_midi *m, struct segue_midi_event *ret)
{
	uint32_t words[2] = { 0 }, type, size;
	bool is_malformed;

	if (m->n_bytes < sizeof(words[0])) {
		skip_event(m);
		return false;
	}
	memcpy(&words[0], m->bytes, sizeof(words[0]));
	type = words[0] >> 28;
	size = n_words[type] * sizeof(words[0]);
	/* data bytes have seven bits */
	is_malformed = (type == 2 && (words[0] & 0x8080)) || (type == 4 && (words[0] & 0x8000));
	if (m->n_bytes < size || is_malformed) {
		skip_event(m);
		return false;
	}
	if (type == 4)
		memcpy(&words[1], m->bytes + sizeof(words[0]), sizeof(words[1]));
	skip_bytes(m, size);
	if (type == 2)
		return read_voice_message((words[0] >> 16) & 0xff, (words[0] >> 8) & 0x7f, words[0] & 0x7f, ret);
	return type == 4 && read_voice_message_2(words[0], words[1], ret);
}

/* ----------------------------------------------------------------- sequences */

void segue_midi_begin(struct segue_midi *m, const struct spa_pod_sequence *sequence)
{
	/* once: the memory may be another process's too */
	uint32_t size = sequence != NULL ? __atomic_load_n(&sequence->pod.size, __ATOMIC_RELAXED) : 0;

	m->next = m->end = NULL;
	m->n_bytes = 0;
	if (size < sizeof(sequence->body))
		return;
	m->next = (const uint8_t *)(&sequence->body + 1);
	m->end = (const uint8_t *)&sequence->body + size;
}

/* \return false when there is none left */
SEGUE_DATA_LOOP static bool enter_control(struct segue_midi *m)
{
	struct spa_pod_control control;	/* a copy: what is checked is what is used */
	size_t left = (size_t)(m->end - m->next);

	if (left == 0)
		return false;
	if (left >= sizeof(control))
		memcpy(&control, m->next, sizeof(control));
	if (left < sizeof(control) || control.value.size > left - sizeof(control)) {
		m->next = m->end;
		return false;
	}
	if (control.type == SPA_CONTROL_Midi || control.type == SEGUE_CONTROL_UMP) {
		m->is_ump = control.type == SEGUE_CONTROL_UMP;
		m->frame = control.offset;
		m->bytes = m->next + sizeof(control);
		m->n_bytes = control.value.size;
		if (control.value.type != SPA_TYPE_Bytes || m->n_bytes == 0)
			skip_event(m);
	}
	m->next += SPA_MIN(left, sizeof(control) + SPA_ROUND_UP_N((size_t)control.value.size, 8));
	return true;
}

bool segue_midi_next(struct segue_midi *m, struct segue_midi_event *ret)
{
	for (;;) {
		while (m->n_bytes > 0) {
			ret->frame = m->frame;
			if (m->is_ump ? read_packet(m, ret) : read_bytes(m, ret))
				return true;
		}
		if (!enter_control(m))
			return false;
	}
}
