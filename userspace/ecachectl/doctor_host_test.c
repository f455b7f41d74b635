// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a host may put what it has in memory: each check red, green and without an answer. */
#include "../common/test.h"
#include "doctor_world.h"

#define SWAPS "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

static void an_empty_world_is_unknown(void **state)
{
	static const char *const names[] = { "swap", "hibernation", "kdump", "init-on-free" };
	struct doctor d = world(*state);
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		expect(&d, names[i], DOCTOR_UNKNOWN, "");
}

static void swap_partitions(void **state)
{
	struct doctor d = world(*state);

	put(*state, "/proc/swaps", SWAPS);
	expect(&d, "swap", DOCTOR_OK, "does not swap");
	put_disk(*state, "sda");
	put(*state, "/proc/swaps", SWAPS "/dev/sda1 partition 1000 0 -2\n");
	expect(&d, "swap", DOCTOR_FAULT, "/dev/sda1 is not encrypted");
	put_dm(*state, "dm-0", "swap0", "ECACHE-PLAIN-swap0\n", "sda1");
	put(*state, "/proc/swaps", SWAPS "/dev/dm-0 partition 1000 0 -2\n");
	expect(&d, "swap", DOCTOR_OK, "/dev/dm-0 is encrypted");
	put_dm(*state, "dm-1", "cryptswap", "CRYPT-PLAIN-cryptswap\n", "sda1");
	put(*state, "/proc/swaps", SWAPS "/dev/dm-1 partition 1000 0 -2\n");
	expect(&d, "swap", DOCTOR_OK, "/dev/dm-1 is encrypted");
	/* one bad one among good ones is what counts */
	put(*state, "/proc/swaps", SWAPS
	    "/dev/dm-0 partition 1 0 -2\n"
	    "/dev/sda1 partition 1 0 -3\n"
	    "/dev/dm-1 partition 1 0 -4\n");
	expect(&d, "swap", DOCTOR_FAULT, "/dev/sda1");
	put(*state, "/proc/swaps", SWAPS "/dev/gone partition 1000 0 -2\n");
	expect(&d, "swap", DOCTOR_UNKNOWN, "/dev/gone");
}

/* Swap is the host's: a tenant who ends his cache would end it, and everybody's pages with it. */
static void swap_under_the_key_of_a_cache(void **state)
{
	struct doctor d = world(*state);

	put(*state, "/proc/swaps", SWAPS);
	d.status = answer("{'volumes':[{'name':'c1','kind':'data','key_arn':'key-a'},"
			  "{'name':'s1','kind':'swap','key_arn':'key-b'},{'name':'s2','kind':'boot-swap'},"
			  "{'name':'c2'}]}");
	expect(&d, "swap", DOCTOR_OK, "does not swap");
	json_object_put(d.status);
	d.status = answer("{'volumes':[{'name':'s1','kind':'swap','key_arn':'key-b'},"
			  "{'name':'c1','kind':'data','key_arn':'key-b'}]}");
	expect(&d, "swap", DOCTOR_WARNING, "s1 is under the key of c1");
	put_disk(*state, "sda");
	put(*state, "/proc/swaps", SWAPS "/dev/sda1 partition 1000 0 -2\n");
	expect(&d, "swap", DOCTOR_FAULT, "/dev/sda1 is not encrypted");
	json_object_put(d.status);
}

static void swap_on_volumes_of_volumes(void **state)
{
	struct doctor d = world(*state);

	put_disk(*state, "sda");
	put_disk(*state, "sdb");
	put_dm(*state, "dm-0", "luks", "CRYPT-LUKS2-1-luks\n", "sda1");
	put_dm(*state, "dm-1", "vg-swap", "LVM-abc\n", "dm-0");
	put(*state, "/proc/swaps", SWAPS "/dev/dm-1 partition 1000 0 -2\n");
	expect(&d, "swap", DOCTOR_OK, "encrypted");	/* a logical volume on an encrypted disk */
	put_link(*state, "/sys/class/block/dm-1/slaves/sdb1", "../../nowhere");
	expect(&d, "swap", DOCTOR_FAULT, "not encrypted");	/* and half of it on another */
	put_dm(*state, "dm-2", "what", "\n", "sda1");
	put(*state, "/proc/swaps", SWAPS "/dev/dm-2 partition 1000 0 -2\n");
	expect(&d, "swap", DOCTOR_UNKNOWN, "/dev/dm-2");	/* a mapping that says nothing of itself */
}

