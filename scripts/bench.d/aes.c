// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xts(aes) for User Mode Linux by the AES instructions of the host, under the names that the
 * drivers have on x86. The ciphers themselves are the kernel tree's own assembly; this
 * registers those that the CPU can run.
 */
#define pr_fmt(fmt)	KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/scatterlist.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <crypto/aes.h>
#include <crypto/internal/skcipher.h>
#include <crypto/xts.h>

#define KEY_ALIGN	16	/* the assembly loads round keys with aligned moves */

/* aesni-intel_asm.S */
asmlinkage void aesni_set_key(struct crypto_aes_ctx *key, const u8 *raw, unsigned int len);
asmlinkage void aesni_enc(const struct crypto_aes_ctx *key, u8 *dst, const u8 *src);
asmlinkage void aesni_xts_enc(const struct crypto_aes_ctx *key, u8 *dst, const u8 *src, unsigned int len, u8 *tweak);
asmlinkage void aesni_xts_dec(const struct crypto_aes_ctx *key, u8 *dst, const u8 *src, unsigned int len, u8 *tweak);

/* aes-xts-avx-x86_64.S */
asmlinkage void aes_xts_encrypt_iv(const struct crypto_aes_ctx *key, u8 *tweak);
asmlinkage void aes_xts_encrypt_aesni_avx(const struct crypto_aes_ctx *key, const u8 *src, u8 *dst, int len, u8 *tweak);
asmlinkage void aes_xts_decrypt_aesni_avx(const struct crypto_aes_ctx *key, const u8 *src, u8 *dst, int len, u8 *tweak);
asmlinkage void aes_xts_encrypt_vaes_avx2(const struct crypto_aes_ctx *key, const u8 *src, u8 *dst, int len, u8 *tweak);
asmlinkage void aes_xts_decrypt_vaes_avx2(const struct crypto_aes_ctx *key, const u8 *src, u8 *dst, int len, u8 *tweak);
asmlinkage void aes_xts_encrypt_vaes_avx512(const struct crypto_aes_ctx *key, const u8 *src, u8 *dst, int len,
					    u8 *tweak);
asmlinkage void aes_xts_decrypt_vaes_avx512(const struct crypto_aes_ctx *key, const u8 *src, u8 *dst, int len,
					    u8 *tweak);

struct keys {
	struct crypto_aes_ctx tweak;
	/* crypto_aes_ctx is no multiple of KEY_ALIGN. */
	struct crypto_aes_ctx data __aligned(KEY_ALIGN);
};

typedef void crypt_fn(const struct crypto_aes_ctx *key, const u8 *src, u8 *dst, int len, u8 *tweak);

/**
 * struct driver - one implementation
 * @alg: what the crypto API sees
 * @encrypt_tweak: turns an IV into the first tweak
 * @encrypt: any length from one block on; leaves the next tweak
 * @decrypt: its inverse
 * @needs: CPU features, ended by 0
 */
struct driver {
	struct skcipher_alg alg;
	void (*encrypt_tweak)(const struct crypto_aes_ctx *key, u8 *tweak);
	crypt_fn *encrypt;
	crypt_fn *decrypt;
	unsigned int needs[5];
};

static struct driver *driver_of(struct crypto_skcipher *tfm)
{
	return container_of(crypto_skcipher_alg(tfm), struct driver, alg);
}

static struct keys *keys_of(struct crypto_skcipher *tfm)
{
	return PTR_ALIGN(crypto_skcipher_ctx(tfm), KEY_ALIGN);
}

static int set_key(struct crypto_skcipher *tfm, const u8 *raw, unsigned int len)
{
	struct keys *keys = keys_of(tfm);
	int r;

	r = xts_verify_key(tfm, raw, len);
	if (r)
		return r;
	len /= 2;
	r = aes_check_keylen(len);
	if (r)
		return r;
	kernel_fpu_begin();
	aesni_set_key(&keys->data, raw, len);
	aesni_set_key(&keys->tweak, raw + len, len);
	kernel_fpu_end();
	return 0;
}

/*
 * Data in pieces. The last full block and a partial one after it must reach the assembly
 * together, for ciphertext stealing; with a walksize of two blocks the walk has room for
 * that.
 */
static noinline int crypt_pieces(struct skcipher_request *req, const struct keys *keys, crypt_fn *crypt)
{
	struct skcipher_walk walk;
	unsigned int n;
	int r;

	r = skcipher_walk_virt(&walk, req, false);
	while (!r && walk.nbytes) {
		n = walk.nbytes;
		if (n < walk.total) {
			n = round_down(n, AES_BLOCK_SIZE);
			if (walk.total - n < AES_BLOCK_SIZE)
				n -= AES_BLOCK_SIZE;
		}
		kernel_fpu_begin();
		crypt(&keys->data, walk.src.virt.addr, walk.dst.virt.addr, n, req->iv);
		kernel_fpu_end();
		r = skcipher_walk_done(&walk, walk.nbytes - n);
	}
	return r;
}

