/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_HEADER_FIXTURE_H
#define ECACHE_HEADER_FIXTURE_H

/* For tests: a LUKS2 header in a file, with its key and token. Include after common/test.h. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "header.h"
#include "keyid.h"

#define ARN "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
#define UUID "01234567-89ab-4cde-8f01-23456789abcd"
#define COPY (16 * 1024)

/* A header in a file, with its key. */
struct fixture {
	char path[64];
	struct secret key;
	struct token token;
};

static inline void make_key(struct secret *key, size_t len)
{
	size_t i;

	assert_int_equal(secret_alloc(key, len), 0);
	key->len = len;
	for (i = 0; i < len; i++)
		key->data[i] = 7 * i + 1;
}

static inline void make_token(struct fixture *f, unsigned int sector_size, const char *digest)
{
	struct token *t = &f->token;

	memset(t, 0, sizeof(*t));
	strcpy(t->key_arn, ARN);
	strcpy(t->grant_id, "0a1b2c");
	memset(t->blob, 0x5a, 180);
	t->blob_len = 180;
	strcpy(t->cache_id, "cache-1");
	strcpy(t->luks_uuid, UUID);
	t->sector_size = sector_size;
	t->key_size = f->key.len;
	assert_int_equal(keyid_of(&f->key, t->key_id), 0);
	strcpy(t->digest, digest);
}

static inline void format(struct fixture *f, unsigned int sector_size)
{
	const struct header_spec spec = { .luks_uuid = UUID, .cache_id = "cache-1", .sector_size = sector_size };
	char digest[TOKEN_DIGEST_MAX + 1];
	struct err e = ERR_INIT;

	if (header_format(f->path, &spec, &f->key, digest, &e))
		fail_msg("%s", e.what);
	make_token(f, sector_size, digest);
	if (header_write_token(f->path, &f->token, &e))
		fail_msg("%s", e.what);
}

static inline void make_file(struct fixture *f, off_t size)
{
	int fd;

	strcpy(f->path, "/tmp/ecache-header-XXXXXX");
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	make_file(f, 4 * 1024 * 1024);
	make_key(&f->key, 64);
	format(f, 4096);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	secret_wipe(&f->key);
	free(f);
	return 0;
}

static inline int load(struct fixture *f, struct header *h)
{
	struct err e = ERR_INIT;
	int rc = header_load(f->path, h, &e);

	assert_int_equal(rc, e.rc);
	if (rc)
		assert_true(strlen(e.what) > 8);
	return rc;
}

static inline void refused(struct fixture *f)
{
	struct header h;

	assert_int_equal(load(f, &h), -EBADMSG);
	assert_int_equal(h.key_size, 0);
	/* The verdict must not depend on whether anybody wants to read the reason. */
	assert_int_equal(header_load(f->path, &h, NULL), -EBADMSG);
}

#define header_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
