/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_KIT_H
#define SEGUE_MAKE_KIT_H

#include "make.h"
#include "sfz.h"

/** \file
 * Instruments that are opened and not yet made: their text is read, and of their samples the headers, so that all
 * that is wrong with the text or missing among the samples is known early. Messages read
 * `kit.sfz: snare.flac: no such file`. */

#define SEGUE_KIT_NAME_MAX	512u

/** What a header told. */
struct segue_kit_file {
	char *identity;
	uint32_t channels;
	uint64_t frames;	/**< 0: not known */
};

/** Frames of a file that regions play: stored once, however many do. As the text has them. */
struct segue_kit_run {
	uint32_t file;
	uint64_t first, end;
};

/** An instrument that was opened; no file stays open. */
struct segue_kit {
	struct segue_sfz *sfz;
	struct segue_kit_file *files;	/**< as sfz->files */
	struct segue_kit_run *runs;
	uint32_t n_runs;
	uint32_t *run_of;	/**< region -> run */
	char *identity;
	struct segue_header header;
};

/** \param path  of the SFZ file: its samples are found from its folder
 * \param check  for the samples' paths, or NULL
 * \return NULL with make->error */
SEGUE_WORKER struct segue_kit *segue_kit_open(struct segue_make *make, const char *path,
		const struct segue_path_check *check);
/** Most channels, highest rate and all frames of the files (0: one doesn't tell); bytes of the instrument. */
const struct segue_header *segue_kit_header(const struct segue_kit *kit);
/** Of the texts and the samples, see segue_decoder_identity(). */
const char *segue_kit_identity(const struct segue_kit *kit);
/** What isn't followed, as text, or "". */
const char *segue_kit_unfollowed(const struct segue_kit *kit);
/** Accepts NULL. */
void segue_kit_free(struct segue_kit *kit);

/** The make of one of its files: what it says begins with the instrument's name and the file's own.
 * \param name  room for them, as long as the make lives */
struct segue_make segue_kit_make(const struct segue_kit *kit, const struct segue_make *make, uint32_t file,
		char name[SEGUE_KIT_NAME_MAX]);
/** Decode it as it is. A file that is another one by now is an error.
 * \param one  its make
 * \return NULL with one->error */
SEGUE_WORKER struct segue_sample *segue_kit_decode(const struct segue_kit *kit, struct segue_make *one, uint32_t file);

#endif /* SEGUE_MAKE_KIT_H */
