// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <libcryptsetup.h>
#include <openssl/sha.h>

#include "../common/fsio.h"
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

static void make_key(struct secret *key, size_t len)
{
	size_t i;

	assert_int_equal(secret_alloc(key, len), 0);
	key->len = len;
	for (i = 0; i < len; i++)
		key->data[i] = 7 * i + 1;
}

static void make_token(struct fixture *f, unsigned int sector_size, const char *digest)
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

static void format(struct fixture *f, unsigned int sector_size)
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

static void make_file(struct fixture *f, off_t size)
{
	int fd;

	strcpy(f->path, "/tmp/ecache-header-XXXXXX");
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	make_file(f, 4 * 1024 * 1024);
	make_key(&f->key, 64);
	format(f, 4096);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	secret_wipe(&f->key);
	free(f);
	return 0;
}

static int load(struct fixture *f, struct header *h)
{
	struct err e = ERR_INIT;
	int rc = header_load(f->path, h, &e);

	assert_int_equal(rc, e.rc);
	if (rc)
		assert_true(strlen(e.what) > 8);
	return rc;
}

static void refused(struct fixture *f)
{
	struct header h;

	assert_int_equal(load(f, &h), -EBADMSG);
	assert_int_equal(h.key_size, 0);
	/* The verdict must not depend on whether anybody wants to read the reason. */
	assert_int_equal(header_load(f->path, &h, NULL), -EBADMSG);
}

static void round_trip(void **state)
{
	static const unsigned int sectors[] = { 512, 1024, 2048, 4096 };
	static const size_t keys[] = { 32, 64 };
	struct fixture *f = *state;
	struct header h;
	size_t i, k;

	for (k = 0; k < 2; k++) {
		secret_wipe(&f->key);
		make_key(&f->key, keys[k]);
		for (i = 0; i < 4; i++) {
			format(f, sectors[i]);
			assert_int_equal(load(f, &h), 0);
			assert_string_equal(h.luks_uuid, UUID);
			assert_int_equal(h.sector_size, sectors[i]);
			assert_int_equal(h.key_size, keys[k]);
			assert_int_equal(h.data_offset, 1024 * 1024);
			assert_memory_equal(&h.token, &f->token, sizeof(h.token));
			assert_string_equal(h.digest, f->token.digest);
			assert_int_equal(header_verify_key(f->path, &f->key, NULL), 0);
		}
	}
}

static void wrong_keys_are_refused(void **state)
{
	struct fixture *f = *state;

	f->key.data[63] ^= 1;
	assert_int_equal(header_verify_key(f->path, &f->key, NULL), -EKEYREJECTED);
	f->key.data[63] ^= 1;
	f->key.len = 32;
	assert_int_equal(header_verify_key(f->path, &f->key, NULL), -EKEYREJECTED);
	f->key.len = 64;
	assert_int_equal(header_verify_key(f->path, &f->key, NULL), 0);
}

static void format_refuses_other_key_lengths(void **state)
{
	const struct header_spec spec = { .luks_uuid = UUID, .cache_id = "c", .sector_size = 4096 };
	struct fixture *f = *state;
	char digest[TOKEN_DIGEST_MAX + 1];

	f->key.len = 48;
	assert_int_equal(header_format(f->path, &spec, &f->key, digest, NULL), -EINVAL);
	f->key.len = 0;
	assert_int_equal(header_format(f->path, &spec, &f->key, digest, NULL), -EINVAL);
}

static void every_write_raises_the_epoch(void **state)
{
	struct fixture *f = *state;
	struct header before, after;
	uint64_t epoch;

	assert_int_equal(load(f, &before), 0);
	strcpy(f->token.grant_id, "another");
	assert_int_equal(header_write_token(f->path, &f->token, NULL), 0);
	assert_int_equal(load(f, &after), 0);
	assert_true(after.epoch > before.epoch);
	assert_string_not_equal(after.token_sha256, before.token_sha256);
	assert_int_equal(header_epoch(f->path, &epoch, NULL), 0);
	assert_int_equal(epoch, after.epoch);
}

static void stored_token_is_our_canonical_text(void **state)
{
	struct fixture *f = *state;
	struct crypt_device *cd;
	const char *stored;
	char *text;

	assert_int_equal(crypt_init(&cd, f->path), 0);
	assert_int_equal(crypt_load(cd, CRYPT_LUKS2, NULL), 0);
	assert_int_equal(crypt_token_json_get(cd, 0, &stored), 0);
	assert_int_equal(token_text(&f->token, &text, NULL), 0);
	assert_string_equal(stored, text);
	free(text);
	crypt_free(cd);
}

