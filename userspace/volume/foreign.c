// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "foreign.h"
#include "header_luks.h"
#include "token.h"

static int get_key(struct luks *l, const struct secret *passphrase, struct secret *key, struct err *e)
{
	size_t len;
	int rc;

	rc = crypt_get_volume_key_size(l->cd);
	if (rc != 32 && rc != 64)
		return err_set(e, -EINVAL, "the volume key has %d bytes, not 32 or 64", rc);
	len = rc;
	rc = secret_alloc(key, len);
	if (rc)
		return err_sys(e, rc, "no locked memory for the volume key");
	rc = crypt_volume_key_get(l->cd, CRYPT_ANY_SLOT, (char *)key->data, &len, (const char *)passphrase->data,
				  passphrase->len);
	if (rc == -EPERM)
		return err_set(e, -EKEYREJECTED, "no keyslot opens with this passphrase");
	if (rc < 0)
		return luks_err(l, e, rc, "cannot get the volume key");
	key->len = len;
	return key->len == key->cap ? 0 : err_set(e, -EIO, "the volume key has %zu bytes, not %zu", len, key->cap);
}

int foreign_key(const char *path, const struct secret *passphrase, struct secret *key, struct err *e)
{
	struct luks l;
	int rc;

	rc = luks_load(&l, path, e);
	if (rc)
		return rc;
	rc = get_key(&l, passphrase, key, e);
	if (rc)
		secret_wipe(key);
	luks_free(&l);
	return rc;
}

int foreign_drop_keyslots(const char *path, struct err *e)
{
	crypt_keyslot_info info;
	struct luks l;
	int rc, i;

	rc = luks_load(&l, path, e);
	if (rc)
		return rc;
	for (i = 0; i < crypt_keyslot_max(CRYPT_LUKS2) && !rc; i++) {
		info = crypt_keyslot_status(l.cd, i);
		if (info == CRYPT_SLOT_INACTIVE || info == CRYPT_SLOT_INVALID)
			continue;
		rc = crypt_keyslot_destroy(l.cd, i);
		if (rc)
			luks_err(&l, e, rc, "cannot remove a keyslot");
	}
	luks_free(&l);
	return rc;
}

int foreign_drop_token(const char *path, struct err *e)
{
	const char *type;
	struct luks l;
	int rc, i;

	rc = luks_load(&l, path, e);
	if (rc)
		return rc;
	for (i = 0; i < crypt_token_max(CRYPT_LUKS2) && rc >= 0; i++) {
		type = NULL;
		if (crypt_token_status(l.cd, i, &type) == CRYPT_TOKEN_INACTIVE || !type || strcmp(type, TOKEN_TYPE))
			continue;
		rc = crypt_token_json_set(l.cd, i, NULL);
		if (rc < 0)
			luks_err(&l, e, rc, "cannot take the LUKS2 token out");
	}
	luks_free(&l);
	return rc < 0 ? rc : 0;
}
