// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "../kms/arn.h"
#include "../kms/kms.h"
#include "doctor.h"
#include "output.h"

/* The checks that judge what the KMS answered to this host's credentials (ecached/doctor.c asked). */

#define SKEW_OK_S 30
#define SKEW_MAX_S 300		/* AWS refuses a signature that is older; the agent then signs by the KMS's clock */

static bool answered_with(struct json_object *answer, const char *code)
{
	return !strcmp(out_str(answer, "transport"), kms_transport_name(KMS_ANSWERED)) &&
	       !strcmp(out_str(answer, "code"), code);
}

/* allowed - the KMS let it pass: by a dry run's success, by doing it, or by going on to look at the ciphertext. */
static bool allowed(struct json_object *answer)
{
	return answered_with(answer, "DryRunOperationException") ||
	       answered_with(answer, "InvalidCiphertextException") ||
	       answered_with(answer, "IncorrectKeyException") ||
	       (answered_with(answer, "") && out_int(answer, "http_status") == 200);
}

static bool denied(struct json_object *answer)
{
	return answered_with(answer, "AccessDeniedException");
}

/* said - an answer in a few words. */
static const char *said(struct json_object *answer)
{
	if (!answer)
		return "not asked";
	return *out_str(answer, "code") ? out_str(answer, "code") : out_str(answer, "message");
}

/* each_key - the first volume of each key. */
static void each_key(const struct doctor *d, struct finding *f,
		     void (*fn)(struct finding *f, const char *key_arn, struct json_object *answers))
{
	struct json_object *list = json_object_object_get(d->kms, "volumes"), *v, *before;
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0, i, j;

	for (i = 0; i < n; i++) {
		v = json_object_array_get_idx(list, i);
		for (j = 0; j < i; j++) {
			before = json_object_array_get_idx(list, j);
			if (!strcmp(out_str(before, "key_arn"), out_str(v, "key_arn")))
				break;
		}
		if (j == i)
			fn(f, out_str(v, "key_arn"), out_obj(v, "answers"));
	}
	if (!n)
		find(f, DOCTOR_OK, NULL, "there are no volumes");
}

static bool asked(const struct doctor *d, struct finding *f)
{
	if (!d->kms)
		find(f, DOCTOR_UNKNOWN, "Start ecached and ecache-net, and ask again.", "not asked: %s",
		     d->agent_error);
	return d->kms;
}

static void judge_access(struct finding *f, const char *key_arn, struct json_object *answers)
{
	static const char remedy[] = "A key policy, an IAM policy or another grant lets this host decrypt whatever "
		"becomes of the volumes' grants, so a revocation changes nothing: take kms:Decrypt out of it "
		"(Documentation/examples/).";
	struct json_object *a = out_obj(answers, "Decrypt");

	if (allowed(a))
		find(f, DOCTOR_FAULT, remedy, "%s: Decrypt is allowed for a context that no grant names (%s)", key_arn,
		     *said(a) ? said(a) : "done");
	else if (denied(a))
		find(f, DOCTOR_OK, NULL, "%s: denied but for what is granted", key_arn);
	else
		find(f, DOCTOR_UNKNOWN, "See `ecachectl status` for the key, and ask again.", "%s: %s", key_arn,
		     said(a));
}

static void check_access(const struct doctor *d, struct finding *f)
{
	if (asked(d, f))
		each_key(d, f, judge_access);
}

static void judge_rights(struct finding *f, const char *key_arn, struct json_object *answers)
{
	static const char grants[] = "With kms:CreateGrant this host can grant itself what its owner takes back: take "
		"it out of its policy. Creating is another identity's (ecachectl(8), CREATOR).";
	static const char more[] = "This host needs none of it: take it out of its policy.";
	enum kms_right right;
	struct json_object *a;
	bool grant;

	for (right = 0; right < KMS_RIGHTS; right++) {
		a = out_obj(answers, kms_right_name(right));
		grant = right == KMS_MAY_GRANT;
		if (allowed(a))
			find(f, grant ? DOCTOR_FAULT : DOCTOR_WARNING, grant ? grants : more, "%s: %s is allowed",
			     key_arn, kms_right_name(right));
		else if (!denied(a))
			find(f, DOCTOR_UNKNOWN, "See `ecachectl status` for the key, and ask again.", "%s: %s: %s",
			     key_arn, kms_right_name(right), said(a));
	}
}

