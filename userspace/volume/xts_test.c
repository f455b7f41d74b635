// SPDX-License-Identifier: GPL-2.0-or-later
/* aes-xts-plain64 as dm-crypt writes it: the tweak counts 512 bytes, whatever the sector's size. */
#include "../common/test.h"
#include <errno.h>
#include <string.h>

#include "../common/encode.h"
#include "xts.h"

/* IEEE 1619, vector 10: AES-256, data unit 0xff. */
static const uint8_t key1[32] = {
	0x27, 0x18, 0x28, 0x18, 0x28, 0x45, 0x90, 0x45, 0x23, 0x53, 0x60, 0x28, 0x74, 0x71, 0x35, 0x26,
	0x62, 0x49, 0x77, 0x57, 0x24, 0x70, 0x93, 0x69, 0x99, 0x59, 0x57, 0x49, 0x66, 0x96, 0x76, 0x27,
};

static const uint8_t key2[32] = {
	0x31, 0x41, 0x59, 0x26, 0x53, 0x58, 0x97, 0x93, 0x23, 0x84, 0x62, 0x64, 0x33, 0x83, 0x27, 0x95,
	0x02, 0x88, 0x41, 0x97, 0x16, 0x93, 0x99, 0x37, 0x51, 0x05, 0x82, 0x09, 0x74, 0x94, 0x45, 0x92,
};

static const char first32[] = "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b";

static void make(struct xts *x, unsigned int sector_size)
{
	struct secret key = SECRET_INIT;

	assert_int_equal(secret_alloc(&key, 64), 0);
	memcpy(key.data, key1, 32);
	memcpy(key.data + 32, key2, 32);
	key.len = 64;
	assert_int_equal(xts_init(x, &key, sector_size, NULL), 0);
	secret_wipe(&key);
}

static void count_up(uint8_t *buf, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = (uint8_t)i;
}

static void the_standards_vector(void **state)
{
	uint8_t buf[512], plain[512];
	char hex[65];
	struct xts x;

	(void)state;
	make(&x, 512);
	count_up(plain, sizeof(plain));
	memcpy(buf, plain, sizeof(buf));
	assert_int_equal(xts_encrypt(&x, 0xff * 512, buf, sizeof(buf)), 0);
	hex_encode(buf, 32, hex);
	assert_string_equal(hex, first32);
	assert_int_equal(xts_decrypt(&x, 0xff * 512, buf, sizeof(buf)), 0);
	assert_memory_equal(buf, plain, sizeof(buf));
	xts_wipe(&x);
}

/* The first 512 bytes of a sector of 4096 are those of the sector of 512 there: the tweak is the same. */
static void a_tweak_counts_512_bytes_in_large_sectors_too(void **state)
{
	uint8_t large[3 * 4096], small[512];
	struct xts x, y;

	(void)state;
	make(&x, 4096);
	make(&y, 512);
	count_up(large, sizeof(large));
	count_up(small, sizeof(small));
	assert_int_equal(xts_encrypt(&x, 5 * 4096, large, sizeof(large)), 0);
	assert_int_equal(xts_encrypt(&y, 7 * 4096, small, sizeof(small)), 0);
	assert_memory_equal(large + 2 * 4096, small, sizeof(small));
	assert_int_equal(xts_decrypt(&x, 5 * 4096, large, sizeof(large)), 0);
	count_up(small, sizeof(small));
	assert_memory_equal(large + 4096, small, sizeof(small));
	xts_wipe(&x);
	xts_wipe(&y);
}

static void what_is_no_sector_or_no_key_is_refused(void **state)
{
	struct secret key = SECRET_INIT;
	uint8_t buf[4096] = { 0 };
	struct xts x;

	(void)state;
	make(&x, 4096);
	assert_int_equal(xts_encrypt(&x, 0, buf, 512), -EINVAL);
	assert_int_equal(xts_decrypt(&x, 0, buf, 512), -EINVAL);
	xts_wipe(&x);
	xts_wipe(&x);
	assert_int_equal(secret_alloc(&key, 64), 0);
	key.len = 64;		/* equal halves */
	assert_int_equal(xts_init(&x, &key, 4096, NULL), -EINVAL);
	key.len = 48;
	assert_int_equal(xts_init(&x, &key, 4096, NULL), -EINVAL);
	secret_wipe(&key);
	xts_wipe(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_standards_vector),
		cmocka_unit_test(a_tweak_counts_512_bytes_in_large_sectors_too),
		cmocka_unit_test(what_is_no_sector_or_no_key_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
