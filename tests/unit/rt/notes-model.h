/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef TEST_RT_NOTES_MODEL_H
#define TEST_RT_NOTES_MODEL_H

#include <stdint.h>

#include <segue/handover.h>

/** \file
 * A slow model of a source with two outputs that plays notes: every frame of every note for itself, in double
 * precision. Levels and interpolation are the engine's, since they are part of the sound; nothing else is. */

#define MODEL_VOICES	64u
#define MODEL_CHANNELS	3u	/* of MIDI */

/** The envelope of its notes. */
extern const struct model_shape { double attack, decay, sustain, release; } model_shape;

struct model;

/** \param tickets  that were applied, in their order; they outlive it */
struct model *model_new(struct segue_ticket *const tickets[], uint32_t n_tickets);
void model_free(struct model *m);

/** A frame begins, perhaps a swap with it. Then comes what is heard in it, then its sound. */
void model_begin(struct model *m, uint64_t frame);
/** \param bytes  a MIDI 1.0 message */
void model_hear(struct model *m, const uint8_t *bytes);
void model_frame(struct model *m, uint64_t frame, double out[2]);
/** Voices that sound. */
uint32_t model_count(const struct model *m);

#endif /* TEST_RT_NOTES_MODEL_H */
