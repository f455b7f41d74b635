// SPDX-License-Identifier: GPL-2.0-or-later
/* Credentials and config files: what is found lies within the text, without the blanks and line ends around it. */
#include "fuzz/fuzz.h"

#include "profile.h"

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void check_span(const struct span *s, const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;

	if (!s->at) {
		fuzz_check(!s->len);
		return;
	}
	fuzz_check(s->at >= text && s->len <= size && s->at + s->len <= text + size);
	fuzz_check(!memchr(s->at, '\n', s->len));
	if (s->len)
		fuzz_check(!is_blank(s->at[0]) && !is_blank(s->at[s->len - 1]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "default", "host", "a b" };
	struct profile p;

	for (unsigned int i = 0; i < 3; i++) {
		if (!profile_find((const char *)data, size, names[i], &p))
			fuzz_check(!p.access_key_id.at && !p.secret_access_key.at && !p.session_token.at &&
				   !p.unsupported);
		check_span(&p.access_key_id, data, size);
		check_span(&p.secret_access_key, data, size);
		check_span(&p.session_token, data, size);
	}
	return 0;
}
