// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <keyutils.h>

#include "keyring.h"

int keyring_add(struct keyring_key *k, const char *luks_uuid, const struct secret *key, struct err *e)
{
	key_serial_t serial;

	k->serial = 0;
	/* A logon key's description needs a "service:" prefix, and a dm message's word has no blank. */
	snprintf(k->desc, sizeof(k->desc), "ecache:%s", luks_uuid);
	if (!key->len)
		return err_set(e, -EINVAL, "no key to put into the keyring");
	serial = add_key("logon", k->desc, key->data, key->len, KEY_SPEC_THREAD_KEYRING);
	if (serial < 0) {
		int rc = err_sys(e, -errno, "cannot add the key to the kernel keyring");

		if (rc == -EDQUOT)
			err_hint(e, "raise kernel.keys.root_maxkeys and root_maxbytes");
		return rc;
	}
	k->serial = serial;
	return 0;
}

void keyring_drop(struct keyring_key *k)
{
	if (!k->serial)
		return;
	/* Revoking frees the payload at once; the unlinking alone would leave that to the garbage collector. */
	keyctl_revoke(k->serial);
	keyctl_unlink(k->serial, KEY_SPEC_THREAD_KEYRING);
	k->serial = 0;
}
