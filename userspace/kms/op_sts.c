// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "answer.h"
#include "client.h"

int kms_caller(struct kms *k, char *arn, size_t size, struct kms_answer *a, struct err *e)
{
	static const char op[] = "GetCallerIdentity";
	int rc;

	*arn = '\0';
	rc = client_query(k, op, "Action=GetCallerIdentity&Version=2011-06-15", a, e);
	if (rc)
		return rc;
	if (!xml_text(k->rs.body, k->rs.len, "Arn", arn, size) || strncmp(arn, "arn:", 4)) {
		*arn = '\0';
		err_set(e, -EBADMSG, "the answer names no ARN");
		return client_bad(k, op, a, e);
	}
	client_wipe(k);
	return 0;
}
