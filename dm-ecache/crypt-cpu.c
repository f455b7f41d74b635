// SPDX-License-Identifier: GPL-2.0
/*
 * The cpu engine: AES-XTS by a synchronous skcipher, in the calling context, with a request
 * on the stack.
 */
#include <linux/scatterlist.h>
#include <linux/string.h>
#include <crypto/internal/simd.h>
#include <asm/simd.h>

#include "dm-ecache.h"

/*
 * Pieces of one crypto sector: eight of 512 bytes is what a submitter with aligned buffers
 * can cause.
 */
#define ECACHE_MAX_PIECES	8

static struct crypto_sync_skcipher *alloc_inner(u32 registered)
{
	return crypto_alloc_sync_skcipher("__xts(aes)", CRYPTO_ALG_INTERNAL | (registered & CRYPTO_ALG_TESTED),
					  CRYPTO_ALG_INTERNAL | CRYPTO_ALG_ALLOCATES_MEMORY | registered);
}

/**
 * ecache_cpu_alloc - an unkeyed transform by the best synchronous driver
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
struct crypto_sync_skcipher *ecache_cpu_alloc(void)
{
	struct crypto_sync_skcipher *tfm, *inner;

	tfm = alloc_inner(CRYPTO_ALG_TESTED | CRYPTO_NOLOAD);
	if (!IS_ERR(tfm) || PTR_ERR(tfm) == -ENOMEM)
		return tfm;
	tfm = crypto_alloc_sync_skcipher("xts(aes)", 0, CRYPTO_ALG_ALLOCATES_MEMORY);
	if (IS_ERR(tfm) || !ecache_cpu_driver_is_slow(tfm))
		return tfm;
	inner = alloc_inner(0);
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
 * would rather not use.
 */
bool ecache_cpu_driver_is_slow(struct crypto_sync_skcipher *tfm)
{
	const char *name = ecache_cpu_driver(tfm);

	return strstr(name, "generic") || strstr(name, "fixed-time") || strstr(name, "-lib");
}

/**
 * ecache_cpu_usable_here - whether ecache_cpu_crypt() may run in this very context
 *
 * The vector unit may be in use by the code that was interrupted; skciphers do not run in
 * hard interrupts, and a completion called with interrupts off must not keep them off for a
 * whole bio.
 */
bool ecache_cpu_usable_here(void)
{
	return !in_hardirq() && !irqs_disabled() && crypto_simd_usable();
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

static int crypt_unit(const struct ecache_target *et, struct skcipher_request *req, struct ecache_cursor *cur,
		      struct scatterlist *src, struct scatterlist *dst)
{
	__le64 iv[2] = { cpu_to_le64(cur->sector >> et->iv_shift), 0 };

	cur->sector += et->sector_mask + 1;
	skcipher_request_set_crypt(req, src, dst, et->sector_size, iv);
	return cur->encrypt ? crypto_skcipher_encrypt(req) : crypto_skcipher_decrypt(req);
}

/*
 * @bytes that lie in one bvec of the source and one of the destination; a multiple of the
 * sector size.
 */
static int crypt_run(const struct ecache_target *et, struct skcipher_request *req, struct ecache_cursor *cur,
		     const struct bio_vec *src_bv, const struct bio_vec *dst_bv, unsigned int bytes)
{
	struct scatterlist src, dst;
	unsigned int done;
	int r = 0;

	sg_init_table(&src, 1);
	sg_init_table(&dst, 1);
	for (done = 0; done < bytes && !r; done += et->sector_size) {
		set_sg(&src, src_bv, et->sector_size, done);
		if (dst_bv)
			set_sg(&dst, dst_bv, et->sector_size, done);
		r = crypt_unit(et, req, cur, &src, dst_bv ? &dst : &src);
	}
	return r;
}

/*
 * One crypto sector in pieces, as a submitter with odd buffers makes them. AES works on 16
 * bytes and the walk wants each piece to be a multiple of that; more pieces than
 * ECACHE_MAX_PIECES have never a reason.
 */
static noinline int crypt_split_unit(const struct ecache_target *et, struct skcipher_request *req,
				     struct ecache_cursor *cur, const struct bio_vec *dst_bv)
{
	struct scatterlist src[ECACHE_MAX_PIECES], dst;
	struct bvec_iter it = cur->src_iter;
	unsigned int left = et->sector_size, nr = 0, len;
	struct bio_vec bv;

	sg_init_table(src, ECACHE_MAX_PIECES);
	sg_init_table(&dst, 1);
	while (left) {
		if (nr == ECACHE_MAX_PIECES)
			return -EIO;
		bv = mp_bvec_iter_bvec(cur->src, it);
		len = min(bv.bv_len, left);
		if (len & 15)
			return -EIO;
		set_sg(&src[nr++], &bv, len, 0);
		bvec_iter_advance(cur->src, &it, len);
		left -= len;
	}
	sg_mark_end(&src[nr - 1]);
	if (dst_bv)
		set_sg(&dst, dst_bv, et->sector_size, 0);
	return crypt_unit(et, req, cur, src, dst_bv ? &dst : src);
}

/**
 * ecache_cpu_crypt - transform the next @bytes of a bio
 * @et: the target, for sector size and IV form
 * @tfm: keyed; the caller keeps it alive
 * @cur: advanced on success, undefined on failure
 * @bytes: a multiple of the sector size
 *
 * The destination, if any, is bounce pages: a sector never straddles two of its bvecs.
 *
 * Return: 0 or a negative errno.
 */
int ecache_cpu_crypt(const struct ecache_target *et, struct crypto_sync_skcipher *tfm, struct ecache_cursor *cur,
		     unsigned int bytes)
{
	SYNC_SKCIPHER_REQUEST_ON_STACK(req, tfm);
	struct bio_vec src, dst, *dst_bv = NULL;
	unsigned int run;
	int r = 0;

	skcipher_request_set_sync_tfm(req, tfm);
	/* Never MAY_SLEEP: we are in a completion, or in a write that reclaim waits for. */
	skcipher_request_set_callback(req, 0, NULL, NULL);

	while (bytes && !r) {
		src = mp_bvec_iter_bvec(cur->src, cur->src_iter);
		run = min(bytes, round_down(src.bv_len, et->sector_size));
		if (cur->dst) {
			dst = mp_bvec_iter_bvec(cur->dst, cur->dst_iter);
			dst_bv = &dst;
			run = min(run, dst.bv_len);
		}
		if (likely(run)) {
			r = crypt_run(et, req, cur, &src, dst_bv, run);
		} else {
			run = et->sector_size;
			r = crypt_split_unit(et, req, cur, dst_bv);
		}
		bvec_iter_advance(cur->src, &cur->src_iter, run);
		if (cur->dst)
			bvec_iter_advance(cur->dst, &cur->dst_iter, run);
		bytes -= run;
	}
	/*
	 * The request on the stack is not wiped: it holds a tweak and a walk's positions,
	 * no part of the key.
	 */
	return r;
}
