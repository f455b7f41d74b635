/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * What every *_fuzz.c includes. Such a file has one reader of bytes from outside as its subject, and hand-made inputs
 * in the directory NAME_fuzz.corpus beside it. Linked with libFuzzer (make fuzz, scripts/fuzz) it searches; linked with
 * replay.c it is a unit test. An input must do the same each time, whatever ran before it.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* fuzz_check - what holds for every input; both ways of running report the one that broke it. */
#define fuzz_check(what) do { \
	if (!(what)) { \
		fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #what); \
		abort(); \
	} \
} while (0)

/* fuzz_string - the input up to its first NUL, in memory of just that size, to be freed. */
static inline char *fuzz_string(const uint8_t *data, size_t size)
{
	char *s = strndup((const char *)data, size);

	if (!s)
		abort();
	return s;
}

/* fuzz_printable - ASCII that may go into logs as it is, and its NUL within @size bytes. */
static inline int fuzz_printable(const char *s, size_t size)
{
	size_t i;

	for (i = 0; i < size && s[i]; i++) {
		if (s[i] < ' ' || s[i] > '~')
			return 0;
	}
	return i < size;
}

#endif
