// SPDX-License-Identifier: GPL-2.0-or-later
/* Contents under one key come out under another; what was never written stays so; the sum sees everything else. */
#include "../common/test.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "../common/fsio.h"
#include "content.h"
#include "scratch.h"

#define DATA (3 * 1024 * 1024 + 5 * CONTENT_GRAIN)	/* some chunks and a piece */

struct side {
	struct device d;
	struct content c;
	struct secret key;
};

static uint8_t plain[DATA];
static bool there[DATA / CONTENT_GRAIN];

/* mark - plaintext that differs everywhere; every third grain and all of the second chunk were never written. */
static void mark(void)
{
	uint64_t seed = 7;
	size_t i, g;

	for (g = 0; g < DATA / CONTENT_GRAIN; g++) {
		there[g] = g % 3 && g / (CONTENT_CHUNK / CONTENT_GRAIN) != 1;
		for (i = 0; i < CONTENT_GRAIN; i++)
			plain[g * CONTENT_GRAIN + i] = (uint8_t)test_random(&seed);
	}
	/* Zeros that were written are content. */
	there[4] = true;
	memset(plain + 4 * CONTENT_GRAIN, 0, CONTENT_GRAIN);
}

static void side_open(struct scratch *s, struct side *x, const char *name, uint8_t key, off_t bytes,
		      unsigned int sector, bool blank)
{
	struct header h = { .data_offset = HEADER_BYTES, .sector_size = sector };
	size_t i;
	int fd;

	fd = open(scratch_path(s, name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, HEADER_BYTES + bytes), 0);
	close(fd);
	assert_int_equal(device_open(&x->d, s->path, DEVICE_FILE, NULL), 0);
	x->key = (struct secret)SECRET_INIT;
	assert_int_equal(secret_alloc(&x->key, 64), 0);
	for (i = 0; i < 64; i++)
		x->key.data[i] = (uint8_t)(key + i);
	x->key.len = 64;
	assert_int_equal(content_open(&x->c, &x->d, &h, &x->key, true, NULL), 0);
	x->c.blank = blank;
}

static void side_close(struct side *x)
{
	content_close(&x->c);
	device_close(&x->d);
	secret_wipe(&x->key);
}

/* fill - the marks, as a volume would have written them. */
static void fill(struct side *x)
{
	uint8_t buf[CONTENT_GRAIN];
	size_t g;

	for (g = 0; g < DATA / CONTENT_GRAIN; g++) {
		if (!there[g])
			continue;
		memcpy(buf, plain + g * CONTENT_GRAIN, sizeof(buf));
		assert_int_equal(xts_encrypt(&x->c.xts, g * CONTENT_GRAIN, buf, sizeof(buf)), 0);
		assert_int_equal(pwrite_all(x->d.fd, buf, sizeof(buf), HEADER_BYTES + g * CONTENT_GRAIN), 0);
	}
}

/* holds_all - every grain under its own key, and zeros where none is. */
static void holds_all(struct side *x)
{
	static const uint8_t zeros[CONTENT_GRAIN];
	uint8_t buf[CONTENT_GRAIN];
	size_t g;

	for (g = 0; g < DATA / CONTENT_GRAIN; g++) {
		assert_int_equal(pread_all(x->d.fd, buf, sizeof(buf), HEADER_BYTES + g * CONTENT_GRAIN), 0);
		if (there[g])
			assert_int_equal(xts_decrypt(&x->c.xts, g * CONTENT_GRAIN, buf, sizeof(buf)), 0);
		assert_memory_equal(buf, there[g] ? plain + g * CONTENT_GRAIN : zeros, sizeof(buf));
	}
}

static void a_copy_is_the_same_under_another_key(void **state)
{
	struct side from, to;
	struct content_sum sum, again, source;
	struct stat st;
	size_t g, nr = 0;

	mark();
	side_open(*state, &from, "from", 1, DATA, 4096, false);
	side_open(*state, &to, "to", 2, DATA, 4096, true);
	fill(&from);
	assert_int_equal(content_copy(&from.c, &to.c, NULL, &sum, NULL), 0);
	holds_all(&to);
	assert_int_equal(content_read(&to.c, DATA, NULL, &again, NULL), 0);
	assert_string_equal(sum.sha256, again.sha256);
	assert_int_equal(content_read(&from.c, DATA, NULL, &source, NULL), 0);
	assert_string_equal(sum.sha256, source.sha256);
	for (g = 0; g < DATA / CONTENT_GRAIN; g++)
		nr += there[g];
	assert_int_equal(sum.stored, nr * CONTENT_GRAIN);
	assert_int_equal(fstat(to.d.fd, &st), 0);
	if (st.st_blksize <= CONTENT_GRAIN)
		assert_true(st.st_blocks * 512 < (off_t)(sum.stored + HEADER_BYTES));
	side_close(&from);
	side_close(&to);
}

static void what_a_target_held_is_gone_where_nothing_is_to_be(void **state)
{
	struct side from, to;
	struct content_sum sum, again;
	static uint8_t old[DATA];

	mark();
	side_open(*state, &from, "from", 1, DATA, 4096, false);
	side_open(*state, &to, "to", 2, DATA + 4096, 4096, false);
	fill(&from);
	memset(old, 0xee, sizeof(old));
	assert_int_equal(pwrite_all(to.d.fd, old, sizeof(old), HEADER_BYTES), 0);
	assert_int_equal(content_copy(&from.c, &to.c, NULL, &sum, NULL), 0);
	holds_all(&to);
	assert_int_equal(content_read(&to.c, DATA, NULL, &again, NULL), 0);
	assert_string_equal(sum.sha256, again.sha256);
	side_close(&from);
	side_close(&to);
}

