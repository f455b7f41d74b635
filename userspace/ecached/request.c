// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "../common/json.h"
#include "../volume/device.h"
#include "proto.h"
#include "request.h"

#define SECTOR_SIZE 4096
#define KEY_SIZE 64

/* What a verb takes; a name is needed unless it says otherwise. */
enum {
	TAKES_DEVICE = 1,
	NEEDS_DEVICE = 2,
	TAKES_CREATE = 4,	/* kms_key, cache_id, unit, sizes, flags */
	TAKES_GRANT = 8,
	TAKES_OLDER = 16,
	NO_NAME = 32,		/* none allowed */
	NAME_OPTIONAL = 64,
	IS_PUBLIC = 128,
	TAKES_REVOKE = 256,
	TAKES_HOST = 512,
	TAKES_VOLUMES = 1024,
	TAKES_FD = 2048,
	TAKES_ADOPT = 4096,	/* kms_key, cache_id, unit, flags, and a secret in a descriptor */
	NEEDS_KEY = 8192,
	TAKES_SIZE = 16384,
	TAKES_DISCARD = 32768,
	TAKES_FILE = 65536,	/* and needs one; kms_key */
	TAKES_FREEZE = 131072,
	TAKES_RESTORE = 262144,	/* of create: cache_id, unit, allow_discards, no_open */
};

static const struct {
	const char *name;
	unsigned int takes;
} verbs[REQUEST_NR] = {
	[REQUEST_CREATE] = { "create", NEEDS_DEVICE | TAKES_CREATE | TAKES_GRANT },
	[REQUEST_OPEN] = { "open", TAKES_DEVICE | TAKES_OLDER },
	[REQUEST_CLOSE] = { "close", 0 },
	[REQUEST_STATUS] = { "status", NAME_OPTIONAL | IS_PUBLIC },
	[REQUEST_LIST] = { "list", NO_NAME | IS_PUBLIC },
	[REQUEST_REVOKE] = { "revoke", TAKES_REVOKE },
	[REQUEST_REGRANT] = { "regrant", TAKES_GRANT | TAKES_HOST },
	[REQUEST_REWRAP] = { "rewrap", NEEDS_KEY | TAKES_GRANT },
	[REQUEST_RESIZE] = { "resize", TAKES_SIZE },
	[REQUEST_DESTROY] = { "destroy", TAKES_DISCARD },
	[REQUEST_DUMP] = { "dump", NAME_OPTIONAL | TAKES_DEVICE },
	[REQUEST_CONFIRM] = { "confirm", NAME_OPTIONAL | TAKES_VOLUMES },
	[REQUEST_UNWRAP] = { "unwrap", TAKES_FD },
	[REQUEST_DOCTOR] = { "doctor", NO_NAME },
	[REQUEST_ADOPT] = { "adopt", NEEDS_DEVICE | TAKES_ADOPT },
	[REQUEST_REPAIR] = { "repair", 0 },
	[REQUEST_BACKUP] = { "backup", TAKES_FILE | TAKES_FREEZE },
	[REQUEST_RESTORE] = { "restore", NEEDS_DEVICE | TAKES_FILE | TAKES_RESTORE },
	[REQUEST_BACKUPS] = { "backups", NO_NAME | IS_PUBLIC },
};

/* Members that only some verbs take. */
static const struct {
	const char *name;
	unsigned int takes;
} members_of[] = {
	{ "kms_key", TAKES_CREATE | TAKES_ADOPT | NEEDS_KEY | TAKES_FILE },
	{ "cache_id", TAKES_CREATE | TAKES_ADOPT | TAKES_RESTORE },
	{ "unit", TAKES_CREATE | TAKES_ADOPT | TAKES_RESTORE },
	{ "sector_size", TAKES_CREATE },
	{ "key_size", TAKES_CREATE },
	{ "allow_discards", TAKES_CREATE | TAKES_ADOPT | TAKES_RESTORE },
	{ "force", TAKES_CREATE | TAKES_SIZE },
	{ "size", TAKES_SIZE },
	{ "discard", TAKES_DISCARD },
	{ "no_open", TAKES_CREATE | TAKES_RESTORE },
	{ "swap", TAKES_CREATE },
	{ "accept_older_header", TAKES_OLDER },
	{ "revoke_grant", TAKES_REVOKE },
	{ "host", TAKES_HOST },
	{ "volumes", TAKES_VOLUMES },
	{ "to_file", TAKES_FD },
	{ "keep_keyslots", TAKES_ADOPT },
	{ "secret_bytes", TAKES_ADOPT },
	{ "file", TAKES_FILE },
	{ "max_freeze", TAKES_FREEZE },
};

