// SPDX-License-Identifier: GPL-2.0-or-later
/* Grant tokens: the one that we made is read, and nothing else is, however little it differs. */
#include "fuzz/fuzz.h"

#include <errno.h>

#include "grant.h"
#include "root.h"

#define GRANT_ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct secret root;
static char token[GRANT_TOKEN_SIZE];

static void make_token(void)
{
	fuzz_check(!secret_alloc(&root, ROOT_SECRET_SIZE));
	memset(root.data, 7, root.cap);
	root.len = root.cap;
	fuzz_check(!grant_token_make(&root, GRANT_ID, token));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char id[HEX_ID_SIZE], changed[GRANT_TOKEN_SIZE], *text = fuzz_string(data, size);

	if (!*token)
		make_token();
	fuzz_check(grant_token_read(&root, text, id) == (strcmp(text, token) ? -EBADMSG : 0));
	/* the input as a mask over ours */
	strcpy(changed, token);
	for (size_t i = 0; i < size && i < strlen(token); i++)
		changed[i] ^= data[i];
	fuzz_check(grant_token_read(&root, changed, id) == (strcmp(changed, token) ? -EBADMSG : 0));
	free(text);
	return 0;
}
