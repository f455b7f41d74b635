/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_AUDIT_H
#define ECACHE_AUDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <json-c/json.h>

#include "../common/err.h"

/*
 * The audit log: one JSON object a line, append only, each holding the hash of the line before.
 * Several processes may append (the file is locked for the length of one append). A torn last line
 * (crash, kill -9) is kept, ended, and named by an "audit-recovered" record; nothing is ever cut
 * off. To rotate it, it is renamed: each append goes to the file that has the name under the lock.
 */
#define AUDIT_LOG "/var/log/ecache/audit.log"
#define AUDIT_HASH_LEN 64
#define AUDIT_LINE_MAX (32 * 1024)
#define AUDIT_RESERVE (1024 * 1024)	/* bytes kept beside the log for AUDIT_MUST records */

struct audit {
	int fd;
	char *path;
};

#define AUDIT_INIT { .fd = -1 }

/* audit_open - creates the file (0600) and its reserve (PATH.reserve) when missing. */
int audit_open(struct audit *a, const char *path, struct err *e);
void audit_close(struct audit *a);

/*
 * audit_append - a record, on the disk when 0 is returned. @fields (may be NULL, stays the
 * caller's) gives further members; it must not hold seq, time, event, volume, request_id, prev or a
 * secret. @volume and @request_id may be NULL. -ENOSPC: nothing was recorded, so what the record is
 * about must not be done (`open` is refused).
 */
int audit_append(struct audit *a, const char *event, const char *volume,
		 struct json_object *fields, const char *request_id, struct err *e);

/*
 * audit_append_must - the same for what is done anyway (revoke, teardown, lock): on ENOSPC the
 * reserve is spent.
 */
int audit_append_must(struct audit *a, const char *event, const char *volume,
		      struct json_object *fields, const char *request_id, struct err *e);

/* audit_spend_reserve - room for something else that has to be written on the same, full, file system. */
void audit_spend_reserve(const char *path);

/*
 * audit_head - hash of the last whole line (64 zeros when empty) and its sequence number, for the
 * journal.
 */
int audit_head(struct audit *a, char hex[AUDIT_HASH_LEN + 1], uint64_t *seq, struct err *e);

/* audit_rotated - the file that is open has not the log's name any more. */
bool audit_rotated(const struct audit *a);

/*
 * audit_link - after a rotation: the record "audit-rotated" in the log that has the name now, with sequence number and
 * hash of the last one in the file that @a had open, also in *seq and @hex. Then @a has the new log.
 */
int audit_link(struct audit *a, char hex[AUDIT_HASH_LEN + 1], uint64_t *seq, struct err *e);

/* What a log says of itself, when its chain holds. */
struct audit_chain {
	uint64_t records;
	uint64_t seq;				/* of the last record, its hash in head */
	char head[AUDIT_HASH_LEN + 1];
	bool rotated;				/* it begins after another file, of which this was the end */
	uint64_t previous_seq;
	char previous[AUDIT_HASH_LEN + 1];
	bool found;				/* the hash that was asked for is one of the chain's */
	uint64_t found_seq;			/* of its record; 0: of the file before, or nothing was before */
};

/*
 * audit_follow - the whole chain, as long as it is at the moment of the call; -EBADMSG names the line. A log whose end
 * was cut off is a good chain: @head (may be NULL), a hash noted earlier, tells, if it is not found.
 */
int audit_follow(const char *path, const char *head, struct audit_chain *out, struct err *e);

/* audit_verify - the same, for who wants to know no more. *records: how many (may be NULL). */
int audit_verify(const char *path, uint64_t *records, struct err *e);

/* audit_each - each record, in order, until @fn returns other than 0, which is returned; what is none is left out. */
int audit_each(const char *path, int (*fn)(void *ctx, const char *line, size_t len, struct json_object *record),
	       void *ctx, struct err *e);

#endif