static void sectors_of_512_and_an_end_that_is_no_grain(void **state)
{
	uint8_t buf[512], back[512];
	struct content_sum sum, again;
	struct side from, to;

	side_open(*state, &from, "from", 1, 4096 + 512, 512, false);
	side_open(*state, &to, "to", 2, 4096 + 512, 512, true);
	memset(buf, 0x5a, sizeof(buf));
	memcpy(back, buf, sizeof(buf));
	assert_int_equal(xts_encrypt(&from.c.xts, 4096, buf, sizeof(buf)), 0);
	assert_int_equal(pwrite_all(from.d.fd, buf, sizeof(buf), HEADER_BYTES + 4096), 0);
	assert_int_equal(content_copy(&from.c, &to.c, NULL, &sum, NULL), 0);
	assert_int_equal(sum.stored, 512);
	assert_int_equal(pread_all(to.d.fd, buf, sizeof(buf), HEADER_BYTES + 4096), 0);
	assert_int_equal(xts_decrypt(&to.c.xts, 4096, buf, sizeof(buf)), 0);
	assert_memory_equal(buf, back, sizeof(buf));
	assert_int_equal(content_read(&to.c, 4096 + 512, NULL, &again, NULL), 0);
	assert_string_equal(sum.sha256, again.sha256);
	side_close(&from);
	side_close(&to);
}

/* A bit that is another one, a grain that was lost, one that came from nowhere. */
static void the_sum_tells_every_damage(void **state)
{
	struct content_sum sum, again;
	uint8_t grain[CONTENT_GRAIN];
	struct side x;
	int what;

	mark();
	side_open(*state, &x, "x", 1, DATA, 4096, false);
	fill(&x);
	assert_int_equal(content_read(&x.c, DATA, NULL, &sum, NULL), 0);
	for (what = 0; what < 3; what++) {
		off_t at = HEADER_BYTES + (what == 1 ? 4 : what == 2 ? 3 : 5) * CONTENT_GRAIN;
		uint8_t before[CONTENT_GRAIN];

		assert_int_equal(pread_all(x.d.fd, before, sizeof(before), at), 0);
		memcpy(grain, before, sizeof(grain));
		if (what == 0)
			grain[17] ^= 1;
		else
			memset(grain, what == 1 ? 0 : 1, sizeof(grain));
		assert_int_equal(pwrite_all(x.d.fd, grain, sizeof(grain), at), 0);
		assert_int_equal(content_read(&x.c, DATA, NULL, &again, NULL), 0);
		assert_string_not_equal(sum.sha256, again.sha256);
		assert_int_equal(pwrite_all(x.d.fd, before, sizeof(before), at), 0);
	}
	side_close(&x);
}

struct watcher {
	uint64_t last;
	unsigned int calls, stop_at;
};

static int watch(void *ctx, uint64_t done, struct err *e)
{
	struct watcher *w = ctx;

	assert_true(done > w->last);
	w->last = done;
	return ++w->calls == w->stop_at ? err_set(e, -ECANCELED, "enough") : 0;
}

static void who_waits_is_told_and_can_end_it(void **state)
{
	struct watcher w = { 0 };
	const struct content_watch cw = { .go_on = watch, .ctx = &w };
	struct content_sum sum;
	struct side from, to;

	mark();
	side_open(*state, &from, "from", 1, DATA, 4096, false);
	side_open(*state, &to, "to", 2, DATA, 4096, true);
	fill(&from);
	assert_int_equal(content_copy(&from.c, &to.c, &cw, &sum, NULL), 0);
	assert_int_equal(w.last, DATA);
	assert_int_equal(w.calls, 4);
	w = (struct watcher){ .stop_at = 2 };
	assert_int_equal(content_copy(&from.c, &to.c, &cw, &sum, NULL), -ECANCELED);
	assert_int_equal(w.calls, 2);
	side_close(&from);
	side_close(&to);
}

static void a_target_that_is_too_small_gets_nothing(void **state)
{
	struct content_sum sum;
	struct side from, to;
	struct err e = ERR_INIT;

	side_open(*state, &from, "from", 1, DATA, 4096, false);
	side_open(*state, &to, "to", 2, DATA - 4096, 4096, true);
	assert_int_equal(content_copy(&from.c, &to.c, NULL, &sum, &e), -EINVAL);
	side_close(&from);
	side_close(&to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_copy_is_the_same_under_another_key, scratch_make, scratch_drop),
		cmocka_unit_test_setup_teardown(what_a_target_held_is_gone_where_nothing_is_to_be, scratch_make,
						scratch_drop),
		cmocka_unit_test_setup_teardown(sectors_of_512_and_an_end_that_is_no_grain, scratch_make, scratch_drop),
		cmocka_unit_test_setup_teardown(the_sum_tells_every_damage, scratch_make, scratch_drop),
		cmocka_unit_test_setup_teardown(who_waits_is_told_and_can_end_it, scratch_make, scratch_drop),
		cmocka_unit_test_setup_teardown(a_target_that_is_too_small_gets_nothing, scratch_make, scratch_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