static void check_rights(const struct doctor *d, struct finding *f)
{
	if (!asked(d, f))
		return;
	each_key(d, f, judge_rights);
	if (!*f->found)
		find(f, DOCTOR_OK, NULL, "neither CreateGrant nor Encrypt nor GenerateDataKeyWithoutPlaintext "
		     "(ReEncrypt and what has no dry run was not asked)");
}

/* same_identity - the path of a role is not in the ARN of its sessions. */
static bool same_identity(const char *principal, const char *caller)
{
	const char *name, *other;
	size_t head;

	if (!strcmp(principal, caller))
		return true;
	name = strrchr(principal, '/');
	other = strrchr(caller, '/');
	head = strcspn(principal, "/");
	return name && other && !strcmp(name, other) && !strncmp(principal, caller, head);
}

static void check_identity(const struct doctor *d, struct finding *f)
{
	char caller[ARN_PRINCIPAL_MAX + 1];
	const char *principal, *arn;
	struct json_object *a;
	bool no_credentials;

	if (!asked(d, f))
		return;
	principal = out_str(d->kms, "host_principal");
	a = out_obj(d->kms, "caller");
	arn = out_str(a, "arn");
	no_credentials = !strcmp(out_str(a, "transport"), kms_transport_name(KMS_NO_CREDENTIALS));
	if (strncmp(arn, "arn:", 4))
		find(f, no_credentials ? DOCTOR_FAULT : DOCTOR_UNKNOWN,
		     "Check the host's credentials and the endpoint in ecached.conf(5).", "GetCallerIdentity: %s",
		     said(a));
	else if (arn_principal_of_caller(arn, caller, sizeof(caller), NULL))
		find(f, DOCTOR_FAULT, "Give this host a user or a role of its own.", "%s can hold no grant", arn);
	else if (!strncmp(principal, "arn:", 4) && !same_identity(principal, caller))
		find(f, DOCTOR_FAULT, "Make host-principal= in ecached.conf the owner of the credentials.",
		     "the credentials are %s's, host-principal is %s", caller, principal);
	else
		find(f, DOCTOR_OK, NULL, "%s", arn);
}

static void check_clock(const struct doctor *d, struct finding *f)
{
	static const char remedy[] = "Set this host's clock, and let NTP keep it (timedatectl set-ntp true).";
	long long off;

	if (!asked(d, f))
		return;
	if (!json_object_object_get(d->kms, "clock_offset")) {
		find(f, DOCTOR_UNKNOWN, "Ask again when the KMS can be reached.", "no answer of the KMS had a date");
		return;
	}
	off = -out_int(d->kms, "clock_offset");
	if (llabs(off) > SKEW_MAX_S)
		find(f, DOCTOR_FAULT, remedy, "%lld s off the KMS's clock", off);
	else if (llabs(off) > SKEW_OK_S)
		find(f, DOCTOR_WARNING, remedy, "%lld s off the KMS's clock", off);
	else
		find(f, DOCTOR_OK, NULL, "%lld s off the KMS's clock", off);
}

static void check_canary(const struct doctor *d, struct finding *f)
{
	struct json_object *a;
	const char *key;

	if (!asked(d, f))
		return;
	a = out_obj(d->kms, "canary");
	key = out_str(d->kms, "canary_key");
	if (!a)
		find(f, DOCTOR_WARNING, "Set canary-key= in ecached.conf(5), a key of this host's operator: then "
		     "denials of tenants' keys are confirmed by it, and need no `ecachectl confirm`.",
		     "none: denials under three keys within ten minutes hold every teardown");
	else if (answered_with(a, "DryRunOperationException"))
		find(f, DOCTOR_OK, NULL, "%s answers", key);
	else if (strcmp(out_str(a, "transport"), kms_transport_name(KMS_ANSWERED)))
		find(f, DOCTOR_UNKNOWN, "Ask again when the KMS can be reached.", "%s: %s", key, said(a));
	else
		find(f, DOCTOR_FAULT, "No denial of a tenant's key is ever confirmed while this lasts: allow this host "
		     "kms:Decrypt on it, or unset canary-key= where the KMS knows no IGNORE_CIPHERTEXT.", "%s: %s",
		     key, *said(a) ? said(a) : "it knows no dry run");
}

