// SPDX-License-Identifier: GPL-2.0
/*
 * A fake disk with inline encryption: module and parameters.
 */
#include <linux/kstrtox.h>
#include <linux/module.h>

#include "fake-inline.h"

struct ecache_fake_inline ecache_fake_inline = {
	.size_mb	= 64,
	.block_size	= 512,
	.keyslots	= 4,
	.dun_bytes	= 8,
};
EXPORT_SYMBOL_GPL(ecache_fake_inline);

static const struct fake_choice context = { fake_contexts, ARRAY_SIZE(fake_contexts), &ecache_fake_inline.context };

static int set_hold(const char *val, const struct kernel_param *kp)
{
	bool hold;
	int r = kstrtobool(val, &hold);

	return r ?: ecache_fake_inline_hold(hold);
}

static int set_reset(const char *val, const struct kernel_param *kp)
{
	memset(&ecache_fake_inline.count, 0, sizeof(ecache_fake_inline.count));
	return 0;
}

static const struct kernel_param_ops hold_ops = { .set = set_hold, .get = param_get_bool };
static const struct kernel_param_ops reset_ops = { .set = set_reset };

module_param_named(size_mb, ecache_fake_inline.size_mb, uint, 0444);
module_param_named(block_size, ecache_fake_inline.block_size, uint, 0444);
module_param_named(keyslots, ecache_fake_inline.keyslots, int, 0444);
module_param_named(dun_bytes, ecache_fake_inline.dun_bytes, uint, 0444);
module_param_named(program_fail_next, ecache_fake_inline.program_fail_next, uint, 0600);
module_param_named(evict_fail_next, ecache_fake_inline.evict_fail_next, uint, 0600);
module_param_cb(context, &fake_choice_ops, (void *)&context, 0600);
module_param_cb(hold, &hold_ops, &ecache_fake_inline.hold, 0600);
module_param_cb(reset, &reset_ops, NULL, 0200);

module_param_named(programmed, ecache_fake_inline.count.programmed, uint, 0444);
module_param_named(evicted, ecache_fake_inline.count.evicted, uint, 0444);
module_param_named(program_errors, ecache_fake_inline.count.program_errors, uint, 0444);
module_param_named(evict_errors, ecache_fake_inline.count.evict_errors, uint, 0444);
module_param_named(encrypted, ecache_fake_inline.count.encrypted, uint, 0444);
module_param_named(plain, ecache_fake_inline.count.plain, uint, 0444);
module_param_named(flushes, ecache_fake_inline.count.flushes, uint, 0444);
module_param_named(discards, ecache_fake_inline.count.discards, uint, 0444);
module_param_named(slots_used, ecache_fake_inline.slots_used, uint, 0444);
module_param_named(queued, ecache_fake_inline.queued, uint, 0444);

static int __init fake_inline_init(void)
{
	int r = fake_keys_init();

	if (r)
		return r;
	r = fake_disk_init(fake_keys_profile());
	if (r)
		fake_keys_exit();
	return r;
}

static void __exit fake_inline_exit(void)
{
	fake_disk_exit();
	fake_keys_exit();
}

module_init(fake_inline_init);
module_exit(fake_inline_exit);
MODULE_DESCRIPTION("Fake disk with inline encryption for tests of dm-ecache");
MODULE_LICENSE("GPL");
