// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../common/encode.h"
#include "../common/fsio.h"
#include "content.h"
#include "dmline.h"

#define GRAINS (CONTENT_CHUNK / CONTENT_GRAIN)

/* One run over a content; big, and aligned for O_DIRECT, so mapped. */
struct run {
	uint8_t chunk[CONTENT_CHUNK];
	uint8_t there[CONTENT_CHUNK];	/* what a target holds where nothing is to be */
	uint8_t map[GRAINS];		/* 1: the grain is there */
	size_t len;			/* of this chunk */
	EVP_MD_CTX *hash;
	uint64_t stored;
};

static struct run *run_new(struct err *e)
{
	struct run *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (r == MAP_FAILED)
		goto none;
	r->hash = EVP_MD_CTX_new();
	if (r->hash && EVP_DigestInit_ex(r->hash, EVP_sha256(), NULL) == 1)
		return r;
	EVP_MD_CTX_free(r->hash);
	munmap(r, sizeof(*r));
none:
	err_sys(e, -ENOMEM, "no memory to copy with");
	return NULL;
}

static void run_free(struct run *r)
{
	EVP_MD_CTX_free(r->hash);
	explicit_bzero(r, sizeof(*r));
	munmap(r, sizeof(*r));
}

static int run_end(struct run *r, struct content_sum *sum, struct err *e)
{
	uint8_t hash[EVP_MAX_MD_SIZE];

	if (EVP_DigestFinal_ex(r->hash, hash, NULL) != 1)
		return err_sys(e, -EIO, "cannot make a sum");
	hex_encode(hash, CONTENT_SUM_LEN / 2, sum->sha256);
	sum->stored = r->stored;
	return 0;
}

static bool is_zero(const uint8_t *p, size_t len)
{
	return !p[0] && !memcmp(p, p + 1, len - 1);
}

static size_t grain_len(const struct run *r, size_t i)
{
	size_t left = r->len - i * CONTENT_GRAIN;

	return left < CONTENT_GRAIN ? left : CONTENT_GRAIN;
}

static size_t grains(const struct run *r)
{
	return (r->len + CONTENT_GRAIN - 1) / CONTENT_GRAIN;
}

/*
 * cached - true once: an end that is no whole block of the disk below goes through the cache. Of a device it is one, so
 * no old page of its cache is seen.
 */
static bool cached(struct content *c, int rc)
{
	if (rc != -EINVAL || !c->direct || fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) & ~O_DIRECT))
		return false;
	c->direct = false;
	return true;
}

static int get(struct content *c, uint8_t *p, size_t len, uint64_t at, struct err *e)
{
	off_t off = (off_t)(c->offset + at);
	int rc = pread_all(c->fd, p, len, off);

	if (cached(c, rc))
		rc = pread_all(c->fd, p, len, off);
	return rc ? err_sys(e, rc, "cannot read %s at byte %llu", c->name, (unsigned long long)off) : 0;
}

static int put(struct content *c, const uint8_t *p, size_t len, uint64_t at, struct err *e)
{
	off_t off = (off_t)(c->offset + at);
	int rc = pwrite_all(c->fd, p, len, off);

	if (cached(c, rc))
		rc = pwrite_all(c->fd, p, len, off);
	return rc ? err_sys(e, rc, "cannot write %s at byte %llu", c->name, (unsigned long long)off) : 0;
}

/* read_chunk - decrypted, and into the sum. */
static int read_chunk(struct run *r, struct content *c, uint64_t at, struct err *e)
{
	size_t i, n = grains(r), len;
	uint8_t *p = r->chunk;
	int rc;

	rc = get(c, r->chunk, r->len, at, e);
	if (rc)
		return rc;
	for (i = 0; i < n; i++)
		r->map[i] = !is_zero(p + i * CONTENT_GRAIN, grain_len(r, i));
	if (EVP_DigestUpdate(r->hash, r->map, n) != 1)
		return err_sys(e, -EIO, "cannot make a sum");
	for (i = 0; i < n; i++, p += CONTENT_GRAIN) {
		if (!r->map[i])
			continue;
		len = grain_len(r, i);
		rc = xts_decrypt(&c->xts, at + i * CONTENT_GRAIN, p, len);
		if (rc || EVP_DigestUpdate(r->hash, p, len) != 1)
			return err_sys(e, rc ? rc : -EIO, "cannot decrypt %s", c->name);
		r->stored += len;
	}
	return 0;
}

