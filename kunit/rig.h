/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ECACHE_RIG_H
#define ECACHE_RIG_H

#include <linux/completion.h>

#include "ecache_kunit.h"

/*
 * A real mapped device on a disk that a test plays: bios go in by submit_bio() and come out
 * through dm, and between them the test decides what the disk does, and when, and in which
 * context it says so.
 */

#define RIG_SECTORS	16384U		/* of the disk: 8 MiB */
#define RIG_PAGES	80		/* of a shape */
#define RIG_VECS	128
#define RIG_MAX_BYTES	(RIG_PAGES * PAGE_SIZE)

/*
 * struct rig_disk - the disk
 *
 * @data: what is on it
 * @hold: keep bios until rig_disk_release()
 * @status: what every bio with data ends with
 * @held: those it keeps, in order
 * @bios: bios that came, flushes and discards among them
 */
struct rig_disk {
	struct gendisk *disk;
	u8 *data;
	bool hold;
	blk_status_t status;
	spinlock_t lock;	/* held and the counters */
	struct bio_list held;
	unsigned int bios, flushes, discards;
};

/* Where a completion of the disk runs. */
enum rig_context {
	RIG_TASK,
	RIG_IRQS_OFF,
};

struct rig_disk *rig_disk_create(struct kunit *test);
unsigned int rig_disk_held(struct rig_disk *disk);
unsigned int rig_disk_release(struct rig_disk *disk, enum rig_context context);
void rig_disk_wait_held(struct kunit *test, struct rig_disk *disk, unsigned int nr);

/* A mapped device; gone with the test, its table and volume with it. */
struct rig_dm {
	char name[32];
	struct rig_disk *disk;
	struct file *bdev_file;
	struct block_device *bdev;
	struct ecache_volume *vol;
	sector_t length;		/* of its next table */
};

struct rig_dm *rig_dm_create(struct kunit *test, struct rig_disk *disk, const char *name);
int rig_dm_load(struct kunit *test, struct rig_dm *dm, const char *target, const char *params);
int rig_dm_suspend(struct kunit *test, struct rig_dm *dm, bool noflush);
int rig_dm_resume(struct kunit *test, struct rig_dm *dm);
int rig_dm_message(struct kunit *test, struct rig_dm *dm, const char *message, char *answer);
void rig_dm_status(struct kunit *test, struct rig_dm *dm, bool table, char *answer);
void rig_dm_open(struct kunit *test, struct rig_dm *dm);
void rig_dm_close(struct rig_dm *dm);

/* All of it in one: an ACTIVE volume over the whole disk. @options: "N option...", or empty. */
struct rig_dm *rig_active(struct kunit *test, const char *cipher, const u8 *key, unsigned int key_size,
			  u64 iv_offset, const char *options);
int rig_set_key(struct kunit *test, struct rig_dm *dm, const u8 *key, unsigned int size);

/*
 * A buffer of separate pages, and bvecs that lay data over it with gaps between the pieces.
 */
struct rig_shape {
	struct page *pages[RIG_PAGES];
	struct bio_vec vec[RIG_VECS];
	unsigned int nr;
};

struct rig_shape *rig_shape_create(struct kunit *test);
unsigned int rig_shape_random(struct rig_shape *s, unsigned int unit, unsigned int sector, unsigned int pieces);
void rig_shape_plain(struct rig_shape *s, unsigned int bytes);
void rig_shape_copy(struct rig_shape *s, u8 *buf, unsigned int bytes, bool to_shape);

/* A bio under way. */
struct rig_io {
	struct bio bio;
	struct completion done;
	blk_status_t status;
};

struct rig_io *rig_io_start(struct kunit *test, struct rig_dm *dm, blk_opf_t opf, struct rig_shape *s,
			    u64 sector, unsigned int bytes);
blk_status_t rig_io_wait(struct kunit *test, struct rig_io *io);
blk_status_t rig_io(struct kunit *test, struct rig_dm *dm, blk_opf_t opf, struct rig_shape *s, u64 sector,
		    unsigned int bytes);

/*
 * What is on disk according to the crypto API's own templates: XTS, CBC under its ESSIV, Adiantum.
 */
struct rig_model {
	struct crypto_skcipher *tfm;
	unsigned int iv_size;
	unsigned int sector_size;
	unsigned int iv_shift;
	u64 iv_offset;
};

struct rig_model *rig_model_create(struct kunit *test, const char *cipher, const u8 *key, unsigned int key_size,
				   unsigned int sector_size);
void rig_model_crypt(struct kunit *test, const struct rig_model *m, u64 sector, u8 *data, unsigned int bytes,
		     bool encrypt);

/*
 * Not KUNIT_ASSERT_MEMEQ(): it would print both buffers, for minutes on an emulated console.
 * Returns how many bytes are the same.
 */
unsigned int rig_same(const u8 *a, const u8 *b, unsigned int bytes);

/* @n bytes that last as long as the test. */
u8 *rig_buffer(struct kunit *test, size_t n);

#endif
