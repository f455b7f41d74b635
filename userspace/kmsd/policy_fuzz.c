// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Policy documents of both kinds. What the strict reader takes, the lenient one takes, and both see the same in it;
 * what only the lenient one takes allows nothing by what was not understood.
 */
#include "fuzz/fuzz.h"

#include "common/json.h"
#include "policy.h"

#define ACCOUNT "123456789012"

static const struct condition_env env = {
	.value = { { "kms:CallerAccount", ACCOUNT }, { "kms:ViaService", "elasticache.local-1.amazonaws.com" },
		   { "kms:GrantOperations", "Decrypt" }, { "kms:GrantOperations", "DescribeKey" } },
	.nr = 4,
};

static const struct policy_query query = {
	.action = "kms:Decrypt", .resource = "arn:aws:kms:local-1:" ACCOUNT ":key/332306ac-4b7e-4114-9282-8ecf0d4e9a24",
	.account = ACCOUNT, .principal = "arn:aws:iam::" ACCOUNT ":role/host",
	.session = "arn:aws:sts::" ACCOUNT ":assumed-role/host/static", .env = &env,
};

/* nr_statements - as the document has them, whatever is in them. */
static size_t nr_statements(const struct policy *p)
{
	struct json_object *list = json_object_object_get(p->document, "Statement");

	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 1;
}

static int named(void *ctx, const char *principal)
{
	(void)ctx;
	fuzz_check(*principal && strcmp(principal, "*"));
	return 0;
}

static void read_policy(const char *text, enum policy_kind kind)
{
	struct err e = ERR_INIT;
	struct policy strict, lenient;
	unsigned int says;
	int opaque = 0;

	if (policy_parse(text, kind, false, &lenient, &e)) {
		fuzz_check(e.what[0] && policy_parse(text, kind, true, &strict, NULL));
		return;
	}
	fuzz_check(lenient.nr == nr_statements(&lenient));
	says = policy_eval(&lenient, kind, &query);
	for (unsigned int i = 0; i < lenient.nr; i++) {
		opaque += lenient.statement[i].opaque;
		if (lenient.statement[i].opaque && lenient.statement[i].deny)
			fuzz_check(says & POLICY_DENIES);
	}
	if (opaque == (int)lenient.nr)
		fuzz_check(!(says & (POLICY_ALLOWS | POLICY_DELEGATES)));
	if (!policy_parse(text, kind, true, &strict, &e)) {
		fuzz_check(!opaque && says == policy_eval(&strict, kind, &query));
		fuzz_check(!policy_principals(&strict, named, NULL));
		policy_free(&strict);
	}
	policy_free(&lenient);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);

	read_policy(text, POLICY_OF_KEY);
	read_policy(text, POLICY_OF_PRINCIPAL);
	free(text);
	return 0;
}
