/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_TEST_KIT_FIXTURE_H
#define SEGUE_TEST_KIT_FIXTURE_H

#include "make-fixture.h"
#include "make/instrument.h"

/** \file
 * Instruments called kit.sfz, and samples for them. */

#define RATE		44100u

/** Frame i of channel c of a file that begins at base: different everywhere, exact in 32 bits. */
float ramp_value(float base, uint32_t c, uint64_t i);
void write_ramp(struct make_fixture *f, const char *name, float base, uint32_t n_frames, uint32_t channels,
		uint32_t rate);

struct segue_kit *open_kit(struct make_fixture *f, const char *text);
/** \return NULL with the make's error */
struct segue_instrument *make_with_gain(struct make_fixture *f, const char *text, double gain, float *peak);
/** One that mustn't be refused. */
struct segue_instrument *make_instrument(struct make_fixture *f, const char *text);
void assert_refused(struct make_fixture *f, const char *text, int res, const char *message);
/** Frames of a file that begins at base, with guards of silence. */
void assert_frames(const struct segue_sample *sample, float base, uint32_t n_channels, uint64_t first,
		uint64_t n_frames);

#endif /* SEGUE_TEST_KIT_FIXTURE_H */
