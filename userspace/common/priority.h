/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_PRIORITY_H
#define ECACHE_PRIORITY_H

/*
 * ecached.service starts ecached with more CPU time than others have (Nice=), so that it answers and its revoker
 * destroys keys in time while its own teardowns, one of a hundred volumes, keep every processor busy.
 *
 * priority_ordinary - this process and its later children have what any program has. Where that is forbidden, nothing
 *	but their fair share changes.
 */
void priority_ordinary(void);

#endif
