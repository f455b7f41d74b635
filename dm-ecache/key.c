// SPDX-License-Identifier: GPL-2.0
/*
 * Keys: from a message's argument to a keyed transform, and back to nothing.
 */
#include <linux/string.h>
#include <crypto/sha2.h>

#include "dm-ecache.h"

static const char ecache_key_id_label[] = "dm-ecache key id v1";

/**
 * ecache_key_id - the name of a key: the first 16 bytes of SHA-256(label || key)
 * @key: the key
 * @size: its size, at most ECACHE_MAX_KEY_SIZE
 * @id: result
 *
 * Not secret: a data key has at least 256 bits of entropy, so its hash tells nothing of use.
 */
void ecache_key_id(const u8 *key, unsigned int size, u8 id[ECACHE_KEY_ID_SIZE])
{
	const unsigned int label = sizeof(ecache_key_id_label) - 1;
	u8 text[sizeof(ecache_key_id_label) - 1 + ECACHE_MAX_KEY_SIZE];
	u8 digest[SHA256_DIGEST_SIZE];

	memcpy(text, ecache_key_id_label, label);
	memcpy(text + label, key, size);
	sha256(text, label + size, digest);
	memcpy(id, digest, ECACHE_KEY_ID_SIZE);
	memzero_explicit(text, sizeof(text));
	memzero_explicit(digest, sizeof(digest));
}

/**
 * ecache_key_alloc - a keyed transform
 * @key: the key; the caller wipes it
 * @size: its size
 *
 * Return: a key that is not published yet, its epoch and id unset; -EINVAL if XTS forbids
 * the key.
 */
struct ecache_key *ecache_key_alloc(const u8 *key, unsigned int size)
{
	struct ecache_key *new;
	int r;

	new = kzalloc_obj(*new);
	if (!new)
		return ERR_PTR(-ENOMEM);
	new->tfm = ecache_cpu_alloc();
	if (IS_ERR(new->tfm)) {
		r = PTR_ERR(new->tfm);
		goto err_free;
	}
	crypto_sync_skcipher_set_flags(new->tfm, CRYPTO_TFM_REQ_FORBID_WEAK_KEYS);
	r = crypto_sync_skcipher_setkey(new->tfm, key, size);
	if (r)
		goto err_tfm;
	return new;

err_tfm:
	crypto_free_sync_skcipher(new->tfm);
err_free:
	kfree(new);
	return ERR_PTR(r);
}

/**
 * ecache_key_free - wipe and free a key that nobody can reach any more
 * @key: NULL is fine
 */
void ecache_key_free(struct ecache_key *key)
{
	if (!key)
		return;
	/* Wipes the transform's context with it: kfree_sensitive() in crypto_destroy_tfm(). */
	crypto_free_sync_skcipher(key->tfm);
	kfree_sensitive(key);
}

static int parse_hex(const char *arg, u8 *key, unsigned int size, const char **why)
{
	if (strlen(arg) != 2 * size) {
		*why = "the key's size is not the table's";
		return -EINVAL;
	}
	if (hex2bin(key, arg, size)) {
		*why = "the key is not hex";
		return -EINVAL;
	}
	return 0;
}

/* :<bytes>:<type>:<description>; the description may hold colons. */
static int parse_keyring(const char *arg, u8 *key, unsigned int size, const char **why)
{
	const char *bytes = arg + 1, *type, *description;
	char number[8], type_name[16];
	unsigned int given;

	*why = "the key is not of the form :<bytes>:<type>:<description>";
	type = strchr(bytes, ':');
	if (!type || type == bytes || type - bytes >= (long)sizeof(number))
		return -EINVAL;
	description = strchr(++type, ':');
	if (!description || description == type || description - type >= (long)sizeof(type_name) || !description[1])
		return -EINVAL;
	memcpy(number, bytes, type - 1 - bytes);
	number[type - 1 - bytes] = '\0';
	memcpy(type_name, type, description - type);
	type_name[description - type] = '\0';
	if (number[0] == '+' || kstrtouint(number, 10, &given))
		return -EINVAL;
	if (given != size) {
		*why = "the key's size is not the table's";
		return -EINVAL;
	}
	return ecache_keyring_read(type_name, description + 1, key, size, why);
}

/**
 * ecache_key_parse - the key that a message's argument gives or names
 * @arg: hex, or :<bytes>:<type>:<description> of a key in the caller's keyrings; the caller
 *	wipes it
 * @key: result, @size bytes; on failure nothing of the key is left in it
 * @size: what the table says
 * @why: why not
 *
 * Return: 0, -EINVAL, or what the keyring said.
 */
int ecache_key_parse(const char *arg, u8 *key, unsigned int size, const char **why)
{
	int r;

	r = arg[0] == ':' ? parse_keyring(arg, key, size, why) : parse_hex(arg, key, size, why);
	if (r)
		memzero_explicit(key, size);
	return r;
}
