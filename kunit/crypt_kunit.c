// SPDX-License-Identifier: GPL-2.0
/*
 * The cpu engine: published vectors, and random data in random bvec shapes against a model
 * of XTS made of single AES blocks.
 */
#include <linux/random.h>
#include <linux/string.h>
#include <crypto/sha2.h>

#include "rig.h"

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

#define DATA_SIZE	(48 * PAGE_SIZE)

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
	struct rig_shape *s = rig_shape_create(test);
	u8 key[64], text[512], want[512];
	struct ecache_cursor cur;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, hex2bin(key, ieee_key, 64));
	KUNIT_ASSERT_EQ(test, 0, hex2bin(want, ieee_text, 512));
	set_key(test, et, key);
	rig_shape_plain(s, 512);
	for (i = 0; i < sizeof(text); i++)
		text[i] = i;
	rig_shape_copy(s, text, sizeof(text), true);

	cur = (struct ecache_cursor){ .src = s->vec, .src_iter.bi_size = 512, .sector = 0xff, .encrypt = true };
	KUNIT_ASSERT_EQ(test, BLK_STS_OK, ecache_transform(et, &cur, 512, 1, false));
	rig_shape_copy(s, text, sizeof(text), false);
	KUNIT_EXPECT_MEMEQ(test, want, text, sizeof(text));
}

/* IEEE Std 1619, vectors 2 and 3: XTS-AES-128, data unit number 0x3333333333, 32 bytes 44. */
static const struct {
	const char *key, *text;
} ieee_128[] = {
	{ "1111111111111111111111111111111122222222222222222222222222222222",
	  "c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0" },
	{ "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f022222222222222222222222222222222",
	  "af85336b597afc1a900b2eb21ec949d292df4c047e0b21532186a5971a227a89" },
};

static void test_ieee_1619_aes_128(struct kunit *test)
{
	u8 key[32], want[32], text[32];
	struct ecache_cursor cur;
	struct ecache_target *et;
	struct rig_shape *s;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ieee_128); i++) {
		/* A data unit of 32 bytes is one that only a test has. */
		et = ecache_kunit_volume(test, 32, 512);
		et->sector_size = 32;
		s = rig_shape_create(test);
		KUNIT_ASSERT_EQ(test, 0, hex2bin(key, ieee_128[i].key, 32));
		KUNIT_ASSERT_EQ(test, 0, hex2bin(want, ieee_128[i].text, 32));
		set_key(test, et, key);
		rig_shape_plain(s, 32);
		memset(text, 0x44, sizeof(text));
		rig_shape_copy(s, text, sizeof(text), true);
		cur = (struct ecache_cursor){ .src = s->vec, .src_iter.bi_size = 32, .sector = 0x3333333333,
					      .encrypt = true };
		KUNIT_ASSERT_EQ(test, BLK_STS_OK, ecache_transform(et, &cur, 32, 1, false));
		rig_shape_copy(s, text, sizeof(text), false);
		KUNIT_EXPECT_MEMEQ(test, want, text, sizeof(text));
	}
}

/*
 * SHA-256 of the ciphertext of 00 01 .. ff 00 .. ff under ecache_kunit_key(3), computed with OpenSSL
 * from XTS, and from CBC under an IV encrypted with the SHA-256 of the key.
 */
struct known {
	const char *cipher;
	unsigned int key_size;
	u64 sector;
	const char *digest;
};

