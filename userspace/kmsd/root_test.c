// SPDX-License-Identifier: GPL-2.0-or-later
/* The root secret: its file is checked before it is trusted, and each use has its own key. */
#include "common/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/encode.h"
#include "root.h"

static char dir[32];
static char path[64];

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/kmsd-root-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/root.secret", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void made_once_and_read_back(void **state)
{
	struct secret made = SECRET_INIT, read = SECRET_INIT, again = SECRET_INIT;
	struct err e = ERR_INIT;
	struct stat st;

	(void)state;
	assert_int_equal(root_create(path, &made, &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, ROOT_SECRET_SIZE);
	assert_int_equal(root_create(path, &again, &e), -EEXIST);
	assert_null(again.data);
	assert_int_equal(root_load(path, &read, &e), 0);
	assert_memory_equal(made.data, read.data, ROOT_SECRET_SIZE);
	secret_wipe(&made);
	secret_wipe(&read);
}

static void an_untrustworthy_file_is_refused(void **state)
{
	struct secret root = SECRET_INIT;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(root_load(path, &root, &e), -ENOENT);
	assert_int_equal(root_create(path, &root, &e), 0);
	secret_wipe(&root);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(root_load(path, &root, &e), -EPERM);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, ROOT_SECRET_SIZE - 1), 0);
	assert_int_equal(root_load(path, &root, &e), -EINVAL);
	assert_non_null(strstr(e.hint, "copy"));
	unlink(path);
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_int_not_equal(root_load(path, &root, &e), 0);
	assert_null(root.data);
}

static void a_credential_is_where_the_service_manager_put_it(void **state)
{
	struct secret made = SECRET_INIT, read = SECRET_INIT;
	struct err e = ERR_INIT;

	(void)state;
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_int_equal(root_open("credential:root.secret", true, &read, &e), -ENOENT);
	assert_non_null(strstr(e.hint, "LoadCredentialEncrypted"));
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	/* never made here: the service manager would not know of it */
	assert_int_equal(root_open("credential:root.secret", true, &read, &e), -ENOENT);
	assert_int_equal(root_create(path, &made, &e), 0);
	/* as it is for a service with a user of its own */
	assert_int_equal(chmod(path, 0440), 0);
	if (root_open("credential:root.secret", false, &read, &e))
		fail_msg("%s", e.what);
	assert_memory_equal(made.data, read.data, ROOT_SECRET_SIZE);
	secret_wipe(&read);
	assert_int_equal(truncate(path, 31), 0);
	assert_int_equal(root_open("credential:root.secret", false, &read, &e), -EINVAL);
	assert_int_equal(root_open("credential:../x", false, &read, &e), -EINVAL);
	unsetenv("CREDENTIALS_DIRECTORY");
	secret_wipe(&made);
}

static void a_file_elsewhere_is_made_or_used(void **state)
{
	struct secret made = SECRET_INIT, read = SECRET_INIT;
	struct err e = ERR_INIT;
	char spec[128];

	(void)state;
	snprintf(spec, sizeof(spec), "file:%s", path);
	assert_int_equal(root_open(spec, false, &read, &e), -ENOENT);
	assert_int_equal(root_open(spec, true, &made, &e), 0);
	assert_int_equal(root_open(spec, true, &read, &e), 0);
	assert_memory_equal(made.data, read.data, ROOT_SECRET_SIZE);
	secret_wipe(&read);
	assert_int_equal(chmod(path, 0440), 0);
	assert_int_equal(root_open(spec, false, &read, &e), -EPERM);
	assert_int_equal(root_open("file:x", true, &read, &e), -EINVAL);
	assert_int_equal(root_open("", true, &read, &e), -EINVAL);
	secret_wipe(&made);
}

static void fixed_root(struct secret *root)
{
	assert_int_equal(secret_alloc(root, ROOT_SECRET_SIZE), 0);
	root->len = ROOT_SECRET_SIZE;
	for (unsigned int i = 0; i < ROOT_SECRET_SIZE; i++)
		root->data[i] = (uint8_t)i;
}

