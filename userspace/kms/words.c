// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "words.h"

struct splitter {
	const char *p, *end;
	char *to;
	const char *problem;
};

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void quoted(struct splitter *s, char quote)
{
	for (; s->p < s->end && *s->p != quote; s->p++) {
		if (quote == '"' && *s->p == '\\' && s->p + 1 < s->end && (s->p[1] == '"' || s->p[1] == '\\'))
			s->p++;
		*s->to++ = *s->p;
	}
	if (s->p == s->end)
		s->problem = "a quote is not closed";
	else
		s->p++;
}

/* one_word - never longer than what it is made of, so that the buffer for the line is enough. */
static void one_word(struct splitter *s)
{
	char c;

	while (!s->problem && s->p < s->end && !blank(*s->p)) {
		c = *s->p++;
		if (c == '\'' || c == '"')
			quoted(s, c);
		else if (c != '\\')
			*s->to++ = c;
		else if (s->p == s->end)
			s->problem = "a backslash is the last character";
		else
			*s->to++ = *s->p++;
	}
	*s->to++ = '\0';
}

int words_split(const char *line, size_t len, struct words *out, struct err *e)
{
	struct splitter s = { .p = line, .end = line + len, .to = out->text };
	size_t nr = 0;

	memset(out, 0, sizeof(*out));
	if (len >= sizeof(out->text))
		s.problem = "it is too long";
	else if (memchr(line, '\0', len))
		s.problem = "it holds a NUL";
	while (!s.problem) {
		while (s.p < s.end && blank(*s.p))
			s.p++;
		if (s.p == s.end)
			break;
		if (nr == WORDS_MAX) {
			s.problem = "it has too many words";
			break;
		}
		out->argv[nr++] = s.to;
		one_word(&s);
	}
	if (!s.problem && (!nr || !*out->argv[0]))
		s.problem = "it names no program";
	if (!s.problem)
		return 0;
	memset(out, 0, sizeof(*out));
	return err_set(e, -EINVAL, "bad command line: %s", s.problem);
}
