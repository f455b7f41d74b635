// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Many threads, one service: what was answered is so for every call that begins later. TSan looks for races when the
 * test is built with SAN=thread.
 */
#include "service_test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "workers.h"

#define READERS 3
#define ROUNDS 60

/*
 * Of something that is switched on and off. @phase counts: 4n off, 4n + 1 on its way to on, 4n + 2 on, 4n + 3 on its
 * way to off. A call that sees the same phase before and after was in it from beginning to end.
 */
struct topic {
	struct kit *kit;
	const char *who;		/* whose Decrypt is tried */
	const char *refusal;		/* and fails with this when off */
	char key[ARN_SIZE];
	char body[2048];		/* of Decrypt */
	atomic_uint phase;
	atomic_uint on, off;		/* calls that were in such a phase */
	atomic_uint wrong;
	atomic_bool over;
};

/* second - the same service with a connection of its own, as a worker has it. */
static void second(const struct kit *from, struct kit *to)
{
	struct err e = ERR_INIT;

	*to = *from;
	if (store_clone(from->svc.store, &to->svc.store, &e))
		fail_msg("%s", e.what);
}

static void *read_on(void *arg)
{
	struct topic *t = arg;
	struct kit k;

	second(t->kit, &k);
	while (!atomic_load(&t->over)) {
		unsigned int before = atomic_load(&t->phase), after;
		struct kit_answer a;
		bool right = true;

		kit_call(&k, &a, t->who, "Decrypt", t->body);
		after = atomic_load(&t->phase);
		if (before == after && before % 4 == 2) {
			right = a.status == 200;
			atomic_fetch_add(&t->on, 1);
		} else if (before == after && before % 4 == 0) {
			right = !strcmp(a.type, t->refusal);
			atomic_fetch_add(&t->off, 1);
		} else {
			right = a.status == 200 || !strcmp(a.type, t->refusal);
		}
		if (!right) {
			print_error("phase %u to %u: %d %s %s\n", before, after, a.status, a.type, a.message);
			atomic_fetch_add(&t->wrong, 1);
		}
		kit_answer_free(&a);
	}
	store_close(k.svc.store);
	return NULL;
}

static void call_ok(struct kit *k, const char *op, const char *body, char grant[HEX_ID_SIZE])
{
	struct kit_answer a;

	kit_call(k, &a, "admin", op, body);
	if (a.status != 200)
		fail_msg("%s: %s: %s", op, a.type, a.message);
	if (grant)
		snprintf(grant, HEX_ID_SIZE, "%s", kit_string(&a, "GrantId"));
	kit_answer_free(&a);
}

static void next_phase(struct topic *t)
{
	atomic_fetch_add(&t->phase, 1);
}

/* linger - until the readers have seen the phase. */
static void linger(atomic_uint *seen)
{
	unsigned int begin = atomic_load(seen);

	while (atomic_load(seen) == begin)
		usleep(100);
}

static void *grant_and_revoke(void *arg)
{
	struct topic *t = arg;
	char body[1024], grant[HEX_ID_SIZE];
	struct kit k;

	second(t->kit, &k);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		snprintf(body, sizeof(body), "{\"KeyId\":\"%s\",\"GranteePrincipal\":\"%s\",\"Operations\":[\"Decrypt\"]}",
			 t->key, KIT_USER("u"));
		next_phase(t);
		call_ok(&k, "CreateGrant", body, grant);
		next_phase(t);
		linger(&t->on);
		snprintf(body, sizeof(body), "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", t->key, grant);
		next_phase(t);
		call_ok(&k, "RevokeGrant", body, NULL);
		next_phase(t);
		linger(&t->off);
	}
	atomic_store(&t->over, true);
	store_close(k.svc.store);
	return NULL;
}

static void *enable_and_disable(void *arg)
{
	struct topic *t = arg;
	char body[1024];
	struct kit k;

	second(t->kit, &k);
	snprintf(body, sizeof(body), "{\"KeyId\":\"%s\"}", t->key);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		next_phase(t);
		call_ok(&k, "EnableKey", body, NULL);
		next_phase(t);
		linger(&t->on);
		next_phase(t);
		call_ok(&k, "DisableKey", body, NULL);
		next_phase(t);
		linger(&t->off);
	}
	atomic_store(&t->over, true);
	store_close(k.svc.store);
	return NULL;
}

