// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "verdict.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Retries of a suspicion are spread over the span, but never faster than this. */
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS (VERDICT_SPAN_MS / 2)
/* After an answer that did not count there is no hurry to hear the same again. */
#define RETRY_UNCOUNTED_MIN_MS 10000

struct ruling {
	enum verdict verdict;
	enum verdict_why why;
};

/*
 * KMS's own exceptions and the common errors of AWS services. The same condition goes under several spellings
 * (with and without "Exception", query protocol names), so each is listed.
 */
static const struct {
	const char *code;
	struct ruling ruling;
} codes[] = {
	/* A dry run that would have succeeded ends in this error. */
	{ "DryRunOperationException", { VERDICT_OK, VERDICT_WHY_NONE } },

	/* One bad policy edit looks the same as a revoked grant. */
	{ "AccessDeniedException", { VERDICT_SUSPECT, VERDICT_WHY_DENIED } },
	{ "AccessDenied", { VERDICT_SUSPECT, VERDICT_WHY_DENIED } },
	{ "NotFoundException", { VERDICT_SUSPECT, VERDICT_WHY_DELETED } },

	{ "DisabledException", { VERDICT_REVOKED, VERDICT_WHY_DISABLED } },

	{ "KeyUnavailableException", { VERDICT_UNREACHABLE, VERDICT_WHY_KEY_UNAVAILABLE } },
	{ "DependencyTimeoutException", { VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE } },
	{ "KMSInternalException", { VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE } },
	{ "InternalFailure", { VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE } },
	{ "InternalServerError", { VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE } },
	{ "ServiceUnavailable", { VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE } },
	{ "ServiceUnavailableException", { VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE } },
	{ "RequestTimeout", { VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE } },
	{ "RequestTimeoutException", { VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE } },
	{ "PriorRequestNotComplete", { VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE } },
	{ "LimitExceededException", { VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED } },
	{ "Throttling", { VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED } },
	{ "ThrottlingException", { VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED } },
	{ "ThrottledException", { VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED } },
	{ "RequestThrottled", { VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED } },
	{ "RequestThrottledException", { VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED } },
	{ "TooManyRequestsException", { VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED } },
	{ "RequestLimitExceeded", { VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED } },
	{ "SlowDown", { VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED } },

	{ "ExpiredToken", { VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS } },
	{ "ExpiredTokenException", { VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS } },
	{ "UnrecognizedClientException", { VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS } },
	{ "InvalidClientTokenId", { VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS } },
	{ "InvalidAccessKeyId", { VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS } },
	{ "InvalidSignatureException", { VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS } },
	{ "SignatureDoesNotMatch", { VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS } },
	{ "IncompleteSignature", { VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS } },
	{ "IncompleteSignatureException", { VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS } },
	{ "MissingAuthenticationToken", { VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS } },
	{ "MissingAuthenticationTokenException", { VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS } },
	{ "OptInRequired", { VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS } },
	{ "NotAuthorized", { VERDICT_AGENT_FAULT, VERDICT_WHY_CREDENTIALS } },
	{ "RequestExpired", { VERDICT_AGENT_FAULT, VERDICT_WHY_CLOCK } },
	{ "RequestTimeTooSkewed", { VERDICT_AGENT_FAULT, VERDICT_WHY_CLOCK } },

	{ "InvalidGrantTokenException", { VERDICT_AGENT_FAULT, VERDICT_WHY_GRANT_TOKEN } },
	{ "InvalidGrantIdException", { VERDICT_AGENT_FAULT, VERDICT_WHY_REQUEST } },
	{ "InvalidArnException", { VERDICT_AGENT_FAULT, VERDICT_WHY_REQUEST } },
	{ "InvalidMarkerException", { VERDICT_AGENT_FAULT, VERDICT_WHY_REQUEST } },
	{ "UnsupportedOperationException", { VERDICT_AGENT_FAULT, VERDICT_WHY_REQUEST } },
	{ "UnknownOperationException", { VERDICT_AGENT_FAULT, VERDICT_WHY_REQUEST } },
	{ "SerializationException", { VERDICT_AGENT_FAULT, VERDICT_WHY_REQUEST } },
	{ "ValidationException", { VERDICT_AGENT_FAULT, VERDICT_WHY_REQUEST } },
	{ "ValidationError", { VERDICT_AGENT_FAULT, VERDICT_WHY_REQUEST } },

	{ "InvalidCiphertextException", { VERDICT_HEADER_FAULT, VERDICT_WHY_CIPHERTEXT } },
	{ "IncorrectKeyException", { VERDICT_HEADER_FAULT, VERDICT_WHY_WRONG_KEY } },
	{ "InvalidKeyUsageException", { VERDICT_HEADER_FAULT, VERDICT_WHY_WRONG_KEY } },
};

