// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "../common/fsio.h"
#include "device.h"
#include "header.h"
#include "namespace.h"
#include "sample.h"
#include "scratch.h"

/* Regular files stand for devices; claims and users of real devices are tested in guests. */

static const char *make(struct scratch *s, off_t size)
{
	int fd = open(scratch_path(s, "disk"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
	return s->path;
}

static void put(struct scratch *s, off_t off, const void *bytes, size_t len)
{
	int fd = open(scratch_path(s, "disk"), O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, bytes, len, off), len);
	close(fd);
}

static void opens_what_is_large_enough(void **state)
{
	struct scratch *s = *state;
	struct err e = ERR_INIT;
	struct device d;

	assert_int_equal(device_open(&d, make(s, HEADER_BYTES + 4096), DEVICE_FILE, NULL), 0);
	assert_int_equal(d.bytes, HEADER_BYTES + 4096);
	assert_int_equal(d.rdev, 0);
	device_close(&d);
	assert_int_equal(device_open(&d, make(s, HEADER_BYTES + 4095), DEVICE_FILE, &e), -EOVERFLOW);
	assert_int_equal(d.fd, -1);
	assert_non_null(strstr(e.what, "too small"));
}

static void only_block_devices(void **state)
{
	struct scratch *s = *state;
	struct device d;

	assert_int_equal(device_open(&d, make(s, 4 << 20), 0, NULL), -ENOTBLK);
	assert_int_equal(device_open(&d, "/dev/null", DEVICE_FILE, NULL), -ENOTBLK);
	assert_int_equal(mkfifo(scratch_path(s, "fifo"), 0600), 0);
	assert_int_equal(device_open(&d, s->path, DEVICE_FILE, NULL), -ENOTBLK);
	assert_int_equal(device_open(&d, "/nonexistent", 0, NULL), -ENOENT);
}

static void the_path_stays_the_device(void **state)
{
	struct scratch *s = *state;
	struct device d;
	char byte;
	int fd;

	make(s, 4 << 20);
	put(s, 0, "A", 1);
	assert_int_equal(device_open(&d, scratch_path(s, "disk"), DEVICE_FILE, NULL), 0);
	assert_int_equal(unlink(scratch_path(s, "disk")), 0);
	make(s, 4 << 20);
	put(s, 0, "B", 1);
	fd = open(d.path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, &byte, 1, 0), 1);
	assert_int_equal(byte, 'A');
	close(fd);
	device_close(&d);
}

static int blank(struct scratch *s, struct err *e)
{
	struct device d;
	int rc;

	assert_int_equal(device_open(&d, scratch_path(s, "disk"), DEVICE_FILE, NULL), 0);
	rc = device_check_blank(&d, e);
	device_close(&d);
	return rc;
}

static void known_signatures_are_seen(void **state)
{
	static const uint8_t luks[8] = { 'L', 'U', 'K', 'S', 0xba, 0xbe, 0, 1 };
	static const uint8_t dos[66] = { [0] = 0x80, [4] = 0x83, [8] = 8, [12] = 0xff, [64] = 0x55, [65] = 0xaa };
	struct scratch *s = *state;
	struct err e = ERR_INIT;

	make(s, 8 << 20);
	assert_int_equal(blank(s, NULL), 0);
	put(s, 0, luks, sizeof(luks));
	assert_int_equal(blank(s, &e), -EEXIST);
	assert_non_null(strstr(e.what, "crypto_LUKS"));
	assert_non_null(strstr(e.hint, "--force"));

	make(s, 8 << 20);
	put(s, 446, dos, sizeof(dos));
	assert_int_equal(blank(s, &e), -EEXIST);
	assert_non_null(strstr(e.what, "partition table"));

	make(s, 8 << 20);
	put(s, 4096 - 10, "SWAPSPACE2", 10);
	put(s, 1024, "\1\0\0\0", 4);
	put(s, 1028, "\377\0\0\0", 4);
	assert_int_equal(blank(s, &e), -EEXIST);
	assert_non_null(strstr(e.what, "swap"));
}

static void made_by_real_tools(void **state)
{
	static const char *const tools[] = {
		"mkfs.ext4 -q -F", "mkfs.xfs -q -f", "mkfs.btrfs -q -f", "mkswap",
	};
	struct scratch *s = *state;
	char command[256];
	size_t i;

	for (i = 0; i < sizeof(tools) / sizeof(*tools); i++) {
		make(s, 400 << 20);
		setenv("F", scratch_path(s, "disk"), 1);
		snprintf(command, sizeof(command), "PATH=$PATH:/usr/sbin:/sbin; %s $F >/dev/null 2>&1", tools[i]);
		if (system(command))
			continue;	/* the tool is not installed */
		assert_int_equal(blank(s, NULL), -EEXIST);
	}
}