static __always_inline int xts_crypt(struct skcipher_request *req, const struct driver *drv, const struct keys *keys,
				     crypt_fn *crypt)
{
	if (req->cryptlen < AES_BLOCK_SIZE)
		return -EINVAL;
	kernel_fpu_begin();
	drv->encrypt_tweak(&keys->tweak, req->iv);
	if (likely(req->src->length >= req->cryptlen && req->dst->length >= req->cryptlen)) {
		crypt(&keys->data, sg_virt(req->src), sg_virt(req->dst), req->cryptlen, req->iv);
		kernel_fpu_end();
		return 0;
	}
	kernel_fpu_end();
	return crypt_pieces(req, keys, crypt);
}

static int xts_encrypt(struct skcipher_request *req)
{
	struct crypto_skcipher *tfm = crypto_skcipher_reqtfm(req);
	const struct driver *drv = driver_of(tfm);

	return xts_crypt(req, drv, keys_of(tfm), drv->encrypt);
}

static int xts_decrypt(struct skcipher_request *req)
{
	struct crypto_skcipher *tfm = crypto_skcipher_reqtfm(req);
	const struct driver *drv = driver_of(tfm);

	return xts_crypt(req, drv, keys_of(tfm), drv->decrypt);
}

static void aesni_encrypt_tweak(const struct crypto_aes_ctx *key, u8 *tweak)
{
	aesni_enc(key, tweak, tweak);
}

static void aesni_encrypt(const struct crypto_aes_ctx *key, const u8 *src, u8 *dst, int len, u8 *tweak)
{
	aesni_xts_enc(key, dst, src, len, tweak);
}

static void aesni_decrypt(const struct crypto_aes_ctx *key, const u8 *src, u8 *dst, int len, u8 *tweak)
{
	aesni_xts_dec(key, dst, src, len, tweak);
}

#define ALG(driver_name, priority) {						\
	.base.cra_name		= "xts(aes)",					\
	.base.cra_driver_name	= driver_name,					\
	.base.cra_priority	= priority,					\
	.base.cra_blocksize	= AES_BLOCK_SIZE,				\
	.base.cra_ctxsize	= sizeof(struct keys) + KEY_ALIGN - 1,		\
	.base.cra_module	= THIS_MODULE,					\
	.min_keysize		= 2 * AES_MIN_KEY_SIZE,				\
	.max_keysize		= 2 * AES_MAX_KEY_SIZE,				\
	.ivsize			= AES_BLOCK_SIZE,				\
	.walksize		= 2 * AES_BLOCK_SIZE,				\
	.setkey			= set_key,					\
	.encrypt		= xts_encrypt,					\
	.decrypt		= xts_decrypt,					\
}

/* The faster, the higher the priority: xts(aes) is the last that this CPU has. */
static struct driver drivers[] = {
	{
		.alg = ALG("xts-aes-aesni", 401),
		.encrypt_tweak = aesni_encrypt_tweak,
		.encrypt = aesni_encrypt,
		.decrypt = aesni_decrypt,
		.needs = { X86_FEATURE_AES },
	}, {
		.alg = ALG("xts-aes-aesni-avx", 500),
		.encrypt_tweak = aes_xts_encrypt_iv,
		.encrypt = aes_xts_encrypt_aesni_avx,
		.decrypt = aes_xts_decrypt_aesni_avx,
		.needs = { X86_FEATURE_AES, X86_FEATURE_AVX },
	}, {
		.alg = ALG("xts-aes-vaes-avx2", 600),
		.encrypt_tweak = aes_xts_encrypt_iv,
		.encrypt = aes_xts_encrypt_vaes_avx2,
		.decrypt = aes_xts_decrypt_vaes_avx2,
		.needs = { X86_FEATURE_VAES, X86_FEATURE_VPCLMULQDQ, X86_FEATURE_AVX2 },
	}, {
		.alg = ALG("xts-aes-vaes-avx512", 800),
		.encrypt_tweak = aes_xts_encrypt_iv,
		.encrypt = aes_xts_encrypt_vaes_avx512,
		.decrypt = aes_xts_decrypt_vaes_avx512,
		.needs = { X86_FEATURE_VAES, X86_FEATURE_VPCLMULQDQ, X86_FEATURE_AVX512BW, X86_FEATURE_AVX512VL },
	},
};

static unsigned int nr_registered;

static bool cpu_can_run(const struct driver *drv)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(drv->needs) && drv->needs[i]; i++)
		if (!boot_cpu_has(drv->needs[i]))
			return false;
	return true;
}

static void unregister_drivers(void)
{
	while (nr_registered--)
		crypto_unregister_skcipher(&drivers[nr_registered].alg);
}

static int __init aes_init(void)
{
	unsigned int i;
	int r;

	for (i = 0; i < ARRAY_SIZE(drivers) && cpu_can_run(&drivers[i]); i++) {
		r = crypto_register_skcipher(&drivers[i].alg);
		if (r) {
			unregister_drivers();
			return r;
		}
		nr_registered++;
	}
	if (!nr_registered) {
		pr_err("this CPU has no AES instructions\n");
		return -ENODEV;
	}
	return 0;
}

static void __exit aes_exit(void)
{
	unregister_drivers();
}

module_init(aes_init);
module_exit(aes_exit);

MODULE_DESCRIPTION("xts(aes) by the host's AES instructions, for User Mode Linux");
MODULE_LICENSE("GPL");
