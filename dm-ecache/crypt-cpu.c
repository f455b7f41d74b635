// SPDX-License-Identifier: GPL-2.0
/*
 * The cpu engine: a synchronous skcipher, in the calling context, with a request on the stack.
 */
#include <linux/highmem.h>
#include <linux/rcupdate.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "dm-ecache.h"

/*
 * Pieces of one crypto sector: eight of 512 bytes is what a submitter with aligned buffers
 * can cause.
 */
#define ECACHE_MAX_PIECES	8

static struct crypto_sync_skcipher *alloc_inner(const char *name, u32 registered)
{
	if (!name)
		return ERR_PTR(-ENOENT);
	return crypto_alloc_sync_skcipher(name, CRYPTO_ALG_INTERNAL | (registered & CRYPTO_ALG_TESTED),
					  CRYPTO_ALG_INTERNAL | CRYPTO_ALG_ALLOCATES_MEMORY | registered);
}

/**
 * ecache_cpu_alloc - an unkeyed transform by the best synchronous driver
 * @cipher: of what
 *
 * On 6.1 and 6.12 the x86 drivers stand behind crypto/simd.c, which marks them
 * asynchronous: asking for a synchronous xts(aes) would get the C code without a word.
 * Their inner __xts(aes) is synchronous, and it is right for us because
 * ecache_cpu_usable_here() is asked before every use. Newer kernels and arm64 have no inner
 * one, or no need of it.
 *
 * A name that is not registered makes the crypto API run modprobe, each time: a key set
 * would wait for the root file system, and on 7.3 for three programs. So the inner driver
 * is first only looked up, and asked for by name only when there is nothing better than C.
 *
 * Drivers that allocate per request are refused: a write must not need memory to free
 * memory.
 *
 * Return: the transform or an ERR_PTR().
 */
struct crypto_sync_skcipher *ecache_cpu_alloc(const struct ecache_cipher *cipher)
{
	struct crypto_sync_skcipher *tfm, *inner;

	tfm = alloc_inner(cipher->inner, CRYPTO_ALG_TESTED | CRYPTO_NOLOAD);
	if (!IS_ERR(tfm) || PTR_ERR(tfm) == -ENOMEM)
		return tfm;
	tfm = crypto_alloc_sync_skcipher(cipher->alg, 0, CRYPTO_ALG_ALLOCATES_MEMORY);
	if (IS_ERR(tfm) || !ecache_cpu_driver_is_slow(cipher, tfm))
		return tfm;
	inner = alloc_inner(cipher->inner, 0);
	if (IS_ERR(inner) && PTR_ERR(inner) != -ENOMEM)
		return tfm;
	crypto_free_sync_skcipher(tfm);
	return inner;
}

const char *ecache_cpu_driver(struct crypto_sync_skcipher *tfm)
{
	return crypto_tfm_alg_driver_name(crypto_skcipher_tfm(&tfm->base));
}

/*
 * Known C implementations; the priority tells less, 7.3 gives 1 to a fast driver that it
 * would rather not use. The library's Adiantum is made of parts that are fast on their own.
 */
bool ecache_cpu_driver_is_slow(const struct ecache_cipher *cipher, struct crypto_sync_skcipher *tfm)
{
	const char *name = ecache_cpu_driver(tfm);

	return strstr(name, "generic") || strstr(name, "fixed-time") || (cipher->inner && strstr(name, "-lib"));
}

static void set_sg(struct scatterlist *sg, const struct bio_vec *bv, unsigned int len, unsigned int skip)
{
	unsigned int offset = bv->bv_offset + skip;

	/*
	 * A bvec may span pages of a folio; some fast paths look at the first page of an
	 * entry only.
	 */
	sg_set_page(sg, bv->bv_page + (offset >> PAGE_SHIFT), len, offset_in_page(offset));
}

/* sg_init_table() of one, without the call. */
static void only_sg(struct scatterlist *sg)
{
	*sg = (struct scatterlist){};
	sg_mark_end(sg);
}

/* What one call of crypt_piece() has for all its units. */
struct crypt_run {
	const struct ecache_target *et;
	const struct ecache_key *key;
	struct skcipher_request *req;
	struct ecache_cursor *cur;
};

