// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "err.h"
#include "test.h"

static void the_innermost_reason_keeps_its_context(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(err_sys(&e, -ENOENT, "cannot open %s", "/dev/sdb"), -ENOENT);
	assert_string_equal(e.what, "cannot open /dev/sdb: No such file or directory");
	assert_int_equal(err_prefix(&e, "volume %s", "c1"), -ENOENT);
	assert_string_equal(e.what, "volume c1: cannot open /dev/sdb: No such file or directory");
	assert_int_equal(err_hint(&e, "is it plugged in?"), -ENOENT);
	assert_string_equal(e.hint, "is it plugged in?");
	assert_int_equal(e.rc, -ENOENT);
}

static void a_new_error_has_no_old_hint(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	err_set(&e, -EIO, "first");
	err_hint(&e, "hint of the first");
	assert_int_equal(err_set(&e, -EPERM, "second"), -EPERM);
	assert_string_equal(e.hint, "");
}

static void an_error_may_quote_itself(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	err_set(&e, -EIO, "inner");
	err_set(&e, -EIO, "outer (%s)", e.what);
	assert_string_equal(e.what, "outer (inner)");
}

static void long_texts_are_cut(void **state)
{
	char text[2 * ERR_TEXT];
	struct err e = ERR_INIT;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	err_set(&e, -EIO, "%s", text);
	assert_int_equal(strlen(e.what), ERR_TEXT - 1);
	err_prefix(&e, "%s", text);
	assert_int_equal(strlen(e.what), ERR_TEXT - 1);
	err_sys(&e, -EIO, "%s", text);
	err_hint(&e, "%s", text);
	assert_int_equal(strlen(e.hint), ERR_TEXT - 1);
}

static void nobody_has_to_listen(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, -EIO, "x"), -EIO);
	assert_int_equal(err_sys(NULL, -EPERM, "x"), -EPERM);
	/* a function that ends in one of these still fails */
	assert_int_equal(err_prefix(NULL, "x"), -EIO);
	assert_int_equal(err_hint(NULL, "x"), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_innermost_reason_keeps_its_context),
		cmocka_unit_test(a_new_error_has_no_old_hint),
		cmocka_unit_test(an_error_may_quote_itself),
		cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test(nobody_has_to_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
