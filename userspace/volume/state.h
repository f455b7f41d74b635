/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_STATE_H
#define ECACHE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "../common/err.h"
#include "header.h"

/*
 * What this host remembers about a volume (Documentation/formats.md): rollback protection and grant
 * history.
 */
#define STATE_DIR "/var/lib/ecache/volumes"
#define STATE_VERDICT_MAX 31
#define STATE_REASON_MAX 511
#define STATE_REQUEST_MAX 79

struct state {
	char luks_uuid[LUKS_UUID_LEN + 1];
	uint64_t epoch;
	char token_sha256[TOKEN_HASH_LEN + 1];
	struct token token;
	char grant_id[KMS_GRANT_ID_MAX + 1];
	int64_t grant_created;		/* seconds since the epoch, 0 unknown */
	bool ok_without_token;

	bool has_last_ok;
	struct {
		int64_t realtime;	/* seconds since the epoch */
		int64_t boottime_ms;	/* CLOCK_BOOTTIME */
		char boot_id[LUKS_UUID_LEN + 1];	/* /proc/sys/kernel/random/boot_id */
	} last_ok;

	bool is_revoked;
	struct {
		int64_t at;		/* seconds since the epoch */
		char verdict[STATE_VERDICT_MAX + 1];
		char reason[STATE_REASON_MAX + 1];	/* printable ASCII */
		char request_id[STATE_REQUEST_MAX + 1];
	} revoked;
};

/*
 * state_load - DIR/NAME.json: -ENOENT (new host), -EBADMSG (damaged: refuse, do not guess), -EIO.
 */
int state_load(const char *dir, const char *name, struct state *s, struct err *e);

/* state_store - replace atomically, mode 0600, durable on return. */
int state_store(const char *dir, const char *name, const struct state *s, struct err *e);

/* state_remove - durable; a missing file is success. */
int state_remove(const char *dir, const char *name, struct err *e);

/*
 * state_adopt_header - take uuid, epoch, token and its hash over from a header (create, new host,
 * accepted older one).
 */
void state_adopt_header(struct state *s, const struct header *h);

/* state_note_ok - now, as last_ok. state_note_ok_at - a moment of this boot, CLOCK_BOOTTIME in ms. */
void state_note_ok(struct state *s);
void state_note_ok_at(struct state *s, int64_t boottime_ms);

/* state_ok_this_boot - last_ok on CLOCK_BOOTTIME in ms; 0: none, or in another boot. */
int64_t state_ok_this_boot(const struct state *s);

/*
 * state_check_header - is the header the one this host saw last, or a newer one? -ESTALE: another
 * uuid, a lower epoch, or the same epoch with another token; @e explains and names
 * --accept-older-header. 0 otherwise; the caller then adopts and stores.
 */
int state_check_header(const struct state *s, const struct header *h, struct err *e);

#endif
