// SPDX-License-Identifier: GPL-2.0
/*
 * The ciphers that a table can name, and the IV that one of them encrypts.
 *
 * Few on purpose: what caches use, what has no CPU with AES instructions (Adiantum), and what
 * existing volumes and accelerators without XTS have (CBC with ESSIV). Each writes the bytes
 * that dm-crypt writes under the same name.
 */
#include <linux/slab.h>
#include <linux/string.h>
#include <crypto/sha2.h>

#include "dm-ecache.h"

static const struct ecache_cipher ecache_ciphers[] = {
	{
		.name = "aes-xts-plain64",
		.alg = "xts(aes)",
		.inner = "__xts(aes)",
		.key_sizes = { 32, 64 },
		.iv_size = 16,
	},
	{
		.name = "aes-cbc-essiv:sha256",
		.alg = "cbc(aes)",
		.inner = "__cbc(aes)",
		.key_sizes = { 16, 24, 32 },
		.iv_size = 16,
		.essiv = true,
	},
	{
		.name = "xchacha12,aes-adiantum-plain64",
		.alg = "adiantum(xchacha12,aes)",
		.key_sizes = { 32 },
		.iv_size = 32,
		.reads_twice = true,
	},
};

/**
 * ecache_cipher_find - the cipher of a name
 * @name: as in a table
 *
 * Return: the cipher, NULL if there is none of that name.
 */
const struct ecache_cipher *ecache_cipher_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ecache_ciphers); i++)
		if (!strcmp(name, ecache_ciphers[i].name))
			return &ecache_ciphers[i];
	return NULL;
}

/**
 * ecache_cipher_takes_key - whether a key of this size is one of the cipher's
 * @cipher: the cipher
 * @size: bytes
 *
 * Return: true if it is.
 */
bool ecache_cipher_takes_key(const struct ecache_cipher *cipher, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cipher->key_sizes) && cipher->key_sizes[i]; i++)
		if (cipher->key_sizes[i] == size)
			return true;
	return false;
}

/* AES-256 under the SHA-256 of the key. One block a sector: the library's C code is enough. */
struct ecache_essiv {
	struct ecache_aes_enckey aes;
};

/**
 * ecache_essiv_alloc - what encrypts the IVs of a key
 * @key: the key; the caller wipes it
 * @size: its size
 *
 * Return: NULL without memory.
 */
struct ecache_essiv *ecache_essiv_alloc(const u8 *key, unsigned int size)
{
	struct ecache_essiv *essiv = kzalloc_obj(*essiv);
	u8 salt[SHA256_DIGEST_SIZE];

	if (!essiv)
		return NULL;
	ecache_hash_secret(key, size, salt);
	/* Fails for a size that AES does not have only. */
	WARN_ON_ONCE(ecache_aes_prepare(&essiv->aes, salt, sizeof(salt)));
	memzero_explicit(salt, sizeof(salt));
	return essiv;
}

/**
 * ecache_essiv_free - wipe and free
 * @essiv: NULL is fine
 */
void ecache_essiv_free(struct ecache_essiv *essiv)
{
	kfree_sensitive(essiv);
}

/**
 * ecache_essiv_iv - encrypt an IV in place
 * @essiv: of the key
 * @iv: 16 bytes
 */
void ecache_essiv_iv(const struct ecache_essiv *essiv, __le64 iv[])
{
	ecache_aes_encrypt(&essiv->aes, (u8 *)iv, (const u8 *)iv);
}
