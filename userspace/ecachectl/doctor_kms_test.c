// SPDX-License-Identifier: GPL-2.0-or-later
/* What the KMS's answers say about a host: denied is right, everything that got further is not. */
#include "../common/test.h"
#include "doctor_world.h"

#define KEY "arn:aws:kms:local-1:123456789012:key/1"
#define ANSWER(code, status) \
	"{'transport':'answered','http_status':" #status ",'code':'" code "','message':'in words'}"
#define DENIED ANSWER("AccessDeniedException", 400)
#define DRY_RUN ANSWER("DryRunOperationException", 400)
#define SILENT "{'transport':'no-answer','http_status':0,'code':'','message':'no way'}"

#define ALL_DENIED "'CreateGrant':" DENIED ",'Encrypt':" DENIED ",'GenerateDataKeyWithoutPlaintext':" DENIED

/* expect_key - the check on a host with one volume, of whose key these are the answers. */
static void expect_key(struct scratch *s, const char *check, const char *answers, enum outcome outcome,
		       const char *text)
{
	struct doctor d = world(s);
	char json[4096];

	snprintf(json, sizeof(json), "{'volumes':[{'name':'c1','key_arn':'" KEY "','answers':{%s}}]}", answers);
	d.kms = answer(json);
	expect(&d, check, outcome, text);
	json_object_put(d.kms);
}

static void nobody_to_ask_is_unknown(void **state)
{
	static const char *const names[] = { "access", "rights", "identity", "clock", "canary", "events",
					    "verdicts", "keyslots" };
	struct doctor d = world(*state);
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		expect(&d, names[i], DOCTOR_UNKNOWN, "nobody answers");
}