static void no_keyslot_fits(void **state)
{
	struct fixture *f = *state;
	struct crypt_device *cd;

	assert_int_equal(crypt_init(&cd, f->path), 0);
	assert_int_equal(crypt_load(cd, CRYPT_LUKS2, NULL), 0);
	assert_true(crypt_keyslot_add_by_volume_key(cd, CRYPT_ANY_SLOT, (char *)f->key.data, f->key.len,
						    "secret", 6) < 0);
	crypt_free(cd);
}

static void a_second_token_is_refused(void **state)
{
	static const char *const second[] = {
		"{\"type\":\"other\",\"keyslots\":[]}",
		"{\"type\":\"luks2-keyring\",\"keyslots\":[],\"key_description\":\"x\"}",
		NULL,	/* ours again */
	};
	struct fixture *f = *state;
	struct crypt_device *cd;
	char *text;
	size_t i;

	for (i = 0; i < 3; i++) {
		format(f, 4096);
		assert_int_equal(crypt_init(&cd, f->path), 0);
		assert_int_equal(crypt_load(cd, CRYPT_LUKS2, NULL), 0);
		assert_int_equal(token_text(&f->token, &text, NULL), 0);
		assert_int_equal(crypt_token_json_set(cd, CRYPT_ANY_TOKEN, second[i] ? second[i] : text), 1);
		free(text);
		crypt_free(cd);
		refused(f);
	}
}

static void a_missing_token_is_refused(void **state)
{
	struct fixture *f = *state;
	struct crypt_device *cd;

	assert_int_equal(crypt_init(&cd, f->path), 0);
	assert_int_equal(crypt_load(cd, CRYPT_LUKS2, NULL), 0);
	assert_int_equal(crypt_token_json_set(cd, 0, NULL), 0);
	crypt_free(cd);
	refused(f);
}

static void no_header(void **state)
{
	struct fixture *f = *state;
	struct header h;

	assert_int_equal(header_wipe(f->path, NULL), 0);
	assert_int_equal(load(f, &h), -ENOENT);
	assert_int_equal(header_verify_key(f->path, &f->key, NULL), -EBADMSG);
	assert_int_equal(truncate(f->path, 600), 0);
	assert_int_equal(load(f, &h), -ENOENT);
	unlink(f->path);
	assert_int_equal(load(f, &h), -ENOENT);
}

static void wipe_touches_only_the_header(void **state)
{
	struct fixture *f = *state;
	char buf[4096];
	int fd = open(f->path, O_RDWR);

	memset(buf, 'd', sizeof(buf));
	assert_int_equal(pwrite(fd, buf, sizeof(buf), HEADER_BYTES), sizeof(buf));
	assert_int_equal(header_wipe(f->path, NULL), 0);
	assert_int_equal(pread(fd, buf, sizeof(buf), HEADER_BYTES), sizeof(buf));
	assert_int_equal(buf[0], 'd');
	assert_int_equal(pread(fd, buf, sizeof(buf), 0), sizeof(buf));
	assert_int_equal(buf[0], 0);
	close(fd);
}

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

/* What libcryptsetup itself accepts takes two changes: a keyslot that the digest knows, a second segment behind a sized one. */
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

static void an_older_copy_does_not_win(void **state)
{
	static uint8_t old[COPY];
	struct fixture *f = *state;
	struct header before, after;
	int fd = open(f->path, O_RDWR);

	assert_int_equal(pread(fd, old, COPY, 0), COPY);
	strcpy(f->token.grant_id, "newer");
	assert_int_equal(header_write_token(f->path, &f->token, NULL), 0);
	assert_int_equal(load(f, &before), 0);
	assert_int_equal(pwrite(fd, old, COPY, 0), COPY);
	assert_int_equal(load(f, &after), 0);
	assert_int_equal(after.epoch, before.epoch);
	assert_string_equal(after.token.grant_id, "newer");
	close(fd);
}

static void a_torn_copy_is_mended(void **state)
{
	struct fixture *f = *state;
	uint8_t junk[512];
	struct header h;
	int fd = open(f->path, O_RDWR), i;

	memset(junk, 0xee, sizeof(junk));
	for (i = 0; i < 2; i++) {
		assert_int_equal(pwrite(fd, junk, sizeof(junk), i * COPY + 4096), sizeof(junk));
		assert_int_equal(load(f, &h), 0);
		assert_string_equal(h.token.grant_id, f->token.grant_id);
	}
	for (i = 0; i < 2; i++)
		assert_int_equal(pwrite(fd, junk, sizeof(junk), i * COPY + 4096), sizeof(junk));
	refused(f);
	close(fd);
}