const char *request_verb_name(enum request_verb v)
{
	return v < REQUEST_NR ? verbs[v].name : "unknown";
}

bool request_public(enum request_verb v)
{
	return v < REQUEST_NR && verbs[v].takes & IS_PUBLIC;
}

bool request_takes_fd(enum request_verb v)
{
	return v < REQUEST_NR && verbs[v].takes & (TAKES_FD | TAKES_ADOPT);
}

/* The strings of a request before they are checked; NULL when absent. */
struct raw {
	const char *verb, *name, *device, *kms_key, *cache_id, *grant_id, *unit, *host, *volumes, *file;
	int64_t sector_size, key_size, secret_bytes, size, max_freeze;
	bool swap;
};

static int find_verb(const char *name, enum request_verb *out, struct err *e)
{
	unsigned int v;

	for (v = 0; v < REQUEST_NR; v++) {
		if (!strcmp(name, verbs[v].name)) {
			*out = v;
			return 0;
		}
	}
	return err_set(e, -EINVAL, "unknown verb '%s'", name);
}

/* printable - no control characters: the text goes into logs, pins and JSON. */
static bool printable(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	}
	return true;
}

static int copy(char *out, size_t size, const char *what, const char *in, struct err *e)
{
	if (!in)
		return 0;
	if (strlen(in) >= size)
		return err_set(e, -EINVAL, "%s is longer than %zu characters", what, size - 1);
	if (!printable(in))
		return err_set(e, -EINVAL, "%s has control characters in it", what);
	strcpy(out, in);
	return 0;
}

static int check_name(const struct raw *raw, unsigned int takes, struct request *rq, struct err *e)
{
	int rc;

	if (!raw->name)
		return takes & (NO_NAME | NAME_OPTIONAL) ? 0 : err_set(e, -EINVAL, "no volume name given");
	if (takes & NO_NAME)
		return err_set(e, -EINVAL, "%s takes no name", verbs[rq->verb].name);
	rc = volume_name_check(raw->name, e);
	if (rc)
		return rc;
	strcpy(rq->name, raw->name);
	return 0;
}

static int check_device(const struct raw *raw, unsigned int takes, struct request *rq, struct err *e)
{
	if (!raw->device)
		return takes & NEEDS_DEVICE ? err_set(e, -EINVAL, "no device given") : 0;
	if (!(takes & (NEEDS_DEVICE | TAKES_DEVICE)))
		return err_set(e, -EINVAL, "%s takes no device", verbs[rq->verb].name);
	if (raw->device[0] != '/')
		return err_set(e, -EINVAL, "device '%s' is no absolute path", raw->device);
	return copy(rq->device, sizeof(rq->device), "the device", raw->device, e);
}

static bool is_grant_id(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");

	return n >= 1 && n <= KMS_GRANT_ID_MAX && !s[n];
}

static int check_key(const struct raw *raw, unsigned int takes, struct request *rq, struct err *e)
{
	if (!raw->kms_key)
		return takes & NEEDS_KEY ? err_set(e, -EINVAL, "no KMS key given") : 0;
	return copy(rq->kms_key, sizeof(rq->kms_key), "the KMS key", raw->kms_key, e);
}

static int check_grant(const struct raw *raw, unsigned int takes, struct request *rq, struct err *e)
{
	if (!raw->grant_id)
		return 0;
	if (!(takes & TAKES_GRANT))
		return err_set(e, -EINVAL, "%s takes no grant id", verbs[rq->verb].name);
	if (!is_grant_id(raw->grant_id))
		return err_set(e, -EINVAL, "'%.128s' is no grant id (1-128 letters and digits)", raw->grant_id);
	strcpy(rq->grant_id, raw->grant_id);
	return 0;
}

