// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/fsio.h"
#include "../common/json.h"
#include "../common/log.h"
#include "audit.h"
#include "audit_line.h"

#define RESERVE_SUFFIX ".reserve"
#define MUST_TRIES 5
#define MUST_PAUSE_MS 100

/*
 * The end of the log: what the next record builds on. Torn is what a crash left behind the last record: mostly one line
 * without its newline, more when the mending was itself cut off. It is one piece to the chain: the record that names it
 * hashes over all of it.
 */
struct tail {
	uint64_t seq;			/* of the last record, 0 when there is none */
	char hash[AUDIT_HASH_LEN + 1];	/* of the last record's line, or of the torn piece */
	off_t size;
	bool newline;			/* the last byte is one */
	size_t torn_bytes;
};

/* The last line of @buf (which ends where the log ends): where it begins. */
static size_t last_line(const char *buf, size_t end)
{
	while (end && buf[end - 1] != '\n')
		end--;
	return end;
}

/*
 * scan_back - find the last record in @buf, the end of the log (all of it when @whole). What stands behind it is
 * torn; its sequence number, if it had one, was never answered for and is given again.
 */
static int scan_back(const char *buf, size_t len, bool whole, struct tail *t)
{
	size_t end = len, line_end, begin;
	char prev[AUDIT_HASH_LEN + 1];
	bool recovered;

	t->newline = buf[len - 1] == '\n';
	if (t->newline)
		end--;
	for (line_end = end, begin = last_line(buf, end);; line_end = begin - 1, begin = last_line(buf, line_end)) {
		if (audit_line_read(buf + begin, line_end - begin, &t->seq, prev, &recovered))
			break;
		if (!begin) {
			if (!whole)
				return -EBADMSG;
			audit_line_hash(buf, end, t->hash);
			t->torn_bytes = end;
			return 0;
		}
	}
	if (line_end == end) {
		audit_line_hash(buf + begin, end - begin, t->hash);
		return 0;
	}
	audit_line_hash(buf + line_end + 1, end - line_end - 1, t->hash);
	t->torn_bytes = end - line_end - 1;
	return 0;
}

static int read_tail(int fd, struct tail *t)
{
	struct stat st;
	size_t want;
	char *buf;
	int rc;

	memset(t, 0, sizeof(*t));
	t->newline = true;
	memcpy(t->hash, AUDIT_GENESIS, sizeof(AUDIT_GENESIS));
	if (fstat(fd, &st))
		return -errno;
	t->size = st.st_size;
	if (!st.st_size)
		return 0;
	want = st.st_size < 3 * AUDIT_LINE_MAX ? st.st_size : 3 * AUDIT_LINE_MAX;
	buf = malloc(want);
	if (!buf)
		return -ENOMEM;
	rc = pread_all(fd, buf, want, st.st_size - want);
	if (!rc)
		rc = scan_back(buf, want, want == (size_t)st.st_size, t);
	free(buf);
	return rc;
}

/* make_reserve - blocks that are really there: posix_fallocate, so that unlinking it frees room on a full disk. */
static void make_reserve(const char *path)
{
	char name[4096];
	struct stat st;
	int fd, rc;

	if (snprintf(name, sizeof(name), "%s" RESERVE_SUFFIX, path) >= (int)sizeof(name))
		return;
	fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		log_warn("audit: no reserve at %s: %s", name, strerror(errno));
		return;
	}
	if (fstat(fd, &st) || st.st_size < AUDIT_RESERVE) {
		rc = posix_fallocate(fd, 0, AUDIT_RESERVE);
		if (rc) {
			log_warn("audit: no reserve at %s: %s", name, strerror(rc));
			unlink(name);
		}
	}
	close(fd);
}

void audit_spend_reserve(const char *path)
{
	char name[4096];

	if (snprintf(name, sizeof(name), "%s" RESERVE_SUFFIX, path) < (int)sizeof(name) && !unlink(name))
		log_warn("audit: the disk is full, the reserve at %s was spent", name);
}

/* sync_dir - a log that was just made must still have its name after a crash. */
static void sync_dir(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd < 0 || fsync(fd))
		log_warn("audit: cannot flush the directory of %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(copy);
}

