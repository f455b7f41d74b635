/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ECACHE_ACCEL_FAKE_H
#define ECACHE_ACCEL_FAKE_H

#include <linux/types.h>
#include <crypto/aes.h>
#include <crypto/internal/skcipher.h>

/**
 * struct fake_accel - the switches of the asynchronous driver that the tests bring; those hold for what is
 * submitted from then on
 *
 * @answer_at_once: the result is the answer, nothing comes later
 * @backlog: -EBUSY, then -EINPROGRESS, then the result
 * @hang: no answer until fake_accel_release()
 * @error: the result, if not 0
 * @refuse_keys: setkey fails
 * @requests: that were submitted
 */
extern struct fake_accel {
	bool answer_at_once, backlog, hang, refuse_keys;
	int error;
	unsigned int requests;
} fake_accel;

unsigned int fake_accel_release(void);
int fake_accel_register(void);
void fake_accel_unregister(void);

#endif
