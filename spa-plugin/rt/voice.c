/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "voice.h"

#include <string.h>

#include <spa/utils/defs.h>

SEGUE_DATA_LOOP static const struct segue_buffer *buffer_of(const struct segue_voice *voice)
{
	return voice->ticket != NULL ? voice->ticket->buffer : NULL;
}

SEGUE_DATA_LOOP static uint32_t count_channels(const struct segue_buffer *buffer)
{
	if (buffer == NULL)
		return 0;
	switch (buffer->type) {
	case SEGUE_BUFFER_TABLE:
		return SPA_CONTAINER_OF(buffer, struct segue_table, buffer)->n_channels;
	case SEGUE_BUFFER_SAMPLE:
		return SPA_CONTAINER_OF(buffer, struct segue_sample, buffer)->n_channels;
	default:
		return 0;
	}
}

SEGUE_DATA_LOOP static void read_channel(const struct segue_voice *voice, uint32_t channel,
		const struct segue_turns *turns, uint32_t rate, float *ret)
{
	const struct segue_buffer *buffer = voice->ticket->buffer;

	if (buffer->type == SEGUE_BUFFER_TABLE)
		segue_table_read(SPA_CONTAINER_OF(buffer, struct segue_table, buffer), channel, turns, ret);
	else
		segue_sample_read(SPA_CONTAINER_OF(buffer, struct segue_sample, buffer), channel,
				voice->head, rate, ret, turns->n_frames);
}

SEGUE_DATA_LOOP static void read_mean(const struct segue_voice *voice, uint32_t n_channels,
		const struct segue_turns *turns, uint32_t rate, float *ret)
{
	float one[SEGUE_BLOCK_FRAMES];
	uint32_t c, i;

	read_channel(voice, 0, turns, rate, ret);
	for (c = 1; c < n_channels; c++) {
		read_channel(voice, c, turns, rate, one);
		for (i = 0; i < turns->n_frames; i++)
			ret[i] += one[i];
	}
	for (i = 0; i < turns->n_frames; i++)
		ret[i] /= (float)n_channels;
}

void segue_voice_start(struct segue_voice *voice, const struct segue_ticket *ticket,
		const struct segue_voice *before)
{
	struct segue_voice started = { .ticket = ticket };
	const struct segue_buffer *buffer = buffer_of(&started);

	if (buffer != NULL && buffer->type == SEGUE_BUFFER_SAMPLE) {
		const struct segue_sample *sample = SPA_CONTAINER_OF(buffer, struct segue_sample, buffer);

		started.sample_rate = sample->rate;
		if ((ticket->flags & SEGUE_TICKET_REMAKE) && before->sample_rate > 0)
			started.head = segue_playhead_remade(&before->head, before->sample_rate,
					sample);
	}
	*voice = started;
}

void segue_voice_play(struct segue_voice *voice, const struct segue_turns *turns, uint32_t rate,
		segue_row *outputs, uint32_t n_outputs)
{
	const struct segue_buffer *buffer = buffer_of(voice);
	uint32_t n_channels = count_channels(buffer);
	size_t size = turns->n_frames * sizeof(float);

	if (n_outputs == 1 && n_channels > 1) {
		read_mean(voice, n_channels, turns, rate, outputs[0]);
	} else {
		for (uint32_t c = 0; c < n_outputs; c++) {
			if (c < n_channels)
				read_channel(voice, c, turns, rate, outputs[c]);
			else if (n_channels == 1)
				memcpy(outputs[c], outputs[0], size);
			else
				memset(outputs[c], 0, size);
		}
	}
	if (voice->sample_rate > 0)
		segue_playhead_advance(&voice->head, SPA_CONTAINER_OF(buffer, struct segue_sample, buffer),
				rate, turns->n_frames);
}