const char *verdict_name(enum verdict v)
{
	static const char *const names[] = {
		[VERDICT_OK] = "ok",
		[VERDICT_REVOKED] = "revoked",
		[VERDICT_LOST] = "lost",
		[VERDICT_SUSPECT] = "suspect",
		[VERDICT_UNREACHABLE] = "unreachable",
		[VERDICT_AGENT_FAULT] = "agent-fault",
		[VERDICT_HEADER_FAULT] = "header-fault",
	};

	return (size_t)v < ARRAY_SIZE(names) ? names[v] : "unknown";
}

const char *verdict_why_name(enum verdict_why w)
{
	static const char *const names[] = {
		[VERDICT_WHY_NONE] = "none",
		[VERDICT_WHY_DENIED] = "denied",
		[VERDICT_WHY_DISABLED] = "disabled",
		[VERDICT_WHY_PENDING_DELETION] = "pending-deletion",
		[VERDICT_WHY_PENDING_IMPORT] = "pending-import",
		[VERDICT_WHY_DELETED] = "deleted",
		[VERDICT_WHY_KEY_UNAVAILABLE] = "key-unavailable",
		[VERDICT_WHY_THROTTLED] = "throttled",
		[VERDICT_WHY_SERVICE] = "service",
		[VERDICT_WHY_NO_ANSWER] = "no-answer",
		[VERDICT_WHY_BAD_ANSWER] = "bad-answer",
		[VERDICT_WHY_NO_CREDENTIALS] = "no-credentials",
		[VERDICT_WHY_CREDENTIALS] = "credentials",
		[VERDICT_WHY_CLOCK] = "clock",
		[VERDICT_WHY_REQUEST] = "request",
		[VERDICT_WHY_GRANT_TOKEN] = "grant-token",
		[VERDICT_WHY_CIPHERTEXT] = "ciphertext",
		[VERDICT_WHY_WRONG_KEY] = "wrong-key",
	};

	return (size_t)w < ARRAY_SIZE(names) ? names[w] : "unknown";
}

/*
 * KMSInvalidStateException has one code for states that differ in everything; only its message says which. A key
 * pending deletion answers with this or with DisabledException. An unknown text must not tear down.
 */
static struct ruling invalid_state(const char *message)
{
	static const struct {
		const char *text;
		enum verdict_why why;
	} texts[] = {
		{ "pending deletion", VERDICT_WHY_PENDING_DELETION },
		{ "PendingDeletion", VERDICT_WHY_PENDING_DELETION },
		{ "pending replica deletion", VERDICT_WHY_PENDING_DELETION },
		{ "PendingReplicaDeletion", VERDICT_WHY_PENDING_DELETION },
		{ "pending import", VERDICT_WHY_PENDING_IMPORT },
		{ "PendingImport", VERDICT_WHY_PENDING_IMPORT },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		if (strcasestr(message, texts[i].text))
			return (struct ruling){ VERDICT_REVOKED, texts[i].why };
	}
	return (struct ruling){ VERDICT_UNREACHABLE, VERDICT_WHY_KEY_UNAVAILABLE };
}