static void save_and_restore(void **state)
{
	struct scratch *s = *state;
	char file[512], *saved, junk[8192];
	struct device d;
	struct stat st;
	size_t len;

	make(s, 4 << 20);
	put(s, 0, "start", 5);
	put(s, HEADER_BYTES - 3, "endbeyond", 9);
	snprintf(file, sizeof(file), "%s/saved", s->dir);
	assert_int_equal(device_open(&d, scratch_path(s, "disk"), DEVICE_FILE, NULL), 0);
	assert_int_equal(device_save(&d, file, NULL), 0);
	assert_int_equal(device_save(&d, file, NULL), -EEXIST);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, HEADER_BYTES);
	memset(junk, 'x', sizeof(junk));
	put(s, 0, junk, sizeof(junk));
	put(s, HEADER_BYTES - 3, "XXXYYYYYY", 9);
	assert_int_equal(device_restore(&d, file, NULL), 0);
	assert_int_equal(fsio_read(scratch_path(s, "disk"), 4 << 20, &saved, &len, NULL), 0);
	assert_memory_equal(saved, "start\0", 6);
	assert_memory_equal(saved + HEADER_BYTES - 3, "endYYYYYY", 9);
	free(saved);
	scratch_write(s, "saved", "short");
	assert_int_equal(device_restore(&d, file, NULL), -EBADMSG);
	assert_int_equal(device_restore(&d, "/nonexistent", NULL), -ENOENT);
	device_close(&d);
}

/* Claims, locks and users of a real device; its header written through the descriptor. */
static void claims(const char *dev)
{
	const struct header_spec spec = {
		.luks_uuid = SAMPLE_UUID, .cache_id = "cache-1", .sector_size = 4096,
	};
	char digest[TOKEN_DIGEST_MAX + 1];
	struct err e = ERR_INIT;
	struct device d, other;
	struct secret key;

	assert_int_equal(device_open(&d, dev, 0, NULL), 0);
	assert_true(d.rdev != 0);
	assert_int_equal(d.bytes, 32 << 20);
	assert_int_equal(device_open(&other, dev, 0, &e), -EBUSY);
	assert_non_null(strstr(e.what, "locked by another program"));
	assert_int_equal(device_open(&other, dev, DEVICE_UNCLAIMED, NULL), 0);
	device_close(&other);

	assert_int_equal(secret_alloc(&key, 64), 0);
	key.len = 64;
	key.data[0] = 1;
	assert_int_equal(header_format(d.path, &spec, &key, digest, NULL), -EBUSY);
	device_unclaim(&d);
	assert_int_equal(header_format(d.path, &spec, &key, digest, NULL), 0);
	assert_int_equal(device_reclaim(&d, NULL), 0);
	assert_int_equal(header_verify_key(d.path, &key, NULL), 0);
	assert_int_equal(device_check_blank(&d, &e), -EEXIST);
	assert_non_null(strstr(e.what, "crypto_LUKS"));
	assert_int_equal(header_wipe(d.path, NULL), 0);
	assert_int_equal(device_check_blank(&d, NULL), 0);
	secret_wipe(&key);
	device_close(&d);
}

struct loop {
	char dev[64], dir[128];
};

static void while_mounted(void *arg)
{
	struct err e = ERR_INIT;
	struct loop *l = arg;
	struct device d;

	mkdir(l->dir, 0700);
	if (mount(l->dev, l->dir, "ext4", 0, NULL))
		exit(NAMESPACE_SKIP);
	assert_int_equal(device_open(&d, l->dev, 0, &e), -EBUSY);
	assert_non_null(strstr(e.what, "mounted on"));
	assert_non_null(strstr(e.what, "/mnt"));
	assert_int_equal(umount(l->dir), 0);
	assert_int_equal(device_open(&d, l->dev, 0, NULL), 0);
	device_close(&d);
}

static void a_real_device(void **state)
{
	struct scratch *s = *state;
	int rc = NAMESPACE_SKIP;
	struct loop l;

	if (!loop_make(scratch_path(s, "disk"), 32 << 20, l.dev))
		skip();
	snprintf(l.dir, sizeof(l.dir), "%s/mnt", s->dir);
	claims(l.dev);
	if (!loop_mkfs(l.dev))
		rc = namespace_run(while_mounted, &l);
	loop_drop(l.dev);
	if (rc != NAMESPACE_SKIP)
		assert_int_equal(rc, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(opens_what_is_large_enough),
		scratch_test(only_block_devices),
		scratch_test(the_path_stays_the_device),
		scratch_test(known_signatures_are_seen),
		scratch_test(made_by_real_tools),
		scratch_test(save_and_restore),
		scratch_test(a_real_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
