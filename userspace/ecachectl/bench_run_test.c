// SPDX-License-Identifier: GPL-2.0-or-later
/* The rounds, with a script in the place of fio: which target is measured when, and what becomes of what fio says. */
#include "../common/test.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include "../volume/scratch.h"
#include "bench_fixture.h"
#include "bench_run.h"

#define TARGETS 5

/*
 * A sample of 1,000 I/Os in one second, in which one of two processors was idle for half of it. What the target's
 * "disk" holds, its number, goes into a log, and into the latency.
 */
static const char fio[] =
	"#!/bin/sh\n"
	"read target < /proc/self/fd/9\n"
	"echo $target >> LOG\n"
	"echo \"$@\" >> LOG.words\n"
	"printf '100.00 10.00\\ncpu  0 0 0 1000 0 0 0 0\\ncpu0 0\\ncpu1 0\\n 5000000\\n' > cell.prerun.txt\n"
	"printf ' 6000000\\n101.00 10.00\\ncpu  0 0 0 1150 0 0 0 0\\ncpu0 0\\ncpu1 0\\n' > cell.postrun.txt\n"
	"cat > output <<EOT\n"
	"{\"fio version\":\"fio-3.0\",\"jobs\":[{\"error\":0,\"read\":{\"total_ios\":1000,\"io_bytes\":4096000,\"runtime\":1000,\n"
	"\"lat_ns\":{\"percentile\":{\"50.000000\":${target}000,\"99.000000\":${target}000,\"99.900000\":${target}000}}}}]}\n"
	"EOT\n";

struct world {
	struct scratch *s;
	struct bench b;
	struct bench_runner r;
	int fd[TARGETS];
	char program[512], log[512];
};

/* script - @text, with LOG for the log's path. */
static void script(struct world *w, const char *text)
{
	const char *p;
	FILE *f = fopen(w->program, "we");

	assert_non_null(f);
	while ((p = strstr(text, "LOG"))) {
		fprintf(f, "%.*s%s", (int)(p - text), text, w->log);
		text = p + 3;
	}
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(w->program, 0700), 0);
}

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	void *scratch;
	char name[8], text[8];
	unsigned int i;

	scratch_make(&scratch);
	w->s = scratch;
	w->b = fixture("4k-randread-1,1m-read", 4);
	free(w->b.samples);
	w->b.samples = NULL;
	strcpy(w->program, scratch_path(w->s, "fio"));
	strcpy(w->log, scratch_path(w->s, "log"));
	for (i = 0; i < TARGETS; i++) {
		snprintf(name, sizeof(name), "t%u", i);
		snprintf(text, sizeof(text), "%u\n", i + 1);
		scratch_write(w->s, name, text);
		w->fd[i] = open(scratch_path(w->s, name), O_RDONLY | O_CLOEXEC);
	}
	w->r = (struct bench_runner){ .fio = w->program, .signals = eventfd(0, EFD_CLOEXEC), .fd = w->fd };
	script(w, fio);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;
	void *scratch = w->s;
	unsigned int i;

	for (i = 0; i < TARGETS; i++)
		close(w->fd[i]);
	close(w->r.signals);
	fixture_free(&w->b);
	scratch_drop(&scratch);
	free(w);
	return 0;
}

static void what_fio_says_is_a_sample(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;
	struct bench_sample *s;
	unsigned int i, j;

	assert_int_equal(bench_run(&w->b, &w->r, &e), 0);
	assert_true(w->b.counted);
	assert_string_equal(w->b.host.fio, "fio-3.0");
	for (i = 0; i < w->b.nr_targets; i++) {
		for (j = 0; j < w->b.rounds; j++) {
			s = bench_at(&w->b, 1, i, j);
			assert_true(s->v[BENCH_IOPS] == 1000);
			assert_true(s->v[BENCH_READ_P50] == i + 1);	/* of this target, and no other */
			assert_true(s->v[BENCH_CPU] == 500);		/* half a second over 1,000 I/Os */
			assert_true(s->v[BENCH_INSNS] == 1000);
			assert_true(isnan(s->v[BENCH_WRITE_P50]));
		}
	}
}

