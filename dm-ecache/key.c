// SPDX-License-Identifier: GPL-2.0
/*
 * Keys: from a message's argument to a keyed transform, and back to nothing.
 */
#include <linux/slab.h>
#include <linux/string.h>
#include <crypto/sha2.h>

#include "dm-ecache.h"
#include "fault.h"
#include "trace.h"

/* MEM_RECLAIM: the end of a key must not wait for memory that only I/O would free. */
struct workqueue_struct *ecache_key_wq;

int ecache_key_init(void)
{
	ecache_key_wq = alloc_workqueue("ecache_key", WQ_UNBOUND | WQ_MEM_RECLAIM | WQ_HIGHPRI, 0);
	return ecache_key_wq ? 0 : -ENOMEM;
}

void ecache_key_exit(void)
{
	destroy_workqueue(ecache_key_wq);
	/* The tail of the last last_user_gone(), in an RCU callback. */
	synchronize_rcu();
}

static const char ecache_key_id_label[] = "dm-ecache key id v1";

/**
 * ecache_hash_secret - SHA-256 that leaves nothing of its input behind
 * @secret: at most ECACHE_HASH_MAX bytes
 * @size: their number
 * @digest: result; the caller wipes it if it is secret
 *
 * Some of the library's code (on x86 that for processors without SHA instructions) leaves the words
 * of its input on the stack, until the stack is used again. So the same computation runs once
 * more, over as many zeroes, at the same depth.
 */
noinline void ecache_hash_secret(const u8 *secret, unsigned int size, u8 digest[SHA256_DIGEST_SIZE])
{
	static const u8 nothing[ECACHE_HASH_MAX];
	u8 ignored[SHA256_DIGEST_SIZE];

	sha256(secret, size, digest);
	sha256(nothing, size, ignored);
}

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

	static_assert(sizeof(text) <= ECACHE_HASH_MAX);
	memcpy(text, ecache_key_id_label, label);
	memcpy(text + label, key, size);
	ecache_hash_secret(text, label + size, digest);
	memcpy(id, digest, ECACHE_KEY_ID_SIZE);
	memzero_explicit(text, sizeof(text));
	memzero_explicit(digest, sizeof(digest));
}

/* The last user is gone, or there never was one: may be in any context. */
static void last_user_gone(struct percpu_ref *users)
{
	struct ecache_key *key = container_of(users, struct ecache_key, users);

	queue_work(ecache_key_wq, &key->end_work);
}

static void end_counted_key(struct work_struct *work)
{
	struct ecache_key *key = container_of(work, struct ecache_key, end_work);
	struct ecache_volume *vol = key->vol;

	ecache_key_free(key);
	spin_lock_irq(&vol->state_lock);
	if (vol->state == ECACHE_REVOKING) {
		vol->state = vol->next;
		trace_ecache_key_state(vol->devt, vol->state, vol->reason, vol->epoch);
	}
	spin_unlock_irq(&vol->state_lock);
	ecache_event(vol);
	complete_all(&vol->key_gone);
	ecache_volume_release(vol);
}

static int count_users(struct ecache_key *key, struct ecache_volume *vol)
{
	INIT_WORK(&key->end_work, end_counted_key);
	return percpu_ref_init(&key->users, last_user_gone, 0, GFP_KERNEL);
}

static int key_cpu(struct ecache_key *key, const struct ecache_volume *vol, const u8 *raw, const char **why)
{
	const struct ecache_cipher *cipher = vol->identity.cipher;
	unsigned int size = vol->identity.key_size;
	int r;

	key->tfm = ecache_cpu_alloc(cipher);
	if (IS_ERR(key->tfm)) {
		r = PTR_ERR(key->tfm);
		key->tfm = NULL;
		return r;
	}
	crypto_sync_skcipher_set_flags(key->tfm, CRYPTO_TFM_REQ_FORBID_WEAK_KEYS);
	r = crypto_sync_skcipher_setkey(key->tfm, raw, size);
	if (r) {
		if (r == -EINVAL)
			*why = "the cipher forbids this key (XTS: are its halves equal?)";
		return r;
	}
	if (cipher->essiv) {
		key->essiv = ecache_essiv_alloc(raw, size);
		if (!key->essiv)
			return -ENOMEM;
	}
	return 0;
}

