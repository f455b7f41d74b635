// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <openssl/sha.h>

#include "header_fixture.h"

/* Headers as someone makes them who can write the disk: with right checksums. */

/* Write @copy's area back with a right checksum, as someone would who can write the disk. */
static void seal(int fd, uint8_t *area, off_t at)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];

	memset(area + 448, 0, 64);
	SHA256(area, COPY, hash);
	memcpy(area + 448, hash, sizeof(hash));
	assert_int_equal(pwrite(fd, area, COPY, at), COPY);
}

/* Replace the first @from in the JSON area of both copies by @to. */
static void forge(struct fixture *f, const char *from, const char *to)
{
	static uint8_t area[COPY];
	char *json = (char *)area + 4096, *at, *rest;
	int fd = open(f->path, O_RDWR), i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(pread(fd, area, COPY, i * COPY), COPY);
		at = strstr(json, from);
		assert_non_null(at);
		rest = strdup(at + strlen(from));
		memset(at, 0, COPY - 4096 - (at - json));
		strcpy(at, to);
		strcat(at, rest);
		free(rest);
		seal(fd, area, i * COPY);
	}
	close(fd);
}

static void forged_headers_are_refused(void **state)
{
	static const struct {
		const char *from, *to;
	} bad[] = {
		{ "\"iv_tweak\":\"0\"", "\"iv_tweak\":\"8\"" },
		{ "\"offset\":\"1048576\"", "\"offset\":\"2097152\"" },
		{ "\"size\":\"dynamic\"", "\"size\":\"1048576\"" },
		{ "\"encryption\":\"aes-xts-plain64\"", "\"encryption\":\"aes-cbc-plain64\"" },
		{ "\"sector_size\":4096}}", "\"sector_size\":512}}" },
		{ "\"sector_size\":4096}}", "\"sector_size\":4096,\"flags\":[\"in-reencryption\"]}}" },
		{ "\"sector_size\":4096}}", "\"sector_size\":4096,\"integrity\":{\"type\":\"hmac(sha256)\","
		  "\"journal_encryption\":\"none\",\"journal_integrity\":\"none\"}}}" },
		{ "\"iterations\":1000", "\"iterations\":1001" },
		{ "\"iterations\":1000", "\"iterations\":2000000000" },
		{ "\"hash\":\"sha256\"", "\"hash\":\"sha1\"" },
		{ "\"json_size\":\"12288\"", "\"json_size\":\"12288\",\"requirements\":{\"mandatory\":[\"x\"]}" },
		{ "\"json_size\":\"12288\"",
		  "\"json_size\":\"12288\",\"requirements\":{\"mandatory\":[\"online-reencrypt-v2\"]}" },
		{ "\"keyslots_size\":\"16384\"", "\"keyslots_size\":\"65536\"" },
		{ "\"key_size\":64", "\"key_size\":48" },
		{ UUID, "11234567-89ab-4cde-8f01-23456789abcd" },	/* in the token: another volume's token */
		{ "\"format\":1", "\"format\":2" },
		{ "\"config\":{", "\"more\":{},\"config\":{" },
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		format(f, 4096);
		forge(f, bad[i].from, bad[i].to);
		refused(f);
	}
}

/*
 * What libcryptsetup itself accepts takes two changes: a keyslot that the digest knows, a second segment behind a
 * sized one.
 */
static void well_forged_headers_are_refused(void **state)
{
	static const char keyslot[] =
		"\"keyslots\":{\"0\":{\"type\":\"luks2\",\"key_size\":64,\"area\":{\"type\":\"raw\","
		"\"offset\":\"32768\",\"size\":\"4096\",\"encryption\":\"aes-xts-plain64\",\"key_size\":64},"
		"\"kdf\":{\"type\":\"pbkdf2\",\"hash\":\"sha256\",\"iterations\":1000,\"salt\":\"AAAA\"},"
		"\"af\":{\"type\":\"luks1\",\"stripes\":4000,\"hash\":\"sha256\"}}}";
	static const char second[] =
		"\"sector_size\":4096},\"1\":{\"type\":\"linear\",\"offset\":\"2097152\",\"size\":\"dynamic\"}}";
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	struct header h;

	forge(f, "\"keyslots\":{}", keyslot);
	forge(f, "\"type\":\"pbkdf2\",\"keyslots\":[]", "\"type\":\"pbkdf2\",\"keyslots\":[\"0\"]");
	assert_int_equal(header_load(f->path, &h, &e), -EBADMSG);
	assert_non_null(strstr(e.what, "has keyslots"));
	refused(f);

	format(f, 4096);
	forge(f, "\"size\":\"dynamic\"", "\"size\":\"1048576\"");
	forge(f, "\"sector_size\":4096}}", second);
	assert_int_equal(header_load(f->path, &h, &e), -EBADMSG);
	assert_non_null(strstr(e.what, "2 segments"));
	refused(f);
}

static void a_digest_of_another_key_is_refused(void **state)
{
	struct fixture *f = *state;
	struct token before = f->token;

	/* Same token, but a header over another key: what swapping a digest in would look like. */
	f->key.data[0] ^= 1;
	format(f, 4096);
	assert_int_equal(header_write_token(f->path, &before, NULL), 0);
	refused(f);
}

static void persistent_flags_of_dm_crypt_mean_nothing(void **state)
{
	struct fixture *f = *state;
	struct header h;

	forge(f, "\"json_size\":\"12288\"", "\"flags\":[\"allow-discards\"],\"json_size\":\"12288\"");
	assert_int_equal(load(f, &h), 0);
}

static void forged_bytes_of_the_metadata_are_harmless(void **state)
{
	static uint8_t good[COPY], area[COPY];
	struct fixture *f = *state;
	uint64_t seed = 0xf0e6ed;
	struct header h;
	int fd = open(f->path, O_RDWR), i, rc;
	size_t len, at;

	assert_int_equal(pread(fd, good, COPY, 0), COPY);
	len = strlen((char *)good + 4096);
	for (i = 0; i < 300; i++) {
		memcpy(area, good, COPY);
		at = 4096 + test_random(&seed) % len;
		area[at] = test_random(&seed) % 256;
		if (test_random(&seed) % 3)
			area[at] = "0123456789{}[]:,\"\\ax"[test_random(&seed) % 20];
		seal(fd, area, 0);
		memcpy(area, "SKUL", 4);
		area[256 + 6] = COPY >> 8;	/* hdr_offset of the second copy */
		seal(fd, area, COPY);
		rc = load(f, &h);
		if (rc)
			assert_true(rc == -EBADMSG || rc == -ENOENT);
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		header_test(forged_headers_are_refused),
		header_test(well_forged_headers_are_refused),
		header_test(a_digest_of_another_key_is_refused),
		header_test(persistent_flags_of_dm_crypt_mean_nothing),
		header_test(forged_bytes_of_the_metadata_are_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
