// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <libcryptsetup.h>

#include "header_fixture.h"

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
		header_test(an_older_copy_does_not_win),
		header_test(a_torn_copy_is_mended),
		header_test(any_damage_is_mended_or_refused),
		header_test(a_full_blob_fits),
		header_test(stock_cryptsetup_reads_it),
		header_test(a_passphrase_header_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
