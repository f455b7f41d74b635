/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_CONTEXT_H
#define KMSD_CONTEXT_H

#include <stdbool.h>
#include <json-c/json.h>

#include "buf.h"
#include "crypto.h"

/*
 * An encryption context: pairs of strings, sorted by key (bytes), no key twice. The strings belong to a JSON object
 * that the context holds a reference to; zero is the empty context.
 */
struct context_pair {
	const char *key;
	const char *value;
};

struct context {
	unsigned int nr;
	struct context_pair *pair;
	struct json_object *owner;
};

#define CONTEXT_INIT { 0 }
#define CONTEXT_BYTES_MAX 8192		/* keys and values together, in a request */

/*
 * context_from_json - @o is a JSON object of strings, or NULL for an empty context. -EINVAL when it is anything else, a
 * key is empty, a string holds a NUL or all is over CONTEXT_BYTES_MAX; -ENOMEM.
 */
int context_from_json(struct context *ctx, struct json_object *o);
void context_free(struct context *ctx);

/*
 * context_encode - the one encoding of a context: count, then length and bytes of each key and value. What is
 * authenticated with a ciphertext; two contexts encode alike only if they are equal.
 */
void context_encode(const struct context *ctx, struct buf *out);

/*
 * context_has - whether @ctx gives every key that equals @key without regard to case the value @value, and has such a
 * key. Grant constraints and policy conditions do not see the case of keys; a request that carries the key
 * in two spellings passes only if both say the same.
 */
bool context_has(const struct context *ctx, const char *key, const char *value);

/* context_covers - every pair of @part is in @whole in the sense of context_has(). */
bool context_covers(const struct context *whole, const struct context *part);

/* context_matches - the same pairs, keys compared without regard to case. */
bool context_matches(const struct context *a, const struct context *b);

/*
 * context_folded_hash - SHA-256 over the pairs with keys in lower case, each once: equal for contexts that match. What
 * the grants of a key are looked up by; context_matches() still decides. -ENOMEM, -EIO.
 */
int context_folded_hash(const struct context *ctx, uint8_t out[SHA256_SIZE]);

/* context_equal - the same pairs, byte for byte. */
bool context_equal(const struct context *a, const struct context *b);

#endif
