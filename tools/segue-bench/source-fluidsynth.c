/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "source.h"

#include <math.h>
#include <stdlib.h>

#include <spa/utils/defs.h>

#include <fluidsynth.h>

/* Plays from a soundfont that isn't in any file: one preset, of the sample's channels, each a voice of its own. */

#define KEYS_PER_CHANNEL	16u
#define LONG_TIMECENTS		8000.0f	/* 100 s, the longest decay there is */
#define CENTIBELS		60.0f	/* it falls to the half */
#define PAN			500.0f	/* to one side */

struct fluid {
	const struct segue_voice_work *work;
	fluid_settings_t *settings;
	fluid_synth_t *synth;
	fluid_sfont_t *font;
	fluid_preset_t *preset;
	fluid_sample_t *samples[2];
};

static bool can(const struct segue_voice_kind *kind)
{
	return kind->reader != SEGUE_READER_TABLE;
}

static const char *font_name(fluid_sfont_t *font)
{
	return "bench";
}

static fluid_preset_t *find_preset(fluid_sfont_t *font, int bank, int program)
{
	return ((struct fluid *)fluid_sfont_get_data(font))->preset;
}

static int free_font(fluid_sfont_t *font)
{
	return 0;
}

static const char *preset_name(fluid_preset_t *preset)
{
	return "bench";
}

static int preset_number(fluid_preset_t *preset)
{
	return 0;
}

static void free_preset(fluid_preset_t *preset)
{
}

static int strike_preset(fluid_preset_t *preset, fluid_synth_t *synth, int channel, int key, int velocity)
{
	struct fluid *f = fluid_preset_get_data(preset);

	for (uint32_t c = 0; c < f->work->kind->n_channels; c++) {
		fluid_voice_t *voice = fluid_synth_alloc_voice(synth, f->samples[c], channel, key, velocity);

		if (voice == NULL)
			return FLUID_FAILED;
		fluid_voice_gen_set(voice, GEN_SAMPLEMODE, 1.0f);
		fluid_voice_gen_set(voice, GEN_VOLENVDECAY, LONG_TIMECENTS);
		fluid_voice_gen_set(voice, GEN_VOLENVSUSTAIN, CENTIBELS);
		if (f->work->kind->n_channels == 2)
			fluid_voice_gen_set(voice, GEN_PAN, c == 0 ? -PAN : PAN);
		if (f->work->kind->reader == SEGUE_READER_UNITY)
			fluid_voice_gen_set(voice, GEN_OVERRIDEROOTKEY, (float)key);
		fluid_synth_start_voice(synth, voice);
	}
	return FLUID_OK;
}

static void close_fluid(void *data)
{
	struct fluid *f = data;

	delete_fluid_synth(f->synth);
	delete_fluid_settings(f->settings);
	if (f->preset != NULL)
		delete_fluid_preset(f->preset);
	if (f->font != NULL)
		delete_fluid_sfont(f->font);
	for (uint32_t c = 0; c < SPA_N_ELEMENTS(f->samples); c++) {
		if (f->samples[c] != NULL)
			delete_fluid_sample(f->samples[c]);
	}
	free(f);
}

static fluid_sample_t *make_sample(const struct segue_sample *from, uint32_t channel)
{
	fluid_sample_t *sample = new_fluid_sample();
	short *data = malloc(from->n_frames * sizeof(*data));

	for (uint64_t i = 0; data != NULL && i < from->n_frames; i++)
		data[i] = (short)lrintf(32767.0f * from->data[channel][i]);
	if (sample != NULL && data != NULL &&
	    fluid_sample_set_sound_data(sample, data, NULL, (unsigned int)from->n_frames, from->rate, 1) == FLUID_OK) {
		fluid_sample_set_pitch(sample, (int)from->root_key, 0);
		fluid_sample_set_loop(sample, (unsigned int)from->loop_start, (unsigned int)from->loop_end);
	}
	free(data);
	return sample;
}

static bool open_synth(struct fluid *f)
{
	const struct segue_voice_work *w = f->work;

	/* it warns of audio drivers, which nobody asked it for */
	fluid_set_log_function(FLUID_WARN, NULL, NULL);
	if ((f->settings = new_fluid_settings()) == NULL)
		return false;
	fluid_settings_setnum(f->settings, "synth.sample-rate", w->rate);
	fluid_settings_setint(f->settings, "synth.polyphony", (int)(w->n_voices * w->kind->n_channels));
	fluid_settings_setint(f->settings, "synth.reverb.active", 0);
	fluid_settings_setint(f->settings, "synth.chorus.active", 0);
	fluid_settings_setint(f->settings, "synth.cpu-cores", 1);
	if ((f->synth = new_fluid_synth(f->settings)) == NULL)
		return false;
	fluid_synth_set_interp_method(f->synth, -1,
			w->kind->reader == SEGUE_READER_LINEAR ? FLUID_INTERP_LINEAR : FLUID_INTERP_4THORDER);
	return true;
}

static bool open_font(struct fluid *f)
{
	const struct segue_sample *sample = SPA_CONTAINER_OF(f->work->buffers[0], struct segue_sample, buffer);
	int id;

	for (uint32_t c = 0; c < sample->n_channels; c++) {
		if ((f->samples[c] = make_sample(sample, c)) == NULL)
			return false;
	}
	if ((f->font = new_fluid_sfont(font_name, find_preset, NULL, NULL, free_font)) == NULL ||
	    (f->preset = new_fluid_preset(f->font, preset_name, preset_number, preset_number, strike_preset,
			free_preset)) == NULL)
		return false;
	fluid_sfont_set_data(f->font, f);
	fluid_preset_set_data(f->preset, f);
	if ((id = fluid_synth_add_sfont(f->synth, f->font)) < 0)
		return false;
	for (int c = 0; c < fluid_synth_count_midi_channels(f->synth); c++)
		fluid_synth_program_select(f->synth, c, id, 0, 0);
	return true;
}

static void *open_fluid(const struct segue_voice_work *work)
{
	struct fluid *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->work = work;
	if (!open_synth(f) || !open_font(f)) {
		close_fluid(f);
		return NULL;
	}
	return f;
}

static void strike(void *data, uint32_t voice)
{
	struct fluid *f = data;
	uint32_t key = segue_voice_work_key(f->work, voice);

	/* a key that sounds already would be released: at one pitch they need keys of their own */
	if (f->work->kind->reader == SEGUE_READER_UNITY)
		key += voice % KEYS_PER_CHANNEL;
	fluid_synth_noteon(f->synth, (int)(voice / KEYS_PER_CHANNEL), (int)key, 100);
}

static void process(void *data, float *const out[SEGUE_PLAYER_OUTPUTS])
{
	struct fluid *f = data;

	fluid_synth_write_float(f->synth, (int)f->work->quantum, out[0], 0, 1, out[1], 0, 1);
}

static uint32_t count(const void *data)
{
	const struct fluid *f = data;

	return (uint32_t)fluid_synth_get_active_voice_count(f->synth) / f->work->kind->n_channels;
}

const struct segue_voice_player segue_player_fluidsynth = { "fluidsynth", "moving", can, open_fluid, strike, process,
	count, close_fluid };
