// SPDX-License-Identifier: GPL-2.0
/*
 * The cpu engine: published vectors, and random data in random bvec shapes against a model
 * of XTS made of single AES blocks.
 */
#include <linux/random.h>
#include <linux/string.h>

#include "ecache_kunit.h"

/*
 * IEEE Std 1619, vector 10: XTS-AES-256, data unit number 0xff, 512 bytes 00 01 .. ff 00 ..
 * ff.
 */
static const char ieee_key[] =
	"2718281828459045235360287471352662497757247093699959574966967627"
	"3141592653589793238462643383279502884197169399375105820974944592";
static const char ieee_text[] =
	"1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b"
	"5d31e276f8fe4a8d66b317f9ac683f44680a86ac35adfc3345befecb4bb188fd"
	"5776926c49a3095eb108fd1098baec70aaa66999a72a82f27d848b21d4a741b0"
	"c5cd4d5fff9dac89aeba122961d03a757123e9870f8acf1000020887891429ca"
	"2a3e7a7d7df7b10355165c8b9a6d0a7de8b062c4500dc4cd120c0f7418dae3d0"
	"b5781c34803fa75421c790dfe1de1834f280d7667b327f6c8cd7557e12ac3a0f"
	"93ec05c52e0493ef31a12d3d9260f79a289d6a379bc70c50841473d1a8cc81ec"
	"583e9645e07b8d9670655ba5bbcfecc6dc3966380ad8fecb17b6ba02469a020a"
	"84e18e8f84252070c13e9f1f289be54fbc481457778f616015e1327a02b140f1"
	"505eb309326d68378f8374595c849d84f4c333ec4423885143cb47bd71c5edae"
	"9be69a2ffeceb1bec9de244fbe15992b11b77c040f12bd8f6a975a44a0f90c29"
	"a9abc3d4d893927284c58754cce294529f8614dcd2aba991925fedc4ae74ffac"
	"6e333b93eb4aff0479da9a410e4450e0dd7ae4c6e2910900575da401fc07059f"
	"645e8b7e9bfdef33943054ff84011493c27b3429eaedb4ed5376441a77ed4385"
	"1ad77f16f541dfd269d50d6a5f14fb0aab1cbb4c1550be97f7ab4066193c4caa"
	"773dad38014bd2092fa755c824bb5e54c4f36ffda9fcea70b9c6e693e148c151";

#define MAX_VECS	64
#define DATA_PAGES	48
#define DATA_SIZE	(DATA_PAGES * PAGE_SIZE)

/*
 * A buffer of separate pages, and bvecs that lay @bytes of data over it with gaps between
 * the pieces.
 */
struct shape {
	struct page *pages[DATA_PAGES];
	struct bio_vec vec[MAX_VECS];
	unsigned int nr;
};

static void free_page_action(void *page)
{
	__free_page(page);
}

static void shape_init(struct kunit *test, struct shape *s)
{
	unsigned int i;

	for (i = 0; i < DATA_PAGES; i++) {
		s->pages[i] = alloc_page(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, s->pages[i]);
		KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_page_action, s->pages[i]));
	}
}

/*
 * Pieces of random multiples of @unit, at most a page each; returns the bytes they hold, a
 * multiple of @sector.
 */
static unsigned int shape_random(struct shape *s, unsigned int unit, unsigned int sector, unsigned int pieces)
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

static void shape_plain(struct shape *s, unsigned int bytes)
{
	s->nr = 0;
	for (; bytes; bytes -= s->vec[s->nr++].bv_len)
		bvec_set_page(&s->vec[s->nr], s->pages[s->nr], min_t(unsigned int, bytes, PAGE_SIZE), 0);
}

static void shape_copy(struct shape *s, u8 *buf, unsigned int bytes, bool to_shape)
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

