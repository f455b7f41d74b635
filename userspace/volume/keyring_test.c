// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <errno.h>
#include <string.h>
#include <keyutils.h>

#include "keyring.h"
#include "sample.h"

static void key_comes_and_goes(void **state)
{
	struct keyring_key k;
	struct secret key;
	char buf[64];
	int32_t serial;

	(void)state;
	assert_int_equal(secret_alloc(&key, 64), 0);
	key.len = 64;
	memset(key.data, 0x42, 64);
	if (keyring_add(&k, SAMPLE_UUID, &key, NULL) == -ENOSYS) {
		secret_wipe(&key);
		skip();
	}
	assert_string_equal(k.desc, "ecache:" SAMPLE_UUID);
	serial = k.serial;
	assert_int_equal(keyctl_search(KEY_SPEC_THREAD_KEYRING, "logon", k.desc, 0), serial);
	/* A logon key cannot be read back, not even by its owner. */
	assert_int_equal(keyctl_read(serial, buf, sizeof(buf)), -1);
	assert_int_equal(errno, EOPNOTSUPP);
	keyring_drop(&k);
	assert_int_equal(k.serial, 0);
	assert_int_equal(keyctl_search(KEY_SPEC_THREAD_KEYRING, "logon", "ecache:" SAMPLE_UUID, 0), -1);
	assert_int_equal(keyctl_read(serial, buf, sizeof(buf)), -1);
	assert_true(errno == EKEYREVOKED || errno == ENOKEY || errno == EACCES);
	keyring_drop(&k);
	secret_wipe(&key);
}

static void an_empty_key_is_refused(void **state)
{
	struct secret key = SECRET_INIT;
	struct keyring_key k;

	(void)state;
	assert_int_equal(keyring_add(&k, SAMPLE_UUID, &key, NULL), -EINVAL);
	assert_int_equal(k.serial, 0);
	keyring_drop(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_comes_and_goes),
		cmocka_unit_test(an_empty_key_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
