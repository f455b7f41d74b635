/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_DMLINE_H
#define ECACHE_DMLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../common/err.h"
#include "keyid.h"
#include "name.h"

/* The texts exchanged with the target "ecache": table line out, status line in. Pure functions. */
#define DM_TARGET "ecache"
#define DM_LINE_MAX 1024

/* A mapping as the agent makes it; formats.md and Documentation/dm-ecache.rst. */
struct dm_table {
	uint64_t sectors;		/* length in 512-byte sectors, whole crypto sectors */
	const char *cipher;		/* "aes-xts-plain64" */
	unsigned int key_size;		/* bytes */
	dev_t dev;
	uint64_t offset;		/* start of the data on dev, 512-byte sectors */
	unsigned int sector_size;	/* bytes */
	const char *key_id;		/* 32 hex */
	const char *cache_id;
	bool allow_discards;
	unsigned int lease;		/* seconds, 0: none */
};

/* dm_table_params - what follows "0 LEN ecache ". -EINVAL, -ENOSPC. */
int dm_table_params(const struct dm_table *t, char *out, size_t size, struct err *e);

/*
 * dm_table_sectors - the length of the mapping on a device of @bytes with data at @offset bytes:
 * rounded down to whole crypto sectors; 0 when nothing fits.
 */
uint64_t dm_table_sectors(uint64_t bytes, uint64_t offset, unsigned int sector_size);

enum dm_state { DM_STATE_LOCKED, DM_STATE_ACTIVE, DM_STATE_REVOKING, DM_STATE_REVOKED };

const char *dm_state_name(enum dm_state s);

struct dm_status {
	enum dm_state state;
	char engine[16];
	char driver[64];
	char key_id[KEYID_LEN + 1];	/* "" when '-' */
	int64_t lease;			/* seconds left, -1 when '-' */
	uint64_t reads, writes;		/* I/Os */
	uint64_t read_sectors, write_sectors;	/* 512-byte sectors */
	uint64_t inline_ios, deferred, errors;
	char reason[64];		/* last reason, "-" when none */
};

/*
 * dm_status_parse - the status line (without start, length and target). -EBADMSG. Later versions
 * may append fields.
 */
int dm_status_parse(const char *line, struct dm_status *st);

#endif
