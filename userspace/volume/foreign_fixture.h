/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_FOREIGN_FIXTURE_H
#define ECACHE_FOREIGN_FIXTURE_H

/*
 * For tests: a LUKS2 volume as cryptsetup makes one, but small and with keyslots that cost nothing. Include after
 * common/test.h.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <libcryptsetup.h>

#include "../common/secret.h"

#define FOREIGN_UUID "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
#define FOREIGN_BYTES (2 * 1024 * 1024)
#define FOREIGN_OFFSET (1280 * 1024)	/* behind the first MiB, as cryptsetup's 16 MiB are */

struct foreign_spec {
	const char *type;	/* CRYPT_LUKS2 */
	const char *mode;	/* "xts-plain64" */
	const char *uuid;
	const char *hash;	/* of the digest */
	size_t key_size;
	unsigned int sector_size;
	unsigned int keyslots;	/* with the passphrases "passphrase 0", "passphrase 1" ... */
};

#define FOREIGN_SPEC { .type = CRYPT_LUKS2, .mode = "xts-plain64", .uuid = FOREIGN_UUID, .hash = "sha256", \
		       .key_size = 64, .sector_size = 512, .keyslots = 2 }

static inline void foreign_passphrase(unsigned int nr, struct secret *s)
{
	if (!s->data)
		assert_int_equal(secret_alloc(s, 64), 0);
	s->len = snprintf((char *)s->data, s->cap, "passphrase %u", nr);
}

static inline void foreign_silent(int level, const char *msg, void *usr)
{
	(void)level;
	(void)msg;
	(void)usr;
}

static inline void foreign_make(const char *path, const struct foreign_spec *spec)
{
	const struct crypt_pbkdf_type pbkdf = {
		.type = CRYPT_KDF_PBKDF2, .hash = spec->hash, .iterations = 1000, .flags = CRYPT_PBKDF_NO_BENCHMARK,
	};
	struct crypt_params_luks2 params = { .pbkdf = &pbkdf, .sector_size = spec->sector_size };
	struct crypt_params_luks1 params1 = { .hash = "sha256" };
	bool two = !strcmp(spec->type, CRYPT_LUKS2);
	struct crypt_device *cd;
	char key[64], pass[32];
	unsigned int i;
	int fd;

	for (i = 0; i < sizeof(key); i++)
		key[i] = (char)(i * 13 + 5);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, FOREIGN_BYTES), 0);
	close(fd);
	assert_int_equal(crypt_init(&cd, path), 0);
	crypt_set_log_callback(cd, foreign_silent, NULL);	/* that there is little room for keyslots */
	if (two) {
		assert_int_equal(crypt_set_metadata_size(cd, 16 * 1024, 1024 * 1024), 0);
		assert_int_equal(crypt_set_data_offset(cd, FOREIGN_OFFSET / 512), 0);
	}
	assert_int_equal(crypt_set_pbkdf_type(cd, &pbkdf), 0);
	assert_int_equal(crypt_format(cd, spec->type, "aes", spec->mode, spec->uuid, key, spec->key_size,
				      two ? (void *)&params : (void *)&params1), 0);
	for (i = 0; i < spec->keyslots; i++) {
		snprintf(pass, sizeof(pass), "passphrase %u", i);
		assert_int_equal(crypt_keyslot_add_by_volume_key(cd, i, key, spec->key_size, pass, strlen(pass)), i);
	}
	crypt_free(cd);
}

#endif
