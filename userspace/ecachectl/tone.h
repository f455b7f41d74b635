/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_TONE_H
#define ECACHECTL_TONE_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Colour says again what a word says already: for a person at a terminal, and never with NO_COLOR (no-color.org) or on
 * a terminal that is "dumb".
 */
enum tone {
	TONE_PLAIN,
	TONE_GOOD,	/* green */
	TONE_CARE,	/* yellow */
	TONE_BAD,	/* red */
	TONE_HEAD,	/* bold */
};

bool tone_wanted(FILE *to);

/* tone_begin, tone_end - the escape sequences; "" for TONE_PLAIN and where none are wanted. */
const char *tone_begin(enum tone t, bool wanted);
const char *tone_end(enum tone t, bool wanted);

/* What a word of status means. */
enum tone tone_of_state(const char *state);
enum tone tone_of_verdict(const char *verdict);

#endif
