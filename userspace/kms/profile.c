// SPDX-License-Identifier: GPL-2.0-or-later
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

static bool equals(const struct span *s, const char *text)
{
	return s->len == strlen(text) && !memcmp(s->at, text, s->len);
}

static bool is_section(const struct span *line, const char *name)
{
	struct span s = trim(line->at + 1, line->len - 2);

	if (equals(&s, name))
		return true;
	if (s.len < 8 || memcmp(s.at, "profile", 7) || !blank(s.at[7]))
		return false;
	s = trim(s.at + 7, s.len - 7);
	return equals(&s, name);
}

static void take_setting(const struct span *line, struct profile *out)
{
	static const char *const unsupported[] = {
		"credential_process", "credential_source", "role_arn", "source_profile", "sso_session", "sso_start_url",
		"web_identity_token_file",
	};
	const char *eq = memchr(line->at, '=', line->len);
	struct span key, value;
	size_t i;

	if (!eq)
		return;
	key = trim(line->at, eq - line->at);
	value = trim(eq + 1, line->at + line->len - eq - 1);
	if (equals(&key, "aws_access_key_id"))
		out->access_key_id = value;
	else if (equals(&key, "aws_secret_access_key"))
		out->secret_access_key = value;
	else if (equals(&key, "aws_session_token"))
		out->session_token = value;
	for (i = 0; i < sizeof(unsupported) / sizeof(*unsupported); i++) {
		if (equals(&key, unsupported[i]))
			out->unsupported = unsupported[i];
	}
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
