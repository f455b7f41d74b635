/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_SCRAPE_HTTP_H
#define ECACHED_SCRAPE_HTTP_H

#include <stddef.h>

#include "../common/err.h"

/*
 * scrape_http - answer the one request on @sock (taken over) with @page: GET or HEAD of /metrics.
 *	From its first byte on the request is read by libmicrohttpd in a process that has given up
 *	all system calls but those for its own memory and for descriptors that are open: call it in
 *	a child that ends after this, with a time limit of its own (a peer that neither sends nor
 *	reads is waited for). The page must be complete before: nothing can be opened any more.
 */
int scrape_http(int sock, const char *page, size_t len, struct err *e);

/* scrape_sandbox - the filter alone; for the test. */
int scrape_sandbox(struct err *e);

#endif