/* XTS by the book, from single AES blocks. */
static void model_xts(struct kunit *test, const u8 *key, unsigned int key_size, u64 unit_number, u8 *data,
		      unsigned int len, bool encrypt)
{
	struct crypto_sync_skcipher *data_tfm = crypto_alloc_sync_skcipher("ecb(aes)", 0, 0);
	struct crypto_sync_skcipher *tweak_tfm = crypto_alloc_sync_skcipher("ecb(aes)", 0, 0);
	u8 *block = kunit_kzalloc(test, 16, GFP_KERNEL);
	u8 *tweak = kunit_kzalloc(test, 16, GFP_KERNEL);
	struct scatterlist sg;
	unsigned int i, j;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, data_tfm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, tweak_tfm);
	KUNIT_ASSERT_EQ(test, 0, crypto_sync_skcipher_setkey(data_tfm, key, key_size / 2));
	KUNIT_ASSERT_EQ(test, 0, crypto_sync_skcipher_setkey(tweak_tfm, key + key_size / 2, key_size / 2));
	{
		SYNC_SKCIPHER_REQUEST_ON_STACK(data_rq, data_tfm);
		SYNC_SKCIPHER_REQUEST_ON_STACK(tweak_rq, tweak_tfm);

		skcipher_request_set_sync_tfm(data_rq, data_tfm);
		skcipher_request_set_callback(data_rq, 0, NULL, NULL);
		skcipher_request_set_sync_tfm(tweak_rq, tweak_tfm);
		skcipher_request_set_callback(tweak_rq, 0, NULL, NULL);

		*(__le64 *)tweak = cpu_to_le64(unit_number);
		sg_init_one(&sg, tweak, 16);
		skcipher_request_set_crypt(tweak_rq, &sg, &sg, 16, NULL);
		KUNIT_ASSERT_EQ(test, 0, crypto_skcipher_encrypt(tweak_rq));

		sg_init_one(&sg, block, 16);
		skcipher_request_set_crypt(data_rq, &sg, &sg, 16, NULL);
		for (i = 0; i < len; i += 16) {
			u8 carry = 0, next;

			for (j = 0; j < 16; j++)
				block[j] = data[i + j] ^ tweak[j];
			KUNIT_ASSERT_EQ(test, 0, encrypt ? crypto_skcipher_encrypt(data_rq) :
							   crypto_skcipher_decrypt(data_rq));
			for (j = 0; j < 16; j++)
				data[i + j] = block[j] ^ tweak[j];
			for (j = 0; j < 16; j++) {
				next = tweak[j] >> 7;
				tweak[j] = (tweak[j] << 1) | carry;
				carry = next;
			}
			tweak[0] ^= carry ? 0x87 : 0;
		}
	}
	crypto_free_sync_skcipher(data_tfm);
	crypto_free_sync_skcipher(tweak_tfm);
	kunit_kfree(test, block);
	kunit_kfree(test, tweak);
}

static void set_key(struct kunit *test, struct ecache_target *et, u8 *key)
{
	const char *why = "";

	KUNIT_ASSERT_EQ_MSG(test, 1, ecache_volume_set_key(et, key, et->key_size, &why), "%s", why);
}

static void test_ieee_1619_vector(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 512);
	struct shape *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	u8 key[64], text[512], want[512];
	struct ecache_cursor cur;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_ASSERT_EQ(test, 0, hex2bin(key, ieee_key, 64));
	KUNIT_ASSERT_EQ(test, 0, hex2bin(want, ieee_text, 512));
	set_key(test, et, key);
	shape_init(test, s);
	shape_plain(s, 512);
	for (i = 0; i < sizeof(text); i++)
		text[i] = i;
	shape_copy(s, text, sizeof(text), true);

	cur = (struct ecache_cursor){ .src = s->vec, .src_iter.bi_size = 512, .sector = 0xff, .encrypt = true };
	KUNIT_ASSERT_EQ(test, BLK_STS_OK, ecache_transform(et, &cur, 512, 1, false));
	shape_copy(s, text, sizeof(text), false);
	KUNIT_EXPECT_MEMEQ(test, want, text, sizeof(text));
}

