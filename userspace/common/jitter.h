/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COMMON_JITTER_H
#define COMMON_JITTER_H

#include <stdint.h>

/* jitter_up_to - 0..n, by xorshift64* from *@state, which is not 0. To spread what would come at once; no secrecy. */
static inline int64_t jitter_up_to(uint64_t *state, int64_t n)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return n > 0 ? (int64_t)((*state * 0x2545f4914f6cdd1dULL >> 1) % (uint64_t)(n + 1)) : 0;
}

#endif