static int open_log(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_sys(e, -errno, "cannot open the audit log %s", path);
	sync_dir(path);
	return fd;
}

int audit_open(struct audit *a, const char *path, struct err *e)
{
	int rc;

	a->fd = -1;
	a->path = strdup(path);
	if (!a->path)
		return err_set(e, -ENOMEM, "out of memory");
	rc = open_log(path, e);
	if (rc < 0) {
		audit_close(a);
		return rc;
	}
	a->fd = rc;
	make_reserve(path);
	return 0;
}

bool audit_rotated(const struct audit *a)
{
	struct stat held, named;

	return a->fd >= 0 && !fstat(a->fd, &held) &&
	       (lstat(a->path, &named) || held.st_dev != named.st_dev || held.st_ino != named.st_ino);
}

void audit_close(struct audit *a)
{
	if (a->fd >= 0)
		close(a->fd);
	free(a->path);
	a->fd = -1;
	a->path = NULL;
}

static int put_time(struct json_object *o)
{
	char text[64], whole[32];
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03uZ", whole, (unsigned int)(now.tv_nsec / 1000000) % 1000);
	return js_put_string(o, "time", text);
}

static int put_fields(struct json_object *o, struct json_object *fields)
{
	if (!fields)
		return 0;
	json_object_object_foreach(fields, name, value) {
		if (json_object_object_get_ex(o, name, NULL) || !strcmp(name, "prev") || !strcmp(name, "request_id"))
			return -EINVAL;
		if (!value ? js_put_null(o, name) : js_put(o, name, json_object_get(value)))
			return -ENOMEM;
	}
	return 0;
}

/* What one append says. */
struct entry {
	const char *event, *volume, *request_id;
	struct json_object *fields;
};

/* build - the record's line with its newline; the member order is that of formats.md. */
static int build(const struct tail *t, const struct entry *r, char **line, size_t *len)
{
	struct json_object *o = json_object_new_object();
	const char *text;
	int rc = -ENOMEM;

	*line = NULL;
	if (js_put(o, "seq", json_object_new_int64(t->seq + 1)) || put_time(o) ||
	    js_put_string(o, "event", r->event) || js_put_string(o, "volume", r->volume ? r->volume : ""))
		goto out;
	rc = put_fields(o, r->fields);
	if (rc)
		goto out;
	rc = -ENOMEM;
	if (js_put_string(o, "request_id", r->request_id ? r->request_id : "") || js_put_string(o, "prev", t->hash))
		goto out;
	text = js_text(o, len);
	if (!text)
		goto out;
	rc = *len >= AUDIT_LINE_MAX ? -EMSGSIZE : 0;
	if (rc)
		goto out;
	*line = malloc(*len + 2);
	if (!*line) {
		rc = -ENOMEM;
		goto out;
	}
	memcpy(*line, text, *len);
	(*line)[(*len)++] = '\n';
	(*line)[*len] = '\0';
out:
	json_object_put(o);
	return rc;
}

/*
 * put_line - append, and on the disk; a part that a full disk let through is taken back, so that no torn line is
 * left.
 */
static int put_line(int fd, struct tail *t, const struct entry *r)
{
	char *line;
	size_t len;
	int rc;

	rc = build(t, r, &line, &len);
	if (rc)
		return rc;
	rc = write_all(fd, line, len);
	if (!rc && fdatasync(fd))
		rc = -errno;
	if (rc) {
		/* On an append-only (chattr +a) file this fails, and the next append finds a torn line. */
		if (ftruncate(fd, t->size))
			log_warn("audit: a torn line stays: %s", strerror(errno));
	} else {
		t->seq++;
		t->size += len;
		audit_line_hash(line, len - 1, t->hash);
	}
	free(line);
	return rc;
}

/* mend - end the torn line that a crash left, keep it, and say so in a record that hashes over it. */
static int mend(int fd, struct tail *t)
{
	struct entry r = { .event = AUDIT_RECOVERED };
	int rc = 0;

	if (!t->newline) {
		rc = write_all(fd, "\n", 1);
		t->size += !rc;
	}
	if (rc || !t->torn_bytes)
		return rc;	/* a whole record that only lacked its newline needs no record */
	r.fields = json_object_new_object();
	rc = js_put(r.fields, "torn_bytes", json_object_new_int64(t->torn_bytes));
	if (!rc)
		rc = put_line(fd, t, &r);
	json_object_put(r.fields);
	if (!rc)
		log_warn("audit: the end was torn by a crash (%zu bytes); it is kept and named", t->torn_bytes);
	return rc;
}

