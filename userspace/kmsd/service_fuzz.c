// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whole requests, rightly signed: lines "WHO OPERATION BODY", where $K stands for the ARN of a key, $B for a ciphertext
 * of it, $G and $T for a grant and its token. Each is answered with JSON, by a success or by an error that is the
 * client's fault: nothing fails here that would be ours.
 */
#include "fuzz/fuzz.h"

#include "call.h"
#include "fault.h"
#include "service_test.h"

#define LINES_MAX 8

static struct kit *kit;
static char key[ARN_SIZE], ciphertext[512], grant[HEX_ID_SIZE], token[GRANT_TOKEN_SIZE], db_path[128];
static struct buf database;		/* as every input finds it */
static bool changed;

static void end(void)
{
	void *k = kit;

	kit_teardown(&k);
}

static void read_database(void)
{
	char part[4096];
	FILE *f = fopen(db_path, "re");
	size_t n;

	fuzz_check(f);
	while ((n = fread(part, 1, sizeof(part), f)))
		buf_add(&database, part, n);
	fclose(f);
}

static void begin(void)
{
	void *k;

	fuzz_check(!kit_setup(&k));
	kit = k;
	atexit(end);
	kit_principal(kit, "creator", "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\"}}");
	kit_principal(kit, "role/host", NULL);
	kit_key(kit, key);
	kit_encrypt(kit, key, "{\"a\":\"b\"}", ciphertext, sizeof(ciphertext));
	kit_grant(kit, key, KIT_ROLE("host"), "[\"Decrypt\",\"CreateGrant\",\"RetireGrant\"]",
		  ",\"Constraints\":{\"EncryptionContextSubset\":{\"a\":\"b\"}}", grant, token);
	/* closing it moves everything into the one file */
	state_close(&kit->svc);
	snprintf(db_path, sizeof(db_path), "%s/" STATE_DATABASE, kit->dir);
	read_database();
	kit_reopen(kit);
}

static void restore_database(void)
{
	FILE *f;

	state_close(&kit->svc);
	f = fopen(db_path, "we");
	fuzz_check(f && fwrite(database.data, 1, database.len, f) == database.len && !fclose(f));
	kit_reopen(kit);
	changed = false;
}

/* expand - the placeholders, into a buffer to be wiped. */
static void expand(const char *text, size_t len, struct buf *out)
{
	static const struct {
		char letter;
		const char *value;
	} names[] = { { 'K', key }, { 'B', ciphertext }, { 'G', grant }, { 'T', token } };

	for (size_t i = 0; i < len; i++) {
		const char *value = NULL;

		for (unsigned int n = 0; text[i] == '$' && i + 1 < len && n < 4; n++) {
			if (names[n].letter == text[i + 1])
				value = names[n].value;
		}
		if (value)
			buf_str(out, value);
		else
			buf_add(out, text + i, 1);
		i += !!value;
	}
	fuzz_check(!out->failed);
}

static void ask(const char *who, const char *op, const struct buf *body)
{
	struct kit_request rq;
	struct http_reply reply;
	struct kit_answer a;
	char target[96];

	snprintf(target, sizeof(target), "TrentService.%.64s", op);
	kit_prepare(kit, &rq, who, target, body->data ? body->data : "", body->len);
	service_handle(&kit->svc, &rq.rq, &reply);
	fuzz_check(!strcmp(reply.content_type, "application/x-amz-json-1.1"));
	kit_read_answer(&reply, &a);
	fuzz_check(a.status == 200 || (a.status >= 400 && a.status < 500));
	if (a.status == 200)
		changed |= operation_find(op)->writes;
	kit_answer_free(&a);
}

static void ask_line(const char *line, size_t len)
{
	char who[16] = "", op[65] = "";
	struct buf body = BUF_INIT;
	const char *names[] = { "creator", "host", "admin" }, *found = "admin";
	const char *blank = memchr(line, ' ', len), *second;

	if (!blank)
		return;
	second = memchr(blank + 1, ' ', len - (size_t)(blank + 1 - line));
	if (!second)
		return;
	snprintf(who, sizeof(who), "%.*s", (int)(blank - line), line);
	snprintf(op, sizeof(op), "%.*s", (int)(second - blank - 1), blank + 1);
	for (unsigned int i = 0; i < 3; i++) {
		if (!strcmp(who, names[i]))
			found = names[i];
	}
	expand(second + 1, len - (size_t)(second + 1 - line), &body);
	ask(found, op, &body);
	buf_wipe(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end_of_input = at + size;

	if (!kit)
		begin();
	for (unsigned int i = 0; at < end_of_input && i < LINES_MAX; i++) {
		size_t left = (size_t)(end_of_input - at);
		const char *eol = memchr(at, '\n', left);
		size_t len = eol ? (size_t)(eol - at) : left;

		ask_line(at, len);
		at += len + 1;
	}
	if (changed)
		restore_database();
	return 0;
}
