/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* RealtimeSanitizer's runtime, to be preloaded into a program that wasn't built with it: clang has it as a static
 * library only, for programs, which initialises itself in a section that a shared library can't have. */

void __rtsan_ensure_initialized(void);

/* of all libraries the first (-z initfirst): the others' allocate already */
__attribute__((constructor)) static void initialize(void)
{
	__rtsan_ensure_initialized();
}
