// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The two files of profiles, a NUL between them: what leads to credentials is all there, lies in the texts, and is
 * reached in a bounded number of steps.
 */
#include "fuzz/fuzz.h"

#include <errno.h>

#include "plan.h"

static int within(const struct span *s, const struct span *text)
{
	return text->at && s->at >= text->at && s->at + s->len <= text->at + text->len;
}

static void check_span(const struct span *s, const struct plan_texts *texts)
{
	if (s->at)
		fuzz_check(within(s, &texts->text[0]) || within(s, &texts->text[1]));
	else
		fuzz_check(!s->len);
}

static void check_profile(const struct profile *p, const struct plan_texts *texts)
{
	check_span(&p->access_key_id, texts);
	check_span(&p->secret_access_key, texts);
	check_span(&p->session_token, texts);
	check_span(&p->credential_process, texts);
	check_span(&p->role_arn, texts);
	check_span(&p->web_identity_token_file, texts);
	check_span(&p->role_session_name, texts);
	check_span(&p->external_id, texts);
	check_span(&p->duration_seconds, texts);
}

static void check_source(const struct plan *p)
{
	switch (p->source) {
	case PLAN_KEYS:
		fuzz_check(p->from.access_key_id.at || p->from.secret_access_key.at);
		break;
	case PLAN_PROCESS:
		fuzz_check(p->from.credential_process.at);
		break;
	case PLAN_WEB_IDENTITY:
		fuzz_check(p->from.role_arn.at && p->from.web_identity_token_file.at);
		break;
	case PLAN_ENVIRONMENT:
	case PLAN_CONTAINER:
	case PLAN_IMDS:
		/* what a host or container gives is there to assume a role with */
		fuzz_check(p->nr && p->from.credential_source.at);
		break;
	}
}

static void check_plan(const struct plan_texts *texts, const char *profile)
{
	struct err e = ERR_INIT;
	struct plan p;
	int rc = plan_make(texts, profile, &p, &e);

	if (rc) {
		fuzz_check(rc == -ENOENT || rc == -ELOOP || rc == -EOPNOTSUPP || rc == -EINVAL);
		fuzz_check(rc == -ENOENT ? !e.what[0] : e.rc == rc && e.what[0]);
		return;
	}
	fuzz_check(!e.what[0] && p.nr <= PLAN_ROLES);
	check_profile(&p.from, texts);
	check_source(&p);
	for (unsigned int i = 0; i < p.nr; i++) {
		check_profile(&p.role[i], texts);
		fuzz_check(p.role[i].role_arn.at && !p.role[i].unsupported);
		/* only the first is assumed from what is no profile, if any is */
		fuzz_check(!p.role[i].source_profile.at == (i == 0 && p.source >= PLAN_ENVIRONMENT));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *nul = memchr(text, '\0', size);
	struct plan_texts texts = { { { text, nul ? (size_t)(nul - text) : size } } };

	if (nul)
		texts.text[1] = (struct span){ nul + 1, size - (size_t)(nul + 1 - text) };
	check_plan(&texts, "default");
	check_plan(&texts, "a");
	return 0;
}
