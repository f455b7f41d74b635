/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DM_ECACHE_H
#define DM_ECACHE_H

#include <linux/bio.h>
#include <linux/device-mapper.h>
#include <linux/hrtimer.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/llist.h>
#include <linux/mempool.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/percpu-refcount.h>
#include <linux/percpu_counter.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <asm/simd.h>
#include <crypto/aes.h>
#include <crypto/internal/simd.h>
#include <crypto/sha2.h>
#include <crypto/skcipher.h>

#include "compat.h"

#define DM_MSG_PREFIX		"ecache"

#define ECACHE_KEY_ID_SIZE	16	/* bytes; see ecache_key_id() */
#define ECACHE_MAX_KEY_SIZE	64	/* AES-256-XTS: two keys of 32 bytes */
#define ECACHE_HASH_MAX		96	/* bytes: a key and what is hashed with it */
#define ECACHE_MAX_IV_SIZE	32	/* Adiantum's */
#define ECACHE_MIN_SECTOR	512
#define ECACHE_MAX_SECTOR	4096
#define ECACHE_CACHE_ID_MAX	64

/* Seconds: a year. What lives longer without its agent has no lease. */
#define ECACHE_LEASE_MAX	(366 * 24 * 3600U)
/* Seconds that a bio may wait for a key; 0 means for ever. */
#define ECACHE_HOLD_MAX		(24 * 3600U)

/*
 * A key is used inside RCU read sections that transform at most this many bytes, so that
 * `key wipe` waits for microseconds of AES and a grace period, never for a disk. A multiple
 * of every sector size.
 */
#define ECACHE_KEY_HOLD_BYTES	(64 * 1024)

/* The largest write in one piece: what BIO_MAX_VECS single pages can hold. */
#define ECACHE_MAX_WRITE_PAGES	256
static_assert(ECACHE_MAX_WRITE_PAGES <= BIO_MAX_VECS);

/* Bounce bvecs that fit into the per-bio data; more come from a mempool. */
#define ECACHE_INLINE_VECS	8

/* Free pages that each CPU keeps for the next writes, single ones and large ones. See page-stack.c. */
#define ECACHE_PAGE_STACK	16
#define ECACHE_LARGE_STACK	2
#define ECACHE_LARGE_ORDER	get_order(SZ_64K)

/* Helpers of one large bio, besides the CPU that has it. */
#define ECACHE_MAX_HELPERS	3

/**
 * enum ecache_state - the state of a volume
 *
 * @ECACHE_LOCKED: no key; I/O fails (or waits, with queue_if_locked), empty flushes pass. A
 *	key may be set.
 * @ECACHE_ACTIVE: a key is published; I/O runs.
 * @ECACHE_REVOKING: no new I/O finds a key, but requests that began with it are not over, or
 *	a device below may still hold it. Left by itself, to volume.next, when the last user
 *	is gone. Only with engines whose requests outlive a call (accel, inline): the users of
 *	cpu end with the grace period that the message waits for.
 * @ECACHE_REVOKED: terminal; no key is ever accepted again, however often the table is
 *	reloaded.
 */
enum ecache_state {
	ECACHE_LOCKED,
	ECACHE_ACTIVE,
	ECACHE_REVOKING,
	ECACHE_REVOKED,
};

/* Why the volume is in its state: the last field of the status line. */
enum ecache_reason {
	ECACHE_WHY_NEW,
	ECACHE_WHY_KEY_SET,
	ECACHE_WHY_KEY_WIPE,
	ECACHE_WHY_KEY_REVOKE,
	ECACHE_WHY_LEASE,
	ECACHE_WHY_HIBERNATION,
	ECACHE_NR_REASONS
};

struct ecache_io;
struct ecache_key;
struct ecache_target;
struct ecache_volume;

/**
 * struct ecache_cipher - a cipher that a table can name; the bytes are dm-crypt's of that name
 *
 * @name: in the table
 * @alg: of the crypto API
 * @inner: the name behind which crypto/simd.c hides the fast driver, NULL if it never does
 * @key_sizes: bytes allowed, 0 ends the list
 * @iv_size: bytes: plain64, the rest zero
 * @essiv: the IV is encrypted under the hash of the key
 * @reads_twice: the source is read twice, so it must not be memory that somebody else may
 *	change meanwhile: a write is copied and then encrypted in place
 */
struct ecache_cipher {
	const char *name;
	const char *alg;
	const char *inner;
	unsigned int key_sizes[4];
	unsigned int iv_size;
	bool essiv;
	bool reads_twice;
};

