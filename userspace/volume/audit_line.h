/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHE_AUDIT_LINE_H
#define ECACHE_AUDIT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit.h"

/* One record of the audit log, as the chain sees it. */

/* What the first record of a log builds on. */
#define AUDIT_GENESIS "0000000000000000000000000000000000000000000000000000000000000000"
#define AUDIT_RECOVERED "audit-recovered"
#define AUDIT_ROTATED "audit-rotated"

void audit_line_hash(const char *line, size_t len, char hex[AUDIT_HASH_LEN + 1]);

/* audit_line_read - its number and prev, and whether it is an AUDIT_RECOVERED; false when the line is no record. */
bool audit_line_read(const char *line, size_t len, uint64_t *seq, char *prev, bool *recovered);

#endif
