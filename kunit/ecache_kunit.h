/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ECACHE_KUNIT_H
#define ECACHE_KUNIT_H

#include <kunit/test.h>

#include "dm-ecache.h"

extern struct kunit_suite ecache_table_suite;
extern struct kunit_suite ecache_key_suite;
extern struct kunit_suite ecache_volume_suite;
extern struct kunit_suite ecache_crypt_suite;
extern struct kunit_suite ecache_bounce_suite;
extern struct kunit_suite ecache_message_suite;
extern struct kunit_suite ecache_target_suite;

/*
 * A target on a device that is never opened: what everything above the I/O path needs.
 * Freed with the test.
 */
struct ecache_target *ecache_kunit_target(struct kunit *test, unsigned int key_size, unsigned int sector_size);

/* The same with a volume of its own, put when the test ends. */
struct ecache_target *ecache_kunit_volume(struct kunit *test, unsigned int key_size, unsigned int sector_size);

/*
 * device.c: real mapped devices, by dm's ioctls. Made without a table, removed with the test;
 * @name must live as long.
 */
#define ECACHE_KUNIT_ANSWER	4096	/* bytes: what an answer's buffer must have */

dev_t ecache_kunit_create(struct kunit *test, const char *name);
void ecache_kunit_remove(struct kunit *test, const char *name);
int ecache_kunit_load(struct kunit *test, const char *name, u64 begin, u64 len, const char *type, const char *args);
int ecache_kunit_clear(struct kunit *test, const char *name);
int ecache_kunit_suspend(struct kunit *test, const char *name, u32 flags);
int ecache_kunit_resume(struct kunit *test, const char *name);
u32 ecache_kunit_events(struct kunit *test, const char *name);
int ecache_kunit_message(struct kunit *test, const char *name, const char *message, char *answer);
void ecache_kunit_status(struct kunit *test, const char *name, u32 flags, char *answer);
/* Closed with the test, before the device is removed. */
struct block_device *ecache_kunit_open(struct kunit *test, dev_t dev);

/* A key whose halves differ; @seed makes another one. */
void ecache_kunit_key(u8 *key, unsigned int size, u8 seed);

#endif
