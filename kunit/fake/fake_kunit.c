// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the fake accelerator: what a user of the crypto API sees, call by call.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "fake-accel.h"

#define NR_JOBS		4
#define JOB_BYTES	512
#define IV_BYTES	16

/* One request and what was said about it. */
struct job {
	struct skcipher_request *req;
	u8 *src, *dst, *iv;
	struct scatterlist sg_src, sg_dst;
	int results[3];			/* of the callbacks, in their order */
	unsigned int calls;
	unsigned int place;		/* among the jobs that ended */
	bool hard, soft, task;		/* where the last callback ran */
	struct completion done;
};

struct fixture {
	struct crypto_skcipher *tfm;
	struct job jobs[NR_JOBS];
	atomic_t ended;
};

static struct ecache_fake_accel *const fake = &ecache_fake_accel;
static struct fixture *fix;

static void called_back(void *data, int err)
{
	struct job *job = data;

	if (job->calls < ARRAY_SIZE(job->results))
		job->results[job->calls] = err;
	job->calls++;
	if (err == -EINPROGRESS)
		return;
	job->hard = in_hardirq();
	job->soft = in_serving_softirq() && !in_hardirq();
	job->task = in_task() && softirq_count();
	job->place = atomic_inc_return(&fix->ended) - 1;
	complete(&job->done);
}

static int submit(struct job *job, u32 flags)
{
	skcipher_request_set_callback(job->req, flags, called_back, job);
	return crypto_skcipher_encrypt(job->req);
}

static bool ends(struct job *job)
{
	return wait_for_completion_timeout(&job->done, 10 * HZ);
}

static bool untouched(struct job *job)
{
	return !memchr_inv(job->dst, 0xaa, JOB_BYTES);
}

/* A page each for source and destination, as @dma_apart wants it. */
static void init_job(struct kunit *test, struct job *job)
{
	job->req = skcipher_request_alloc(fix->tfm, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, job->req);
	job->src = (u8 *)get_zeroed_page(GFP_KERNEL);
	job->dst = (u8 *)get_zeroed_page(GFP_KERNEL);
	job->iv = (u8 *)get_zeroed_page(GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, job->src && job->dst && job->iv);
	memset(job->dst, 0xaa, JOB_BYTES);
	sg_init_one(&job->sg_src, job->src, JOB_BYTES);
	sg_init_one(&job->sg_dst, job->dst, JOB_BYTES);
	init_completion(&job->done);
	skcipher_request_set_crypt(job->req, &job->sg_src, &job->sg_dst, JOB_BYTES, job->iv);
}

static int init(struct kunit *test)
{
	static const u8 key[64] = { 1 };
	unsigned int i;

	fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fix);
	fix->tfm = crypto_alloc_skcipher("xts-aes-ecache-fake", 0, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(fix->tfm));
	KUNIT_ASSERT_EQ(test, 0, crypto_skcipher_setkey(fix->tfm, key, sizeof(key)));
	for (i = 0; i < NR_JOBS; i++)
		init_job(test, &fix->jobs[i]);
	ecache_fake_accel_reset();
	return 0;
}

static void exit_test(struct kunit *test)
{
	unsigned int i;

	fake->delay_us = 0;
	fake->depth = 0;
	fake->context = FAKE_TASK;
	fake->order = FAKE_FIFO;
	fake->dma_align = 0;
	fake->dma_apart = false;
	ecache_fake_accel_release(UINT_MAX);
	KUNIT_EXPECT_EQ(test, 0, fake->in_flight);
	for (i = 0; i < NR_JOBS; i++) {
		skcipher_request_free(fix->jobs[i].req);
		free_page((unsigned long)fix->jobs[i].src);
		free_page((unsigned long)fix->jobs[i].dst);
		free_page((unsigned long)fix->jobs[i].iv);
	}
	crypto_free_skcipher(fix->tfm);
	KUNIT_EXPECT_EQ(test, 0, fake->tfms);
}

