// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stdio.h>

#include "fleet.h"

#define MONTH_S (30 * 24 * 3600.0)

/*
 * US dollars a call. KMS: AWS's price list, $0.03 for 10,000 requests, dry runs too; the free 20,000 a month are not
 * taken off. SQS: what others cite of its price list, $0.40 for a million.
 */
#define KMS_PRICE (0.03 / 10000)
#define SQS_PRICE (0.40 / 1000000)

/* Calls a second of an account and region: AWS's table of request quotas. Decrypt's differs by region: an option. */
#define DESCRIBE_QUOTA 2000
#define LIST_QUOTA 100

/* at - the member of a member of @o; NULL ends the list. */
static struct json_object *at(struct json_object *o, ...)
{
	const char *name;
	va_list ap;

	va_start(ap, o);
	while ((name = va_arg(ap, const char *)))
		o = json_object_object_get(o, name);
	va_end(ap);
	return o;
}

static double number(struct json_object *o, const char *a, const char *b)
{
	return json_object_get_double(at(o, a, b, NULL));
}

static long whole(struct json_object *o, const char *a)
{
	return json_object_get_int64(at(o, a, NULL));
}

static void calls_row(struct json_object *steady, const char *member, const char *name, double quota, double price)
{
	double mean = number(steady, member, "mean_per_s");

	printf("  %-28s %10.1f %10.0f ", name, mean, number(steady, member, "peak_per_s"));
	if (quota > 0)
		printf("%9.0f %7.1f%% ", quota, 100 * mean / quota);
	else
		printf("%9s %8s ", "-", "-");
	printf("%11.0f\n", mean * MONTH_S * price);
}

static void steady_table(const struct fleet *f, struct json_object *o)
{
	printf("  %-28s %10s %10s %9s %8s %11s\n", "calls", "mean/s", "peak/s", "quota/s", "of it", "$ a month");
	calls_row(o, "decrypt", "Decrypt, a dry run", f->quota, KMS_PRICE);
	calls_row(o, "describe_key", "DescribeKey", DESCRIBE_QUOTA, KMS_PRICE);
	calls_row(o, "list_grants", "ListGrants", LIST_QUOTA, KMS_PRICE);
	calls_row(o, "receive_message", "ReceiveMessage, of a queue", 0, SQS_PRICE);
}

static void storm_table(struct json_object *steady, struct json_object *boot, struct json_object *outage)
{
	printf("\n  %-44s %12s %12s\n", "all hosts at once: Decrypt calls", "mean/s", "peak/s");
	if (steady)
		printf("  %-44s %12.1f %12.0f\n", "agents start, first interval",
		       number(steady, "agents_start", "mean_per_s"),
		       number(steady, "agents_start", "peak_per_s"));
	if (boot) {
		printf("  %-44s %12s %12ld\n", "hosts boot and open everything", "", whole(boot, "peak_per_s"));
		printf("  %-44s %12.1f %12.0f\n", "the probes that follow", number(boot, "probes_after", "mean_per_s"),
		       number(boot, "probes_after", "peak_per_s"));
	}
	if (outage) {
		printf("  %-44s %12.1f %12.0f\n", "an hour without any answer",
		       number(outage, "meanwhile", "mean_per_s"),
		       number(outage, "meanwhile", "peak_per_s"));
		printf("  %-44s %12.1f %12.0f\n", "the two intervals after it", number(outage, "after", "mean_per_s"),
		       number(outage, "after", "peak_per_s"));
	}
}

static void times_row(struct json_object *o, const char *member, const char *name)
{
	printf("  %-44s %9.1f %9.1f %9.1f\n", name, number(o, member, "p50_s"), number(o, member, "p99_s"),
	       number(o, member, "max_s"));
}

static void times_table(struct json_object *cases)
{
	struct json_object *boot = at(cases, "boot", NULL), *outage = at(cases, "outage", NULL);
	struct json_object *revoked = at(cases, "revoked", NULL), *throttled = at(cases, "throttled", NULL);

	printf("\n  %-44s %9s %9s %9s\n", "seconds", "p50", "p99", "max");
	if (boot)
		times_row(boot, "open_after", "from a host's start to an open volume");
	if (outage)
		times_row(outage, "ok_again_after", "from the end of an outage to the next OK");
	if (revoked) {
		times_row(at(revoked, "grant_by_poll", NULL), "late", "from RevokeGrant to the verdict, by probes");
		times_row(at(revoked, "grant_by_push", NULL), "late", "from RevokeGrant to the verdict, by events");
		times_row(at(revoked, "key_by_poll", NULL), "late", "from DisableKey to the verdict, by probes");
		times_row(at(revoked, "key_by_push", NULL), "late", "from DisableKey to the verdict, by events");
	}
	if (throttled) {
		times_row(throttled, "late", "from RevokeGrant, every second call throttled");
		times_row(throttled, "from_ok_to_ok", "from OK to OK, every second call throttled");
	}
}

static void ends_table(struct json_object *cases)
{
	struct json_object *boot = at(cases, "boot", NULL);

	printf("\n");
	if (boot)
		printf("  boot: %ld opened; %ld calls throttled, %ld requests put off by ecached\n",
		       whole(boot, "opened"), whole(boot, "refused_by_kms"), whole(boot, "refused_by_ecached"));
	json_object_object_foreach(cases, name, c) {
		if (json_object_object_get_ex(c, "wrong", NULL))
			printf("  %s: %ld teardowns and locks of caches whose right nobody had taken\n", name,
			       whole(c, "wrong"));
	}
}

void report_fleet(const struct fleet *f, struct json_object *cases)
{
	struct json_object *steady = at(cases, "steady", NULL);

	printf("%lu caches, %lu hosts of %u, %lu keys, %u a host; probe-interval=%llds\n", f->caches, f->hosts,
	       f->per_host, f->keys, f->keys_per_host, (long long)f->interval_ms / 1000);
	if (f->sample < f->hosts)
		printf("%lu of the hosts are run, and stand for all\n", f->sample);
	printf("\n");
	if (steady)
		steady_table(f, steady);
	if (steady || at(cases, "boot", NULL) || at(cases, "outage", NULL))
		storm_table(steady, at(cases, "boot", NULL), at(cases, "outage", NULL));
	if (json_object_object_length(cases) > !!steady)
		times_table(cases);
	ends_table(cases);
	printf("\n");
}

struct json_object *report_json(const struct fleet *f, struct json_object *cases)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "caches", json_object_new_int64((int64_t)f->caches));
	json_object_object_add(o, "hosts", json_object_new_int64((int64_t)f->hosts));
	json_object_object_add(o, "hosts_run", json_object_new_int64((int64_t)f->sample));
	json_object_object_add(o, "caches_per_host", json_object_new_int64(f->per_host));
	json_object_object_add(o, "keys", json_object_new_int64((int64_t)f->keys));
	json_object_object_add(o, "keys_per_host", json_object_new_int64(f->keys_per_host));
	json_object_object_add(o, "probe_interval_s", json_object_new_int64(f->interval_ms / 1000));
	json_object_object_add(o, "quota_per_s", json_object_new_int64(f->quota));
	json_object_object_add(o, "seed", json_object_new_int64((int64_t)f->seed));
	json_object_object_add(o, "cases", json_object_get(cases));
	return o;
}
