// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdint.h>
#include <string.h>

#include "../common/encode.h"
#include "scan.h"

/* Deeper than any answer of KMS; bounds the recursion. */
#define DEPTH_MAX 16

/* Any doubt ends in @bad. */
struct scan {
	char *p;
	char *end;
	bool bad;
};

/* A string between its quotes, escapes as they stand. */
struct text {
	char *at;
	size_t len;
};

static void skip_blanks(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

/* take - the next character after blanks must be @c. */
static bool take(struct scan *s, char c)
{
	skip_blanks(s);
	if (s->p < s->end && *s->p == c) {
		s->p++;
		return true;
	}
	return false;
}

static int hex4(const char *p)
{
	uint8_t b[2];

	return hex_decode(p, 4, b) ? -1 : b[0] << 8 | b[1];
}

static struct text scan_string(struct scan *s)
{
	struct text t = { NULL, 0 };

	if (!take(s, '"')) {
		s->bad = true;
		return t;
	}
	t.at = s->p;
	for (; s->p < s->end && *s->p != '"'; s->p++) {
		if ((unsigned char)*s->p < ' ')
			goto bad;
		if (*s->p != '\\')
			continue;
		s->p++;
		if (s->p == s->end)
			goto bad;
		if (*s->p == 'u') {
			if (s->end - s->p < 5 || hex4(s->p + 1) < 0)
				goto bad;
			s->p += 4;
		} else if (!*s->p || !strchr("\"\\/bfnrt", *s->p)) {
			goto bad;
		}
	}
	if (s->p == s->end)
		goto bad;
	t.len = s->p - t.at;
	s->p++;
	return t;

bad:
	s->bad = true;
	return t;
}

/* unescaped - the character at *p of a string that scan_string() accepted; -1 for one that is not ASCII. */
static int unescaped(const char **p)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *q = *p;
	int c;

	if (*q != '\\') {
		(*p)++;
		return (unsigned char)*q;
	}
	if (q[1] == 'u') {
		*p += 6;
		c = hex4(q + 2);
		return c < 0x80 ? c : -1;
	}
	*p += 2;
	return to[strchr(from, q[1]) - from];
}

static bool text_is(const struct text *t, const char *want)
{
	const char *p = t->at;

	while (p < t->at + t->len) {
		if (!*want || unescaped(&p) != (unsigned char)*want)
			return false;
		want++;
	}
	return !*want;
}

static void scan_value(struct scan *s, int depth);

static void scan_members(struct scan *s, int depth)
{
	if (take(s, '}'))
		return;
	do {
		scan_string(s);
		if (s->bad || !take(s, ':')) {
			s->bad = true;
			return;
		}
		scan_value(s, depth);
	} while (!s->bad && take(s, ','));
	if (!take(s, '}'))
		s->bad = true;
}

static void scan_elements(struct scan *s, int depth)
{
	if (take(s, ']'))
		return;
	do {
		scan_value(s, depth);
	} while (!s->bad && take(s, ','));
	if (!take(s, ']'))
		s->bad = true;
}

/* Numbers and words are only delimited here: whoever reads the rest of the text checks them. */
static void scan_word(struct scan *s)
{
	char *start = s->p;

	while (s->p < s->end && *s->p && strchr("+-.0123456789Eabcdefghijklmnopqrstuvwxyz", *s->p))
		s->p++;
	if (s->p == start)
		s->bad = true;
}

static void scan_value(struct scan *s, int depth)
{
	skip_blanks(s);
	if (depth > DEPTH_MAX || s->p == s->end)
		s->bad = true;
	else if (*s->p == '"')
		scan_string(s);
	else if (take(s, '{'))
		scan_members(s, depth + 1);
	else if (take(s, '['))
		scan_elements(s, depth + 1);
	else
		scan_word(s);
}

/* unescape - in place; some encoders write '/' as "\/". False for what is not ASCII. */
static bool unescape(struct scan_member *m)
{
	const char *p = m->at;
	char *to = m->at;
	int c;

	while (p < m->at + m->raw_len) {
		c = unescaped(&p);
		if (c < 0)
			return false;
		*to++ = c;
	}
	m->len = to - m->at;
	return true;
}

static void take_member(struct scan *s, struct scan_member *m)
{
	struct text t;

	skip_blanks(s);
	if (m->seen || s->p == s->end) {
		s->bad = true;
		return;
	}
	m->seen = true;
	if (*s->p == '"' && !m->word) {
		t = scan_string(s);
		m->at = t.at;
		m->raw_len = t.len;
		return;
	}
	t.at = s->p;
	scan_word(s);
	t.len = s->p - t.at;
	if (m->word) {
		m->at = t.at;
		m->len = t.len;
	} else if (!text_is(&t, "null")) {
		s->bad = true;
	}
}

static void take_members(struct scan *s, struct scan_member *members, size_t nr)
{
	struct text name;
	size_t i;

	do {
		name = scan_string(s);
		if (s->bad || !take(s, ':')) {
			s->bad = true;
			return;
		}
		for (i = 0; i < nr && !text_is(&name, members[i].name); i++)
			;
		if (i < nr)
			take_member(s, &members[i]);
		else
			scan_value(s, 1);
	} while (!s->bad && take(s, ','));
	if (!take(s, '}'))
		s->bad = true;
}

bool scan_object(char *body, size_t len, struct scan_member *members, size_t nr)
{
	struct scan s = { .p = body, .end = body + len };
	size_t i;

	if (!take(&s, '{'))
		return false;
	if (!take(&s, '}'))
		take_members(&s, members, nr);
	skip_blanks(&s);
	if (s.bad || s.p != s.end)
		return false;
	/* Only now, when all of it has been read as it stood. */
	for (i = 0; i < nr; i++) {
		if (!members[i].at && members[i].required)
			return false;
		if (members[i].at && !members[i].word && !unescape(&members[i]))
			return false;
	}
	return true;
}