static int lock(int fd)
{
	while (flock(fd, LOCK_EX)) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

/*
 * lock_current - the lock of the file that has the name. Nobody appends to a file that was renamed away: once its lock
 * was free, its end stays its end.
 */
static int lock_current(struct audit *a)
{
	int rc = lock(a->fd), fd;

	while (!rc && audit_rotated(a)) {
		fd = open_log(a->path, NULL);
		/* Not by close() alone: a child may have inherited the descriptor, and with it the lock. */
		flock(a->fd, LOCK_UN);
		if (fd < 0)
			return fd;
		close(a->fd);
		a->fd = fd;
		rc = lock(fd);
	}
	return rc;
}

static int append_locked(struct audit *a, const struct entry *r)
{
	struct tail t;
	int rc;

	rc = lock_current(a);
	if (!rc)
		rc = read_tail(a->fd, &t);
	if (!rc && (!t.newline || t.torn_bytes))
		rc = mend(a->fd, &t);
	if (!rc)
		rc = put_line(a->fd, &t, r);
	flock(a->fd, LOCK_UN);
	return rc;
}

static int append(struct audit *a, const struct entry *r, bool must, struct err *e)
{
	int rc, tries;

	if (a->fd < 0)
		return err_set(e, -EBADF, "the audit log is not open");
	rc = append_locked(a, r);
	/* More than once: who is just making a new reserve has the room for a moment. */
	for (tries = 0; must && (rc == -ENOSPC || rc == -EDQUOT) && tries < MUST_TRIES; tries++) {
		if (tries)
			sleep_ms(MUST_PAUSE_MS);
		audit_spend_reserve(a->path);
		rc = append_locked(a, r);
	}
	if (!rc)
		return 0;
	err_sys(e, rc, "cannot record \"%s\" in the audit log %s", r->event, a->path);
	if (rc == -ENOSPC || rc == -EDQUOT)
		err_hint(e, "make room on its file system; nothing is handed out that cannot be recorded");
	return rc;
}

int audit_append(struct audit *a, const char *event, const char *volume, struct json_object *fields,
		 const char *request_id, struct err *e)
{
	const struct entry r = { .event = event, .volume = volume, .request_id = request_id, .fields = fields };

	return append(a, &r, false, e);
}

int audit_append_must(struct audit *a, const char *event, const char *volume, struct json_object *fields,
		      const char *request_id, struct err *e)
{
	const struct entry r = { .event = event, .volume = volume, .request_id = request_id, .fields = fields };

	return append(a, &r, true, e);
}

int audit_head(struct audit *a, char hex[AUDIT_HASH_LEN + 1], uint64_t *seq, struct err *e)
{
	struct tail t;
	int rc;

	memcpy(hex, AUDIT_GENESIS, sizeof(AUDIT_GENESIS));
	*seq = 0;
	rc = a->fd < 0 ? -EBADF : read_tail(a->fd, &t);
	if (rc)
		return err_sys(e, rc, "cannot read the audit log");
	memcpy(hex, t.hash, sizeof(t.hash));
	*seq = t.seq;
	return 0;
}

int audit_link(struct audit *a, char hex[AUDIT_HASH_LEN + 1], uint64_t *seq, struct err *e)
{
	struct json_object *fields = json_object_new_object();
	int rc = lock(a->fd);

	if (!rc)
		rc = audit_head(a, hex, seq, e);
	flock(a->fd, LOCK_UN);
	if (!rc)
		rc = js_put(fields, "previous_seq", json_object_new_int64((int64_t)*seq));
	if (!rc)
		rc = js_put_string(fields, "previous_hash", hex);
	if (!rc)
		rc = audit_append(a, AUDIT_ROTATED, NULL, fields, NULL, e);
	json_object_put(fields);
	return rc;
}
