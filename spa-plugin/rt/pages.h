/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_PAGES_H
#define SEGUE_RT_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spa/utils/defs.h>

#include <segue/handover.h>

/** \file
 * Have memory present before a cycle uses it: the first one to do so would meet page faults. */

#define SEGUE_PAGE_BYTES	4096u		/* or more */
#define SEGUE_STACK_BYTES	(32u * 1024u)	/* three times what a cycle takes, with the FFT's share */

/** Memory as others have mapped it, of 1 byte at least; what is in it stays.
 * \param is_written  nobody else writes it, and we will: until somebody has, it may be a page of zeros that many share */
static inline SEGUE_MAIN_LOOP void segue_pages_touch(void *p, size_t size, bool is_written)
{
	for (size_t i = 0; i < size + SEGUE_PAGE_BYTES - 1; i += SEGUE_PAGE_BYTES) {
		volatile uint8_t *byte = SPA_PTROFF(p, SPA_MIN(i, size - 1), uint8_t);
		uint8_t value = *byte;

		if (is_written)
			*byte = value;
	}
}

/** The stack. Runs on the data loop, between cycles. */
static inline SEGUE_DATA_LOOP void segue_pages_touch_stack(void)
{
	uint8_t bytes[SEGUE_STACK_BYTES];

	for (uint32_t i = 0; i < SEGUE_STACK_BYTES; i += SEGUE_PAGE_BYTES)
		*(volatile uint8_t *)&bytes[i] = 0;
}

#endif /* SEGUE_RT_PAGES_H */
