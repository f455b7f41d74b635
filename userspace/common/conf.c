// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "fsio.h"

#define CONF_FILE_MAX (1024 * 1024)
#define CONF_LINE_MAX 4096
#define CONF_KEY_MAX 40			/* longer than any key */

static char *trim(char *s)
{
	char *end;

	while (*s == ' ' || *s == '\t')
		s++;
	end = s + strlen(s);
	while (end > s && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	return s;
}

static int check_line(const char *line, size_t len, struct err *e)
{
	size_t i;

	if (len > CONF_LINE_MAX) {
		err_set(e, -EINVAL, "line is longer than %d bytes", CONF_LINE_MAX);
		return err_hint(e, "no value is that long: is it a configuration file?");
	}
	for (i = 0; i < len; i++) {
		if ((iscntrl((unsigned char)line[i]) && line[i] != '\t')) {
			err_set(e, -EINVAL, "control character 0x%02x", (unsigned char)line[i]);
			return err_hint(e, line[i] == '\r' ? "lines end with a newline alone: sed -i 's/\\r$//'" :
					"take it out; blanks and tabs are the only ones allowed");
		}
	}
	return 0;
}

/* distance - how many letters to put in, take out or change; both shorter than CONF_KEY_MAX. */
static size_t distance(const char *a, const char *b)
{
	size_t row[CONF_KEY_MAX + 1], i, j, best, above, diagonal;

	for (j = 0; j <= strlen(b); j++)
		row[j] = j;
	for (i = 1; i <= strlen(a); i++) {
		diagonal = row[0];
		row[0] = i;
		for (j = 1; j <= strlen(b); j++) {
			above = row[j];
			best = diagonal + (a[i - 1] != b[j - 1]);
			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diagonal = above;
		}
	}
	return row[strlen(b)];
}

static int unknown_key(const char *name, const struct conf_key *keys, struct err *e)
{
	const struct conf_key *k, *best = NULL;
	size_t least = 3, d;

	for (k = keys; k->name && strlen(name) < CONF_KEY_MAX; k++) {
		d = distance(k->name, name);
		if (d < least && 2 * d < strlen(name)) {
			least = d;
			best = k;
		}
	}
	err_set(e, -EINVAL, "unknown key \"%.64s\"", name);
	if (best)
		return err_hint(e, "is it %s that you mean?", best->name);
	return err_hint(e, "the manual lists the keys; put # before a line to leave it out");
}

/* @seen holds for each key the line that set it, 0 when none did. */
static int parse_line(char *line, unsigned int nr, const struct conf_key *keys, unsigned int *seen, void *ctx,
		      struct err *e)
{
	const struct conf_key *k;
	char *name, *value;

	name = trim(line);
	if (!*name || *line == '#')
		return 0;
	value = strchr(name, '=');
	if (!value) {
		err_set(e, -EINVAL, "not a \"key=value\" line");
		return err_hint(e, "put # before a comment");
	}
	*value++ = '\0';
	name = trim(name);
	value = trim(value);
	for (k = keys; k->name; k++) {
		if (!strcmp(k->name, name))
			break;
	}
	if (!k->name)
		return unknown_key(name, keys, e);
	if (seen[k - keys]) {
		err_set(e, -EINVAL, "key \"%s\" was set in line %u already", name, seen[k - keys]);
		return err_hint(e, "take one of the two lines out");
	}
	seen[k - keys] = nr;
	if (k->parse(ctx, value, e)) {
		err_prefix(e, "%s", name);
		if (!*e->hint)
			err_hint(e, "change the value, or put # before the line to have the default");
		return -EINVAL;
	}
	return 0;
}

static int parse_lines(const char *name, const char *buf, size_t len, const struct conf_key *keys, unsigned int *seen,
		       void *ctx, struct err *e)
{
	char line[CONF_LINE_MAX + 1];
	unsigned int nr = 0;
	const char *eol;
	size_t n;

	while (len) {
		nr++;
		eol = memchr(buf, '\n', len);
		n = eol ? (size_t)(eol - buf) : len;
		if (check_line(buf, n, e))
			goto bad;
		memcpy(line, buf, n);
		line[n] = '\0';
		if (parse_line(line, nr, keys, seen, ctx, e))
			goto bad;
		n += eol ? 1 : 0;
		buf += n;
		len -= n;
	}
	return 0;

bad:
	err_prefix(e, "%s:%u", name, nr);
	return -EINVAL;
}

int conf_parse_buf(const char *name, const char *buf, size_t len, const struct conf_key *keys, void *ctx, struct err *e)
{
	struct err unread = ERR_INIT;
	unsigned int *seen;
	size_t i, nr = 0;
	int rc;

	if (!e)
		e = &unread;
	while (keys[nr].name)
		nr++;
	seen = calloc(nr + 1, sizeof(*seen));
	if (!seen)
		return err_set(e, -ENOMEM, "%s: out of memory", name);
	rc = parse_lines(name, buf, len, keys, seen, ctx, e);
	for (i = 0; !rc && i < nr; i++) {
		if (keys[i].required && !seen[i]) {
			rc = err_set(e, -EINVAL, "%s: required key \"%s\" is missing", name, keys[i].name);
			err_hint(e, "add a line %s=...", keys[i].name);
		}
	}
	free(seen);
	return rc;
}

int conf_parse_file(const char *path, const struct conf_key *keys, void *ctx, struct err *e)
{
	char *buf;
	size_t len;
	int rc;

	rc = fsio_read(path, CONF_FILE_MAX, &buf, &len, e);
	if (rc)
		return rc;
	rc = conf_parse_buf(path, buf, len, keys, ctx, e);
	free(buf);
	return rc;
}

static unsigned int line_of(const char *buf, size_t len, const char *key)
{
	const size_t length = strlen(key);
	unsigned int nr = 0;
	const char *eol, *p;
	size_t n;

	for (; len; buf += n, len -= n) {
		nr++;
		eol = memchr(buf, '\n', len);
		n = eol ? (size_t)(eol - buf) + 1 : len;
		for (p = buf; p < buf + n && (*p == ' ' || *p == '\t'); p++)
			;
		if ((size_t)(buf + n - p) <= length || memcmp(p, key, length))
			continue;
		for (p += length; p < buf + n && (*p == ' ' || *p == '\t'); p++)
			;
		if (p < buf + n && *p == '=')
			return nr;
	}
	return 0;
}

unsigned int conf_line(const char *path, const char *key)
{
	unsigned int nr;
	char *buf;
	size_t len;

	if (fsio_read(path, CONF_FILE_MAX, &buf, &len, NULL))
		return 0;
	nr = line_of(buf, len, key);
	free(buf);
	return nr;
}

static void blame(const char *name, unsigned int nr, struct err *e)
{
	if (nr)
		err_prefix(e, "%s:%u", name, nr);
	else
		err_prefix(e, "%s", name);
}

void conf_blame(const char *path, const char *key, struct err *e)
{
	blame(path, conf_line(path, key), e);
}

void conf_blame_text(const char *name, const char *buf, size_t len, const char *key, struct err *e)
{
	blame(name, line_of(buf, len, key), e);
}

int conf_duration(const char *value, unsigned int min, unsigned int max, unsigned int *seconds, struct err *e)
{
	static const char bad[] = "not a duration (a whole number with s, m, h or d, as in \"15m\")";
	unsigned long long n = 0;
	unsigned int unit = 1;
	const char *p;

	for (p = value; isdigit((unsigned char)*p); p++) {
		n = n * 10 + (*p - '0');
		if (n > 0xffffffffULL)
			n = 0xffffffffULL;	/* out of any range; must not wrap */
	}
	if (p == value)
		return err_set(e, -EINVAL, bad);
	switch (*p) {
	case 'd':
		unit = 24 * 60 * 60;
		break;
	case 'h':
		unit = 60 * 60;
		break;
	case 'm':
		unit = 60;
		break;
	case 's':
	case '\0':
		break;
	default:
		return err_set(e, -EINVAL, bad);
	}
	if (*p && p[1])
		return err_set(e, -EINVAL, bad);
	n *= unit;
	if (n < min || n > max)
		return err_set(e, -ERANGE, "must be %us to %us", min, max);
	*seconds = n;
	return 0;
}
