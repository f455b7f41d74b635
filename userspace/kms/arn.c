// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arn.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

/* The six fields, as places in the text. */
struct fields {
	const char *at[6];	/* "arn", partition, service, region, account, resource */
	size_t len[6];
};

static bool split(const char *arn, struct fields *f)
{
	const char *p = arn, *colon;
	int i;

	for (i = 0; i < 5; i++) {
		colon = strchr(p, ':');
		if (!colon)
			return false;
		f->at[i] = p;
		f->len[i] = colon - p;
		p = colon + 1;
	}
	f->at[5] = p;
	f->len[5] = strlen(p);
	return f->len[0] == 3 && !strncmp(arn, "arn", 3);
}

static bool made_of(const char *s, size_t len, size_t max, const char *set)
{
	return len && len <= max && strspn(s, set) >= len;
}

static bool is(const struct fields *f, int i, const char *want)
{
	return f->len[i] == strlen(want) && !strncmp(f->at[i], want, f->len[i]);
}

static bool good_partition(const struct fields *f)
{
	return made_of(f->at[1], f->len[1], 32, LOWER DIGIT "-");
}

static bool good_account(const struct fields *f)
{
	return f->len[4] == 12 && made_of(f->at[4], 12, 12, DIGIT);
}

int arn_check_region(const char *region, struct err *e)
{
	if (made_of(region, strlen(region), 32, LOWER DIGIT "-"))
		return 0;
	return err_set(e, -EINVAL, "\"%.64s\" is not a region (as in \"eu-west-1\")", region);
}

int arn_check_key(const char *arn, struct err *e)
{
	struct fields f;

	if (split(arn, &f) && is(&f, 2, "kms") && good_partition(&f) &&
	    made_of(f.at[3], f.len[3], 32, LOWER DIGIT "-") && good_account(&f) && !strncmp(f.at[5], "key/", 4) &&
	    made_of(f.at[5] + 4, f.len[5] - 4, 128, LOWER UPPER DIGIT "-"))
		return 0;
	return err_set(e, -EINVAL,
		       "\"%.200s\" is not the ARN of a KMS key (arn:PARTITION:kms:REGION:ACCOUNT:key/ID)", arn);
}

static bool good_alias(const char *s)
{
	return !strncmp(s, "alias/", 6) && made_of(s + 6, strlen(s + 6), 250, LOWER UPPER DIGIT "/_-");
}

int arn_check_key_name(const char *name, struct err *e)
{
	struct fields f;

	if (!strncmp(name, "arn:", 4)) {
		if (split(name, &f) && is(&f, 2, "kms") && good_partition(&f) &&
		    made_of(f.at[3], f.len[3], 32, LOWER DIGIT "-") && good_account(&f) && good_alias(f.at[5]))
			return 0;
		return arn_check_key(name, e);
	}
	if (good_alias(name) || made_of(name, strlen(name), 128, LOWER UPPER DIGIT "_-"))
		return 0;
	return err_set(e, -EINVAL, "\"%.200s\" is neither a key id nor alias/NAME nor the ARN of a key", name);
}

int arn_check_principal(const char *arn, struct err *e)
{
	struct fields f;

	if (strlen(arn) > ARN_PRINCIPAL_MAX || !split(arn, &f) || !is(&f, 2, "iam") || !good_partition(&f) ||
	    f.len[3] || !good_account(&f))
		goto bad;
	if (strncmp(f.at[5], "user/", 5) && strncmp(f.at[5], "role/", 5))
		goto bad;
	/* "/path/name" below: no empty part, and a name at the end */
	if (!made_of(f.at[5] + 5, f.len[5] - 5, ARN_PRINCIPAL_MAX, LOWER UPPER DIGIT "/_+=,.@-") ||
	    strstr(f.at[5], "//") || f.at[5][f.len[5] - 1] == '/')
		goto bad;
	return 0;

bad:
	return err_set(e, -EINVAL,
		       "\"%.200s\" is not the ARN of a user or role (arn:PARTITION:iam::ACCOUNT:role/NAME)", arn);
}

bool arn_in_region(const char *arn, const char *region)
{
	struct fields f;

	return split(arn, &f) && is(&f, 3, region);
}

int arn_principal_of_caller(const char *caller, char *out, size_t size, struct err *e)
{
	static const char session[] = "assumed-role/";
	const char *role, *end;
	struct fields f;
	int n;

	if (!arn_check_principal(caller, NULL)) {
		n = snprintf(out, size, "%s", caller);
		return n < 0 || (size_t)n >= size ? -ENOSPC : 0;
	}
	if (!split(caller, &f) || !is(&f, 2, "sts") || strncmp(f.at[5], session, sizeof(session) - 1))
		goto bad;
	role = f.at[5] + sizeof(session) - 1;
	end = strchr(role, '/');
	if (!end)
		goto bad;
	n = snprintf(out, size, "arn:%.*s:iam::%.*s:role/%.*s", (int)f.len[1], f.at[1], (int)f.len[4], f.at[4],
		     (int)(end - role), role);
	if (n < 0 || (size_t)n >= size)
		return err_set(e, -ENOSPC, "the ARN of the caller is too long");
	if (arn_check_principal(out, NULL))
		goto bad;
	return 0;

bad:
	return err_set(e, -EINVAL, "\"%.200s\" is neither a user nor a role", caller);
}
