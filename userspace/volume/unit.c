// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <systemd/sd-bus.h>

#include "../common/fsio.h"
#include "../common/clock.h"
#include "unit.h"

#define POLL_MS		50
#define SLICE_DEPTH	16

#define DEST	"org.freedesktop.systemd1"
#define MANAGER	"/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"

static int bus_err(struct err *e, int rc, const sd_bus_error *be, const char *what, const char *unit)
{
	if (sd_bus_error_has_name(be, "org.freedesktop.systemd1.NoSuchUnit"))
		rc = -ENOENT;
	if (sd_bus_error_is_set(be) && be->message)
		return err_set(e, rc, "%s %s: %s", what, unit, be->message);
	return err_sys(e, rc, "%s %s", what, unit);
}

/* is_down - 1: inactive, failed or no longer loaded; 0: not yet. */
static int is_down(sd_bus *bus, const char *unit)
{
	sd_bus_error be = SD_BUS_ERROR_NULL;
	sd_bus_message *m = NULL;
	char *active = NULL;
	const char *path;
	int rc;

	rc = sd_bus_call_method(bus, DEST, MANAGER, "GetUnit", &be, &m, "s", unit);
	if (rc < 0) {
		rc = sd_bus_error_has_name(&be, "org.freedesktop.systemd1.NoSuchUnit") ? 1 : rc;
		goto out;
	}
	rc = sd_bus_message_read(m, "o", &path);
	if (rc >= 0)
		rc = sd_bus_get_property_string(bus, DEST, path, "org.freedesktop.systemd1.Unit", "ActiveState", &be,
						&active);
	if (rc >= 0)
		rc = !strcmp(active, "inactive") || !strcmp(active, "failed");
out:
	free(active);
	sd_bus_message_unref(m);
	sd_bus_error_free(&be);
	return rc;
}

static int wait_down(sd_bus *bus, const char *unit, int64_t until_ms, struct err *e)
{
	int rc;

	for (;;) {
		rc = is_down(bus, unit);
		if (rc < 0)
			return err_sys(e, rc, "cannot ask systemd about %s", unit);
		if (rc)
			return 0;
		if (now_ms() + POLL_MS >= until_ms)
			return err_set(e, -ETIMEDOUT, "%s is still stopping", unit);
		sleep_ms(POLL_MS);
	}
}

int unit_stop(const char *unit, int64_t until_ms, struct err *e)
{
	sd_bus_error be = SD_BUS_ERROR_NULL;
	sd_bus *bus = NULL;
	bool down;
	int rc;

	rc = sd_bus_open_system(&bus);
	if (rc < 0)
		return err_sys(e, rc, "cannot reach systemd over D-Bus to stop %s", unit);
	down = is_down(bus, unit) > 0;
	/* "replace": a start job that is queued meanwhile must not bring it back. */
	rc = sd_bus_call_method(bus, DEST, MANAGER, "StopUnit", &be, NULL, "ss", unit, "replace");
	rc = rc < 0 ? bus_err(e, rc, &be, "cannot stop", unit) : wait_down(bus, unit, until_ms, e);
	if (!rc && down)
		rc = err_set(e, -ENOENT, "%s was not running", unit);
	sd_bus_error_free(&be);
	sd_bus_flush_close_unref(bus);
	return rc;
}

int unit_start(const char *unit, struct err *e)
{
	sd_bus_error be = SD_BUS_ERROR_NULL;
	sd_bus *bus = NULL;
	int rc;

	rc = sd_bus_open_system(&bus);
	if (rc < 0)
		return err_sys(e, rc, "cannot reach systemd over D-Bus to start %s", unit);
	rc = sd_bus_call_method(bus, DEST, MANAGER, "StartUnit", &be, NULL, "ss", unit, "replace");
	rc = rc < 0 ? bus_err(e, rc, &be, "cannot start", unit) : 0;
	sd_bus_error_free(&be);
	sd_bus_flush_close_unref(bus);
	return rc;
}

static bool is_slice(const char *name)
{
	size_t len = strlen(name);

	return len > strlen(".slice") && !strcmp(name + len - strlen(".slice"), ".slice");
}

/*
 * find_cgroup - the unit's directory. Only slices are searched: below a service anybody may have made a group of
 * any name (a user manager, a container).
 */
static int find_cgroup(const char *dir, const char *unit, int depth, char path[PATH_MAX])
{
	char below[PATH_MAX];
	struct dirent *d;
	int rc = -ENOENT;
	DIR *list;

	list = opendir(dir);
	if (!list)
		return -errno;
	while (rc == -ENOENT && (d = readdir(list))) {
		if (d->d_name[0] == '.' || (d->d_type != DT_DIR && d->d_type != DT_UNKNOWN))
			continue;
		if (snprintf(below, sizeof(below), "%s/%s", dir, d->d_name) >= (int)sizeof(below))
			continue;
		if (!strcmp(d->d_name, unit)) {
			memcpy(path, below, sizeof(below));
			rc = 0;
		} else if (is_slice(d->d_name) && depth > 0) {
			rc = find_cgroup(below, unit, depth - 1, path);
		}
	}
	closedir(list);
	return rc;
}

/* is_empty - whether the group has no process any more; one that has gone has none. */
static bool is_empty(const char *group)
{
	char path[PATH_MAX], *text;
	bool empty = true;
	size_t len;

	if (snprintf(path, sizeof(path), "%s/cgroup.events", group) >= (int)sizeof(path) ||
	    fsio_read(path, 4096, &text, &len, NULL))
		return true;
	empty = strstr(text, "populated 0");
	free(text);
	return empty;
}

int unit_kill(const char *cgroups, const char *unit, int64_t until_ms, struct err *e)
{
	char group[PATH_MAX], path[PATH_MAX];
	int fd, rc;

	rc = find_cgroup(cgroups, unit, SLICE_DEPTH, group);
	if (rc)
		return err_sys(e, rc, "no control group of %s", unit);
	if (snprintf(path, sizeof(path), "%s/cgroup.kill", group) >= (int)sizeof(path))
		return err_sys(e, -ENAMETOOLONG, "control group of %s", unit);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	rc = write_all(fd, "1", 1);
	close(fd);
	if (rc)
		return err_sys(e, rc, "cannot kill the control group of %s", unit);
	while (!is_empty(group)) {
		if (now_ms() + POLL_MS >= until_ms)
			return err_set(e, -ETIMEDOUT, "processes of %s do not die (waiting for a disk?)", unit);
		sleep_ms(POLL_MS);
	}
	return 0;
}
