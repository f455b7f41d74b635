// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "call.h"
#include "output.h"
#include "verb.h"

struct args {
	unsigned int to_fd;
	bool force;
	bool json;
};

/* check - what can be told without ecached; it looks at the descriptor itself. */
static int check(const struct args *a)
{
	if (a->to_fd > INT_MAX || fcntl((int)a->to_fd, F_GETFD) < 0) {
		fprintf(stderr, "ecachectl unwrap: there is no open descriptor %u\n", a->to_fd);
		return EXIT_USAGE;
	}
	if (a->to_fd == STDERR_FILENO) {
		fprintf(stderr, "ecachectl unwrap: messages go to descriptor 2, so the key cannot\n");
		return EXIT_USAGE;
	}
	if (a->json && a->to_fd == STDOUT_FILENO) {
		fprintf(stderr, "ecachectl unwrap: --json goes to descriptor 1, so the key cannot\n");
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

static int cmd_unwrap(const struct verb *v, int argc, char **argv)
{
	const char *operands[1] = { NULL };
	struct json_object *msg, *result = NULL;
	struct args a = { 0 };
	struct err e = ERR_INIT;
	int status;

	if (!verb_parse(v, argc, argv, &a, operands, &status))
		return status;
	status = check(&a);
	if (status)
		return status;
	msg = call_request("unwrap", operands[0]);
	call_add_flag(msg, "to_file", a.force);
	if (call_with_fd(msg, (int)a.to_fd, &result, &e))
		status = call_fail(&e, a.json);
	else if (a.json)
		out_json(result);
	else	/* not on stdout, which may be where the key went */
		fprintf(stderr, "the key of %s, %lld bytes, went to descriptor %u, a %s\n", operands[0],
			(long long)out_int(result, "bytes"), a.to_fd, out_str(result, "to"));
	json_object_put(result);
	return status;
}

static const struct opt opts[] = {
	{ "to-fd", "N", "the open descriptor that the key is written to: a pipe or a socket", OPT_NUMBER_NEEDED,
	  offsetof(struct args, to_fd) },
	{ "force", NULL, "take a regular file, too, which then keeps the key; never a terminal", OPT_FLAG,
	  offsetof(struct args, force) },
	OPT_JSON(struct args),
	OPT_END
};

const struct verb verb_unwrap = {
	.name = "unwrap",
	.operands = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "Write the volume's key, in the clear, to a descriptor, for a rescue with cryptsetup",
	.details = "The bytes of the key and nothing else, unwrapped through the KMS under the volume's grant, and\n"
		   "written to the audit log first. Whoever has them has the data, also after a revocation.",
	.opts = opts,
	.func = cmd_unwrap,
};
