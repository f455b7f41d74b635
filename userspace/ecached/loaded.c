// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "loaded.h"

int loaded_device(const struct env *env, const char *name, const char *path, struct device *d, struct err *e)
{
	struct mapping m;
	int rc;

	rc = mapping_get(&env->dm, name, &m, e);
	if (rc)
		return rc;
	return device_open(d, path, env->device_flags | (m.exists ? DEVICE_UNCLAIMED : 0), e);
}

int loaded_volume(const struct env *env, const char *name, struct loaded *v, struct err *e)
{
	int rc;

	rc = job_pin(env, name, &v->pin, e);
	if (!rc)
		rc = job_has_grant(name, &v->pin, e);
	if (!rc)
		rc = job_no_intent(env, name, e);
	if (rc)
		return rc;
	rc = state_load(env->state_dir, name, &v->state, e);
	if (rc && rc != -ENOENT)
		return rc;
	v->have_state = !rc;
	rc = loaded_device(env, name, v->pin.device, &v->device, e);
	if (!rc)
		rc = pin_header(&v->pin, v->device.path, &v->header, e);
	if (!rc && v->have_state)
		rc = state_check_header(&v->state, &v->header, e);
	return rc ? err_prefix(e, "%s", name) : 0;
}
