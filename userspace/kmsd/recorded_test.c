// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The server asked again what the aws CLI and boto3 once asked it (kms/record.py), at the same times by its clock: each
 * signature is right as they made it, and the answers are the same but for the ids and secrets that are new each time.
 */
#include "service_test.h"

#include <ctype.h>

#include "kms/answer.h"
#include "kms/recorded_test.h"
#include "root.h"

#define NAMES_MAX 128

/* What an id was when it was recorded, and what it is now. */
struct names {
	struct {
		char *then, *now;
	} name[NAMES_MAX];
	unsigned int nr;
};

static struct recorded record;

/* take_part - a principal of the record, known by the access key that it had. */
static void take_part(struct kit *k, struct json_object *who)
{
	static const char everything[] =
		"{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\"}}";
	const char *name = recorded_string(who, "name"), *secret = recorded_string(who, "secret");
	struct principal p;

	if (!strcmp(name, "host"))
		kit_principal(k, "role/host", NULL);
	else if (strcmp(name, STATE_ADMIN))
		kit_principal(k, name, everything);
	assert_int_equal(store_principal_get(k->svc.store, name, &p), 0);
	snprintf(p.access_key, sizeof(p.access_key), "%s", recorded_string(who, "access_key"));
	assert_int_equal(strlen(secret), SECRET_KEY_SIZE - 1);
	assert_int_equal(root_wrap(&k->svc.root, ROOT_PRINCIPAL, p.access_key, (const uint8_t *)secret,
				   SECRET_KEY_SIZE - 1, p.wrapped), 0);
	assert_int_equal(store_principal_update(k->svc.store, &p), 0);
	principal_free(&p);
}

static const char *secret_of(const char *access_key)
{
	struct json_object *list = json_object_object_get(record.head, "principals");

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *who = json_object_array_get_idx(list, i);

		if (!strcmp(recorded_string(who, "access_key"), access_key))
			return recorded_string(who, "secret");
	}
	fail_msg("%s took no part", access_key);
	return NULL;
}

/* translated - a text with the ids of then replaced by those of now; to be freed. */
static char *translated(const struct names *n, const char *text)
{
	struct buf out = BUF_INIT;

	while (*text) {
		unsigned int i;

		for (i = 0; i < n->nr; i++) {
			if (!strncmp(text, n->name[i].then, strlen(n->name[i].then)))
				break;
		}
		if (i < n->nr) {
			buf_str(&out, n->name[i].now);
			text += strlen(n->name[i].then);
		} else {
			buf_char(&out, *text++);
		}
	}
	buf_str(&out, "");
	return out.data ? out.data : strdup("");
}

/* learn - a new name for what the server makes anew each time; false for what must not change. */
static bool learn(struct names *n, const char *member, const char *then, const char *now)
{
	static const char *const made[] = { "KeyId", "CurrentKeyMaterialId", "KeyMaterialId", "GrantId", "GrantToken",
					    "CiphertextBlob", "Plaintext" };

	for (unsigned int i = 0; i < sizeof(made) / sizeof(*made); i++) {
		if (strcmp(member, made[i]) || strlen(then) != strlen(now))
			continue;
		assert_true(n->nr < NAMES_MAX);
		n->name[n->nr].then = strdup(then);
		n->name[n->nr++].now = strdup(now);
		return true;
	}
	return false;
}

static void same_value(struct names *n, const char *member, struct json_object *then, struct json_object *now);

static void same_members(struct names *n, struct json_object *then, struct json_object *now)
{
	struct json_object_iterator a = json_object_iter_begin(then), b = json_object_iter_begin(now);
	struct json_object_iterator a_end = json_object_iter_end(then), b_end = json_object_iter_end(now);

	/* in the same order, too: nobody may rely on it, and everybody sees it */
	while (!json_object_iter_equal(&a, &a_end) && !json_object_iter_equal(&b, &b_end)) {
		const char *name = json_object_iter_peek_name(&a);

		assert_string_equal(name, json_object_iter_peek_name(&b));
		same_value(n, name, json_object_iter_peek_value(&a), json_object_iter_peek_value(&b));
		json_object_iter_next(&a);
		json_object_iter_next(&b);
	}
	assert_true(json_object_iter_equal(&a, &a_end) && json_object_iter_equal(&b, &b_end));
}

static void same_text(struct names *n, const char *member, const char *then, const char *now)
{
	char *want = translated(n, then);

	if (strcmp(want, now) && !learn(n, member, then, now))
		fail_msg("%s was %s, and is %s", member, want, now);
	free(want);
}

static void same_value(struct names *n, const char *member, struct json_object *then, struct json_object *now)
{
	if (json_object_get_type(then) != json_object_get_type(now))
		fail_msg("%s was %s, and is %s", member, json_object_get_string(then), json_object_get_string(now));
	switch (json_object_get_type(then)) {
	case json_type_object:
		same_members(n, then, now);
		break;
	case json_type_array:
		assert_int_equal(json_object_array_length(then), json_object_array_length(now));
		for (size_t i = 0; i < json_object_array_length(then); i++)
			same_value(n, member, json_object_array_get_idx(then, i), json_object_array_get_idx(now, i));
		break;
	case json_type_string:
		same_text(n, member, json_object_get_string(then), json_object_get_string(now));
		break;
	case json_type_double:
		/* a date: then, the request took a moment */
		assert_true(json_object_get_double(then) - json_object_get_double(now) < 2 &&
			    json_object_get_double(now) - json_object_get_double(then) < 2);
		break;
	default:
		assert_true(json_object_equal(then, now));
	}
}

