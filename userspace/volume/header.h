/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_HEADER_H
#define ECACHE_HEADER_H

#include <stdint.h>

#include "../common/err.h"
#include "../common/secret.h"
#include "token.h"

/*
 * The LUKS2 header of a volume, over libcryptsetup. @path is a block device or (tests, images) a
 * regular file of at least HEADER_BYTES; give device_path() of an open struct device so that the
 * path cannot come to mean another disk. libcryptsetup's messages go to the debug log, and its last
 * error into struct err; never to the screen. libcryptsetup claims a block device exclusively while
 * it formats: drop the claim (device_unclaim()) before.
 *
 * These calls read and write the disk: run them where waiting for a disk is allowed (not in
 * ecached's event loop when other volumes wait; a child or `ecachectl`).
 */
#define HEADER_BYTES	(1024 * 1024)	/* data offset; format and wipe touch no more */
#define HEADER_CIPHER	TOKEN_CIPHER

struct header_spec {
	const char *luks_uuid;
	const char *cache_id;		/* becomes the label, cut to 47 characters */
	unsigned int sector_size;	/* bytes; 512, 1024, 2048, 4096 */
};

/*
 * What a header may look like. Only the pin says so (pin_header()): a header that could choose would lose its
 * keyslots' prohibition to whoever adds one.
 */
enum header_shape {
	HEADER_CREATED,		/* as create writes it: there is no room for a keyslot */
	HEADER_ADOPTED,		/* cryptsetup's, with our token; no keyslots, but room for them */
	HEADER_WITH_KEYSLOTS,	/* the same, and its keyslots were kept: the KMS is not the only way to the key */
	HEADER_FOREIGN,		/* cryptsetup's before it is adopted: keyslots, no token of ours */
};

/* What header_load() found and checked. */
struct header {
	char luks_uuid[LUKS_UUID_LEN + 1];
	uint64_t epoch;			/* binary header's seqid, both copies equal */
	unsigned int sector_size;	/* bytes */
	unsigned int key_size;		/* bytes, from the token; HEADER_FOREIGN: 0 */
	unsigned int keyslots;
	uint64_t data_offset;		/* bytes */
	char digest[TOKEN_DIGEST_MAX + 1];	/* base64, digest 0 */
	struct token token;
	char token_sha256[TOKEN_HASH_LEN + 1];
};

/*
 * header_format - a new header without keyslots whose digest covers @key (32 or 64 bytes), and
 * without a token yet. The new digest's value (base64) goes to @digest for the token. Overwrites;
 * the caller has checked signatures. On failure the first HEADER_BYTES may hold a part of a header:
 * the caller restores or wipes. -EINVAL, -EBUSY, -EIO.
 */
int header_format(const char *path, const struct header_spec *spec, const struct secret *key,
		  char digest[TOKEN_DIGEST_MAX + 1], struct err *e);

/*
 * header_write_token - put or replace the one ecache token; atomic in LUKS2's two copies. -EINVAL,
 * -ENOSPC, -EIO.
 */
int header_write_token(const char *path, const struct token *t, struct err *e);

/*
 * header_load - read and check everything that can be checked without the key. -ENOENT: no LUKS2
 * header here; -EBADMSG: a header that `open` refuses (keyslots, not exactly one crypt segment and
 * one ecache token, unknown requirements, a reencryption, integrity, a cipher, sector size, offset,
 * digest or uuid that differs between token, segment and digest, metadata or keyslot area that
 * would have room for a keyslot); @e says which. -EIO. The pin is compared by pin_match(), the
 * epoch by state_check_header().
 */
int header_load(const char *path, struct header *h, struct err *e);

/* header_load_as - the same for another shape. HEADER_FOREIGN: -EBADMSG also where adopt has to refuse. */
int header_load_as(const char *path, enum header_shape shape, struct header *h, struct err *e);

/* header_verify_key - whether @key is the one of the digest: 0, -EKEYREJECTED, -ENOENT, -EIO. */
int header_verify_key(const char *path, const struct secret *key, struct err *e);

/*
 * header_epoch - the seqid from the two binary headers; -EBADMSG when a copy is missing or they
 * differ.
 */
int header_epoch(const char *path, uint64_t *epoch, struct err *e);

/*
 * header_wipe - zero the first HEADER_BYTES, but before them the areas of keyslots beyond (of a volume that was
 * adopted), and flush. The wrapped key is gone then (it stays in state and audit).
 */
int header_wipe(const char *path, struct err *e);

#endif
