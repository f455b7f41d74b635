// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "creds.h"
#include "plan.h"
#include "provider.h"

#define CREDS_FILE_MAX (60 * 1024)

/* The files of profiles, and what is in them while they are looked at. */
struct files {
	char path[2][PATH_MAX];
	struct secret text[2];
};

enum look creds_of_environment(struct creds *out, struct err *e)
{
	static const char *const names[] = { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN" };
	struct found f = { .expires_s = 0 };
	struct span *spans[] = { &f.access_key_id, &f.secret_access_key, &f.session_token };
	const char *value;
	size_t i;

	for (i = 0; i < 3; i++) {
		value = secure_getenv(names[i]);
		if (value && *value)
			*spans[i] = (struct span){ value, strlen(value) };
	}
	if (!f.access_key_id.at && !f.secret_access_key.at)
		return NOT_HERE;
	return provider_keep(out, &f, "environment (AWS_ACCESS_KEY_ID...)", e);
}

/* home_path - the variable's path, or NAME below the home directory; "" when neither is known. */
static void home_path(const char *variable, const char *name, char out[PATH_MAX])
{
	const char *path = secure_getenv(variable);
	const char *home = secure_getenv("HOME");
	int n = -1;

	if (path && *path)
		n = snprintf(out, PATH_MAX, "%s", path);
	else if (home && *home == '/')
		n = snprintf(out, PATH_MAX, "%s/.aws/%s", home, name);
	if (n <= 0 || n >= PATH_MAX)
		out[0] = '\0';
}

static int files_read(const struct creds_source *src, struct files *f, struct err *e)
{
	/* ~/.aws/config is no secret as long as no keys are in it, which is looked at when they are to be used. */
	static const enum provider_rights rights[] = { RIGHTS_SECRET, RIGHTS_PUBLIC };
	int i, rc;

	memset(f->path, 0, sizeof(f->path));
	f->text[0] = (struct secret)SECRET_INIT;
	f->text[1] = (struct secret)SECRET_INIT;
	if (src->file) {
		snprintf(f->path[0], PATH_MAX, "%s", src->file);
	} else {
		home_path("AWS_SHARED_CREDENTIALS_FILE", "credentials", f->path[0]);
		home_path("AWS_CONFIG_FILE", "config", f->path[1]);
	}
	for (i = 0; i < 2; i++) {
		if (!f->path[i][0])
			continue;
		rc = provider_read(f->path[i], rights[i], CREDS_FILE_MAX, &f->text[i], e);
		if (rc && rc != -ENOENT)
			return rc;
	}
	return 0;
}

static void files_wipe(struct files *f)
{
	secret_wipe(&f->text[0]);
	secret_wipe(&f->text[1]);
}

/* in_config - whether a value was found in the second file. */
static bool in_config(const struct files *f, const struct span *s)
{
	const char *start = (const char *)f->text[1].data;

	return s->at && start && s->at >= start && s->at < start + f->text[1].len;
}

static enum look use_keys(const struct files *f, const struct profile *p, const char *profile, struct creds *out,
			  struct err *e)
{
	const struct found found = {
		.access_key_id = p->access_key_id,
		.secret_access_key = p->secret_access_key,
		.session_token = p->session_token,
	};
	bool config = in_config(f, &p->secret_access_key);
	struct secret again = SECRET_INIT;
	char where[512];
	int rc;

	snprintf(where, sizeof(where), "%.300s [%.100s]", f->path[config], profile);
	if (config) {
		rc = provider_read(f->path[1], RIGHTS_SECRET, CREDS_FILE_MAX, &again, e);
		secret_wipe(&again);
		if (rc)
			return FAILED;
	}
	return provider_keep(out, &found, where, e);
}

static struct role_request role_of(const struct profile *p)
{
	return (struct role_request){ p->role_arn, p->role_session_name, p->external_id, p->duration_seconds };
}

static enum look web_identity_of_profile(const struct creds_source *src, const struct profile *p, struct creds *out,
					 struct err *e)
{
	const struct role_request role = role_of(p);
	char path[PATH_MAX];

