// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "../common/conf.h"
#include "../ecached/request.h"
#include "call.h"
#include "creator.h"
#include "output.h"
#include "verb.h"

struct args {
	struct creator creator;
	const char *kms_key;
	const char *max_freeze;
	bool json;
};

static void print(struct json_object *result)
{
	char bytes[16], stored[16];

	progress_size((uint64_t)out_int(result, "bytes"), bytes);
	progress_size((uint64_t)out_int(result, "stored_bytes"), stored);
	printf("backed up %s to %s: %s, of these %s in use, read back, SHA-256 %s\n", out_str(result, "name"),
	       out_str(result, "file"), bytes, stored, out_str(result, "sha256"));
	if (out_int(result, "paused_ms"))
		printf("its file system stood still for %.3f s\n", (double)out_int(result, "paused_ms") / 1000);
	printf("it is under KMS key %s, with a data key of its own; ", out_str(result, "key_arn"));
	if (out_bool(result, "grant_retired"))
		printf("its grant is retired\n");
	else
		printf("its grant %s is not retired yet, ecached goes on trying\n", out_str(result, "grant_id"));
	printf("Revoking the cache's grant does not revoke this backup: whoever may create grants on that key can restore "
	       "it.\n");
}

static int cmd_backup(const struct verb *v, int argc, char **argv)
{
	static const struct call_ops ops = { .ask = creator_ask };
	struct json_object *msg, *result = NULL;
	const char *operands[2] = { NULL };
	unsigned int max_freeze = 0;
	struct args a = { 0 };
	struct err e = ERR_INIT;
	char *file;
	int status;

	if (!verb_parse(v, argc, argv, &a, operands, &status))
		return status;
	if (a.max_freeze && conf_duration(a.max_freeze, 1, REQUEST_FREEZE_MAX, &max_freeze, &e)) {
		fprintf(stderr, "ecachectl backup: --max-freeze: %s\n", e.what);
		return EXIT_USAGE;
	}
	file = out_device_path(operands[1]);
	msg = call_request("backup", operands[0]);
	call_add_string(msg, "file", file);
	call_add_string(msg, "kms_key", a.kms_key);
	call_add_number(msg, "max_freeze", max_freeze);
	if (call_run(msg, &ops, &a.creator, true, &result, &e))
		status = call_fail(&e, a.json);
	else if (a.json)
		out_json(result);
	else
		print(result);
	json_object_put(result);
	free(file);
	return status;
}

static const struct opt opts[] = {
	{ "kms-key", "KEY", "KMS key of the backup: id, alias or ARN (default: the volume's)", OPT_STRING,
	  offsetof(struct args, kms_key) },
	{ "max-freeze", "T", "how long a mounted file system may stand still (default: 60s)", OPT_STRING,
	  offsetof(struct args, max_freeze) },
	CREATOR_PROFILE(struct args),
	CREATOR_CREDENTIALS(struct args),
	OPT_JSON(struct args),
	OPT_END
};

const struct verb verb_backup = {
	.name = "backup",
	.operands = "NAME FILE",
	.min_operands = 2,
	.max_operands = 2,
	.summary = "Copy a volume into FILE, an encrypted image under a data key of its own",
	.details = "A mounted volume is frozen while it is copied and thawed in any event; a closed one is copied without being\n"
		   "opened. FILE is complete and verified, or not there. Revoking the cache's grant does not revoke its backups.",
	.opts = opts,
	.func = cmd_backup,
};
