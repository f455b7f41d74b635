// SPDX-License-Identifier: GPL-2.0-or-later
#include "context.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int pair_order(const void *a, const void *b)
{
	return strcmp(((const struct context_pair *)a)->key, ((const struct context_pair *)b)->key);
}

static bool clean_string(struct json_object *o)
{
	return json_object_is_type(o, json_type_string) &&
	       strlen(json_object_get_string(o)) == (size_t)json_object_get_string_len(o);
}

int context_from_json(struct context *ctx, struct json_object *o)
{
	struct json_object_iterator it, end;
	size_t bytes = 0;

	memset(ctx, 0, sizeof(*ctx));
	if (!o)
		return 0;
	if (!json_object_is_type(o, json_type_object))
		return -EINVAL;
	ctx->pair = calloc((size_t)json_object_object_length(o) + 1, sizeof(*ctx->pair));
	if (!ctx->pair)
		return -ENOMEM;
	ctx->owner = json_object_get(o);
	it = json_object_iter_begin(o);
	end = json_object_iter_end(o);
	for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
		struct json_object *value = json_object_iter_peek_value(&it);
		struct context_pair *pair = &ctx->pair[ctx->nr];

		pair->key = json_object_iter_peek_name(&it);
		if (!*pair->key || !clean_string(value))
			goto bad;
		pair->value = json_object_get_string(value);
		bytes += strlen(pair->key) + strlen(pair->value);
		if (bytes > CONTEXT_BYTES_MAX)
			goto bad;
		ctx->nr++;
	}
	qsort(ctx->pair, ctx->nr, sizeof(*ctx->pair), pair_order);
	return 0;

bad:
	context_free(ctx);
	return -EINVAL;
}

void context_free(struct context *ctx)
{
	free(ctx->pair);
	json_object_put(ctx->owner);
	memset(ctx, 0, sizeof(*ctx));
}

static void put_u32(struct buf *out, size_t v)
{
	const unsigned char be[4] = { (unsigned char)(v >> 24), (unsigned char)(v >> 16), (unsigned char)(v >> 8),
				      (unsigned char)v };

	buf_add(out, be, sizeof(be));
}

void context_encode(const struct context *ctx, struct buf *out)
{
	put_u32(out, ctx->nr);
	for (unsigned int i = 0; i < ctx->nr; i++) {
		put_u32(out, strlen(ctx->pair[i].key));
		buf_str(out, ctx->pair[i].key);
		put_u32(out, strlen(ctx->pair[i].value));
		buf_str(out, ctx->pair[i].value);
	}
}

bool context_has(const struct context *ctx, const char *key, const char *value)
{
	bool found = false;

	for (unsigned int i = 0; i < ctx->nr; i++) {
		if (strcasecmp(ctx->pair[i].key, key))
			continue;
		if (strcmp(ctx->pair[i].value, value))
			return false;
		found = true;
	}
	return found;
}

bool context_covers(const struct context *whole, const struct context *part)
{
	for (unsigned int i = 0; i < part->nr; i++)
		if (!context_has(whole, part->pair[i].key, part->pair[i].value))
			return false;
	return true;
}

bool context_matches(const struct context *a, const struct context *b)
{
	return a->nr == b->nr && context_covers(a, b) && context_covers(b, a);
}

/* folded_pair - length and bytes of the key in lower case (as strcasecmp() sees it), then of the value. */
static void folded_pair(const struct context_pair *pair, struct buf *out)
{
	put_u32(out, strlen(pair->key));
	for (const char *p = pair->key; *p; p++)
		buf_char(out, *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p);
	put_u32(out, strlen(pair->value));
	buf_str(out, pair->value);
}

static int buf_order(const void *a, const void *b)
{
	const struct buf *x = a, *y = b;
	int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);

	if (order)
		return order;
	return x->len < y->len ? -1 : x->len > y->len;
}

int context_folded_hash(const struct context *ctx, uint8_t out[SHA256_SIZE])
{
	struct buf *pair = calloc((size_t)ctx->nr + 1, sizeof(*pair)), all = BUF_INIT;
	bool failed = !pair;
	int rc = -ENOMEM;

	for (unsigned int i = 0; !failed && i < ctx->nr; i++) {
		folded_pair(&ctx->pair[i], &pair[i]);
		failed = pair[i].failed;
	}
	if (failed)
		goto out;
	qsort(pair, ctx->nr, sizeof(*pair), buf_order);
	for (unsigned int i = 0; i < ctx->nr; i++)
		if (!i || buf_order(&pair[i - 1], &pair[i]))
			buf_add(&all, pair[i].data, pair[i].len);
	if (!all.failed)
		rc = crypto_sha256(all.data ? all.data : "", all.len, out);
out:
	for (unsigned int i = 0; pair && i < ctx->nr; i++)
		buf_wipe(&pair[i]);
	free(pair);
	buf_wipe(&all);
	return rc;
}

bool context_equal(const struct context *a, const struct context *b)
{
	if (a->nr != b->nr)
		return false;
	for (unsigned int i = 0; i < a->nr; i++)
		if (strcmp(a->pair[i].key, b->pair[i].key) || strcmp(a->pair[i].value, b->pair[i].value))
			return false;
	return true;
}
