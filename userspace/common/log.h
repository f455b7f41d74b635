/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_LOG_H
#define ECACHE_LOG_H

#include <syslog.h>

/*
 * Logs go to the journal when the process runs under systemd (JOURNAL_STREAM names our stderr), else to
 * stderr as one line "program: message". Levels are syslog's. No message holds a secret; the arguments
 * are never request or response bodies.
 */

/* log_init - @program is kept, not copied; messages above @max_level (LOG_DEBUG...) are dropped. */
void log_init(const char *program, int max_level);

void log_msg(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * log_fields - a message with journal fields: pairs of "FIELD", value, ended by NULL. Used for events that
 * tools look for (ECACHE_VOLUME, ECACHE_EVENT, ECACHE_VERDICT, ECACHE_REQUEST_ID).
 */
void log_fields(int level, const char *message, ...) __attribute__((sentinel));

#define log_err(...)	log_msg(LOG_ERR, __VA_ARGS__)
#define log_warn(...)	log_msg(LOG_WARNING, __VA_ARGS__)
#define log_info(...)	log_msg(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	log_msg(LOG_DEBUG, __VA_ARGS__)

#endif
