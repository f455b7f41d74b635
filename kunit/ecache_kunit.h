/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ECACHE_KUNIT_H
#define ECACHE_KUNIT_H

#include <linux/dm-ioctl.h>
#include <linux/sched.h>
#include <kunit/test.h>

#include "dm-ecache.h"

/* How often something random is tried. Under KASAN, and that under emulation, plain C takes a hundred times as long. */
static inline unsigned int ecache_kunit_rounds(unsigned int n)
{
	return IS_ENABLED(CONFIG_KASAN) ? DIV_ROUND_UP(n, 5) : n;
}

extern struct kunit_suite ecache_table_suite;
extern struct kunit_suite ecache_key_suite;
extern struct kunit_suite ecache_volume_suite;
extern struct kunit_suite ecache_crypt_suite;
extern struct kunit_suite ecache_page_stack_suite;
extern struct kunit_suite ecache_bounce_suite;
extern struct kunit_suite ecache_io_suite;
extern struct kunit_suite ecache_accel_suite;
extern struct kunit_suite ecache_inline_suite;
extern struct kunit_suite ecache_parallel_suite;
extern struct kunit_suite ecache_live_suite;
extern struct kunit_suite ecache_message_suite;
extern struct kunit_suite ecache_target_suite;
extern struct kunit_suite ecache_lease_suite;
extern struct kunit_suite ecache_hold_suite;
extern struct kunit_suite ecache_status_suite;
extern struct kunit_suite ecache_cipher_suite;
extern struct kunit_suite ecache_fault_suite;

/*
 * A target on a device that is never opened: what everything above the I/O path needs.
 * Freed with the test.
 */
struct ecache_target *ecache_kunit_target(struct kunit *test, unsigned int key_size, unsigned int sector_size);

/* Its volume, made and put when the test ends: for a target that differs from those below. */
void ecache_kunit_join(struct kunit *test, struct ecache_target *et);

/* The same with a volume of its own, put when the test ends. */
struct ecache_target *ecache_kunit_volume(struct kunit *test, unsigned int key_size, unsigned int sector_size);

#ifdef CONFIG_FAULT_INJECTION
/* The @nth allocation of this task fails; 0: none. Returns how many were to come. */
static inline unsigned int ecache_kunit_fail_nth(unsigned int nth)
{
	unsigned int left = READ_ONCE(current->fail_nth);

	WRITE_ONCE(current->fail_nth, nth);
	return left;
}
#else
static inline unsigned int ecache_kunit_fail_nth(unsigned int nth)
{
	return 0;
}
#endif

/* Sets the key of @seed; as ecache_volume_set_key(). */
int ecache_kunit_set(struct ecache_target *et, u8 seed);

/*
 * engine.c: an engine whose requests outlive a call, of which tests are the users
 * (ecache_key_hold()). It maps nothing. The log starts anew with each use.
 */
extern struct ecache_kunit_engine_log {
	unsigned int key_inits, key_exits, volume_exits;
	int refuse;		/* what key_init answers */
	int refuse_volume;	/* what volume_init answers */
} ecache_kunit_engine_log;

void ecache_kunit_use_engine(struct ecache_target *et);
/* As ecache_kunit_volume(), with that engine. */
struct ecache_target *ecache_kunit_counted(struct kunit *test);

/*
 * device.c: real mapped devices, by dm's ioctls. Made without a table, removed with the test;
 * @name must live as long. An answer is empty where the message has none.
 */
#define ECACHE_KUNIT_ANSWER	4096	/* bytes: what an answer's buffer must have */

dev_t ecache_kunit_create(struct kunit *test, const char *name);
void ecache_kunit_remove(struct kunit *test, const char *name);
int ecache_kunit_load(struct kunit *test, const char *name, u64 begin, u64 len, const char *type, const char *args);
int ecache_kunit_clear(struct kunit *test, const char *name);
int ecache_kunit_suspend(struct kunit *test, const char *name, u32 flags);
int ecache_kunit_resume(struct kunit *test, const char *name);
void ecache_kunit_info(struct kunit *test, const char *name, struct dm_ioctl *info);
int ecache_kunit_message(struct kunit *test, const char *name, const char *message, char *answer);
void ecache_kunit_status(struct kunit *test, const char *name, u32 flags, char *answer);
/* Closed with the test, before the device is removed. */
struct block_device *ecache_kunit_open(struct kunit *test, dev_t dev);

/* A key whose halves differ; @seed makes another one. */
void ecache_kunit_key(u8 *key, unsigned int size, u8 seed);

#endif
