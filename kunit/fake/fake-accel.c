// SPDX-License-Identifier: GPL-2.0
/*
 * A fake accelerator: xts(aes) and cbc(aes) by an asynchronous driver, as the crypto API sees it.
 */
#include <linux/module.h>
#include <crypto/aes.h>

#include "fake-accel.h"

static int fake_encrypt(struct skcipher_request *req)
{
	return fake_device_submit(req, true);
}

static int fake_decrypt(struct skcipher_request *req)
{
	return fake_device_submit(req, false);
}

static int fake_setkey(struct crypto_skcipher *tfm, const u8 *key, unsigned int size)
{
	struct fake_tfm *ctx = crypto_skcipher_ctx(tfm);

	fake_device_count_setkey();
	crypto_sync_skcipher_clear_flags(ctx->inner, CRYPTO_TFM_REQ_MASK);
	crypto_sync_skcipher_set_flags(ctx->inner, crypto_skcipher_get_flags(tfm) & CRYPTO_TFM_REQ_MASK);
	return crypto_sync_skcipher_setkey(ctx->inner, key, size);
}

static int fake_init(struct crypto_skcipher *tfm)
{
	struct fake_tfm *ctx = crypto_skcipher_ctx(tfm);

	/* Synchronous, so never ourselves. */
	ctx->inner = crypto_alloc_sync_skcipher(crypto_tfm_alg_name(crypto_skcipher_tfm(tfm)), 0, 0);
	if (IS_ERR(ctx->inner))
		return PTR_ERR(ctx->inner);
	crypto_skcipher_set_reqsize(tfm, fake_device_reqsize());
	fake_device_count_tfm();
	return 0;
}

static void fake_exit(struct crypto_skcipher *tfm)
{
	struct fake_tfm *ctx = crypto_skcipher_ctx(tfm);

	fake_device_forget(tfm);
	crypto_free_sync_skcipher(ctx->inner);
}

/* Priority 1: who does not ask for the driver by name never gets it. */
static struct skcipher_alg algs[] = {
	{
		.base.cra_name		= "xts(aes)",
		.base.cra_driver_name	= "xts-aes-ecache-fake",
		.base.cra_priority	= 1,
		.base.cra_flags		= CRYPTO_ALG_ASYNC,
		.base.cra_blocksize	= AES_BLOCK_SIZE,
		.base.cra_ctxsize	= sizeof(struct fake_tfm),
		.base.cra_module	= THIS_MODULE,
		.min_keysize		= 2 * AES_MIN_KEY_SIZE,
		.max_keysize		= 2 * AES_MAX_KEY_SIZE,
		.ivsize			= AES_BLOCK_SIZE,
		.setkey			= fake_setkey,
		.encrypt		= fake_encrypt,
		.decrypt		= fake_decrypt,
		.init			= fake_init,
		.exit			= fake_exit,
	}, {
		.base.cra_name		= "cbc(aes)",
		.base.cra_driver_name	= "cbc-aes-ecache-fake",
		.base.cra_priority	= 1,
		.base.cra_flags		= CRYPTO_ALG_ASYNC,
		.base.cra_blocksize	= AES_BLOCK_SIZE,
		.base.cra_ctxsize	= sizeof(struct fake_tfm),
		.base.cra_module	= THIS_MODULE,
		.min_keysize		= AES_MIN_KEY_SIZE,
		.max_keysize		= AES_MAX_KEY_SIZE,
		.ivsize			= AES_BLOCK_SIZE,
		.setkey			= fake_setkey,
		.encrypt		= fake_encrypt,
		.decrypt		= fake_decrypt,
		.init			= fake_init,
		.exit			= fake_exit,
	},
};

static struct crypto_sync_skcipher *held[ARRAY_SIZE(algs)];

/*
 * While they are held there is a better driver for either name, and nobody gets us because there was
 * no other.
 */
static int hold_better(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(algs); i++) {
		held[i] = crypto_alloc_sync_skcipher(algs[i].base.cra_name, 0, 0);
		if (IS_ERR(held[i]))
			goto out;
	}
	return 0;
out:
	while (i--)
		crypto_free_sync_skcipher(held[i]);
	return -ENOENT;
}

static void put_better(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(held); i++)
		crypto_free_sync_skcipher(held[i]);
}

static int __init fake_accel_init(void)
{
	int r;

	r = hold_better();
	if (r)
		return r;
	r = fake_device_init();
	if (r)
		goto err_held;
	r = crypto_register_skciphers(algs, ARRAY_SIZE(algs));
	if (r)
		goto err_device;
	return 0;

err_device:
	fake_device_exit();
err_held:
	put_better();
	return r;
}

static void __exit fake_accel_exit(void)
{
	crypto_unregister_skciphers(algs, ARRAY_SIZE(algs));
	fake_device_exit();
	put_better();
}

module_init(fake_accel_init);
module_exit(fake_accel_exit);
MODULE_DESCRIPTION("Fake asynchronous accelerator for tests of dm-ecache");
MODULE_LICENSE("GPL");
