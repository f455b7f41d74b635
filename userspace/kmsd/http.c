// SPDX-License-Identifier: GPL-2.0-or-later
#include "http.h"

#include <strings.h>

const char *http_header(const struct http_request *rq, const char *name)
{
	const char *value = NULL;

	for (unsigned int i = 0; i < rq->nr_headers; i++) {
		if (strcasecmp(rq->headers[i].name, name))
			continue;
		/* Two values: whichever we chose, somebody else would have chosen the other. */
		if (value)
			return NULL;
		value = rq->headers[i].value;
	}
	return value;
}