/**
 * struct ecache_engine - who transforms the data
 *
 * @name: in table and status
 * @outlives: its requests outlive the call that makes them, so users of a key are counted
 *	(ecache_key.users), wipe and revoke go by way of REVOKING, and NOWAIT is not offered
 * @no_cpu: its keys have no form of the cpu engine
 * @owns_bios: it submits the clone itself, later: dm accounts it only then
 * @max_bytes: larger reads and writes are cut, 0: not by the engine
 * @check: whether it can do what the table asks for, on its device; NULL: it can do all
 * @volume_init: before any key: load drivers; says in @error why not
 * @volume_exit: undo it; no key is left
 * @key_init: its own form of a key, from the raw one; says in @why why not
 * @key_exit: wipe it; nobody uses it
 * @driver: the name of who does the work, for the status; NULL: a driver of cpu
 * @map: a read or write that has data and began under io->epoch, cut and checked
 */
struct ecache_engine {
	const char *name;
	bool outlives;
	bool no_cpu;
	bool owns_bios;
	unsigned int max_bytes[2];
	int (*check)(struct ecache_target *et, char **error);
	int (*volume_init)(struct ecache_volume *vol, char **error);
	void (*volume_exit)(struct ecache_volume *vol);
	int (*key_init)(struct ecache_volume *vol, struct ecache_key *key, const u8 *raw, const char **why);
	void (*key_exit)(struct ecache_key *key);
	const char *(*driver)(struct ecache_volume *vol);
	int (*map)(struct ecache_target *et, struct bio *bio, struct ecache_io *io);
};

/**
 * struct ecache_key - one installed key
 *
 * Published in ecache_volume.key under RCU. It dies in this order: unpublished, a grace
 * period, the last of @users (engines that outlive a call), wiped and freed. Nobody keeps a
 * pointer to it outside an RCU read section without a reference in @users.
 *
 * @tfm: the keyed transform of the cpu engine; its context is wiped when it is freed. NULL
 *	with inline
 * @essiv: AES under the hash of the key, for ciphers with ESSIV
 * @epoch: differs for every key that a volume ever had; a bio that began under one epoch
 *	never ends under another
 * @id: ecache_key_id() of it
 * @vol: whose it is; holds a reference on it with engines that outlive a call
 * @users: requests under way
 * @end_work: ends the key after the last user; ecache_key_wq
 * @engine: the engine's own form
 */
struct ecache_key {
	struct crypto_sync_skcipher *tfm;
	struct ecache_essiv *essiv;
	u64 epoch;
	u8 id[ECACHE_KEY_ID_SIZE];
	struct ecache_volume *vol;
	struct percpu_ref users;
	struct work_struct end_work;
	void *engine;
};

/* log2 of microseconds: the last bucket holds everything from half a minute on. */
#define ECACHE_LATENCY_BUCKETS	25

/*
 * Counters of a volume on one CPU; read without locks, so a sum may be a few I/Os old. Names
 * and order are those of ecache_stat_names in stats.c.
 */
struct ecache_stats {
	u64 reads, writes;			/* without error; reads: the disk decrypted, in a sum all */
	u64 read_sectors, write_sectors;	/* of 512 bytes */
	u64 inline_reads, deferred_reads;	/* decrypted in the completion, or later */
	u64 errors;				/* failed here or below */
	u64 parallel;				/* bios that helpers took a part of */
	u64 reserve;				/* writes whose pages came from the reserve */
	u64 wouldblock;				/* NOWAIT bios sent back */
	u64 held;				/* bios that waited for a key */
	u64 accel;				/* bios done by an accelerator */
	u64 backlog;				/* its requests that the driver put on its backlog */
	u64 redone;				/* bios that it could not do and cpu did */
	u64 latency[2][ECACHE_LATENCY_BUCKETS];	/* of reads and of writes: one bio in ECACHE_SAMPLE */
	unsigned int turn;			/* whose turn it is to be timed */
};

#define ECACHE_NR_COUNTERS	(offsetof(struct ecache_stats, latency) / sizeof(u64))
/* One bio in so many is timed: two clock readings each would cost more than all counters. */
#define ECACHE_SAMPLE		64

/* What two tables of one volume have in common. */
struct ecache_identity {
	dev_t dev;
	sector_t start;
	u64 iv_offset;
	const struct ecache_cipher *cipher;
	const struct ecache_engine *engine;
	char driver[CRYPTO_MAX_ALG_NAME];
	unsigned int key_size;		/* bytes */
	unsigned int sector_size;	/* bytes */
	unsigned int dun_bytes;		/* inline: of a data unit number */
	bool iv_large_sectors;
};

