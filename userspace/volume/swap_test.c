// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>

#include "scratch.h"
#include "swap.h"

/* /dev/mapper/s1 is 253:5, /dev/mapper/other 253:6; what the kernel would say to swapon and swapoff. */
#define DEV makedev(253, 5)
#define HEAD "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
#define OURS "/dev/mapper/s1                          partition\t65536\t\t1024\t\t-2\n"
#define OTHER "/dev/mapper/other                       partition\t2048\t\t512\t\t-3\n"
#define A_FILE "/swap\\040file                           file\t\t1024\t\t0\t\t-4\n"

static struct {
	char proc[128];
	struct scratch *scratch;
	int errno_on, errno_off;
	int flags;
	unsigned int ons, offs;
	unsigned int taken_until;	/* so many times somebody else is taking it off, who then fails */
	bool gone_after_off;
} world;

typeof(stat) __real_stat, __wrap_stat;
int __wrap_stat(const char *path, struct stat *st)
{
	unsigned int minor;

	if (strncmp(path, "/dev/mapper/", strlen("/dev/mapper/")))
		return __real_stat(path, st);
	minor = !strcmp(path, "/dev/mapper/s1") ? 5 : 6;
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFBLK;
	st->st_rdev = makedev(253, minor);
	return 0;
}

typeof(swapon) __wrap_swapon;
int __wrap_swapon(const char *path, int flags)
{
	assert_string_equal(path, "/dev/mapper/s1");
	world.ons++;
	world.flags = flags;
	errno = world.errno_on;
	return world.errno_on ? -1 : 0;
}

typeof(swapoff) __wrap_swapoff;
int __wrap_swapoff(const char *path)
{
	assert_string_equal(path, "/dev/mapper/s1");
	world.offs++;
	if (world.offs <= world.taken_until) {
		errno = EINVAL;
		return -1;
	}
	if (world.gone_after_off)
		scratch_write(world.scratch, "swaps", HEAD OTHER);
	errno = world.errno_off;
	return world.errno_off ? -1 : 0;
}

static void swaps(struct scratch *s, const char *text)
{
	memset(&world, 0, sizeof(world));
	world.scratch = s;
	snprintf(world.proc, sizeof(world.proc), "%s", s->dir);
	scratch_write(s, "swaps", text);
}

static void an_area_and_what_is_free_beside_it(void **state)
{
	struct swap_area a;

	swaps(*state, HEAD OTHER OURS A_FILE);
	assert_int_equal(swap_look(world.proc, DEV, &a, NULL), 0);
	assert_true(a.on);
	assert_int_equal(a.used, 1024 * 1024);
	assert_int_equal(a.elsewhere, (2048 - 512 + 1024) * 1024);
	assert_true(swap_uses(world.proc, DEV));
	assert_false(swap_uses(world.proc, makedev(253, 7)));
	swaps(*state, HEAD);
	assert_int_equal(swap_look(world.proc, DEV, &a, NULL), 0);
	assert_false(a.on);
	assert_int_equal(a.used + a.elsewhere, 0);
}

static void a_kernel_without_swap_swaps_to_nothing(void **state)
{
	struct swap_area a = { .on = true };

	(void)state;
	assert_int_equal(swap_look("/nonexistent", DEV, &a, NULL), 0);
	assert_false(a.on);
}

static void on_with_priority_and_discards(void **state)
{
	swaps(*state, HEAD);
	assert_int_equal(swap_on(world.proc, "/dev/mapper/s1", DEV, SWAP_PRIORITY_ANY, false, NULL), 0);
	assert_int_equal(world.flags, 0);
	assert_int_equal(swap_on(world.proc, "/dev/mapper/s1", DEV, 7, true, NULL), 0);
	assert_int_equal(world.flags, SWAP_FLAG_DISCARD | SWAP_FLAG_PREFER | 7);
	assert_int_equal(world.ons, 2);
	swaps(*state, HEAD OURS);
	assert_int_equal(swap_on(world.proc, "/dev/mapper/s1", DEV, 7, false, NULL), 0);
	assert_int_equal(world.ons, 0);		/* it is */
}

