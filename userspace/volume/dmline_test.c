// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "dmline.h"

#define ID "00112233445566778899aabbccddeeff"
#define LINE "ACTIVE cpu xts-aes-vaes-avx512 " ID " - 1 2 8 16 1 0 3 key-set"

static struct dm_table sample(void)
{
	return (struct dm_table){
		.sectors = 8, .cipher = "aes-xts-plain64", .key_size = 64, .dev = makedev(254, 16), .offset = 2048,
		.sector_size = 4096, .key_id = ID, .cache_id = "cache-1",
	};
}

static void table_line(void **state)
{
	struct dm_table t = sample();
	char out[DM_LINE_MAX];

	(void)state;
	assert_int_equal(dm_table_params(&t, out, sizeof(out), NULL), 0);
	assert_string_equal(out, "aes-xts-plain64 64 0 254:16 2048 3 sector_size:4096 key_id:" ID " cache_id:cache-1");
	t.allow_discards = true;
	t.key_size = 32;
	t.sector_size = 512;
	assert_int_equal(dm_table_params(&t, out, sizeof(out), NULL), 0);
	assert_string_equal(out, "aes-xts-plain64 32 0 254:16 2048 4 sector_size:512 key_id:" ID
			    " cache_id:cache-1 allow_discards");
	t.lease = 900;
	assert_int_equal(dm_table_params(&t, out, sizeof(out), NULL), 0);
	assert_string_equal(out, "aes-xts-plain64 32 0 254:16 2048 5 sector_size:512 key_id:" ID
			    " cache_id:cache-1 allow_discards lease:900");
	t.allow_discards = false;
	assert_int_equal(dm_table_params(&t, out, sizeof(out), NULL), 0);
	assert_string_equal(out, "aes-xts-plain64 32 0 254:16 2048 4 sector_size:512 key_id:" ID
			    " cache_id:cache-1 lease:900");
}

static void bad_tables_are_refused(void **state)
{
	struct dm_table t = sample();
	char out[DM_LINE_MAX];

	(void)state;
	t.sectors = 9;
	assert_int_equal(dm_table_params(&t, out, sizeof(out), NULL), -EINVAL);
	t.sectors = 0;
	assert_int_equal(dm_table_params(&t, out, sizeof(out), NULL), -EINVAL);
	t = sample();
	t.cache_id = "a b";
	assert_int_equal(dm_table_params(&t, out, sizeof(out), NULL), -EINVAL);
	t = sample();
	t.key_id = "0011";
	assert_int_equal(dm_table_params(&t, out, sizeof(out), NULL), -EINVAL);
	t = sample();
	assert_int_equal(dm_table_params(&t, out, 40, NULL), -ENOSPC);
}

static void lengths(void **state)
{
	(void)state;
	assert_int_equal(dm_table_sectors(1024 * 1024, 1024 * 1024, 4096), 0);
	assert_int_equal(dm_table_sectors(0, 1024 * 1024, 4096), 0);
	assert_int_equal(dm_table_sectors(1024 * 1024 + 4095, 1024 * 1024, 4096), 0);
	assert_int_equal(dm_table_sectors(1024 * 1024 + 4096 + 512, 1024 * 1024, 4096), 8);
	assert_int_equal(dm_table_sectors(1024 * 1024 + 4096 + 512, 1024 * 1024, 512), 9);
	assert_true(dm_table_sectors(UINT64_MAX, 1024 * 1024, 4096) == (UINT64_MAX - 1024 * 1024) / 4096 * 8);
}

static void status_line(void **state)
{
	struct dm_status st;

	(void)state;
	assert_int_equal(dm_status_parse(LINE, &st), 0);
	assert_int_equal(st.state, DM_STATE_ACTIVE);
	assert_string_equal(st.engine, "cpu");
	assert_string_equal(st.driver, "xts-aes-vaes-avx512");
	assert_string_equal(st.key_id, ID);
	assert_int_equal(st.lease, -1);
	assert_int_equal(st.reads, 1);
	assert_int_equal(st.writes, 2);
	assert_int_equal(st.read_sectors, 8);
	assert_int_equal(st.write_sectors, 16);
	assert_int_equal(st.inline_ios, 1);
	assert_int_equal(st.deferred, 0);
	assert_int_equal(st.errors, 3);
	assert_string_equal(st.reason, "key-set");
	assert_int_equal(dm_status_parse("LOCKED cpu x - 900 0 0 0 0 0 0 18446744073709551615 - later fields", &st), 0);
	assert_string_equal(st.key_id, "");
	assert_int_equal(st.lease, 900);
	assert_true(st.errors == UINT64_MAX);
}

static void states(void **state)
{
	static const char *const names[] = { "LOCKED", "ACTIVE", "REVOKING", "REVOKED" };
	struct dm_status st;
	char line[256];
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		strcpy(line, names[i]);
		strcat(line, " cpu x - - 0 0 0 0 0 0 0 -");
		assert_int_equal(dm_status_parse(line, &st), 0);
		assert_int_equal(st.state, i);
		assert_string_equal(dm_state_name(i), names[i]);
	}
}

static void bad_lines_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "ACTIVE", "active cpu x - - 0 0 0 0 0 0 0 -", "LOCKED cpu x - - 0 0 0 0 0 0 0",
		"LOCKED cpu x 0011 - 0 0 0 0 0 0 0 -", "LOCKED cpu x - -1 0 0 0 0 0 0 0 -", "LOCKED cpu x - - 0x1 0 0 0 0 0 0 -",
		"LOCKED cpu x - - 18446744073709551616 0 0 0 0 0 0 -", "LOCKED engine-name-too-long x - - 0 0 0 0 0 0 0 -",
	};
	struct dm_status st;
	char longer[2048];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(dm_status_parse(bad[i], &st), -EBADMSG);
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(dm_status_parse(longer, &st), -EBADMSG);
}

static void random_changes_are_harmless(void **state)
{
	uint64_t seed = 0x57a7e;
	char line[] = LINE;
	struct dm_status st;
	int i, n;

	(void)state;
	for (i = 0; i < 50000; i++) {
		strcpy(line, LINE);
		for (n = test_random(&seed) % 3; n >= 0; n--)
			line[test_random(&seed) % strlen(LINE)] = " -0aA9Z\x80"[test_random(&seed) % 8];
		if (!dm_status_parse(line, &st))
			assert_true(st.state <= DM_STATE_REVOKED && st.lease >= -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_line),
		cmocka_unit_test(bad_tables_are_refused),
		cmocka_unit_test(lengths),
		cmocka_unit_test(status_line),
		cmocka_unit_test(states),
		cmocka_unit_test(bad_lines_are_refused),
		cmocka_unit_test(random_changes_are_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
