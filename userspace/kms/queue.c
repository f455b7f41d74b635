// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue.h"

/* region_of - the second word of "sqs.REGION.amazonaws.com", its .cn, and "sqs-fips". */
static bool region_of(const char *host, char out[QUEUE_REGION_SIZE])
{
	const char *begin, *end;

	if (strncmp(host, "sqs.", 4) && strncmp(host, "sqs-fips.", 9))
		return false;
	begin = strchr(host, '.') + 1;
	end = strchr(begin, '.');
	if (!end || strncmp(end, ".amazonaws.com", 14) || end - begin >= QUEUE_REGION_SIZE)
		return false;
	snprintf(out, QUEUE_REGION_SIZE, "%.*s", (int)(end - begin), begin);
	return true;
}

int queue_place(const char *url, const char *endpoint, const char *region, struct queue_place *out, struct err *e)
{
	const char *host = strstr(url, "://"), *path = host ? strchr(host + 3, '/') : NULL;
	size_t len = strlen(url);
	char *server;
	int rc;

	if (!path || !path[1] || len > QUEUE_URL_MAX || strpbrk(path, "?#\" \\"))
		return err_set(e, -EINVAL,
			       "a queue's URL is like https://sqs.REGION.amazonaws.com/ACCOUNT/NAME, not \"%.200s\"", url);
	if (len > 5 && !strcmp(url + len - 5, ".fifo"))
		return err_set(e, -EINVAL, "events go to standard queues, not to the FIFO queue %.200s", url);
	server = strndup(url, (size_t)(path - url));
	if (!server)
		return err_sys(e, -ENOMEM, "queue");
	rc = endpoint_parse(server, region, &out->endpoint, e);
	free(server);
	if (rc)
		return rc;
	if (!region_of(out->endpoint.host, out->region))
		snprintf(out->region, sizeof(out->region), "%s", region);
	return endpoint ? endpoint_parse(endpoint, region, &out->endpoint, e) : 0;
}
