/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_STORE_H
#define KMSD_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "grant.h"
#include "ident.h"

/*
 * What lasts: one SQLite database in STATE_DIR/kms.db. A change is on the disk (WAL, synchronous=FULL) before the
 * function that makes it returns; deleted content is overwritten (secure_delete). Several processes may have it open:
 * the server and a "principal add". A struct store is used by one thread at a time; each of the server's has a clone.
 * All functions return 0 or a negative errno: -ENOENT nothing there, -EEXIST taken, -ENOSPC, -EBUSY, -EIO; the last
 * three are logged with SQLite's words.
 *
 * No secret is in it in plaintext: key material and secret access keys are wrapped (root.h).
 */
struct store;

int store_create(const char *path, struct store **out, struct err *e);
int store_open(const char *path, struct store **out, struct err *e);
void store_close(struct store *s);

/* store_clone - a second connection to the same database, for another thread. They may be closed in any order. */
int store_clone(const struct store *s, struct store **out, struct err *e);

/* store_check - SQLite's own integrity check of the whole file; -EBADMSG with its finding. */
int store_check(struct store *s, struct err *e);

/*
 * One write transaction at a time, of all clones too: the others wait. store_end() commits when @rc is 0, rolls back
 * otherwise, and returns what came of it. Not inside a read transaction.
 */
int store_begin(struct store *s);
int store_end(struct store *s, int rc);
bool store_writing(const struct store *s);

/* A read transaction sees the database as it is at its first query, whatever others change meanwhile. */
int store_begin_read(struct store *s);
void store_end_read(struct store *s);

/* meta: "account", "region", "root-check" */
int store_meta_set(struct store *s, const char *name, const void *value, size_t len);
int store_meta_get(struct store *s, const char *name, void *value, size_t size, size_t *len);

/* keys */
enum key_state {
	KEY_ENABLED,
	KEY_DISABLED,
	KEY_PENDING_DELETION,
};

#define DESCRIPTION_CHARS 8192
#define WRAPPED_MATERIAL_SIZE 61	/* KEY_MATERIAL_SIZE + ROOT_WRAP_OVERHEAD */

struct key {
	char id[KEY_ID_SIZE];
	bool aws_managed;		/* the service's own default key */
	enum key_state state;
	char *description;		/* owned */
	char *policy;			/* owned */
	int64_t created_ms;
	int64_t deletion_ms;		/* when pending deletion */
	int pending_days;
	char material_id[HEX_ID_SIZE];	/* what new ciphertexts use */
	int rotation_days;		/* 0: no automatic rotation */
	int64_t rotate_ms;		/* when the next one is due */
};

struct key_ref {
	char id[KEY_ID_SIZE];
};

void key_free(struct key *k);
const char *key_state_name(enum key_state s);

/* store_key_add - with its first material, whose id the key holds. */
int store_key_add(struct store *s, const struct key *k, const uint8_t wrapped[WRAPPED_MATERIAL_SIZE]);
int store_key_get(struct store *s, const char *id, struct key *out);
int store_key_set_state(struct store *s, const struct key *k);		/* state, deletion_ms, pending_days */
int store_key_set_policy(struct store *s, const char *id, const char *policy);
int store_key_set_description(struct store *s, const char *id, const char *description);
int store_key_set_rotation(struct store *s, const struct key *k);	/* rotation_days, rotate_ms */
/* store_key_rotation_due - an enabled key whose automatic rotation is due; -ENOENT: none. */
int store_key_rotation_due(struct store *s, int64_t now_ms, char id[KEY_ID_SIZE]);
/* store_key_count - of the customer's, in any state. */
int store_key_count(struct store *s, int64_t *nr);
/* store_key_list - ids above @after in order, at most @max; *nr of them. */
int store_key_list(struct store *s, const char *after, unsigned int max, struct key_ref *out, unsigned int *nr);
/*
 * store_purge - delete the keys whose deletion is due, with material, tags, aliases, grants, and every trace in the
 * log; at most @max of them, *nr went. If another process keeps the log from being emptied, later calls see to it.
 */
int store_purge(struct store *s, int64_t now_ms, unsigned int max, struct key_ref *gone, unsigned int *nr);

/* key material: the first, and one for each rotation; none is ever replaced while the key lives */
enum rotation {
	ROTATION_NONE,		/* the first */
	ROTATION_AUTOMATIC,
	ROTATION_ON_DEMAND,
};

struct material {
	char id[HEX_ID_SIZE];
	enum rotation rotation;	/* how it came */
	int64_t nr;		/* counts from 0 within its key; given by store_material_add() */
	int64_t created_ms;
};