/* Where the ciphertext of writes lives while the disk works. See bounce.c. */
struct ecache_bounce_pool {
	mempool_t pages;		/* reserve: one largest write */
	mempool_t vecs;			/* arrays of ECACHE_MAX_WRITE_PAGES bvecs */
	struct mutex reserve_lock;	/* one bio at a time takes from the reserve */
	struct percpu_counter used;	/* pages */
	unsigned long cap;		/* pages; above it only the reserve gives */
};

/* Pages for the ciphertext of one bio. See bounce.c. */
struct ecache_bounce {
	struct ecache_bounce_pool *pool;
	struct bio_vec *vec;		/* @inline_vec or from the mempool */
	unsigned int nr_vecs;
	struct bio_vec inline_vec[ECACHE_INLINE_VECS];
};

/*
 * struct ecache_volume - what outlives a table: one per mapped device
 *
 * A reload builds new target instances while the old ones still run, so everything that
 * must survive it is here: key, state, epoch, lease, counters. Found by the mapped device.
 *
 * What the I/O path reads comes first; it changes with the key only.
 *
 * @key: NULL unless ACTIVE
 * @live_epoch: that of @key, 0 without one: what map needs to know, without a look at the key.
 *	Whoever uses the key compares again
 * @lease_end: CLOCK_BOOTTIME in ns when the key ends, KTIME_MAX without a lease
 * @node: in the list of volumes, under its lock, as is @tables
 * @tables: live and inactive tables; with the last one the key and the state end
 * @memory: the structure itself: one for the tables, one for each key of an engine whose
 *	requests outlive a call, since a device that hangs may outlive the last table
 * @md: the mapped device; never dereferenced but while a table is in @targets
 * @unkeyed: holds the driver's module, so that `key set` never has to load one
 * @lock: serialises messages (dm core does not); taken before @state_lock
 * @state_lock: protects @state, @next, @reason, @epoch, @key_id, @key_id_known, @dying,
 *	@lease_end, @events and changes of @key; interrupts off, the lease's timer takes it
 * @next: where REVOKING leads
 * @epoch: of the newest key; only grows
 * @key_id: the one key that this volume takes, if @key_id_known: by its table or by the
 *	first key set
 * @dying: taken from @key by the timer, not ended yet: @dying_work does it
 * @targets: tables that want to hear of a change, under @targets_lock
 */
struct ecache_volume {
	struct ecache_key __rcu *key;
	u64 live_epoch;
	ktime_t lease_end;
	struct ecache_stats __percpu *stats;
	bool demoted;			/* accel: cpu does the work from now on */

	struct ecache_bounce_pool bounce ____cacheline_aligned;

	struct list_head node;
	unsigned int tables;
	struct kref memory;
	struct mapped_device *md;
	dev_t devt;			/* of @md, for traces */
	struct ecache_identity identity;
	struct crypto_sync_skcipher *unkeyed;
	struct block_device *bdev;	/* below; valid while there is a table */
	void *engine;			/* the engine's own */

	struct mutex lock;		/* messages */
	spinlock_t state_lock;		/* down to dying */
	enum ecache_state state, next;
	enum ecache_reason reason;
	u64 epoch;
	bool key_id_known;
	u8 key_id[ECACHE_KEY_ID_SIZE];
	u64 events[ECACHE_NR_REASONS];	/* how often each reason came */
	struct hrtimer lease_timer;
	struct ecache_key *dying;
	struct work_struct dying_work;
	struct completion key_gone;	/* no key waits for its last user */

	struct mutex targets_lock;	/* targets */
	struct list_head targets;
	struct work_struct event_work;

	atomic_t demotions;
	atomic_t quarantined;		/* batches that a device never gave back */
};

/*
 * struct ecache_target - one table line
 *
 * Immutable after the constructor, but for the last group.
 */
struct ecache_target {
	struct dm_target *ti;
	struct dm_dev *dev;
	struct ecache_volume *vol;
	const struct ecache_cipher *cipher;
	const struct ecache_engine *engine;
	sector_t start;
	u64 iv_offset;			/* in 512-byte sectors */
	unsigned int key_size;		/* bytes */
	unsigned int sector_size;	/* bytes */
	unsigned int sector_mask;	/* 512-byte sectors per crypto sector - 1 */
	unsigned int iv_shift;		/* from 512-byte sectors to IV units */
	unsigned int dun_bytes;		/* inline */
	unsigned int max_sectors[2];	/* of 512 bytes, by data direction: larger bios are cut */
	unsigned int lease;		/* seconds, 0: none */
	unsigned int hold_seconds;	/* 0: for ever */
	bool iv_large_sectors;
	bool allow_discards;
	bool queue_if_locked;
	bool engine_given;		/* engine: stood in the table */
	bool key_id_given;
	u8 key_id[ECACHE_KEY_ID_SIZE];
	char driver[CRYPTO_MAX_ALG_NAME];	/* empty: any */
	char cache_id[ECACHE_CACHE_ID_MAX + 1];

