// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor_block.h"
#include "doctor_tree.h"
#include "output.h"

/* The checks of the agent's own programs and files. */

#define KMSD_CONF "/etc/ecache/kmsd.conf"
#define KMSD_STATE "/var/lib/ecache-kmsd"
#define LOCKED_MIN (1024 * 1024)	/* bytes: keys, and the process that destroys them */

/* judge_hook - as ecached does before it runs one; nobody notices it at the time. */
static void judge_hook(const struct doctor *d, struct finding *f, const char *path)
{
	struct stat st;
	int rc;

	if (*path != '/')
		return;
	rc = tree_stat(d, path, &st);
	if (rc)
		find(f, DOCTOR_WARNING, "Put the program there, or set hook=none.", "hook %s: %s", path, strerror(-rc));
	else if (!S_ISREG(st.st_mode) || !(st.st_mode & 0100))
		find(f, DOCTOR_WARNING, "chmod +x it, or set hook=none.", "hook %s is not a program", path);
	else if (st.st_uid != d->owner || (st.st_mode & 0022))
		find(f, DOCTOR_WARNING, "Check its content, then chown root: and chmod go-w; ecached does not run it as it is.",
		     "hook %s could be written by others", path);
}

static void judge_hooks(const struct doctor *d, struct finding *f)
{
	struct json_object *list = json_object_object_get(d->status, "volumes"), *policy;
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0, i;

	judge_hook(d, f, d->conf->policy.hook);
	for (i = 0; i < n; i++) {
		policy = out_obj(json_object_array_get_idx(list, i), "policy");
		if (strcmp(out_str(policy, "hook"), d->conf->policy.hook))
			judge_hook(d, f, out_str(policy, "hook"));
	}
}

/* judge_start - whether ecached would start with it; one that runs knows its unit's WatchdogSec, and has started. */
static void judge_start(const struct doctor *d, struct finding *f)
{
	const char *key;
	struct err e = ERR_INIT;

	if (!d->status && policies_check(&d->conf->policy, POLICY_WATCHDOG_S, &key, &e))
		find(f, DOCTOR_FAULT, "Mend it; `ecached --check-config` says more.",
		     "ecached does not start: %s", e.what);
}

static void check_configuration(const struct doctor *d, struct finding *f)
{
	const char *problem = out_str(out_obj(d->status, "agent"), "problem");

	if (!d->conf) {
		find(f, DOCTOR_FAULT, "See ecached.conf(5).", "%s", d->conf_error);
		return;
	}
	judge_start(d, f);
	if (strcmp(problem, "-"))
		find(f, DOCTOR_WARNING, "Mend it and `systemctl reload ecached`, or restart what it names.", "%s",
		     problem);
	if (!*d->conf->host_principal)
		find(f, DOCTOR_WARNING, "Set host-principal= in ecached.conf: whom grants are made to.",
		     "no host-principal: no volume can be created");
	judge_hooks(d, f);
	if (!*f->found)
		find(f, DOCTOR_OK, NULL, "%s, region %s", d->conf->kms_endpoint ? d->conf->kms_endpoint : "AWS",
		     d->conf->region);
}

/* local_kms - ecache-kmsd on this host serves it. */
static bool local_kms(const struct doctor *d)
{
	const char *ep = d->conf ? d->conf->kms_endpoint : NULL;

	return ep && (!strncmp(ep, "unix:", 5) || !strncmp(ep, "http://127.", 11) || !strncmp(ep, "http://[::1]", 12));
}

/* A program of ours, looked for among all processes by its name. */
struct program {
	const struct doctor *d;
	struct finding *f;
	const char *name;
	bool found;
};

/* limit_of - the soft limit in a line of /proc/PID/limits; -1 unlimited; -2 not there. */
static long long limit_of(const char *limits, const char *what)
{
	const char *line = strstr(limits, what);
	char value[32];

	if (!line || sscanf(line + strlen(what), " %31s", value) != 1)
		return -2;
	return !strcmp(value, "unlimited") ? -1 : atoll(value);
}

static void judge_limits(struct program *p, const char *pid)
{
	static const char remedy[] = "Use the units that `make install` installs, without a drop-in that loosens them.";
	char text[8192], swap[64], group[PATH_MAX];
	long long locked;
	const char *path;

	if (!tree_read(p->d, text, sizeof(text), "/proc/%s/limits", pid)) {
		find(p->f, DOCTOR_UNKNOWN, "Run doctor as root.", "%s: its limits cannot be read", p->name);
		return;
	}
	if (limit_of(text, "Max core file size"))
		find(p->f, DOCTOR_WARNING, remedy, "%s (%s) may dump core", p->name, pid);
	locked = limit_of(text, "Max locked memory");
	if (locked >= 0 && locked < LOCKED_MIN)
		find(p->f, DOCTOR_WARNING, remedy, "%s (%s) may lock %lld bytes of memory only", p->name, pid, locked);
	if (!tree_read(p->d, group, sizeof(group), "/proc/%s/cgroup", pid))
		return;
	path = strstr(group, "0::/");
	if (!path || !strstr(path, ".service"))
		return;
	path += 3;
	if (tree_read(p->d, swap, sizeof(swap), "/sys/fs/cgroup%.*s/memory.swap.max", (int)strcspn(path, "\n"), path) &&
	    strcmp(swap, "0"))
		find(p->f, DOCTOR_WARNING, remedy, "%s (%s) may be swapped out", p->name, pid);
}

