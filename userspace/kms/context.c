// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/encode.h"
#include "../common/json.h"
#include "client.h"

#define CONTEXT_PAIRS_MAX 8
#define CONTEXT_TEXT_MAX 384	/* of a value in a grant constraint */

int context_check(const struct kms_context *ctx, struct err *e)
{
	unsigned int i;

	if (ctx->nr > CONTEXT_PAIRS_MAX)
		return err_set(e, -EINVAL, "an encryption context has at most %d pairs", CONTEXT_PAIRS_MAX);
	for (i = 0; i < ctx->nr; i++) {
		if (!*ctx->pair[i].key || strlen(ctx->pair[i].key) > CONTEXT_TEXT_MAX ||
		    strlen(ctx->pair[i].value) > CONTEXT_TEXT_MAX)
			return err_set(e, -EINVAL, "a key or value of the encryption context is empty or too long");
		if (i && strcmp(ctx->pair[i - 1].key, ctx->pair[i].key) >= 0)
			return err_set(e, -EINVAL, "the encryption context is not sorted, or has a key twice");
	}
	return 0;
}

struct json_object *context_json(const struct kms_context *ctx)
{
	struct json_object *o = json_object_new_object();
	unsigned int i;

	for (i = 0; i < ctx->nr; i++) {
		if (js_put_string(o, ctx->pair[i].key, ctx->pair[i].value)) {
			json_object_put(o);
			return NULL;
		}
	}
	return o;
}

struct json_object *blob_json(const uint8_t *blob, size_t len)
{
	struct json_object *o = NULL;
	char *text;

	text = malloc(base64_size(len));
	if (text) {
		base64_encode(blob, len, text);
		o = json_object_new_string(text);
	}
	free(text);
	return o;
}