	if (p->web_identity_token_file.len >= sizeof(path)) {
		err_set(e, -ENAMETOOLONG, "web_identity_token_file is too long");
		return FAILED;
	}
	snprintf(path, sizeof(path), "%.*s", (int)p->web_identity_token_file.len, p->web_identity_token_file.at);
	return creds_of_web_identity(src, &role, path, out, e);
}

/* refused - what a profile may not lead to here, because the configuration asked for less. NULL: nothing. */
static const char *refused(const struct creds_source *src, const struct plan *plan)
{
	if (src->kind == CREDS_FILE && plan->nr)
		return "role_arn";
	if (src->kind == CREDS_FILE && plan->source == PLAN_WEB_IDENTITY)
		return "web_identity_token_file";
	if (src->kind != CREDS_CHAIN && src->kind != CREDS_PROCESS && plan->source == PLAN_PROCESS)
		return "credential_process";
	return NULL;
}

static enum look start_plan(const struct creds_source *src, const struct files *f, const struct plan *plan,
			    const char *profile, struct creds *out, struct err *e)
{
	switch (plan->source) {
	case PLAN_KEYS:
		return use_keys(f, &plan->from, profile, out, e);
	case PLAN_PROCESS:
		return creds_of_process(src, &plan->from.credential_process, out, e);
	case PLAN_WEB_IDENTITY:
		return web_identity_of_profile(src, &plan->from, out, e);
	case PLAN_ENVIRONMENT:
		return src->environment ? creds_of_environment(out, e) : NOT_HERE;
	case PLAN_CONTAINER:
		return creds_of_container(src, out, e);
	case PLAN_IMDS:
		return creds_of_imds(src, out, e);
	}
	return NOT_HERE;
}

static enum look walk(const struct creds_source *src, const struct files *f, const struct plan *plan,
		      const char *profile, struct creds *out, struct err *e)
{
	const char *no = refused(src, plan);
	enum look look;
	unsigned int i;

	if (no) {
		err_set(e, -EOPNOTSUPP, "%.300s [%.100s]: %s is not used", f->path[0], profile, no);
		err_hint(e, "host-credentials-source= of ecached.conf says what is");
		return FAILED;
	}
	look = start_plan(src, f, plan, profile, out, e);
	if (look == NOT_HERE) {
		err_set(e, -ENOENT, "profile \"%s\": the credential_source has no credentials", profile);
		return FAILED;
	}
	for (i = 0; look == FOUND && i < plan->nr; i++) {
		const struct role_request role = role_of(&plan->role[i]);

		look = creds_of_role(src, &role, out, e);
	}
	if (look == FAILED)
		creds_wipe(out);
	return look;
}

static enum look of_profile(const struct creds_source *src, struct files *f, const char *profile, struct creds *out,
			    struct err *e)
{
	struct plan_texts texts = { 0 };
	enum look look = FAILED;
	struct plan plan;
	int i, rc;

	rc = files_read(src, f, e);
	for (i = 0; i < 2; i++) {
		if (f->text[i].data)
			texts.text[i] = (struct span){ (const char *)f->text[i].data, f->text[i].len };
	}
	if (!rc)
		rc = plan_make(&texts, profile, &plan, e);
	if (rc == -ENOENT)
		look = NOT_HERE;
	else if (!rc)
		look = walk(src, f, &plan, profile, out, e);
	files_wipe(f);
	return look;
}

static const char *variable(const char *name)
{
	const char *value = secure_getenv(name);

	return value && *value ? value : NULL;
}

static struct span span_of(const char *text)
{
	return (struct span){ text, text ? strlen(text) : 0 };
}

static enum look of_web_identity(const struct creds_source *src, struct creds *out, struct err *e)
{
	struct role_request role = {
		.arn = span_of(src->role_arn),
		.session_name = span_of(src->role_session_name),
	};
	const char *file = src->web_identity_token_file;

