// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "credsdoc.h"
#include "endpoint.h"
#include "provider.h"
#include "surroundings.h"

#define TOKEN_MAX 8192
#define DEFAULT_HOST "http://169.254.170.2"

/* Who hands out credentials without TLS: a process of this host, or the agents of ECS and EKS. */
static bool may_connect(const struct sockaddr *sa)
{
	static const char *const agents[] = { "169.254.170.2", "169.254.170.23", "fd00:ec2::23", NULL };

	return address_is_loopback(sa) || address_is_one_of(sa, agents);
}

/*
 * read_token - what goes into the Authorization header, if anything. A file is read each time, since whoever runs the
 * container replaces it. One newline at its end is none of it; any other would end the header.
 */
static int read_token(const struct creds_source *src, struct secret *out, struct err *e)
{
	const char *path = src->container_token_file, *value = NULL;
	int rc;

	if (!path && src->environment) {
		path = secure_getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
		value = secure_getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	}
	if (path && *path) {
		rc = provider_read(path, RIGHTS_ANY, TOKEN_MAX, out, e);
		if (rc == -ENOENT)
			return err_sys(e, rc, "cannot open %s", path);
		if (rc)
			return rc;
		if (out->len && out->data[out->len - 1] == '\n')
			out->len--;
		out->data[out->len] = '\0';
	} else if (value && *value) {
		if (strlen(value) > TOKEN_MAX || secret_alloc(out, strlen(value) + 1))
			return err_set(e, -ENOMEM, "no memory for the token of AWS_CONTAINER_AUTHORIZATION_TOKEN");
		memcpy(out->data, value, strlen(value));
		out->len = strlen(value);
	}
	if (out->data && (!out->len || strpbrk((char *)out->data, "\r\n") || strlen((char *)out->data) != out->len))
		return err_set(e, -EINVAL, "the token for the container's endpoint is empty or has more than one line");
	return 0;
}

static const char *uri_of(const struct creds_source *src)
{
	static const char *const names[] = {
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	};
	const char *value;
	size_t i;

	if (src->container_uri || !src->environment)
		return src->container_uri;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		value = secure_getenv(names[i]);
		if (value && *value)
			return value;
	}
	return NULL;
}

static enum look take(const struct creds_net *net, struct request *rq, const char *uri, struct creds *out,
		      struct err *e)
{
	struct response rs;
	struct found f;
	enum look look = FAILED;
	char where[128];

	snprintf(where, sizeof(where), "container's endpoint %.80s", uri);
	if (!provider_get(net, rq, &rs, e)) {
		if (rs.status != 200)
			err_set(e, -EACCES, "it answered with HTTP status %d", rs.status);
		else if (!credsdoc_endpoint(rs.body, rs.len, &f, e))
			look = provider_keep(out, &f, where, e);
	}
	transport_wipe(net->transport);
	if (look == FAILED)
		err_prefix(e, "%s", where);
	return look;
}

enum look creds_of_container(const struct creds_source *src, struct creds *out, struct err *e)
{
	struct header headers[3] = { { "Accept", "application/json" } };
	struct secret authorization = SECRET_INIT;
	struct endpoint ep;
	struct request rq = { .endpoint = &ep, .method = "GET", .headers = headers };
	const char *uri = uri_of(src);
	enum look look = FAILED;
	char path[SURROUNDINGS_PATH];

	if (!uri)
		return NOT_HERE;
	if (!src->net) {
		err_set(e, -EOPNOTSUPP, "a container's endpoint cannot be asked here");
		return FAILED;
	}
	if (surroundings_parse(uri, DEFAULT_HOST, &ep, path, e) || read_token(src, &authorization, e))
		goto out;
	rq.path = path;
	/* Over TLS a certificate says who it is. */
	if (!strncmp(ep.url, "http:", 5))
		rq.may_connect = may_connect;
	if (authorization.data)
		headers[1] = (struct header){ "Authorization", (char *)authorization.data };
	look = take(src->net, &rq, uri, out, e);
out:
	secret_wipe(&authorization);
	return look;
}