/* A code that we do not know. KMS spoke, so a plain refusal is about our request; all else is weather. */
static struct ruling unknown_code(int http_status)
{
	if (http_status == 429)
		return (struct ruling){ VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED };
	if (http_status >= 500)
		return (struct ruling){ VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE };
	if (http_status >= 400 && http_status != 408)
		return (struct ruling){ VERDICT_AGENT_FAULT, VERDICT_WHY_REQUEST };
	return (struct ruling){ VERDICT_UNREACHABLE, VERDICT_WHY_BAD_ANSWER };
}

static struct ruling of_code(const struct kms_answer *a)
{
	size_t i;

	if (!strcmp(a->code, "KMSInvalidStateException"))
		return invalid_state(a->message);
	/* Revoked either way, but what its owner has to do about it is another thing. */
	if (!strcmp(a->code, "DisabledException") && invalid_state(a->message).why == VERDICT_WHY_PENDING_DELETION)
		return (struct ruling){ VERDICT_REVOKED, VERDICT_WHY_PENDING_DELETION };
	/* A skewed clock makes a signature invalid; the text names the cause, the verdict is the same. */
	if ((!strcmp(a->code, "InvalidSignatureException") || !strcmp(a->code, "SignatureDoesNotMatch")) &&
	    (strcasestr(a->message, "signature expired") || strcasestr(a->message, "not yet current")))
		return (struct ruling){ VERDICT_AGENT_FAULT, VERDICT_WHY_CLOCK };
	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		if (!strcmp(a->code, codes[i].code))
			return codes[i].ruling;
	}
	return unknown_code(a->http_status);
}

/* of_answer - what every operation has in common; 200 without a code is OK. */
static struct ruling of_answer(const struct kms_answer *a)
{
	switch (a->transport) {
	case KMS_NO_CREDENTIALS:
		return (struct ruling){ VERDICT_AGENT_FAULT, VERDICT_WHY_NO_CREDENTIALS };
	case KMS_NO_ANSWER:
		return (struct ruling){ VERDICT_UNREACHABLE, VERDICT_WHY_NO_ANSWER };
	case KMS_BAD_ANSWER:
		return (struct ruling){ VERDICT_UNREACHABLE, VERDICT_WHY_BAD_ANSWER };
	case KMS_NOT_ASKED:
		return (struct ruling){ VERDICT_AGENT_FAULT, VERDICT_WHY_REQUEST };
	case KMS_ANSWERED:
		break;
	}
	if (a->code[0])
		return of_code(a);
	if (a->http_status == 200)
		return (struct ruling){ VERDICT_OK, VERDICT_WHY_NONE };
	/* No code: a proxy's or a firewall's answer, whatever its status (403 of a filter is not a denial of KMS). */
	if (a->http_status == 429)
		return (struct ruling){ VERDICT_UNREACHABLE, VERDICT_WHY_THROTTLED };
	if (a->http_status >= 500)
		return (struct ruling){ VERDICT_UNREACHABLE, VERDICT_WHY_SERVICE };
	return (struct ruling){ VERDICT_UNREACHABLE, VERDICT_WHY_BAD_ANSWER };
}

static enum verdict deliver(struct ruling r, enum verdict_why *why)
{
	if (why)
		*why = r.why;
	return r.verdict;
}

enum verdict verdict_of_probe(const struct kms_answer *a, enum verdict_why *why)
{
	return deliver(of_answer(a), why);
}

