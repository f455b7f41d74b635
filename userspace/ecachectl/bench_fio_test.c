// SPDX-License-Identifier: GPL-2.0-or-later
/* What fio is asked, and what its answers say. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../common/test.h"
#include "bench_cell.h"
#include "bench_fio.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 0.000001)

/* A direction of fio's answer, with what else is in it. */
#define DIRECTION(name, ios, bytes, ms, p50, p99, p999) \
	"\"" name "\":{\"io_bytes\":" bytes ",\"bw\":1,\"iops\":2.5,\"runtime\":" ms ",\"total_ios\":" ios "," \
	"\"slat_ns\":{\"min\":0,\"max\":0,\"mean\":0.0,\"N\":0},\"clat_ns\":{\"min\":1,\"mean\":1.5}," \
	"\"lat_ns\":{\"min\":1,\"max\":9,\"mean\":4.5,\"percentile\":{\"50.000000\":" p50 ",\"99.000000\":" p99 \
	",\"99.900000\":" p999 "}}}"
#define NOTHING(name) DIRECTION(name, "0", "0", "0", "0", "0", "0")
#define ANSWER(error, read, write) \
	"{\"fio version\":\"fio-3.39\",\"global options\":{},\"jobs\":[{\"jobname\":\"cell\",\"error\":" error "," \
	read "," write ",\"usr_cpu\":1.5}],\"disk_util\":[]}\n"

/* has - whether @want is one of the words. */
static bool has(const struct bench_fio_words *w, const char *want)
{
	unsigned int i;

	for (i = 0; i < w->nr; i++) {
		if (!strcmp(w->v[i], want))
			return true;
	}
	return false;
}

static const struct bench_cell *cell(const char *name)
{
	struct bench b;

	assert_int_equal(bench_choose_cells(&b, name, NULL), 0);
	return b.cells[0];
}

static void a_cell_is_asked_by_descriptor_and_direct(void **state)
{
	const struct bench_fio_job job = { .cell = cell("4k-mixed-32"), .area = 1 << 26, .seconds = 3, .seed = 77 };
	struct bench_fio_words w;

	(void)state;
	assert_int_equal(bench_fio_words(&job, &w), 0);
	assert_string_equal(w.v[0], "fio");
	assert_null(w.v[w.nr]);
	assert_true(has(&w, "--filename=/proc/self/fd/9"));
	assert_true(has(&w, "--direct=1"));
	assert_true(has(&w, "--size=67108864"));	/* fio goes no further than that */
	assert_true(has(&w, "--rw=randrw"));
	assert_true(has(&w, "--rwmixread=70"));
	assert_true(has(&w, "--bs=4096"));
	assert_true(has(&w, "--iodepth=32"));
	assert_true(has(&w, "--runtime=3"));
	assert_true(has(&w, "--time_based=1"));
	assert_true(has(&w, "--randseed=77"));
	assert_true(has(&w, "--exec_prerun=cat /proc/uptime /proc/stat"));
	bench_fio_words_free(&w);
}

static void ios_instead_of_time(void **state)
{
	const struct bench_fio_job job = { .cell = cell("64k-write"), .area = 1 << 26, .ios = 100,
					     .counter = "/out/n" };
	struct bench_fio_words w;

	(void)state;
	assert_int_equal(bench_fio_words(&job, &w), 0);
	assert_true(has(&w, "--io_size=6553600"));
	assert_true(has(&w, "--time_based=0"));
	assert_false(has(&w, "--rwmixread=70"));
	/* the instructions are read next to the I/O on both sides */
	assert_true(has(&w, "--exec_prerun={ cat /proc/uptime /proc/stat; od -An -v -w8 -td8 /out/n; }"));
	assert_true(has(&w, "--exec_postrun={ od -An -v -w8 -td8 /out/n; cat /proc/uptime /proc/stat; }"));
	bench_fio_words_free(&w);
}

