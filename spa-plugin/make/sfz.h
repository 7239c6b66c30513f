/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_SFZ_H
#define SEGUE_MAKE_SFZ_H

#include <stdbool.h>
#include <stdint.h>

#include "../rt/instrument.h"
#include "make.h"

/** \file
 * The text of an SFZ instrument: version 1 and what is common of version 2, as sfzformat.com describes it. A
 * parser of our own: Debian 12 has none (sfizz, liquidsfz and LinuxSampler are whole synthesizers, and keep
 * theirs to themselves).
 *
 * Headers are control, global, master, group and region; others, and opcodes that aren't followed, are named
 * once. Of alternatives that would be chosen from by chance or in turn the first is played. An `#include` is
 * looked for from the instrument's folder down and nowhere else. Samples may lie anywhere, `../samples` too:
 * their paths are held against the caller's fence, as the instrument's own was, before anything is opened. */

#define SEGUE_SFZ_TEXT_MAX	(4u * 1024u * 1024u)	/* of all files together */

/** May a path be opened? Held against it is what will be opened: absolute if the instrument's path is, and
 * without `.` and `..`. */
struct segue_path_check {
	/** \return 0, or -EACCES with an error */
	int (*check)(void *data, const char *path, struct segue_error *error);
	void *data;
};

enum segue_sfz_loop {
	SEGUE_SFZ_LOOP_FILE,	/**< as the sample's own chunk has it */
	SEGUE_SFZ_LOOP_NONE,
	SEGUE_SFZ_LOOP_FORWARD,
};

#define SEGUE_SFZ_KEY_OF_FILE	(-1.0)
#define SEGUE_SFZ_UNSET		UINT64_MAX

/** One region, as far as the text decides it. Frames are counted from the file's first. */
struct segue_sfz_region {
	struct segue_region region;	/**< all but `root` and `sample` */
	double center;		/**< key, or SEGUE_SFZ_KEY_OF_FILE */
	double tuning;		/**< semitones */
	enum segue_sfz_loop loop;
	uint64_t loop_start, loop_end;	/**< end: the frame behind; SEGUE_SFZ_UNSET */
	uint64_t first, end;	/**< what is played, likewise */
	uint32_t file;		/**< which of files */
};

struct segue_sfz_file {
	char *path;		/**< what is opened */
	char *name;		/**< what messages call it: as the text does */
};

struct segue_sfz {
	struct segue_sfz_region *regions;
	uint32_t n_regions;	/**< 1..SEGUE_REGIONS_MAX */
	struct segue_sfz_file *files;
	uint32_t n_files;	/**< each once */
	char *identity;		/**< of the texts, see segue_decoder_identity() */
	char unfollowed[1024];	/**< opcodes and headers, each once, as far as they fit: "cutoff, <curve>"; or "" */
};

/** Read an instrument's text.
 * \param check  for samples, or NULL: anything may be opened
 * \return NULL with make->error: what is malformed is named by file, line and opcode (-EBADMSG) */
SEGUE_WORKER struct segue_sfz *segue_sfz_read(struct segue_make *make, const char *path,
		const struct segue_path_check *check);
/** Accepts NULL. */
void segue_sfz_free(struct segue_sfz *sfz);

#endif /* SEGUE_MAKE_SFZ_H */
