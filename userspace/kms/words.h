/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_WORDS_H
#define ECACHE_WORDS_H

#include <stddef.h>

#include "../common/err.h"

#define WORDS_MAX 64
#define WORDS_TEXT 4096

/* A command and its arguments, as execv() wants them. */
struct words {
	char *argv[WORDS_MAX + 1];
	char text[WORDS_TEXT];
};

/*
 * words_split - a command line, as AWS's tools split it without a shell: blanks separate, 'single quotes' keep all as
 * it is, "double quotes" all but \" and \\, and a backslash outside of quotes keeps the next character. No variable,
 * no pattern, no operator has a meaning. -EINVAL for none, too many or too long words, and for what is not closed.
 */
int words_split(const char *line, size_t len, struct words *out, struct err *e);

#endif
