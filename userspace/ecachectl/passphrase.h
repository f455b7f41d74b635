/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHECTL_PASSPHRASE_H
#define ECACHECTL_PASSPHRASE_H

#include "../common/err.h"
#include "../common/secret.h"

/*
 * A passphrase on its way to ecached: from a terminal or a file straight into a locked page, by read(2), which keeps
 * nothing in between.
 */
#define PASSPHRASE_TYPED_MAX 512		/* as cryptsetup's */
#define PASSPHRASE_FILE_MAX (64 * 1024)

/*
 * passphrase_ask - typed, without echo, on the controlling terminal, which is as before when this returns, also by a
 *	signal (then -ECANCELED). -ENXIO: there is no terminal.
 */
int passphrase_ask(const char *what, struct secret *out, struct err *e);

/*
 * passphrase_read - all of a file, byte for byte, as cryptsetup's --key-file; "-" is standard input, /dev/fd/N an open
 *	descriptor. Not from a terminal, which would show it.
 */
int passphrase_read(const char *path, struct secret *out, struct err *e);

/* The same from descriptors, for the tests. */
int passphrase_type(int tty, const char *what, struct secret *out, struct err *e);
int passphrase_take(int fd, struct secret *out, struct err *e);

#endif
