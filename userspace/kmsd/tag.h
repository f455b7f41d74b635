/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_TAG_H
#define KMSD_TAG_H

#include "call.h"

/* Tags as a request brings them: of CreateKey and TagResource with values, of UntagResource names only. */

#define TAGS_PER_KEY 50

/*
 * tags_read - member Tags; an absent one is an empty list. FAULT_TAG for a name twice, a reserved one ("aws:") or a
 * character that tags do not have; FAULT_LIMIT_EXCEEDED for more than a key may have. The caller frees @out in any
 * case.
 */
enum fault tags_read(struct call *c, struct tag_list *out);

/* tags_read_names - member TagKeys. */
enum fault tags_read_names(struct call *c, struct tag_list *out);

/* tags_load - those of a key; 0 or a negative errno. */
int tags_load(struct store *s, const char *key_id, struct tag_list *out);

void tags_free(struct tag_list *t);

#endif