static struct ruling of_state(enum kms_key_state state)
{
	switch (state) {
	case KMS_STATE_ENABLED:
	case KMS_STATE_UPDATING:	/* cryptographic operations go on */
		return (struct ruling){ VERDICT_OK, VERDICT_WHY_NONE };
	case KMS_STATE_DISABLED:
		return (struct ruling){ VERDICT_REVOKED, VERDICT_WHY_DISABLED };
	case KMS_STATE_PENDING_DELETION:
	case KMS_STATE_PENDING_REPLICA_DELETION:
		return (struct ruling){ VERDICT_REVOKED, VERDICT_WHY_PENDING_DELETION };
	case KMS_STATE_PENDING_IMPORT:
		return (struct ruling){ VERDICT_REVOKED, VERDICT_WHY_PENDING_IMPORT };
	case KMS_STATE_CREATING:
	case KMS_STATE_UNAVAILABLE:
		return (struct ruling){ VERDICT_UNREACHABLE, VERDICT_WHY_KEY_UNAVAILABLE };
	case KMS_STATE_NONE:
	case KMS_STATE_UNKNOWN:
		break;
	}
	return (struct ruling){ VERDICT_UNREACHABLE, VERDICT_WHY_BAD_ANSWER };
}

enum verdict verdict_of_describe(const struct kms_answer *a, enum kms_key_state state, enum verdict_why *why)
{
	struct ruling r = of_answer(a);

	if (r.verdict == VERDICT_OK) {
		if (a->code[0])		/* DescribeKey knows no dry run */
			r = (struct ruling){ VERDICT_UNREACHABLE, VERDICT_WHY_BAD_ANSWER };
		else
			r = of_state(state);
	}
	return deliver(r, why);
}

/* mature - whether a denial under this grant can mean anything but that it has not spread yet. */
static bool mature(const struct verdict_case *c, int64_t now_ms)
{
	return c->ok_once || !c->grant_born_ms || now_ms - c->grant_born_ms >= VERDICT_YOUNG_MS;
}

/*
 * retry_in - so that the last denial needed falls on the end of the span: 0, 30, 60 s whatever the normal interval. A
 * young grant is asked on until it is mature.
 */
static int64_t retry_in(const struct verdict_case *c, int64_t now_ms, int64_t least)
{
	int64_t left = c->first_denial_ms + VERDICT_SPAN_MS - now_ms;
	int64_t needed = VERDICT_DENIALS - (int64_t)c->denials;
	int64_t ms;

	if (!mature(c, now_ms) && c->grant_born_ms + VERDICT_YOUNG_MS - now_ms > left)
		left = c->grant_born_ms + VERDICT_YOUNG_MS - now_ms;
	ms = needed > 1 ? (left + needed - 1) / needed : left;
	if (ms > RETRY_MAX_MS)
		ms = RETRY_MAX_MS;
	return ms < least ? least : ms;
}

static void forget(struct verdict_case *c)
{
	c->denials = 0;
	c->first_denial_ms = 0;
	c->last_denial_ms = 0;
	c->deletions = 0;
	c->first_deletion_ms = 0;
	c->pending = VERDICT_OK;
	c->pending_why = VERDICT_WHY_NONE;
	c->refreshed = false;
	c->confirmed = false;
}

/* not_lost - the key is there, whatever was said before. */
static void not_lost(struct verdict_case *c, enum verdict_why why)
{
	c->deletions = 0;
	c->pending = VERDICT_REVOKED;
	c->pending_why = why;
}

/* count_deletion - LOST is final: every answer of a complete row has to say it, of the whole or of its end. */
static void count_deletion(struct verdict_case *c, int64_t at_ms)
{
	if (!c->deletions++)
		c->first_deletion_ms = at_ms;
	if (c->deletions < c->denials &&
	    (c->deletions < VERDICT_DENIALS || at_ms - c->first_deletion_ms < VERDICT_SPAN_MS))
		return;
	c->pending = VERDICT_LOST;
	c->pending_why = VERDICT_WHY_DELETED;
}

