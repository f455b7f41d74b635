// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "call.h"
#include "creator.h"
#include "output.h"
#include "passphrase.h"
#include "verb.h"

struct args {
	struct creator creator;
	const char *kms_key;
	const char *cache_id;
	const char *unit;
	const char *key_file;
	bool allow_discards;
	bool keep_keyslots;
	bool json;
};

static struct json_object *request(const struct args *a, const char *name, const char *device,
				   const struct secret *passphrase)
{
	struct json_object *msg = call_request("adopt", name);

	call_add_string(msg, "device", device);
	call_add_string(msg, "kms_key", a->kms_key);
	call_add_string(msg, "cache_id", a->cache_id);
	call_add_string(msg, "unit", a->unit);
	call_add_flag(msg, "allow_discards", a->allow_discards);
	call_add_flag(msg, "keep_keyslots", a->keep_keyslots);
	call_add_number(msg, "secret_bytes", passphrase->len);
	return msg;
}

/* warn - what an adoption cannot change, said each time: on stderr, also beside --json. */
static void warn(struct json_object *result)
{
	if (!out_bool(result, "revocable"))
		fprintf(stderr, "ecachectl: %s is not revocable: its keyslots were kept, and a passphrase opens it without the KMS\n",
			out_str(result, "name"));
	fprintf(stderr, "ecachectl: copies of the header made before (cryptsetup luksHeaderBackup, images of the disk) still open\n"
			"           this volume with the old passphrases, also after a revocation: destroy them. Only another data key\n"
			"           ends that: make a new volume and copy the data.\n");
}

static void print(struct json_object *result)
{
	printf("adopted %s: cache id %s, KMS key %s, grant %s\n", out_str(result, "name"), out_str(result, "cache_id"),
	       out_str(result, "key_arn"), out_str(result, "grant_id"));
	if (out_bool(result, "revocable"))
		printf("%lld keyslots are removed: no passphrase opens this header any more\n",
		       (long long)out_int(result, "keyslots_removed"));
	printf("`ecachectl open %s` opens it\n", out_str(result, "name"));
}

static int adopt(struct args *a, const char *name, const char *device, struct json_object **result, struct err *e)
{
	static const struct call_ops ops = { .ask = creator_ask };
	struct secret passphrase = SECRET_INIT;
	int rc;

	if (a->key_file)
		rc = passphrase_read(a->key_file, &passphrase, e);
	else
		rc = passphrase_ask(device, &passphrase, e);
	if (rc)
		return rc;
	rc = call_run_with_fd(request(a, name, device, &passphrase), passphrase.fd, &ops, &a->creator, result, e);
	secret_wipe(&passphrase);
	return rc;
}

static int cmd_adopt(const struct verb *v, int argc, char **argv)
{
	const char *operands[2] = { NULL };
	struct json_object *result = NULL;
	struct args a = { 0 };
	struct err e = ERR_INIT;
	char *device;
	int status;

	if (!verb_parse(v, argc, argv, &a, operands, &status))
		return status;
	device = out_device_path(operands[1]);
	if (adopt(&a, operands[0], device, &result, &e))
		status = call_fail(&e, a.json);
	else if (a.json)
		out_json(result);
	else
		print(result);
	if (!status)
		warn(result);
	json_object_put(result);
	free(device);
	return status;
}

static const struct opt opts[] = {
	{ "kms-key", "KEY", "KMS key id, alias or ARN (default: default-key of ecached.conf)", OPT_STRING,
	  offsetof(struct args, kms_key) },
	{ "cache-id", "ID", "name of the cache in grant and encryption context (default: a random UUID)",
	  OPT_STRING, offsetof(struct args, cache_id) },
	{ "key-file", "FILE", "the passphrase is all of this file, - standard input (default: asked for)", OPT_STRING,
	  offsetof(struct args, key_file) },
	{ "keep-keyslots", NULL, "leave the passphrases: the volume is then not revocable", OPT_FLAG,
	  offsetof(struct args, keep_keyslots) },
	CREATOR_PROFILE(struct args),
	CREATOR_CREDENTIALS(struct args),
	{ "unit", "UNIT", "systemd unit to stop when the volume is torn down", OPT_STRING,
	  offsetof(struct args, unit) },
	{ "allow-discards", NULL, "pass discards through (shows which sectors are unused)", OPT_FLAG,
	  offsetof(struct args, allow_discards) },
	OPT_JSON(struct args),
	OPT_END
};

const struct verb verb_adopt = {
	.name = "adopt",
	.operands = "NAME DEVICE",
	.min_operands = 2,
	.max_operands = 2,
	.summary = "Take a LUKS2 volume of cryptsetup's over, with its data, under a KMS key",
	.details = "The volume is closed, and has aes-xts-plain64 without integrity. Its volume key is wrapped under the KMS\n"
		   "key, the KMS has to give it back, and only then are the keyslots removed. Whatever fails before, the\n"
		   "volume is as before. Copies of the header made earlier stay valid.",
	.opts = opts,
	.func = cmd_adopt,
};
