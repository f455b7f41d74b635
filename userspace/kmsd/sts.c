// SPDX-License-Identifier: GPL-2.0-or-later
#include "sts.h"

#include <stdio.h>
#include <string.h>

#include "principal.h"

#define NAMESPACE "https://sts.amazonaws.com/doc/2011-06-15/"

static const struct operation get_caller_identity = { "GetCallerIdentity", op_get_caller_identity, false, FAULT_NONE };

const struct operation *sts_operation(void)
{
	return &get_caller_identity;
}

/* form_has - whether the form has the field @name=@value; neither needs escapes. */
static bool form_has(const char *form, size_t len, const char *name, const char *value)
{
	const char *end = form + len;
	char want[64];
	int n = snprintf(want, sizeof(want), "%s=%s", name, value);

	while (form < end) {
		const char *stop = memchr(form, '&', (size_t)(end - form));

		if (!stop)
			stop = end;
		if (stop - form == n && !memcmp(form, want, (size_t)n))
			return true;
		form = stop + (stop < end);
	}
	return false;
}

enum fault sts_prepare(struct call *c)
{
	const struct http_request *rq = c->http;

	if (!rq->body_len || !form_has(rq->body, rq->body_len, "Action", get_caller_identity.name) ||
	    !form_has(rq->body, rq->body_len, "Version", "2011-06-15"))
		return call_fail(c, FAULT_INVALID_ACTION, "Only GetCallerIdentity of version 2011-06-15 is supported");
	c->op = &get_caller_identity;
	return FAULT_NONE;
}

static void put_text(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (strchr("<>&\"", *s) || (unsigned char)*s < 0x20)
			buf_printf(out, "&#%u;", (unsigned int)(unsigned char)*s);
		else
			buf_char(out, *s);
	}
}

/* op_get_caller_identity - needs no permission: whoever signs may know who he is. */
enum fault op_get_caller_identity(struct call *c)
{
	const struct principal *p = &c->caller;

	buf_str(&c->out, "<GetCallerIdentityResponse xmlns=\"" NAMESPACE "\"><GetCallerIdentityResult><Arn>");
	put_text(&c->out, p->role ? c->session_arn : c->caller_arn);
	buf_printf(&c->out, "</Arn><UserId>%s%s</UserId><Account>%s</Account></GetCallerIdentityResult>", p->unique_id,
		   p->role ? ":" PRINCIPAL_SESSION : "", c->svc->account);
	buf_printf(&c->out, "<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></GetCallerIdentityResponse>",
		   c->request_id);
	return call_done(c);
}

void sts_put_error(const struct call *c, struct buf *out)
{
	buf_printf(out, "<ErrorResponse xmlns=\"" NAMESPACE "\"><Error><Type>%s</Type><Code>%s</Code><Message>",
		   fault_query_status(c->fault) < 500 ? "Sender" : "Receiver", fault_query_name(c->fault));
	put_text(out, c->message);
	buf_printf(out, "</Message></Error><RequestId>%s</RequestId></ErrorResponse>", c->request_id);
}