/* check_boot_swap - what only a KMS key has, or a volume whose header tells whose it is. */
static int check_boot_swap(const struct request *rq, struct err *e)
{
	const char *what = *rq->cache_id ? "cache id" : *rq->grant_id ? "grant id" :
			   rq->sector_size != SECTOR_SIZE || rq->key_size != KEY_SIZE ? "sizes of its own" : NULL;

	if (what) {
		err_set(e, -EINVAL, "a swap volume without a KMS key has no %s", what);
		return err_hint(e, "With --kms-key it is under that key; without, under a random one of each boot.");
	}
	if (rq->force)
		return err_set(e, -EINVAL, "a swap volume without a KMS key overwrites nothing: wipefs %s first",
			       rq->device);
	if (device_name_is_stable(rq->device))
		return 0;
	err_set(e, -EINVAL, "%s may be another disk after the next boot, and nothing on a swap volume without a KMS key "
		"tells", rq->device);
	return err_hint(e, "Name it as under " DEVICE_STABLE_NAMES ".");
}

/* check_new - what create and adopt have in common: a volume that is none yet. */
static int check_new(const struct raw *raw, struct request *rq, struct err *e)
{
	int rc;

	if (raw->cache_id) {
		rc = cache_id_check(raw->cache_id, e);
		if (rc)
			return rc;
		strcpy(rq->cache_id, raw->cache_id);
	}
	return copy(rq->unit, sizeof(rq->unit), "the unit", raw->unit, e);
}

static int check_adopt(const struct raw *raw, struct request *rq, struct err *e)
{
	if (!raw->secret_bytes)
		return err_set(e, -EINVAL, "no passphrase came along");
	rq->secret_bytes = raw->secret_bytes;
	return check_new(raw, rq, e);
}

static int check_create(const struct raw *raw, struct request *rq, struct err *e)
{
	int rc;

	if (raw->swap)
		rq->kind = raw->kms_key ? VOLUME_SWAP : VOLUME_BOOT_SWAP;
	rc = check_new(raw, rq, e);
	if (rc)
		return rc;
	rq->sector_size = raw->sector_size;
	rq->key_size = raw->key_size;
	if (rq->sector_size != 512 && rq->sector_size != 1024 && rq->sector_size != 2048 && rq->sector_size != 4096)
		return err_set(e, -EINVAL, "sector size %u is not 512, 1024, 2048 or 4096", rq->sector_size);
	if (rq->key_size != 32 && rq->key_size != 64)
		return err_set(e, -EINVAL, "key size %u is not 64 or 32", rq->key_size);
	return rq->kind == VOLUME_BOOT_SWAP ? check_boot_swap(rq, e) : 0;
}

static int check_host(const struct raw *raw, struct request *rq, struct err *e)
{
	int rc;

	if (!raw->host)
		return 0;
	rc = arn_check_principal(raw->host, e);
	if (rc)
		return rc;
	if (raw->grant_id)
		return err_set(e, -EINVAL, "a grant of the owner's has its grantee: no host beside grant_id");
	return copy(rq->host, sizeof(rq->host), "the host", raw->host, e);
}

static int check_file(const struct raw *raw, unsigned int takes, struct request *rq, struct err *e)
{
	if (!(takes & TAKES_FILE))
		return 0;
	if (!raw->file)
		return err_set(e, -EINVAL, "no file given");
	if (raw->file[0] != '/')
		return err_set(e, -EINVAL, "file '%.400s' is no absolute path", raw->file);
	rq->max_freeze = raw->max_freeze;
	return copy(rq->file, sizeof(rq->file) - sizeof(REQUEST_PARTIAL), "the file's path", raw->file, e);
}

/* only_its_own - no member that is another verb's. */
static int only_its_own(struct json_object *msg, unsigned int takes, const struct request *rq, struct err *e)
{
	size_t i;

	for (i = 0; i < sizeof(members_of) / sizeof(members_of[0]); i++) {
		if (!(takes & members_of[i].takes) && json_object_object_get_ex(msg, members_of[i].name, NULL))
			return err_set(e, -EINVAL, "%s takes no %s", verbs[rq->verb].name, members_of[i].name);
	}
	return 0;
}

