// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "../volume/keyid.h"
#include "format.h"

static int fill_token(const struct format_spec *f, const struct secret *key, const char *digest, struct token *t,
		      struct err *e)
{
	int rc;

	strcpy(t->key_arn, f->key_arn);
	strcpy(t->grant_id, f->granted->id);
	memcpy(t->blob, f->granted->blob, f->granted->blob_len);
	t->blob_len = f->granted->blob_len;
	strcpy(t->cache_id, f->cache_id);
	strcpy(t->luks_uuid, f->luks_uuid);
	t->sector_size = f->sector_size;
	t->key_size = key->len;
	strcpy(t->digest, digest);
	rc = keyid_of(key, t->key_id);
	return rc ? err_sys(e, rc, "cannot name the key") : 0;
}

int format_header(const struct format_spec *f, const struct secret *key, struct token *t, struct header *h,
		  struct err *e)
{
	const struct header_spec spec = {
		.luks_uuid = f->luks_uuid, .cache_id = f->cache_id, .sector_size = f->sector_size,
	};
	char digest[TOKEN_DIGEST_MAX + 1], hash[TOKEN_HASH_LEN + 1];
	int rc;

	rc = header_format(f->path, &spec, key, digest, e);
	if (!rc)
		rc = fill_token(f, key, digest, t, e);
	if (!rc)
		rc = header_write_token(f->path, t, e);
	if (!rc)
		rc = header_load(f->path, h, e);
	if (!rc)
		rc = header_verify_key(f->path, key, e);
	if (!rc)
		rc = token_hash(t, hash, e);
	if (rc)
		return rc;
	if (strcmp(h->luks_uuid, f->luks_uuid) || strcmp(h->digest, digest) || strcmp(h->token_sha256, hash))
		return err_set(e, -EIO, "the header read back from %s is not the one that was written", f->shown);
	return 0;
}