static void swap_in_memory(void **state)
{
	struct doctor d = world(*state);

	put(*state, "/sys/class/block/zram0/size", "1\n");
	put(*state, "/proc/swaps", SWAPS "/dev/zram0 partition 1000 0 100\n");
	expect(&d, "swap", DOCTOR_OK, "/dev/zram0 is memory");
	put(*state, "/sys/class/block/zram0/backing_dev", "none\n");
	expect(&d, "swap", DOCTOR_OK, "memory");
	put_disk(*state, "sda");
	put(*state, "/sys/class/block/zram0/backing_dev", "/dev/sda1\n");
	expect(&d, "swap", DOCTOR_FAULT, "/dev/zram0 is not encrypted");	/* what is too much goes to a disk */
}

static void swap_files(void **state)
{
	struct doctor d = world(*state);

	put_disk(*state, "sda");
	put_dm(*state, "dm-0", "safe", "ECACHE-uuid-safe\n", "sda1");
	put_link(*state, "/sys/dev/block/8:1", "../../devices/block/sda/sda1");
	put_link(*state, "/sys/dev/block/253:0", "../../devices/virtual/block/dm-0");
	put(*state, "/proc/self/mountinfo",
	    "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
	    "21 20 253:0 / /srv/my\\040safe rw shared:1 - ext4 /dev/mapper/safe rw\n"
	    "22 20 0:30 / /srv/butter rw - btrfs /dev/sda1 rw\n");
	put(*state, "/proc/swaps", SWAPS "/swapfile file 1000 0 -2\n");
	expect(&d, "swap", DOCTOR_FAULT, "/swapfile is not encrypted");
	put(*state, "/proc/swaps", SWAPS "/srv/my\\040safe/swapfile file 1000 0 -2\n");
	expect(&d, "swap", DOCTOR_OK, "/srv/my safe/swapfile is encrypted");
	put(*state, "/proc/swaps", SWAPS "/srv/my\\040safer/swapfile file 1000 0 -2\n");
	expect(&d, "swap", DOCTOR_FAULT, "not encrypted");	/* beside the mount, not on it */
	put(*state, "/proc/swaps", SWAPS "/srv/butter/swapfile file 1000 0 -2\n");
	expect(&d, "swap", DOCTOR_FAULT, "not encrypted");
}

static void a_device_below_itself_ends(void **state)
{
	struct doctor d = world(*state);

	put_dm(*state, "dm-0", "a", "LVM-a\n", "dm-1");
	put_dm(*state, "dm-1", "b", "LVM-b\n", "dm-0");
	put(*state, "/proc/swaps", SWAPS "/dev/dm-0 partition 1000 0 -2\n");
	expect(&d, "swap", DOCTOR_UNKNOWN, "");
}

static void hibernation(void **state)
{
	struct doctor d = world(*state);

	put_dir(*state, "/sys/kernel");
	expect(&d, "hibernation", DOCTOR_OK, "does not sleep");
	put(*state, "/sys/power/state", "freeze mem\n");
	expect(&d, "hibernation", DOCTOR_OK, "does not hibernate");
	put(*state, "/sys/power/state", "freeze mem disk\n");
	expect(&d, "hibernation", DOCTOR_WARNING, "may hibernate");
	put(*state, "/sys/power/resume", "0:0\n");
	expect(&d, "hibernation", DOCTOR_WARNING, "may hibernate");
	put_disk(*state, "sda");
	put_link(*state, "/sys/dev/block/8:1", "../../devices/block/sda/sda1");
	put(*state, "/sys/power/resume", "8:1\n");
	expect(&d, "hibernation", DOCTOR_FAULT, "device 8:1");
	put_dm(*state, "dm-0", "swap", "CRYPT-LUKS2-1-swap\n", "sda1");
	put_link(*state, "/sys/dev/block/253:0", "../../devices/virtual/block/dm-0");
	put(*state, "/sys/power/resume", "253:0\n");
	expect(&d, "hibernation", DOCTOR_WARNING, "encrypted");
	put(*state, "/sys/power/resume", "8:1\n");
	/* each of the three goes to the disk by a unit of its own */
	put_link(*state, "/etc/systemd/system/hibernate.target", "/dev/null");
	expect(&d, "hibernation", DOCTOR_FAULT, "device 8:1");
	put_link(*state, "/etc/systemd/system/hybrid-sleep.target", "/dev/null");
	expect(&d, "hibernation", DOCTOR_FAULT, "device 8:1");
	put_link(*state, "/etc/systemd/system/suspend-then-hibernate.target", "/dev/null");
	expect(&d, "hibernation", DOCTOR_OK, "masked");
	put_link(*state, "/etc/systemd/system/hibernate.target", "/lib/elsewhere");
	expect(&d, "hibernation", DOCTOR_FAULT, "device 8:1");
	put(*state, "/proc/cmdline", "root=/dev/sda1 nohibernate quiet\n");
	expect(&d, "hibernation", DOCTOR_OK, "does not hibernate");
	put(*state, "/proc/cmdline", "root=/dev/sda1 quiet\n");
	put(*state, "/sys/power/disk", "[disabled]\n");
	expect(&d, "hibernation", DOCTOR_OK, "does not hibernate");
	put(*state, "/sys/power/disk", "[platform] shutdown reboot\n");
	expect(&d, "hibernation", DOCTOR_FAULT, "device 8:1");
}

