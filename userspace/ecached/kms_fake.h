/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_KMS_FAKE_H
#define ECACHED_KMS_FAKE_H

/* For tests of jobs: the KMS, a table of grants behind net_call(). Part of world.h, which includes it. */
static inline struct world_grant *world_find_grant(const char *id)
{
	unsigned int i;

	for (i = 0; i < WORLD_GRANTS; i++) {
		if (world->grant[i].used && !strcmp(world->grant[i].id, id))
			return &world->grant[i];
	}
	return NULL;
}

/* world_byte - what a key's wrapping looks like. */
static inline uint8_t world_byte(const char *key_arn)
{
	return strcmp(key_arn, WORLD_ARN) ? 0xa5 : 0x5a;
}

/* CreateGrant: the name of a grant that stands on the key gives that grant. */
static inline struct world_grant *world_grant_on(const char *key_arn, const char *name, bool owners)
{
	bool second = strcmp(key_arn, WORLD_ARN);
	struct world_grant *g = NULL;
	unsigned int i;

	for (i = 0; i < WORLD_GRANTS; i++) {
		if (world->grant[i].used && world->grant[i].alive && world->grant[i].second == second &&
		    !strcmp(world->grant[i].name, name))
			return &world->grant[i];
		if (!world->grant[i].used && !g)
			g = &world->grant[i];
	}
	assert_non_null(g);
	g->used = true;
	g->alive = true;
	g->owners = owners;
	g->second = second;
	snprintf(g->name, sizeof(g->name), "%s", name);
	snprintf(g->id, sizeof(g->id), "%032x", ++world->grants_made);
	return g;
}

static inline struct world_grant *world_grant(const char *name, bool owners)
{
	return world_grant_on(WORLD_ARN, name, owners);
}

static inline unsigned int world_alive_on(const char *key_arn)
{
	unsigned int i, n = 0;

	for (i = 0; i < WORLD_GRANTS; i++)
		n += world->grant[i].used && world->grant[i].alive &&
		     world->grant[i].second == !!strcmp(key_arn, WORLD_ARN);
	return n;
}

/* world_allows - a grant that stands on the key: adopt's, to encrypt, or another one, to decrypt. */
static inline bool world_allows(const char *key_arn, bool wrap)
{
	const struct world_grant *g;

	for (g = world->grant; g < world->grant + WORLD_GRANTS; g++) {
		if (g->used && g->alive && g->second == !!strcmp(key_arn, WORLD_ARN) &&
		    !strstr(g->name, ":adopt ") == !wrap)
			return true;
	}
	return false;
}

static inline unsigned int world_alive(void)
{
	return world_alive_on(WORLD_ARN) + world_alive_on(WORLD_ARN2);
}

static inline void world_answer(struct net_answer *a, int status, const char *code)
{
	memset(a, 0, sizeof(*a));
	a->a.transport = KMS_ANSWERED;
	a->a.http_status = status;
	snprintf(a->a.code, sizeof(a->a.code), "%s", code);
	snprintf(a->a.message, sizeof(a->a.message), "in the KMS's words");
	snprintf(a->a.request_id, sizeof(a->a.request_id), "request-%u", world->unwraps + world->retires);
}

/* world_salt - what tells the keys of two volumes: each has its own in its blob. */
static inline uint8_t world_salt(const struct kms_context *ctx)
{
	unsigned int i;

	for (i = 0; i < ctx->nr; i++) {
		if (strcmp(ctx->pair[i].key, "ecache:luks-uuid"))
			continue;
		if (!*world->first_uuid)
			snprintf(world->first_uuid, sizeof(world->first_uuid), "%s", ctx->pair[i].value);
		return strcmp(world->first_uuid, ctx->pair[i].value) ? (uint8_t)ctx->pair[i].value[0] : 0;
	}
	return 0;
}

static inline void world_unwrap(const struct net_request *rq, struct secret *key, struct net_answer *a)
{
	size_t i;

	world->unwraps++;
	if (world->key_disabled) {
		world_answer(a, 400, "DisabledException");
	} else if (rq->blob[0] != world_byte(rq->key_arn)) {
		world_answer(a, 400, "InvalidCiphertextException");
	} else if (!world_allows(rq->key_arn, false) || world->denials_left) {
		if (world->denials_left)
			world->denials_left--;
		world_answer(a, 400, "AccessDeniedException");
	} else {
		for (i = 0; i < key->cap; i++)
			key->data[i] = world->wrapped_len ? (uint8_t)(world->wrapped[i % 64] + world->wrong_key) :
				(uint8_t)((world->equal_halves ? i % (key->cap / 2) : i) * 7 + world->wrong_key +
					  world_salt(rq->context));
		key->len = key->cap;
		world_answer(a, 200, "");
	}
}

static inline void world_wrap(const struct secret *key, struct net_answer *a)
{
	world->wraps++;
	if (!world_allows(WORLD_ARN, true) || world->wrap_refused) {
		/* a denial would only be asked again, for minutes */
		world_answer(a, 400, world->wrap_refused ? "DisabledException" : "AccessDeniedException");
		return;
	}
	assert_true(key->len && key->len <= sizeof(world->wrapped));
	memcpy(world->wrapped, key->data, key->len);
	world->wrapped_len = key->len;
	world_answer(a, 200, "");
	memset(a->blob, world_byte(WORLD_ARN), WORLD_BLOB);
	a->blob_len = WORLD_BLOB;
}

static inline void world_retire(const char *id, struct net_answer *a)
{
	struct world_grant *g = world_find_grant(id);

	world->retires++;
	if (world->retire_refused) {
		world_answer(a, 400, "AccessDeniedException");
	} else if (!g || !g->alive) {
		world_answer(a, 400, "NotFoundException");
	} else {
		g->alive = false;
		world_answer(a, 200, "");
	}
}

/* A dry run that succeeds is an error, and one that nobody knows is the thing itself. */
static inline void world_dry_run(const struct net_request *rq, struct net_answer *a)
{
	world->probes += !strcmp(rq->op, "probe");
	world->mays += !strcmp(rq->op, "may");
	if (rq->right && !strcmp(rq->right, "CreateGrant"))
		world->may_grant = true;
	if (world->no_dry_run || !strcmp(rq->op, "caller"))
		world_answer(a, 200, "");
	else
		world_answer(a, 400, "DryRunOperationException");
}

int __wrap_net_call(const char *socket, const struct net_request *rq, struct secret *secret, struct net_answer *a,
		    int timeout_ms, struct err *e);

int __wrap_net_call(const char *socket, const struct net_request *rq, struct secret *secret, struct net_answer *a,
		    int timeout_ms, struct err *e)
{
	(void)socket;
	(void)timeout_ms;
	if (rq->key_arn && strcmp(rq->key_arn, WORLD_ARN2))
		assert_string_equal(rq->key_arn, WORLD_ARN);
	if (world->kms_down) {
		world->probes += !strcmp(rq->op, "probe");
		memset(a, 0, sizeof(*a));
		a->a.transport = KMS_NO_ANSWER;
		return err_set(e, -EAGAIN, "ecache-net is not there");
	}
	if (!strcmp(rq->op, "unwrap"))
		world_unwrap(rq, secret, a);
	else if (!strcmp(rq->op, "wrap"))
		world_wrap(secret, a);
	else if (strcmp(rq->op, "retire"))
		world_dry_run(rq, a);
	else
		world_retire(rq->grant_id, a);
	return 0;
}

#endif
