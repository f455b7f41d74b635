// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secret.h"

#define SECRET_MAX (256 * 1024)	/* the largest are answers that hold no secret: a queue's */
#define ATTACHED_MAX (64 * 1024)
/* What makes a memfd ours: its size can never change under a mapping (no SIGBUS), and nobody can add F_SEAL_WRITE. */
#define SECRET_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static size_t mapped_size(size_t cap)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (cap + page - 1) / page * page;
}

/*
 * map_locked - the pages of @fd, locked and out of core dumps. memfd_secret() is no choice: its pages cannot be given
 * to system calls, so neither add_key() nor read() could use them.
 */
static int map_locked(int fd, size_t cap, uint8_t **data)
{
	size_t size = mapped_size(cap);
	void *p;
	int rc;

	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	/* Not mlock(): the address sanitizer makes that a no-op, and the tests would see unlocked pages. */
	if (mlock2(p, size, 0)) {
		rc = errno == EINVAL ? -EINVAL : -EAGAIN;
		goto unmap;
	}
	if (madvise(p, size, MADV_DONTDUMP)) {
		rc = -errno;
		goto unmap;
	}
	*data = p;
	return 0;

unmap:
	munmap(p, size);
	return rc;
}

int secret_alloc(struct secret *s, size_t cap)
{
	struct secret new = SECRET_INIT;
	int rc;

	*s = new;
	if (!cap || cap > SECRET_MAX)
		return -EINVAL;
	new.fd = memfd_create("ecache-secret", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (new.fd < 0 && errno == EINVAL)
		new.fd = memfd_create("ecache-secret", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (new.fd < 0)
		return -errno;
	if (ftruncate(new.fd, mapped_size(cap)) || fcntl(new.fd, F_ADD_SEALS, SECRET_SEALS)) {
		rc = -errno;
		goto close_fd;
	}
	rc = map_locked(new.fd, cap, &new.data);
	if (rc)
		goto close_fd;
	new.cap = cap;
	*s = new;
	return 0;

close_fd:
	close(new.fd);
	return rc;
}

int secret_attach(struct secret *s, int fd, size_t len)
{
	struct secret new = SECRET_INIT;
	struct stat st;
	int seals, rc;

	*s = new;
	if (!len || len > ATTACHED_MAX)
		return -EINVAL;
	/* Only a memfd can carry these seals: a file of tmpfs is born with F_SEAL_SEAL alone, others have none. */
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & SECRET_SEALS) != SECRET_SEALS || (seals & F_SEAL_WRITE))
		return -EINVAL;
	if (fstat(fd, &st))
		return -errno;
	if (st.st_size < 0 || (size_t)st.st_size < mapped_size(len))
		return -EINVAL;
	rc = map_locked(fd, len, &new.data);
	if (rc)
		return rc == -EACCES || rc == -EPERM ? -EINVAL : rc;
	new.fd = fd;
	new.len = len;
	new.cap = len;
	*s = new;
	return 0;
}

void secret_move(struct secret *dst, struct secret *src)
{
	if (dst == src)
		return;
	*dst = *src;
	*src = (struct secret)SECRET_INIT;
}

void secret_wipe(struct secret *s)
{
	if (s->data) {
		explicit_bzero(s->data, mapped_size(s->cap));
		munmap(s->data, mapped_size(s->cap));
		close(s->fd);
	}
	*s = (struct secret)SECRET_INIT;
}

void secret_detach(struct secret *s)
{
	if (s->data) {
		munmap(s->data, mapped_size(s->cap));
		close(s->fd);
	}
	*s = (struct secret)SECRET_INIT;
}

int process_harden(void)
{
	struct rlimit none = { 0, 0 };

	umask(077);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || setrlimit(RLIMIT_CORE, &none))
		return -errno;
	return 0;
}
