// SPDX-License-Identifier: GPL-2.0-or-later
/* What is on a volume, and how far it reaches: shrinking it must not cut that off. */
#include "../common/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fssize.h"
#include "scratch.h"

/* image - a file of 64 MiB that begins with @len bytes of @start. */
static const char *image(struct scratch *s, const uint8_t *start, size_t len)
{
	const char *path = scratch_path(s, "image");
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 64 * 1024 * 1024), 0);
	assert_int_equal(pwrite(fd, start, len, 0), (ssize_t)len);
	close(fd);
	return path;
}

/* by_their_program - "PROGRAM OPTIONS DISK REST" has made it; false: it is not on this host. */
static bool by_their_program(struct scratch *s, const char *program, const char *options, const char *rest,
			     struct fssize *out)
{
	char line[256];
	const char *path;

	if (access(program, X_OK))
		return false;
	path = image(s, NULL, 0);
	snprintf(line, sizeof(line), "%s %s %s %s", program, options, path, rest);
	assert_int_equal(system(line), 0);
	assert_int_equal(fssize_look(path, out, NULL), 0);
	return true;
}

static void a_file_system_says_how_far_it_reaches(void **state)
{
	struct scratch *s = *state;
	struct fssize f;

	if (by_their_program(s, "/usr/sbin/mkfs.ext4", "-q -b 4096", "5000", &f)) {
		assert_string_equal(f.type, "ext4");
		assert_int_equal(f.bytes, 5000 * 4096);
	}
	if (by_their_program(s, "/usr/sbin/mkfs.ext4", "-q -b 1024 -O ^64bit", "5000", &f))
		assert_int_equal(f.bytes, 5000 * 1024);
	if (by_their_program(s, "/usr/sbin/mkswap", "", "8192 >/dev/null", &f)) {
		assert_string_equal(f.type, "swap");
		assert_int_equal(f.bytes, 8192 * 1024);
	}
	if (by_their_program(s, "/usr/sbin/mkfs.btrfs", "-q -b 60000000", "2>/dev/null || :", &f))
		assert_int_equal(f.bytes, 0);		/* known, but not how long it is */
}

/* The upper half of the number of blocks is there in a large file system only: too long for a test's disk. */
static void a_large_one_counts_in_64_bits(void **state)
{
	uint8_t start[4096] = { 0 };
	uint8_t *sb = start + 1024;
	struct fssize f;

	sb[0x38] = 0x53;		/* magic */
	sb[0x39] = 0xef;
	sb[0x4c] = 1;			/* revision */
	sb[0x18] = 2;			/* 4 KiB blocks */
	sb[0x04] = 3;
	sb[0x150] = 1;
	sb[0x60] = 0x40;		/* extents: ext4 */
	assert_int_equal(fssize_look(image(*state, start, sizeof(start)), &f, NULL), 0);
	assert_string_equal(f.type, "ext4");
	assert_int_equal(f.bytes, 3 * 4096);
	sb[0x60] = 0xc0;		/* and 64bit */
	assert_int_equal(fssize_look(image(*state, start, sizeof(start)), &f, NULL), 0);
	assert_true(f.bytes == (0x100000003ULL << 12));
}

static void xfs_is_big_endian(void **state)
{
	static const uint8_t start[512] = {
		'X', 'F', 'S', 'B', 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x02,	/* 0x1002 blocks of 4 KiB */
		[83] = 1, [86] = 0x10, [87] = 0x02, [91] = 1,	/* in one group; libblkid wants all to go together */
		[100] = 0xb4, [101] = 0xb4, [102] = 2, [104] = 2, [107] = 8,
		[120] = 12, [121] = 9, [122] = 9, [123] = 3, [124] = 13, [127] = 25,
	};
	struct fssize f;

	assert_int_equal(fssize_look(image(*state, start, sizeof(start)), &f, NULL), 0);
	assert_string_equal(f.type, "xfs");
	assert_int_equal(f.bytes, 0x1002 * 4096);
}

static void nothing_known_is_no_size(void **state)
{
	struct fssize f;

	assert_int_equal(fssize_look(image(*state, NULL, 0), &f, NULL), 0);
	assert_string_equal(f.type, "");
	assert_int_equal(f.bytes, 0);
	assert_int_equal(fssize_look("/nonexistent", &f, NULL), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(a_file_system_says_how_far_it_reaches),
		scratch_test(a_large_one_counts_in_64_bits),
		scratch_test(xfs_is_big_endian),
		scratch_test(nothing_known_is_no_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