static void judge_identity(struct program *p, const char *pid)
{
	unsigned int uid = 0;
	char text[4096];
	const char *at;

	if (strcmp(p->name, "ecache-net") || !tree_read(p->d, text, sizeof(text), "/proc/%s/status", pid))
		return;
	at = strstr(text, "\nUid:");
	if (at && sscanf(at, "\nUid: %u", &uid) == 1 && !uid)
		find(p->f, DOCTOR_WARNING, "Start it by ecache-net.service, as a user of its own.",
		     "ecache-net (%s) runs as root", pid);
}

static void look_at(void *ctx, const char *pid)
{
	struct program *p = ctx;
	char comm[32];

	if (*pid < '0' || *pid > '9' || !tree_read(p->d, comm, sizeof(comm), "/proc/%s/comm", pid) ||
	    strcmp(comm, p->name))
		return;
	p->found = true;
	judge_limits(p, pid);
	judge_identity(p, pid);
}

/* listened_on - systemd has the socket, and starts the program when somebody comes. */
static bool listened_on(const struct doctor *d, const char *path)
{
	char *text = malloc(256 * 1024), *at;
	size_t len = strlen(path);
	bool found = false;

	if (text && tree_read(d, text, 256 * 1024, "/proc/net/unix")) {
		for (at = text; !found && (at = strstr(at, path)); at += len)
			found = at > text && at[-1] == ' ' && (at[len] == '\n' || !at[len]);
	}
	free(text);
	return found;
}

static void judge_program(const struct doctor *d, struct finding *f, const char *name, const char *socket)
{
	struct program p = { .d = d, .f = f, .name = name };

	tree_each(d, "/proc", look_at, &p);
	if (p.found)
		find(f, DOCTOR_OK, NULL, "%s runs", name);
	else if (socket && listened_on(d, socket))
		find(f, DOCTOR_OK, NULL, "%s is started when it is asked", name);
	else
		find(f, DOCTOR_FAULT, "`systemctl enable --now ecached ecache-net.socket` (and ecache-kmsd, if it is "
		     "this host's KMS); `journalctl -u` says why one of them does not run.", "%s does not run", name);
}

static void check_services(const struct doctor *d, struct finding *f)
{
	const char *kms = local_kms(d) ? d->conf->kms_endpoint : NULL;

	judge_program(d, f, "ecached", NULL);
	judge_program(d, f, "ecache-net", d->conf ? d->conf->net_socket : NULL);
	if (kms)
		judge_program(d, f, "ecache-kmsd", !strncmp(kms, "unix:", 5) ? kms + 5 : NULL);
}

/* Who may have which rights to a file of ours. */
static void judge_file(const struct doctor *d, struct finding *f, const char *path, mode_t forbidden)
{
	static const char remedy[] = "chown root: and chmod as in ecachectl(8), DOCTOR; a secret that others could "
		"read is known: replace it.";
	struct stat st;
	int rc = tree_stat(d, path, &st);

	if (rc == -ENOENT)
		return;
	if (rc)
		find(f, DOCTOR_UNKNOWN, "Run doctor as root.", "%s: %s", path, strerror(-rc));
	else if (st.st_uid != d->owner)
		find(f, DOCTOR_FAULT, remedy, "%s is user %u's", path, st.st_uid);
	else if (st.st_mode & forbidden)
		find(f, DOCTOR_FAULT, remedy, "%s has mode %04o", path, st.st_mode & 07777);
}

#define NOT_WRITABLE 0022
#define NOT_READABLE 0077

struct files {
	const struct doctor *d;
	struct finding *f;
	const char *dir;
	mode_t forbidden;
};

static void judge_one(void *ctx, const char *name)
{
	struct files *fs = ctx;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", fs->dir, name);
	judge_file(fs->d, fs->f, path, fs->forbidden);
}

static void judge_dir(const struct doctor *d, struct finding *f, const char *dir, mode_t own, mode_t files)
{
	struct files fs = { .d = d, .f = f, .dir = dir, .forbidden = files };

	judge_file(d, f, dir, own);
	tree_each(d, dir, judge_one, &fs);
}

