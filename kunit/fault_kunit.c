// SPDX-License-Identifier: GPL-2.0
/*
 * Failures: those that a test asks for, and those of every single allocation above the I/O path.
 *
 * The switches are those in debugfs; the test changes the values behind the files.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>

#include "ecache_kunit.h"
#include "fault.h"

/* What the file @dir/@name shows, NULL if the kernel does not have it. */
static void *knob(const char *dir, const char *name)
{
	struct dentry *parent, *file;
	void *value = NULL;

	parent = debugfs_lookup(dir, NULL);
	if (IS_ERR_OR_NULL(parent))
		return NULL;
	file = debugfs_lookup(name, parent);
	dput(parent);
	if (IS_ERR_OR_NULL(file))
		return NULL;
	value = d_inode(file)->i_private;
	dput(file);
	return value;
}

static const char * const fault_dirs[] = {
	[ECACHE_FAULT_ALLOC] = "ecache_fail_alloc",
	[ECACHE_FAULT_ACCEL] = "ecache_fail_accel",
	[ECACHE_FAULT_KEY] = "ecache_fail_key",
};

static void ask(struct kunit *test, enum ecache_fault fault, unsigned long probability, int times)
{
	unsigned long *p = knob(fault_dirs[fault], "probability");
	atomic_t *t = knob(fault_dirs[fault], "times");

	if (!p || !t)
		kunit_skip(test, "built without failures on request");
	*p = probability;
	atomic_set(t, times);
}

/* Each where it was asked for, as often as it was asked for, and never unasked. */
static void test_fails_as_often_as_asked(struct kunit *test)
{
	unsigned int i, j;

	for (i = 0; i < ECACHE_NR_FAULTS; i++) {
		KUNIT_EXPECT_FALSE(test, ecache_fault(i));
		ask(test, i, 100, 2);
		for (j = 0; j < ECACHE_NR_FAULTS; j++)
			if (j != i)
				KUNIT_EXPECT_FALSE_MSG(test, ecache_fault(j), "%s", fault_dirs[j]);
		KUNIT_EXPECT_TRUE_MSG(test, ecache_fault(i), "%s", fault_dirs[i]);
		KUNIT_EXPECT_TRUE(test, ecache_fault(i));
		KUNIT_EXPECT_FALSE(test, ecache_fault(i));
		ask(test, i, 0, 1);
	}
}

static void test_key_without_memory(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);

	ask(test, ECACHE_FAULT_KEY, 100, 1);
	KUNIT_EXPECT_EQ(test, -ENOMEM, ecache_kunit_set(et, 1));
	KUNIT_EXPECT_EQ(test, ECACHE_LOCKED, et->vol->state);
	KUNIT_EXPECT_FALSE(test, et->vol->key_id_known);
	KUNIT_EXPECT_EQ_MSG(test, 1, ecache_kunit_set(et, 1), "and then there is some again");
	ask(test, ECACHE_FAULT_KEY, 0, 1);
}

/* From now on every allocation counts, until the @nth of this task fails. */
static void fail_nth(struct kunit *test, unsigned int nth)
{
	bool *ignore = knob("failslab", "ignore-gfp-wait");
	unsigned long *verbose = knob("failslab", "verbose");

	if (!ignore || !verbose)
		kunit_skip(test, "no failing allocations in this kernel");
	*verbose = 0;
	*ignore = false;
	ecache_kunit_fail_nth(nth);
}

/* Whether it failed. */
static bool stop_failing(void)
{
	bool *ignore = knob("failslab", "ignore-gfp-wait");

	*ignore = true;
	return !ecache_kunit_fail_nth(0);
}

#define MANY	1000

/* Of the many of a whole table: each, but where that would take minutes. */
#define TABLE_STEP	(IS_ENABLED(CONFIG_KASAN) ? 7 : 1)

/*
 * Whichever allocation fails, a volume is not made, and says so. That nothing is left is what
 * the kernel's leak scan after the suites looks at.
 */
static void test_every_allocation_of_a_volume(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_target(test, 64, 4096);
	struct ecache_volume *vol;
	unsigned int nth, failures = 0;
	char *error;
	bool failed;

	for (nth = 1; nth < MANY; nth++) {
		error = NULL;
		fail_nth(test, nth);
		vol = ecache_volume_get((struct mapped_device *)et, et, &error);
		failed = stop_failing();
		if (!IS_ERR(vol)) {
			ecache_volume_put(vol);
		} else {
			KUNIT_ASSERT_EQ_MSG(test, -ENOMEM, PTR_ERR(vol), "allocation %u", nth);
			KUNIT_EXPECT_NOT_NULL(test, error);
			failures++;
		}
		if (!failed)
			break;
	}
	KUNIT_EXPECT_LT(test, nth, MANY);
	/* The structure, the reserve's two arrays; per-CPU memory takes a slab's only when it grows. */
	KUNIT_EXPECT_GE(test, failures, 3);
	kunit_info(test, "%u of %u allocations made it fail", failures, nth - 1);
}