/* clear - nothing is there afterwards; a thin device that has nothing there stays thin. */
static int clear(struct run *r, struct content *c, size_t from, size_t len, uint64_t at, struct err *e)
{
	uint8_t *p = r->there + from;
	int rc;

	if (c->blank)
		return 0;
	rc = get(c, p, len, at + from, e);
	if (rc || is_zero(p, len))
		return rc;
	memset(p, 0, len);
	return put(c, p, len, at + from, e);
}

static int write_chunk(struct run *r, struct content *c, uint64_t at, struct err *e)
{
	size_t i, j, n = grains(r), from, len;
	int rc = 0;

	for (i = 0; i < n && !rc; i = j) {
		for (j = i + 1; j < n && r->map[j] == r->map[i]; j++)
			;
		from = i * CONTENT_GRAIN;
		len = (j == n ? r->len : j * CONTENT_GRAIN) - from;
		if (!r->map[i]) {
			rc = clear(r, c, from, len, at, e);
			continue;
		}
		rc = xts_encrypt(&c->xts, at + from, r->chunk + from, len);
		rc = rc ? err_sys(e, rc, "cannot encrypt for %s", c->name) : put(c, r->chunk + from, len, at + from, e);
	}
	return rc;
}

/* sync_out - on the disk, and the next read comes from there. */
static int sync_out(const struct content *c, struct err *e)
{
	if (fsync(c->fd))
		return err_sys(e, -errno, "cannot write %s to its disk", c->name);
	posix_fadvise(c->fd, 0, 0, POSIX_FADV_DONTNEED);
	return 0;
}

static int go_through(struct content *from, struct content *to, uint64_t bytes, const struct content_watch *w,
		      struct content_sum *sum, struct err *e)
{
	struct run *r = run_new(e);
	uint64_t at;
	int rc = 0;

	if (!r)
		return -ENOMEM;
	for (at = 0; at < bytes && !rc; at += r->len) {
		r->len = bytes - at < CONTENT_CHUNK ? bytes - at : CONTENT_CHUNK;
		rc = read_chunk(r, from, at, e);
		if (!rc && to)
			rc = write_chunk(r, to, at, e);
		if (!rc && w)
			rc = w->go_on(w->ctx, at + r->len, e);
	}
	if (!rc && to)
		rc = sync_out(to, e);
	if (!rc)
		rc = run_end(r, sum, e);
	run_free(r);
	return rc;
}

int content_copy(struct content *from, struct content *to, const struct content_watch *w, struct content_sum *sum,
		 struct err *e)
{
	if (to->bytes < from->bytes || to->xts.sector_size != from->xts.sector_size)
		return err_set(e, -EINVAL, "%s does not fit into %s", from->name, to->name);
	return go_through(from, to, from->bytes, w, sum, e);
}

int content_read(struct content *c, uint64_t bytes, const struct content_watch *w, struct content_sum *sum,
		 struct err *e)
{
	return go_through(c, NULL, bytes, w, sum, e);
}

int content_open(struct content *c, const struct device *d, const struct header *h, const struct secret *key,
		 bool write, struct err *e)
{
	int flags = (write ? O_RDWR : O_RDONLY) | O_CLOEXEC, rc;

	*c = (struct content){
		.fd = -1, .direct = true, .offset = h->data_offset, .name = d->name,
		.bytes = dm_table_sectors(d->bytes, h->data_offset, h->sector_size) * 512,
	};
	rc = xts_init(&c->xts, key, h->sector_size, e);
	if (rc)
		return rc;
	c->fd = open(d->path, flags | O_DIRECT);
	if (c->fd < 0 && errno == EINVAL) {
		c->direct = false;
		c->fd = open(d->path, flags);
	}
	if (c->fd >= 0)
		return 0;
	rc = err_sys(e, -errno, "cannot open %s", d->name);
	content_close(c);
	return rc;
}

void content_close(struct content *c)
{
	xts_wipe(&c->xts);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}
