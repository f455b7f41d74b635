/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_CREATOR_FAKE_H
#define ECACHED_CREATOR_FAKE_H

/*
 * For tests of jobs: the creator, a process that answers ecached as ecachectl does, with
 * the mishaps of enum creator_mode. Part of world.h, which includes it.
 */
static inline void creator_serves_retire(int sock, struct json_object *ask)
{
	const char *what = json_object_get_string(json_object_object_get(ask, PROTO_ASK));
	const char *done = strcmp(what, PROTO_ASK_REVOKE) ? PROTO_ANSWER_RETIRED : PROTO_ANSWER_REVOKED;
	struct json_object *msg = json_object_new_object();
	struct net_answer a;

	world_retire(json_object_get_string(json_object_object_get(ask, "grant_id")), &a);
	js_put_string(msg, PROTO_ANSWER, *a.a.code ? PROTO_ANSWER_FAILED : done);
	if (*a.a.code)
		js_put_string(msg, "what", "refused, in the KMS's words");
	else
		js_put_string(msg, "request_id", "request-end");
	ipc_send(sock, msg, -1);
	json_object_put(msg);
}

/* creator_says - one message of ecachectl's and ecached's ack; false when ecached ended. */
static inline bool creator_says(int sock, struct json_object *msg)
{
	struct json_object *ack = NULL, *type;
	bool ok = false;

	ipc_send(sock, msg, -1);
	json_object_put(msg);
	while (!ok) {
		json_object_put(ack);
		ack = NULL;
		if (ipc_recv(sock, &ack, NULL, 60000))
			return false;
		type = json_object_object_get(ack, PROTO_TYPE);
		ok = strcmp(json_object_get_string(type), PROTO_PROGRESS);
	}
	ok = !strcmp(json_object_get_string(json_object_object_get(ack, PROTO_TYPE)), PROTO_ACK);
	if (json_object_object_get(ack, PROTO_ASK))
		creator_serves_retire(sock, ack);	/* ecached could not note it and undoes */
	json_object_put(ack);
	return ok;
}

/* creator_turn - the mishap of this answer, before or after it; false: say nothing more. */
static inline bool creator_turn(int sock, unsigned int nr, bool before)
{
	struct json_object *msg;

	if (nr != world->creator_at)
		return true;
	if (world->creator == (before ? CREATOR_DIES_BEFORE : CREATOR_DIES_AFTER)) {
		shutdown(sock, SHUT_RDWR);	/* at once, however long the kernel takes to end it */
		_exit(0);
	}
	msg = json_object_new_object();
	if (world->creator == (before ? CREATOR_CANCELS_BEFORE : CREATOR_CANCELS_AFTER)) {
		js_put_string(msg, PROTO_ANSWER, PROTO_ANSWER_CANCEL);
		ipc_send(sock, msg, -1);
		json_object_put(msg);
		return false;
	}
	if (before && world->creator == CREATOR_FAILS) {
		js_put_string(msg, PROTO_ANSWER, PROTO_ANSWER_FAILED);
		js_put_string(msg, "what", "the creator has no right");
		ipc_send(sock, msg, -1);
		json_object_put(msg);
		return false;
	}
	json_object_put(msg);
	return true;
}

static inline void creator_serves_grant(int sock, struct json_object *ask)
{
	struct json_object *msg = json_object_new_object(), *from = json_object_object_get(ask, "from_key_arn");
	const char *key = from ? json_object_get_string(json_object_object_get(ask, "kms_key")) : WORLD_ARN;
	uint8_t blob[WORLD_BLOB];
	struct world_grant *g;
	char text[256], name[512];

	if (!creator_turn(sock, 1, true))
		return json_object_put(msg), (void)0;
	js_put_string(msg, PROTO_ANSWER, PROTO_ANSWER_KEY);
	js_put_string(msg, "key_arn", key);
	if (!creator_says(sock, msg) || !creator_turn(sock, 1, false) || !creator_turn(sock, 2, true))
		return;
	if (json_object_get_boolean(json_object_object_get(ask, "make_grant"))) {
		/* a grant for another grantee is another one, whatever its name */
		snprintf(name, sizeof(name), "%s %s", json_object_get_string(json_object_object_get(ask, "grant_name")),
			 json_object_get_string(json_object_object_get(ask, "grantee")));
		g = world_grant_on(key, name, false);
		msg = json_object_new_object();
		js_put_string(msg, PROTO_ANSWER, PROTO_ANSWER_GRANT);
		js_put_string(msg, "grant_id", g->id);
		js_put_string(msg, "grant_token", "token");
		js_put_string(msg, "request_id", "request-grant");
		if (!creator_says(sock, msg)) {
			/*
			 * As ecachectl does: a grant that ecached has no record of is
			 * nobody else's to undo.
			 */
			world_retire(g->id, &(struct net_answer){ 0 });
			return;
		}
	}
	if (!creator_turn(sock, 2, false) || (!from && !json_object_get_int(json_object_object_get(ask, "bytes"))) ||
	    !creator_turn(sock, 3, true))
		return;
	memset(blob, world_byte(key), sizeof(blob));
	if (from) {
		/* only what the old key had wrapped is wrapped again */
		memset(blob, world_byte(json_object_get_string(from)), sizeof(blob));
		base64_encode(blob, sizeof(blob), text);
		if (strcmp(text, json_object_get_string(json_object_object_get(ask, "from_blob"))))
			return;
		memset(blob, world_byte(key), sizeof(blob));
	}
	base64_encode(blob, sizeof(blob), text);
	msg = json_object_new_object();
	js_put_string(msg, PROTO_ANSWER, PROTO_ANSWER_BLOB);
	js_put_string(msg, "blob", text);
	if (from)
		js_put_string(msg, "request_id", "request-again");
	if (creator_says(sock, msg))
		creator_turn(sock, 3, false);
}

/* creator_main - ecachectl's half, until ecached hangs up. */
static inline void creator_main(int sock)
{
	struct json_object *msg;
	const char *ask;

	while (!ipc_recv(sock, &msg, NULL, 30000)) {
		ask = json_object_get_string(json_object_object_get(msg, PROTO_ASK));
		if (ask && !strcmp(ask, PROTO_ASK_GRANT))
			creator_serves_grant(sock, msg);
		else if (ask)
			creator_serves_retire(sock, msg);
		json_object_put(msg);
	}
	_exit(0);
}

#endif
