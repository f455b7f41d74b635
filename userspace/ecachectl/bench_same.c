// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../common/fsio.h"
#include "bench_same.h"

#define BYTES (128 * 1024)
#define ALIGNMENT 4096		/* of O_DIRECT, whatever the disk */

static int compare(const struct bench_targets *t, const struct bench *b, unsigned int i, const char *wrote, char *got,
		   struct err *e)
{
	bool plain = b->targets[i].kind == BENCH_RAW || b->targets[i].kind == BENCH_LINEAR;
	int rc;

	rc = pread_all(t->fd[i], got, BYTES, 0);
	if (rc)
		return err_sys(e, rc, "cannot read through %s", b->targets[i].name);
	if (plain != !memcmp(wrote, got, BYTES))
		return 0;
	return err_set(e, -EBADMSG, plain ? "dm-ecache wrote plaintext: %s reads it" :
		       "%s does not read what dm-ecache wrote", b->targets[i].name);
}

int bench_same(const struct bench_targets *t, const struct bench *b, struct err *e)
{
	int writer = bench_find(b, BENCH_ECACHE), rc = 0;
	char *wrote = aligned_alloc(ALIGNMENT, BYTES), *got = aligned_alloc(ALIGNMENT, BYTES);
	unsigned int i;
	size_t at;

	if (!wrote || !got) {
		rc = err_set(e, -ENOMEM, "out of memory");
		goto out;
	}
	for (at = 0; at < BYTES; at += 256)
		if (getrandom(wrote + at, 256, 0) != 256)
			rc = -EIO;
	if (!rc)
		rc = pwrite_all(t->fd[writer], wrote, BYTES, 0);
	if (rc)
		err_sys(e, rc, "cannot write through %s", b->targets[writer].name);
	for (i = 0; !rc && i < b->nr_targets; i++)
		rc = compare(t, b, i, wrote, got, e);
out:
	free(wrote);
	free(got);
	return rc;
}
