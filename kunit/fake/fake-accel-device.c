// SPDX-License-Identifier: GPL-2.0
/*
 * The device of the fake accelerator: a queue that can be slow, full, broken or stuck on request
 * (fake-accel.h has the list). The work is done by the kernel's synchronous driver in a work item,
 * when the request is due: a request that hangs writes its result when it is released, into
 * memory that its caller may have given up by then.
 *
 *	submit -> [backlog ->] queue -> work item: AES -> [done ->] callback
 *	                    \-> hung -^ (release)
 */
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/scatterlist.h>
#include <linux/sched/task_stack.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "fake-accel.h"

/*
 * struct fake_request - the context of a request: there is no other memory
 *
 * @node: in exactly one list, or in none while the work item or a callback has it
 */
struct fake_request {
	struct list_head node;
	struct llist_node call;
	struct skcipher_request *req;
	ktime_t due;
	bool encrypt, hang, error, late;
	int result;
};

struct ecache_fake_accel ecache_fake_accel;
EXPORT_SYMBOL_GPL(ecache_fake_accel);
static struct ecache_fake_accel *const fake = &ecache_fake_accel;

/*
 * The device.
 *
 * @lock: taken in hard interrupts
 * @queue: accepted; @due wakes the work item for the oldest
 * @done: computed, to be called back
 * @unfinished: released and not yet called back
 */
static struct {
	spinlock_t lock;	/* lists, counters, countdowns of faults */
	struct list_head queue, backlog, hung;
	struct workqueue_struct *wq;
	struct work_struct work;
	struct hrtimer due;
	struct fake_calls done;
	wait_queue_head_t released;
	unsigned int unfinished;
} dev;

static bool fault_hits(struct fake_fault *fault)
{
	if (fault->next) {
		fault->next--;
		return true;
	}
	return fault->every && fake->count.requests % fault->every == 0;
}

static void accept(struct fake_request *fr)
{
	lockdep_assert_held(&dev.lock);
	fr->due = ktime_add_us(ktime_get(), fake->delay_us);
	if (fr->hang)
		fake->hung++;
	list_add_tail(&fr->node, fr->hang ? &dev.hung : &dev.queue);
}

static void kick(void)
{
	queue_work(dev.wq, &dev.work);
}

/* The final callback, in whatever context the caller is; the request is not ours afterwards. */
static void finish(struct llist_node *node)
{
	struct fake_request *fr = container_of(node, struct fake_request, call);
	struct fake_tfm *ctx = crypto_skcipher_ctx(crypto_skcipher_reqtfm(fr->req));
	struct fake_request *next;
	bool late = fr->late;
	unsigned long flags;

	spin_lock_irqsave(&dev.lock, flags);
	ctx->pending--;
	next = list_first_entry_or_null(&dev.backlog, struct fake_request, node);
	if (next) {
		list_del(&next->node);
		fake->waiting--;
	} else {
		fake->in_flight--;
	}
	spin_unlock_irqrestore(&dev.lock, flags);

	/* It has the place, but must not be found before it was told so. */
	if (next) {
		skcipher_request_complete(next->req, -EINPROGRESS);
		spin_lock_irqsave(&dev.lock, flags);
		accept(next);
		spin_unlock_irqrestore(&dev.lock, flags);
		kick();
	}

	skcipher_request_complete(fr->req, fr->result);

	if (late) {
		spin_lock_irqsave(&dev.lock, flags);
		fake->count.late++;
		dev.unfinished--;
		spin_unlock_irqrestore(&dev.lock, flags);
		wake_up(&dev.released);
	}
}

static enum hrtimer_restart due_timer(struct hrtimer *timer)
{
	kick();
	return HRTIMER_NORESTART;
}

static int crypt(struct crypto_sync_skcipher *tfm, const struct fake_request *fr)
{
	SYNC_SKCIPHER_REQUEST_ON_STACK(inner, tfm);
	struct skcipher_request *req = fr->req;
	int r;

	skcipher_request_set_sync_tfm(inner, tfm);
	skcipher_request_set_callback(inner, 0, NULL, NULL);
	skcipher_request_set_crypt(inner, req->src, req->dst, req->cryptlen, req->iv);
	r = fr->encrypt ? crypto_skcipher_encrypt(inner) : crypto_skcipher_decrypt(inner);
	skcipher_request_zero(inner);
	return r;
}

static int compute(const struct fake_request *fr)
{
	struct fake_tfm *ctx = crypto_skcipher_ctx(crypto_skcipher_reqtfm(fr->req));

	if (fr->error) {
		sg_zero_buffer(fr->req->dst, sg_nents(fr->req->dst), fr->req->cryptlen, 0);
		return -EIO;
	}
	return crypt(ctx->inner, fr);
}