/* sign_again - over another body, in the same way: the same headers, the same date; the signature is written last. */
static void sign_again(struct kit_request *r, const struct sigv4 *sig)
{
	const char *then = http_header(&r->rq, "Authorization");
	uint8_t signature[SHA256_SIZE];
	size_t len = strlen(then);

	assert_true(len < sizeof(r->authorization) && len > 2 * SHA256_SIZE);
	memcpy(r->authorization, then, len + 1);
	assert_int_equal(sigv4_compute(sig, &r->rq, secret_of(sig->access_key), signature), 0);
	hex_encode(signature, sizeof(signature), r->authorization + len - 2 * SHA256_SIZE);
	for (unsigned int i = 0; i < r->rq.nr_headers; i++) {
		if (r->rq.headers[i].value == then)
			r->rq.headers[i].value = r->authorization;
	}
}

/* prepare - the request as it was recorded; its signature is checked; then with the ids of now. */
static void prepare(const struct names *n, struct json_object *line, struct kit_request *r, char **body)
{
	struct err why = ERR_INIT;
	struct sigv4 sig;

	memset(r, 0, sizeof(*r));
	r->rq = (struct http_request){ .method = "POST", .target = "/", .source = "test",
				       .body = recorded_string(line, "body") };
	r->rq.body_len = strlen(r->rq.body);
	json_object_object_foreach(json_object_object_get(line, "headers"), name, value)
		kit_header(r, name, json_object_get_string(value));
	if (sigv4_parse(&r->rq, &sig, &why) ||
	    sigv4_check_scope(&sig, KIT_REGION, r->rq.body[0] == '{' ? "kms" : "sts", kit_now, &why) ||
	    sigv4_check_signature(&sig, &r->rq, secret_of(sig.access_key), &why))
		fail_msg("%s: %s", recorded_op(line), why.what);
	*body = translated(n, r->rq.body);
	r->rq.body = *body;
	r->rq.body_len = strlen(*body);
	sign_again(r, &sig);
}

static void same_identity(struct json_object *line, const struct http_reply *now)
{
	static const char *const elements[] = { "Arn", "Account" };
	const char *then = recorded_string(line, "answer");
	char a[ARN_SIZE], b[ARN_SIZE];

	for (unsigned int i = 0; i < 2; i++) {
		assert_true(xml_text(then, strlen(then), elements[i], a, sizeof(a)));
		assert_true(xml_text(now->body.data, now->body.len, elements[i], b, sizeof(b)));
		assert_string_equal(a, b);
	}
}

static void same_answer(struct names *n, struct json_object *line, const struct http_reply *now)
{
	struct json_object *then, *o;

	if (now->status != recorded_status(line))
		fail_msg("%s: %d %s", recorded_op(line), now->status, now->body.data);
	assert_string_equal(now->content_type, recorded_header(line, "answer_headers", "Content-Type"));
	if (!strcmp(recorded_op(line), "GetCallerIdentity")) {
		same_identity(line, now);
		return;
	}
	assert_int_equal(now->body.len > 0, *recorded_string(line, "answer") != '\0');
	if (!now->body.len)
		return;
	then = recorded_object(line, "answer");
	assert_int_equal(js_parse(now->body.data, now->body.len, 12, &o, NULL), 0);
	same_value(n, recorded_op(line), then, o);
	json_object_put(o);
	json_object_put(then);
}

static void the_answers_are_the_same(void **state)
{
	struct names n = { .nr = 0 };
	struct kit *k = *state;
	struct json_object *who;

	recorded_read(&record);
	assert_string_equal(recorded_string(record.head, "account"), KIT_ACCOUNT);
	assert_string_equal(recorded_string(record.head, "region"), KIT_REGION);
	who = json_object_object_get(record.head, "principals");
	for (size_t i = 0; i < json_object_array_length(who); i++)
		take_part(k, json_object_array_get_idx(who, i));
	for (unsigned int i = 0; i < record.nr; i++) {
		struct kit_request r;
		struct http_reply reply;
		char *body;

		kit_now = json_object_get_int64(json_object_object_get(record.line[i], "clock"));
		prepare(&n, record.line[i], &r, &body);
		service_handle(&k->svc, &r.rq, &reply);
		same_answer(&n, record.line[i], &reply);
		buf_wipe(&reply.body);
		free(body);
	}
	/* the key, its material, grants, tokens and ciphertexts were named anew, and found again by these names */
	assert_in_range(n.nr, 8, 30);
	while (n.nr) {
		free(n.name[--n.nr].then);
		free(n.name[n.nr].now);
	}
	recorded_free(&record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_answers_are_the_same, kit_setup, kit_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
