/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* What a worker does for a sound, step by step. */

#include "sound-job.h"

#include "make/instrument.h"

static int add_decoder(struct segue_sound_job *j, struct segue_decoder *decoder)
{
	const struct segue_header *h, *first;

	if (decoder == NULL)
		return j->make.error.res;
	j->decoders[j->n_decoders++] = decoder;
	h = segue_decoder_header(decoder);
	first = segue_decoder_header(j->decoders[0]);
	if (h->channels != first->channels)
		return segue_error_set(&j->make.error, -EBADMSG, "%s: its files have %u and %u channels", j->name,
				first->channels, h->channels);
	for (uint32_t i = 0; i + 1 < j->n_decoders; i++) {
		if (segue_decoder_header(j->decoders[i])->rate == h->rate)
			return segue_error_set(&j->make.error, -EBADMSG, "%s: two of its files have %u Hz", j->name,
					h->rate);
	}
	return 0;
}

/* Each file is for a rate. */
static int open_rates(struct segue_sound_job *j)
{
	uint32_t i, n = j->n_paths + j->n_fds;
	int res = 0;

	for (i = 0; i < n && res == 0; i++)
		res = add_decoder(j, segue_decoder_open(&j->make,
				j->n_paths > 0 ? (const char *const *)&j->paths[i] : NULL,
				j->n_fds > 0 ? &j->fds[i] : NULL, 1, &j->options));
	return res;
}

static int check_sample(void *data, const char *path, struct segue_error *error)
{
	return segue_fence_check(data, path, error);
}

static int open_kit(struct segue_sound_job *j)
{
	struct segue_path_check check = { check_sample, &j->fence };

	j->kit = segue_kit_open(&j->make, j->paths[0], j->is_fenced ? &check : NULL);
	return j->kit == NULL ? j->make.error.res : 0;
}

static int run_open(struct segue_sound_job *j)
{
	int fd = j->fds[0];

	if (j->kind == SEGUE_KIND_INSTRUMENT)
		return open_kit(j);
	if (j->is_rates)
		return open_rates(j);
	if (j->type != SEGUE_RECIPE_SAMPLES)
		return add_decoder(j, segue_decoder_open(&j->make, (const char *const *)j->paths,
				j->n_fds > 0 ? j->fds : NULL, j->n_paths + j->n_fds, &j->options));
	j->fds[0] = -1;	/* the decoder's now, also when it fails */
	return add_decoder(j, segue_decoder_open_raw(&j->make, fd, &j->options));
}

static int decode_all(struct segue_sound_job *j)
{
	for (uint32_t i = 0; i < j->n_decoders; i++) {
		struct segue_sample *sample = segue_sample_decode(&j->make, j->decoders[i], &j->options);

		segue_decoder_free(j->decoders[i]);
		j->decoders[i] = NULL;
		if (sample == NULL)
			return j->make.error.res;
		j->originals[j->n_originals++] = &sample->buffer;
	}
	return 0;
}

static const struct segue_sample *pick_original(const struct segue_sound_job *j)
{
	uint32_t rates[SEGUE_RATES_MAX];

	for (uint32_t i = 0; i < j->n_originals; i++)
		rates[i] = segue_buffer_rate(j->originals[i]);
	return (const struct segue_sample *)
		j->originals[segue_sound_job_pick(rates, j->n_originals, j->rate)];
}

/* What is to be played, or to be made something of when a convolver asks. */
static int make_from_files(struct segue_sound_job *j)
{
	const struct segue_sample *sample;
	struct segue_sample *resampled;
	struct segue_table *table;
	int res;

	if ((res = decode_all(j)) < 0)
		return res;
	sample = pick_original(j);
	if (j->kind != SEGUE_KIND_RESPONSE)
		j->peak = segue_buffer_peak(&sample->buffer);
	else if ((res = segue_response_gain(&j->make, sample, &j->peak)) < 0)
		return res;
	if (j->kind == SEGUE_KIND_TABLE) {
		if ((table = segue_table_from_sample(&j->make, sample)) == NULL)
			return j->make.error.res;
		j->made = &table->buffer;
	} else if (j->n_originals > 1 || (j->kind == SEGUE_KIND_SAMPLE && j->rate != 0 && j->rate != sample->rate)) {
		if ((resampled = segue_sample_resample(&j->make, sample, j->rate)) == NULL)
			return j->make.error.res;
		j->made = &resampled->buffer;
	} else {
		j->made = j->originals[--j->n_originals];
	}
	/* what was made has everything its original had, unless that had the higher rate */
	if (j->n_originals == 1 && segue_buffer_rate(j->originals[0]) <= segue_buffer_rate(j->made))
		segue_memory_free(j->memory, j->originals[--j->n_originals]);
	return 0;
}

static int make_instrument(struct segue_sound_job *j)
{
	struct segue_instrument *instrument = segue_instrument_make(&j->make, j->kit, j->options.gain, &j->peak);

	if (instrument == NULL)
		return j->make.error.res;
	j->made = &instrument->buffer;
	return 0;
}

static int run_make(struct segue_sound_job *j)
{
	if (j->kit != NULL)
		return make_instrument(j);
	if (j->type != SEGUE_RECIPE_WAVE)
		return make_from_files(j);

	j->made = segue_wave_make(&j->make, j->wave, &j->options, j->rate);
	if (j->made == NULL)
		return j->make.error.res;
	j->peak = segue_buffer_peak(j->made);
	return 0;
}

static int run_remake(struct segue_sound_job *j)
{
	struct segue_sample *sample = segue_sample_resample(&j->make,
			(const struct segue_sample *)j->from, j->rate);

	if (sample == NULL)
		return j->make.error.res;
	j->made = &sample->buffer;
	return 0;
}

static int run_respond(struct segue_sound_job *j)
{
	const struct segue_sample *sample = (const struct segue_sample *)j->from;
	struct segue_sample *resampled = NULL;
	struct segue_response *response;

	if (sample->rate != j->rate || j->own_rate != j->rate) {
		if ((resampled = segue_response_resample(&j->make, sample, j->own_rate, j->rate,
						j->response.frames_max)) == NULL)
			return j->make.error.res;
		sample = resampled;
	}
	response = segue_response_from_sample(&j->make, sample, &j->response);
	segue_memory_free(j->memory, resampled);
	if (response == NULL)
		return j->make.error.res;
	j->made = &response->buffer;
	return 0;
}

static int run_write(struct segue_sound_job *j)
{
	const struct segue_sample *sample = (const struct segue_sample *)j->from;
	struct segue_sample *period = NULL;
	int res;

	if (j->from->type == SEGUE_BUFFER_TABLE) {
		if ((period = segue_sample_from_table(&j->make, (const struct segue_table *)j->from)) == NULL)
			return j->make.error.res;
		sample = period;
	}
	res = segue_wav_write(&j->make, sample, j->fds[0]);
	segue_memory_free(j->memory, period);
	return res;
}

int segue_sound_work(struct segue_sound_job *j)
{
	switch (j->step) {
	case SEGUE_SOUND_OPEN:
		return run_open(j);
	case SEGUE_SOUND_MAKE:
		return run_make(j);
	case SEGUE_SOUND_REMAKE:
		return run_remake(j);
	case SEGUE_SOUND_RESPOND:
		return run_respond(j);
	case SEGUE_SOUND_WRITE:
		return run_write(j);
	}
	return -EINVAL;
}
