/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_PARTITION_H
#define ECACHE_PARTITION_H

#include <stdbool.h>

/* AWS is several clouds that share nothing but the protocol; a region belongs to one of them. */
struct partition {
	const char *name;		/* "aws", as in ARNs */
	const char *regions;		/* what the names of its regions begin with; "": of all others */
	const char *suffix;		/* of host names: "amazonaws.com" */
	const char *dualstack_suffix;	/* of those that answer over IPv6, too */
	const char *sts_fips;		/* "sts-fips", but where the plain name is validated already */
};

/* partition_of - never NULL: a region that nobody knows is taken for a new one of AWS's first partition. */
const struct partition *partition_of(const char *region);

/* partition_has_host - whether a host name (no port) is below a suffix of any partition. */
bool partition_has_host(const char *host);

#endif