static const struct known knowns[] = {
	{ "aes-xts-plain64", 32, 0x0ULL,
	  "af10f5361a9e0bee95f624386abb9d31eb8e24ce7c6814ca656bb7b8a61f77be" },
	{ "aes-xts-plain64", 32, 0xffULL,
	  "b9477744e2e1ad678fa7de6619a73d707a521bcbdd46c3423ad20644fc44629c" },
	{ "aes-xts-plain64", 32, 0xffffffffULL,
	  "57b4661974e1dbc06cdfa6fe1525598df1b3d60fc147a2ed084fd1fd74dcc06a" },
	{ "aes-xts-plain64", 32, 0x100000000ULL,
	  "f25b56901d3000c3aba454fc4a3fd90ba1bd324be71bf7d053105e764e76f864" },
	{ "aes-xts-plain64", 32, 0xffffffffffffffffULL,
	  "cd93e332aab29477628b5a7e1012a4a37c1cad18e275de516b90fcb9f459c283" },
	{ "aes-xts-plain64", 64, 0x0ULL,
	  "a96bcc1b45094e9741c4131b2f1c3a2df941cae697aed2f00089183bae3bef6a" },
	{ "aes-xts-plain64", 64, 0xffULL,
	  "ddccd7198d7be25cd8209fd217746fe3cf99489a99727a67be2f3662a6b499c9" },
	{ "aes-xts-plain64", 64, 0xffffffffULL,
	  "3c0736cbbcdce93d535e6ffa32106abb40a9de083769d4b0de3aa78e97e76649" },
	{ "aes-xts-plain64", 64, 0x100000000ULL,
	  "11bb6cb4f5b8b45fe3d942f5ecb2caa5a412d780426874391a9c48c0f07bbaba" },
	{ "aes-xts-plain64", 64, 0xffffffffffffffffULL,
	  "56636a98f5eb34533ad53b6bacd1dae7e40692c59bdf57853343cf4fadbbdb70" },
	{ "aes-cbc-essiv:sha256", 16, 0x0ULL,
	  "dfa9d07a61b9e707653faf1f6252ec381a1937d87a1d5fe91682a80698cde03b" },
	{ "aes-cbc-essiv:sha256", 16, 0x100000000ULL,
	  "4c3f3ad0a19e924242c164f5bda196891215bcf8d2b035fd0ef850c2855ffb9f" },
	{ "aes-cbc-essiv:sha256", 16, 0xffffffffffffffffULL,
	  "30bd24f92da8dcb945be42f1e64eb285041aef8adb296a36f6d84b9323351518" },
	{ "aes-cbc-essiv:sha256", 24, 0x0ULL,
	  "576bceca2d6c4ef11e99f22c54c8f31254ff787f97d8d4855d549877c7034138" },
	{ "aes-cbc-essiv:sha256", 24, 0x100000000ULL,
	  "bcb74991f9be050e7a14dcbc090e2521d73ff884212bf05ce7e910ea1d8a04d1" },
	{ "aes-cbc-essiv:sha256", 24, 0xffffffffffffffffULL,
	  "3bf750a75d9c8a01d0b42f874a946cd1b41e468f3d45d47f298c79be7fb9358d" },
	{ "aes-cbc-essiv:sha256", 32, 0x0ULL,
	  "4e58499616e8f27f457e8b9a009e8b47c4dfabd5c84d9fb05726030f42a43e0f" },
	{ "aes-cbc-essiv:sha256", 32, 0x100000000ULL,
	  "40e48553c6d116abfab3f8dfedd1be532c35fa1f00f180925bacc99d6a22e0eb" },
	{ "aes-cbc-essiv:sha256", 32, 0xffffffffffffffffULL,
	  "930b39b382a08517d0e3d9e253faa35c6f9f7dfc79d165684f54de2e51572d6d" },
};

static void known_to_desc(const struct known *k, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s key %u at %llu", k->cipher, k->key_size, k->sector);
}

KUNIT_ARRAY_PARAM(known, knowns, known_to_desc);