struct geometry {
	unsigned int key_size, sector_size;
	bool iv_large_sectors;
	u64 sector;
};

static const struct geometry geometries[] = {
	{ 64, 512, false, 0 },			{ 32, 512, false, 12345 },
	{ 64, 1024, false, 2 },			{ 64, 2048, true, 4 },
	{ 64, 4096, false, 8 },			{ 64, 4096, true, 8 },
	{ 32, 4096, false, 1ULL << 32 },	{ 64, 4096, true, (1ULL << 35) - 8 },
	{ 64, 512, false, (1ULL << 32) - 3 },	{ 64, 4096, false, ~0ULL - 0xffff },
};

static void geometry_to_desc(const struct geometry *g, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "key %u sector %u%s at %llu", g->key_size, g->sector_size,
		 g->iv_large_sectors ? " large IV" : "", g->sector);
}

KUNIT_ARRAY_PARAM(geometry, geometries, geometry_to_desc);

/* Not KUNIT_ASSERT_MEMEQ(): it would print both buffers, for minutes on an emulated console. */
static unsigned int same_bytes(const u8 *a, const u8 *b, unsigned int bytes)
{
	unsigned int i;

	for (i = 0; i < bytes && a[i] == b[i]; i++)
		;
	return i;
}

/*
 * Encrypts @bytes from @src, through the shapes, and compares with the model; then decrypts
 * in place and compares with the start.
 */
static void round_trip(struct kunit *test, struct ecache_target *et, const struct geometry *g, const u8 *key,
		       struct shape *src, struct shape *dst, unsigned int bytes, u8 *plain, u8 *want, u8 *got)
{
	u64 epoch = ecache_volume_epoch(et->vol);
	struct ecache_cursor cur;
	unsigned int done;

	get_random_bytes(plain, bytes);
	memcpy(want, plain, bytes);
	for (done = 0; done < bytes; done += g->sector_size)
		model_xts(test, key, g->key_size, (g->sector + done / 512) >> et->iv_shift, want + done,
			  g->sector_size, true);

	shape_copy(src, plain, bytes, true);
	shape_plain(dst, bytes);
	cur = (struct ecache_cursor){ .src = src->vec, .src_iter.bi_size = bytes, .dst = dst->vec,
				      .dst_iter.bi_size = bytes, .sector = g->sector, .encrypt = true };
	KUNIT_ASSERT_EQ(test, BLK_STS_OK, ecache_transform(et, &cur, bytes, epoch, true));
	shape_copy(dst, got, bytes, false);
	KUNIT_ASSERT_EQ_MSG(test, bytes, same_bytes(want, got, bytes), "other ciphertext than the model's");
	shape_copy(src, got, bytes, false);
	KUNIT_ASSERT_EQ_MSG(test, bytes, same_bytes(plain, got, bytes), "a write must not touch its source");

	shape_copy(src, want, bytes, true);
	cur = (struct ecache_cursor){ .src = src->vec, .src_iter.bi_size = bytes, .sector = g->sector };
	KUNIT_ASSERT_EQ(test, BLK_STS_OK, ecache_transform(et, &cur, bytes, epoch, false));
	shape_copy(src, got, bytes, false);
	KUNIT_ASSERT_EQ_MSG(test, bytes, same_bytes(plain, got, bytes), "not the plaintext");
}

