// SPDX-License-Identifier: GPL-2.0
/*
 * Bounce pages: where the ciphertext of a write is while the disk works.
 *
 * The fast way never sleeps and never touches the kernel's reserves: pages of the highest
 * order that is free, up to a cap per volume. When it fails, all pages go back and the
 * whole bio is taken from a reserve that holds one largest write, by one bio at a time. So
 * a writer that waits holds either nothing or the right to the reserve, and what it waits
 * for are writes that are with the disk already: it always comes to an end.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>

#include "dm-ecache.h"
#include "fault.h"

#define ECACHE_BOUNCE_GFP	(GFP_NOWAIT | __GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN)

/* The cap: a 64th of memory, but 16 MiB at least. */
#define ECACHE_BOUNCE_CAP_SHIFT	6
#define ECACHE_BOUNCE_CAP_MIN	(SZ_16M >> PAGE_SHIFT)

static struct page *bounce_alloc(struct ecache_bounce_pool *pool, gfp_t gfp, unsigned int order)
{
	struct page *page = ecache_page_pop(order);

	if (!page)
		page = alloc_pages(gfp | (order ? __GFP_COMP : 0), order);
	/* The cap's price: a per-CPU add, which takes its lock once in a batch. */
	if (page)
		percpu_counter_add(&pool->used, 1 << order);
	return page;
}

static void bounce_free(struct ecache_bounce_pool *pool, struct page *page, unsigned int order)
{
	if (!ecache_page_push(page, order))
		__free_pages(page, order);
	percpu_counter_sub(&pool->used, 1 << order);
}

static bool over_cap(struct ecache_bounce_pool *pool, unsigned int pages)
{
	return percpu_counter_read_positive(&pool->used) + pages > pool->cap;
}

/*
 * The mempool's allocator: it tries this without sleeping first, and above the cap only its
 * reserve shall give.
 */
static void *reserve_alloc(gfp_t gfp, void *data)
{
	struct ecache_bounce_pool *pool = data;

	if ((gfp & __GFP_NORETRY) && over_cap(pool, 1))
		return NULL;
	return bounce_alloc(pool, gfp, 0);
}

static void reserve_free(void *page, void *data)
{
	bounce_free(data, page, 0);
}

/**
 * ecache_bounce_init - make the pool of a volume
 * @pool: zeroed
 *
 * Return: 0 or -ENOMEM.
 */
int ecache_bounce_init(struct ecache_bounce_pool *pool)
{
	int r;

	mutex_init(&pool->reserve_lock);
	pool->cap = max(totalram_pages() >> ECACHE_BOUNCE_CAP_SHIFT, (unsigned long)ECACHE_BOUNCE_CAP_MIN);
	r = percpu_counter_init(&pool->used, 0, GFP_KERNEL);
	if (r)
		return r;
	r = mempool_init(&pool->pages, ECACHE_MAX_WRITE_PAGES, reserve_alloc, reserve_free, pool);
	if (r)
		goto err_counter;
	r = mempool_init_kmalloc_pool(&pool->vecs, 1, ECACHE_MAX_WRITE_PAGES * sizeof(struct bio_vec));
	if (r)
		goto err_pages;
	return 0;

err_pages:
	mempool_exit(&pool->pages);
err_counter:
	percpu_counter_destroy(&pool->used);
	return r;
}

/**
 * ecache_bounce_exit - free the pool; no write is under way
 * @pool: initialised
 */
void ecache_bounce_exit(struct ecache_bounce_pool *pool)
{
	mempool_exit(&pool->vecs);
	mempool_exit(&pool->pages);
	WARN_ON_ONCE(percpu_counter_sum(&pool->used));
	percpu_counter_destroy(&pool->used);
}

/* Room for one more bvec. */
static int grow_vecs(struct ecache_bounce *b, gfp_t gfp)
{
	struct bio_vec *vec;

	if (b->vec != b->inline_vec || b->nr_vecs < ECACHE_INLINE_VECS)
		return 0;
	vec = mempool_alloc(&b->pool->vecs, gfp);
	if (!vec)
		return -EAGAIN;
	memcpy(vec, b->inline_vec, sizeof(b->inline_vec));
	b->vec = vec;
	return 0;
}

