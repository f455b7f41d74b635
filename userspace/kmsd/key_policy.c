// SPDX-License-Identifier: GPL-2.0-or-later
#include "key_policy.h"

#include <errno.h>
#include <string.h>

#include "authz.h"
#include "param.h"
#include "principal.h"

#define POLICY_MEMBER_MAX 131072

/* clean - tabs, line ends, and what Latin-1 can print: in UTF-8 a second byte at most, and that behind 0xc2 or 0xc3. */
static bool clean(const char *s)
{
	for (; *s; s++) {
		unsigned char b = (unsigned char)*s;

		if (b > 0xc3 || (b < 0x20 && !strchr("\t\n\r", b)))
			return false;
	}
	return true;
}

enum fault key_policy_read(struct call *c, const char **policy)
{
	enum fault f = param_string(c, "Policy", 1, POLICY_MEMBER_MAX, policy);

	if (f || !*policy)
		return f;
	if (!clean(*policy))
		return param_invalid(c, "Policy", "Member must satisfy regular expression pattern: "
				     "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+");
	if (strlen(*policy) > POLICY_BYTES_MAX)
		return call_fail(c, FAULT_LIMIT_EXCEEDED, "A key policy has at most %d bytes", POLICY_BYTES_MAX);
	return FAULT_NONE;
}

/* principal_exists - for the principals that a key policy names: in this account they must be there. */
static int principal_exists(void *ctx, const char *name)
{
	struct call *c = ctx;
	struct principal p;
	struct arn arn;
	int rc;

	if (!arn_parse(name, &arn) || strcmp(arn.account, c->svc->account) || !strcmp(arn.resource, "root"))
		return 0;
	rc = principal_by_arn(c->svc, name, &p);
	principal_free(&p);
	return rc;
}

enum fault key_policy_check(struct call *c, const char *text, bool bypass)
{
	struct err why = ERR_INIT;
	enum fault f = FAULT_NONE;
	bool yes = true;
	struct policy p;
	int rc;

	rc = policy_parse(text, POLICY_OF_KEY, true, &p, &why);
	if (rc)
		return call_fail(c, FAULT_MALFORMED_POLICY, "The new key policy is not valid: %s", why.what);
	rc = policy_principals(&p, principal_exists, c);
	if (rc == -ENOENT)
		f = call_fail(c, FAULT_MALFORMED_POLICY,
			      "Policy contains a statement with one or more invalid principals.");
	else if (rc)
		f = call_internal(c, rc);
	if (!f && !bypass)
		f = authz_would_allow(c, "PutKeyPolicy", &p, &yes);
	if (!f && !yes)
		f = call_fail(c, FAULT_MALFORMED_POLICY,
			      "The new key policy will not allow you to update the key policy in the future.");
	policy_free(&p);
	return f;
}
