// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The form of a request to the token service. It is taken when its fields, split at each '&', have Action and Version
 * as they have to be, word for word, and refused in the service's own words otherwise.
 */
#include "fuzz/fuzz.h"

#include <string.h>

#include "sts.h"

/* has - whether one of the fields is @field: what sts.c looks for, by other means. */
static int has(const char *form, size_t len, const char *field)
{
	size_t n = strlen(field), at = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && form[i] != '&')
			continue;
		if (i - at == n && !memcmp(form + at, field, n))
			return 1;
		at = i + 1;
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *form = (const char *)data;
	const struct http_request rq = { .method = "POST", .target = "/", .body = form, .body_len = size };
	struct call c = { .http = &rq };
	struct buf out = BUF_INIT;
	enum fault f = sts_prepare(&c);

	fuzz_check(!f == (has(form, size, "Action=GetCallerIdentity") && has(form, size, "Version=2011-06-15")));
	fuzz_check(!f == (c.op == sts_operation()));
	if (f) {
		sts_put_error(&c, &out);
		fuzz_check(!out.failed && strstr(out.data, "<Code>InvalidAction</Code>"));
		buf_wipe(&out);
	}
	return 0;
}
