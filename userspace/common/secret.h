/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_SECRET_H
#define ECACHE_SECRET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U	/* Linux 6.3; older kernels answer EINVAL */
#endif

/*
 * Memory for keys. A struct secret is one page (or more) of its own: shared anonymous memory behind a memfd so
 * that it can be handed to another process without its bytes passing through a socket; locked (mlock),
 * left out of core dumps (MADV_DONTDUMP), wiped when freed. A secret has one owner; it is moved, never copied.
 */
struct secret {
	uint8_t *data;		/* NULL when empty */
	size_t len;		/* bytes in use, at most cap */
	size_t cap;
	int fd;			/* the memfd, -1 when none; CLOEXEC */
};

#define SECRET_INIT { .fd = -1 }

/* secret_alloc - @cap bytes (1..64 KiB), zeroed. -ENOMEM, or -EAGAIN when RLIMIT_MEMLOCK is too small. */
int secret_alloc(struct secret *s, size_t cap);

/*
 * secret_attach - map a secret of @len bytes that another process made; takes @fd over on success. -EINVAL if it is
 * not a sealed memfd of that size.
 */
int secret_attach(struct secret *s, int fd, size_t len);

void secret_move(struct secret *dst, struct secret *src);

/* secret_wipe - explicit_bzero, unmap, close. Safe on an empty one. */
void secret_wipe(struct secret *s);

/*
 * secret_detach - unmap and close, but leave the bytes to the other process that has it. For the one that filled an
 * attached secret, and no longer owns it.
 */
void secret_detach(struct secret *s);

/* process_harden - not dumpable, RLIMIT_CORE 0, umask 077. Called first in main of every program. */
int process_harden(void);

#endif
