/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_CHECK_H
#define ECACHED_CHECK_H

#include <stdio.h>

/*
 * check_config - ecached --check-config: ecached.conf at @path and every volume's file, as
 *	they would be read, without a daemon and without the KMS. What is wrong goes to
 *	@to, one finding after the other with what to do; returns how many there are.
 */
unsigned int check_config(const char *path, FILE *to);

/* check_watchdog_s - after which systemd takes this process for hung, in seconds; the unit's value without systemd. */
unsigned int check_watchdog_s(void);

#endif