	struct list_head node;		/* in the volume's targets */
	spinlock_t hold_lock;		/* protects the next two */
	struct bio_list held;		/* wait for a key */
	bool holding;			/* between resume and suspend, and no timeout yet */
	struct work_struct resubmit_work;
	struct delayed_work hold_timeout;
};

/* One walk over the data of a bio. @dst NULL: in place. */
struct ecache_cursor {
	const struct bio_vec *src;
	struct bvec_iter src_iter;
	const struct bio_vec *dst;
	struct bvec_iter dst_iter;
	u64 sector;			/* of the IV, in 512-byte sectors */
	bool encrypt;
};

struct ecache_helper {
	struct work_struct work;
	struct ecache_fork *fork;
};

/*
 * A large bio on several CPUs. See parallel.c.
 *
 * @cur: at the first chunk
 * @next: the first chunk that nobody has claimed
 * @users: CPUs that may still touch the data: the parent and each helper
 * @error: one chunk failed
 * @done: called by the last user
 */
struct ecache_fork {
	struct ecache_target *et;
	struct ecache_cursor cur;
	u64 epoch;
	unsigned int bytes;
	atomic_t next;
	atomic_t users;
	int error;
	void (*done)(struct ecache_fork *fork);
	struct ecache_helper helper[ECACHE_MAX_HELPERS];
};

enum ecache_decrypted {
	ECACHE_BY_DISK,			/* or by blk-crypto above it */
	ECACHE_IN_COMPLETION,
	ECACHE_LATER,
};

/*
 * struct ecache_io - our part of the bio that dm hands us
 *
 * @iter: as it was after remapping: lower drivers consume the bio's own
 * @epoch: of the key under which the bio began
 * @start_ns: CLOCK_MONOTONIC when it came, 0 if it is not timed
 * @decrypted: reads: where, once the disk is done
 * @orig_vec: writes: what the bounce pages stand in for
 */
struct ecache_io {
	struct ecache_target *et;
	struct bvec_iter iter;
	bio_end_io_t *end_io;
	u64 epoch;
	u64 start_ns;
	enum ecache_decrypted decrypted;
	union {
		struct llist_node node;		/* deferred, small */
		struct work_struct work;	/* deferred, large */
		struct ecache_fork fork;	/* decrypted on several CPUs */
		struct ecache_key *key;		/* inline: held until the disk is done */
		struct ecache_batch *batch;	/* accel */
		struct {
			struct bio_vec *orig_vec;
			struct ecache_bounce bounce;
		};
	};
};

static inline struct bio *ecache_io_bio(struct ecache_io *io)
{
	return dm_bio_from_per_bio_data(io, sizeof(*io));
}

#define ecache_count(vol, field, n)	this_cpu_add((vol)->stats->field, n)

static inline bool ecache_lease_over(const struct ecache_volume *vol)
{
	ktime_t end = READ_ONCE(vol->lease_end);

	/* Coarse: late by a tick, more where ticks are lost. Without a lease no clock is read. */
	return unlikely(end != KTIME_MAX) && ktime_get_coarse_boottime() >= end;
}

/**
 * ecache_volume_epoch - the epoch under which a new bio begins
 * @vol: the volume
 *
 * Who sees the epoch of a key sees the key, a newer one, or none.
 *
 * Return: 0 if there is no key, or its lease is over: the bio must fail.
 */
static inline u64 ecache_volume_epoch(const struct ecache_volume *vol)
{
	/* Pairs with publish(). */
	u64 epoch = smp_load_acquire(&vol->live_epoch);

	return ecache_lease_over(vol) ? 0 : epoch;
}

/**
 * ecache_cpu_usable_here - whether ecache_transform() may run in this very context
 *
 * The vector unit may be in use by the code that was interrupted; skciphers do not run in
 * hard interrupts, and a completion called with interrupts off must not keep them off for a
 * whole bio.
 *
 * Return: true if it may.
 */
static inline bool ecache_cpu_usable_here(void)
{
	return !in_hardirq() && !irqs_disabled() && crypto_simd_usable();
}

extern const struct ecache_engine ecache_engine_cpu;
extern const struct ecache_engine ecache_engine_accel;

#include "proto.h"

#endif