/* A denial on old credentials or an old connection counts as the first one only. */
static void count_denial(struct verdict_case *c, const struct verdict_evidence *ev)
{
	if (!c->denials) {
		c->first_denial_ms = ev->at_ms;
	} else {
		if (!ev->fresh)
			return;
		c->refreshed = true;
	}
	c->denials++;
	c->last_denial_ms = ev->at_ms;
	if (ev->why == VERDICT_WHY_DELETED)
		count_deletion(c, ev->at_ms);
	else
		not_lost(c, ev->why);
}

static void add_suspect(struct verdict_case *c, const struct verdict_evidence *ev, struct verdict_next *next)
{
	count_denial(c, ev);
	c->confirmed = c->denials >= VERDICT_DENIALS && c->refreshed &&
		c->last_denial_ms - c->first_denial_ms >= VERDICT_SPAN_MS && mature(c, ev->at_ms);
	next->need_control = c->confirmed;
	next->refresh = true;
	next->fresh_connection = true;
	/* Complete: asked again only to notice when the right comes back while all is held. */
	next->retry_in_ms = c->confirmed ? RETRY_MAX_MS : retry_in(c, ev->at_ms, RETRY_MIN_MS);
}

void verdict_case_add(struct verdict_case *c, const struct verdict_evidence *ev, struct verdict_next *next)
{
	*next = (struct verdict_next){ .verdict = ev->verdict, .why = ev->why };
	switch (ev->verdict) {
	case VERDICT_OK:
		forget(c);
		c->last_ok_ms = ev->at_ms;
		c->ok_once |= !ev->with_token;
		break;
	case VERDICT_SUSPECT:
		add_suspect(c, ev, next);
		break;
	case VERDICT_REVOKED:
		if (c->deletions)
			not_lost(c, ev->why);
		break;
	case VERDICT_LOST:
		break;
	case VERDICT_UNREACHABLE:
	case VERDICT_AGENT_FAULT:
	case VERDICT_HEADER_FAULT:
		if (c->denials) {
			next->refresh = true;
			next->fresh_connection = true;
			next->retry_in_ms = retry_in(c, ev->at_ms, RETRY_UNCOUNTED_MIN_MS);
		}
		break;
	}
}

enum verdict verdict_control(const struct verdict_case *c, enum verdict control)
{
	if (!c->confirmed)
		return VERDICT_SUSPECT;
	return control == VERDICT_OK ? c->pending : VERDICT_AGENT_FAULT;
}

/* FNV-1a: KMS makes the ids of keys, so nobody can choose two that collide. */
static uint64_t hash_key(const char *key_arn)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (; *key_arn; key_arn++)
		h = (h ^ (unsigned char)*key_arn) * 0x100000001b3ULL;
	return h ? h : 1;
}

bool verdict_brake_note(struct verdict_brake *b, const char *key_arn, int64_t now_ms)
{
	uint64_t hash = hash_key(key_arn);
	unsigned int i, slot = 0, recent = 0;

	if (b->engaged)
		return true;
	if (b->released && now_ms - b->released_ms < VERDICT_BRAKE_MS)
		return false;
	for (i = 0; i < VERDICT_BRAKE_KEYS; i++) {
		if (b->seen[i].key_hash == hash) {
			slot = i;
			break;
		}
		/* a free slot, else the oldest */
		if (b->seen[slot].key_hash && (!b->seen[i].key_hash || b->seen[i].at_ms < b->seen[slot].at_ms))
			slot = i;
	}
	b->seen[slot].key_hash = hash;
	b->seen[slot].at_ms = now_ms;
	for (i = 0; i < VERDICT_BRAKE_KEYS; i++)
		recent += b->seen[i].key_hash && now_ms - b->seen[i].at_ms <= VERDICT_BRAKE_MS;
	if (recent == VERDICT_BRAKE_KEYS) {
		b->engaged = true;
		b->engaged_ms = now_ms;
	}
	return b->engaged;
}

void verdict_brake_release(struct verdict_brake *b, int64_t now_ms)
{
	*b = (struct verdict_brake){ .released = true, .released_ms = now_ms };
}
