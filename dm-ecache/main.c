// SPDX-License-Identifier: GPL-2.0
/*
 * dm-ecache: a block device encrypted under a key that arrives by message and can be
 * revoked at any time.
 */
#include <linux/init.h>
#include <linux/module.h>

#include "dm-ecache.h"

static int ecache_iterate_devices(struct dm_target *ti, iterate_devices_callout_fn fn, void *data)
{
	struct ecache_target *et = ti->private;

	return fn(ti, et->dev, et->start, ti->len, data);
}

static void ecache_io_hints(struct dm_target *ti, struct queue_limits *limits)
{
	struct ecache_target *et = ti->private;

	ecache_stack_bs_limits(limits, et->sector_size);
	/*
	 * Most crypto sectors then lie in one bvec, which is the fast path of
	 * ecache_cpu_crypt().
	 */
	limits->dma_alignment = limits->logical_block_size - 1;
}

/*
 * Not among the features, each on purpose: PASSES_INTEGRITY and PASSES_CRYPTO (what they
 * carry belongs to other bytes than those that reach the disk), ZONED (an append has no
 * sector to make an IV of), DAX and prepare_ioctl (both go around the encryption).
 */
static struct target_type ecache_target_type = {
	.name = "ecache",
	.version = {1, 0, 0},
	.features = DM_TARGET_NOWAIT,
	.module = THIS_MODULE,
	.ctr = ecache_ctr,
	.dtr = ecache_dtr,
	.map = ecache_map,
	.status = ecache_status,
	.message = ecache_message,
	.iterate_devices = ecache_iterate_devices,
	.io_hints = ecache_io_hints,
};

static int __init ecache_init(void)
{
	int r;

	r = ecache_defer_init();
	if (r)
		return r;
	r = dm_register_target(&ecache_target_type);
	if (r)
		ecache_defer_exit();
	return r;
}

static void __exit ecache_exit(void)
{
	dm_unregister_target(&ecache_target_type);
	ecache_defer_exit();
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
