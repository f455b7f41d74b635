/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_BACKUP_FAKE_H
#define ECACHED_BACKUP_FAKE_H

/*
 * For world.h, which includes it: the calls of backup and restore that can be struck, and a file system that can be
 * frozen.
 */
/* While it is copied, a teardown may take the key, or the disk may store something else. */
typeof(content_copy) __real_content_copy, __wrap_content_copy;
int __wrap_content_copy(struct content *from, struct content *to, const struct content_watch *w,
			struct content_sum *sum, struct err *e)
{
	int rc = strike("content_copy", true);

	if (rc)
		return err_set(e, rc, "struck before content_copy");
	if (world->key_goes)
		world->dm.dev[0].state = DM_STATE_REVOKED;
	rc = __real_content_copy(from, to, w, sum, e);
	if (!rc && world->image_rots)
		assert_int_equal(pwrite(to->fd, world, CONTENT_GRAIN, (off_t)to->offset), CONTENT_GRAIN);
	if (!rc)
		rc = strike("content_copy", false);
	return rc == -EIO ? err_set(e, rc, "struck after content_copy") : rc;
}

FAULTY(content_read, (struct content *c, uint64_t bytes, const struct content_watch *w, struct content_sum *sum,
		      struct err *e), (c, bytes, w, sum, e))
FAULTY(backup_store, (const char *dir, const struct backup *b, struct err *e), (dir, b, e))

/* An open volume of a world is on no disk that could be frozen; what it is frozen for is volume/freeze_test.c's. */
typeof(freeze_prepare) __wrap_freeze_prepare;
int __wrap_freeze_prepare(struct freeze *f, const char *mapper, dev_t dev, unsigned int max_ms, struct err *e)
{
	int rc = strike("freeze_prepare", true);

	(void)mapper;
	(void)dev;
	*f = (struct freeze)FREEZE_INIT;
	f->max_ms = max_ms;
	return rc ? err_set(e, rc, "struck before freeze_prepare") : 0;
}

typeof(freeze_end) __wrap_freeze_end;
int __wrap_freeze_end(struct freeze *f, int64_t *paused_ms, struct err *e)
{
	int rc = strike("freeze_end", true);

	(void)f;
	*paused_ms = world->dm.nr ? 12 : 0;
	if (world->freeze_expires)
		return err_set(e, -ETIMEDOUT, "thawed too early");
	return rc ? err_set(e, rc, "struck before freeze_end") : 0;
}

/* world_key_of - what the KMS says for a volume or an image. */
static inline void world_key_of(const struct header *h, struct secret *key)
{
	struct kms_context ctx;
	const struct net_request rq = {
		.context = &ctx, .key_arn = h->token.key_arn, .blob = h->token.blob, .blob_len = h->token.blob_len,
	};
	struct net_answer a;

	volume_context(h->token.cache_id, h->luks_uuid, &ctx);
	assert_int_equal(secret_alloc(key, h->key_size), 0);
	world_unwrap(&rq, key, &a);
	assert_int_equal(key->len, h->key_size);
}

#endif
