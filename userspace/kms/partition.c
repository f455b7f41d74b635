// SPDX-License-Identifier: GPL-2.0-or-later
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "partition.h"

/* The first that fits counts, so the one with all other regions is last. */
static const struct partition partitions[] = {
	{ "aws-cn", "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "sts-fips" },
	{ "aws-us-gov", "us-gov-", "amazonaws.com", "api.aws", "sts" },
	{ "aws-iso", "us-iso-", "c2s.ic.gov", "api.aws.ic.gov", "sts-fips" },
	{ "aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud", "sts-fips" },
	{ "aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "sts-fips" },
	{ "aws-iso-f", "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "sts-fips" },
	{ "aws-eusc", "eusc-", "amazonaws.eu", "api.amazonwebservices.eu", "sts-fips" },
	{ "aws", "", "amazonaws.com", "api.aws", "sts-fips" },
};

#define PARTITIONS (sizeof(partitions) / sizeof(*partitions))

const struct partition *partition_of(const char *region)
{
	const struct partition *p = partitions;

	while (strncmp(region, p->regions, strlen(p->regions)))
		p++;
	return p;
}

static bool below(const char *host, const char *suffix)
{
	size_t n = strlen(host), t = strlen(suffix);

	return n > t && host[n - t - 1] == '.' && !strcasecmp(host + n - t, suffix);
}

bool partition_has_host(const char *host)
{
	size_t i;

	for (i = 0; i < PARTITIONS; i++) {
		if (below(host, partitions[i].suffix) || below(host, partitions[i].dualstack_suffix))
			return true;
	}
	return false;
}
