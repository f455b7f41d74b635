// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../common/isodate.h"
#include "answer.h"
#include "credsdoc.h"
#include "scan.h"

int credsdoc_time(const char *text, size_t len, int64_t *out)
{
	struct isodate d;

	if (isodate_read(text, len, &d) || !d.seconds)
		return -EINVAL;
	*out = d.unix_s;
	return *out > 0 ? 0 : -EINVAL;
}

static struct span span_of(const struct scan_member *m)
{
	return (struct span){ m->at, m->len };
}

static int take_expiration(const struct span *text, struct found *out, struct err *e)
{
	if (!text->at)
		return 0;
	if (credsdoc_time(text->at, text->len, &out->expires_s))
		return err_set(e, -EBADMSG, "the expiration is no time");
	return 0;
}

int credsdoc_process(char *text, size_t len, struct found *out, struct err *e)
{
	struct scan_member m[] = {
		{ .name = "Version", .required = true, .word = true },
		{ .name = "AccessKeyId", .required = true },
		{ .name = "SecretAccessKey", .required = true },
		{ .name = "SessionToken" },
		{ .name = "Expiration" },
	};
	struct span expires;

	memset(out, 0, sizeof(*out));
	if (!scan_object(text, len, m, sizeof(m) / sizeof(*m)))
		return err_set(e, -EBADMSG, "that is no JSON object with Version, AccessKeyId and SecretAccessKey");
	if (m[0].len != 1 || *m[0].at != '1')
		return err_set(e, -EBADMSG, "its Version is not 1");
	out->access_key_id = span_of(&m[1]);
	out->secret_access_key = span_of(&m[2]);
	out->session_token = span_of(&m[3]);
	expires = span_of(&m[4]);
	return take_expiration(&expires, out, e);
}

int credsdoc_endpoint(char *text, size_t len, struct found *out, struct err *e)
{
	struct scan_member m[] = {
		{ .name = "Code" },
		{ .name = "AccessKeyId" },
		{ .name = "SecretAccessKey" },
		{ .name = "Token" },
		{ .name = "Expiration" },
	};
	struct span code, expires;

	memset(out, 0, sizeof(*out));
	if (!scan_object(text, len, m, sizeof(m) / sizeof(*m)))
		return err_set(e, -EBADMSG, "the answer is no JSON object of credentials");
	code = span_of(&m[0]);
	if (code.at && !span_is(&code, "Success"))
		return err_set(e, -EBADMSG, "the answer says \"%.*s\"",
			       provider_plain(code.at, code.len) && code.len < 64 ? (int)code.len : 0, code.at);
	/* They are temporary: what does not say so was made by somebody else. */
	if (!m[1].at || !m[2].at || !m[3].at || !m[4].at)
		return err_set(e, -EBADMSG, "AccessKeyId, SecretAccessKey, Token and Expiration are not all in the answer");
	out->access_key_id = span_of(&m[1]);
	out->secret_access_key = span_of(&m[2]);
	out->session_token = span_of(&m[3]);
	expires = span_of(&m[4]);
	return take_expiration(&expires, out, e);
}

int credsdoc_sts(const char *text, size_t len, struct found *out, struct err *e)
{
	struct span all, expires;

	memset(out, 0, sizeof(*out));
	if (!xml_element(text, len, "Credentials", &all) ||
	    !xml_span(all.at, all.len, "AccessKeyId", &out->access_key_id) ||
	    !xml_span(all.at, all.len, "SecretAccessKey", &out->secret_access_key) ||
	    !xml_span(all.at, all.len, "SessionToken", &out->session_token) ||
	    !xml_span(all.at, all.len, "Expiration", &expires))
		return err_set(e, -EBADMSG, "the answer holds no <Credentials> of four parts");
	return take_expiration(&expires, out, e);
}
