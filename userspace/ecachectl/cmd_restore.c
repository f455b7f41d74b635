// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "call.h"
#include "creator.h"
#include "output.h"
#include "verb.h"

struct args {
	struct creator creator;
	const char *kms_key;
	const char *cache_id;
	const char *unit;
	bool allow_discards;
	bool no_open;
	bool json;
};

static void print(struct json_object *result)
{
	char bytes[16];

	progress_size((uint64_t)out_int(result, "bytes"), bytes);
	printf("restored %s from %s: %s, read back, SHA-256 %s\n", out_str(result, "name"), out_str(result, "file"),
	       bytes, out_str(result, "sha256"));
	if (!out_bool(result, "sum_known"))
		printf("this host did not make the backup, so it has no sum of it to compare with\n");
	printf("cache id %s, KMS key %s, grant %s\n", out_str(result, "cache_id"), out_str(result, "key_arn"),
	       out_str(result, "grant_id"));
	if (!out_bool(result, "grant_retired"))
		printf("the backup's grant is not retired yet, ecached goes on trying\n");
	if (out_bool(result, "open"))
		printf("/dev/mapper/%s is ready to be mounted\n", out_str(result, "name"));
	else
		printf("`ecachectl open %s` opens it\n", out_str(result, "name"));
}

static int cmd_restore(const struct verb *v, int argc, char **argv)
{
	static const struct call_ops ops = { .ask = creator_ask };
	struct json_object *msg, *result = NULL;
	const char *operands[3] = { NULL };
	struct args a = { 0 };
	struct err e = ERR_INIT;
	char *file, *device;
	int status;

	if (!verb_parse(v, argc, argv, &a, operands, &status))
		return status;
	file = out_device_path(operands[0]);
	device = out_device_path(operands[2]);
	msg = call_request("restore", operands[1]);
	call_add_string(msg, "file", file);
	call_add_string(msg, "device", device);
	call_add_string(msg, "kms_key", a.kms_key);
	call_add_string(msg, "cache_id", a.cache_id);
	call_add_string(msg, "unit", a.unit);
	call_add_flag(msg, "allow_discards", a.allow_discards);
	call_add_flag(msg, "no_open", a.no_open);
	if (call_run(msg, &ops, &a.creator, true, &result, &e))
		status = call_fail(&e, a.json);
	else if (a.json)
		out_json(result);
	else
		print(result);
	json_object_put(result);
	free(file);
	free(device);
	return status;
}

static const struct opt opts[] = {
	{ "kms-key", "KEY", "KMS key of the new volume: id, alias or ARN (default: the backup's)", OPT_STRING,
	  offsetof(struct args, kms_key) },
	{ "cache-id", "ID", "cache id of the new volume (default: the backup's)", OPT_STRING,
	  offsetof(struct args, cache_id) },
	CREATOR_PROFILE(struct args),
	CREATOR_CREDENTIALS(struct args),
	{ "unit", "UNIT", "systemd unit to stop when the volume is torn down", OPT_STRING,
	  offsetof(struct args, unit) },
	{ "allow-discards", NULL, "pass discards through (shows which sectors are unused)", OPT_FLAG,
	  offsetof(struct args, allow_discards) },
	{ "no-open", NULL, "leave the new volume closed", OPT_FLAG, offsetof(struct args, no_open) },
	OPT_JSON(struct args),
	OPT_END
};

const struct verb verb_restore = {
	.name = "restore",
	.operands = "FILE NAME DEVICE",
	.min_operands = 3,
	.max_operands = 3,
	.summary = "Make DEVICE a new volume with the content of a backup",
	.details = "It has a data key and a grant of its own; the backup stays. DEVICE must be blank (wipefs) and at least as large\n"
		   "as the backup. The creator's rights are needed on the backup's key and on the new volume's.",
	.opts = opts,
	.func = cmd_restore,
};