static void prepare(struct topic *t, struct kit *k, const char *who, const char *refusal)
{
	char blob[1024];

	memset(t, 0, sizeof(*t));
	t->kit = k;
	t->who = who;
	t->refusal = refusal;
	kit_key(k, t->key);
	kit_encrypt(k, t->key, "{}", blob, sizeof(blob));
	snprintf(t->body, sizeof(t->body), "{\"CiphertextBlob\":\"%s\"}", blob);
}

static void answered_changes_are_seen_by_every_later_call(void **state)
{
	struct kit *k = *state;
	struct topic grants, keys;
	pthread_t reader[2 * READERS], writer[2];

	kit_principal(k, "u", NULL);
	prepare(&grants, k, "u", "AccessDeniedException");
	prepare(&keys, k, "admin", "DisabledException");
	assert_string_equal(kit_fails(k, "admin", "DisableKey", "{\"KeyId\":\"%s\"}", keys.key), "");
	for (unsigned int i = 0; i < 2 * READERS; i++)
		assert_int_equal(pthread_create(&reader[i], NULL, read_on, i % 2 ? &grants : &keys), 0);
	assert_int_equal(pthread_create(&writer[0], NULL, grant_and_revoke, &grants), 0);
	assert_int_equal(pthread_create(&writer[1], NULL, enable_and_disable, &keys), 0);
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(writer[i], NULL);
	for (unsigned int i = 0; i < 2 * READERS; i++)
		pthread_join(reader[i], NULL);
	assert_int_equal(atomic_load(&grants.wrong) + atomic_load(&keys.wrong), 0);
	assert_true(atomic_load(&grants.on) >= ROUNDS && atomic_load(&grants.off) >= ROUNDS);
	assert_true(atomic_load(&keys.on) >= ROUNDS && atomic_load(&keys.off) >= ROUNDS);
	assert_int_equal(store_check(k->svc.store, NULL), 0);
}

/* Many at once ask for the default key: one is made. */
static void *ask_for_default(void *arg)
{
	struct topic *t = arg;
	struct kit_answer a;
	struct kit k;

	second(t->kit, &k);
	kit_call(&k, &a, "admin", "DescribeKey", "{\"KeyId\":\"alias/aws/elasticache\"}");
	if (a.status != 200)
		atomic_fetch_add(&t->wrong, 1);
	kit_answer_free(&a);
	store_close(k.svc.store);
	return NULL;
}

static void the_default_key_is_made_once(void **state)
{
	struct topic t = { .kit = *state };
	pthread_t thread[8];
	struct kit_answer a;
	struct json_object *keys;

	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, ask_for_default, &t), 0);
	for (unsigned int i = 0; i < 8; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(atomic_load(&t.wrong), 0);
	kit_call(*state, &a, "admin", "ListKeys", "{}");
	assert_true(json_object_object_get_ex(a.json, "Keys", &keys));
	assert_int_equal(json_object_array_length(keys), 1);
	kit_answer_free(&a);
}

struct counted {
	struct job job;
	struct store *store;	/* of whoever ran it */
	unsigned int times;
};

static void count(struct job *job, struct service *svc)
{
	struct counted *c = (struct counted *)(void *)job;

	c->store = svc->store;
	c->times++;
}

static void every_job_is_run_once_and_comes_back(void **state)
{
	struct kit *k = *state;
	struct counted jobs[200] = { 0 };
	struct workers *w = NULL;
	struct err e = ERR_INIT;
	unsigned int back = 0;

	assert_int_equal(workers_start(&w, &k->svc, 4, &e), 0);
	for (unsigned int i = 0; i < 200; i++) {
		jobs[i].job.run = count;
		workers_submit(w, &jobs[i].job);
	}
	while (back < 200) {
		for (struct job *j = workers_reap(w); j; j = j->next)
			back++;
		usleep(100);
	}
	assert_null(workers_reap(w));
	workers_stop(w);
	for (unsigned int i = 0; i < 200; i++) {
		assert_int_equal(jobs[i].times, 1);
		assert_ptr_not_equal(jobs[i].store, k->svc.store);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(answered_changes_are_seen_by_every_later_call),
		T(the_default_key_is_made_once),
		T(every_job_is_run_once_and_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
