// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "creator.h"
#include "output.h"
#include "verb.h"

struct args {
	struct creator creator;
	const char *kms_key;
	const char *cache_id;
	const char *grant_id;
	const char *unit;
	unsigned int sector_size;
	unsigned int key_size;
	bool allow_discards;
	bool force;
	bool no_open;
	bool swap;
	bool json;
};

static int check(const struct args *a)
{
	const char *without_key = a->cache_id ? "cache-id" : a->grant_id ? "grant-id" : a->force ? "force" :
				  a->sector_size ? "sector-size" : a->key_size ? "key-size" : NULL;

	if (a->swap && !a->kms_key && without_key) {
		fprintf(stderr, "ecachectl create: --swap without --kms-key takes no --%s\n", without_key);
		return EXIT_USAGE;
	}
	if (a->sector_size && a->sector_size != 512 && a->sector_size != 1024 && a->sector_size != 2048 &&
	    a->sector_size != 4096) {
		fprintf(stderr, "ecachectl create: --sector-size must be 512, 1024, 2048 or 4096, not %u\n",
			a->sector_size);
		return EXIT_USAGE;
	}
	if (a->key_size && a->key_size != 32 && a->key_size != 64) {
		fprintf(stderr, "ecachectl create: --key-size must be 64 (AES-256-XTS) or 32 (AES-128-XTS), not %u\n",
			a->key_size);
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

static struct json_object *request(const struct args *a, const char *name, const char *device)
{
	struct json_object *msg = call_request("create", name);

	call_add_string(msg, "device", device);
	call_add_string(msg, "kms_key", a->kms_key);
	call_add_string(msg, "cache_id", a->cache_id);
	call_add_string(msg, "grant_id", a->grant_id);
	call_add_string(msg, "unit", a->unit);
	call_add_number(msg, "sector_size", a->sector_size);
	call_add_number(msg, "key_size", a->key_size);
	call_add_flag(msg, "allow_discards", a->allow_discards);
	call_add_flag(msg, "force", a->force);
	call_add_flag(msg, "no_open", a->no_open);
	call_add_flag(msg, "swap", a->swap);
	return msg;
}

static void print(struct json_object *result)
{
	const char *kind = out_str(result, "kind");

	if (!strcmp(kind, "boot-swap"))
		printf("created %s, under a random key of each boot\n", out_str(result, "name"));
	else
		printf("created %s: cache id %s, KMS key %s, grant %s\n", out_str(result, "name"),
		       out_str(result, "cache_id"), out_str(result, "key_arn"), out_str(result, "grant_id"));
	if (out_bool(result, "open") && strcmp(kind, "data"))
		printf("this host swaps to /dev/mapper/%s\n", out_str(result, "name"));
	else if (out_bool(result, "open"))
		printf("/dev/mapper/%s is ready for mkfs\n", out_str(result, "name"));
	else
		printf("`ecachectl open %s` opens it\n", out_str(result, "name"));
	if (json_object_object_get(result, "saved_header"))
		printf("the first 1 MiB that --force overwrote is kept in %s\n", out_str(result, "saved_header"));
}

static int cmd_create(const struct verb *v, int argc, char **argv)
{
	static const struct call_ops ops = { .ask = creator_ask };
	const char *operands[2] = { NULL };
	struct json_object *result = NULL;
	struct args a = { 0 };
	struct err e = ERR_INIT;
	char *device;
	int status;

	if (!verb_parse(v, argc, argv, &a, operands, &status))
		return status;
	status = check(&a);
	if (status)
		return status;
	device = out_device_path(operands[1]);
	if (call_run(request(&a, operands[0], device), &ops, &a.creator, true, &result, &e))
		status = call_fail(&e, a.json);
	else if (a.json)
		out_json(result);
	else
		print(result);
	json_object_put(result);
	free(device);
	return status;
}

static const struct opt opts[] = {
	{ "kms-key", "KEY", "KMS key id, alias or ARN (default: default-key of ecached.conf)", OPT_STRING,
	  offsetof(struct args, kms_key) },
	{ "cache-id", "ID", "name of the cache in grant and encryption context (default: a random UUID)",
	  OPT_STRING, offsetof(struct args, cache_id) },
	{ "grant-id", "ID", "use this grant, made by the key's owner, instead of creating one", OPT_STRING,
	  offsetof(struct args, grant_id) },
	CREATOR_PROFILE(struct args),
	CREATOR_CREDENTIALS(struct args),
	{ "sector-size", "BYTES", "512, 1024, 2048 or 4096 (default)", OPT_NUMBER, offsetof(struct args, sector_size) },
	{ "key-size", "BYTES", "64 (AES-256-XTS, default) or 32 (AES-128-XTS)", OPT_NUMBER,
	  offsetof(struct args, key_size) },
	{ "unit", "UNIT", "systemd unit to stop when the volume is torn down", OPT_STRING,
	  offsetof(struct args, unit) },
	{ "allow-discards", NULL, "pass discards through (shows which sectors are unused)", OPT_FLAG,
	  offsetof(struct args, allow_discards) },
	{ "force", NULL, "overwrite a device that holds something; its first 1 MiB is saved", OPT_FLAG,
	  offsetof(struct args, force) },
	{ "no-open", NULL, "leave the new volume closed", OPT_FLAG, offsetof(struct args, no_open) },
	{ "swap", NULL, "a swap area; without --kms-key under a random key of each boot", OPT_FLAG,
	  offsetof(struct args, swap) },
	OPT_JSON(struct args),
	OPT_END
};

const struct verb verb_create = {
	.name = "create",
	.operands = "NAME DEVICE",
	.min_operands = 2,
	.max_operands = 2,
	.summary = "Make DEVICE an encrypted volume under a KMS key, with a grant of its own",
	.details = "The calls of the creator (DescribeKey, CreateGrant, GenerateDataKeyWithoutPlaintext) are made by ecachectl\n"
		   "itself, with your AWS credentials. All or nothing: whatever fails, the device and the KMS are as before.",
	.opts = opts,
	.func = cmd_create,
};
