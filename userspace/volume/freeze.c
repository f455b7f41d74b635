// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/fs.h>

#include "../common/clock.h"
#include "child.h"
#include "freeze.h"
#include "mounts.h"
#include "text.h"

#define RETRY_MS 100
#define ANSWER_MS 10000

/* One byte each way. */
enum {
	SAY_ARM = 'a',		/* the clock runs; answered before FIFREEZE is called */
	SAY_DISARM = 'd',	/* it could not be frozen */
	SAY_THAW = 't',
	SAY_OVER = 'o',		/* from the watchdog: thawed, unasked or too late */
};

static int open_mount(const struct mount *m, dev_t dev)
{
	char path[PATH_MAX];
	struct stat st;
	int fd, rc;

	if (snprintf(path, sizeof(path), "/proc/%d/root%s", (int)m->pid, m->path) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && st.st_dev == dev)
		return fd;
	rc = -EXDEV;		/* something is mounted over it */
	close(fd);
	return rc;
}

/* find_mount - one of them: freezing acts on the superblock. -ENOENT: not mounted. */
static int find_mount(dev_t dev, char where[PATH_MAX], struct err *e)
{
	struct mount_list list;
	int rc, fd = -ENOENT;
	size_t i;

	where[0] = '\0';
	rc = mounts_find("/proc", dev, &list, e);
	if (rc)
		return rc;
	for (i = 0; i < list.nr && fd < 0; i++) {
		fd = open_mount(&list.mounts[i], dev);
		text_copy(where, PATH_MAX, list.mounts[i].path);
		if (fd < 0)
			err_sys(e, fd, "cannot reach the file system at %s", where);
	}
	mount_list_free(&list);
	return fd;
}

