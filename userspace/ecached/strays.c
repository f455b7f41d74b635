// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/fsio.h"
#include "../common/ipc.h"
#include "../common/json.h"
#include "../common/memory.h"
#include "../volume/names.h"
#include "loaded.h"
#include "strays.h"
#include "trace.h"

/* In the child: what it looks at, and whom it tells. */
struct search {
	const struct env *env;
	const struct strays_place *place;
	int sock;
	char (*seen)[LUKS_UUID_LEN + 1];	/* uuids that are accounted for: of pins, of headers told */
	size_t nr;
	bool incomplete;
};

static void tell(struct search *s, struct json_object *o)
{
	if (ipc_send(s->sock, o, -1))
		s->incomplete = true;
	json_object_put(o);
}

static bool seen(const struct search *s, const char *uuid)
{
	size_t i;

	for (i = 0; i < s->nr; i++) {
		if (!strcmp(s->seen[i], uuid))
			return true;
	}
	return false;
}

static int note(struct search *s, const char *uuid)
{
	void *more = realloc(s->seen, (s->nr + 1) * sizeof(*s->seen));

	if (!more)
		return -ENOMEM;
	s->seen = more;
	snprintf(s->seen[s->nr++], sizeof(*s->seen), "%s", uuid);
	return 0;
}

static bool is_unfinished(const struct search *s, const char *name)
{
	struct intent *i = malloc(sizeof(*i));
	bool yes = !i || intent_load(s->env->intent_dir, name, i, NULL) != -ENOENT;

	free(i);
	return yes;
}

static int look_at_pin(void *ctx, const char *name)
{
	struct search *s = ctx;
	struct json_object *o;
	struct err e = ERR_INIT;
	struct loaded *v;
	int rc;

	if (is_unfinished(s, name))
		return 0;
	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->device = (struct device)DEVICE_INIT;
	/* Of a file that cannot be read status tells; a boot-swap has no header. */
	rc = pin_load(s->env->pin_dir, name, &v->pin, NULL);
	if (!rc)
		rc = note(s, v->pin.luks_uuid);
	if (rc || v->pin.kind == VOLUME_BOOT_SWAP)
		goto out;
	rc = device_open(&v->device, v->pin.device, s->env->device_flags | DEVICE_UNCLAIMED, &e);
	if (!rc)
		rc = pin_header(&v->pin, v->device.path, &v->header, &e);
	if (!rc)
		goto out;
	o = json_object_new_object();
	js_put_string(o, "what", "pin");
	js_put_string(o, "name", name);
	js_put_string(o, "device", v->pin.device);
	js_put_string(o, "why", e.what);
	tell(s, o);
out:
	device_close(&v->device);
	free(v);
	return rc == -ENOMEM ? rc : 0;
}

/* look_at_intent - what is being made or ended is no stray. */
static int look_at_intent(void *ctx, const char *name)
{
	struct search *s = ctx;
	struct intent *i = malloc(sizeof(*i));
	int rc = i ? intent_load(s->env->intent_dir, name, i, NULL) : -ENOMEM;

	if (!rc)
		rc = note(s, i->luks_uuid);
	free(i);
	return rc == -ENOMEM ? rc : 0;
}

static int look_at_state(void *ctx, const char *name)
{
	struct search *s = ctx;
	struct state *st = malloc(sizeof(*st));
	struct json_object *o;
	struct pin p;
	int rc = st ? 0 : -ENOMEM;

	if (rc || is_unfinished(s, name) || pin_load(s->env->pin_dir, name, &p, NULL) != -ENOENT ||
	    state_load(s->env->state_dir, name, st, NULL))
		goto out;
	o = json_object_new_object();
	js_put_string(o, "what", "state");
	js_put_string(o, "name", name);
	js_put_string(o, "luks_uuid", st->luks_uuid);
	js_put_string(o, "grant_id", st->grant_id);
	tell(s, o);
out:
	free(st);
	return rc;
}

/* is_volume - what one of ours holds is no header, and a child that hangs in it would keep it from being removed. */
static bool is_volume(const struct search *s, const char *name)
{
	char path[PATH_MAX], *uuid;
	size_t len;
	bool yes;

	snprintf(path, sizeof(path), "%s/%s/dm/uuid", s->place->list, name);
	if (fsio_read(path, 4096, &uuid, &len, NULL))
		return false;
	yes = !strncmp(uuid, DM_UUID_PREFIX, strlen(DM_UUID_PREFIX));
	free(uuid);
	return yes;
}

static void look_at_disk(struct search *s, const char *name)
{
	char path[PATH_MAX], uuid[LUKS_UUID_LEN + 1], label[TRACE_LABEL_MAX + 1];
	struct device d = DEVICE_INIT;
	struct json_object *o;

	snprintf(path, sizeof(path), "%s/%s", s->place->nodes, name);
	d.fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (d.fd < 0)
		return;		/* no medium, no right: then nobody else can open it either */
	if (trace_ours(&d, uuid, label) || seen(s, uuid))
		goto out;
	note(s, uuid);		/* a partition, and the disk that begins with it; two ways to one disk */
	o = json_object_new_object();
	js_put_string(o, "what", "header");
	js_put_string(o, "device", path);
	js_put_string(o, "luks_uuid", uuid);
	js_put_string(o, "cache_id", label);
	tell(s, o);
out:
	close(d.fd);
}

static void look_at_disks(struct search *s)
{
	DIR *dir = s->place->list ? opendir(s->place->list) : NULL;
	struct dirent *de;

	while (dir && (de = readdir(dir))) {
		if (de->d_name[0] != '.' && !is_volume(s, de->d_name))
			look_at_disk(s, de->d_name);
	}
	if (dir)
		closedir(dir);
	else if (s->place->list)
		s->incomplete = true;
}

static void search(struct search *s)
{
	struct json_object *end = json_object_new_object();

	if (pin_each(s->env->pin_dir, look_at_pin, s, NULL) ||
	    intent_each(s->env->intent_dir, look_at_intent, s, NULL) ||
	    name_each(s->env->state_dir, ".json", look_at_state, s, NULL))
		s->incomplete = true;
	look_at_disks(s);
	if (!s->incomplete)
		tell(s, end);
}

static bool collect(int sock, int timeout_ms, struct json_object *out)
{
	int64_t end = now_ms() + timeout_ms, left;
	struct json_object *o;

	while ((left = end - now_ms()) > 0) {
		if (ipc_recv(sock, &o, NULL, (int)left))
			return false;
		if (!json_object_object_length(o)) {
			json_object_put(o);
			return true;
		}
		json_object_array_add(out, o);
	}
	return false;
}

bool strays_find(const struct env *env, const struct strays_place *p, int timeout_ms, struct json_object *out)
{
	struct search s = { .env = env, .place = p };
	bool complete;
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return false;
	s.sock = pair[1];
	pid = fork();
	if (!pid) {
		close(pair[0]);
		memory_lock(MEMORY_TOUCHED);
		search(&s);
		_exit(0);
	}
	close(pair[1]);
	complete = pid > 0 && collect(pair[0], timeout_ms, out);
	close(pair[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, complete ? 0 : WNOHANG);	/* in D state it cannot be reaped now; init will */
	}
	return complete;
}
