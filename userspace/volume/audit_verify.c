// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/json.h"
#include "audit.h"
#include "audit_line.h"

/* A log being read: as long as it was when it was opened, between two appends. */
struct reader {
	FILE *f;
	off_t left;
	char *line;
	size_t cap;
};

struct chain {
	struct audit_chain *out;
	const char *want;
	uint64_t line;
	char hash[AUDIT_HASH_LEN + 1];
	char *torn;		/* the lines since the last record: only "audit-recovered" may follow */
	size_t torn_len;
};

/* The lock is held for the size only: whoever waits for a record must not wait for a reader of a long log. */
static int reader_open(struct reader *r, const char *path, struct err *e)
{
	struct stat st;
	int rc;

	memset(r, 0, sizeof(*r));
	r->f = fopen(path, "re");
	if (!r->f)
		return err_sys(e, -errno, "cannot open %s", path);
	if (flock(fileno(r->f), LOCK_SH) || fstat(fileno(r->f), &st)) {
		rc = -errno;
		err_sys(e, rc, "cannot read %s", path);
		fclose(r->f);
		r->f = NULL;
		return rc;
	}
	flock(fileno(r->f), LOCK_UN);
	r->left = st.st_size;
	return 0;
}

static void reader_close(struct reader *r)
{
	free(r->line);
	if (r->f)
		fclose(r->f);
}

/* reader_next - the length of a line with its newline; 0 at the end. */
static ssize_t reader_next(struct reader *r, const char *path, struct err *e)
{
	char *line = r->line;
	size_t cap = r->cap;
	ssize_t n;

	if (r->left <= 0)
		return 0;
	if (feof(r->f)) {
		err_set(e, -EIO, "%s became shorter while it was read", path);
		return -EIO;
	}
	n = getline(&line, &cap, r->f);
	r->line = line;
	r->cap = cap;
	if (n < 0) {
		err_set(e, -EIO, "cannot read %s", path);
		return -EIO;
	}
	r->left -= n;
	return n;
}

static int add_torn(struct chain *c, const char *line, size_t len, struct err *e)
{
	char *bigger;

	if (c->torn_len > 3 * AUDIT_LINE_MAX)
		return err_set(e, -EBADMSG, "line %llu is no record", (unsigned long long)c->line);
	bigger = realloc(c->torn, c->torn_len + len + 2);
	if (!bigger)
		return err_set(e, -ENOMEM, "out of memory");
	c->torn = bigger;
	if (c->torn_len)
		c->torn[c->torn_len++] = '\n';
	memcpy(c->torn + c->torn_len, line, len);
	c->torn_len += len;
	return 0;
}

/* follow - what the next record has to build on. */
static void follow(struct chain *c, const char *line, size_t len)
{
	char hash[sizeof(c->hash)];

	audit_line_hash(line, len, hash);
	memcpy(c->hash, hash, sizeof(hash));
}

/* note_rotation - of an "audit-rotated": the end of the file before. */
static void note_rotation(struct audit_chain *out, const char *line, size_t len)
{
	const char *event = "", *hash = "";
	int64_t seq = 0;
	const struct js_member members[] = {
		{ .name = "event", .kind = JS_STRING, .max = 64, .string = &event },
		{ .name = "previous_seq", .kind = JS_INT, .max = INT64_MAX, .number = &seq },
		{ .name = "previous_hash", .kind = JS_STRING, .min = AUDIT_HASH_LEN, .max = AUDIT_HASH_LEN,
		  .string = &hash },
		{ .name = NULL },
	};
	struct json_object *o;

	if (out->rotated || js_parse(line, len, 16, &o, NULL))
		return;
	if (!js_read_some(o, members, NULL) && !strcmp(event, AUDIT_ROTATED)) {
		out->rotated = true;
		out->previous_seq = seq;
		memcpy(out->previous, hash, sizeof(out->previous));
	}
	json_object_put(o);
}

static void note_record(struct chain *c, uint64_t seq, const char *line, size_t len)
{
	struct audit_chain *out = c->out;

	out->records++;
	out->seq = seq;
	follow(c, line, len);
	memcpy(out->head, c->hash, sizeof(out->head));
	note_rotation(out, line, len);
	if (c->want && !strcmp(c->want, c->hash)) {
		out->found = true;
		out->found_seq = seq;
	}
}

static int check_line(struct chain *c, const char *line, size_t len, struct err *e)
{
	char prev[AUDIT_HASH_LEN + 1];
	bool recovered;
	uint64_t seq;

	c->line++;
	if (!audit_line_read(line, len, &seq, prev, &recovered))
		return add_torn(c, line, len, e);
	if (c->torn_len) {
		if (!recovered)
			return err_set(e, -EBADMSG, "the line before line %llu is no record and no crash explains it",
				       (unsigned long long)c->line);
		follow(c, c->torn, c->torn_len);
	}
	if (strcmp(prev, c->hash))
		return err_set(e, -EBADMSG, "line %llu does not follow the one before: a line was changed, added or lost",
			       (unsigned long long)c->line);
	if (seq != c->out->seq + 1)
		return err_set(e, -EBADMSG, "line %llu has number %llu, not %llu", (unsigned long long)c->line,
			       (unsigned long long)seq, (unsigned long long)c->out->seq + 1);
	c->torn_len = 0;
	note_record(c, seq, line, len);
	return 0;
}

static int check_all(struct chain *c, struct reader *r, const char *path, struct err *e)
{
	ssize_t n;
	int rc = 0;

	while (!rc && (n = reader_next(r, path, e)) > 0) {
		if (r->line[n - 1] == '\n')
			rc = check_line(c, r->line, n - 1, e);
		else
			rc = err_set(e, -EBADMSG, "the last line is torn; the next append mends it");
	}
	if (!rc && n < 0)
		rc = n;
	if (!rc && c->torn_len)
		rc = err_set(e, -EBADMSG, "line %llu is no record", (unsigned long long)c->line);
	return rc;
}

int audit_follow(const char *path, const char *head, struct audit_chain *out, struct err *e)
{
	struct chain c = { .out = out, .want = head, .hash = AUDIT_GENESIS };
	struct reader r;
	int rc;

	memset(out, 0, sizeof(*out));
	strcpy(out->head, AUDIT_GENESIS);
	rc = reader_open(&r, path, e);
	if (rc)
		return rc;
	rc = check_all(&c, &r, path, e);
	free(c.torn);
	reader_close(&r);
	if (rc) {
		err_prefix(e, "%s", path);
		return rc;
	}
	if (head && !out->found)
		out->found = !strcmp(head, AUDIT_GENESIS) || (out->rotated && !strcmp(head, out->previous));
	return 0;
}

int audit_verify(const char *path, uint64_t *records, struct err *e)
{
	struct audit_chain chain;
	int rc = audit_follow(path, NULL, &chain, e);

	if (records)
		*records = chain.records;
	return rc;
}

int audit_each(const char *path, int (*fn)(void *ctx, const char *line, size_t len, struct json_object *record),
	       void *ctx, struct err *e)
{
	struct json_object *o;
	struct reader r;
	ssize_t n;
	int rc;

	rc = reader_open(&r, path, e);
	if (rc)
		return rc;
	while (!rc && (n = reader_next(&r, path, e)) > 0) {
		if (r.line[n - 1] != '\n' || js_parse(r.line, n - 1, 16, &o, NULL))
			continue;
		rc = fn(ctx, r.line, n - 1, o);
		json_object_put(o);
	}
	if (!rc && n < 0)
		rc = n;
	reader_close(&r);
	return rc;
}
