// SPDX-License-Identifier: GPL-2.0-or-later
/* Published vectors: RFC 4231 (HMAC), RFC 5869 (HKDF), and AES-256-GCM's case 16 of McGrew and Viega. */
#include "common/test.h"

#include <errno.h>
#include <string.h>

#include "common/encode.h"
#include "crypto.h"

static size_t hex(const char *text, uint8_t *out)
{
	assert_int_equal(hex_decode(text, strlen(text), out), 0);
	return strlen(text) / 2;
}

static void hmac_sha256(void **state)
{
	uint8_t want[32], got[32];

	(void)state;
	hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", want);
	assert_int_equal(crypto_hmac("Jefe", 4, "what do ya want for nothing?", 28, got), 0);
	assert_memory_equal(got, want, sizeof(want));
}

static void hkdf_sha256(void **state)
{
	uint8_t key[22], salt[13], info[10], want[42], got[42];

	(void)state;
	memset(key, 0x0b, sizeof(key));
	hex("000102030405060708090a0b0c", salt);
	hex("f0f1f2f3f4f5f6f7f8f9", info);
	hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865", want);
	assert_int_equal(crypto_hkdf(key, sizeof(key), salt, sizeof(salt), info, sizeof(info), got, sizeof(got)), 0);
	assert_memory_equal(got, want, sizeof(want));
	/* no salt, no info */
	hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8", want);
	assert_int_equal(crypto_hkdf(key, sizeof(key), NULL, 0, info, 0, got, sizeof(got)), 0);
	assert_memory_equal(got, want, sizeof(want));
}

static void aes_256_gcm(void **state)
{
	uint8_t key[32], nonce[12], aad[20], plain[60], sealed[76], want[76], opened[60];
	struct crypto_aead a = { .key = key, .nonce = nonce, .aad = aad, .aad_len = sizeof(aad) };

	(void)state;
	hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", key);
	hex("cafebabefacedbaddecaf888", nonce);
	hex("feedfacedeadbeeffeedfacedeadbeefabaddad2", aad);
	hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de"
	    "657ba637b39", plain);
	hex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7"
	    "a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b", want);
	assert_int_equal(crypto_seal(&a, plain, sizeof(plain), sealed), 0);
	assert_memory_equal(sealed, want, sizeof(want));
	assert_int_equal(crypto_open(&a, sealed, sizeof(sealed), opened), 0);
	assert_memory_equal(opened, plain, sizeof(plain));
}

static void an_open_that_fails_leaves_no_plaintext(void **state)
{
	static const uint8_t zeros[16];
	uint8_t key[32] = { 1 }, nonce[12] = { 2 }, sealed[32], out[16];
	struct crypto_aead a = { .key = key, .nonce = nonce };

	(void)state;
	assert_int_equal(crypto_seal(&a, (const uint8_t *)"sixteen bytes ok", 16, sealed), 0);
	sealed[20] ^= 1;
	memset(out, 0xff, sizeof(out));
	assert_int_equal(crypto_open(&a, sealed, sizeof(sealed), out), -EBADMSG);
	assert_memory_equal(out, zeros, sizeof(out));
	assert_int_equal(crypto_open(&a, sealed, GCM_TAG_SIZE - 1, out), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hmac_sha256),
		cmocka_unit_test(hkdf_sha256),
		cmocka_unit_test(aes_256_gcm),
		cmocka_unit_test(an_open_that_fails_leaves_no_plaintext),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
