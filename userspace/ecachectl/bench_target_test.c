// SPDX-License-Identifier: GPL-2.0-or-later
/* The tables of all targets, which must be the same cipher over the same sectors, and name a key but hold none. */
#include <string.h>
#include <sys/sysmacros.h>

#include "../common/test.h"
#include "bench_target.h"

#define REF ":64:logon:ecache:bench-7"

static struct bench_table sample(unsigned int sector_size)
{
	return (struct bench_table){ .dev = makedev(254, 16), .sectors = 2048, .sector_size = sector_size,
				     .key = "ecache:bench-7", .accel = "qat_aes_xts" };
}

static void expect(enum bench_kind kind, unsigned int sector_size, const char *target, const char *params)
{
	struct bench_table t = sample(sector_size);
	char out[512];

	assert_string_equal(bench_table(kind, &t, out, sizeof(out)), target);
	assert_string_equal(out, params);
}

static void all_count_large_sectors_alike(void **state)
{
	(void)state;
	expect(BENCH_LINEAR, 4096, "linear", "254:16 0");
	expect(BENCH_CRYPT, 4096, "crypt",
	       "aes-xts-plain64 " REF " 0 254:16 0 2 sector_size:4096 iv_large_sectors");
	expect(BENCH_CRYPT_NWQ, 4096, "crypt",
	       "aes-xts-plain64 " REF " 0 254:16 0 4 no_read_workqueue no_write_workqueue sector_size:4096 iv_large_sectors");
	expect(BENCH_INLINECRYPT, 4096, "inlinecrypt",
	       "aes-xts-plain64 " REF " 0 254:16 0 3 keytype:raw sector_size:4096 iv_large_sectors");
	expect(BENCH_ECACHE, 4096, "ecache", "aes-xts-plain64 64 0 254:16 0 2 sector_size:4096 iv_large_sectors");
	expect(BENCH_ECACHE_INLINE, 4096, "ecache",
	       "aes-xts-plain64 64 0 254:16 0 3 engine:inline sector_size:4096 iv_large_sectors");
	expect(BENCH_ECACHE_ACCEL, 4096, "ecache",
	       "aes-xts-plain64 64 0 254:16 0 4 engine:accel driver:qat_aes_xts sector_size:4096 iv_large_sectors");
}

static void small_sectors_need_no_option(void **state)
{
	(void)state;
	expect(BENCH_CRYPT, 512, "crypt", "aes-xts-plain64 " REF " 0 254:16 0 0");
	expect(BENCH_CRYPT_NWQ, 512, "crypt",
	       "aes-xts-plain64 " REF " 0 254:16 0 2 no_read_workqueue no_write_workqueue");
	expect(BENCH_INLINECRYPT, 512, "inlinecrypt", "aes-xts-plain64 " REF " 0 254:16 0 1 keytype:raw");
	expect(BENCH_ECACHE, 512, "ecache", "aes-xts-plain64 64 0 254:16 0 0");
}

static void the_control_is_the_same_table(void **state)
{
	struct bench_table t = sample(4096);
	char a[512], b[512];

	(void)state;
	bench_table(BENCH_ECACHE, &t, a, sizeof(a));
	bench_table(BENCH_AGAIN, &t, b, sizeof(b));
	assert_string_equal(a, b);
}

static void the_disk_itself_has_no_table(void **state)
{
	struct bench_table t = sample(4096);
	char out[512];

	(void)state;
	assert_null(bench_table(BENCH_RAW, &t, out, sizeof(out)));
}

/* As 6.12 prints them: the CPU's driver behind its wrapper is asynchronous, too. */
#define CPU \
	"name         : xts(aes)\ndriver       : xts-aes-vaes-avx512\nmodule       : aesni_intel\npriority     : 800\n" \
	"refcnt       : 1\nselftest     : passed\ninternal     : no\ntype         : skcipher\nasync        : yes\n\n"
#define GENERIC \
	"name         : xts(aes)\ndriver       : xts(ecb(aes-generic))\nmodule       : xts\npriority     : 100\n" \
	"internal     : no\ntype         : skcipher\nasync        : no\n\n"
#define QAT \
	"name         : xts(aes)\ndriver       : qat_aes_xts\nmodule       : intel_qat\npriority     : 100\n" \
	"internal     : no\ntype         : skcipher\nasync        : yes\n\n"
#define CAAM \
	"name         : xts(aes)\ndriver       : xts-aes-caam\nmodule       : caam_jr\npriority     : 3000\n" \
	"internal     : no\ntype         : skcipher\nasync        : yes\n\n"
#define OTHER \
	"name         : cbc(aes)\ndriver       : cbc-aes-caam\nmodule       : caam_jr\npriority     : 3000\n" \
	"internal     : no\ntype         : skcipher\nasync        : yes\n\n"

static void an_accelerator_is_asynchronous_and_not_the_cpu(void **state)
{
	char driver[64] = "";

	(void)state;
	assert_false(bench_find_accel("", driver, sizeof(driver)));
	assert_false(bench_find_accel(CPU GENERIC OTHER, driver, sizeof(driver)));
	assert_true(bench_find_accel(CPU QAT GENERIC, driver, sizeof(driver)));
	assert_string_equal(driver, "qat_aes_xts");
	assert_true(bench_find_accel(QAT CPU CAAM OTHER, driver, sizeof(driver)));
	assert_string_equal(driver, "xts-aes-caam");
	assert_true(bench_find_accel(CAAM QAT, driver, sizeof(driver)));
	assert_string_equal(driver, "xts-aes-caam");
}

static void the_last_entry_may_lack_its_empty_line(void **state)
{
	char text[] = QAT, driver[64] = "";

	(void)state;
	text[strlen(text) - 2] = '\0';
	assert_true(bench_find_accel(text, driver, sizeof(driver)));
	text[strlen(text) - 1] = 'S';	/* "async : yeS" */
	assert_false(bench_find_accel(text, driver, sizeof(driver)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_count_large_sectors_alike),
		cmocka_unit_test(small_sectors_need_no_option),
		cmocka_unit_test(the_control_is_the_same_table),
		cmocka_unit_test(the_disk_itself_has_no_table),
		cmocka_unit_test(an_accelerator_is_asynchronous_and_not_the_cpu),
		cmocka_unit_test(the_last_entry_may_lack_its_empty_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
