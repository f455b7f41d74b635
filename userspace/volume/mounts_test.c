// SPDX-License-Identifier: GPL-2.0-or-later
#include "../common/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "inuse.h"
#include "mounts.h"
#include "scratch.h"

#define DEV makedev(253, 5)

/* A /proc of our own: a namespace is a file, whose inode names it; processes of one namespace link to it. */
static void process(struct scratch *s, const char *pid, const char *ns, const char *root, const char *mountinfo)
{
	char name[64], path[512];

	mkdir(scratch_path(s, "proc"), 0700);
	snprintf(name, sizeof(name), "proc/%s", pid);
	assert_int_equal(mkdir(scratch_path(s, name), 0700), 0);
	snprintf(name, sizeof(name), "proc/%s/ns", pid);
	assert_int_equal(mkdir(scratch_path(s, name), 0700), 0);
	if (access(scratch_path(s, ns), F_OK))
		scratch_write(s, ns, "");
	snprintf(path, sizeof(path), "%s/%s", s->dir, ns);
	snprintf(name, sizeof(name), "proc/%s/ns/mnt", pid);
	assert_int_equal(symlink(path, scratch_path(s, name)), 0);
	snprintf(name, sizeof(name), "proc/%s/root", pid);
	assert_int_equal(symlink(root, scratch_path(s, name)), 0);
	snprintf(name, sizeof(name), "proc/%s/mountinfo", pid);
	if (mountinfo)
		scratch_write(s, name, mountinfo);
}

static int find(struct scratch *s, struct mount_list *l)
{
	char proc[128];

	snprintf(proc, sizeof(proc), "%s/proc", s->dir);
	return mounts_find(proc, DEV, l, NULL);
}

#define ROOT_LINE "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
#define OURS "40 22 253:5 / /srv/cache rw,relatime shared:9 master:3 - ext4 /dev/mapper/v1 rw\n"

static void found_once_per_namespace(void **state)
{
	struct scratch *s = *state;
	struct mount_list l;

	process(s, "1", "nsA", "/", ROOT_LINE OURS);
	process(s, "7", "nsA", "/", ROOT_LINE OURS);
	process(s, "self", "nsA", "/", ROOT_LINE OURS);
	process(s, "9", "nsB", "/", ROOT_LINE "90 22 253:5 /sub /data rw - ext4 /dev/mapper/v1 rw\n");
	assert_int_equal(find(s, &l), 0);
	assert_int_equal(l.nr, 2);
	assert_string_equal(l.mounts[0].path, l.mounts[0].own ? "/srv/cache" : "/data");
	assert_string_equal(l.mounts[1].path, l.mounts[1].own ? "/srv/cache" : "/data");
	assert_true(l.mounts[0].own != l.mounts[1].own);
	assert_true(l.mounts[0].ns != l.mounts[1].ns);
	assert_string_equal(l.mounts[0].fstype, "ext4");
	mount_list_free(&l);
	assert_int_equal(l.nr, 0);
}

/* A process in a chroot sees only a part; if it happens to be read first it must not hide the rest. */
static void chroot_in(struct scratch *s, const char *jailed, const char *other)
{
	struct mount_list l;

	process(s, jailed, "nsA", "/jail", "40 22 253:5 / /cache rw - ext4 /dev/mapper/v1 rw\n");
	process(s, other, "nsA", "/", ROOT_LINE "40 22 253:5 / /jail/cache rw - ext4 /dev/mapper/v1 rw\n"
						"41 22 253:5 / /srv rw - ext4 /dev/mapper/v1 rw\n");
	assert_int_equal(find(s, &l), 0);
	assert_int_equal(l.nr, 2);	/* mount 40 once, mount 41 */
	assert_int_equal(l.mounts[0].id + l.mounts[1].id, 81);
	mount_list_free(&l);
}

static void a_chroot_does_not_hide_mounts(void **state)
{
	chroot_in(*state, "2", "3");
}

/* The same with the roles changed: which is read first is the directory's affair. */
static void a_chroot_does_not_hide_mounts_either_way(void **state)
{
	chroot_in(*state, "3", "2");
}

static void names_are_unescaped(void **state)
{
	struct scratch *s = *state;
	struct mount_list l;

	process(s, "1", "nsA", "/", "40 22 253:5 / /a\\040b\\011c\\134d\\012 rw - xfs /dev/x rw\n");
	assert_int_equal(find(s, &l), 0);
	assert_int_equal(l.nr, 1);
	assert_string_equal(l.mounts[0].path, "/a b\tc\\d\n");
	mount_list_free(&l);
}

