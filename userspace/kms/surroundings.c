// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "provider.h"
#include "surroundings.h"

/* authority - "HOST", "HOST:PORT" or "[ADDRESS]:PORT" without a user part. */
static bool authority(const char *s, size_t len)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]";

	return len && strspn(s, chars) >= len;
}

int surroundings_parse(const char *uri, const char *host, struct endpoint *out, char path[SURROUNDINGS_PATH],
		       struct err *e)
{
	const char *start = strstr(uri, "://"), *rest = uri;
	size_t len;

	memset(out, 0, sizeof(*out));
	out->local = true;
	if (!provider_plain(uri, strlen(uri)) || strchr(uri, '#'))
		goto bad;
	if (*uri == '/') {
		snprintf(out->url, sizeof(out->url), "%s", host);
		snprintf(out->host, sizeof(out->host), "%s", strstr(host, "://") + 3);
	} else if (!strncmp(uri, "http://", 7) || !strncmp(uri, "https://", 8)) {
		start += 3;
		len = strcspn(start, "/?");
		rest = start + len;
		if (!authority(start, len) || len >= sizeof(out->host))
			goto bad;
		snprintf(out->host, sizeof(out->host), "%.*s", (int)len, start);
		snprintf(out->url, sizeof(out->url), "%.*s", (int)(rest - uri), uri);
	} else {
		goto bad;
	}
	if (*rest && *rest != '/')
		goto bad;
	if (snprintf(path, SURROUNDINGS_PATH, "%s", *rest ? rest : "/") < SURROUNDINGS_PATH)
		return 0;
bad:
	err_set(e, -EINVAL, "\"%.200s\" is not http://HOST[:PORT]/PATH", uri);
	return -EINVAL;
}

bool address_is_loopback(const struct sockaddr *sa)
{
	struct sockaddr_in6 six;
	struct sockaddr_in four;

	if (sa->sa_family == AF_INET) {
		memcpy(&four, sa, sizeof(four));
		return ntohl(four.sin_addr.s_addr) >> 24 == 127;
	}
	if (sa->sa_family == AF_INET6) {
		memcpy(&six, sa, sizeof(six));
		return IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
	}
	return false;
}

bool address_is_one_of(const struct sockaddr *sa, const char *const list[])
{
	struct sockaddr_in6 six;
	struct sockaddr_in four;
	char text[INET6_ADDRSTRLEN] = "";

	if (sa->sa_family == AF_INET) {
		memcpy(&four, sa, sizeof(four));
		inet_ntop(AF_INET, &four.sin_addr, text, sizeof(text));
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&six, sa, sizeof(six));
		inet_ntop(AF_INET6, &six.sin6_addr, text, sizeof(text));
	}
	for (; *list; list++) {
		if (!strcmp(text, *list))
			return true;
	}
	return false;
}
