/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KMSD_STS_H
#define KMSD_STS_H

#include "call.h"

/* STS's query protocol, as far as it takes to answer "who am I": GetCallerIdentity. */

const struct operation *sts_operation(void);

/* sts_prepare - read the form in the request's body; FAULT_INVALID_ACTION for any other action. */
enum fault sts_prepare(struct call *c);

/* sts_put_error - the error document. */
void sts_put_error(const struct call *c, struct buf *out);

#endif
