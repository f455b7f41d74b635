/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DM_ECACHE_H
#define DM_ECACHE_H

#include <linux/bio.h>
#include <linux/device-mapper.h>
#include <linux/llist.h>
#include <linux/mempool.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/percpu_counter.h>
#include <linux/refcount.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <crypto/skcipher.h>

#include "compat.h"

#define DM_MSG_PREFIX		"ecache"

#define ECACHE_KEY_ID_SIZE	16	/* bytes; see ecache_key_id() */
#define ECACHE_MAX_KEY_SIZE	64	/* AES-256-XTS: two keys of 32 bytes */
#define ECACHE_MIN_SECTOR	512
#define ECACHE_MAX_SECTOR	4096
#define ECACHE_CIPHER		"aes-xts-plain64"
#define ECACHE_CACHE_ID_MAX	64

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

/**
 * enum ecache_state - the state of a volume
 *
 * @ECACHE_LOCKED: no key; I/O fails, empty flushes pass. A key may be set.
 * @ECACHE_ACTIVE: a key is published; I/O runs.
 * @ECACHE_REVOKING: no new I/O finds a key, but a device below may still hold it. Left by
 *	itself when the last user is gone. Not reachable with the cpu engine, whose users
 *	end with the grace period that the message waits for.
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
};

/**
 * struct ecache_key - one installed key
 *
 * Published in ecache_volume.key under RCU, freed a grace period after it was taken away.
 * Nobody keeps a pointer to it outside an RCU read section.
 *
 * @tfm: the keyed transform; its context is wiped when it is freed
 * @epoch: differs for every key that a volume ever had; a bio that began under one epoch
 *	never ends under another
 * @id: ecache_key_id() of it
 */
struct ecache_key {
	struct crypto_sync_skcipher *tfm;
	u64 epoch;
	u8 id[ECACHE_KEY_ID_SIZE];
};

/* Counters of a volume on one CPU; read without locks, so a sum may be a few I/Os old. */
struct ecache_stats {
	u64 reads, writes;			/* completed without error */
	u64 read_sectors, write_sectors;	/* of 512 bytes */
	u64 inline_reads, deferred_reads;	/* decrypted in the completion, or later */
	u64 errors;				/* failed here or below */
};

/* What two tables of one volume have in common. */
struct ecache_identity {
	dev_t dev;
	sector_t start;
	u64 iv_offset;
	unsigned int key_size;		/* bytes */
	unsigned int sector_size;	/* bytes */
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

/*
 * struct ecache_volume - what outlives a table: one per mapped device
 *
 * A reload builds new target instances while the old ones still run, so everything that
 * must survive it is here: key, state, epoch, counters. Found by the mapped device,
 * refcounted by every live or inactive table of it.
 *
 * @node: in the list of volumes, under its lock, as is @refs
 * @md: the mapped device; never dereferenced, it outlives its tables
 * @identity: immutable
 * @unkeyed: holds the driver's module, so that `key set` never has to load one
 * @lock: serialises messages (dm core does not); taken before @state_lock
 * @state_lock: protects @state, @reason, @epoch, @key_id, @key_id_known and changes of @key
 * @key: NULL unless ACTIVE
 * @epoch: of the newest key; only grows
 * @key_id: the one key that this volume takes, if @key_id_known: by its table or by the
 *	first key set
 */
struct ecache_volume {
	struct list_head node;
	unsigned int refs;
	struct mapped_device *md;
	struct ecache_identity identity;
	struct crypto_sync_skcipher *unkeyed;

	struct mutex lock;	/* serialises messages */
	spinlock_t state_lock;	/* state, reason, epoch, key id, changes of key */
	enum ecache_state state;
	enum ecache_reason reason;
	struct ecache_key __rcu *key;
	u64 epoch;
	bool key_id_known;
	u8 key_id[ECACHE_KEY_ID_SIZE];

