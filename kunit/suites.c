// SPDX-License-Identifier: GPL-2.0
/*
 * The suites, and what their tests share.
 */
#include <linux/blk_types.h>

#include "ecache_kunit.h"

struct ecache_target *ecache_kunit_target(struct kunit *test, unsigned int key_size, unsigned int sector_size)
{
	struct ecache_target *et = kunit_kzalloc(test, sizeof(*et), GFP_KERNEL);
	struct dm_dev *dev = kunit_kzalloc(test, sizeof(*dev), GFP_KERNEL);
	struct block_device *bdev = kunit_kzalloc(test, sizeof(*bdev), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, et);
	KUNIT_ASSERT_NOT_NULL(test, dev);
	KUNIT_ASSERT_NOT_NULL(test, bdev);
	dev->bdev = bdev;
	et->dev = dev;
	ecache_hold_init(et);
	et->cipher = ecache_cipher_find("aes-xts-plain64");
	et->engine = &ecache_engine_cpu;
	et->key_size = key_size;
	et->sector_size = sector_size;
	et->sector_mask = (sector_size >> SECTOR_SHIFT) - 1;
	return et;
}

static void put_volume(void *vol)
{
	ecache_volume_put(vol);
}

void ecache_kunit_join(struct kunit *test, struct ecache_target *et)
{
	char *error = NULL;

	/*
	 * The mapped device is only an address to the volume; the target's is as good as
	 * any.
	 */
	et->vol = ecache_volume_get((struct mapped_device *)et, et, &error);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, et->vol);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_volume, et->vol));
}

struct ecache_target *ecache_kunit_volume(struct kunit *test, unsigned int key_size, unsigned int sector_size)
{
	struct ecache_target *et = ecache_kunit_target(test, key_size, sector_size);

	ecache_kunit_join(test, et);
	return et;
}

struct ecache_target *ecache_kunit_counted(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_target(test, 64, 4096);

	ecache_kunit_use_engine(et);
	ecache_kunit_join(test, et);
	return et;
}

int ecache_kunit_set(struct ecache_target *et, u8 seed)
{
	u8 key[ECACHE_MAX_KEY_SIZE];
	const char *why;

	ecache_kunit_key(key, et->key_size, seed);
	return ecache_volume_set_key(et, key, et->key_size, &why);
}

void ecache_kunit_key(u8 *key, unsigned int size, u8 seed)
{
	unsigned int i;

	for (i = 0; i < size; i++)
		key[i] = seed + 7 * i;
}

kunit_test_suites(&ecache_table_suite, &ecache_key_suite, &ecache_volume_suite, &ecache_crypt_suite,
		  &ecache_page_stack_suite, &ecache_bounce_suite, &ecache_io_suite, &ecache_accel_suite,
		  &ecache_inline_suite, &ecache_parallel_suite, &ecache_live_suite, &ecache_message_suite,
		  &ecache_target_suite, &ecache_lease_suite, &ecache_hold_suite, &ecache_status_suite,
		  &ecache_cipher_suite, &ecache_fault_suite);
