/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_TEST_SFZ_FIXTURE_H
#define SEGUE_TEST_SFZ_FIXTURE_H

#include "make-fixture.h"
#include "make/sfz.h"

/** \file
 * Texts of instruments that are read as kit.sfz, without their samples. */

/** The file of this name, called kit.sfz. */
struct segue_sfz *sfz_read_file(struct make_fixture *f, const char *name);
/** A text, which mustn't be refused. */
struct segue_sfz *sfz_read_text(struct make_fixture *f, const char *text);
void assert_refused(struct make_fixture *f, const char *text, int res, const char *message);

#endif /* SEGUE_TEST_SFZ_FIXTURE_H */
