/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCALE_KMS_H
#define SCALE_KMS_H

#include "fleet.h"
#include "kms/kms.h"

/*
 * The KMS: several servers, each of which learns of a revocation after a time of its own, so that answers may go to and
 * fro for a while; a grant or key has the same times for all hosts.
 */
#define KMS_SERVERS 8
#define KMS_SILENCE_MS 10000	/* until ecache-net gives up on an answer (net/worker.c) */

enum says { SAYS_OK, SAYS_DENIED, SAYS_DISABLED, SAYS_THROTTLED, SAYS_NOTHING };

/* kms_knows - whether server @server knows at @now_ms what happened to @subject at @since_ms. */
bool kms_knows(const struct fleet *f, uint64_t subject, unsigned int server, int64_t since_ms, int64_t now_ms);

int64_t kms_latency(const struct fleet *f, enum says answer, uint64_t *random);

/* kms_words - the answer to Decrypt as ecached gets it. */
void kms_words(enum says answer, struct kms_answer *a);

/* kms_described - the same for DescribeKey, with the state. */
enum kms_key_state kms_described(enum says answer, struct kms_answer *a);

#endif