/* check_verdicts - what the watcher knows already. */
static void check_verdicts(const struct doctor *d, struct finding *f)
{
	struct json_object *list = json_object_object_get(d->status, "volumes"), *v;
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0, i;
	const char *verdict;

	if (!d->status) {
		find(f, DOCTOR_UNKNOWN, "Start ecached, and ask again.", "not asked: %s", d->agent_error);
		return;
	}
	for (i = 0; i < n; i++) {
		v = json_object_array_get_idx(list, i);
		verdict = out_str(out_obj(v, "probe"), "verdict");
		if (strcmp(verdict, "-") && strcmp(verdict, "ok"))
			find(f, DOCTOR_WARNING, "`ecachectl status NAME` says what the KMS answered.", "%s: %s",
			     out_str(v, "name"), verdict);
		if (strcmp(out_str(v, "problem"), "-"))
			find(f, DOCTOR_WARNING, "`ecachectl status NAME` says more.", "%s: %s", out_str(v, "name"),
			     out_str(v, "problem"));
	}
	if (out_bool(out_obj(d->status, "agent"), "brake"))
		find(f, DOCTOR_WARNING, "Look at the owners' keys and at this host's policies; then `ecachectl "
		     "confirm`, or nothing.", "the brake holds every teardown");
	if (!*f->found)
		find(f, DOCTOR_OK, NULL, "%zu volumes, nothing denied", n);
}

/* check_keyslots - the KMS takes nothing back from who has a passphrase. */
static void check_keyslots(const struct doctor *d, struct finding *f)
{
	struct json_object *list = json_object_object_get(d->status, "volumes"), *v;
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0, i;

	if (!d->status) {
		find(f, DOCTOR_UNKNOWN, "Start ecached, and ask again.", "not asked: %s", d->agent_error);
		return;
	}
	for (i = 0; i < n; i++) {
		v = json_object_array_get_idx(list, i);
		if (json_object_object_get(v, "revocable") && !out_bool(v, "revocable"))
			find(f, DOCTOR_WARNING, "Close it, `cryptsetup erase` its device, and set adopted=yes in its pin file.",
			     "%s is not revocable: it was adopted with its keyslots", out_str(v, "name"));
	}
	if (!*f->found)
		find(f, DOCTOR_OK, NULL, "no volume has any");
}

static void judge_queue(struct finding *f, struct json_object *ev)
{
	const char *problem = out_str(ev, "problem");
	int64_t messages = out_int(ev, "messages");

	if (!strcmp(out_str(ev, "state"), "failing"))
		find(f, DOCTOR_WARNING, "Revocations are noticed by probes alone meanwhile. Check the queue, its address and "
		     "the identity's rights (Documentation/operations.md).", "no events are heard: %s", problem);
	else if (strcmp(problem, "-"))
		find(f, DOCTOR_WARNING, "Allow the identity sqs:DeleteMessage: the same events come again and again.", "%s",
		     problem);
	else if (messages && out_int(ev, "unread") == messages)
		find(f, DOCTOR_WARNING, "Make the queue the target of an EventBridge rule (Documentation/operations.md), "
		     "and of nothing else.", "%lld messages came, none of them an event", (long long)messages);
	else if (!strcmp(out_str(ev, "state"), "starting"))
		find(f, DOCTOR_UNKNOWN, "Ask again in half a minute.", "%s has not answered yet", out_str(ev, "queue"));
	else
		find(f, DOCTOR_OK, NULL, "%s: %lld messages, %lld about keys here", out_str(ev, "queue"),
		     (long long)messages, (long long)out_int(ev, "ours"));
}

/* check_events - a queue that nobody listens to looks like one in which nothing is. */
static void check_events(const struct doctor *d, struct finding *f)
{
	struct json_object *ev = out_obj(out_obj(d->status, "agent"), "events");

	if (!d->status)
		find(f, DOCTOR_UNKNOWN, "Start ecached, and ask again.", "not asked: %s", d->agent_error);
	else if (ev)
		judge_queue(f, ev);
	else if (d->conf && *d->conf->events_queue)
		find(f, DOCTOR_WARNING, "`systemctl restart ecache-net ecached` (volumes stay open).",
		     "ecached was started before events-queue was set");
	else
		find(f, DOCTOR_OK, NULL, "no events-queue: revocations are noticed by probes alone");
}

const struct check doctor_kms_checks[] = {
	{ "access", check_access },
	{ "rights", check_rights },
	{ "identity", check_identity },
	{ "clock", check_clock },
	{ "canary", check_canary },
	{ "events", check_events },
	{ "verdicts", check_verdicts },
	{ "keyslots", check_keyslots },
	{ NULL, NULL },
};
