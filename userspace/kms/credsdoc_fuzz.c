// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The documents in which credentials arrive. What is found lies in the text; of JSON, json-c finds the same; a time
 * reads the same when it is written again.
 */
#include "fuzz/fuzz.h"

#include <errno.h>
#include <time.h>

#include "common/json.h"
#include "credsdoc.h"

static int within(const struct span *s, const char *text, size_t size)
{
	return s->at ? s->at >= text && s->at + s->len <= text + size : !s->len;
}

static void check_found(const struct found *f, const char *text, size_t size)
{
	fuzz_check(f->access_key_id.at && f->secret_access_key.at && f->expires_s >= 0);
	fuzz_check(within(&f->access_key_id, text, size) && within(&f->secret_access_key, text, size) &&
		   within(&f->session_token, text, size));
}

static void check_member(struct json_object *o, const char *name, const struct span *found)
{
	struct json_object *s = json_object_object_get(o, name);

	if (!found->at) {
		fuzz_check(!s);
		return;
	}
	fuzz_check(json_object_is_type(s, json_type_string));
	fuzz_check((size_t)json_object_get_string_len(s) == found->len);
	fuzz_check(!memcmp(json_object_get_string(s), found->at, found->len));
}

typedef int reader(char *text, size_t len, struct found *out, struct err *e);

static void check_json(const uint8_t *data, size_t size, reader *read, const char *token)
{
	char *text = malloc(size ? size : 1);
	struct err e = ERR_INIT;
	struct json_object *o;
	struct found f;
	int rc;

	if (!text)
		abort();
	memcpy(text, data, size);
	rc = read(text, size, &f, &e);
	if (rc) {
		fuzz_check(rc == -EBADMSG && e.what[0]);
	} else {
		check_found(&f, text, size);
		/* ours only delimits numbers and words; the library may find them wrong, or the nesting too deep */
		if (!js_parse((const char *)data, size, 16, &o, NULL)) {
			check_member(o, "AccessKeyId", &f.access_key_id);
			check_member(o, "SecretAccessKey", &f.secret_access_key);
			check_member(o, token, &f.session_token);
			json_object_put(o);
		}
	}
	free(text);
}

static void check_sts(const char *text, size_t size)
{
	struct err e = ERR_INIT;
	struct found f;

	if (credsdoc_sts(text, size, &f, &e)) {
		fuzz_check(e.rc == -EBADMSG && e.what[0]);
		return;
	}
	check_found(&f, text, size);
	fuzz_check(f.session_token.at && f.expires_s > 0);
	for (size_t i = 0; i < f.secret_access_key.len; i++)
		fuzz_check(f.secret_access_key.at[i] && !strchr("<&", f.secret_access_key.at[i]));
}

static void check_time(const char *text, size_t size)
{
	int64_t at, again;
	char written[40];
	struct tm tm;
	time_t t;

	if (credsdoc_time(text, size, &at))
		return;
	t = at;
	fuzz_check(at > 0 && gmtime_r(&t, &tm));
	/* a zone may lead out of the four digits */
	if (tm.tm_year + 1900 > 9999)
		return;
	fuzz_check(strftime(written, sizeof(written), "%Y-%m-%dT%H:%M:%SZ", &tm) == 20);
	fuzz_check(!credsdoc_time(written, 20, &again) && again == at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_json(data, size, credsdoc_process, "SessionToken");
	check_json(data, size, credsdoc_endpoint, "Token");
	check_sts((const char *)data, size);
	check_time((const char *)data, size);
	return 0;
}
