// SPDX-License-Identifier: GPL-2.0-or-later
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "profile.h"

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct span trim(const char *at, size_t len)
{
	while (len && blank(*at)) {
		at++;
		len--;
	}
	while (len && blank(at[len - 1]))
		len--;
	return (struct span){ at, len };
}

bool span_is(const struct span *s, const char *text)
{
	return s->len == strlen(text) && !memcmp(s->at, text, s->len);
}

static bool is_section(const struct span *line, const char *name)
{
	struct span s = trim(line->at + 1, line->len - 2);

	if (span_is(&s, name))
		return true;
	if (s.len < 8 || memcmp(s.at, "profile", 7) || !blank(s.at[7]))
		return false;
	s = trim(s.at + 7, s.len - 7);
	return span_is(&s, name);
}

/* Every setting that leads to credentials and where it is kept. */
static const struct {
	const char *key;
	size_t offset;
} settings[] = {
	{ "aws_access_key_id", offsetof(struct profile, access_key_id) },
	{ "aws_secret_access_key", offsetof(struct profile, secret_access_key) },
	{ "aws_session_token", offsetof(struct profile, session_token) },
	{ "credential_process", offsetof(struct profile, credential_process) },
	{ "role_arn", offsetof(struct profile, role_arn) },
	{ "source_profile", offsetof(struct profile, source_profile) },
	{ "credential_source", offsetof(struct profile, credential_source) },
	{ "web_identity_token_file", offsetof(struct profile, web_identity_token_file) },
	{ "role_session_name", offsetof(struct profile, role_session_name) },
	{ "external_id", offsetof(struct profile, external_id) },
	{ "duration_seconds", offsetof(struct profile, duration_seconds) },
};

#define SETTINGS (sizeof(settings) / sizeof(*settings))

static struct span *slot(struct profile *p, size_t i)
{
	return (struct span *)((char *)p + settings[i].offset);
}

static void take_setting(const struct span *line, struct profile *out)
{
	static const char *const unsupported[] = {
		"login_session", "mfa_serial", "sso_account_id", "sso_role_name", "sso_session", "sso_start_url",
	};
	const char *eq = memchr(line->at, '=', line->len);
	struct span key, value;
	size_t i;

	if (!eq)
		return;
	key = trim(line->at, eq - line->at);
	value = trim(eq + 1, line->at + line->len - eq - 1);
	for (i = 0; i < SETTINGS; i++) {
		if (span_is(&key, settings[i].key))
			*slot(out, i) = value;
	}
	for (i = 0; i < sizeof(unsupported) / sizeof(*unsupported); i++) {
		if (span_is(&key, unsupported[i]))
			out->unsupported = unsupported[i];
	}
}

void profile_merge(struct profile *p, const struct profile *over)
{
	struct profile from = *over;
	size_t i;

	for (i = 0; i < SETTINGS; i++) {
		if (slot(&from, i)->at)
			*slot(p, i) = *slot(&from, i);
	}
	if (over->unsupported)
		p->unsupported = over->unsupported;
}

bool profile_find(const char *text, size_t len, const char *name, struct profile *out)
{
	bool here = false, found = false;
	const char *eol;
	struct span line;
	size_t n;

	memset(out, 0, sizeof(*out));
	for (; len; text += n, len -= n) {
		eol = memchr(text, '\n', len);
		n = eol ? (size_t)(eol - text) + 1 : len;
		line = trim(text, eol ? n - 1 : n);
		if (!line.len || *line.at == '#' || *line.at == ';')
			continue;
		if (*line.at == '[') {
			here = line.len >= 2 && line.at[line.len - 1] == ']' && is_section(&line, name);
			found |= here;
		} else if (here && !blank(*text)) {
			take_setting(&line, out);
		}
	}
	return found;
}