static void each_use_has_its_own_key(void **state)
{
	static const struct {
		enum root_purpose purpose;
		const char *name;
	} uses[] = {
		{ ROOT_KEY_MATERIAL, "" }, { ROOT_KEY_MATERIAL, "a" }, { ROOT_KEY_MATERIAL, "b" },
		{ ROOT_PRINCIPAL, "" },	   { ROOT_PRINCIPAL, "a" },    { ROOT_GRANT_TOKEN, "" },
		{ ROOT_CHECK, "" },
	};
	uint8_t key[sizeof(uses) / sizeof(*uses)][AES_KEY_SIZE];
	struct secret root = SECRET_INIT;

	(void)state;
	fixed_root(&root);
	for (unsigned int i = 0; i < sizeof(uses) / sizeof(*uses); i++) {
		assert_int_equal(root_derive(&root, uses[i].purpose, uses[i].name, key[i]), 0);
		for (unsigned int j = 0; j < i; j++)
			assert_memory_not_equal(key[i], key[j], AES_KEY_SIZE);
	}
	secret_wipe(&root);
}

static void what_is_wrapped_opens_for_its_use_only(void **state)
{
	uint8_t wrapped[5 + ROOT_WRAP_OVERHEAD], out[5];
	struct secret root = SECRET_INIT;

	(void)state;
	fixed_root(&root);
	assert_int_equal(root_wrap(&root, ROOT_PRINCIPAL, "AKIA", (const uint8_t *)"hello", 5, wrapped), 0);
	assert_int_equal(root_unwrap(&root, ROOT_PRINCIPAL, "AKIA", wrapped, sizeof(wrapped), out), 0);
	assert_memory_equal(out, "hello", 5);
	assert_int_equal(root_unwrap(&root, ROOT_PRINCIPAL, "AKIB", wrapped, sizeof(wrapped), out), -EBADMSG);
	assert_int_equal(root_unwrap(&root, ROOT_KEY_MATERIAL, "AKIA", wrapped, sizeof(wrapped), out), -EBADMSG);
	assert_int_equal(root_unwrap(&root, ROOT_PRINCIPAL, "AKIA", wrapped, ROOT_WRAP_OVERHEAD - 1, out), -EBADMSG);
	for (size_t i = 0; i < sizeof(wrapped); i++) {
		wrapped[i] ^= 1;
		assert_int_equal(root_unwrap(&root, ROOT_PRINCIPAL, "AKIA", wrapped, sizeof(wrapped), out), -EBADMSG);
		wrapped[i] ^= 1;
	}
	root.data[0] ^= 1;
	assert_int_equal(root_unwrap(&root, ROOT_PRINCIPAL, "AKIA", wrapped, sizeof(wrapped), out), -EBADMSG);
	secret_wipe(&root);
}

/* Made by an independent implementation: key material of today must unwrap in ten years. */
static void the_format_is_fixed(void **state)
{
	static const char kept[] =
		"0132333435363738393a3b3c3d9e399126f42aba013709f622ed900d9f054c5c8571184ed3a94bc8a2842b1758fafa5d7621"
		"7bc4bdda701457a774311f";
	uint8_t wrapped[128], out[32];
	struct secret root = SECRET_INIT;
	size_t len = strlen(kept) / 2;

	(void)state;
	fixed_root(&root);
	assert_int_equal(hex_decode(kept, strlen(kept), wrapped), 0);
	assert_int_equal(root_unwrap(&root, ROOT_KEY_MATERIAL, "key/material", wrapped, len, out), 0);
	assert_memory_equal(out, "0123456789abcdef0123456789abcdef", 32);
	secret_wipe(&root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(made_once_and_read_back, setup, teardown),
		cmocka_unit_test_setup_teardown(an_untrustworthy_file_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_credential_is_where_the_service_manager_put_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_elsewhere_is_made_or_used, setup, teardown),
		cmocka_unit_test(each_use_has_its_own_key),
		cmocka_unit_test(what_is_wrapped_opens_for_its_use_only),
		cmocka_unit_test(the_format_is_fixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
