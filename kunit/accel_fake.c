// SPDX-License-Identifier: GPL-2.0
/*
 * An asynchronous xts(aes) that lives in the tests: what it answers, and when, they say.
 */
#include <linux/slab.h>

#include "accel_fake.h"

struct fake_accel fake_accel;

struct fake_tfm {
	struct crypto_sync_skcipher *inner;
};

struct fake_request {
	struct skcipher_request *req;
	struct list_head node;
	struct work_struct work;
	bool encrypt;
	bool backlogged;
	int error;
};

static DEFINE_SPINLOCK(fake_lock);	/* hung and fake_accel */
static LIST_HEAD(hung);

static struct crypto_sync_skcipher *inner_tfm(struct skcipher_request *req)
{
	struct fake_tfm *ctx = crypto_skcipher_ctx(crypto_skcipher_reqtfm(req));

	return ctx->inner;
}

static int transform(struct crypto_sync_skcipher *tfm, struct skcipher_request *req, bool encrypt)
{
	SYNC_SKCIPHER_REQUEST_ON_STACK(inner, tfm);

	skcipher_request_set_sync_tfm(inner, tfm);
	skcipher_request_set_callback(inner, 0, NULL, NULL);
	skcipher_request_set_crypt(inner, req->src, req->dst, req->cryptlen, req->iv);
	return encrypt ? crypto_skcipher_encrypt(inner) : crypto_skcipher_decrypt(inner);
}

static void complete_request(struct fake_request *rq)
{
	struct skcipher_request *req = rq->req;
	int r;

	if (rq->backlogged)
		skcipher_request_complete(req, -EINPROGRESS);
	r = rq->error ?: transform(inner_tfm(req), req, rq->encrypt);
	local_bh_disable();
	skcipher_request_complete(req, r);
	local_bh_enable();
}

static void request_work(struct work_struct *work)
{
	complete_request(container_of(work, struct fake_request, work));
}

static int submit(struct skcipher_request *req, bool encrypt)
{
	struct fake_request *rq = skcipher_request_ctx(req);
	unsigned long flags;
	bool hang;
	int r = -EINPROGRESS;

	spin_lock_irqsave(&fake_lock, flags);
	fake_accel.requests++;
	*rq = (struct fake_request){ .req = req, .encrypt = encrypt };
	INIT_WORK(&rq->work, request_work);
	rq->error = fake_accel.error;
	rq->backlogged = fake_accel.backlog;
	hang = fake_accel.hang;
	if (hang)
		list_add_tail(&rq->node, &hung);
	if (fake_accel.answer_at_once)
		r = fake_accel.error ?: 0;
	else if (rq->backlogged)
		r = -EBUSY;
	spin_unlock_irqrestore(&fake_lock, flags);
	if (fake_accel.answer_at_once)
		return r ?: transform(inner_tfm(req), req, encrypt);
	if (!hang)
		schedule_work(&rq->work);
	return r;
}

static int fake_encrypt(struct skcipher_request *req)
{
	return submit(req, true);
}

static int fake_decrypt(struct skcipher_request *req)
{
	return submit(req, false);
}

/* What hung answers now, late. Returns how many. */
unsigned int fake_accel_release(void)
{
	struct fake_request *rq, *next;
	unsigned int nr = 0;
	LIST_HEAD(list);

	spin_lock_irq(&fake_lock);
	fake_accel.hang = false;
	list_splice_init(&hung, &list);
	spin_unlock_irq(&fake_lock);
	list_for_each_entry_safe(rq, next, &list, node) {
		complete_request(rq);
		nr++;
	}
	return nr;
}

static int fake_setkey(struct crypto_skcipher *tfm, const u8 *key, unsigned int size)
{
	struct fake_tfm *ctx = crypto_skcipher_ctx(tfm);

	if (fake_accel.refuse_keys)
		return -EIO;
	return crypto_sync_skcipher_setkey(ctx->inner, key, size);
}

static int fake_init(struct crypto_skcipher *tfm)
{
	struct fake_tfm *ctx = crypto_skcipher_ctx(tfm);

	/* Synchronous, so never ourselves. */
	ctx->inner = crypto_alloc_sync_skcipher(crypto_tfm_alg_name(crypto_skcipher_tfm(tfm)), 0, 0);
	if (IS_ERR(ctx->inner))
		return PTR_ERR(ctx->inner);
	crypto_skcipher_set_reqsize(tfm, sizeof(struct fake_request));
	return 0;
}

static void fake_exit(struct crypto_skcipher *tfm)
{
	struct fake_tfm *ctx = crypto_skcipher_ctx(tfm);

	crypto_free_sync_skcipher(ctx->inner);
}

/* Priority 1: who does not ask for the driver by name never gets it. */
static struct skcipher_alg algs[] = {
	{
		.base.cra_name		= "xts(aes)",
		.base.cra_driver_name	= "xts-aes-ecache-kunit",
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
		.base.cra_driver_name	= "cbc-aes-ecache-kunit",
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

/* While they are held there is a better driver of the name, and nobody gets ours for want of one. */
static struct crypto_sync_skcipher *held[ARRAY_SIZE(algs)];

int fake_accel_register(void)
{
	unsigned int i;
	int r = 0;

	memset(&fake_accel, 0, sizeof(fake_accel));
	for (i = 0; i < ARRAY_SIZE(algs); i++) {
		held[i] = crypto_alloc_sync_skcipher(algs[i].base.cra_name, 0, 0);
		if (IS_ERR(held[i])) {
			r = PTR_ERR(held[i]);
			goto err;
		}
	}
	r = crypto_register_skciphers(algs, ARRAY_SIZE(algs));
	if (!r)
		return 0;
err:
	while (i--)
		crypto_free_sync_skcipher(held[i]);
	return r;
}

void fake_accel_unregister(void)
{
	unsigned int i;

	crypto_unregister_skciphers(algs, ARRAY_SIZE(algs));
	for (i = 0; i < ARRAY_SIZE(held); i++)
		crypto_free_sync_skcipher(held[i]);
}
