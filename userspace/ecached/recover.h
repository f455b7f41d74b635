/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_RECOVER_H
#define ECACHED_RECOVER_H

#include "job.h"

/*
 * recover_intent - finish or undo what the intent record of @name says was going on when
 *	its process died. 0: nothing is left. -EAGAIN: the KMS has to be asked again
 *	later. @last: a refusal of the KMS to retire a grant is taken as its last word;
 *	that it is away never is.
 */
int recover_intent(const struct env *env, const char *name, bool last, struct err *e);

#endif