int request_read(struct json_object *msg, struct request *rq, struct err *e)
{
	struct raw raw = {
		.verb = "", .sector_size = SECTOR_SIZE, .key_size = KEY_SIZE, .max_freeze = REQUEST_FREEZE,
	};
	const struct js_member members[] = {
		{ PROTO_VERB, JS_STRING, 0, 1, 32, .string = &raw.verb },
		{ "name", JS_STRING, JS_OPTIONAL, 0, 4096, .string = &raw.name },
		{ "device", JS_STRING, JS_OPTIONAL, 0, PATH_MAX, .string = &raw.device },
		{ "kms_key", JS_STRING, JS_OPTIONAL, 1, KMS_ARN_MAX, .string = &raw.kms_key },
		{ "cache_id", JS_STRING, JS_OPTIONAL, 0, 4096, .string = &raw.cache_id },
		{ "grant_id", JS_STRING, JS_OPTIONAL, 0, 4096, .string = &raw.grant_id },
		{ "unit", JS_STRING, JS_OPTIONAL, 1, 4096, .string = &raw.unit },
		{ "sector_size", JS_INT, JS_OPTIONAL, 0, UINT_MAX, .number = &raw.sector_size },
		{ "key_size", JS_INT, JS_OPTIONAL, 0, UINT_MAX, .number = &raw.key_size },
		{ "allow_discards", JS_BOOL, JS_OPTIONAL, 0, 0, .flag = &rq->allow_discards },
		{ "force", JS_BOOL, JS_OPTIONAL, 0, 0, .flag = &rq->force },
		{ "size", JS_INT, JS_OPTIONAL, 1, INT64_MAX, .number = &raw.size },
		{ "discard", JS_BOOL, JS_OPTIONAL, 0, 0, .flag = &rq->discard },
		{ "no_open", JS_BOOL, JS_OPTIONAL, 0, 0, .flag = &rq->no_open },
		{ "swap", JS_BOOL, JS_OPTIONAL, 0, 0, .flag = &raw.swap },
		{ "accept_older_header", JS_BOOL, JS_OPTIONAL, 0, 0, .flag = &rq->accept_older_header },
		{ "revoke_grant", JS_BOOL, JS_OPTIONAL, 0, 0, .flag = &rq->revoke_grant },
		{ "host", JS_STRING, JS_OPTIONAL, 1, 4096, .string = &raw.host },
		{ "volumes", JS_STRING, JS_OPTIONAL, 0, REQUEST_VOLUMES_MAX, .string = &raw.volumes },
		{ "to_file", JS_BOOL, JS_OPTIONAL, 0, 0, .flag = &rq->to_file },
		{ "keep_keyslots", JS_BOOL, JS_OPTIONAL, 0, 0, .flag = &rq->keep_keyslots },
		{ "secret_bytes", JS_INT, JS_OPTIONAL, 1, REQUEST_SECRET_MAX, .number = &raw.secret_bytes },
		{ "file", JS_STRING, JS_OPTIONAL, 1, PATH_MAX, .string = &raw.file },
		{ "max_freeze", JS_INT, JS_OPTIONAL, 1, REQUEST_FREEZE_MAX, .number = &raw.max_freeze },
		{ .name = NULL }
	};
	unsigned int takes;
	int rc;

	memset(rq, 0, sizeof(*rq));
	rq->fd = -1;
	rc = js_read(msg, members, e);
	if (rc)
		return rc;
	rc = find_verb(raw.verb, &rq->verb, e);
	if (rc)
		return rc;
	takes = verbs[rq->verb].takes;
	rq->size = raw.size;
	rc = check_name(&raw, takes, rq, e);
	if (!rc)
		rc = check_device(&raw, takes, rq, e);
	if (!rc)
		rc = check_grant(&raw, takes, rq, e);
	if (!rc)
		rc = only_its_own(msg, takes, rq, e);
	if (!rc)
		rc = check_key(&raw, takes, rq, e);
	if (!rc && takes & (TAKES_CREATE | TAKES_FILE))
		rc = check_create(&raw, rq, e);
	if (!rc && takes & TAKES_ADOPT)
		rc = check_adopt(&raw, rq, e);
	if (!rc)
		rc = check_file(&raw, takes, rq, e);
	if (!rc)
		rc = check_host(&raw, rq, e);
	if (!rc)
		rc = copy(rq->volumes, sizeof(rq->volumes), "the list of volumes", raw.volumes, e);
	if (!rc && rq->verb == REQUEST_DUMP && !*rq->name == !*rq->device)
		rc = err_set(e, -EINVAL, "dump wants a volume name or a device");
	return rc;
}
