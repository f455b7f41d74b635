// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "credsdoc.h"
#include "provider.h"
#include "surroundings.h"

#define IPV4 "http://169.254.169.254"
#define IPV6 "http://[fd00:ec2::254]"
#define ROLES "/latest/meta-data/iam/security-credentials/"
/* For the two requests that follow; it is not kept, being one more secret. */
#define TOKEN_TTL "60"
#define TOKEN_MAX 1024
#define ROLE_MAX 64

static bool may_connect(const struct sockaddr *sa)
{
	static const char *const instance[] = { "169.254.169.254", "fd00:ec2::254", NULL };

	return address_is_loopback(sa) || address_is_one_of(sa, instance);
}

static const char *variable(const struct creds_source *src, const char *name)
{
	const char *value = src->environment ? secure_getenv(name) : NULL;

	return value && *value ? value : NULL;
}

static const char *endpoint_of(const struct creds_source *src)
{
	const char *mode = variable(src, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
	const char *text = src->imds_endpoint;

	if (!text)
		text = variable(src, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
	if (text)
		return text;
	return mode && !strcasecmp(mode, "ipv6") ? IPV6 : IPV4;
}

/* ask - 0 and an answer of status 200, whose body is in *rs until the next; -ENXIO for 404. */
static int ask(const struct creds_net *net, struct request *rq, struct response *rs, struct err *e)
{
	int rc = provider_get(net, rq, rs, e);

	if (rc || rs->status == 200)
		return rc;
	return err_set(e, rs->status == 404 ? -ENXIO : -EACCES, "%s %s: HTTP status %d", rq->method, rq->path,
		       rs->status);
}

/*
 * session - version 2's token. There is no falling back to version 1 without it: a request that some program of the
 * host can be talked into making would be enough to get credentials there.
 */
static int session(const struct creds_net *net, const struct endpoint *ep, struct secret *token, struct err *e)
{
	static const struct header ttl[] = {
		{ "X-aws-ec2-metadata-token-ttl-seconds", TOKEN_TTL }, { "Content-Length", "0" }, { NULL, NULL },
	};
	struct request rq = { .endpoint = ep, .method = "PUT", .path = "/latest/api/token", .headers = ttl,
			      .may_connect = may_connect };
	struct response rs;
	int rc;

	rc = ask(net, &rq, &rs, e);
	if (rc)
		return rc;
	if (!rs.len || rs.len > TOKEN_MAX || !provider_plain(rs.body, rs.len))
		return err_set(e, -EBADMSG, "PUT %s: the answer is no token", rq.path);
	rc = secret_alloc(token, rs.len + 1);
	if (rc)
		return err_sys(e, rc, "cannot lock memory for a token");
	memcpy(token->data, rs.body, rs.len);
	token->len = rs.len;
	return 0;
}

/* role_of - the instance's, the first line of the answer. */
static int role_of(const struct response *rs, char role[ROLE_MAX + 1], struct err *e)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+=,.@_-";
	const char *eol = memchr(rs->body, '\n', rs->len);
	size_t len = eol ? (size_t)(eol - rs->body) : rs->len;

	if (!len || len > ROLE_MAX)
		return err_set(e, -EBADMSG, "GET " ROLES ": the answer is no role's name");
	memcpy(role, rs->body, len);
	role[len] = '\0';
	if (strspn(role, chars) != len)
		return err_set(e, -EBADMSG, "GET " ROLES ": the answer is no role's name");
	return 0;
}

static int take(const struct creds_net *net, const struct endpoint *ep, struct secret *token, struct response *rs,
		struct found *f, struct err *e)
{
	const struct header headers[] = { { "X-aws-ec2-metadata-token", (char *)token->data }, { NULL, NULL } };
	struct request rq = { .endpoint = ep, .method = "GET", .path = ROLES, .headers = headers,
			      .may_connect = may_connect };
	char role[ROLE_MAX + 1], path[sizeof(ROLES) + ROLE_MAX];
	int rc;

	rc = ask(net, &rq, rs, e);
	if (rc == -ENXIO)
		err_hint(e, "the instance has no role; give it an instance profile");
	if (!rc)
		rc = role_of(rs, role, e);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), ROLES "%s", role);
	rq.path = path;
	rc = ask(net, &rq, rs, e);
	return rc ? rc : credsdoc_endpoint(rs->body, rs->len, f, e);
}

enum look creds_of_imds(const struct creds_source *src, struct creds *out, struct err *e)
{
	const char *disabled = variable(src, "AWS_EC2_METADATA_DISABLED"), *text = endpoint_of(src);
	struct secret token = SECRET_INIT;
	enum look look = FAILED;
	struct response rs;
	struct endpoint ep;
	char path[SURROUNDINGS_PATH];
	struct found f;
	int rc;

	if (disabled && !strcasecmp(disabled, "true"))
		return NOT_HERE;
	if (!src->net) {
		err_set(e, -EOPNOTSUPP, "the instance's metadata cannot be asked here");
		return FAILED;
	}
	rc = surroundings_parse(text, IPV4, &ep, path, e);
	if (!rc && strcmp(path, "/"))
		rc = err_set(e, -EINVAL, "\"%.200s\" has a path", text);
	if (!rc)
		rc = session(src->net, &ep, &token, e);
	if (!rc)
		rc = take(src->net, &ep, &token, &rs, &f, e);
	if (rc)
		err_prefix(e, "instance metadata at %.80s", text);
	else
		look = provider_keep(out, &f, "instance metadata", e);
	transport_wipe(src->net->transport);
	secret_wipe(&token);
	return look;
}
