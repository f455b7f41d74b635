/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_CONTENT_H
#define ECACHE_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "../common/err.h"
#include "../common/secret.h"
#include "device.h"
#include "header.h"
#include "xts.h"

/*
 * What is in a volume or an image, behind its header, for somebody with the key and without the kernel: read below any
 * mapping and past the page cache where the disk can (O_DIRECT), so that what a mapping wrote is seen, and what is read
 * back was on the disk.
 *
 * A grain is 4096 bytes (the last one may be shorter). One that is all zeros on the disk was never written, or was
 * discarded: it has no plaintext, is not copied, and counts as absent in the sum.
 */
#define CONTENT_GRAIN	4096
#define CONTENT_CHUNK	(1024 * 1024)	/* read and written at once */
#define CONTENT_SUM_LEN	64

struct content {
	int fd;			/* -1 when closed */
	bool direct;		/* O_DIRECT */
	bool blank;		/* a new file: absent grains are holes already */
	uint64_t offset;	/* of the data area */
	uint64_t bytes;		/* of the data area, whole sectors */
	struct xts xts;
	const char *name;	/* for messages; the caller's */
};

#define CONTENT_INIT { .fd = -1 }

/* What was copied or read. */
struct content_sum {
	char sha256[CONTENT_SUM_LEN + 1];	/* over each chunk's map of grains, and the plaintext of those there */
	uint64_t stored;			/* bytes that are there */
};

/* Who waits for it: called after every chunk; not 0 ends the work with that, @e told. */
struct content_watch {
	int (*go_on)(void *ctx, uint64_t done, struct err *e);
	void *ctx;
};

/*
 * content_open - @d stays open and keeps its claim. -EINVAL (key), -ENOMEM, -EIO. content_close - safe on a closed
 *	one.
 */
int content_open(struct content *c, const struct device *d, const struct header *h, const struct secret *key,
		 bool write, struct err *e);
void content_close(struct content *c);

/*
 * content_copy - all of @from into @to, which has at least as much room and sectors of the same size, and the sum
 * of what was read. Absent grains are absent in @to afterwards: zeros are written where something else is. On disk
 * on return. -EIO, -ENOSPC.
 */
int content_copy(struct content *from, struct content *to, const struct content_watch *w, struct content_sum *sum,
		 struct err *e);

/* content_read - the sum of the first @bytes of @c, read from its disk. */
int content_read(struct content *c, uint64_t bytes, const struct content_watch *w, struct content_sum *sum,
		 struct err *e);

#endif
