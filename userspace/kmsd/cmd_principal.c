// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "common/fsio.h"
#include "credentials.h"
#include "jsonw.h"
#include "policy.h"
#include "principal.h"
#include "state.h"

struct principal_cmd {
	const char *dir;
	const char *root;
	const char *name;
	const char *policy;		/* file, "" removes, NULL unset */
	const char *via;		/* likewise */
	const char *out;
	bool role;
	bool json;
	struct service svc;
};

/* read_policy - a file whose policy is understood, word for word. */
static int read_policy(const char *path, char **out, struct err *e)
{
	struct policy p;
	size_t len;
	int rc = fsio_read(path, POLICY_BYTES_MAX, out, &len, e);

	if (rc)
		return rc;
	if (strlen(*out) != len)
		rc = err_set(e, -EINVAL, "NUL in the text");
	else
		rc = policy_parse(*out, POLICY_OF_PRINCIPAL, true, &p, e);
	if (!rc) {
		policy_free(&p);
		return 0;
	}
	free(*out);
	*out = NULL;
	return err_prefix(e, "policy %s", path);
}

/* apply_options - --policy and --via onto a principal. */
static int apply_options(const struct principal_cmd *cmd, struct principal *p, struct err *e)
{
	int rc = 0;

	if (cmd->policy) {
		free(p->policy);
		p->policy = NULL;
		if (*cmd->policy)
			rc = read_policy(cmd->policy, &p->policy, e);
	}
	if (!rc && cmd->via) {
		*p->via = '\0';
		if (*cmd->via)
			rc = principal_set_via(&cmd->svc, p, cmd->via, e);
	}
	return rc;
}

static int load(const struct principal_cmd *cmd, struct principal *p, struct err *e)
{
	int rc = store_principal_get(cmd->svc.store, cmd->name, p);

	if (rc == -ENOENT) {
		err_set(e, rc, "there is no principal \"%s\"", cmd->name);
		return err_hint(e, "ecache-kmsd principal list shows those there are");
	}
	return rc ? err_sys(e, rc, "cannot read the principal \"%s\"", cmd->name) : 0;
}

static char *credentials_path(const struct principal_cmd *cmd)
{
	char *path;

	if (cmd->out)
		return strdup(cmd->out);
	return asprintf(&path, "%s/" STATE_CREDENTIALS "/%s", cmd->dir, cmd->name) < 0 ? NULL : path;
}

static void print_made(const struct principal_cmd *cmd, const struct principal *p, const char *path)
{
	char arn[ARN_SIZE];

	principal_arn(&cmd->svc, p, arn);
	printf("%s\ncredentials (profile [%s]) in %s\n", arn, p->name, path);
}

/*
 * save_new - the file first, then the database: an interruption leaves a file of no use to anybody, which a second try
 * refuses by its name, and never a principal whose secret is lost.
 */
static int save_new(const struct principal_cmd *cmd, const struct principal *p, const char *secret, const char *path,
		    struct err *e)
{
	int rc = store_begin(cmd->svc.store);

	if (rc)
		return err_sys(e, rc, "cannot write the database");
	rc = store_principal_add(cmd->svc.store, p);
	if (rc == -EEXIST) {
		err_set(e, rc, "there is a principal \"%s\" already", p->name);
		err_hint(e, "principal rotate gives it new credentials, principal update another policy");
	} else if (rc) {
		err_sys(e, rc, "cannot write the database");
	}
	if (rc)
		return store_end(cmd->svc.store, rc);
	rc = credentials_write(path, p->name, p->access_key, secret, false, e);
	if (rc == -EEXIST)
		err_hint(e, "a file that is there is never overwritten: move it away, or choose another with --out");
	if (rc)
		return store_end(cmd->svc.store, rc);
	rc = store_end(cmd->svc.store, 0);
	if (rc) {
		unlink(path);
		err_sys(e, rc, "cannot write the database");
	}
	return rc;
}

