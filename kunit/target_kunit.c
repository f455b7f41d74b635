// SPDX-License-Identifier: GPL-2.0
/*
 * One table line as dm sees it, on real mapped devices: what the constructor refuses, what
 * dm's hooks do. Below is dm's zero target: writes are lost, reads are zeroes.
 */
#include <linux/blkdev.h>
#include <linux/dm-ioctl.h>
#include <linux/delay.h>

#include "ecache_kunit.h"

#define LOWER		"ecache-kunit-lower"
#define UPPER		"ecache-kunit"
#define LOWER_SECTORS	2048

#define HEX_KEY	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" \
		"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"

struct pair {
	char lower[16];		/* major:minor */
	dev_t dev;
	struct block_device *bdev;
};

/* The zero device, and one above it without a table. */
static struct pair *make_pair(struct kunit *test)
{
	struct pair *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	dev_t lower;

	KUNIT_ASSERT_NOT_NULL(test, p);
	lower = ecache_kunit_create(test, LOWER);
	KUNIT_ASSERT_EQ(test, 0, ecache_kunit_load(test, LOWER, 0, LOWER_SECTORS, "zero", ""));
	KUNIT_ASSERT_EQ(test, 0, ecache_kunit_resume(test, LOWER));
	snprintf(p->lower, sizeof(p->lower), "%u:%u", MAJOR(lower), MINOR(lower));
	p->dev = ecache_kunit_create(test, UPPER);
	return p;
}

static void test_smoke(struct kunit *test)
{
	struct pair *p = make_pair(test);
	char args[128], answer[ECACHE_KUNIT_ANSWER];

	snprintf(args, sizeof(args), "aes-xts-plain64 64 0 %s 0", p->lower);
	KUNIT_ASSERT_EQ(test, 0, ecache_kunit_load(test, UPPER, 0, LOWER_SECTORS, "ecache", args));
	KUNIT_ASSERT_EQ(test, 0, ecache_kunit_resume(test, UPPER));
	ecache_kunit_status(test, UPPER, 0, answer);
	kunit_info(test, "%s", answer);
	KUNIT_EXPECT_EQ(test, 0, ecache_kunit_message(test, UPPER, "key set " HEX_KEY, NULL));
	KUNIT_EXPECT_EQ(test, 0, ecache_kunit_message(test, UPPER, "stats", answer));
	kunit_info(test, "%s", answer);
}

static struct kunit_case target_cases[] = {
	KUNIT_CASE(test_smoke),
	{}
};

struct kunit_suite ecache_target_suite = {
	.name = "ecache_target",
	.test_cases = target_cases,
};
