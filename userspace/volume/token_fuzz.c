// SPDX-License-Identifier: GPL-2.0-or-later
/* The token of a LUKS2 header: what is accepted has one canonical text, which is accepted and means the same. */
#include "fuzz/fuzz.h"

#include "token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct token t, again, zero;
	struct err e = ERR_INIT;
	char *text, hash[2][TOKEN_HASH_LEN + 1];

	if (token_parse((const char *)data, size, &t, &e)) {
		fuzz_check(e.what[0] && !memcmp(&t, &zero, sizeof(t)));
		return 0;
	}
	fuzz_check(!token_text(&t, &text, &e));
	fuzz_check(!token_parse(text, strlen(text), &again, &e) && !memcmp(&t, &again, sizeof(t)));
	fuzz_check(!token_hash(&t, hash[0], &e) && !token_hash(&again, hash[1], &e) && !strcmp(hash[0], hash[1]));
	free(text);
	return 0;
}
