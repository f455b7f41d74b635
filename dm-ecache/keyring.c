// SPDX-License-Identifier: GPL-2.0
/*
 * Keys from the kernel keyring. The payload stays the keyring's; whoever put it there takes
 * it out again.
 */
#include <linux/key.h>
#include <linux/key-type.h>
#include <linux/rwsem.h>
#include <linux/string.h>
#include <keys/user-type.h>

#include "dm-ecache.h"

static int copy_user(const struct key *key, u8 *to, unsigned int size)
{
	const struct user_key_payload *payload = user_key_payload_locked(key);

	if (!payload)
		return -EKEYREVOKED;
	if (payload->datalen != size)
		return -EINVAL;
	memcpy(to, payload->data, size);
	return 0;
}

static int copy_encrypted(const struct key *key, u8 *to, unsigned int size)
{
	const struct encrypted_key_payload *payload = dereference_key_locked(key);

	if (!payload)
		return -EKEYREVOKED;
	if (payload->decrypted_datalen != size)
		return -EINVAL;
	memcpy(to, payload->decrypted_data, size);
	return 0;
}

static int copy_trusted(const struct key *key, u8 *to, unsigned int size)
{
	const struct trusted_key_payload *payload = dereference_key_locked(key);

	if (!payload)
		return -EKEYREVOKED;
	if (payload->key_len != size)
		return -EINVAL;
	memcpy(to, payload->key, size);
	return 0;
}

static const struct ecache_key_type {
	const char *name;
	struct key_type *type;		/* NULL: not in this kernel */
	int (*copy)(const struct key *key, u8 *to, unsigned int size);
} ecache_key_types[] = {
	{ "logon", &key_type_logon, copy_user },
	{ "user", &key_type_user, copy_user },
	{ "encrypted", ECACHE_KEY_TYPE_ENCRYPTED, copy_encrypted },
	{ "trusted", ECACHE_KEY_TYPE_TRUSTED, copy_trusted },
};

/**
 * ecache_keyring_read - copy a key's payload out of the keyring
 * @type: logon, user, encrypted or trusted
 * @description: the key's name, searched in the keyrings of the calling process
 * @key: result, @size bytes
 * @size: the payload must have exactly this size
 * @why: why not
 *
 * Return: 0; -ENOKEY, -EKEYREVOKED, -EKEYEXPIRED or -EACCES of the keyring, -EINVAL for an
 * unknown type or another size.
 */
int ecache_keyring_read(const char *type, const char *description, u8 *key, unsigned int size, const char **why)
{
	const struct ecache_key_type *kt = NULL;
	struct key *found;
	unsigned int i;
	int r;

	for (i = 0; i < ARRAY_SIZE(ecache_key_types); i++)
		if (!strcmp(type, ecache_key_types[i].name))
			kt = &ecache_key_types[i];
	if (!kt || !kt->type) {
		*why = "unknown key type (logon, user, encrypted, or trusted where the kernel has it built in)";
		return -EINVAL;
	}
	found = request_key(kt->type, description, NULL);
	if (IS_ERR(found)) {
		*why = "no such key in the caller's keyrings";
		return PTR_ERR(found);
	}
	down_read(&found->sem);
	r = kt->copy(found, key, size);
	up_read(&found->sem);
	key_put(found);
	if (r)
		*why = r == -EINVAL ? "the keyring key's size is not the table's" : "the keyring key is revoked";
	return r;
}
