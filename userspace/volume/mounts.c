// SPDX-License-Identifier: GPL-2.0-or-later
#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "mounts.h"
#include "text.h"

void mounts_unescape(char *s)
{
	char *out = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' &&
		    s[3] <= '7') {
			*out++ = (s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0');
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = '\0';
}

bool mounts_is_device(char *path, dev_t dev)
{
	struct stat st;

	mounts_unescape(path);
	return path[0] == '/' && !stat(path, &st) && S_ISBLK(st.st_mode) && st.st_rdev == dev;
}

/* The fields of a mountinfo line that we look at; proc(5). They point into the line. */
struct line {
	unsigned int id, major, minor;
	char *path, *fstype, *source;
};

static bool split(char *text, struct line *l)
{
	char *save = NULL, *id, *devno, *word;

	id = strtok_r(text, " ", &save);
	strtok_r(NULL, " ", &save);	/* parent */
	devno = strtok_r(NULL, " ", &save);
	strtok_r(NULL, " ", &save);	/* root */
	l->path = strtok_r(NULL, " ", &save);
	/* Options and optional fields, up to the dash. */
	word = strtok_r(NULL, " ", &save);
	while (word && strcmp(word, "-"))
		word = strtok_r(NULL, " ", &save);
	l->fstype = strtok_r(NULL, " ", &save);
	l->source = strtok_r(NULL, " \n", &save);
	if (!l->source || sscanf(id, "%u", &l->id) != 1 || sscanf(devno, "%u:%u", &l->major, &l->minor) != 2)
		return false;
	mounts_unescape(l->path);
	return true;
}

/* btrfs and other multi-device file systems show an anonymous device: there the source tells. */
static bool matches(const struct line *l, dev_t dev)
{
	if (l->major == major(dev) && l->minor == minor(dev))
		return true;
	return !l->major && (!strcmp(l->fstype, "btrfs") || !strcmp(l->fstype, "bcachefs")) &&
	       mounts_is_device(l->source, dev);
}

static int append(struct mount_list *list, const struct line *l)
{
	struct mount *bigger, *m;

	bigger = realloc(list->mounts, (list->nr + 1) * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	list->mounts = bigger;
	m = &bigger[list->nr];
	memset(m, 0, sizeof(*m));
	m->id = l->id;
	m->path = strdup(l->path);
	if (!m->path)
		return -ENOMEM;
	if (text_set(m->fstype, l->fstype))
		m->fstype[0] = '\0';
	list->nr++;
	return 0;
}

static int read_file(FILE *f, dev_t dev, struct mount_list *list)
{
	char *text = NULL;
	size_t cap = 0;
	struct line l;
	int rc = 0;

	while (!rc && getline(&text, &cap, f) > 0) {
		if (split(text, &l) && matches(&l, dev))
			rc = append(list, &l);
	}
	if (!rc && ferror(f))
		rc = -EIO;
	free(text);
	return rc;
}

int mounts_read(int fd, dev_t dev, struct mount_list *out, struct err *e)
{
	FILE *f;
	int rc;

	out->mounts = NULL;
	out->nr = 0;
	fd = dup(fd);
	f = fd < 0 ? NULL : fdopen(fd, "r");
	if (!f) {
		rc = -errno;
		if (fd >= 0)
			close(fd);
		return err_sys(e, rc, "cannot read the mounts");
	}
	rc = read_file(f, dev, out);
	fclose(f);
	if (!rc)
		return 0;
	mount_list_free(out);
	return err_sys(e, rc, "cannot read the mounts");
}

void mount_list_free(struct mount_list *l)
{
	while (l->nr)
		free(l->mounts[--l->nr].path);
	free(l->mounts);
	l->mounts = NULL;
}

/*
 * A view is a mount namespace seen from one root: a process in a chroot sees a part of its namespace, so a
 * namespace may have to be read several times. The root is compared as text: asking for its inode could wait for a
 * file system.
 */
struct view {
	ino_t ns;
	char *root;
};

struct views {
	struct view *view;
	size_t nr;
};

static ino_t ns_of(int proc, const char *pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "%.32s/ns/mnt", pid);
	return fstatat(proc, path, &st, 0) ? 0 : st.st_ino;
}

/* is_new - notes the view; negative: out of memory. */
static int is_new(struct views *v, ino_t ns, const char *root)
{
	struct view *bigger;
	size_t i;

	for (i = 0; i < v->nr; i++) {
		if (v->view[i].ns == ns && !strcmp(v->view[i].root, root))
			return 0;
	}
	bigger = realloc(v->view, (v->nr + 1) * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	v->view = bigger;
	bigger[v->nr].ns = ns;
	bigger[v->nr].root = strdup(root);
	if (!bigger[v->nr].root)
		return -ENOMEM;
	v->nr++;
	return 1;
}

static bool known_mount(const struct mount_list *l, size_t nr, ino_t ns, unsigned int id)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (l->mounts[i].ns == ns && l->mounts[i].id == id)
			return true;
	}
	return false;
}

/*
 * read_view - the mounts that this process sees and no process before it. A process that has gone meanwhile has
 * none.
 */
static int read_view(int proc, const char *pid, ino_t ns, ino_t own, dev_t dev, struct mount_list *out)
{
	size_t before = out->nr, i, kept = before;
	char path[64];
	FILE *f;
	int fd, rc;

	snprintf(path, sizeof(path), "%.32s/mountinfo", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	rc = read_file(f, dev, out);
	fclose(f);
	for (i = before; i < out->nr; i++) {
		struct mount *m = &out->mounts[i];

		if (known_mount(out, before, ns, m->id)) {
			free(m->path);
			continue;
		}
		m->pid = atoi(pid);
		m->ns = ns;
		m->own = ns == own;
		out->mounts[kept++] = *m;
	}
	out->nr = kept;
	return rc == -EIO ? 0 : rc;
}

static int visit(int proc, const char *pid, ino_t own, dev_t dev, struct views *views, struct mount_list *out)
{
	char path[64], root[PATH_MAX];
	ssize_t len;
	ino_t ns;
	int rc;

	ns = ns_of(proc, pid);
	if (!ns)
		return 0;
	snprintf(path, sizeof(path), "%.32s/root", pid);
	len = readlinkat(proc, path, root, sizeof(root) - 1);
	if (len < 0)
		return 0;
	root[len] = '\0';
	rc = is_new(views, ns, root);
	return rc > 0 ? read_view(proc, pid, ns, own, dev, out) : rc;
}

int mounts_find(const char *proc, dev_t dev, struct mount_list *out, struct err *e)
{
	struct views views = { 0 };
	struct dirent *d;
	int fd, rc = 0;
	ino_t own;
	DIR *dir;

	out->mounts = NULL;
	out->nr = 0;
	dir = opendir(proc);
	if (!dir)
		return err_sys(e, -errno, "cannot read %s", proc);
	fd = dirfd(dir);
	assert(fd >= 0);
	own = ns_of(fd, "self");
	while (!rc && (d = readdir(dir))) {
		if (isdigit((unsigned char)d->d_name[0]))
			rc = visit(fd, d->d_name, own, dev, &views, out);
	}
	closedir(dir);
	while (views.nr)
		free(views.view[--views.nr].root);
	free(views.view);
	if (!rc)
		return 0;
	mount_list_free(out);
	return err_sys(e, rc, "cannot read the mounts");
}
