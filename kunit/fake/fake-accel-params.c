// SPDX-License-Identifier: GPL-2.0
/*
 * The fake accelerator's switches and counters as module parameters.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>

#include "fake-accel.h"

static const char *const orders[] = { "fifo", "reverse", "random" };
static const struct fake_choice context = { fake_contexts, ARRAY_SIZE(fake_contexts), &ecache_fake_accel.context };
static const struct fake_choice order = { orders, ARRAY_SIZE(orders), &ecache_fake_accel.order };

static int set_release(const char *val, const struct kernel_param *kp)
{
	unsigned int nr;
	int r;

	/* A parameter of insmod: there is no device yet. */
	if (kp->mod->state != MODULE_STATE_LIVE)
		return -EINVAL;
	if (sysfs_streq(val, "all"))
		return ecache_fake_accel_release(UINT_MAX);
	r = kstrtouint(val, 0, &nr);
	return r ?: ecache_fake_accel_release(nr);
}

static int set_reset(const char *val, const struct kernel_param *kp)
{
	if (kp->mod->state != MODULE_STATE_LIVE)
		return -EINVAL;
	ecache_fake_accel_reset();
	return 0;
}

static const struct kernel_param_ops release_ops = { .set = set_release };
static const struct kernel_param_ops reset_ops = { .set = set_reset };

module_param_named(delay_us, ecache_fake_accel.delay_us, uint, 0600);
module_param_named(depth, ecache_fake_accel.depth, uint, 0600);
module_param_named(dma_align, ecache_fake_accel.dma_align, uint, 0600);
module_param_named(dma_apart, ecache_fake_accel.dma_apart, bool, 0600);
module_param_named(rude_every, ecache_fake_accel.rude.every, uint, 0600);
module_param_named(rude_next, ecache_fake_accel.rude.next, uint, 0600);
module_param_named(fail_every, ecache_fake_accel.fail.every, uint, 0600);
module_param_named(fail_next, ecache_fake_accel.fail.next, uint, 0600);
module_param_named(error_every, ecache_fake_accel.error.every, uint, 0600);
module_param_named(error_next, ecache_fake_accel.error.next, uint, 0600);
module_param_named(hang_every, ecache_fake_accel.hang.every, uint, 0600);
module_param_named(hang_next, ecache_fake_accel.hang.next, uint, 0600);
module_param_cb(context, &fake_choice_ops, (void *)&context, 0600);
module_param_cb(order, &fake_choice_ops, (void *)&order, 0600);
module_param_cb(release, &release_ops, NULL, 0200);
module_param_cb(reset, &reset_ops, NULL, 0200);

module_param_named(requests, ecache_fake_accel.count.requests, uint, 0444);
module_param_named(backlogged, ecache_fake_accel.count.backlogged, uint, 0444);
module_param_named(nospc, ecache_fake_accel.count.nospc, uint, 0444);
module_param_named(ebusy, ecache_fake_accel.count.ebusy, uint, 0444);
module_param_named(errors, ecache_fake_accel.count.errors, uint, 0444);
module_param_named(late, ecache_fake_accel.count.late, uint, 0444);
module_param_named(misaligned, ecache_fake_accel.count.misaligned, uint, 0444);
module_param_named(shared, ecache_fake_accel.count.shared, uint, 0444);
module_param_named(max_in_flight, ecache_fake_accel.count.max_in_flight, uint, 0444);
module_param_named(setkeys, ecache_fake_accel.count.setkeys, uint, 0444);
module_param_named(in_flight, ecache_fake_accel.in_flight, uint, 0444);
module_param_named(waiting, ecache_fake_accel.waiting, uint, 0444);
module_param_named(hung, ecache_fake_accel.hung, uint, 0444);
module_param_named(tfms, ecache_fake_accel.tfms, uint, 0444);