/* Moves what is due to @batch, in the order of completion. Return: when the next is due, or 0. */
static ktime_t take_due(struct list_head *batch)
{
	unsigned int order = READ_ONCE(fake->order);
	ktime_t now = ktime_get(), next = 0;
	struct fake_request *fr, *tmp;
	bool any = false;

	lockdep_assert_held(&dev.lock);
	list_for_each_entry(fr, &dev.queue, node)
		any |= fr->due <= now;
	list_for_each_entry_safe(fr, tmp, &dev.queue, node) {
		if (fr->due > now && !(any && order != FAKE_FIFO)) {
			next = next ? min(next, fr->due) : fr->due;
			continue;
		}
		if (order == FAKE_REVERSE || (order == FAKE_RANDOM && get_random_u32() & 1))
			list_move(&fr->node, batch);
		else
			list_move_tail(&fr->node, batch);
	}
	return next;
}

static void run_queue(struct work_struct *work)
{
	struct fake_request *fr, *tmp;
	LIST_HEAD(batch);
	ktime_t next;

	spin_lock_irq(&dev.lock);
	next = take_due(&batch);
	spin_unlock_irq(&dev.lock);
	if (next)
		hrtimer_start(&dev.due, next, HRTIMER_MODE_ABS);
	list_for_each_entry_safe(fr, tmp, &batch, node) {
		list_del(&fr->node);
		fr->result = compute(fr);
		fake_call(&dev.done, READ_ONCE(fake->context), &fr->call);
	}
}

static bool sg_aligned(struct scatterlist *sg, unsigned int bytes, unsigned int align)
{
	unsigned int len;

	for (; sg && bytes; sg = sg_next(sg), bytes -= len) {
		len = min(sg->length, bytes);
		if ((sg->offset | len) & (align - 1))
			return false;
	}
	return true;
}

static bool sg_pieces_meet(struct scatterlist *a, struct scatterlist *b)
{
	unsigned long first_a = page_to_pfn(sg_page(a)), first_b = page_to_pfn(sg_page(b));

	return first_a <= first_b + ((b->offset + b->length - 1) >> PAGE_SHIFT) &&
	       first_b <= first_a + ((a->offset + a->length - 1) >> PAGE_SHIFT);
}

static bool sg_share_page(struct scatterlist *src, struct scatterlist *dst, unsigned int bytes)
{
	unsigned int nr_src = max(sg_nents_for_len(src, bytes), 0), nr_dst = max(sg_nents_for_len(dst, bytes), 0);
	struct scatterlist *a, *b;
	unsigned int i, j;

	for_each_sg(src, a, nr_src, i)
		for_each_sg(dst, b, nr_dst, j)
			if (sg_pieces_meet(a, b))
				return true;
	return false;
}

/* Counts what a device that reads and writes memory by itself would stumble over. */
static void check_dma(struct skcipher_request *req)
{
	unsigned int align = READ_ONCE(fake->dma_align);

	lockdep_assert_held(&dev.lock);
	/* A stack is often in vmalloc space, where no device finds it. */
	if (align && (!virt_addr_valid(req->iv) || object_is_on_stack(req->iv) ||
		      (unsigned long)req->iv & (align - 1) ||
		      !sg_aligned(req->src, req->cryptlen, align) || !sg_aligned(req->dst, req->cryptlen, align)))
		fake->count.misaligned++;
	if (fake->dma_apart && sg_share_page(req->src, req->dst, req->cryptlen))
		fake->count.shared++;
}

/* Whether the request goes no further: 0, or what its submitter is told. */
static int refuse(struct skcipher_request *req, bool full)
{
	lockdep_assert_held(&dev.lock);
	if (fault_hits(&fake->rude)) {
		fake->count.ebusy++;
		return -EBUSY;
	}
	if (fault_hits(&fake->fail)) {
		fake->count.errors++;
		return -EIO;
	}
	if (full && !(req->base.flags & CRYPTO_TFM_REQ_MAY_BACKLOG)) {
		fake->count.nospc++;
		return -ENOSPC;
	}
	return 0;
}

unsigned int fake_device_reqsize(void)
{
	return sizeof(struct fake_request);
}