/* In each round of each cell every target has its turn, and not always the same one. */
static void targets_take_turns_in_another_order(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;
	unsigned int first = 0, i, j, seen;
	char *log;

	w->b.rounds = 20;
	assert_int_equal(bench_run(&w->b, &w->r, &e), 0);
	log = scratch_read(w->s, "log");
	assert_int_equal(strlen(log), 20 * 2 * TARGETS * 2);
	for (i = 0; i < 40; i++) {
		for (seen = 0, j = 0; j < TARGETS; j++)
			seen |= 1 << (log[(i * TARGETS + j) * 2] - '1');
		assert_int_equal(seen, (1 << TARGETS) - 1);
		first |= 1 << (log[i * TARGETS * 2] - '1');
	}
	/* that one of five is never the first of 40 happens once in 1,500 runs; that two are not, once in millions */
	assert_true(__builtin_popcount(first) >= TARGETS - 1);
	free(log);
}

/* Targets of a cell get the same sectors in a round, and others in the next. */
static void seeds_are_of_a_round(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;
	char *words, *line, *rest, seed[2][64];
	unsigned int i;

	assert_int_equal(bench_choose_cells(&w->b, "4k-randread-1", &e), 0);
	w->b.rounds = 2;
	assert_int_equal(bench_run(&w->b, &w->r, &e), 0);
	words = scratch_read(w->s, "log.words");
	rest = words;
	for (i = 0; i < 2 * TARGETS; i++) {
		line = strsep(&rest, "\n");
		assert_non_null(strstr(line, "--randseed="));
		line = strtok(strstr(line, "--randseed="), " ");
		if (i % TARGETS)
			assert_string_equal(line, seed[i / TARGETS]);
		else
			snprintf(seed[i / TARGETS], sizeof(seed[0]), "%s", line);
	}
	assert_string_not_equal(seed[0], seed[1]);
	free(words);
}

static void a_failure_ends_it_and_says_where(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;

	script(w, "#!/bin/sh\necho 'fio: engine libaio not loadable' >&2\nexit 1\n");
	assert_int_equal(bench_run(&w->b, &w->r, &e), -EIO);
	assert_non_null(strstr(e.what, "4k-randread-1 on "));
	assert_non_null(strstr(e.what, "libaio not loadable"));
}

static void no_fio_is_said_with_its_package(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;

	w->r.fio = "/nowhere/fio";
	assert_int_equal(bench_fill(&w->b, &w->r, &e), -ENOENT);
	assert_non_null(strstr(e.hint, "package"));
}

/* fio ended well and left less than was asked for: no sample is made up. */
static void what_is_missing_is_an_error(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;

	script(w, "#!/bin/sh\n");
	assert_int_equal(bench_run(&w->b, &w->r, &e), -ENOENT);
	free(w->b.samples);
	script(w, "#!/bin/sh\necho '{\"jobs\":[{\"error\":0}]}' > output\n");
	assert_int_equal(bench_run(&w->b, &w->r, &e), -EBADMSG);
}

static void a_signal_ends_it(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;
	uint64_t one = 1;

	assert_int_equal(write(w->r.signals, &one, sizeof(one)), sizeof(one));
	script(w, "#!/bin/sh\nexec sleep 60\n");
	assert_int_equal(bench_run(&w->b, &w->r, &e), -EINTR);
}

static void the_machine_is_busy_by_a_share(void **state)
{
	double busy = bench_busy(100);

	(void)state;
	assert_true(busy >= 0 && busy <= 1.1);	/* both files count in hundredths of a second */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_fio_says_is_a_sample),
		TEST(targets_take_turns_in_another_order),
		TEST(seeds_are_of_a_round),
		TEST(a_failure_ends_it_and_says_where),
		TEST(no_fio_is_said_with_its_package),
		TEST(what_is_missing_is_an_error),
		TEST(a_signal_ends_it),
		cmocka_unit_test(the_machine_is_busy_by_a_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