	struct ecache_stats __percpu *stats;
	struct ecache_bounce_pool bounce;
};

/*
 * struct ecache_target - one table line
 *
 * Immutable after the constructor, but for @event.
 */
struct ecache_target {
	struct dm_target *ti;
	struct dm_dev *dev;
	sector_t start;
	u64 iv_offset;			/* in 512-byte sectors */
	unsigned int key_size;		/* bytes */
	unsigned int sector_size;	/* bytes */
	unsigned int sector_mask;	/* 512-byte sectors per crypto sector - 1 */
	unsigned int iv_shift;		/* from 512-byte sectors to IV units */
	bool iv_large_sectors;
	bool allow_discards;
	bool engine_given;		/* engine:cpu stood in the table */
	bool key_id_given;
	u8 key_id[ECACHE_KEY_ID_SIZE];
	char cache_id[ECACHE_CACHE_ID_MAX + 1];
	struct ecache_volume *vol;
	struct work_struct event;	/* tells dm that a key went */
};

/*
 * struct ecache_io - our part of the bio that dm hands us
 *
 * @iter: as it was after remapping: lower drivers consume the bio's own
 * @epoch: of the key under which the bio began
 * @orig_vec: writes: what the bounce pages stand in for
 * @vec: writes: the bounce pages, @inline_vec or from the mempool
 */
struct ecache_io {
	struct ecache_target *et;
	struct bvec_iter iter;
	bio_end_io_t *end_io;
	u64 epoch;
	union {
		struct llist_node node;		/* deferred, small */
		struct work_struct work;	/* deferred, large */
		struct {
			struct bio_vec *orig_vec;
			struct bio_vec *vec;
			unsigned int nr_vecs;
			struct bio_vec inline_vec[ECACHE_INLINE_VECS];
		};
	};
};

static inline struct bio *ecache_io_bio(struct ecache_io *io)
{
	return dm_bio_from_per_bio_data(io, sizeof(*io));
}

/* One walk over the data of a bio. @dst NULL: in place. */
struct ecache_cursor {
	const struct bio_vec *src;
	struct bvec_iter src_iter;
	const struct bio_vec *dst;
	struct bvec_iter dst_iter;
	u64 sector;			/* of the IV, in 512-byte sectors */
	bool encrypt;
};

#define ecache_count(vol, field, n)	this_cpu_add((vol)->stats->field, n)

/* table.c */
int ecache_ctr(struct dm_target *ti, unsigned int argc, char **argv);
void ecache_dtr(struct dm_target *ti);
int ecache_parse(struct ecache_target *et, unsigned int argc, char **argv, const char **dev, char **error);
unsigned int ecache_emit(const struct ecache_target *et, const char *dev, char *result, unsigned int maxlen);

/* volume.c */
struct ecache_volume *ecache_volume_get(struct mapped_device *md, const struct ecache_target *et, char **error);
void ecache_volume_put(struct ecache_volume *vol);
u64 ecache_volume_epoch(struct ecache_volume *vol);
int ecache_volume_set_key(struct ecache_volume *vol, const u8 *key, unsigned int size, const char **why);
int ecache_volume_wipe_key(struct ecache_volume *vol);
int ecache_volume_revoke(struct ecache_volume *vol);
const char *ecache_state_name(enum ecache_state state);
const char *ecache_reason_name(enum ecache_reason reason);

/* key.c */
struct ecache_key *ecache_key_alloc(const u8 *key, unsigned int size);
void ecache_key_free(struct ecache_key *key);
void ecache_key_id(const u8 *key, unsigned int size, u8 id[ECACHE_KEY_ID_SIZE]);
int ecache_key_parse(const char *arg, u8 *key, unsigned int size, const char **why);

/* keyring.c */
int ecache_keyring_read(const char *type, const char *description, u8 *key, unsigned int size, const char **why);

/* map.c */
int ecache_map(struct dm_target *ti, struct bio *bio);

/* io.c */
blk_status_t ecache_transform(struct ecache_target *et, struct ecache_cursor *cur, unsigned int bytes, u64 epoch,
			      bool may_resched);
void ecache_read_hook(struct ecache_io *io, struct bio *bio);
void ecache_read_finish(struct ecache_io *io);
void ecache_write_hook(struct ecache_io *io, struct bio *bio);

/* defer.c */
int ecache_defer_init(void);
void ecache_defer_exit(void);
void ecache_defer_read(struct ecache_io *io);

/* bounce.c */
int ecache_bounce_init(struct ecache_bounce_pool *pool);
void ecache_bounce_exit(struct ecache_bounce_pool *pool);
int ecache_bounce_get(struct ecache_bounce_pool *pool, struct ecache_io *io, unsigned int bytes, bool nowait);
void ecache_bounce_put(struct ecache_bounce_pool *pool, struct ecache_io *io);

/* crypt-cpu.c */
struct crypto_sync_skcipher *ecache_cpu_alloc(void);
const char *ecache_cpu_driver(struct crypto_sync_skcipher *tfm);
bool ecache_cpu_driver_is_slow(struct crypto_sync_skcipher *tfm);
bool ecache_cpu_usable_here(void);
int ecache_cpu_crypt(const struct ecache_target *et, struct crypto_sync_skcipher *tfm, struct ecache_cursor *cur,
		     unsigned int bytes);

/* message.c */
int ecache_message_run(struct ecache_target *et, unsigned int argc, char **argv, const char **why);
int ecache_message(struct dm_target *ti, unsigned int argc, char **argv, char *result, unsigned int maxlen);

/* status.c */
void ecache_status(struct dm_target *ti, status_type_t type, unsigned int status_flags, char *result,
		   unsigned int maxlen);
unsigned int ecache_emit_info(struct ecache_volume *vol, char *result, unsigned int maxlen);

#endif
