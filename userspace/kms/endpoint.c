// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arn.h"
#include "endpoint.h"

#define HOST_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"

static bool ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), t = strlen(tail);

	return n >= t && !strcmp(s + n - t, tail);
}

static const char *aws_suffix(const char *region)
{
	return !strncmp(region, "cn-", 3) ? "amazonaws.com.cn" : "amazonaws.com";
}

static void aws_endpoint(const char *service, const char *region, struct endpoint *out)
{
	snprintf(out->host, sizeof(out->host), "%s.%s.%s", service, region, aws_suffix(region));
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
	out->aws = tls && (ends_with(bare, ".amazonaws.com") || ends_with(bare, ".amazonaws.com.cn"));
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
		aws_endpoint("kms", region, out);
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

int endpoint_service(const struct endpoint *kms, const char *service, const char *region, struct endpoint *out,
		     struct err *e)
{
	int rc;

	rc = arn_check_region(region, e);
	if (rc)
		return rc;
	*out = *kms;
	if (kms->aws) {
		memset(out, 0, sizeof(*out));
		aws_endpoint(service, region, out);
	}
	return 0;
}