static void odd_lines_and_vanished_processes_are_survived(void **state)
{
	struct scratch *s = *state;
	struct mount_list l;

	process(s, "1", "nsA", "/", "\n40\n40 22 253:5\nx y z\n40 22 253:5 / /m rw - ext4\n40 22 253:5 / /m rw ext4 /dev/x\n"
				    "a b c:d / /m rw - ext4 /dev/x rw\n" OURS);
	process(s, "2", "nsB", "/", NULL);
	mkdir(scratch_path(s, "proc/4"), 0700);
	assert_int_equal(find(s, &l), 0);
	assert_int_equal(l.nr, 1);
	mount_list_free(&l);
}

static void other_devices_are_not_ours(void **state)
{
	struct scratch *s = *state;
	struct mount_list l;

	process(s, "1", "nsA", "/", ROOT_LINE "40 22 253:50 / /m rw - ext4 /dev/mapper/v1 rw\n"
				    "41 22 0:40 / /n rw - tmpfs /dev/mapper/v1 rw\n"
				    "42 22 0:41 / /b rw - btrfs /dev/nonexistent rw\n");
	assert_int_equal(find(s, &l), 0);
	assert_int_equal(l.nr, 0);
	mount_list_free(&l);
	assert_int_equal(mounts_find("/nonexistent", DEV, &l, NULL), -ENOENT);
}

static void one_text(void **state)
{
	struct scratch *s = *state;
	struct mount_list l;
	int fd;

	scratch_write(s, "mountinfo", ROOT_LINE OURS "50 40 253:5 / /srv/cache/in rw - ext4 /dev/mapper/v1 rw\n");
	fd = open(s->path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(mounts_read(fd, DEV, &l, NULL), 0);
	close(fd);
	assert_int_equal(l.nr, 2);
	assert_string_equal(l.mounts[1].path, "/srv/cache/in");
	mount_list_free(&l);
}

static void the_real_proc_is_readable(void **state)
{
	struct mount_list l;
	struct stat st;

	(void)state;
	assert_int_equal(stat("/proc/self", &st), 0);
	assert_int_equal(mounts_find("/proc", st.st_dev, &l, NULL), 0);
	assert_true(l.nr >= 1);		/* /proc itself */
	mount_list_free(&l);
}

static void users_in_words(void **state)
{
	struct scratch *s = *state;
	char proc[128], sys[128], out[512];

	process(s, "self", "nsA", "/", ROOT_LINE);
	process(s, "1", "nsA", "/", ROOT_LINE OURS);
	process(s, "8", "nsB", "/", "90 22 253:6 / /data rw - ext4 /dev/p rw\n");
	snprintf(proc, sizeof(proc), "%s/proc", s->dir);
	snprintf(sys, sizeof(sys), "%s/sys", s->dir);
	assert_int_equal(mkdir(scratch_path(s, "sys"), 0700), 0);
	mkdir(scratch_path(s, "sys/dev"), 0700);
	mkdir(scratch_path(s, "sys/dev/block"), 0700);
	mkdir(scratch_path(s, "sys/dev/block/253:5"), 0700);
	mkdir(scratch_path(s, "sys/dev/block/253:5/holders"), 0700);
	mkdir(scratch_path(s, "sys/dev/block/253:5/holders/dm-3"), 0700);
	mkdir(scratch_path(s, "sys/dev/block/253:5/holders/dm-3/dm"), 0700);
	scratch_write(s, "sys/dev/block/253:5/holders/dm-3/dm/name", "vg-data\n");
	mkdir(scratch_path(s, "sys/dev/block/253:5/vdb1"), 0700);
	scratch_write(s, "sys/dev/block/253:5/vdb1/partition", "1\n");
	scratch_write(s, "sys/dev/block/253:5/vdb1/dev", "253:6\n");
	inuse_describe(proc, sys, DEV, out, sizeof(out));
	assert_string_equal(out, "mounted on /srv/cache, held by dm-3 (vg-data), "
			    "partition vdb1 mounted on /data in the namespace of process 8");
	inuse_describe(proc, sys, makedev(9, 9), out, sizeof(out));
	assert_string_equal(out, "");
	inuse_describe(proc, sys, DEV, out, 12);	/* cut, not overrun */
	assert_int_equal(strlen(out), 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(found_once_per_namespace),
		scratch_test(a_chroot_does_not_hide_mounts),
		scratch_test(a_chroot_does_not_hide_mounts_either_way),
		scratch_test(names_are_unescaped),
		scratch_test(odd_lines_and_vanished_processes_are_survived),
		scratch_test(other_devices_are_not_ours),
		scratch_test(one_text),
		cmocka_unit_test(the_real_proc_is_readable),
		scratch_test(users_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
