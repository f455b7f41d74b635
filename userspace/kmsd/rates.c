// SPDX-License-Identifier: GPL-2.0-or-later
#include "rates.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARED "Cryptographic"

/* The quotas that AWS documents for a region that is not among the largest. */
static const struct {
	const char *class;
	int aws;
} classes[] = {
	{ SHARED, 10000 },
	{ "CancelKeyDeletion", 5 },
	{ "CreateAlias", 5 },
	{ "CreateGrant", 50 },
	{ "CreateKey", 5 },
	{ "DeleteAlias", 15 },
	{ "DescribeCustomKeyStores", 5 },
	{ "DescribeKey", 2000 },
	{ "DisableKey", 5 },
	{ "DisableKeyRotation", 5 },
	{ "EnableKey", 5 },
	{ "EnableKeyRotation", 15 },
	{ "GetKeyPolicy", 1000 },
	{ "GetKeyRotationStatus", 1000 },
	{ "ListAliases", 500 },
	{ "ListGrants", 100 },
	{ "ListKeyPolicies", 100 },
	{ "ListKeyRotations", 100 },
	{ "ListKeys", 500 },
	{ "ListResourceTags", 2000 },
	{ "ListRetirableGrants", 100 },
	{ "PutKeyPolicy", 15 },
	{ "RetireGrant", 50 },
	{ "RevokeGrant", 50 },
	{ "RotateKeyOnDemand", 5 },
	{ "ScheduleKeyDeletion", 15 },
	{ "TagResource", 10 },
	{ "UntagResource", 5 },
	{ "UpdateAlias", 5 },
	{ "UpdateKeyDescription", 5 },
};

#define NR_CLASSES (sizeof(classes) / sizeof(*classes))

static const char *const shared[] = {
	"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateRandom", "ReEncrypt",
};

struct bucket {
	int64_t configured;
	int64_t override;	/* when overridden */
	bool overridden;
	int64_t milli;		/* thousandths of a request that are left */
	int64_t at_ms;
};

struct rates {
	pthread_mutex_t lock;
	struct bucket bucket[NR_CLASSES];
};

static struct bucket *find_class(struct rates *r, const char *name)
{
	for (unsigned int i = 0; i < NR_CLASSES; i++)
		if (!strcmp(classes[i].class, name))
			return &r->bucket[i];
	return NULL;
}

static struct bucket *find_operation(struct rates *r, const char *op)
{
	for (unsigned int i = 0; i < sizeof(shared) / sizeof(*shared); i++)
		if (!strcmp(shared[i], op))
			return find_class(r, SHARED);
	return find_class(r, op);
}

static int64_t rate_of(const struct bucket *b)
{
	return b->overridden ? b->override : b->configured;
}

/* fill - a class begins with what one second gives. */
static void fill(struct bucket *b, int64_t now_ms)
{
	int64_t full = rate_of(b) * 1000, elapsed = now_ms - b->at_ms;

	if (elapsed < 0 || elapsed > 1000)
		elapsed = 1000;
	b->milli += rate_of(b) * elapsed;
	if (b->milli > full)
		b->milli = full;
	b->at_ms = now_ms;
}

bool rates_take(struct rates *r, const char *op, int64_t now_ms)
{
	struct bucket *b = r ? find_operation(r, op) : NULL;
	bool yes = true;

	if (!b)
		return true;
	pthread_mutex_lock(&r->lock);
	if (rate_of(b) != RATES_UNLIMITED) {
		fill(b, now_ms);
		yes = b->milli >= 1000;
		if (yes)
			b->milli -= 1000;
	}
	pthread_mutex_unlock(&r->lock);
	return yes;
}

int rates_override(struct rates *r, const char *class, int64_t per_second)
{
	struct bucket *b = find_class(r, class);

	if (!b)
		return -ENOENT;
	pthread_mutex_lock(&r->lock);
	b->overridden = true;
	b->override = per_second;
	b->milli = per_second * 1000;
	pthread_mutex_unlock(&r->lock);
	return 0;
}

void rates_restore(struct rates *r)
{
	pthread_mutex_lock(&r->lock);
	for (unsigned int i = 0; i < NR_CLASSES; i++) {
		struct bucket *b = &r->bucket[i];

		if (b->overridden)
			b->milli = b->configured * 1000;
		b->overridden = false;
	}
	pthread_mutex_unlock(&r->lock);
}

void rates_each(struct rates *r, void (*fn)(void *ctx, const char *class, int64_t per_second, bool overridden),
		void *ctx)
{
	pthread_mutex_lock(&r->lock);
	for (unsigned int i = 0; i < NR_CLASSES; i++)
		fn(ctx, classes[i].class, rate_of(&r->bucket[i]), r->bucket[i].overridden);
	pthread_mutex_unlock(&r->lock);
}

/* read_class - "CLASS:N" */
static int read_class(struct rates *r, char *word, struct err *e)
{
	char *colon = strchr(word, ':'), *end;
	struct bucket *b;
	unsigned long n;

	if (!colon || colon[1] < '0' || colon[1] > '9')
		return err_set(e, -EINVAL, "\"%s\" is neither none, aws nor CLASS:N", word);
	*colon = '\0';
	b = find_class(r, word);
	if (!b) {
		err_set(e, -EINVAL, "there is no class of requests \"%s\"", word);
		return err_hint(e, "use " SHARED " or the name of another operation");
	}
	errno = 0;
	n = strtoul(colon + 1, &end, 10);
	if (*end || errno || n > RATES_MAX)
		return err_set(e, -EINVAL, "the rate of %s wants 0 to %d", word, RATES_MAX);
	b->configured = (int64_t)n;
	return 0;
}

static int read_word(struct rates *r, char *word, struct err *e)
{
	bool aws = !strcmp(word, "aws");

	if (!aws && strcmp(word, "none"))
		return read_class(r, word, e);
	for (unsigned int i = 0; i < NR_CLASSES; i++)
		r->bucket[i].configured = aws ? classes[i].aws : RATES_UNLIMITED;
	return 0;
}

int rates_new(const char *spec, struct rates **out, struct err *e)
{
	struct rates *r = calloc(1, sizeof(*r));
	char *copy = strdup(spec), *save, *word;
	char none[] = "none";
	int rc = -ENOMEM;

	if (!r || !copy) {
		err_sys(e, rc, "request rates");
		goto out;
	}
	rc = read_word(r, none, e);
	for (word = strtok_r(copy, ", \t", &save); !rc && word; word = strtok_r(NULL, ", \t", &save))
		rc = read_word(r, word, e);
	if (rc)
		goto out;
	for (unsigned int i = 0; i < NR_CLASSES; i++)
		r->bucket[i].milli = r->bucket[i].configured * 1000;
	pthread_mutex_init(&r->lock, NULL);
	*out = r;
	r = NULL;
out:
	free(copy);
	free(r);
	return rc;
}

void rates_free(struct rates *r)
{
	if (!r)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r);
}