static int claim(struct freeze *f, const char *mapper, dev_t dev, struct err *e)
{
	struct stat st;

	f->fd = open(mapper, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
	if (f->fd < 0 && errno == EBUSY) {
		err_set(e, -EBUSY, "%s is in use, but not by a file system that could be frozen", mapper);
		err_hint(e, "Close what uses it; a closed volume can always be backed up.");
		return -EBUSY;
	}
	if (f->fd < 0)
		return err_sys(e, -errno, "cannot have %s for this alone", mapper);
	if (fstat(f->fd, &st) || st.st_rdev != dev)
		return err_set(e, -ENODEV, "%s is not the volume", mapper);
	return 0;
}

static int thaw(int fd)
{
	return ioctl(fd, FITHAW, 0) ? -errno : 0;
}

/* A watchdog's knowledge. */
struct guard {
	int fd;
	int sock;
	bool armed;
	bool over;
	int64_t end_ms;
	unsigned int max_ms;
};

/* on_time - until it works: the caller may still be in the middle of FIFREEZE, which cannot be thawed yet. */
static void on_time(struct guard *g)
{
	const char over = SAY_OVER;

	g->over = true;
	if (thaw(g->fd)) {
		g->end_ms = now_ms() + RETRY_MS;
		return;
	}
	g->armed = false;
	send(g->sock, &over, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* on_word - false at the end. */
static bool on_word(struct guard *g, char word)
{
	char answer = word;
	int rc;

	switch (word) {
	case SAY_ARM:
		g->armed = true;
		g->end_ms = now_ms() + g->max_ms;
		break;
	case SAY_DISARM:
		g->armed = false;
		break;
	case SAY_THAW:
		rc = g->armed ? thaw(g->fd) : 0;
		if (rc && rc != -EINVAL)
			return true;	/* tried again when the time is over, and when the caller is gone */
		if (g->over)
			answer = SAY_OVER;
		g->armed = false;
		break;
	default:
		return true;
	}
	return send(g->sock, &answer, 1, MSG_NOSIGNAL) == 1;
}

static void watchdog(struct guard *g)
{
	struct pollfd p = { .fd = g->sock, .events = POLLIN };
	int64_t left;
	char word;

	for (;;) {
		left = g->armed ? g->end_ms - now_ms() : -1;
		if (g->armed && left <= 0) {
			on_time(g);
			continue;
		}
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		if (recv(g->sock, &word, 1, 0) != 1 || !on_word(g, word))
			break;
	}
	if (g->armed)
		thaw(g->fd);
}

static int start_watchdog(struct freeze *f, struct err *e)
{
	struct guard g = { .fd = f->fd, .max_ms = f->max_ms };
	int pair[2], keep[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err_sys(e, -errno, "cannot start a watchdog for the freeze");
	f->pid = fork();
	if (!f->pid) {
		g.sock = pair[1];
		keep[0] = g.fd;
		keep[1] = g.sock;
		child_settle("ecache-thaw", keep, 2);
		watchdog(&g);
		_exit(0);
	}
	close(pair[1]);
	f->sock = pair[0];
	return f->pid < 0 ? err_sys(e, -EAGAIN, "cannot start a watchdog for the freeze") : 0;
}

int freeze_prepare(struct freeze *f, const char *mapper, dev_t dev, unsigned int max_ms, struct err *e)
{
	int rc;

	*f = (struct freeze)FREEZE_INIT;
	f->max_ms = max_ms;
	rc = find_mount(dev, f->where, e);
	if (rc == -ENOENT && !f->where[0]) {
		rc = claim(f, mapper, dev, e);
	} else if (rc >= 0) {
		f->fd = rc;
		rc = start_watchdog(f, e);
	}
	if (rc)
		freeze_drop(f);
	return rc;
}

/* ask - the watchdog's answer; -EIO: it is gone, or does not answer. */
static int ask(struct freeze *f, char word, int timeout_ms, char *answer)
{
	struct pollfd p = { .fd = f->sock, .events = POLLIN };
	int rc;

	if (f->sock < 0 || send(f->sock, &word, 1, MSG_NOSIGNAL) != 1)
		return -EIO;
	do {
		rc = poll(&p, 1, timeout_ms);
	} while (rc < 0 && errno == EINTR);
	return rc == 1 && recv(f->sock, answer, 1, MSG_DONTWAIT) == 1 ? 0 : -EIO;
}

static int too_long(const struct freeze *f, struct err *e)
{
	err_set(e, -ETIMEDOUT, "%s was thawed: it had been frozen for %u s", f->where, f->max_ms / 1000);
	err_hint(e, "Allow more with --max-freeze, or back the volume up while it is closed.");
	return -ETIMEDOUT;
}

static int no_watchdog(struct err *e)
{
	return err_set(e, -EIO, "the process that would thaw the file system in any event is gone");
}

int freeze_begin(struct freeze *f, struct err *e)
{
	char answer;
	int rc;

	if (f->sock < 0)
		return 0;
	if (ask(f, SAY_ARM, ANSWER_MS, &answer))
		return no_watchdog(e);
	f->since_ms = now_ms();
	f->frozen = true;	/* as soon as somebody may have to thaw it */
	if (!ioctl(f->fd, FIFREEZE, 0))
		return freeze_check(f, e);
	rc = -errno;
	f->frozen = false;
	ask(f, SAY_DISARM, ANSWER_MS, &answer);
	err_sys(e, rc, "cannot freeze the file system at %s", f->where);
	err_hint(e, rc == -EBUSY ? "Somebody else has frozen it (fsfreeze --unfreeze)." :
		 "Unmount and close the volume first: a closed one can always be backed up.");
	return rc;
}

int freeze_check(struct freeze *f, struct err *e)
{
	char word;
	ssize_t n;

	if (f->sock < 0)
		return 0;
	if (f->over)
		return too_long(f, e);
	n = recv(f->sock, &word, 1, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n != 1)
		return no_watchdog(e);
	f->over = true;
	f->frozen = false;
	return too_long(f, e);
}

int freeze_end(struct freeze *f, int64_t *paused_ms, struct err *e)
{
	char answer;
	int rc;

	*paused_ms = 0;
	rc = freeze_check(f, e);
	if (rc || !f->frozen)
		return rc;
	/* Thawing writes the superblock: it may have to wait for the disk. */
	if (ask(f, SAY_THAW, -1, &answer))
		return no_watchdog(e);
	f->frozen = false;
	*paused_ms = now_ms() - f->since_ms;
	f->over = answer == SAY_OVER;
	return f->over ? too_long(f, e) : 0;
}

void freeze_drop(struct freeze *f)
{
	/* The watchdog thaws when this ends. It may be waiting for a disk, so it is not waited for. */
	if (f->sock >= 0)
		close(f->sock);
	if (f->frozen && f->fd >= 0)
		thaw(f->fd);
	if (f->fd >= 0)
		close(f->fd);
	*f = (struct freeze)FREEZE_INIT;
}

void freeze_left(dev_t dev)
{
	char where[PATH_MAX];
	int fd = find_mount(dev, where, NULL);

	if (fd < 0)
		return;
	thaw(fd);
	close(fd);
}
