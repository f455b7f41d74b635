/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ECACHE_FAKE_ACCEL_H
#define ECACHE_FAKE_ACCEL_H

#include <linux/types.h>
#include <crypto/internal/skcipher.h>

#include "fake.h"

/* How often something goes wrong; both zero: never. */
struct fake_fault {
	unsigned int every;		/* every Nth request since the last reset */
	unsigned int next;		/* the next N requests; counts down */
};

enum fake_order {
	FAKE_FIFO,
	FAKE_REVERSE,
	FAKE_RANDOM,
};

/**
 * struct ecache_fake_accel - the switches and counters of the fake accelerator
 *
 * Each is a module parameter of the same name (a fault is two: hang_every, hang_next). Kernel
 * tests find the structure by symbol_get(ecache_fake_accel). Switches may be changed at any time
 * and hold for what is submitted or completed from then on.
 *
 * @delay_us: from submission to completion; requests are delayed side by side
 * @depth: requests that are accepted and not completed, hung ones included; 0: any number. Above
 *	it, a request with CRYPTO_TFM_REQ_MAY_BACKLOG waits its turn (-EBUSY, then a callback with
 *	-EINPROGRESS, then one with the result), one without is refused with -ENOSPC.
 * @context: where the callback runs
 * @order: other than FIFO: everything queued when the oldest is due completes, in that order. A
 *	@delay_us gathers requests, a @depth bounds them.
 * @dma_align: a power of two, or 0: count requests with an address of IV, source or destination,
 *	or a length of one of their pieces, that is no multiple of it, or that no device could reach
 * @dma_apart: count requests whose source and destination share a page
 * @rude: -EBUSY, but the request is not queued: who waits for a callback waits for ever
 * @fail: -EIO at once
 * @error: completes with -EIO; the destination is all zeroes, as a device leaves it undefined
 * @hang: keeps its place in the queue and does not complete until released
 * @requests: submitted, whatever became of them; likewise the counters below, since the last reset
 * @backlogged: told -EBUSY, and queued
 * @nospc: told -ENOSPC
 * @ebusy: told -EBUSY, and not queued: @rude
 * @errors: by @fail and @error
 * @late: hung requests that were released and whose callback has returned
 * @misaligned: by @dma_align
 * @shared: by @dma_apart
 * @max_in_flight: the most that @depth counts, at one time
 * @setkeys: keys set
 * @in_flight: now: what @depth counts
 * @waiting: now: in the backlog
 * @hung: now: not yet released
 * @tfms: now: transforms that exist, and pin the module
 */
struct ecache_fake_accel {
	unsigned int delay_us;
	unsigned int depth;
	unsigned int context;		/* enum fake_context */
	unsigned int order;		/* enum fake_order */
	unsigned int dma_align;
	bool dma_apart;
	struct fake_fault rude, fail, error, hang;

	struct {
		unsigned int requests, backlogged, nospc, ebusy, errors, late, misaligned, shared;
		unsigned int max_in_flight, setkeys;
	} count;
	unsigned int in_flight, waiting, hung, tfms;
};

extern struct ecache_fake_accel ecache_fake_accel;

int ecache_fake_accel_release(unsigned int nr);
void ecache_fake_accel_reset(void);

/*
 * Inside the module.
 *
 * @inner: does the work; synchronous
 * @pending: requests whose final callback was not yet called; the device's
 */
struct fake_tfm {
	struct crypto_sync_skcipher *inner;
	unsigned int pending;
};

/* fake-accel-device.c */
int fake_device_init(void);
void fake_device_exit(void);
unsigned int fake_device_reqsize(void);
int fake_device_submit(struct skcipher_request *req, bool encrypt);
void fake_device_count_tfm(void);
void fake_device_count_setkey(void);
void fake_device_forget(struct crypto_skcipher *tfm);

#endif
