// SPDX-License-Identifier: GPL-2.0
/*
 * dm-ecache: a block device encrypted under a key that arrives by message and can be
 * revoked at any time.
 */
#include <linux/init.h>
#include <linux/module.h>

#include "dm-ecache.h"
#include "fault.h"

static int ecache_iterate_devices(struct dm_target *ti, iterate_devices_callout_fn fn, void *data)
{
	struct ecache_target *et = ti->private;

	return fn(ti, et->dev, et->start, ti->len, data);
}

/*
 * Not among the features, each on purpose: PASSES_INTEGRITY and PASSES_CRYPTO (what they
 * carry belongs to other bytes than those that reach the disk), ZONED (an append has no
 * sector to make an IV of), DAX and prepare_ioctl (both go around the encryption).
 */
static struct target_type ecache_target_type = {
	.name = "ecache",
	.version = {1, 0, 0},
	.features = DM_TARGET_NOWAIT | DM_TARGET_ATOMIC_WRITES,
	.module = THIS_MODULE,
	.ctr = ecache_ctr,
	.dtr = ecache_dtr,
	.map = ecache_map,
	.status = ecache_status,
	.message = ecache_message,
	.presuspend = ecache_presuspend,
	.presuspend_undo = ecache_presuspend_undo,
	.resume = ecache_resume,
	.iterate_devices = ecache_iterate_devices,
	.io_hints = ecache_io_hints,
};

/* What each file needs before the first table, in the order in which it is made. */
static const struct ecache_part {
	int (*init)(void);
	void (*exit)(void);
} ecache_parts[] = {
	{ ecache_key_init, ecache_key_exit },
	{ ecache_page_stack_init, ecache_page_stack_exit },
	{ ecache_defer_init, ecache_defer_exit },
	{ ecache_parallel_init, ecache_parallel_exit },
	{ ecache_hold_setup, ecache_hold_teardown },
	{ ecache_accel_init, ecache_accel_exit },
	{ ecache_pm_init, ecache_pm_exit },
};

static void exit_parts(unsigned int nr)
{
	while (nr--)
		ecache_parts[nr].exit();
}

static int __init ecache_init(void)
{
	unsigned int i;
	int r;

	for (i = 0; i < ARRAY_SIZE(ecache_parts); i++) {
		r = ecache_parts[i].init();
		if (r)
			goto err_parts;
	}
	r = dm_register_target(&ecache_target_type);
	if (r)
		goto err_parts;
	ecache_fault_init();
	return 0;

err_parts:
	exit_parts(i);
	return r;
}

static void __exit ecache_exit(void)
{
	ecache_fault_exit();
	dm_unregister_target(&ecache_target_type);
	exit_parts(ARRAY_SIZE(ecache_parts));
}

module_init(ecache_init);
module_exit(ecache_exit);

MODULE_DESCRIPTION("device-mapper target with a revocable key per volume");
MODULE_LICENSE("GPL");
/*
 * Nothing else loads the accelerated drivers where no udev runs, and plain C AES is tens of
 * times slower.
 */
MODULE_SOFTDEP("pre: aesni_intel aes_ce_blk");