/* Return: -EINPROGRESS, or what the crypto API lets a driver return instead. */
int fake_device_submit(struct skcipher_request *req, bool encrypt)
{
	struct fake_tfm *ctx = crypto_skcipher_ctx(crypto_skcipher_reqtfm(req));
	struct fake_request *fr = skcipher_request_ctx(req);
	unsigned long flags;
	bool full;
	int r;

	spin_lock_irqsave(&dev.lock, flags);
	fake->count.requests++;
	check_dma(req);
	full = fake->depth && (fake->in_flight >= fake->depth || fake->waiting);
	r = refuse(req, full);
	if (r)
		goto out;

	*fr = (struct fake_request){ .req = req, .encrypt = encrypt };
	fr->hang = fault_hits(&fake->hang);
	fr->error = !fr->hang && fault_hits(&fake->error);
	fake->count.errors += fr->error;
	ctx->pending++;
	if (full) {
		list_add_tail(&fr->node, &dev.backlog);
		fake->count.backlogged++;
		fake->waiting++;
		r = -EBUSY;
	} else {
		accept(fr);
		fake->in_flight++;
		fake->count.max_in_flight = max(fake->count.max_in_flight, fake->in_flight);
		r = -EINPROGRESS;
	}
out:
	spin_unlock_irqrestore(&dev.lock, flags);
	if (r == -EINPROGRESS)
		kick();
	return r;
}

static void forget_in(struct list_head *list, struct crypto_skcipher *tfm)
{
	struct fake_request *fr, *tmp;

	list_for_each_entry_safe(fr, tmp, list, node)
		if (crypto_skcipher_reqtfm(fr->req) == tfm)
			list_del(&fr->node);
}

/* A transform that goes before its requests is its owner's bug: say so, and try to live on. */
void fake_device_forget(struct crypto_skcipher *tfm)
{
	struct fake_tfm *ctx = crypto_skcipher_ctx(tfm);

	spin_lock_irq(&dev.lock);
	fake->tfms--;
	if (WARN(ctx->pending, "a transform was freed with %u requests under way\n", ctx->pending)) {
		forget_in(&dev.queue, tfm);
		forget_in(&dev.backlog, tfm);
		forget_in(&dev.hung, tfm);
	}
	spin_unlock_irq(&dev.lock);
}

void fake_device_count_tfm(void)
{
	spin_lock_irq(&dev.lock);
	fake->tfms++;
	spin_unlock_irq(&dev.lock);
}

void fake_device_count_setkey(void)
{
	spin_lock_irq(&dev.lock);
	fake->count.setkeys++;
	spin_unlock_irq(&dev.lock);
}

/**
 * ecache_fake_accel_release - let hung requests complete
 * @nr: how many, the oldest first
 *
 * They are computed now, not when they were submitted. Requests that were told to hang and wait in
 * the backlog are not hung yet.
 *
 * Return: 0 when the last of their callbacks has returned, or -ERESTARTSYS.
 */
int ecache_fake_accel_release(unsigned int nr)
{
	struct fake_request *fr, *tmp;

	spin_lock_irq(&dev.lock);
	list_for_each_entry_safe(fr, tmp, &dev.hung, node) {
		if (!nr--)
			break;
		fr->late = true;
		fr->due = 0;
		list_move_tail(&fr->node, &dev.queue);
		fake->hung--;
		dev.unfinished++;
	}
	spin_unlock_irq(&dev.lock);
	kick();
	return wait_event_interruptible(dev.released, !READ_ONCE(dev.unfinished));
}
EXPORT_SYMBOL_GPL(ecache_fake_accel_release);

/**
 * ecache_fake_accel_reset - set the counters to zero
 *
 * What counts things that exist now stays.
 */
void ecache_fake_accel_reset(void)
{
	spin_lock_irq(&dev.lock);
	memset(&fake->count, 0, sizeof(fake->count));
	spin_unlock_irq(&dev.lock);
}
EXPORT_SYMBOL_GPL(ecache_fake_accel_reset);

int fake_device_init(void)
{
	spin_lock_init(&dev.lock);
	INIT_LIST_HEAD(&dev.queue);
	INIT_LIST_HEAD(&dev.backlog);
	INIT_LIST_HEAD(&dev.hung);
	INIT_WORK(&dev.work, run_queue);
	init_waitqueue_head(&dev.released);
	fake_timer_setup(&dev.due, due_timer, HRTIMER_MODE_ABS);
	fake_calls_init(&dev.done, finish);
	/* Writes wait for it, and reclaim for them. */
	dev.wq = alloc_workqueue("ecache_fake_accel", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return dev.wq ? 0 : -ENOMEM;
}

/* No transform exists any more; the end of a callback may still run. */
void fake_device_exit(void)
{
	hrtimer_cancel(&dev.due);
	destroy_workqueue(dev.wq);
	fake_calls_exit(&dev.done);
}
