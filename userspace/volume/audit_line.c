// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>
#include <openssl/sha.h>

#include "../common/encode.h"
#include "../common/json.h"
#include "audit_line.h"

void audit_line_hash(const char *line, size_t len, char hex[AUDIT_HASH_LEN + 1])
{
	uint8_t hash[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)line, len, hash);
	hex_encode(hash, sizeof(hash), hex);
}

bool audit_line_read(const char *line, size_t len, uint64_t *seq, char *prev, bool *recovered)
{
	const char *hash = AUDIT_GENESIS, *event = "";
	int64_t n = 0;
	const struct js_member members[] = {
		{ .name = "seq", .kind = JS_INT, .min = 1, .max = INT64_MAX, .number = &n },
		{ .name = "event", .kind = JS_STRING, .max = 64, .string = &event },
		{ .name = "prev", .kind = JS_STRING, .min = AUDIT_HASH_LEN, .max = AUDIT_HASH_LEN, .string = &hash },
		{ .name = NULL },
	};
	struct json_object *o;
	bool ok;

	if (js_parse(line, len, 16, &o, NULL))
		return false;
	ok = !js_read_some(o, members, NULL);
	if (ok) {
		*seq = n;
		memcpy(prev, hash, AUDIT_HASH_LEN + 1);
		*recovered = !strcmp(event, AUDIT_RECOVERED);
	}
	json_object_put(o);
	return ok;
}
