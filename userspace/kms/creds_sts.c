// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "arn.h"
#include "credsdoc.h"
#include "endpoint.h"
#include "provider.h"
#include "sender.h"

#define TOKEN_MAX 20000
#define FORM_MAX (62 * 1024)	/* a token with every character escaped fits */
#define STS_MS 8000
#define STS_ATTEMPTS 2
#define DURATION_MIN 900
#define DURATION_MAX 43200

/* A form in locked memory: it may hold a token. */
struct form {
	struct secret text;
	bool full;
};

static void form_add(struct form *f, char c)
{
	if (f->text.len + 1 >= f->text.cap)
		f->full = true;
	else
		f->text.data[f->text.len++] = c;
}

static void form_put(struct form *f, const char *name, const struct span *value)
{
	static const char hex[] = "0123456789ABCDEF";
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
	unsigned char c;
	size_t i;

	if (f->text.len)
		form_add(f, '&');
	while (*name)
		form_add(f, *name++);
	form_add(f, '=');
	for (i = 0; i < value->len; i++) {
		c = value->at[i];
		if (c && strchr(plain, c)) {
			form_add(f, c);
			continue;
		}
		form_add(f, '%');
		form_add(f, hex[c >> 4]);
		form_add(f, hex[c & 15]);
	}
}

static void form_put_text(struct form *f, const char *name, const char *value)
{
	const struct span s = { value, strlen(value) };

	form_put(f, name, &s);
}

/* only_of - whether all of a value are of these characters, and how many there may be. */
static bool only_of(const struct span *s, const char *chars, size_t min, size_t max)
{
	size_t i;

	if (s->len < min || s->len > max)
		return false;
	for (i = 0; i < s->len; i++) {
		if (!s->at[i] || !strchr(chars, s->at[i]))
			return false;
	}
	return true;
}

static int check_arn(const struct span *arn, char out[ARN_PRINCIPAL_MAX + 1], struct err *e)
{
	if (!arn->len || arn->len > ARN_PRINCIPAL_MAX)
		return err_set(e, -EINVAL, "the role's ARN is empty or longer than %d bytes", ARN_PRINCIPAL_MAX);
	snprintf(out, ARN_PRINCIPAL_MAX + 1, "%.*s", (int)arn->len, arn->at);
	if (strlen(out) != arn->len || arn_check_principal(out, e) || !strstr(out, ":role/"))
		return err_set(e, -EINVAL, "role \"%.200s\" is not arn:PARTITION:iam::ACCOUNT:role/NAME", out);
	return 0;
}

static int check_duration(const struct span *text, struct err *e)
{
	unsigned int seconds = 0;
	size_t i;

	if (only_of(text, "0123456789", 1, 5)) {
		for (i = 0; i < text->len; i++)
			seconds = seconds * 10 + text->at[i] - '0';
	}
	if (seconds < DURATION_MIN || seconds > DURATION_MAX)
		return err_set(e, -EINVAL, "duration_seconds is %d to %d", DURATION_MIN, DURATION_MAX);
	return 0;
}

/* start_form - what both operations have in common. @subject gets the ARN, for errors. */
static int start_form(struct form *f, const char *action, const struct role_request *role,
		      char subject[ARN_PRINCIPAL_MAX + 1], struct err *e)
{
	static const char name_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-";
	const struct span ours = { "dm-ecache", 9 };
	const struct span *name = role->session_name.at ? &role->session_name : &ours;
	int rc;

	*f = (struct form){ .text = SECRET_INIT };
	rc = check_arn(&role->arn, subject, e);
	if (rc)
		return rc;
	if (!only_of(name, name_chars, 2, 64))
		return err_set(e, -EINVAL, "role_session_name is 2 to 64 letters, digits or _+=,.@-");
	if (role->duration_seconds.at) {
		rc = check_duration(&role->duration_seconds, e);
		if (rc)
			return rc;
	}
	rc = secret_alloc(&f->text, FORM_MAX);
	if (rc)
		return err_sys(e, rc, "cannot lock memory for a request");
	form_put_text(f, "Action", action);
	form_put_text(f, "Version", "2011-06-15");
	form_put(f, "RoleArn", &role->arn);
	form_put(f, "RoleSessionName", name);
	if (role->duration_seconds.at)
		form_put(f, "DurationSeconds", &role->duration_seconds);
	return 0;
}

