// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "memo.h"

struct memo *memo_open(struct err *e)
{
	struct memo *m;

	m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED) {
		err_sys(e, -errno, "cannot get memory to share with workers");
		return NULL;
	}
	return m;
}

void memo_close(struct memo *m)
{
	if (!m)
		return;
	explicit_bzero(m, sizeof(*m));
	munmap(m, sizeof(*m));
}
