// SPDX-License-Identifier: GPL-2.0
/*
 * Data in odd shapes, bios over it, and the model of what is on disk.
 */
#include <linux/blkdev.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "rig.h"

unsigned int rig_same(const u8 *a, const u8 *b, unsigned int bytes)
{
	unsigned int i;

	for (i = 0; i < bytes && a[i] == b[i]; i++)
		;
	return i;
}

static void free_buffer(void *p)
{
	vfree(p);
}

u8 *rig_buffer(struct kunit *test, size_t n)
{
	u8 *p = vzalloc(n);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_buffer, p));
	return p;
}

static void free_shape(void *data)
{
	struct rig_shape *s = data;
	unsigned int i;

	for (i = 0; i < RIG_PAGES; i++)
		if (s->pages[i])
			__free_page(s->pages[i]);
}

struct rig_shape *rig_shape_create(struct kunit *test)
{
	struct rig_shape *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_shape, s));
	for (i = 0; i < RIG_PAGES; i++) {
		s->pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		KUNIT_ASSERT_NOT_NULL(test, s->pages[i]);
	}
	return s;
}

/*
 * Pieces of random multiples of @unit, at most a page each; returns the bytes they hold, a
 * multiple of @sector.
 */
unsigned int rig_shape_random(struct rig_shape *s, unsigned int unit, unsigned int sector, unsigned int pieces)
{
	unsigned int bytes = 0, len, offset, i;

	s->nr = 0;
	for (i = 0; i < pieces; i++) {
		len = unit * (1 + get_random_u32_below(PAGE_SIZE / unit));
		offset = unit * get_random_u32_below((PAGE_SIZE - len) / unit + 1);
		bvec_set_page(&s->vec[s->nr++], s->pages[i], len, offset);
		bytes += len;
	}
	return round_down(bytes, sector);
}

void rig_shape_plain(struct rig_shape *s, unsigned int bytes)
{
	s->nr = 0;
	for (; bytes; bytes -= s->vec[s->nr++].bv_len)
		bvec_set_page(&s->vec[s->nr], s->pages[s->nr], min_t(unsigned int, bytes, PAGE_SIZE), 0);
}

void rig_shape_copy(struct rig_shape *s, u8 *buf, unsigned int bytes, bool to_shape)
{
	unsigned int i, len;

	for (i = 0; i < s->nr && bytes; i++) {
		u8 *p = page_address(s->vec[i].bv_page) + s->vec[i].bv_offset;

		len = min(bytes, s->vec[i].bv_len);
		if (to_shape)
			memcpy(p, buf, len);
		else
			memcpy(buf, p, len);
		buf += len;
		bytes -= len;
	}
}

static void io_done(struct bio *bio)
{
	struct rig_io *io = container_of(bio, struct rig_io, bio);

	io->status = bio->bi_status;
	complete(&io->done);
}

struct rig_io *rig_io_start(struct kunit *test, struct rig_dm *dm, blk_opf_t opf, struct rig_shape *s,
			    u64 sector, unsigned int bytes)
{
	struct rig_io *io = kzalloc_obj(*io);

	KUNIT_ASSERT_NOT_NULL(test, io);
	bio_init(&io->bio, dm->bdev, s ? s->vec : NULL, s ? s->nr : 0, opf);
	io->bio.bi_vcnt = s ? s->nr : 0;
	io->bio.bi_iter.bi_sector = sector;
	io->bio.bi_iter.bi_size = bytes;
	io->bio.bi_end_io = io_done;
	init_completion(&io->done);
	submit_bio(&io->bio);
	return io;
}

blk_status_t rig_io_wait(struct kunit *test, struct rig_io *io)
{
	blk_status_t status;

	/* The memory of a bio that is still under way when a test fails is lost, not reused. */
	KUNIT_ASSERT_NE(test, 0, wait_for_completion_timeout(&io->done, 60 * HZ));
	status = io->status;
	bio_uninit(&io->bio);
	kfree(io);
	return status;
}

blk_status_t rig_io(struct kunit *test, struct rig_dm *dm, blk_opf_t opf, struct rig_shape *s, u64 sector,
		    unsigned int bytes)
{
	return rig_io_wait(test, rig_io_start(test, dm, opf, s, sector, bytes));
}

static const struct {
	const char *cipher, *alg;
	unsigned int iv_size;
} models[] = {
	{ "aes-xts-plain64", "xts(aes)", 16 },
	{ "aes-cbc-essiv:sha256", "essiv(cbc(aes),sha256)", 16 },
	{ "xchacha12,aes-adiantum-plain64", "adiantum(xchacha12,aes)", 32 },
};

static void free_model(void *data)
{
	struct rig_model *m = data;

	crypto_free_skcipher(m->tfm);
}

struct rig_model *rig_model_create(struct kunit *test, const char *cipher, const u8 *key, unsigned int key_size,
				   unsigned int sector_size)
{
	struct rig_model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	for (i = 0; strcmp(models[i].cipher, cipher); i++)
		KUNIT_ASSERT_LT(test, i + 1, ARRAY_SIZE(models));
	m->tfm = crypto_alloc_skcipher(models[i].alg, 0, 0);
	if (IS_ERR(m->tfm)) {
		m->tfm = NULL;
		kunit_skip(test, "the kernel has no %s", models[i].alg);
	}
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_model, m));
	KUNIT_ASSERT_EQ(test, 0, crypto_skcipher_setkey(m->tfm, key, key_size));
	m->iv_size = models[i].iv_size;
	m->sector_size = sector_size;
	return m;
}

/* @sector: on the mapped device, of 512 bytes. */
void rig_model_crypt(struct kunit *test, const struct rig_model *m, u64 sector, u8 *data, unsigned int bytes,
		     bool encrypt)
{
	struct skcipher_request *req = skcipher_request_alloc(m->tfm, GFP_KERNEL);
	u8 *page = kunit_kzalloc(test, m->sector_size, GFP_KERNEL);
	__le64 *iv = kunit_kzalloc(test, m->iv_size, GFP_KERNEL);
	DECLARE_CRYPTO_WAIT(wait);
	struct scatterlist sg;
	unsigned int done;
	int r = 0;

	KUNIT_ASSERT_TRUE(test, req && page && iv);
	skcipher_request_set_callback(req, CRYPTO_TFM_REQ_MAY_BACKLOG, crypto_req_done, &wait);
	for (done = 0; done < bytes && !r; done += m->sector_size) {
		memcpy(page, data + done, m->sector_size);
		memset(iv, 0, m->iv_size);
		iv[0] = cpu_to_le64((m->iv_offset + sector + done / SECTOR_SIZE) >> m->iv_shift);
		sg_init_one(&sg, page, m->sector_size);
		skcipher_request_set_crypt(req, &sg, &sg, m->sector_size, iv);
		r = crypto_wait_req(encrypt ? crypto_skcipher_encrypt(req) : crypto_skcipher_decrypt(req), &wait);
		memcpy(data + done, page, m->sector_size);
	}
	skcipher_request_free(req);
	kunit_kfree(test, page);
	kunit_kfree(test, iv);
	KUNIT_ASSERT_EQ(test, 0, r);
}