/* ask - 0 with credentials in *f, which point into the transport's buffer. */
static int ask(const struct creds_net *net, const char *op, const char *subject, const struct creds *signer,
	       const struct form *form, struct found *f, struct err *e)
{
	struct sender s = {
		.transport = net->transport,
		.memo = net->memo,
		.attempts = STS_ATTEMPTS,
	};
	struct request rq = {
		.endpoint = net->sts,
		.service = "sts",
		.region = net->region,
		.creds = signer,
		.content_type = "application/x-www-form-urlencoded; charset=utf-8",
		.body = (char *)form->text.data,
		.body_len = form->text.len,
		.timeout_ms = net->sts_ms ? net->sts_ms : STS_MS,
		.ca_file = net->ca_file,
	};
	struct kms_answer a;
	int rc;

	if (form->full)
		return err_set(e, -E2BIG, "%s: the request is too large", op);
	rc = sender_send(&s, &rq, op, subject, &a, e);
	if (rc)
		return rc;
	rc = credsdoc_sts(s.rs.body, s.rs.len, f, e);
	return rc ? err_prefix(e, "%s of %s", op, subject) : 0;
}

static bool can_ask(const struct creds_source *src, struct err *e)
{
	if (src->net)
		return true;
	err_set(e, -EOPNOTSUPP, "the security token service cannot be asked here");
	return false;
}

enum look creds_of_web_identity(const struct creds_source *src, const struct role_request *role, const char *token_file,
				struct creds *out, struct err *e)
{
	static const char op[] = "AssumeRoleWithWebIdentity";
	struct secret token = SECRET_INIT;
	char arn[ARN_PRINCIPAL_MAX + 1];
	enum look look = FAILED;
	struct span value;
	struct found f;
	struct form form;
	int rc;

	if (!can_ask(src, e))
		return FAILED;
	rc = start_form(&form, op, role, arn, e);
	if (rc)
		return FAILED;
	rc = provider_read(token_file, RIGHTS_ANY, TOKEN_MAX, &token, e);
	if (rc == -ENOENT)
		err_sys(e, rc, "cannot open %s", token_file);
	if (rc)
		goto wipe;
	value = (struct span){ (char *)token.data, token.len };
	if (value.len && value.at[value.len - 1] == '\n')
		value.len--;
	if (!value.len || !provider_plain(value.at, value.len)) {
		err_set(e, -EINVAL, "%s holds no token", token_file);
		goto wipe;
	}
	form_put(&form, "WebIdentityToken", &value);
	/* The token says who we are: nothing is signed. */
	if (!ask(src->net, op, arn, NULL, &form, &f, e))
		look = provider_keep(out, &f, op, e);
	transport_wipe(src->net->transport);
wipe:
	secret_wipe(&token);
	secret_wipe(&form.text);
	return look;
}

enum look creds_of_role(const struct creds_source *src, const struct role_request *role, struct creds *io,
			struct err *e)
{
	static const char op[] = "AssumeRole";
	struct creds got = { .store = SECRET_INIT };
	char arn[ARN_PRINCIPAL_MAX + 1];
	enum look look = FAILED;
	struct found f;
	struct form form;

	if (!can_ask(src, e) || start_form(&form, op, role, arn, e))
		return FAILED;
	if (role->external_id.at)
		form_put(&form, "ExternalId", &role->external_id);
	if (!ask(src->net, op, arn, io, &form, &f, e))
		look = provider_keep(&got, &f, op, e);
	transport_wipe(src->net->transport);
	secret_wipe(&form.text);
	if (look == FOUND) {
		creds_wipe(io);
		*io = got;
	}
	return look;
}