/* The callback runs where it was told to. */
static void test_context(struct kunit *test)
{
	struct job *job = fix->jobs;
	unsigned int context;

	for (context = FAKE_TASK; context <= FAKE_HARDIRQ; context++, job++) {
		fake->context = context;
		KUNIT_EXPECT_EQ(test, -EINPROGRESS, submit(job, 0));
		KUNIT_ASSERT_TRUE(test, ends(job));
		KUNIT_EXPECT_EQ(test, 0, job->results[0]);
		KUNIT_EXPECT_EQ(test, 1, job->calls);
		KUNIT_EXPECT_EQ(test, context == FAKE_TASK, job->task);
		KUNIT_EXPECT_EQ(test, context == FAKE_SOFTIRQ, job->soft);
		KUNIT_EXPECT_EQ(test, context == FAKE_HARDIRQ, job->hard);
		KUNIT_EXPECT_FALSE(test, untouched(job));
	}
}

/* What is queued together ends in the order asked for. */
static void test_order(struct kunit *test)
{
	unsigned int order, i;

	fake->delay_us = 300000;
	for (order = FAKE_FIFO; order <= FAKE_RANDOM; order++) {
		fake->order = order;
		atomic_set(&fix->ended, 0);
		for (i = 0; i < NR_JOBS; i++)
			KUNIT_EXPECT_EQ(test, -EINPROGRESS, submit(&fix->jobs[i], 0));
		for (i = 0; i < NR_JOBS; i++) {
			KUNIT_ASSERT_TRUE(test, ends(&fix->jobs[i]));
			if (order == FAKE_FIFO)
				KUNIT_EXPECT_EQ(test, i, fix->jobs[i].place);
			if (order == FAKE_REVERSE)
				KUNIT_EXPECT_EQ(test, NR_JOBS - 1 - i, fix->jobs[i].place);
		}
	}
}

/* Above the depth: a place in the backlog and two callbacks for who may, a refusal for who may not. */
static void test_backlog(struct kunit *test)
{
	struct job *first = &fix->jobs[0], *second = &fix->jobs[1], *third = &fix->jobs[2];

	fake->depth = 1;
	fake->hang.next = 1;
	KUNIT_EXPECT_EQ(test, -EINPROGRESS, submit(first, CRYPTO_TFM_REQ_MAY_BACKLOG));
	KUNIT_EXPECT_EQ(test, -EBUSY, submit(second, CRYPTO_TFM_REQ_MAY_BACKLOG));
	KUNIT_EXPECT_EQ(test, -ENOSPC, submit(third, 0));
	KUNIT_EXPECT_EQ(test, 1, fake->waiting);
	KUNIT_EXPECT_EQ(test, 0, second->calls);
	KUNIT_EXPECT_EQ(test, 0, ecache_fake_accel_release(1));
	KUNIT_ASSERT_TRUE(test, ends(first));
	KUNIT_ASSERT_TRUE(test, ends(second));
	KUNIT_EXPECT_EQ(test, 1, first->calls);
	KUNIT_EXPECT_EQ(test, 2, second->calls);
	KUNIT_EXPECT_EQ(test, -EINPROGRESS, second->results[0]);
	KUNIT_EXPECT_EQ(test, 0, second->results[1]);
	KUNIT_EXPECT_EQ(test, 0, third->calls);
	KUNIT_EXPECT_EQ(test, 1, fake->count.backlogged);
	KUNIT_EXPECT_EQ(test, 1, fake->count.nospc);
	KUNIT_EXPECT_EQ(test, 1, fake->count.max_in_flight);
}

/* -EBUSY without a place in any queue: nobody ever calls back. */
static void test_rude(struct kunit *test)
{
	fake->rude.next = 1;
	KUNIT_EXPECT_EQ(test, -EBUSY, submit(&fix->jobs[0], CRYPTO_TFM_REQ_MAY_BACKLOG));
	KUNIT_EXPECT_EQ(test, -EINPROGRESS, submit(&fix->jobs[1], CRYPTO_TFM_REQ_MAY_BACKLOG));
	KUNIT_ASSERT_TRUE(test, ends(&fix->jobs[1]));
	msleep(50);
	KUNIT_EXPECT_EQ(test, 0, fix->jobs[0].calls);
	KUNIT_EXPECT_TRUE(test, untouched(&fix->jobs[0]));
	KUNIT_EXPECT_EQ(test, 0, fake->in_flight + fake->waiting);
	KUNIT_EXPECT_EQ(test, 1, fake->count.ebusy);
	KUNIT_EXPECT_EQ(test, 0, fake->count.backlogged);
}

