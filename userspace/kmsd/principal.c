// SPDX-License-Identifier: GPL-2.0-or-later
#include "principal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "root.h"

void principal_arn(const struct service *svc, const struct principal *p, char out[ARN_SIZE])
{
	snprintf(out, ARN_SIZE, "arn:aws:iam::%s:%s/%s", svc->account, p->role ? "role" : "user", p->name);
}

void principal_session_arn(const struct service *svc, const struct principal *p, char out[ARN_SIZE])
{
	*out = '\0';
	if (p->role)
		snprintf(out, ARN_SIZE, "arn:aws:sts::%s:assumed-role/%s/" PRINCIPAL_SESSION, svc->account, p->name);
}

/* arn_names - the name and kind in "user/NAME", "role/NAME" or "assumed-role/NAME/SESSION". */
static bool arn_names(const struct arn *arn, char name[PRINCIPAL_NAME_SIZE], bool *role)
{
	const char *s = arn->resource, *end;
	bool session = !strcmp(arn->service, "sts");

	if (session ? strncmp(s, "assumed-role/", 13) : strcmp(arn->service, "iam"))
		return false;
	*role = session || !strncmp(s, "role/", 5);
	if (!*role && strncmp(s, "user/", 5))
		return false;
	s = strchr(s, '/') + 1;
	end = session ? strchr(s, '/') : s + strlen(s);
	if (!end || (session && !end[1]) || (size_t)(end - s) >= PRINCIPAL_NAME_SIZE)
		return false;
	memcpy(name, s, (size_t)(end - s));
	name[end - s] = '\0';
	return true;
}

int principal_by_arn(const struct service *svc, const char *text, struct principal *out)
{
	char name[PRINCIPAL_NAME_SIZE];
	struct arn arn;
	bool role;
	int rc;

	memset(out, 0, sizeof(*out));
	if (!arn_parse(text, &arn) || strcmp(arn.partition, "aws") || *arn.region ||
	    strcmp(arn.account, svc->account) || !arn_names(&arn, name, &role))
		return -ENOENT;
	rc = store_principal_get(svc->store, name, out);
	if (!rc && out->role != role)
		rc = -ENOENT;
	return rc;
}

int principal_new_credentials(const struct service *svc, struct principal *p, char secret[SECRET_KEY_SIZE])
{
	int rc = ident_new_access_key(p->access_key);

	if (!rc)
		rc = ident_new_secret_key(secret);
	if (!rc)
		rc = root_wrap(&svc->root, ROOT_PRINCIPAL, p->access_key, (const uint8_t *)secret, SECRET_KEY_SIZE - 1,
			       p->wrapped);
	return rc;
}

int principal_secret(const struct service *svc, const struct principal *p, char secret[SECRET_KEY_SIZE])
{
	secret[SECRET_KEY_SIZE - 1] = '\0';
	return root_unwrap(&svc->root, ROOT_PRINCIPAL, p->access_key, p->wrapped, sizeof(p->wrapped),
			   (uint8_t *)secret);
}

int principal_set_via(const struct service *svc, struct principal *p, const char *via, struct err *e)
{
	size_t len = strlen(via);
	int n;

	if (!len || strspn(via, "abcdefghijklmnopqrstuvwxyz0123456789.-") < len)
		return err_set(e, -EINVAL, "bad service name \"%.64s\"", via);
	if (strchr(via, '.'))
		n = snprintf(p->via, sizeof(p->via), "%s", via);
	else
		n = snprintf(p->via, sizeof(p->via), "%s.%s.amazonaws.com", via, svc->region);
	return n >= (int)sizeof(p->via) ? err_set(e, -EINVAL, "service name too long") : 0;
}

bool principal_service(const struct principal *p, char out[VIA_SIZE])
{
	size_t len = strcspn(p->via, ".");

	if (!*p->via)
		return false;
	snprintf(out, VIA_SIZE, "%.*s.amazonaws.com", (int)len, p->via);
	return true;
}

const char *principal_source_arn(const struct http_request *rq, const struct principal *p)
{
	const char *arn = *p->via ? http_header(rq, "X-Amz-Source-Arn") : NULL;

	return arn && *arn && strlen(arn) < ARN_SIZE ? arn : NULL;
}
