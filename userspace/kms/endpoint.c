// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arn.h"
#include "endpoint.h"
#include "partition.h"

#define HOST_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"

/* aws_endpoint - @label is the first part of the host name: "kms", "sts-fips". */
static void aws_endpoint(const char *label, const char *region, bool dualstack, struct endpoint *out)
{
	const struct partition *p = partition_of(region);

	memset(out, 0, sizeof(*out));
	snprintf(out->host, sizeof(out->host), "%s.%s.%s", label, region, dualstack ? p->dualstack_suffix : p->suffix);
	snprintf(out->url, sizeof(out->url), "https://%s", out->host);
	out->aws = true;
}

static int unix_endpoint(const char *path, struct endpoint *out, struct err *e)
{
	if (*path != '/')
		return err_set(e, -EINVAL, "endpoint \"unix:%.100s\": the path must be absolute", path);
	if (strlen(path) >= sizeof(out->unix_path))
		return err_set(e, -EINVAL, "endpoint \"unix:%.100s...\": a socket path has at most %zu bytes", path,
			       sizeof(out->unix_path) - 1);
	strcpy(out->unix_path, path);
	strcpy(out->host, "localhost");
	strcpy(out->url, "http://localhost");
	out->local = true;
	return 0;
}

/* host_length - of "NAME", "1.2.3.4" or "[::1]" at the start of @s; 0 when there is none. */
static size_t host_length(const char *s)
{
	size_t n;

	if (*s != '[')
		return strspn(s, HOST_CHARS);
	n = 1 + strspn(s + 1, "0123456789abcdefABCDEF:.");
	return n > 1 && s[n] == ']' ? n + 1 : 0;
}

static bool good_port(const char *s)
{
	unsigned int port = 0;
	size_t n = strspn(s, "0123456789");

	if (!n || n > 5 || s[n])
		return false;
	while (*s)
		port = port * 10 + (*s++ - '0');
	return port >= 1 && port <= 65535;
}

static bool loopback(const char *host, size_t len)
{
	return (len == 9 && !strncmp(host, "127.0.0.1", 9)) || (len == 5 && !strncmp(host, "[::1]", 5));
}

static int url_endpoint(const char *text, const char *host, bool tls, struct endpoint *out, struct err *e)
{
	char bare[sizeof(out->host)];
	size_t n = host_length(host);
	size_t total = strlen(host);

	if (n && host[total - 1] == '/')
		total--;	/* "https://host/" is the same place */
	if (!n || total >= sizeof(out->host))
		goto bad;
	snprintf(out->host, sizeof(out->host), "%.*s", (int)total, host);
	if (n < total && (out->host[n] != ':' || !good_port(out->host + n + 1)))
		goto bad;
	out->local = loopback(host, n);
	if (!tls && !out->local) {
		err_set(e, -EINVAL, "endpoint \"%.200s\": plain HTTP is for 127.0.0.1 and [::1] only", text);
		err_hint(e, "use https://, or a unix: socket for a server on this host");
		return -EINVAL;
	}
	snprintf(out->url, sizeof(out->url), "%s://%s", tls ? "https" : "http", out->host);
	snprintf(bare, sizeof(bare), "%.*s", (int)n, host);
	out->aws = tls && partition_has_host(bare);
	return 0;

bad:
	return err_set(e, -EINVAL, "endpoint \"%.200s\" is not SCHEME://HOST[:PORT]", text);
}

int endpoint_parse(const char *text, const char *region, struct endpoint *out, struct err *e)
{
	int rc;

	memset(out, 0, sizeof(*out));
	rc = arn_check_region(region, e);
	if (rc)
		return rc;
	if (!text)
		aws_endpoint("kms", region, false, out);
	else if (!strncmp(text, "unix:", 5))
		rc = unix_endpoint(text + 5, out, e);
	else if (!strncmp(text, "https://", 8))
		rc = url_endpoint(text, text + 8, true, out, e);
	else if (!strncmp(text, "http://", 7))
		rc = url_endpoint(text, text + 7, false, out, e);
	else
		rc = err_set(e, -EINVAL, "endpoint \"%.200s\" does not start with unix:, https:// or http://", text);
	return rc;
}

/* variable - NULL when it is not set, is empty, or does not count. */
static const char *variable(const struct endpoint_config *c, const char *name)
{
	const char *value = c->environment && !c->kms ? secure_getenv(name) : NULL;

	return value && *value ? value : NULL;
}

static int named(const char *text, const char *where, const char *region, struct endpoint *out, struct err *e)
{
	int rc = endpoint_parse(text, region, out, e);

	if (rc && where)
		err_prefix(e, "%s", where);
	return rc;
}

static int resolve_kms(const struct endpoint_config *c, const char *region, bool fips, bool dualstack,
		       struct endpoint *kms, struct err *e)
{
	static const char *const names[] = { "AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL" };
	const char *text = c->kms, *where = NULL;
	size_t i;

	for (i = 0; !text && i < sizeof(names) / sizeof(*names); i++) {
		text = variable(c, names[i]);
		where = names[i];
	}
	if (!text) {
		aws_endpoint(fips ? "kms-fips" : "kms", region, dualstack, kms);
		return 0;
	}
	if (fips || dualstack) {
		err_set(e, -EINVAL, "%s with the endpoint \"%.200s\"", fips ? "FIPS" : "dual stack", text);
		err_hint(e, "they choose among AWS's endpoints; name the endpoint that is meant, or leave it out");
		return -EINVAL;
	}
	return named(text, where, region, kms, e);
}

int endpoint_resolve(const struct endpoint_config *c, const char *region, struct endpoint *kms, struct endpoint *sts,
		     struct err *e)
{
	const char *fips_env = variable(c, "AWS_USE_FIPS_ENDPOINT");
	const char *dual_env = variable(c, "AWS_USE_DUALSTACK_ENDPOINT");
	bool fips = c->fips || (fips_env && !strcasecmp(fips_env, "true"));
	bool dualstack = c->dualstack || (dual_env && !strcasecmp(dual_env, "true"));
	const char *text = c->sts, *where = NULL;
	int rc;

	memset(kms, 0, sizeof(*kms));
	memset(sts, 0, sizeof(*sts));
	rc = arn_check_region(region, e);
	if (!rc)
		rc = resolve_kms(c, region, fips, dualstack, kms, e);
	if (rc)
		return rc;
	if (!text) {
		where = "AWS_ENDPOINT_URL_STS";
		text = variable(c, where);
	}
	if (text)
		return named(text, where, region, sts, e);
	if (kms->aws)
		aws_endpoint(fips ? partition_of(region)->sts_fips : "sts", region, dualstack, sts);
	else
		*sts = *kms;
	return 0;
}
