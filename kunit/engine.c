// SPDX-License-Identifier: GPL-2.0
/*
 * An engine for tests: its requests outlive a call, and there are none but the references that
 * a test takes.
 */
#include "ecache_kunit.h"

struct ecache_kunit_engine_log ecache_kunit_engine_log;

static int test_volume_init(struct ecache_volume *vol, char **error)
{
	*error = "the test said so";
	return ecache_kunit_engine_log.refuse_volume;
}

static void test_volume_exit(struct ecache_volume *vol)
{
	ecache_kunit_engine_log.volume_exits++;
}

static int test_key_init(struct ecache_volume *vol, struct ecache_key *key, const u8 *raw, const char **why)
{
	*why = "the test said so";
	if (!ecache_kunit_engine_log.refuse)
		ecache_kunit_engine_log.key_inits++;
	return ecache_kunit_engine_log.refuse;
}

static void test_key_exit(struct ecache_key *key)
{
	WARN_ON(!percpu_ref_is_zero(&key->users));
	ecache_kunit_engine_log.key_exits++;
}

static const char *test_driver(struct ecache_volume *vol)
{
	return "kunit-driver";
}

static const struct ecache_engine test_engine = {
	.name = "counted",
	.outlives = true,
	.volume_init = test_volume_init,
	.volume_exit = test_volume_exit,
	.key_init = test_key_init,
	.key_exit = test_key_exit,
	.driver = test_driver,
};

void ecache_kunit_use_engine(struct ecache_target *et)
{
	memset(&ecache_kunit_engine_log, 0, sizeof(ecache_kunit_engine_log));
	et->engine = &test_engine;
}
