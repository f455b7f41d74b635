// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "../common/json.h"
#include "../volume/swap.h"
#include "close.h"

#define CGROUPS "/sys/fs/cgroup"

static int stop_swap(const char *name, dev_t dev, struct err *e)
{
	char path[sizeof("/dev/mapper/") + VOLUME_NAME_MAX];
	struct swap_area a;
	int rc;

	rc = swap_look("/proc", dev, &a, e);
	if (rc || !a.on)
		return rc;
	rc = swap_room("/proc", CGROUPS, name, &a, e);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "/dev/mapper/%s", name);
	return swap_off("/proc", path, dev, e);
}

int volume_close(const struct env *env, const char *name, struct err *e)
{
	struct mapping m;
	int rc;

	rc = mapping_get(&env->dm, name, &m, e);
	if (rc || !m.exists)
		return rc;
	/* What somebody made swap by hand, of another volume, is his to end: mapping_close() names it. */
	if (pin_kind(env->pin_dir, name) != VOLUME_DATA)
		rc = stop_swap(name, m.dev, e);
	return rc ? rc : mapping_close(&env->dm, name, e);
}

int job_close(struct job *j, struct err *e)
{
	const char *name = j->rq->name;
	struct mapping m;
	struct pin pin;
	int rc;

	rc = mapping_get(&j->env->dm, name, &m, e);
	if (!rc && m.exists)
		rc = volume_close(j->env, name, e);
	else if (!rc)
		rc = job_pin(j->env, name, &pin, e);	/* neither open nor known: a mistyped name */
	if (rc)
		return rc;
	if (m.exists)
		job_audit_must(j->env, "close", name, NULL, NULL);
	js_put_string(j->result, "name", name);
	js_put(j->result, "already", json_object_new_boolean(!m.exists));
	return 0;
}
