// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>
#include <malloc.h>

#include "../common/test.h"
#include "mem.h"
#include "mem_test.h"

/* free() goes through the linker's --wrap: what does it get? */
static const unsigned char *watched;
static int freed, dirty;

void __wrap_free(void *p)
{
	size_t i, n;

	if (p && p == watched) {
		freed++;
		n = malloc_usable_size(p);
		for (i = 0; i < n; i++)
			dirty += !!watched[i];
		watched = NULL;
	}
	__real_free(p);
}

static void what_is_freed_is_wiped(void **state)
{
	char *p = mem_strdup("secret access key");

	(void)state;
	assert_string_equal(p, "secret access key");
	freed = 0;
	dirty = 0;
	watched = (unsigned char *)p;
	mem_free(p);
	assert_int_equal(freed, 1);
	assert_int_equal(dirty, 0);
	mem_free(NULL);
}

static void what_grows_leaves_nothing_behind(void **state)
{
	char *p = mem_realloc(NULL, 16), *q;

	(void)state;
	strcpy(p, "secret");
	freed = 0;
	dirty = 0;
	watched = (unsigned char *)p;
	q = mem_realloc(p, 100000);
	assert_int_equal(freed, 1);
	assert_int_equal(dirty, 0);
	assert_string_equal(q, "secret");
	watched = (unsigned char *)q;
	p = mem_realloc(q, 3);
	assert_int_equal(freed, 2);
	assert_int_equal(dirty, 0);
	assert_memory_equal(p, "sec", 3);
	mem_free(p);
	p = mem_zalloc(3, 5);
	assert_memory_equal(p, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15);
	mem_free(p);
	mem_free(mem_alloc(1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_freed_is_wiped),
		cmocka_unit_test(what_grows_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