static void test_error(struct kunit *test)
{
	struct job *late = &fix->jobs[0], *early = &fix->jobs[1];

	fake->error.next = 1;
	fake->fail.next = 0;
	KUNIT_EXPECT_EQ(test, -EINPROGRESS, submit(late, 0));
	KUNIT_ASSERT_TRUE(test, ends(late));
	KUNIT_EXPECT_EQ(test, -EIO, late->results[0]);
	KUNIT_EXPECT_NULL(test, memchr_inv(late->dst, 0, JOB_BYTES));
	fake->fail.next = 1;
	KUNIT_EXPECT_EQ(test, -EIO, submit(early, 0));
	KUNIT_EXPECT_EQ(test, 0, early->calls);
	KUNIT_EXPECT_TRUE(test, untouched(early));
	KUNIT_EXPECT_EQ(test, 2, fake->count.errors);
}

/* A hung request writes its result when it is released, not before, and its callback has run then. */
static void test_hang(struct kunit *test)
{
	struct job *job = &fix->jobs[0];

	fake->hang.next = 1;
	KUNIT_EXPECT_EQ(test, -EINPROGRESS, submit(job, 0));
	msleep(50);
	KUNIT_EXPECT_EQ(test, 0, job->calls);
	KUNIT_EXPECT_TRUE(test, untouched(job));
	KUNIT_EXPECT_EQ(test, 1, fake->hung);
	KUNIT_EXPECT_EQ(test, 0, ecache_fake_accel_release(UINT_MAX));
	KUNIT_EXPECT_EQ(test, 1, job->calls);
	KUNIT_EXPECT_EQ(test, 0, job->results[0]);
	KUNIT_EXPECT_FALSE(test, untouched(job));
	KUNIT_EXPECT_EQ(test, 0, fake->hung);
	KUNIT_EXPECT_EQ(test, 1, fake->count.late);
}

static void test_dma(struct kunit *test)
{
	struct job *job = &fix->jobs[0];
	u8 iv[IV_BYTES] = {};

	fake->dma_align = 64;
	fake->dma_apart = true;
	submit(job, 0);
	KUNIT_ASSERT_TRUE(test, ends(job));
	KUNIT_EXPECT_EQ(test, 0, fake->count.misaligned + fake->count.shared);

	job->req->iv = job->iv + IV_BYTES;
	submit(job, 0);
	KUNIT_ASSERT_TRUE(test, ends(job));
	KUNIT_EXPECT_EQ(test, 1, fake->count.misaligned);

	fake->dma_align = 1;
	job->req->iv = iv;
	submit(job, 0);
	KUNIT_ASSERT_TRUE(test, ends(job));
	KUNIT_EXPECT_EQ(test, 2, fake->count.misaligned);

	job->req->iv = job->iv;
	job->req->dst = job->req->src;
	submit(job, 0);
	KUNIT_ASSERT_TRUE(test, ends(job));
	KUNIT_EXPECT_EQ(test, 2, fake->count.misaligned);
	KUNIT_EXPECT_EQ(test, 1, fake->count.shared);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_context),
	KUNIT_CASE(test_order),
	KUNIT_CASE(test_backlog),
	KUNIT_CASE(test_rude),
	KUNIT_CASE(test_error),
	KUNIT_CASE(test_hang),
	KUNIT_CASE(test_dma),
	{}
};

static struct kunit_suite suite = {
	.name = "ecache-fake-accel",
	.init = init,
	.exit = exit_test,
	.test_cases = cases,
};

kunit_test_suite(suite);
MODULE_DESCRIPTION("Tests of the fake accelerator");
MODULE_LICENSE("GPL");
