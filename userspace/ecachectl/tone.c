// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tone.h"

bool tone_wanted(FILE *to)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return !(no && *no) && term && *term && strcmp(term, "dumb") && isatty(fileno(to));
}

const char *tone_begin(enum tone t, bool wanted)
{
	static const char *const codes[] = {
		[TONE_PLAIN] = "",
		[TONE_GOOD] = "\033[32m",
		[TONE_CARE] = "\033[33m",
		[TONE_BAD] = "\033[31m",
		[TONE_HEAD] = "\033[1m",
	};

	return wanted ? codes[t] : "";
}

const char *tone_end(enum tone t, bool wanted)
{
	return wanted && t != TONE_PLAIN ? "\033[0m" : "";
}

static bool is_one_of(const char *word, const char *const *list)
{
	for (; *list; list++) {
		if (!strcmp(word, *list))
			return true;
	}
	return false;
}

enum tone tone_of_state(const char *state)
{
	static const char *const bad[] = { "revoked", "broken", "tearing-down", NULL };

	if (!strcmp(state, "open"))
		return TONE_GOOD;
	if (!strcmp(state, "closed") || !strcmp(state, "-"))
		return TONE_PLAIN;
	return is_one_of(state, bad) ? TONE_BAD : TONE_CARE;
}

enum tone tone_of_verdict(const char *verdict)
{
	static const char *const bad[] = { "revoked", "lost", NULL };

	if (!strcmp(verdict, "ok"))
		return TONE_GOOD;
	if (!strcmp(verdict, "-"))
		return TONE_PLAIN;
	return is_one_of(verdict, bad) ? TONE_BAD : TONE_CARE;
}
