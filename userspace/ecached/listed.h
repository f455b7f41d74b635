/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_LISTED_H
#define ECACHED_LISTED_H

#include "daemon.h"

/*
 * Why a volume's grant is denied, where a policy lets this host list grants: taken back, or
 * still there and overruled. For people only: a list may be as late as any other answer, and
 * a forged one must cost nobody a volume. A host that may not list grants shows nothing.
 */
enum listed {
	LISTED_UNKNOWN,
	LISTED_YES,
	LISTED_NO,
	LISTED_REFUSED,
};

/*
 * listed_ask - @v was asked about: if it is denied, look for its grant, once. One question a
 * second of all volumes': the list has a small quota. What has no turn now has one after the
 * next denial.
 */
void listed_ask(struct daemon *d, struct watch_volume *v);

const char *listed_name(enum listed l);		/* "listed", "not-listed"; NULL */

#endif
