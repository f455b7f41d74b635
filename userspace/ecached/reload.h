/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_RELOAD_H
#define ECACHED_RELOAD_H

#include "daemon.h"

/*
 * reload - SIGHUP: ecached.conf and the volumes' files are read again. What is wrong in one
 *	of them leaves what it said before, and is told in the journal and in status; the
 *	others count. No volume is touched.
 */
void reload(struct daemon *d);

#endif
