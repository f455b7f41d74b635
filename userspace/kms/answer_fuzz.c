// SPDX-License-Identifier: GPL-2.0-or-later
/* Error bodies of KMS and STS: what is kept of them is fit for logs, and any of them has an explanation. */
#include "fuzz/fuzz.h"

#include <ctype.h>

#include "answer.h"
#include "verdict.h"

static void check_answer(struct kms_answer *a)
{
	struct err e = ERR_INIT;
	enum verdict_why why;

	fuzz_check(fuzz_printable(a->code, sizeof(a->code)) && fuzz_printable(a->message, sizeof(a->message)));
	for (const char *p = a->code; *p; p++)
		fuzz_check(isalnum((unsigned char)*p) || strchr("._-", *p));
	/* no answer but 200, and a dry run that went well, says yes */
	if (verdict_of_probe(a, &why) == VERDICT_OK)
		fuzz_check(!strcmp(a->code, "DryRunOperationException"));
	else
		fuzz_check(answer_explain(a, "Decrypt", "key", &e) < 0 && e.what[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int status[] = { 400, 403, 413, 429, 500, 503, 302, 0 };
	struct kms_answer json = { .transport = KMS_ANSWERED }, xml = { .transport = KMS_ANSWERED };
	char text[64];

	json.http_status = status[size % 8];
	xml.http_status = status[size % 8];
	answer_of_json_error(&json, (const char *)data, size);
	check_answer(&json);
	answer_of_xml_error(&xml, (const char *)data, size);
	check_answer(&xml);
	if (xml_text((const char *)data, size, "Arn", text, sizeof(text)))
		fuzz_check(memchr(text, '\0', sizeof(text)) && !strpbrk(text, "<&"));
	return 0;
}