static void what_holds_no_area_is_told_so(void **state)
{
	struct err e = ERR_INIT;

	swaps(*state, HEAD);
	world.errno_on = EINVAL;
	assert_int_equal(swap_on(world.proc, "/dev/mapper/s1", DEV, SWAP_PRIORITY_ANY, false, &e), -EINVAL);
	assert_non_null(strstr(e.what, "no swap area"));
	assert_non_null(strstr(e.hint, "create it again"));
	world.errno_on = EBUSY;			/* held by somebody else: it is not in the list */
	assert_int_equal(swap_on(world.proc, "/dev/mapper/s1", DEV, SWAP_PRIORITY_ANY, false, &e), -EBUSY);
}

static void off(void **state)
{
	struct err e = ERR_INIT;

	swaps(*state, HEAD OURS);
	assert_int_equal(swap_off(world.proc, "/dev/mapper/s1", DEV, NULL), 0);
	assert_int_equal(world.offs, 1);
	world.errno_off = ENOMEM;
	assert_int_equal(swap_off(world.proc, "/dev/mapper/s1", DEV, &e), -ENOMEM);
	assert_non_null(strstr(e.hint, "memory"));
	world.errno_off = EINTR;
	assert_int_equal(swap_off(world.proc, "/dev/mapper/s1", DEV, &e), -EINTR);
	swaps(*state, HEAD OTHER);
	assert_int_equal(swap_off(world.proc, "/dev/mapper/s1", DEV, NULL), 0);
	assert_int_equal(world.offs, 0);	/* it is */
}

/* As at a shutdown, where systemd takes all areas off. */
static void off_by_somebody_else_is_waited_for(void **state)
{
	swaps(*state, HEAD OURS OTHER);
	world.errno_off = EINVAL;
	world.gone_after_off = true;
	assert_int_equal(swap_off(world.proc, "/dev/mapper/s1", DEV, NULL), 0);
	assert_false(swap_uses(world.proc, DEV));
}

static void off_by_somebody_else_who_fails_is_done_here(void **state)
{
	swaps(*state, HEAD OURS OTHER);
	world.taken_until = 2;
	assert_int_equal(swap_off(world.proc, "/dev/mapper/s1", DEV, NULL), 0);
	assert_int_equal(world.offs, 3);
	world.offs = 0;
	world.errno_off = ENOMEM;
	assert_int_equal(swap_off(world.proc, "/dev/mapper/s1", DEV, NULL), -ENOMEM);
	assert_int_equal(world.offs, 3);
}

static void mkswap_makes_an_area_or_says_why_not(void **state)
{
	struct scratch *s = *state;
	struct err e = ERR_INIT;
	char magic[11] = "";
	FILE *f;

	scratch_write(s, "disk", "");
	assert_int_equal(truncate(s->path, 1 << 20), 0);
	assert_int_equal(swap_make(s->path, &e), 0);
	f = fopen(s->path, "re");
	assert_non_null(f);
	assert_int_equal(fseek(f, sysconf(_SC_PAGESIZE) - 10, SEEK_SET), 0);
	assert_int_equal(fread(magic, 1, 10, f), 10);
	fclose(f);
	assert_string_equal(magic, "SWAPSPACE2");
	assert_int_equal(truncate(s->path, 4096), 0);
	assert_int_equal(swap_make(s->path, &e), -EIO);
	assert_non_null(strstr(e.what, "at least"));	/* mkswap's own words */
	assert_int_equal(swap_make("/nonexistent/disk", &e), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(an_area_and_what_is_free_beside_it),
		cmocka_unit_test(a_kernel_without_swap_swaps_to_nothing),
		scratch_test(on_with_priority_and_discards),
		scratch_test(what_holds_no_area_is_told_so),
		scratch_test(off),
		scratch_test(off_by_somebody_else_is_waited_for),
		scratch_test(off_by_somebody_else_who_fails_is_done_here),
		scratch_test(mkswap_makes_an_area_or_says_why_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