/* The same for a key: LOCKED as before, no id pinned, no reference left, and the next try works. */
static void every_allocation_of_a_key(struct kunit *test, struct ecache_target *et)
{
	unsigned int nth, failures = 0;
	bool failed;
	int r;

	for (nth = 1; nth < MANY; nth++) {
		fail_nth(test, nth);
		r = ecache_kunit_set(et, 1);
		failed = stop_failing();
		if (r == 1) {
			ecache_volume_end_key(et->vol, ECACHE_WHY_KEY_WIPE);
			wait_for_completion(&et->vol->key_gone);
		} else {
			KUNIT_ASSERT_EQ_MSG(test, -ENOMEM, r, "allocation %u", nth);
			KUNIT_EXPECT_EQ(test, ECACHE_LOCKED, et->vol->state);
			KUNIT_EXPECT_EQ(test, 0, ecache_volume_epoch(et->vol));
			failures++;
		}
		if (!failed)
			break;
	}
	KUNIT_EXPECT_LT(test, nth, MANY);
	KUNIT_EXPECT_GT(test, failures, 1);
	KUNIT_EXPECT_EQ(test, 1, ecache_kunit_set(et, 1));
	kunit_info(test, "%u of %u allocations made it fail", failures, nth - 1);
}

static void test_every_allocation_of_a_key(struct kunit *test)
{
	every_allocation_of_a_key(test, ecache_kunit_volume(test, 64, 4096));
}

static void test_every_allocation_of_a_key_with_essiv(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 32, 512);

	et->vol->identity.cipher = ecache_cipher_find("aes-cbc-essiv:sha256");
	every_allocation_of_a_key(test, et);
}

static void test_every_allocation_of_a_counted_key(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_counted(test);

	every_allocation_of_a_key(test, et);
	KUNIT_EXPECT_EQ(test, ecache_kunit_engine_log.key_inits, ecache_kunit_engine_log.key_exits + 1);
}

/* The same for a whole table, by dm: refused, and the device below is free again. */
static void test_every_allocation_of_a_table(struct kunit *test)
{
	dev_t lower = ecache_kunit_create(test, "ecache-kunit-lower");
	unsigned int nth, failures = 0;
	struct dm_ioctl info;
	char args[64];
	bool failed;
	int r;

	KUNIT_ASSERT_EQ(test, 0, ecache_kunit_load(test, "ecache-kunit-lower", 0, 2048, "zero", ""));
	KUNIT_ASSERT_EQ(test, 0, ecache_kunit_resume(test, "ecache-kunit-lower"));
	ecache_kunit_create(test, "ecache-kunit");
	snprintf(args, sizeof(args), "aes-xts-plain64 64 0 %u:%u 0", MAJOR(lower), MINOR(lower));
	for (nth = 1; nth < MANY; nth += TABLE_STEP) {
		fail_nth(test, nth);
		r = ecache_kunit_load(test, "ecache-kunit", 0, 2048, "ecache", args);
		failed = stop_failing();
		if (r) {
			KUNIT_EXPECT_LT(test, r, 0);
			ecache_kunit_info(test, "ecache-kunit-lower", &info);
			KUNIT_ASSERT_EQ_MSG(test, 0, info.open_count, "allocation %u", nth);
			failures++;
		}
		KUNIT_EXPECT_EQ(test, 0, ecache_kunit_clear(test, "ecache-kunit"));
		if (!failed)
			break;
	}
	KUNIT_EXPECT_LT(test, nth, MANY);
	KUNIT_EXPECT_GT(test, failures, 5);
	kunit_info(test, "%u of %u allocations made it fail", failures, nth / TABLE_STEP);
}

static void test_engine_that_refuses_the_volume(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_target(test, 64, 4096);
	char *error;

	ecache_kunit_use_engine(et);
	ecache_kunit_engine_log.refuse_volume = -EPROTO;
	KUNIT_EXPECT_EQ(test, -EPROTO, PTR_ERR(ecache_volume_get((struct mapped_device *)et, et, &error)));
	KUNIT_EXPECT_STREQ(test, "the test said so", error);
	KUNIT_EXPECT_EQ(test, 0, ecache_kunit_engine_log.volume_exits);
}

static const struct ecache_cipher no_cipher = {
	.name = "none", .alg = "ecache-kunit-none", .key_sizes = { 64 }, .iv_size = 16,
};

static void test_cipher_that_the_kernel_does_not_have(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_target(test, 64, 4096);
	char *error = NULL;

	et->cipher = &no_cipher;
	KUNIT_EXPECT_EQ(test, -ENOENT, PTR_ERR(ecache_volume_get((struct mapped_device *)et, et, &error)));
	KUNIT_EXPECT_STREQ(test, "The kernel does not have the cipher", error);
}

static struct kunit_case fault_cases[] = {
	KUNIT_CASE(test_fails_as_often_as_asked),
	KUNIT_CASE(test_key_without_memory),
	KUNIT_CASE(test_every_allocation_of_a_volume),
	KUNIT_CASE(test_every_allocation_of_a_key),
	KUNIT_CASE(test_every_allocation_of_a_key_with_essiv),
	KUNIT_CASE(test_every_allocation_of_a_counted_key),
	KUNIT_CASE(test_every_allocation_of_a_table),
	KUNIT_CASE(test_engine_that_refuses_the_volume),
	KUNIT_CASE(test_cipher_that_the_kernel_does_not_have),
	{}
};

struct kunit_suite ecache_fault_suite = {
	.name = "ecache_fault",
	.test_cases = fault_cases,
};