	if (!file && src->environment) {
		file = variable("AWS_WEB_IDENTITY_TOKEN_FILE");
		role.arn = span_of(variable("AWS_ROLE_ARN"));
		role.session_name = span_of(variable("AWS_ROLE_SESSION_NAME"));
	}
	return file && role.arn.at ? creds_of_web_identity(src, &role, file, out, e) : NOT_HERE;
}

/* chain - as AWS's tools go. What is set but does not work is an error: not a reason to be somebody else. */
static enum look chain(const struct creds_source *src, struct files *f, const char *profile, struct creds *out,
		       struct err *e)
{
	enum look look = NOT_HERE;

	if (src->environment)
		look = creds_of_environment(out, e);
	if (look == NOT_HERE)
		look = of_profile(src, f, profile, out, e);
	/* Who names a profile means that one. */
	if (src->profile || (src->environment && variable("AWS_PROFILE")))
		return look;
	if (look == NOT_HERE && src->environment)
		look = of_web_identity(src, out, e);
	if (look == NOT_HERE && src->environment)
		look = creds_of_container(src, out, e);
	if (look != NOT_HERE || !src->environment || !src->net)
		return look;
	look = creds_of_imds(src, out, e);
	/* Nobody there: most hosts are no instances. */
	return look == FAILED && e->rc == -EAGAIN ? NOT_HERE : look;
}

static enum look of_kind(const struct creds_source *src, struct files *f, const char *profile, struct creds *out,
			 struct err *e)
{
	switch (src->kind) {
	case CREDS_CHAIN:
		return chain(src, f, profile, out, e);
	case CREDS_FILE:
	case CREDS_PROFILE:
	case CREDS_PROCESS:
		return of_profile(src, f, profile, out, e);
	case CREDS_WEB_IDENTITY:
		return of_web_identity(src, out, e);
	case CREDS_CONTAINER:
		return creds_of_container(src, out, e);
	case CREDS_IMDS:
		return creds_of_imds(src, out, e);
	}
	return NOT_HERE;
}

static int not_found(const struct creds_source *src, const struct files *f, const char *profile, struct err *e)
{
	if (src->kind > CREDS_PROCESS)
		return err_set(e, -ENOENT, "no AWS credentials: the source that is configured is incomplete");
	err_set(e, -ENOENT, "no AWS credentials: looked in %s%s%s%s for profile \"%s\"",
		src->environment ? "the environment, " : "", f->path[0][0] ? f->path[0] : "no file (HOME is not set)",
		f->path[1][0] ? ", " : "", f->path[1], profile);
	return err_hint(e, "a credentials file has a line [%s], then aws_access_key_id= and aws_secret_access_key=",
			profile);
}

int creds_load(const struct creds_source *src, struct creds *out, struct err *e)
{
	const char *profile = src->profile;
	struct err unread = ERR_INIT;
	struct files *files;
	int rc = 0;

	if (!e)
		e = &unread;
	*out = (struct creds){ .store = SECRET_INIT };
	if (!profile && src->environment)
		profile = secure_getenv("AWS_PROFILE");
	if (!profile || !*profile)
		profile = "default";
	files = calloc(1, sizeof(*files));
	if (!files)
		return err_set(e, -ENOMEM, "out of memory");
	switch (of_kind(src, files, profile, out, e)) {
	case FOUND:
		break;
	case NOT_HERE:
		rc = not_found(src, files, profile, e);
		break;
	case FAILED:
		rc = e->rc;
		break;
	}
	free(files);
	return rc;
}

void creds_wipe(struct creds *c)
{
	secret_wipe(&c->store);
	*c = (struct creds){ .store = SECRET_INIT };
}