static void test_known_answers(struct kunit *test)
{
	const struct known *k = test->param_value;
	struct ecache_target *et = ecache_kunit_target(test, k->key_size, 512);
	struct rig_shape *s = rig_shape_create(test);
	u8 key[ECACHE_MAX_KEY_SIZE], text[512], got[SHA256_DIGEST_SIZE], want[SHA256_DIGEST_SIZE];
	struct ecache_cursor cur;
	unsigned int i;

	et->cipher = ecache_cipher_find(k->cipher);
	ecache_kunit_join(test, et);
	ecache_kunit_key(key, k->key_size, 3);
	set_key(test, et, key);
	rig_shape_plain(s, 512);
	for (i = 0; i < sizeof(text); i++)
		text[i] = i;
	rig_shape_copy(s, text, sizeof(text), true);
	cur = (struct ecache_cursor){ .src = s->vec, .src_iter.bi_size = 512, .sector = k->sector, .encrypt = true };
	KUNIT_ASSERT_EQ(test, BLK_STS_OK, ecache_transform(et, &cur, 512, 1, false));
	rig_shape_copy(s, text, sizeof(text), false);
	sha256(text, sizeof(text), got);
	KUNIT_ASSERT_EQ(test, 0, hex2bin(want, k->digest, sizeof(want)));
	KUNIT_EXPECT_MEMEQ(test, want, got, sizeof(want));
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

/*
 * Encrypts @bytes from @src, through the shapes, and compares with the model; then decrypts
 * in place and compares with the start.
 */
static void round_trip(struct kunit *test, struct ecache_target *et, const struct geometry *g, const u8 *key,
		       struct rig_shape *src, struct rig_shape *dst, unsigned int bytes, u8 *plain, u8 *want, u8 *got)
{
	u64 epoch = ecache_volume_epoch(et->vol);
	struct ecache_cursor cur;
	unsigned int done;

	get_random_bytes(plain, bytes);
	memcpy(want, plain, bytes);
	for (done = 0; done < bytes; done += g->sector_size)
		model_xts(test, key, g->key_size, (g->sector + done / 512) >> et->iv_shift, want + done,
			  g->sector_size, true);

	rig_shape_copy(src, plain, bytes, true);
	rig_shape_plain(dst, bytes);
	cur = (struct ecache_cursor){ .src = src->vec, .src_iter.bi_size = bytes, .dst = dst->vec,
				      .dst_iter.bi_size = bytes, .sector = g->sector, .encrypt = true };
	KUNIT_ASSERT_EQ(test, BLK_STS_OK, ecache_transform(et, &cur, bytes, epoch, true));
	rig_shape_copy(dst, got, bytes, false);
	KUNIT_ASSERT_EQ_MSG(test, bytes, rig_same(want, got, bytes), "other ciphertext than the model's");
	rig_shape_copy(src, got, bytes, false);
	KUNIT_ASSERT_EQ_MSG(test, bytes, rig_same(plain, got, bytes), "a write must not touch its source");

	rig_shape_copy(src, want, bytes, true);
	cur = (struct ecache_cursor){ .src = src->vec, .src_iter.bi_size = bytes, .sector = g->sector };
	KUNIT_ASSERT_EQ(test, BLK_STS_OK, ecache_transform(et, &cur, bytes, epoch, false));
	rig_shape_copy(src, got, bytes, false);
	KUNIT_ASSERT_EQ_MSG(test, bytes, rig_same(plain, got, bytes), "not the plaintext");
}

static void test_random_shapes_against_the_model(struct kunit *test)
{
	const struct geometry *g = test->param_value;
	struct ecache_target *et = ecache_kunit_volume(test, g->key_size, g->sector_size);
	struct rig_shape *src = rig_shape_create(test);
	struct rig_shape *dst = rig_shape_create(test);
	u8 *plain = kunit_kmalloc(test, DATA_SIZE, GFP_KERNEL), *want = kunit_kmalloc(test, DATA_SIZE, GFP_KERNEL);
	u8 *got = kunit_kmalloc(test, DATA_SIZE, GFP_KERNEL);
	u8 key[ECACHE_MAX_KEY_SIZE];
	unsigned int i, bytes;

	KUNIT_ASSERT_TRUE(test, plain && want && got);
	et->iv_shift = g->iv_large_sectors ? ilog2(g->sector_size) - 9 : 0;
	ecache_kunit_key(key, g->key_size, 3);
	set_key(test, et, key);

	for (i = 0; i < ecache_kunit_rounds(20); i++) {
		/* Pieces of whole sectors; smaller ones, which sectors are then split over. */
		bytes = rig_shape_random(src, i % 3 ? (i % 3 == 1 ? 512 : 16) : g->sector_size, g->sector_size,
					 1 + get_random_u32_below(32));
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
	struct rig_shape *s = rig_shape_create(test);
	struct ecache_cursor cur;
	u8 key[ECACHE_MAX_KEY_SIZE];

	ecache_kunit_key(key, 64, 3);
	set_key(test, et, key);
	bvec_set_page(&s->vec[0], s->pages[0], 1000, 0);
	bvec_set_page(&s->vec[1], s->pages[1], 3096, 0);
	cur = (struct ecache_cursor){ .src = s->vec, .src_iter.bi_size = 4096 };
	KUNIT_EXPECT_EQ(test, BLK_STS_IOERR, ecache_transform(et, &cur, 4096, 1, false));
}

/* Without the key, or with another one than the bio began with, a transform fails. */
static void test_epoch_decides(struct kunit *test)
{
	struct ecache_target *et = ecache_kunit_volume(test, 64, 4096);
	struct rig_shape *s = rig_shape_create(test);
	u8 key[ECACHE_MAX_KEY_SIZE];
	struct ecache_cursor cur;
	u64 epoch;

	ecache_kunit_key(key, 64, 3);
	rig_shape_plain(s, 4096);
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
	KUNIT_CASE(test_ieee_1619_aes_128),
	KUNIT_CASE_PARAM(test_known_answers, known_gen_params),
	KUNIT_CASE_PARAM(test_random_shapes_against_the_model, geometry_gen_params),
	KUNIT_CASE(test_refuses_odd_pieces),
	KUNIT_CASE(test_epoch_decides),
	{}
};

struct kunit_suite ecache_crypt_suite = {
	.name = "ecache_crypt",
	.test_cases = crypt_cases,
};
