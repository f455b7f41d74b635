// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../common/fsio.h"
#include "../common/json.h"
#include "../common/log.h"
#include "../volume/backups.h"
#include "../volume/freeze.h"
#include "backing.h"
#include "retire.h"
#include "trace.h"

#define HEADERS (32 * 1024)

void backup_partial(const char *file, char out[PATH_MAX])
{
	/* request.c has left room for it; no file has an empty name. */
	if (snprintf(out, PATH_MAX, "%s" REQUEST_PARTIAL, file) >= PATH_MAX)
		*out = '\0';
}

/* thaw - only if both who copied and the watchdog were killed is anything frozen still. */
static void thaw(const struct intent *i)
{
	unsigned int major, minor;

	if (sscanf(i->dev_major_minor, "%u:%u", &major, &minor) == 2 && major)
		freeze_left(makedev(major, minor));
}

/* blank - no header was written yet: where its two copies will be are zeros, or the file's end. */
static bool blank(int fd)
{
	char buf[HEADERS];
	ssize_t n = pread(fd, buf, sizeof(buf), 0), i;

	for (i = 0; i < n; i++) {
		if (buf[i])
			return false;
	}
	return n >= 0;
}

/* is_ours - the image of this backup, or one that has no header yet. */
static bool is_ours(const char *path, const char *luks_uuid)
{
	struct device d = DEVICE_INIT;
	char uuid[LUKS_UUID_LEN + 1];
	struct stat st;
	bool ours = false;
	int rc;

	d.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (d.fd < 0)
		return false;
	if (!fstat(d.fd, &st) && S_ISREG(st.st_mode)) {
		rc = trace_uuid(&d, uuid);
		ours = rc == -ENOENT ? blank(d.fd) : !rc && !strcmp(uuid, luks_uuid);
	}
	close(d.fd);
	return ours;
}

static int remove_partial(const struct intent *i, struct err *e)
{
	char partial[PATH_MAX];

	backup_partial(i->device, partial);
	if (access(partial, F_OK))
		return 0;
	if (is_ours(partial, i->luks_uuid))
		return fsio_unlink(partial, e);
	log_warn("%s is not the image of this backup: left alone", partial);
	return 0;
}

static int sync_dir(const char *file, struct err *e)
{
	char dir[PATH_MAX];
	int fd, rc = 0;

	snprintf(dir, sizeof(dir), "%s", file);
	fd = open(dirname(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		rc = err_sys(e, -errno, "cannot sync the directory of %s", file);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* rename_it - never over a file that came meanwhile; not every file system can that in one. */
static int rename_it(const char *file, struct err *e)
{
	char partial[PATH_MAX];

	backup_partial(file, partial);
	if (access(partial, F_OK))
		return sync_dir(file, e);	/* done before */
	if (!renameat2(AT_FDCWD, partial, AT_FDCWD, file, RENAME_NOREPLACE))
		return sync_dir(file, e);
	if (errno != EINVAL || link(partial, file))
		return err_sys(e, -errno, "cannot name the backup %s", file);
	return fsio_unlink(partial, e);
}

static int retire(const struct env *env, struct talk *t, const char *name, struct intent *i, bool last, struct err *e)
{
	struct err why = ERR_INIT;
	int rc = 0;

	if (*i->grant_id)
		rc = retire_grant(env, t, i->key_arn, i->grant_id, &why);
	if (rc == -EAGAIN || (rc && !last)) {
		if (e)
			*e = why;
		return -EAGAIN;
	}
	if (rc)
		log_fields(LOG_ALERT, why.what, "ECACHE_VOLUME", name, "ECACHE_EVENT", "grant-left", "ECACHE_GRANT",
			   i->grant_id, "ECACHE_KEY", i->key_arn, NULL);
	return 0;
}

static int undo(const struct env *env, struct talk *t, const char *name, struct intent *i, bool last, struct err *e)
{
	struct json_object *fields;
	char record[PATH_MAX];
	int rc = 0;

	if (strcmp(i->step, BACKUP_RETIRE)) {
		if (strcmp(i->step, BACKUP_GRANT))
			thaw(i);
		rc = remove_partial(i, e);
		snprintf(record, sizeof(record), "%s/%s.json", env->backup_dir, i->luks_uuid);
		if (!rc)
			rc = fsio_unlink(record, e);
		if (rc)
			return rc;
	}
	rc = retire(env, t, name, i, last, e);
	if (rc == -EAGAIN && strcmp(i->step, BACKUP_RETIRE)) {
		strcpy(i->step, BACKUP_RETIRE);
		intent_step(env->intent_dir, name, i, NULL);
	}
	if (rc)
		return rc;
	fields = json_object_new_object();
	js_put_string(fields, "luks_uuid", i->luks_uuid);
	js_put_string(fields, "file", i->device);
	js_put_string(fields, "key_arn", i->key_arn);
	js_put_string(fields, "grant_id", i->grant_id);
	job_audit_must(env, "backup-undone", name, fields, NULL);
	return intent_end(env->intent_dir, name, e);
}

int backup_recover(const struct env *env, struct talk *t, const char *name, struct intent *i, bool last,
		   struct err *e)
{
	int rc;

	if (strcmp(i->step, BACKUP_PUBLISH))
		return undo(env, t, name, i, last, e);
	rc = rename_it(i->device, e);
	if (rc == -EEXIST)
		return undo(env, t, name, i, last, e);
	if (!rc)
		rc = retire(env, t, name, i, last, e);
	if (!rc)
		rc = intent_end(env->intent_dir, name, e);
	return rc ? rc : 1;
}
