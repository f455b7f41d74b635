// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "output.h"
#include "verb.h"

struct args {
	const char *size;
	bool force;
	bool json;
};

/* parse_size - "10G" to bytes; K, M, G and T are powers of 1024. */
static bool parse_size(const char *text, int64_t *bytes)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;

	errno = 0;
	*bytes = strtoll(text, &end, 10);
	if (*text < '0' || *text > '9' || errno || !*bytes)
		return false;
	if (!*end)
		return true;
	unit = strchr(units, *end);
	if (!unit || end[1])
		return false;
	return !__builtin_mul_overflow(*bytes, 1LL << (10 * (unit - units + 1)), bytes);
}

static void tell(const char *name, struct json_object *result)
{
	long long bytes = out_int(result, "bytes"), before = out_int(result, "old_bytes");

	if (bytes == before) {
		printf("%s has %lld bytes already\n", name, bytes);
		return;
	}
	printf("%s has %lld bytes now, %lld before\n", name, bytes, before);
	if (bytes > before)
		printf("What is on it follows by its own program: resize2fs /dev/mapper/%s (ext4), xfs_growfs "
		       "MOUNTPOINT (XFS)\n", name);
}

static int cmd_resize(const struct verb *v, int argc, char **argv)
{
	struct json_object *msg, *result = NULL;
	const char *operands[1] = { NULL };
	struct args a = { 0 };
	int64_t bytes = 0;
	int status;

	if (!verb_parse(v, argc, argv, &a, operands, &status))
		return status;
	if (a.size && !parse_size(a.size, &bytes)) {
		fprintf(stderr, "ecachectl resize: --size wants bytes, as in 4194304, 4096K or 10G, not '%s'\n",
			a.size);
		return EXIT_USAGE;
	}
	msg = call_request("resize", operands[0]);
	if (bytes)
		json_object_object_add(msg, "size", json_object_new_int64(bytes));
	call_add_flag(msg, "force", a.force);
	status = call_simple(msg, a.json, &result);
	if (!status && a.json)
		out_json(result);
	else if (!status)
		tell(operands[0], result);
	json_object_put(result);
	return status;
}

static const struct opt opts[] = {
	{ "size", "SIZE", "of the volume: bytes, or with K, M, G, T (default: all that the device has)", OPT_STRING,
	  offsetof(struct args, size) },
	{ "force", NULL, "make it smaller where what is on it does not say how far it reaches", OPT_FLAG,
	  offsetof(struct args, force) },
	OPT_JSON(struct args),
	OPT_END
};

const struct verb verb_resize = {
	.name = "resize",
	.operands = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "Give an open volume the length of its device, or less",
	.details = "To grow: the device, then this, then what is on the volume. To shrink: what is on it, then this\n"
		   "with --size, then the device. Nothing that says how far it reaches is ever cut off.",
	.opts = opts,
	.func = cmd_resize,
};
