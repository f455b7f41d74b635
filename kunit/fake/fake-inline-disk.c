// SPDX-License-Identifier: GPL-2.0
/*
 * The fake disk: /dev/ecfi0, in memory. What is stored is what went over the wire to a real one
 * after its encryption: a read without a key returns ciphertext.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "fake-inline.h"

static struct ecache_fake_inline *const fake = &ecache_fake_inline;

struct fake_cmd {
	struct list_head node;		/* in disk.queue */
	struct llist_node call;
	blk_status_t status;
};

/*
 * @lock: protects @queue and the counter of what is in it
 * @store: the disk's contents; touched by @work alone
 * @scratch: the data of the request that @work is at
 */
static struct {
	struct blk_mq_tag_set tags;
	struct gendisk *gd;
	u8 *store, *scratch;
	spinlock_t lock;		/* queue and its counter */
	struct list_head queue;
	struct workqueue_struct *wq;
	struct work_struct work;
	struct fake_calls done;
} disk;

static void gather(struct request *rq, u8 *data)
{
	struct req_iterator iter;
	struct bio_vec bv;

	rq_for_each_segment(bv, rq, iter) {
		memcpy_from_bvec(data, &bv);
		data += bv.bv_len;
	}
}

static void scatter(struct request *rq, const u8 *data)
{
	struct req_iterator iter;
	struct bio_vec bv;

	rq_for_each_segment(bv, rq, iter) {
		memcpy_to_bvec(&bv, data);
		data += bv.bv_len;
	}
}

static int transfer(struct request *rq, u8 *store, unsigned int bytes)
{
	int r = 0;

	if (rq->crypt_ctx)
		fake->count.encrypted++;
	else
		fake->count.plain++;
	if (rq_data_dir(rq) == WRITE)
		gather(rq, disk.scratch);
	else
		memcpy(disk.scratch, store, bytes);
	if (rq->crypt_ctx)
		r = fake_keys_crypt(rq, disk.scratch, bytes);
	if (r)
		return r;
	if (rq_data_dir(rq) == WRITE)
		memcpy(store, disk.scratch, bytes);
	else
		scatter(rq, disk.scratch);
	return 0;
}

static blk_status_t execute(struct request *rq)
{
	u8 *store = disk.store + (blk_rq_pos(rq) << SECTOR_SHIFT);

	switch (req_op(rq)) {
	case REQ_OP_FLUSH:
		fake->count.flushes++;
		return BLK_STS_OK;
	case REQ_OP_DISCARD:
		fake->count.discards++;
		memset(store, 0, blk_rq_bytes(rq));
		return BLK_STS_OK;
	case REQ_OP_READ:
	case REQ_OP_WRITE:
		return errno_to_blk_status(transfer(rq, store, blk_rq_bytes(rq)));
	default:
		return BLK_STS_NOTSUPP;
	}
}

static struct request *next_request(void)
{
	struct fake_cmd *cmd = NULL;

	spin_lock_irq(&disk.lock);
	if (!READ_ONCE(fake->hold))
		cmd = list_first_entry_or_null(&disk.queue, struct fake_cmd, node);
	if (cmd) {
		list_del(&cmd->node);
		fake->queued--;
	}
	spin_unlock_irq(&disk.lock);
	return cmd ? blk_mq_rq_from_pdu(cmd) : NULL;
}

static void run_queue(struct work_struct *work)
{
	struct fake_cmd *cmd;
	struct request *rq;

	while ((rq = next_request())) {
		cmd = blk_mq_rq_to_pdu(rq);
		cmd->status = execute(rq);
		fake_call(&disk.done, READ_ONCE(fake->context), &cmd->call);
	}
}

static void finish(struct llist_node *node)
{
	struct fake_cmd *cmd = container_of(node, struct fake_cmd, call);

	blk_mq_end_request(blk_mq_rq_from_pdu(cmd), cmd->status);
}