static void kdump(void **state)
{
	struct doctor d = world(*state);

	put_dir(*state, "/sys/kernel");
	expect(&d, "kdump", DOCTOR_OK, "no crash dumps");
	put(*state, "/sys/kernel/kexec_crash_loaded", "0\n");
	expect(&d, "kdump", DOCTOR_OK, "no crash kernel");
	put(*state, "/sys/kernel/kexec_crash_loaded", "1\n");
	expect(&d, "kdump", DOCTOR_WARNING, "crash kernel is loaded");
}

static void init_on_free(void **state)
{
	struct doctor d = world(*state);

	put(*state, "/proc/sys/kernel/osrelease", "6.1.0-44-amd64\n");
	put(*state, "/boot/config-6.1.0-44-amd64", "CONFIG_X=y\n# CONFIG_INIT_ON_FREE_DEFAULT_ON is not set\n");
	expect(&d, "init-on-free", DOCTOR_WARNING, "off, says the kernel's configuration");
	put(*state, "/boot/config-6.1.0-44-amd64", "CONFIG_X=y\nCONFIG_INIT_ON_FREE_DEFAULT_ON=y\n");
	expect(&d, "init-on-free", DOCTOR_OK, "on, says the kernel's configuration");
	put(*state, "/proc/cmdline", "quiet init_on_free=0\n");
	expect(&d, "init-on-free", DOCTOR_WARNING, "off, says the kernel's command line");
	put(*state, "/proc/cmdline", "init_on_free=0 init_on_free=1 quiet\n");	/* the last one counts */
	expect(&d, "init-on-free", DOCTOR_OK, "on, says the kernel's command line");
	put(*state, "/proc/cmdline", "xinit_on_free=0 init_on_free=on\n");
	expect(&d, "init-on-free", DOCTOR_OK, "on, says the kernel's command line");
	put(*state, "/proc/cmdline", "init_on_free= quiet\n");		/* the kernel takes it for nothing */
	expect(&d, "init-on-free", DOCTOR_OK, "on, says the kernel's configuration");
	put(*state, "/proc/cmdline", "init_on_free=on\n");
	/* page poisoning overrules it, and only the log tells */
	d.kernel_log = "<6>[    0.1] mem auto-init: stack:all(zero), heap alloc:on, heap free:off\n<6>[    0.2] next\n";
	expect(&d, "init-on-free", DOCTOR_WARNING, "off, says the kernel's log");
	d.kernel_log = "<6>[    0.1] mem auto-init: stack:all(zero), heap alloc:on, heap free:on\n";
	expect(&d, "init-on-free", DOCTOR_OK, "on, says the kernel's log");
	d.kernel_log = "<6>[    0.1] mem auto-init: stack:all(zero)\n<6>[ 9.9] somebody writes heap free:on\n";
	expect(&d, "init-on-free", DOCTOR_OK, "the kernel's command line");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(an_empty_world_is_unknown),
		scratch_test(swap_partitions),
		scratch_test(swap_under_the_key_of_a_cache),
		scratch_test(swap_on_volumes_of_volumes),
		scratch_test(swap_in_memory),
		scratch_test(swap_files),
		scratch_test(a_device_below_itself_ends),
		scratch_test(hibernation),
		scratch_test(kdump),
		scratch_test(init_on_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