static void check_permissions(const struct doctor *d, struct finding *f)
{
	const struct agentconf *c = d->conf;

	judge_dir(d, f, "/etc/ecache", NOT_WRITABLE, NOT_WRITABLE);
	judge_file(d, f, "/etc/ecache/host-credentials", NOT_READABLE);
	judge_dir(d, f, c ? c->pin_dir : "/etc/ecache/volumes.d", NOT_WRITABLE, NOT_WRITABLE);
	if (c && c->host_credentials)
		judge_file(d, f, c->host_credentials, NOT_READABLE);
	judge_file(d, f, c ? c->state_dir : "/var/lib/ecache", NOT_READABLE);
	judge_file(d, f, c ? c->audit_log : "/var/log/ecache/audit.log", NOT_READABLE);
	judge_file(d, f, KMSD_STATE, NOT_READABLE);
	judge_file(d, f, KMSD_STATE "/root.secret", NOT_READABLE);
	judge_file(d, f, KMSD_STATE "/kms.db", NOT_READABLE);
	if (!*f->found)
		find(f, DOCTOR_OK, NULL, "configuration is root's to write, secrets are root's to read");
}

struct places {
	char secret[PATH_MAX];
	char database[PATH_MAX];
	struct block_disks on_secret, on_database, on_volume;
};

/* judge_volumes - is a volume's disk also the root secret's? */
static void judge_volumes(const struct doctor *d, struct finding *f, struct places *p)
{
	struct json_object *list = json_object_object_get(d->status, "volumes"), *v;
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0, i;
	static const char remedy[] = "Whoever takes the disk has the volume and what opens it: keep the root secret on "
		"another disk, or as a credential under the TPM (ecache-kmsd(8)), or the KMS on another machine.";
	const char *disk;

	for (i = 0; i < n; i++) {
		v = json_object_array_get_idx(list, i);
		block_disks_of_node(d, out_str(v, "device"), &p->on_volume);
		disk = block_common(&p->on_secret, &p->on_volume);
		if (disk)
			find(f, DOCTOR_FAULT, remedy, "root secret and volume %s are both on %s", out_str(v, "name"),
			     disk);
	}
}

/* judge_credential - sealed, but is the file that it was sealed from gone? */
static void judge_credential(const struct doctor *d, struct finding *f, const char *dir)
{
	static const char remedy[] = "When the service has started with the credential, and a copy of the 32 bytes is in "
		"a safe place, delete the file: shred -u, where the file system writes in place.";

	if (tree_exists(d, "%s/root.secret", dir))
		find(f, DOCTOR_WARNING, remedy, "the root secret is a credential, and still in %s/root.secret, too",
		     dir);
	else
		find(f, DOCTOR_OK, NULL, "the root secret is a credential of the service manager");
}

/* find_places - false: there is no file that a disk could be taken away with. */
static bool find_places(const struct doctor *d, struct finding *f, struct places *p)
{
	char dir[PATH_MAX - 32] = KMSD_STATE, spec[PATH_MAX] = "";

	tree_setting(d, KMSD_CONF, "state-dir", dir, sizeof(dir));
	tree_setting(d, KMSD_CONF, "root-secret", spec, sizeof(spec));
	if (!strncmp(spec, "credential:", 11)) {
		judge_credential(d, f, dir);
		return false;
	}
	if (!strncmp(spec, "file:", 5))
		snprintf(p->secret, sizeof(p->secret), "%s", spec + 5);
	else
		snprintf(p->secret, sizeof(p->secret), "%s/root.secret", dir);
	snprintf(p->database, sizeof(p->database), "%s/kms.db", dir);
	if (block_kind_of_file(d, p->secret) == BLOCK_ENCRYPTED) {
		find(f, DOCTOR_OK, NULL, "%s is on an encrypted disk", p->secret);
		return false;
	}
	block_disks_of_file(d, p->secret, &p->on_secret);
	block_disks_of_file(d, p->database, &p->on_database);
	return true;
}

static void judge_places(const struct doctor *d, struct finding *f, struct places *p)
{
	static const char remedy[] = "Fine as long as nobody takes that disk: else keep the root secret elsewhere, or "
		"as a credential under the TPM (ecache-kmsd(8)).";
	const char *disk;

	if (!p->on_secret.nr)
		find(f, DOCTOR_UNKNOWN, "Look at `findmnt -T` of it yourself.", "cannot tell on which disk %s is",
		     p->secret);
	if (!d->status)
		find(f, DOCTOR_UNKNOWN, "Start ecached, and ask again.", "where the volumes are was not asked: %s",
		     d->agent_error);
	judge_volumes(d, f, p);
	disk = block_common(&p->on_secret, &p->on_database);
	if (disk)
		find(f, DOCTOR_WARNING, remedy, "root secret and database are both on %s", disk);
	if (!*f->found)
		find(f, DOCTOR_OK, NULL, "%s is on %s, where nothing else is that it opens", p->secret,
		     p->on_secret.name[0]);
}

static void check_root_secret(const struct doctor *d, struct finding *f)
{
	struct places *p;

	if (!local_kms(d)) {
		find(f, DOCTOR_OK, NULL, "the KMS is not on this host");
		return;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		find(f, DOCTOR_UNKNOWN, "Ask again.", "out of memory");
	else if (find_places(d, f, p))
		judge_places(d, f, p);
	free(p);
}

const struct check doctor_agent_checks[] = {
	{ "configuration", check_configuration },
	{ "services", check_services },
	{ "permissions", check_permissions },
	{ "root-secret", check_root_secret },
	{ NULL, NULL },
};