static blk_status_t queue_rq(struct blk_mq_hw_ctx *hctx, const struct blk_mq_queue_data *bd)
{
	struct fake_cmd *cmd = blk_mq_rq_to_pdu(bd->rq);
	unsigned long flags;

	blk_mq_start_request(bd->rq);
	spin_lock_irqsave(&disk.lock, flags);
	list_add_tail(&cmd->node, &disk.queue);
	fake->queued++;
	spin_unlock_irqrestore(&disk.lock, flags);
	queue_work(disk.wq, &disk.work);
	return BLK_STS_OK;
}

/* A disk on hold does not answer, and nothing can be done about it. */
static enum blk_eh_timer_return timed_out(struct request *rq)
{
	return BLK_EH_RESET_TIMER;
}

static const struct blk_mq_ops mq_ops = {
	.queue_rq	= queue_rq,
	.timeout	= timed_out,
};

static const struct block_device_operations disk_ops = {
	.owner		= THIS_MODULE,
};

/**
 * ecache_fake_inline_hold - stop or go on
 * @hold: whether the disk keeps what it is given
 *
 * Return: 0, or -ENODEV without a disk.
 */
int ecache_fake_inline_hold(bool hold)
{
	if (!disk.wq)
		return -ENODEV;
	WRITE_ONCE(fake->hold, hold);
	queue_work(disk.wq, &disk.work);
	return 0;
}
EXPORT_SYMBOL_GPL(ecache_fake_inline_hold);

static int add_disk_for(struct blk_crypto_profile *profile)
{
	struct queue_limits limits = {
		.logical_block_size	= fake->block_size,
		.max_hw_sectors		= FAKE_MAX_BYTES >> SECTOR_SHIFT,
		.max_hw_discard_sectors	= UINT_MAX,
		.discard_granularity	= fake->block_size,
		.features		= BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA,
	};
	int r;

	disk.tags.ops = &mq_ops;
	disk.tags.nr_hw_queues = 1;
	disk.tags.queue_depth = 128;
	disk.tags.numa_node = NUMA_NO_NODE;
	disk.tags.cmd_size = sizeof(struct fake_cmd);
	r = blk_mq_alloc_tag_set(&disk.tags);
	if (r)
		return r;
	disk.gd = blk_mq_alloc_disk(&disk.tags, &limits, NULL);
	if (IS_ERR(disk.gd)) {
		r = PTR_ERR(disk.gd);
		goto err_tags;
	}
	if (profile && !blk_crypto_register(profile, disk.gd->queue)) {
		r = -EINVAL;
		goto err_disk;
	}
	disk.gd->flags |= GENHD_FL_NO_PART;
	disk.gd->fops = &disk_ops;
	strscpy(disk.gd->disk_name, "ecfi0", sizeof(disk.gd->disk_name));
	set_capacity(disk.gd, (sector_t)fake->size_mb << (20 - SECTOR_SHIFT));
	r = add_disk(disk.gd);
	if (r)
		goto err_disk;
	return 0;

err_disk:
	put_disk(disk.gd);
err_tags:
	blk_mq_free_tag_set(&disk.tags);
	return r;
}

int fake_disk_init(struct blk_crypto_profile *profile)
{
	int r = -ENOMEM;

	spin_lock_init(&disk.lock);
	INIT_LIST_HEAD(&disk.queue);
	INIT_WORK(&disk.work, run_queue);
	fake_calls_init(&disk.done, finish);
	disk.store = vzalloc((size_t)fake->size_mb << 20);
	disk.scratch = kmalloc(FAKE_MAX_BYTES, GFP_KERNEL);
	if (!disk.store || !disk.scratch)
		goto err_memory;
	disk.wq = alloc_workqueue("ecache_fake_inline", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!disk.wq)
		goto err_memory;
	r = add_disk_for(profile);
	if (r)
		goto err_wq;
	return 0;

err_wq:
	destroy_workqueue(disk.wq);
err_memory:
	kfree(disk.scratch);
	vfree(disk.store);
	return r;
}

void fake_disk_exit(void)
{
	/* Nobody has it open; what an earlier user left in the queue still needs an end. */
	ecache_fake_inline_hold(false);
	del_gendisk(disk.gd);
	put_disk(disk.gd);
	blk_mq_free_tag_set(&disk.tags);
	destroy_workqueue(disk.wq);
	fake_calls_exit(&disk.done);
	kfree(disk.scratch);
	vfree(disk.store);
}