static void the_area_is_filled_with_other_bytes_each_time(void **state)
{
	const struct bench_fio_job job = { .area = 1 << 26, .seed = UINT64_MAX - 1 };
	struct bench_fio_words w;

	(void)state;
	assert_int_equal(bench_fio_words(&job, &w), 0);
	assert_true(has(&w, "--rw=write"));
	assert_true(has(&w, "--refill_buffers=1"));
	assert_true(has(&w, "--randseed=9223372036854775806"));	/* 64 bits are too many for fio */
	assert_true(has(&w, "--size=67108864"));
	bench_fio_words_free(&w);
}

static void an_answer_is_in_units_of_ours(void **state)
{
	struct bench_fio_answer a;
	struct err e = ERR_INIT;

	(void)state;
	/* other things may come first */
	assert_int_equal(bench_fio_parse("cell : Saving output of prerun in cell.prerun.txt\n"
					 ANSWER("0", DIRECTION("read", "5000", "20480000", "2000",
							       "90112", "120000", "1500000"),
						NOTHING("write")), &a, &e), 0);
	assert_string_equal(a.version, "fio-3.39");
	assert_int_equal(a.ios, 5000);
	NEAR(a.sample.v[BENCH_IOPS], 2500);
	NEAR(a.sample.v[BENCH_MIB], 9.765625);
	NEAR(a.sample.v[BENCH_READ_P50], 90.112);
	NEAR(a.sample.v[BENCH_READ_P99], 120);
	NEAR(a.sample.v[BENCH_READ_P999], 1500);
	assert_true(isnan(a.sample.v[BENCH_WRITE_P50]));
	assert_true(isnan(a.sample.v[BENCH_CPU]));
	assert_true(isnan(a.sample.v[BENCH_INSNS]));
}

/* Both directions are over when the longer one is. */
static void mixed_directions_add_up(void **state)
{
	static const char text[] = ANSWER("0",
					  DIRECTION("read", "700", "2867200", "1000", "1000", "2000", "3000"),
					  DIRECTION("write", "300", "1228800", "900", "4000", "5000", "6000"));
	struct bench_fio_answer a;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(bench_fio_parse(text, &a, &e), 0);
	assert_int_equal(a.ios, 1000);
	NEAR(a.sample.v[BENCH_IOPS], 1000);
	NEAR(a.sample.v[BENCH_READ_P50], 1);
	NEAR(a.sample.v[BENCH_WRITE_P999], 6);
}

static void failed_io_is_no_figure(void **state)
{
	struct bench_fio_answer a;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(bench_fio_parse(ANSWER("5", DIRECTION("read", "5", "20480", "10", "1", "2", "3"),
						NOTHING("write")), &a, &e), -EIO);
	assert_non_null(strstr(e.what, "Input/output error"));
}

static void what_is_no_answer_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"fio: unable to open\n",
		"{\"fio version\":\"fio-3.39\"}",
		"{\"jobs\":[]}",
		"{\"jobs\":{}}",
		"{\"jobs\":[7]}",
		"{\"jobs\":[{\"error\":0}]}",
		"{\"jobs\":[{\"error\":0,\"read\":[],\"write\":7}]}",
		"{\"jobs\":[{\"error\":\"0\"}]}",
		ANSWER("0", NOTHING("read"), NOTHING("write")),
		ANSWER("0", DIRECTION("read", "5", "20480", "0", "1", "2", "3"), NOTHING("write")),
		ANSWER("0", DIRECTION("read", "-5", "20480", "10", "1", "2", "3"), NOTHING("write")),
		"{\"jobs\":[{\"error\":0,\"read\":{\"total_ios\":5,\"io_bytes\":10}}]}",
	};
	struct bench_fio_answer a;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		e = (struct err)ERR_INIT;
		if (bench_fio_parse(bad[i], &a, &e) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
		assert_true(*e.what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cell_is_asked_by_descriptor_and_direct),
		cmocka_unit_test(ios_instead_of_time),
		cmocka_unit_test(the_area_is_filled_with_other_bytes_each_time),
		cmocka_unit_test(an_answer_is_in_units_of_ours),
		cmocka_unit_test(mixed_directions_add_up),
		cmocka_unit_test(failed_io_is_no_figure),
		cmocka_unit_test(what_is_no_answer_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
