// SPDX-License-Identifier: GPL-2.0
/*
 * The keys of the fake disk: a blk-crypto profile whose keyslots are transforms of the kernel's
 * crypto API, and the encryption of a request's data under the key in its slot.
 */
#include <linux/random.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fake-inline.h"

#define XTS_KEY_SIZE	64
#define XTS_IV_SIZE	16

static struct ecache_fake_inline *const fake = &ecache_fake_inline;

/*
 * @profile: on the heap: it registers a lock class, and those of static objects have their own
 * @slots: one for each keyslot, or, without keyslots, a single one under the key of the request that
 *	is being worked on. What changes them is serialised by the profile's lock, or is the only
 *	work item of the disk.
 */
static struct {
	struct blk_crypto_profile *profile;
	struct fake_slot *slots;
	unsigned int nr_slots;
} keys;

/* A slot without a key encrypts under one that nobody knows. */
static int forget_key(struct fake_slot *slot)
{
	u8 random[XTS_KEY_SIZE];
	int r;

	get_random_bytes(random, sizeof(random));
	r = crypto_sync_skcipher_setkey(slot->tfm, random, sizeof(random));
	memzero_explicit(random, sizeof(random));
	return r;
}

static int program(struct blk_crypto_profile *profile, const struct blk_crypto_key *key, unsigned int nr)
{
	struct fake_slot *slot = &keys.slots[nr];
	int r;

	if (fake->program_fail_next) {
		fake->program_fail_next--;
		fake->count.program_errors++;
		return -EIO;
	}
	r = crypto_sync_skcipher_setkey(slot->tfm, key->bytes, key->size);
	if (r)
		return r;
	fake->slots_used += !slot->used;
	slot->used = true;
	fake->count.programmed++;
	return 0;
}

static int evict(struct blk_crypto_profile *profile, const struct blk_crypto_key *key, unsigned int nr)
{
	struct fake_slot *slot;
	int r;

	if (fake->evict_fail_next) {
		fake->evict_fail_next--;
		fake->count.evict_errors++;
		return -EIO;
	}
	fake->count.evicted++;
	if (!fake->keyslots)
		return 0;
	slot = &keys.slots[nr];
	r = forget_key(slot);
	if (r)
		return r;
	fake->slots_used -= slot->used;
	slot->used = false;
	return 0;
}

static const struct blk_crypto_ll_ops ll_ops = {
	.keyslot_program	= program,
	.keyslot_evict		= evict,
};

static void next_iv(__le64 iv[2])
{
	le64_add_cpu(&iv[0], 1);
	if (!iv[0])
		le64_add_cpu(&iv[1], 1);
}

static int crypt_units(struct crypto_sync_skcipher *tfm, const struct bio_crypt_ctx *ctx, bool encrypt, u8 *data,
		       unsigned int bytes)
{
	SYNC_SKCIPHER_REQUEST_ON_STACK(req, tfm);
	unsigned int unit = ctx->bc_key->crypto_cfg.data_unit_size, done;
	__le64 dun[2] = { cpu_to_le64(ctx->bc_dun[0]), cpu_to_le64(ctx->bc_dun[1]) }, iv[2];
	struct scatterlist sg;
	int r = 0;

	skcipher_request_set_sync_tfm(req, tfm);
	skcipher_request_set_callback(req, 0, NULL, NULL);
	for (done = 0; done < bytes && !r; done += unit, next_iv(dun)) {
		sg_init_one(&sg, data + done, unit);
		memcpy(iv, dun, sizeof(iv));
		skcipher_request_set_crypt(req, &sg, &sg, unit, iv);
		r = encrypt ? crypto_skcipher_encrypt(req) : crypto_skcipher_decrypt(req);
	}
	skcipher_request_zero(req);
	return r;
}

/**
 * fake_keys_crypt - what the disk does to the data of a request on its way
 * @rq: the request; its direction decides
 * @data: the data, physically contiguous
 * @bytes: how much
 *
 * Return: 0 or a negative errno.
 */
int fake_keys_crypt(struct request *rq, u8 *data, unsigned int bytes)
{
	const struct bio_crypt_ctx *ctx = rq->crypt_ctx;
	struct fake_slot *slot;
	int r;

	/* What the block layer must not let happen, for a disk with this profile. */
	if (WARN_ON_ONCE(fake->keyslots < 0 || !rq->crypt_keyslot != !fake->keyslots))
		return -EIO;
	/* This one its users can cause. */
	if (bytes % ctx->bc_key->crypto_cfg.data_unit_size)
		return -EIO;
	if (fake->keyslots) {
		slot = &keys.slots[blk_crypto_keyslot_index(rq->crypt_keyslot)];
		if (WARN_ON_ONCE(!slot->used))
			return -EIO;
		return crypt_units(slot->tfm, ctx, rq_data_dir(rq) == WRITE, data, bytes);
	}
	slot = &keys.slots[0];
	r = crypto_sync_skcipher_setkey(slot->tfm, ctx->bc_key->bytes, ctx->bc_key->size);
	if (r)
		return r;
	r = crypt_units(slot->tfm, ctx, rq_data_dir(rq) == WRITE, data, bytes);
	return forget_key(slot) ?: r;
}

static void free_slots(void)
{
	while (keys.nr_slots)
		crypto_free_sync_skcipher(keys.slots[--keys.nr_slots].tfm);
	kfree(keys.slots);
}

static int alloc_slots(unsigned int nr)
{
	struct crypto_sync_skcipher *tfm;
	int r;

	keys.slots = kcalloc(nr, sizeof(*keys.slots), GFP_KERNEL);
	if (!keys.slots)
		return -ENOMEM;
	while (keys.nr_slots < nr) {
		tfm = crypto_alloc_sync_skcipher("xts(aes)", 0, 0);
		if (IS_ERR(tfm)) {
			r = PTR_ERR(tfm);
			goto err;
		}
		keys.slots[keys.nr_slots++].tfm = tfm;
		r = forget_key(&keys.slots[keys.nr_slots - 1]);
		if (r)
			goto err;
	}
	return 0;
err:
	free_slots();
	return r;
}

/* The profile for the disk, or NULL if it has none. */
struct blk_crypto_profile *fake_keys_profile(void)
{
	return keys.profile;
}

int fake_keys_init(void)
{
	int r;

	if (fake->keyslots < 0)
		return 0;
	r = alloc_slots(max(fake->keyslots, 1));
	if (r)
		return r;
	keys.profile = kzalloc_obj(*keys.profile);
	if (!keys.profile) {
		r = -ENOMEM;
		goto err_slots;
	}
	r = blk_crypto_profile_init(keys.profile, fake->keyslots);
	if (r)
		goto err_profile;
	keys.profile->ll_ops = ll_ops;
	keys.profile->max_dun_bytes_supported = fake->dun_bytes;
	keys.profile->key_types_supported = BLK_CRYPTO_KEY_TYPE_RAW;
	keys.profile->modes_supported[BLK_ENCRYPTION_MODE_AES_256_XTS] = 512 | 1024 | 2048 | 4096;
	return 0;

err_profile:
	kfree(keys.profile);
err_slots:
	free_slots();
	return r;
}

void fake_keys_exit(void)
{
	if (!keys.profile)
		return;
	blk_crypto_profile_destroy(keys.profile);
	kfree(keys.profile);
	free_slots();
}