static void access_beside_the_grant(void **state)
{
	static const struct {
		const char *answers;
		enum outcome outcome;
		const char *text;
	} cases[] = {
		{ "'Decrypt':" DENIED, DOCTOR_OK, "denied but for what is granted" },
		{ "'Decrypt':" DRY_RUN, DOCTOR_FAULT, "DryRunOperationException" },
		{ "'Decrypt':" ANSWER("InvalidCiphertextException", 400), DOCTOR_FAULT, "InvalidCiphertextException" },
		{ "'Decrypt':" ANSWER("IncorrectKeyException", 400), DOCTOR_FAULT, "IncorrectKeyException" },
		{ "'Decrypt':" ANSWER("", 200), DOCTOR_FAULT, "is allowed" },
		{ "'Decrypt':" ANSWER("DisabledException", 400), DOCTOR_UNKNOWN, "DisabledException" },
		{ "'Decrypt':" ANSWER("NotFoundException", 400), DOCTOR_UNKNOWN, "NotFoundException" },
		{ "'Decrypt':" ANSWER("ThrottlingException", 400), DOCTOR_UNKNOWN, "ThrottlingException" },
		{ "'Decrypt':" ANSWER("ExpiredTokenException", 400), DOCTOR_UNKNOWN, "ExpiredTokenException" },
		{ "'Decrypt':" ANSWER("", 500), DOCTOR_UNKNOWN, "in words" },
		{ "'Decrypt':" SILENT, DOCTOR_UNKNOWN, "no way" },
		{ "", DOCTOR_UNKNOWN, "not asked" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_key(*state, "access", cases[i].answers, cases[i].outcome, cases[i].text);
}

static void one_key_of_many(void **state)
{
	struct doctor d = world(*state);

	d.kms = answer("{'volumes':["
		       "{'name':'a','key_arn':'key-a','answers':{'Decrypt':" DENIED "}},"
		       "{'name':'b','key_arn':'key-b','answers':{'Decrypt':" DRY_RUN "}},"
		       "{'name':'c','key_arn':'key-b','answers':{'Decrypt':" DRY_RUN "}}]}");
	expect(&d, "access", DOCTOR_FAULT, "key-b: Decrypt is allowed");
	json_object_put(d.kms);
	d.kms = answer("{'volumes':[]}");
	expect(&d, "access", DOCTOR_OK, "no volumes");
	json_object_put(d.kms);
}

static void rights_beyond_the_grant(void **state)
{
	expect_key(*state, "rights", ALL_DENIED, DOCTOR_OK, "neither CreateGrant");
	expect_key(*state, "rights", "'CreateGrant':" DRY_RUN ",'Encrypt':" DENIED
		   ",'GenerateDataKeyWithoutPlaintext':" DENIED, DOCTOR_FAULT, "CreateGrant is allowed");
	expect_key(*state, "rights", "'CreateGrant':" DENIED ",'Encrypt':" DRY_RUN
		   ",'GenerateDataKeyWithoutPlaintext':" DENIED, DOCTOR_WARNING, "Encrypt is allowed");
	expect_key(*state, "rights", "'CreateGrant':" DENIED ",'Encrypt':" DENIED
		   ",'GenerateDataKeyWithoutPlaintext':" ANSWER("", 200), DOCTOR_WARNING,
		   "WithoutPlaintext is allowed");
	expect_key(*state, "rights", "'Encrypt':" DENIED ",'GenerateDataKeyWithoutPlaintext':" DENIED,
		   DOCTOR_UNKNOWN, "CreateGrant: not asked");
	expect_key(*state, "rights", "'CreateGrant':" SILENT ",'Encrypt':" SILENT
		   ",'GenerateDataKeyWithoutPlaintext':" SILENT, DOCTOR_UNKNOWN, "no way");
}

static void expect_host(struct scratch *s, const char *check, const char *members, enum outcome outcome,
			const char *text)
{
	struct doctor d = world(s);
	char json[4096];

	snprintf(json, sizeof(json), "{'volumes':[]%s%s}", *members ? "," : "", members);
	d.kms = answer(json);
	expect(&d, check, outcome, text);
	json_object_put(d.kms);
}

static void who_this_host_is(void **state)
{
#define CALLER(arn) "'caller':{'transport':'answered','http_status':200,'code':'','message':'','arn':'" arn "'}"
#define HOST "'host_principal':'arn:aws:iam::123456789012:role/team/host',"
	expect_host(*state, "identity", HOST CALLER("arn:aws:sts::123456789012:assumed-role/host/i-1"), DOCTOR_OK,
		    "assumed-role/host");
	expect_host(*state, "identity", HOST CALLER("arn:aws:sts::123456789012:assumed-role/other/i-1"), DOCTOR_FAULT,
		    "role/other");
	expect_host(*state, "identity", HOST CALLER("arn:aws:sts::999999999999:assumed-role/host/i-1"), DOCTOR_FAULT,
		    "999999999999");
	expect_host(*state, "identity", HOST CALLER("arn:aws:iam::123456789012:user/host"), DOCTOR_FAULT, "user/host");
	expect_host(*state, "identity", HOST CALLER("arn:aws:iam::123456789012:root"), DOCTOR_FAULT, "no grant");
	expect_host(*state, "identity", HOST "'caller':{'transport':'no-credentials','code':'',"
		    "'message':'none','arn':''}", DOCTOR_FAULT, "none");
	expect_host(*state, "identity", HOST "'caller':" SILENT, DOCTOR_UNKNOWN, "no way");
}

static void whose_clock_is_wrong(void **state)
{
	expect_host(*state, "clock", "'clock_offset':0", DOCTOR_OK, "0 s off");
	expect_host(*state, "clock", "'clock_offset':30", DOCTOR_OK, "-30 s off");
	expect_host(*state, "clock", "'clock_offset':-31", DOCTOR_WARNING, "31 s off");
	expect_host(*state, "clock", "'clock_offset':301", DOCTOR_FAULT, "-301 s off");
	expect_host(*state, "clock", "", DOCTOR_UNKNOWN, "no answer");
}

static void a_canary_that_answers(void **state)
{
	expect_host(*state, "canary", "", DOCTOR_WARNING, "none");
	expect_host(*state, "canary", "'canary_key':'k','canary':" DRY_RUN, DOCTOR_OK, "k answers");
	expect_host(*state, "canary", "'canary_key':'k','canary':" DENIED, DOCTOR_FAULT, "AccessDenied");
	expect_host(*state, "canary", "'canary_key':'k','canary':" ANSWER("ValidationException", 400),
		    DOCTOR_FAULT, "k:");
	expect_host(*state, "canary", "'canary_key':'k','canary':" SILENT, DOCTOR_UNKNOWN, "no way");
}

static void what_the_watcher_knows(void **state)
{
	struct doctor d = world(*state);

	d.status = answer("{'volumes':[{'name':'a','probe':{'verdict':'ok'}},{'name':'b'}],'agent':{'brake':false}}");
	expect(&d, "verdicts", DOCTOR_OK, "2 volumes");
	json_object_put(d.status);
	d.status = answer("{'volumes':[{'name':'a','probe':{'verdict':'suspect'}}],'agent':{'brake':false}}");
	expect(&d, "verdicts", DOCTOR_WARNING, "a: suspect");
	json_object_put(d.status);
	d.status = answer("{'volumes':[{'name':'a','problem':'half gone'}],'agent':{'brake':true}}");
	expect(&d, "verdicts", DOCTOR_WARNING, "half gone");
	expect(&d, "verdicts", DOCTOR_WARNING, "the brake holds");
	json_object_put(d.status);
}

static void who_has_a_passphrase(void **state)
{
	struct doctor d = world(*state);

	d.status = answer("{'volumes':[{'name':'a','revocable':true},{'name':'swap'}],'agent':{}}");
	expect(&d, "keyslots", DOCTOR_OK, "no volume");
	json_object_put(d.status);
	d.status = answer("{'volumes':[{'name':'a','revocable':true},{'name':'b','revocable':false}],'agent':{}}");
	expect(&d, "keyslots", DOCTOR_WARNING, "b is not revocable");
	json_object_put(d.status);
}

static void expect_events(struct scratch *s, const char *members, enum outcome outcome, const char *text)
{
	struct doctor d = world(s);
	char json[1024];

	snprintf(json, sizeof(json), "{'volumes':[],'agent':{'events':{'queue':'https://q/1/q',%s}}}", members);
	d.status = answer(json);
	expect(&d, "events", outcome, text);
	json_object_put(d.status);
}

static void who_listens(void **state)
{
	struct agentconf conf = { .events_queue = (char *)(uintptr_t)"https://q/1/q" };
	struct doctor d = world(*state);

	d.status = answer("{'volumes':[],'agent':{'brake':false}}");
	expect(&d, "events", DOCTOR_OK, "by probes alone");
	d.conf = &conf;
	expect(&d, "events", DOCTOR_WARNING, "started before events-queue was set");
	json_object_put(d.status);
	expect_events(*state, "'state':'listening','messages':7,'unread':1,'ours':2", DOCTOR_OK,
		      "7 messages, 2 about keys here");
	expect_events(*state, "'state':'starting','messages':0", DOCTOR_UNKNOWN, "not answered yet");
	expect_events(*state, "'state':'failing','problem':'AccessDenied','messages':3", DOCTOR_WARNING,
		      "no events are heard: AccessDenied");
	expect_events(*state, "'state':'listening','problem':'not deleted','messages':3", DOCTOR_WARNING, "not deleted");
	expect_events(*state, "'state':'listening','messages':3,'unread':3", DOCTOR_WARNING, "none of them an event");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(nobody_to_ask_is_unknown),
		scratch_test(access_beside_the_grant),
		scratch_test(one_key_of_many),
		scratch_test(rights_beyond_the_grant),
		scratch_test(who_this_host_is),
		scratch_test(whose_clock_is_wrong),
		scratch_test(a_canary_that_answers),
		scratch_test(who_listens),
		scratch_test(what_the_watcher_knows),
		scratch_test(who_has_a_passphrase),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