static int principal_add(struct principal_cmd *cmd, struct err *e)
{
	struct principal p = { .role = cmd->role, .created_ms = service_clock_ms() };
	char secret[SECRET_KEY_SIZE], *path = credentials_path(cmd);
	int rc;

	if (!path)
		return err_sys(e, -ENOMEM, "principal");
	strcpy(p.name, cmd->name);
	rc = apply_options(cmd, &p, e);
	if (rc)
		goto out;
	rc = ident_new_unique_id(p.role, p.unique_id);
	if (!rc)
		rc = principal_new_credentials(&cmd->svc, &p, secret);
	if (rc)
		err_sys(e, rc, "cannot make credentials");
	else
		rc = save_new(cmd, &p, secret, path, e);
	explicit_bzero(secret, sizeof(secret));
	if (!rc)
		print_made(cmd, &p, path);
out:
	principal_free(&p);
	free(path);
	return rc;
}

/*
 * principal_rotate - the database first: whoever has the old secret is out from then on. An interruption before the
 * file is replaced is mended by rotating again.
 */
static int principal_rotate(struct principal_cmd *cmd, struct err *e)
{
	char secret[SECRET_KEY_SIZE], *path = credentials_path(cmd);
	struct principal p = { 0 };
	int rc;

	rc = path ? load(cmd, &p, e) : err_sys(e, -ENOMEM, "principal");
	if (rc)
		goto out;
	rc = principal_new_credentials(&cmd->svc, &p, secret);
	if (!rc)
		rc = store_principal_update(cmd->svc.store, &p);
	if (rc) {
		err_sys(e, rc, "cannot change the principal");
	} else {
		rc = credentials_write(path, p.name, p.access_key, secret, true, e);
		if (rc)
			err_hint(e, "the old credentials are void; free the way and run principal rotate %s again",
				 p.name);
	}
	explicit_bzero(secret, sizeof(secret));
	if (!rc)
		print_made(cmd, &p, path);
out:
	principal_free(&p);
	free(path);
	return rc;
}

static int save(const struct principal_cmd *cmd, const struct principal *p, struct err *e)
{
	int rc = store_principal_update(cmd->svc.store, p);

	return rc ? err_sys(e, rc, "cannot change the principal \"%s\"", p->name) : 0;
}

static int principal_update(struct principal_cmd *cmd, struct err *e)
{
	struct principal p = { 0 };
	int rc = load(cmd, &p, e);

	if (!rc && p.admin && cmd->policy)
		rc = err_set(e, -EPERM, "the policy of \"%s\" cannot be changed: somebody must be able to manage",
			     p.name);
	if (!rc)
		rc = apply_options(cmd, &p, e);
	if (!rc)
		rc = save(cmd, &p, e);
	principal_free(&p);
	return rc;
}

static int set_disabled(struct principal_cmd *cmd, bool disabled, struct err *e)
{
	struct principal p = { 0 };
	int rc = load(cmd, &p, e);

	p.disabled = disabled;
	if (!rc)
		rc = save(cmd, &p, e);
	principal_free(&p);
	return rc;
}

static int principal_disable(struct principal_cmd *cmd, struct err *e)
{
	return set_disabled(cmd, true, e);
}

static int principal_enable(struct principal_cmd *cmd, struct err *e)
{
	return set_disabled(cmd, false, e);
}

struct listing {
	const struct principal_cmd *cmd;
	struct buf text;
	struct jsonw w;
};

static int list_one(void *ctx, const struct principal *p)
{
	struct listing *l = ctx;
	char arn[ARN_SIZE];

	principal_arn(&l->cmd->svc, p, arn);
	if (!l->cmd->json) {
		buf_printf(&l->text, "%-20s %-8s %-20s %-6s %s%s%s\n", p->name, p->disabled ? "disabled" : "enabled",
			   p->access_key, p->policy ? "policy" : "-", arn, *p->via ? " via " : "", p->via);
		return 0;
	}
	jsonw_open(&l->w, NULL, '{');
	jsonw_string(&l->w, "name", p->name);
	jsonw_string(&l->w, "arn", arn);
	jsonw_bool(&l->w, "enabled", !p->disabled);
	jsonw_bool(&l->w, "admin", p->admin);
	jsonw_string(&l->w, "access_key_id", p->access_key);
	jsonw_bool(&l->w, "policy", p->policy);
	if (*p->via)
		jsonw_string(&l->w, "via", p->via);
	else
		jsonw_null(&l->w, "via");
	jsonw_close(&l->w, '}');
	return 0;
}

