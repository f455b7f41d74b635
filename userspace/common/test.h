/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_TEST_H
#define ECACHE_TEST_H

/* What every *_test.c includes: cmocka with the headers that it needs before itself. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

/* test_random - a small generator with a seed, so that a failing property can be run again. xorshift64*. */
static inline uint64_t test_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

#endif