static void any_damage_is_mended_or_refused(void **state)
{
	static uint8_t good[2 * COPY], bad[2 * COPY];
	struct fixture *f = *state;
	uint64_t seed = 0x4ead5eed;
	struct header want, h;
	int fd = open(f->path, O_RDWR), i, rc, n;

	assert_int_equal(load(f, &want), 0);
	assert_int_equal(pread(fd, good, sizeof(good), 0), sizeof(good));
	for (i = 0; i < 300; i++) {
		memcpy(bad, good, sizeof(bad));
		for (n = test_random(&seed) % 4; n >= 0; n--)
			bad[test_random(&seed) % (n & 1 ? 5000 : sizeof(bad))] ^= 1 << test_random(&seed) % 8;
		assert_int_equal(pwrite(fd, bad, sizeof(bad), 0), sizeof(bad));
		rc = load(f, &h);
		if (rc)
			assert_true(rc == -EBADMSG || rc == -ENOENT);
		else
			assert_memory_equal(&h, &want, sizeof(h));
	}
	close(fd);
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

static void a_full_blob_fits(void **state)
{
	struct fixture *f = *state;
	struct header h;

	memset(f->token.blob, 0xff, KMS_BLOB_MAX);
	f->token.blob_len = KMS_BLOB_MAX;
	assert_int_equal(header_write_token(f->path, &f->token, NULL), 0);
	assert_int_equal(load(f, &h), 0);
	assert_int_equal(h.token.blob_len, KMS_BLOB_MAX);
}

/* cli - a shell command in which $F is the header's path. */
static int cli(const char *command, const char *path)
{
	setenv("F", path, 1);
	return system(command);
}

static void stock_cryptsetup_reads_it(void **state)
{
	struct fixture *f = *state;
	struct header h;

	if (system("command -v cryptsetup >/dev/null 2>&1"))
		skip();
	assert_int_equal(cli("cryptsetup isLuks --type luks2 $F", f->path), 0);
	assert_int_equal(cli("cryptsetup luksDump $F | grep -q 'aes-xts-plain64'", f->path), 0);
	assert_int_equal(cli("cryptsetup luksDump $F | grep -q '0: ecache'", f->path), 0);
	assert_int_equal(cli("cryptsetup luksDump $F | grep -q 'Subsystem:.*ecache'", f->path), 0);
	assert_int_equal(cli("cryptsetup luksDump $F | grep -q 'Label:.*cache-1'", f->path), 0);
	/* The documented way in, as far as it goes without device-mapper: the key file is the digest's key. */
	assert_int_not_equal(cli("printf p | cryptsetup luksAddKey -q --key-file - $F 2>/dev/null", f->path), 0);
	assert_int_equal(load(f, &h), 0);
}

static void a_passphrase_header_is_refused(void **state)
{
	struct fixture *f = *state;

	if (system("command -v cryptsetup >/dev/null 2>&1"))
		skip();
	assert_int_equal(truncate(f->path, 0), 0);
	assert_int_equal(truncate(f->path, 32 * 1024 * 1024), 0);
	assert_int_equal(cli("printf p | cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 "
			     "--pbkdf-force-iterations 1000 --key-file - $F 2>/dev/null", f->path), 0);
	refused(f);
	assert_int_equal(cli("printf p | cryptsetup luksFormat -q --type luks1 --pbkdf-force-iterations 1000 "
			     "--key-file - $F 2>/dev/null", f->path), 0);
	refused(f);
}

#define header_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		header_test(round_trip),
		header_test(wrong_keys_are_refused),
		header_test(format_refuses_other_key_lengths),
		header_test(every_write_raises_the_epoch),
		header_test(stored_token_is_our_canonical_text),
		header_test(no_keyslot_fits),
		header_test(a_second_token_is_refused),
		header_test(a_missing_token_is_refused),
		header_test(no_header),
		header_test(wipe_touches_only_the_header),
		header_test(forged_headers_are_refused),
		header_test(well_forged_headers_are_refused),
		header_test(a_digest_of_another_key_is_refused),
		header_test(persistent_flags_of_dm_crypt_mean_nothing),
		header_test(an_older_copy_does_not_win),
		header_test(a_torn_copy_is_mended),
		header_test(any_damage_is_mended_or_refused),
		header_test(forged_bytes_of_the_metadata_are_harmless),
		header_test(a_full_blob_fits),
		header_test(stock_cryptsetup_reads_it),
		header_test(a_passphrase_header_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
