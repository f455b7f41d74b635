// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of resources: what passes needs no quotes anywhere, and the principal behind a caller passes as a principal. */
#include "fuzz/fuzz.h"

#include "arn.h"

static int needs_quotes(const char *s)
{
	return s[strcspn(s, " \t\r\n\"'\\<>{}$`;|&")] != '\0' || !fuzz_printable(s, strlen(s) + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size), principal[ARN_PRINCIPAL_MAX + 1], shorter[40];
	struct err e = ERR_INIT;

	if (!arn_check_key(text, &e))
		fuzz_check(!needs_quotes(text) && strstr(text, ":key/"));
	else
		fuzz_check(e.what[0]);
	if (!arn_check_principal(text, &e))
		fuzz_check(!needs_quotes(text) && strlen(text) <= ARN_PRINCIPAL_MAX);
	if (!arn_check_region(text, &e))
		fuzz_check(!needs_quotes(text) && !strpbrk(text, "./:@"));
	arn_in_region(text, "eu-west-1");
	if (!arn_principal_of_caller(text, principal, sizeof(principal), &e))
		fuzz_check(!arn_check_principal(principal, &e));
	if (!arn_principal_of_caller(text, shorter, sizeof(shorter), &e))
		fuzz_check(!strcmp(principal, shorter));
	free(text);
	return 0;
}
