// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The answer that holds a data key. What plaintext_take() reads, json-c and base64_decode() read too; and of the key
 * nothing is left in the body.
 */
#include "fuzz/fuzz.h"

#include "common/encode.h"
#include "common/json.h"
#include "plaintext.h"

#define KEY_MAX 64

static int blank(const char *body, size_t size)
{
	return strspn(body, " ") == size;
}

/* compare - with what the library makes of the same text. */
static void compare(const char *before, size_t size, const char *after, const uint8_t *key, int len)
{
	struct json_object *o, *p;
	uint8_t want[KEY_MAX];
	const char *s;

	/* numbers and words are only delimited by ours, and the library may find them wrong, or the nesting too deep */
	if (js_parse(before, size, 16, &o, NULL))
		return;
	p = json_object_object_get(o, "Plaintext");
	s = json_object_get_string(p);
	fuzz_check(json_object_is_type(p, json_type_string));
	fuzz_check(base64_decode(s, strlen(s), want, sizeof(want)) == len && !memcmp(want, key, (size_t)len));
	json_object_put(o);
	fuzz_check(!js_parse(after, size, 16, &o, NULL));
	s = json_object_get_string(json_object_object_get(o, "Plaintext"));
	fuzz_check(strspn(s, "x") == strlen(s));
	json_object_put(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t none[KEY_MAX];
	char *before = calloc(1, size + 1), *body = calloc(1, size + 1);
	uint8_t key[KEY_MAX];
	int len;

	if (!before || !body)
		abort();
	memcpy(before, data, size);
	memcpy(body, data, size);
	memset(key, 1, sizeof(key));
	len = plaintext_take(body, size, key, sizeof(key));
	if (len > 0) {
		fuzz_check(len <= KEY_MAX);
		compare(before, size, body, key, len);
	} else {
		fuzz_check(blank(body, size) && !memcmp(key, none, sizeof(key)));
	}
	free(body);
	free(before);
	return 0;
}
