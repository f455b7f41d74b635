/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_AUDIT_H
#define ECACHE_AUDIT_H

#include <stdint.h>
#include <json-c/json.h>

#include "../common/err.h"

/*
 * The audit log: one JSON object a line, append only, each holding the hash of the line before.
 * Several processes may append (the file is locked for the length of one append). A torn last line
 * (crash, kill -9) is kept, ended, and named by an "audit-recovered" record; nothing is ever cut
 * off.
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

/*
 * audit_head - hash of the last whole line (64 zeros when empty) and its sequence number, for the
 * journal.
 */
int audit_head(struct audit *a, char hex[AUDIT_HASH_LEN + 1], uint64_t *seq, struct err *e);

/* audit_verify - the whole chain; -EBADMSG names the line. *records: how many (may be NULL). */
int audit_verify(const char *path, uint64_t *records, struct err *e);

#endif