static void test_random_shapes_against_the_model(struct kunit *test)
{
	const struct geometry *g = test->param_value;
	struct ecache_target *et = ecache_kunit_volume(test, g->key_size, g->sector_size);
	struct shape *src = kunit_kzalloc(test, sizeof(*src), GFP_KERNEL);
	struct shape *dst = kunit_kzalloc(test, sizeof(*dst), GFP_KERNEL);
	u8 *plain = kunit_kmalloc(test, DATA_SIZE, GFP_KERNEL), *want = kunit_kmalloc(test, DATA_SIZE, GFP_KERNEL);
	u8 *got = kunit_kmalloc(test, DATA_SIZE, GFP_KERNEL);
	u8 key[ECACHE_MAX_KEY_SIZE];
	unsigned int i, bytes;

	KUNIT_ASSERT_TRUE(test, src && dst && plain && want && got);
	et->iv_shift = g->iv_large_sectors ? ilog2(g->sector_size) - 9 : 0;
	ecache_kunit_key(key, g->key_size, 3);
	set_key(test, et, key);
	shape_init(test, src);
	shape_init(test, dst);

	for (i = 0; i < 20; i++) {
		/*
		 * Pieces of whole sectors, and of 512 bytes, which larger sectors are then
		 * split over.
		 */
		bytes = shape_random(src, i & 1 ? 512 : g->sector_size, g->sector_size, 1 + get_random_u32_below(32));
		if (bytes)
			round_trip(test, et, g, key, src, dst, bytes, plain, want, got);
	}
}

/*
 * A piece that is no multiple of an AES block ends in an error, never in wrong data that
 * looks right.
 */
static void test_refuses_odd_pieces(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	struct shape *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	struct ecache_cursor cur;
	u8 key[ECACHE_MAX_KEY_SIZE];

	KUNIT_ASSERT_NOT_NULL(test, s);
	ecache_kunit_key(key, 64, 3);
	set_key(test, et, key);
	shape_init(test, s);
	bvec_set_page(&s->vec[0], s->pages[0], 1000, 0);
	bvec_set_page(&s->vec[1], s->pages[1], 3096, 0);
	cur = (struct ecache_cursor){ .src = s->vec, .src_iter.bi_size = 4096 };
	KUNIT_EXPECT_EQ(test, BLK_STS_IOERR, ecache_transform(et, &cur, 4096, 1, false));
}

/* Without the key, or with another one than the bio began with, a transform fails. */
static void test_epoch_decides(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	struct shape *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	u8 key[ECACHE_MAX_KEY_SIZE];
	struct ecache_cursor cur;
	u64 epoch;

	KUNIT_ASSERT_NOT_NULL(test, s);
	ecache_kunit_key(key, 64, 3);
	shape_init(test, s);
	shape_plain(s, 4096);
	set_key(test, et, key);
	epoch = ecache_volume_epoch(et->vol);

	cur = (struct ecache_cursor){ .src = s->vec, .src_iter.bi_size = 4096 };
	KUNIT_EXPECT_EQ(test, BLK_STS_OK, ecache_transform(et, &cur, 4096, epoch, false));
	ecache_volume_end_key(et->vol, ECACHE_WHY_KEY_WIPE);
	cur = (struct ecache_cursor){ .src = s->vec, .src_iter.bi_size = 4096 };
	KUNIT_EXPECT_EQ(test, BLK_STS_IOERR, ecache_transform(et, &cur, 4096, epoch, false));
	set_key(test, et, key);
	cur = (struct ecache_cursor){ .src = s->vec, .src_iter.bi_size = 4096 };
	KUNIT_EXPECT_EQ(test, BLK_STS_IOERR, ecache_transform(et, &cur, 4096, epoch, false));
	cur = (struct ecache_cursor){ .src = s->vec, .src_iter.bi_size = 4096 };
	KUNIT_EXPECT_EQ(test, BLK_STS_OK,
			ecache_transform(et, &cur, 4096, ecache_volume_epoch(et->vol), false));
}

static struct kunit_case crypt_cases[] = {
	KUNIT_CASE(test_ieee_1619_vector),
	KUNIT_CASE_PARAM(test_random_shapes_against_the_model, geometry_gen_params),
	KUNIT_CASE(test_refuses_odd_pieces),
	KUNIT_CASE(test_epoch_decides),
	{}
};

struct kunit_suite ecache_crypt_suite = {
	.name = "ecache_crypt",
	.test_cases = crypt_cases,
};
