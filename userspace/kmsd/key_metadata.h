/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_KEY_METADATA_H
#define KMSD_KEY_METADATA_H

#include "call.h"

/* key_metadata_put - the "KeyMetadata" member of CreateKey and DescribeKey. c->key_arn is the key's. */
void key_metadata_put(struct jsonw *w, const struct call *c, const struct key *k);

#endif
