// SPDX-License-Identifier: GPL-2.0
/*
 * The inline engine: blk-crypto, that is encryption in the disk's controller where it has it,
 * else the block layer's own software fallback.
 *
 * The bio carries the key, so the key is held while the disk works: every bio has a reference
 * in the key's users, and wipe and revoke end when the last one is done. Then the key is
 * evicted from the controller's slots and wiped.
 *
 * A data unit number steps by one per crypto sector, as dm-crypt's IV does for 512-byte sectors
 * and for iv_large_sectors only.
 */
#include <linux/blk-crypto-profile.h>
#include <linux/blk-crypto.h>
#include <linux/blkdev.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <crypto/utils.h>

#include "dm-ecache.h"
#include "inline.h"

static const struct inline_mode {
	const char *cipher;
	unsigned int key_size;
	enum blk_crypto_mode_num mode;
} inline_modes[] = {
	{ "aes-xts-plain64", 64, BLK_ENCRYPTION_MODE_AES_256_XTS },
	{ "aes-cbc-essiv:sha256", 16, BLK_ENCRYPTION_MODE_AES_128_CBC_ESSIV },
	{ "xchacha12,aes-adiantum-plain64", 32, BLK_ENCRYPTION_MODE_ADIANTUM },
};

static enum blk_crypto_mode_num mode_of(const struct ecache_cipher *cipher, unsigned int key_size)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(inline_modes); i++)
		if (!strcmp(cipher->name, inline_modes[i].cipher) && key_size == inline_modes[i].key_size)
			return inline_modes[i].mode;
	return BLK_ENCRYPTION_MODE_INVALID;
}

static int inline_check(struct ecache_target *et, char **error)
{
	unsigned int shift = ilog2(et->sector_size) - SECTOR_SHIFT;

	if (mode_of(et->cipher, et->key_size) == BLK_ENCRYPTION_MODE_INVALID) {
		*error = "engine:inline does XTS with 64, CBC-ESSIV with 16 and Adiantum with 32 bytes of key";
		return -EINVAL;
	}
	if (et->sector_size != SECTOR_SIZE && !et->iv_large_sectors) {
		*error = "engine:inline needs sector_size:512 or iv_large_sectors";
		return -EINVAL;
	}
	/* Some controllers have numbers of 32 bits: no more is asked than the volume needs. */
	et->dun_bytes = (et->iv_offset + et->ti->len - 1) >> shift > U32_MAX ? 8 : 4;
	return 0;
}

static int make_key(const struct ecache_volume *vol, struct blk_crypto_key *key, const u8 *raw)
{
	const struct ecache_identity *id = &vol->identity;
	int r;

	r = blk_crypto_init_key(key, raw, id->key_size, BLK_CRYPTO_KEY_TYPE_RAW, mode_of(id->cipher, id->key_size),
				id->dun_bytes, id->sector_size, BLK_CRYPTO_CFG_ALLOW_HW);
	return r ?: blk_crypto_start_using_key(vol->bdev, key);
}

/* A first, empty key loads what the fallback needs. */
static int inline_volume_init(struct ecache_volume *vol, char **error)
{
	u8 raw[ECACHE_MAX_KEY_SIZE] = {};
	struct blk_crypto_key *key;
	int r;

	key = kzalloc_obj(*key);
	if (!key)
		return -ENOMEM;
	r = make_key(vol, key, raw);
	kfree(key);
	if (r)
		*error = "The device has no inline encryption for this, and the kernel no fallback";
	return r;
}

static void inline_volume_exit(struct ecache_volume *vol)
{
}

static int inline_key_init(struct ecache_volume *vol, struct ecache_key *key, const u8 *raw, const char **why)
{
	unsigned int half = vol->identity.key_size / 2;
	struct blk_crypto_key *blk;
	int r;

	/* Controllers do not look. */
	if (half == 32 && !crypto_memneq(raw, raw + half, half)) {
		*why = "the cipher forbids this key (XTS: are its halves equal?)";
		return -EINVAL;
	}
	blk = kzalloc_obj(*blk);
	if (!blk)
		return -ENOMEM;
	r = make_key(vol, blk, raw);
	if (r) {
		*why = "blk-crypto refuses the key";
		kfree_sensitive(blk);
		return r;
	}
	key->engine = blk;
	return 0;
}

static void inline_key_exit(struct ecache_key *key)
{
	blk_crypto_evict_key(key->vol->bdev, key->engine);
	kfree_sensitive(key->engine);
}

static const char *inline_driver(struct ecache_volume *vol)
{
	const struct blk_crypto_profile *profile = bdev_get_queue(vol->bdev)->crypto_profile;
	const struct ecache_identity *id = &vol->identity;

	if (profile && (profile->modes_supported[mode_of(id->cipher, id->key_size)] & id->sector_size) &&
	    profile->max_dun_bytes_supported >= id->dun_bytes &&
	    (profile->key_types_supported & BLK_CRYPTO_KEY_TYPE_RAW))
		return "blk-crypto";
	return "blk-crypto-fallback";
}

static void inline_endio(struct bio *bio)
{
	struct ecache_io *io = dm_per_bio_data(bio, sizeof(*io));
	struct ecache_volume *vol = io->et->vol;

	bio->bi_end_io = io->end_io;
	/* A read under a key that went meanwhile fails, as with every engine. */
	if (bio_data_dir(bio) == READ && unlikely(ecache_volume_epoch(vol) != io->epoch) && !bio->bi_status)
		bio->bi_status = BLK_STS_IOERR;
	percpu_ref_put(&io->key->users);
	ecache_io_end(io, bio);
}

static int inline_map(struct ecache_target *et, struct bio *bio, struct ecache_io *io)
{
	unsigned int shift = ilog2(et->sector_size) - SECTOR_SHIFT;
	sector_t sector = dm_target_offset(et->ti, bio->bi_iter.bi_sector);
	u64 dun[BLK_CRYPTO_DUN_ARRAY_SIZE] = { (et->iv_offset + sector) >> shift };

	/* The context of a bio comes from a mempool that may make us wait. */
	if (bio->bi_opf & REQ_NOWAIT) {
		ecache_count(et->vol, wouldblock, 1);
		bio_wouldblock_error(bio);
		return DM_MAPIO_SUBMITTED;
	}
	io->key = ecache_key_hold(et->vol, io->epoch);
	if (!io->key) {
		ecache_count(et->vol, errors, 1);
		return DM_MAPIO_KILL;
	}
	/* The fallback may take the bio over, and nobody could poll for it. */
	bio_clear_polled(bio);
	bio->bi_iter.bi_sector = et->start + sector;
	io->decrypted = ECACHE_BY_DISK;
	io->iter = bio->bi_iter;
	io->end_io = bio->bi_end_io;
	bio->bi_end_io = inline_endio;
	bio_crypt_set_ctx(bio, io->key->engine, dun, GFP_NOIO);
	return __blk_crypto_submit_bio(bio) ? DM_MAPIO_REMAPPED : DM_MAPIO_SUBMITTED;
}

const struct ecache_engine ecache_engine_blk_crypto = {
	.name = "inline",
	.outlives = true,
	.no_cpu = true,
	.check = inline_check,
	.volume_init = inline_volume_init,
	.volume_exit = inline_volume_exit,
	.key_init = inline_key_init,
	.key_exit = inline_key_exit,
	.driver = inline_driver,
	.map = inline_map,
};