static void add_vec(struct ecache_bounce *b, struct page *page, unsigned int len)
{
	b->vec[b->nr_vecs++] = (struct bio_vec){ .bv_page = page, .bv_len = len };
}

static int bounce_get_fast(struct ecache_bounce *b, unsigned int bytes)
{
	struct ecache_bounce_pool *pool = b->pool;
	unsigned int order = ilog2(ECACHE_MAX_WRITE_PAGES), len;
	struct page *page;

	if (over_cap(pool, DIV_ROUND_UP(bytes, PAGE_SIZE)) || ecache_fault(ECACHE_FAULT_ALLOC))
		return -EAGAIN;
	while (bytes) {
		/*
		 * Only the last page may be partly used, so that get_order(bv_len) tells
		 * the order again.
		 */
		order = min_t(unsigned int, order, ilog2(DIV_ROUND_UP(bytes, PAGE_SIZE)));
		if (grow_vecs(b, ECACHE_BOUNCE_GFP))
			return -EAGAIN;
		page = bounce_alloc(pool, ECACHE_BOUNCE_GFP, order);
		if (!page) {
			if (!order--)
				return -EAGAIN;
			continue;
		}
		len = min_t(unsigned int, bytes, PAGE_SIZE << order);
		add_vec(b, page, len);
		bytes -= len;
	}
	return 0;
}

/*
 * Sleeps until the reserve has given all. It cannot wait for itself: what it waits for is
 * with the disk, and requests in the caller's plug are sent when it sleeps. Out of line, so that
 * what locks is not in the function that most writes need.
 */
static noinline void bounce_get_reserve(struct ecache_bounce *b, unsigned int bytes)
{
	struct ecache_bounce_pool *pool = b->pool;
	unsigned int noio, len;

	mutex_lock(&pool->reserve_lock);
	noio = memalloc_noio_save();
	while (bytes) {
		grow_vecs(b, GFP_NOIO);
		len = min_t(unsigned int, bytes, PAGE_SIZE);
		add_vec(b, mempool_alloc(&pool->pages, GFP_NOIO), len);
		bytes -= len;
	}
	memalloc_noio_restore(noio);
	mutex_unlock(&pool->reserve_lock);
}

static void bounce_empty(struct ecache_bounce *bounce, struct ecache_bounce_pool *pool)
{
	bounce->pool = pool;
	bounce->vec = bounce->inline_vec;
	bounce->nr_vecs = 0;
}

/**
 * ecache_bounce_get - pages for the ciphertext of a write
 * @vol: counts
 * @pool: where from
 * @bounce: gets the bvecs
 * @bytes: at most ECACHE_MAX_WRITE_PAGES pages
 * @nowait: do not sleep
 *
 * Return: 0, or -EAGAIN (only with @nowait).
 */
int ecache_bounce_get(struct ecache_volume *vol, struct ecache_bounce_pool *pool, struct ecache_bounce *bounce,
		      unsigned int bytes, bool nowait)
{
	bounce_empty(bounce, pool);
	if (likely(!bounce_get_fast(bounce, bytes)))
		return 0;
	ecache_bounce_put(bounce);
	if (nowait)
		return -EAGAIN;
	bounce_empty(bounce, pool);
	ecache_count(vol, reserve, 1);
	bounce_get_reserve(bounce, bytes);
	return 0;
}

/**
 * ecache_bounce_put - give the pages back
 * @bounce: with or without all its pages
 *
 * Called in any context.
 */
void ecache_bounce_put(struct ecache_bounce *bounce)
{
	struct ecache_bounce_pool *pool = bounce->pool;
	unsigned int i, order;

	for (i = 0; i < bounce->nr_vecs; i++) {
		order = get_order(bounce->vec[i].bv_len);
		if (order)
			bounce_free(pool, bounce->vec[i].bv_page, order);
		else
			mempool_free(bounce->vec[i].bv_page, &pool->pages);	/* refills the reserve first */
	}
	if (bounce->vec != bounce->inline_vec)
		mempool_free(bounce->vec, &pool->vecs);
}

/**
 * ecache_bounce_move - the pages get another owner
 * @to: overwritten
 * @from: empty afterwards
 */
void ecache_bounce_move(struct ecache_bounce *to, struct ecache_bounce *from)
{
	*to = *from;
	if (from->vec == from->inline_vec)
		to->vec = to->inline_vec;
	bounce_empty(from, from->pool);
}