/**
 * ecache_key_alloc - a key in the forms that the volume's engine needs
 * @vol: the volume
 * @raw: the key, as long as the volume's keys are; the caller wipes it
 * @why: why not
 *
 * Every engine but inline also has the cpu's form: it takes over what an accelerator leaves.
 *
 * Return: a key that is not published yet, its epoch and id unset; -EINVAL if the cipher
 * forbids the key, -ENOMEM, or what the engine said.
 */
struct ecache_key *ecache_key_alloc(struct ecache_volume *vol, const u8 *raw, const char **why)
{
	const struct ecache_engine *engine = vol->identity.engine;
	struct ecache_key *new;
	int r;

	*why = "no memory for the key";
	if (ecache_fault(ECACHE_FAULT_KEY))
		return ERR_PTR(-ENOMEM);
	new = kzalloc_obj(*new);
	if (!new)
		return ERR_PTR(-ENOMEM);
	r = engine->no_cpu ? 0 : key_cpu(new, vol, raw, why);
	if (r)
		goto err_cpu;
	if (engine->outlives) {
		r = count_users(new, vol);
		if (r)
			goto err_cpu;
	}
	r = engine->key_init(vol, new, raw, why);
	if (r)
		goto err_users;
	new->vol = vol;
	if (engine->outlives)
		ecache_volume_hold(vol);
	return new;

err_users:
	if (engine->outlives)
		percpu_ref_exit(&new->users);
err_cpu:
	ecache_essiv_free(new->essiv);
	crypto_free_sync_skcipher(new->tfm);
	kfree_sensitive(new);
	return ERR_PTR(r);
}

/**
 * ecache_key_free - wipe and free a key that nobody can reach any more
 * @key: of ecache_key_alloc()
 */
void ecache_key_free(struct ecache_key *key)
{
	const struct ecache_engine *engine = key->vol->identity.engine;

	engine->key_exit(key);
	if (engine->outlives)
		percpu_ref_exit(&key->users);
	ecache_essiv_free(key->essiv);
	/* Wipes the transform's context with it: kfree_sensitive() in crypto_destroy_tfm(). */
	crypto_free_sync_skcipher(key->tfm);
	kfree_sensitive(key);
}

/**
 * ecache_key_hold - a reference in the users of the key that a bio began with
 * @vol: the volume, of an engine that outlives a call
 * @epoch: of the bio
 *
 * Return: the key, or NULL if it is not the volume's any more.
 */
struct ecache_key *ecache_key_hold(struct ecache_volume *vol, u64 epoch)
{
	struct ecache_key *key;

	rcu_read_lock();
	key = rcu_dereference(vol->key);
	if (key && (key->epoch != epoch || ecache_lease_over(vol) || !percpu_ref_tryget_live(&key->users)))
		key = NULL;
	rcu_read_unlock();
	return key;
}

/**
 * ecache_key_end - the key is unpublished, and a grace period over
 * @key: of ecache_key_alloc()
 *
 * Wiped when this returns, or, with engines that count its users, after the last of them.
 */
void ecache_key_end(struct ecache_key *key)
{
	if (key->vol->identity.engine->outlives)
		percpu_ref_kill(&key->users);
	else
		ecache_key_free(key);
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
static int parse_keyring(const char *arg, u8 *key, unsigned int size, bool logon_only, const char **why)
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
	if (logon_only && strcmp(type_name, "logon")) {
		*why = "with queue_if_locked only logon keys: another type's key may be in the making by a program";
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
 * @logon_only: of the keyring's types only logon: the caller's thread may be the one that
 *	swap on this volume waits for, and asking for a key of another type can wait for the
 *	program that makes it
 * @why: why not
 *
 * Return: 0, -EINVAL, or what the keyring said.
 */
int ecache_key_parse(const char *arg, u8 *key, unsigned int size, bool logon_only, const char **why)
{
	int r;

	r = arg[0] == ':' ? parse_keyring(arg, key, size, logon_only, why) : parse_hex(arg, key, size, why);
	if (r)
		memzero_explicit(key, size);
	return r;
}