/*
 * From here to ecache_transform() all is inlined, but for what is rare: the calls would be a
 * tenth of what the target executes for 4 KiB (scripts/bench-instructions).
 */
static __always_inline int crypt_unit(const struct crypt_run *run, struct scatterlist *src, struct scatterlist *dst)
{
	const struct ecache_target *et = run->et;
	struct ecache_cursor *cur = run->cur;
	__le64 iv[ECACHE_MAX_IV_SIZE / 8] = { cpu_to_le64(cur->sector >> et->iv_shift) };

	if (unlikely(run->key->essiv))
		ecache_essiv_iv(run->key->essiv, iv);
	cur->sector += et->sector_mask + 1;
	skcipher_request_set_crypt(run->req, src, dst, et->sector_size, iv);
	return cur->encrypt ? crypto_skcipher_encrypt(run->req) : crypto_skcipher_decrypt(run->req);
}

/*
 * @bytes that lie in one bvec of the source and one of the destination; a multiple of the
 * sector size.
 */
static __always_inline int crypt_units(const struct crypt_run *run, const struct bio_vec *src_bv,
				       const struct bio_vec *dst_bv, unsigned int bytes)
{
	const unsigned int unit = run->et->sector_size;
	struct scatterlist src, dst;
	unsigned int done;
	int r = 0;

	only_sg(&src);
	if (dst_bv)
		only_sg(&dst);
	for (done = 0; done < bytes && !r; done += unit) {
		set_sg(&src, src_bv, unit, done);
		if (dst_bv)
			set_sg(&dst, dst_bv, unit, done);
		r = crypt_unit(run, &src, dst_bv ? &dst : &src);
	}
	return r;
}

/*
 * One crypto sector in pieces, as a submitter with odd buffers makes them. AES works on 16
 * bytes and the walk wants each piece to be a multiple of that; more pieces than
 * ECACHE_MAX_PIECES have never a reason.
 */
static noinline int crypt_split_unit(const struct crypt_run *run, const struct bio_vec *dst_bv)
{
	struct scatterlist src[ECACHE_MAX_PIECES], dst;
	struct bvec_iter it = run->cur->src_iter;
	unsigned int left = run->et->sector_size, nr = 0, len;
	struct bio_vec bv;

	sg_init_table(src, ECACHE_MAX_PIECES);
	sg_init_table(&dst, 1);
	while (left) {
		if (nr == ECACHE_MAX_PIECES)
			return -EIO;
		bv = mp_bvec_iter_bvec(run->cur->src, it);
		len = min(bv.bv_len, left);
		if (len & 15)
			return -EIO;
		set_sg(&src[nr++], &bv, len, 0);
		bvec_iter_advance(run->cur->src, &it, len);
		left -= len;
	}
	sg_mark_end(&src[nr - 1]);
	if (dst_bv)
		set_sg(&dst, dst_bv, run->et->sector_size, 0);
	return crypt_unit(run, src, dst_bv ? &dst : src);
}

/*
 * A cipher that reads its source twice must not read what a user can write meanwhile: he would
 * get a ciphertext that decrypts to neither version. The private copy is encrypted in place.
 */
static noinline int crypt_copied(const struct crypt_run *run, const struct bio_vec *dst_bv, unsigned int bytes)
{
	struct bvec_iter it = run->cur->src_iter;
	unsigned int done = 0, len;
	struct bio_vec bv;
	u8 *to;

	to = kmap_local_page(dst_bv->bv_page) + dst_bv->bv_offset;
	while (done < bytes) {
		bv = bvec_iter_bvec(run->cur->src, it);
		len = min(bv.bv_len, bytes - done);
		memcpy_from_page(to + done, bv.bv_page, bv.bv_offset, len);
		bvec_iter_advance(run->cur->src, &it, len);
		done += len;
	}
	kunmap_local(to);
	return crypt_units(run, dst_bv, NULL, bytes);
}