static int principal_list(struct principal_cmd *cmd, struct err *e)
{
	struct listing l = { .cmd = cmd };
	int rc;

	l.w.b = &l.text;
	if (cmd->json)
		jsonw_open(&l.w, NULL, '[');
	rc = store_principal_each(cmd->svc.store, list_one, &l);
	if (cmd->json) {
		jsonw_close(&l.w, ']');
		buf_char(&l.text, '\n');
	}
	if (!rc && l.text.failed)
		rc = -ENOMEM;
	if (rc)
		err_sys(e, rc, "cannot list the principals");
	else if (fputs(l.text.data ? l.text.data : "", stdout) < 0)
		rc = err_sys(e, -errno, "cannot write the list");
	buf_wipe(&l.text);
	return rc;
}

static const struct sub {
	const char *name;
	int (*func)(struct principal_cmd *cmd, struct err *e);
	const char *options;		/* letters of those it takes besides --state-dir and --root-secret */
	bool named;
} subs[] = {
	{ "add", principal_add, "pvro", true },
	{ "update", principal_update, "pv", true },
	{ "rotate", principal_rotate, "o", true },
	{ "disable", principal_disable, "", true },
	{ "enable", principal_enable, "", true },
	{ "list", principal_list, "j", false },
};

static const struct sub *find_sub(const char *name)
{
	for (unsigned int i = 0; i < sizeof(subs) / sizeof(*subs); i++)
		if (!strcmp(subs[i].name, name))
			return &subs[i];
	return NULL;
}

/* read_options - true when all is well; *exit_code otherwise. */
static bool read_options(const struct sub *sub, int argc, char **argv, struct principal_cmd *cmd, int *exit_code)
{
	static const struct option options[] = {
		{ "state-dir", required_argument, NULL, 's' },
		{ "root-secret", required_argument, NULL, 'R' },
		{ "policy", required_argument, NULL, 'p' },
		{ "via", required_argument, NULL, 'v' },
		{ "role", no_argument, NULL, 'r' },
		{ "out", required_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *value[128] = { NULL };
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'h') {
			*exit_code = cmd_help();
			return false;
		}
		if (opt == '?' || (!strchr("sR", opt) && !strchr(sub->options, opt))) {
			*exit_code = cmd_usage("principal %s: wrong option", sub->name);
			return false;
		}
		value[opt] = optarg ? optarg : "";
	}
	cmd->dir = value['s'] ? value['s'] : STATE_DIR_DEFAULT;
	cmd->root = value['R'];
	cmd->policy = value['p'];
	cmd->via = value['v'];
	cmd->out = value['o'];
	cmd->role = value['r'];
	cmd->json = value['j'];
	if (argc - optind != sub->named) {
		*exit_code = cmd_usage(sub->named ? "principal %s wants one NAME" : "principal %s takes no NAME",
				       sub->name);
		return false;
	}
	if (sub->named) {
		cmd->name = argv[optind];
		if (!ident_principal_name_ok(cmd->name)) {
			*exit_code = cmd_usage("\"%s\" is no name: 1 to 64 letters, digits and +=,.@_-", cmd->name);
			return false;
		}
	}
	return true;
}

int cmd_principal(int argc, char **argv)
{
	struct principal_cmd cmd = { .svc = SERVICE_INIT };
	struct err e = ERR_INIT;
	const struct sub *sub;
	int rc;

	if (argc < 2)
		return cmd_usage("principal wants add, update, rotate, disable, enable or list");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return cmd_help();
	sub = find_sub(argv[1]);
	if (!sub)
		return cmd_usage("principal: unknown verb \"%s\"", argv[1]);
	if (!read_options(sub, argc - 1, argv + 1, &cmd, &rc))
		return rc;
	if (!strcmp(sub->name, "update") && !cmd.policy && !cmd.via)
		return cmd_usage("principal update wants --policy or --via");
	rc = state_open(&cmd.svc, cmd.dir, cmd.root, &e);
	if (!rc)
		rc = sub->func(&cmd, &e);
	state_close(&cmd.svc);
	if (!rc && fflush(stdout))
		rc = err_sys(&e, -errno, "cannot write to stdout");
	return rc ? cmd_failed(&e) : EXIT_OK;
}