/* rotation_name - "AUTOMATIC", "ON_DEMAND"; NULL for the first material. */
const char *rotation_name(enum rotation r);
/* store_material_add - what new ciphertexts of the key use from now on. */
int store_material_add(struct store *s, const char *key_id, const struct material *m,
		       const uint8_t wrapped[WRAPPED_MATERIAL_SIZE]);
int store_material_get(struct store *s, const char *key_id, const char *material_id,
		       uint8_t wrapped[WRAPPED_MATERIAL_SIZE]);
int store_material_count(struct store *s, const char *key_id, enum rotation rotation, int64_t *nr);
/* store_material_list - from number @from on in order, at most @max; *nr of them. */
int store_material_list(struct store *s, const char *key_id, int64_t from, unsigned int max, struct material *out,
			unsigned int *nr);

/* tags */
struct tag {
	char name[TAG_NAME_SIZE];
	char value[TAG_VALUE_SIZE];
};

struct tag_list {
	unsigned int nr;
	struct tag *tag;	/* owned */
	bool names_only;	/* the values say nothing */
};

/* store_tag_set - add the tag, or give it another value. */
int store_tag_set(struct store *s, const char *key_id, const char *name, const char *value);
/* store_tag_delete - 0 also when there is none. */
int store_tag_delete(struct store *s, const char *key_id, const char *name);
/* store_tag_each - names above @after in order; stops at the first that does not return 0 and returns that. */
int store_tag_each(struct store *s, const char *key_id, const char *after, int (*fn)(void *ctx, const struct tag *t),
		   void *ctx);
int store_tag_count(struct store *s, const char *key_id, int64_t *nr);

/* aliases */
struct alias {
	char name[ALIAS_SIZE];
	char key_id[KEY_ID_SIZE];
	int64_t created_ms;
	int64_t updated_ms;
};

int store_alias_add(struct store *s, const struct alias *a);
int store_alias_get(struct store *s, const char *name, struct alias *out);
int store_alias_set_key(struct store *s, const struct alias *a);	/* key_id, updated_ms */
int store_alias_delete(struct store *s, const char *name);
int store_alias_count(struct store *s, const char *key_id, int64_t *nr);
/* store_alias_list - names above @after in order, of one key or (NULL) of all. */
int store_alias_list(struct store *s, const char *key_id, const char *after, unsigned int max, struct alias *out,
		     unsigned int *nr);

/* grants; the caller frees what it got with grant_free() */
int store_grant_add(struct store *s, const struct grant *g);
int store_grant_get(struct store *s, const char *id, struct grant *out);
int store_grant_delete(struct store *s, const char *id);
int store_grant_count(struct store *s, const char *key_id, int64_t *nr);

struct grant_filter {
	const char *key_id;	/* NULL: of all keys, those that @retiring may retire */
	const char *retiring;
	const char *grantee;	/* NULL: any */
	const char *name;	/* NULL: any */
	const char *operation;	/* NULL: any */
	const uint8_t *hash;	/* context_folded_hash(): leave out those that want another context; NULL: all */
	const char *after;	/* ids above this one; NULL: all */
};

/* store_grant_each - call @fn for each in order of ids; stops at the first that does not return 0 and returns that. */
int store_grant_each(struct store *s, const struct grant_filter *f, int (*fn)(void *ctx, struct grant *g), void *ctx);

/* principals */
#define VIA_SIZE 129
#define WRAPPED_SECRET_SIZE 69		/* SECRET_KEY_SIZE - 1 + ROOT_WRAP_OVERHEAD */

struct principal {
	char name[PRINCIPAL_NAME_SIZE];
	char unique_id[UNIQUE_ID_SIZE];
	char access_key[ACCESS_KEY_SIZE];
	char via[VIA_SIZE];			/* "" or the service it calls through */
	bool role;
	bool admin;				/* stands for the account itself */
	bool disabled;
	char *policy;				/* owned; NULL when it has none */
	uint8_t wrapped[WRAPPED_SECRET_SIZE];
	int64_t created_ms;
};

void principal_free(struct principal *p);
int store_principal_add(struct store *s, const struct principal *p);
int store_principal_get(struct store *s, const char *name, struct principal *out);
int store_principal_by_access_key(struct store *s, const char *access_key, struct principal *out);
/* store_principal_update - everything but name, kind and unique id. */
int store_principal_update(struct store *s, const struct principal *p);
int store_principal_each(struct store *s, int (*fn)(void *ctx, const struct principal *p), void *ctx);

#endif
