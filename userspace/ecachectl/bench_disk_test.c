// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is measured is written to, so everything that is not zeroes is refused; and zeroes are what stays. Files
 * for disks.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/test.h"
#include "../volume/scratch.h"
#include "bench_disk.h"

#define MIB (1024 * 1024)
#define DISK_MIB 20

#define DISK "disk"
#define PINS "/nowhere"

static int begin(void **state)
{
	int fd;

	scratch_make(state);
	fd = open(scratch_path(*state, DISK), O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, DISK_MIB * MIB + 512))
		return -1;
	return close(fd);
}

static void put(struct scratch *s, off_t at, const void *bytes, size_t len)
{
	int fd = open(scratch_path(s, DISK), O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, at), len);
	close(fd);
}

static int take(struct scratch *s, struct device *d, uint64_t *area, struct err *e)
{
	*e = (struct err)ERR_INIT;
	return bench_disk_take(d, scratch_path(s, DISK), DEVICE_FILE, PINS, area, e);
}

static void zeroes_are_taken_in_whole_mib(void **state)
{
	struct scratch *s = *state;
	struct device d = DEVICE_INIT;
	uint64_t area = 16 * MIB;
	struct err e;

	assert_int_equal(take(s, &d, &area, &e), 0);
	assert_true(area == 16 * MIB);
	device_close(&d);
	area = 1ULL << 40;
	assert_int_equal(take(s, &d, &area, &e), 0);
	assert_true(area == DISK_MIB * MIB);
	device_close(&d);
}

static void a_signature_is_refused(void **state)
{
	struct scratch *s = *state;
	struct device d = DEVICE_INIT;
	uint64_t area = 16 * MIB;
	struct err e;

	put(s, 4096 - 10, "SWAPSPACE2", 10);
	put(s, 1024, "\1\0\0\0\xff\0\0\0", 8);
	assert_int_equal(take(s, &d, &area, &e), -EEXIST);
	assert_non_null(strstr(e.what, "holds a swap"));
	/* not device_check_blank()'s hint, whose --force we have not */
	assert_non_null(strstr(e.hint, "wipefs"));
	assert_null(strstr(e.hint, "--force"));
	assert_int_equal(d.fd, -1);
}

/* One byte anywhere: nothing that blkid knows, and still somebody's. */
static void a_single_byte_is_refused(void **state)
{
	static const off_t places[] = { 0, 7 * MIB + 4711, 16 * MIB - 1 };
	struct scratch *s = *state;
	struct device d = DEVICE_INIT;
	uint64_t area = 16 * MIB;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
		put(s, places[i], "x", 1);
		assert_int_equal(take(s, &d, &area, &e), -EEXIST);
		assert_non_null(strstr(e.what, "holds data"));
		put(s, places[i], "", 1);
	}
	/* behind what is written to it is nobody's affair */
	put(s, 16 * MIB, "x", 1);
	assert_int_equal(take(s, &d, &area, &e), 0);
	device_close(&d);
}

static void too_small_is_refused(void **state)
{
	struct scratch *s = *state;
	struct device d = DEVICE_INIT;
	uint64_t area = 4 * MIB;
	struct err e;

	assert_int_equal(take(s, &d, &area, &e), -EOVERFLOW);
	assert_int_equal(d.fd, -1);
}

static void given_back_it_is_as_it_was(void **state)
{
	struct scratch *s = *state;
	struct device d = DEVICE_INIT;
	uint64_t area = 16 * MIB;
	struct err e;

	put(s, 16 * MIB, "beyond", 6);
	assert_int_equal(take(s, &d, &area, &e), 0);
	put(s, 0, "SWAPSPACE2", 10);
	put(s, 9 * MIB, "random bytes", 12);
	put(s, 16 * MIB - 4, "last", 4);
	assert_int_equal(bench_disk_give_back(&d, area, &e), 0);
	assert_int_equal(take(s, &d, &area, &e), 0);
	area = 20 * MIB;
	device_close(&d);
	assert_int_equal(take(s, &d, &area, &e), -EEXIST);	/* what was beyond is still there */
}

static void what_is_no_disk_is_refused(void **state)
{
	struct scratch *s = *state;
	struct device d = DEVICE_INIT;
	uint64_t area = 16 * MIB;
	struct err e = ERR_INIT;

	assert_int_equal(bench_disk_take(&d, scratch_path(s, DISK), 0, PINS, &area, &e), -ENOTBLK);
	assert_int_equal(bench_disk_take(&d, "/nowhere", 0, PINS, &area, &e), -ENOENT);
	assert_int_equal(bench_disk_take(&d, "/dev/null", 0, PINS, &area, &e), -ENOTBLK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(zeroes_are_taken_in_whole_mib, begin, scratch_drop),
		cmocka_unit_test_setup_teardown(a_signature_is_refused, begin, scratch_drop),
		cmocka_unit_test_setup_teardown(a_single_byte_is_refused, begin, scratch_drop),
		cmocka_unit_test_setup_teardown(too_small_is_refused, begin, scratch_drop),
		cmocka_unit_test_setup_teardown(given_back_it_is_as_it_was, begin, scratch_drop),
		cmocka_unit_test_setup_teardown(what_is_no_disk_is_refused, begin, scratch_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