static __always_inline int crypt_step(const struct crypt_run *run, unsigned int bytes, unsigned int *done)
{
	struct ecache_cursor *cur = run->cur;
	struct bio_vec src, dst, *dst_bv = NULL;

	src = mp_bvec_iter_bvec(cur->src, cur->src_iter);
	*done = min(bytes, round_down(src.bv_len, run->et->sector_size));
	if (cur->dst) {
		dst = mp_bvec_iter_bvec(cur->dst, cur->dst_iter);
		dst_bv = &dst;
		if (unlikely(run->et->cipher->reads_twice)) {
			*done = run->et->sector_size;
			return crypt_copied(run, dst_bv, *done);
		}
		*done = min(*done, dst.bv_len);
	}
	if (likely(*done))
		return crypt_units(run, &src, dst_bv, *done);
	*done = run->et->sector_size;
	return crypt_split_unit(run, dst_bv);
}

/*
 * The next @bytes of a bio, a multiple of the sector size, with a key that the caller keeps
 * alive; @cur is undefined on failure. The destination, if any, is bounce pages: a sector
 * never straddles two of its bvecs.
 */
static __always_inline int crypt_piece(const struct ecache_target *et, const struct ecache_key *key,
				       struct ecache_cursor *cur, unsigned int bytes)
{
	/*
	 * SYNC_SKCIPHER_REQUEST_ON_STACK(), but for the kernel's zeroing of what is on the stack
	 * (INIT_STACK_ALL_ZERO): of these 464 bytes a driver reads what it or we have set, and for
	 * 4 KiB it would cost a thirtieth of what the cipher does.
	 */
	u8 request[sizeof(struct skcipher_request) + MAX_SYNC_SKCIPHER_REQSIZE] CRYPTO_MINALIGN_ATTR __uninitialized;
	struct skcipher_request *req = (struct skcipher_request *)request;
	const struct crypt_run run = { .et = et, .key = key, .req = req, .cur = cur };
	unsigned int done;
	int r = 0;

	skcipher_request_set_sync_tfm(req, key->tfm);
	/* Never MAY_SLEEP: we are in a completion, or in a write that reclaim waits for. */
	skcipher_request_set_callback(req, 0, NULL, NULL);

	while (bytes && !r) {
		r = crypt_step(&run, bytes, &done);
		bvec_iter_advance(cur->src, &cur->src_iter, done);
		if (cur->dst)
			bvec_iter_advance(cur->dst, &cur->dst_iter, done);
		bytes -= done;
	}
	/*
	 * The request on the stack is not wiped: it holds a tweak and a walk's positions,
	 * no part of the key.
	 */
	return r;
}

/**
 * ecache_transform - encrypt or decrypt the data of a bio under the key it began with
 * @et: the target
 * @cur: where
 * @bytes: how much, a multiple of the sector size
 * @epoch: of the key with which the bio began
 * @may_resched: the caller may sleep between two holds of the key
 *
 * The key is held while bytes are transformed, in pieces, and looked up anew for each: a
 * wipe waits for one piece at most, and a bio that was under way when the key went, or
 * finds another one, fails as a whole.
 *
 * Return: BLK_STS_OK or BLK_STS_IOERR.
 */
blk_status_t ecache_transform(struct ecache_target *et, struct ecache_cursor *cur, unsigned int bytes, u64 epoch,
			      bool may_resched)
{
	struct ecache_volume *vol = et->vol;
	struct ecache_key *key;
	unsigned int piece;
	int r;

	while (bytes) {
		piece = min_t(unsigned int, bytes, ECACHE_KEY_HOLD_BYTES);
		rcu_read_lock();
		key = rcu_dereference(vol->key);
		if (unlikely(!key || key->epoch != epoch || ecache_lease_over(vol))) {
			rcu_read_unlock();
			return BLK_STS_IOERR;
		}
		r = crypt_piece(et, key, cur, piece);
		if (unlikely(rcu_access_pointer(vol->key) != key))
			r = -EKEYREVOKED;
		rcu_read_unlock();
		if (unlikely(r))
			return BLK_STS_IOERR;
		bytes -= piece;
		if (bytes && may_resched)
			cond_resched();
	}
	return BLK_STS_OK;
}
