/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_QUEUE_H
#define ECACHE_QUEUE_H

#include <json-c/json.h>

#include "endpoint.h"
#include "kms.h"

/*
 * A queue of SQS, or of a service that speaks its JSON protocol: where it is, and taking messages out of it. A queue is
 * never evidence of anything: whoever may write to it says what is in it.
 */
#define QUEUE_REGION_SIZE 65
#define QUEUE_URL_MAX 1024

/* Where a queue is. */
struct queue_place {
	struct endpoint endpoint;
	char region[QUEUE_REGION_SIZE];	/* of the signature */
};

/*
 * queue_place - of a queue's URL, "https://HOST[:PORT]/PATH" or "http://127.0.0.1:PORT/PATH". The region is the one in
 * AWS's host names (sqs.REGION.amazonaws.com), else @region. Requests go to @endpoint (endpoint.h: a VPC endpoint) if
 * it is given. -EINVAL; FIFO queues are refused: events belong to no group.
 */
int queue_place(const char *url, const char *endpoint, const char *region, struct queue_place *out, struct err *e);

struct queue {
	const char *url;
	struct queue_place place;
};

#define QUEUE_BATCH 10		/* SQS's most */
#define QUEUE_WAIT_S 20		/* SQS's longest: an empty queue is asked three times a minute, not all the time */
#define QUEUE_RECEIVE_MS 8000	/* and what it is told to wait */
#define QUEUE_DELETE_MS 5000
/* Events have some 4 KiB, with a key policy in them up to 100. What is larger stays until the queue drops it. */
#define QUEUE_ANSWER_MAX (256 * 1024)

/* Messages of one answer; their texts are borrowed from @obj. */
struct queue_batch {
	struct json_object *obj;
	unsigned int nr;
	struct {
		const char *body;
		size_t len;
		const char *receipt;
	} message[QUEUE_BATCH];
};

/*
 * queue_receive - wait until there are messages or @wait_s (0..QUEUE_WAIT_S) are over; @most at a time (1 to
 * QUEUE_BATCH). The client must have been opened with QUEUE_ANSWER_MAX. Returns as kms.h's operations; *out is to be
 * freed, and empty unless 0. -EMSGSIZE: they are larger than that together; ask for fewer.
 */
int queue_receive(struct kms *k, const struct queue *q, unsigned int wait_s, unsigned int most,
		  struct queue_batch *out, struct kms_answer *a, struct err *e);

/* queue_delete - all of a batch; *left of them are still there, also when 0 is returned, and *e says why. */
int queue_delete(struct kms *k, const struct queue *q, const struct queue_batch *b, unsigned int *left,
		 struct kms_answer *a, struct err *e);

void queue_batch_free(struct queue_batch *b);

#endif
