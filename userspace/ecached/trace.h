/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_TRACE_H
#define ECACHED_TRACE_H

#include <stdbool.h>

#include "../volume/device.h"
#include "../volume/name.h"

/*
 * trace_uuid - the uuid that either copy of a LUKS2 binary header on the device carries,
 *	whatever else is wrong with it (the other copy gone, a checksum that does not
 *	fit, no token yet): what tells a half-written or damaged volume of ours from
 *	somebody else's data. -ENOENT when neither copy is there, -EIO.
 */
int trace_uuid(const struct device *d, char uuid[LUKS_UUID_LEN + 1]);

/*
 * trace_ours - the same when either copy also says that it is of this project's making (subsystem
 *	"ecache"); @label is the cache id, cut.
 */
#define TRACE_LABEL_MAX 47
int trace_ours(const struct device *d, char uuid[LUKS_UUID_LEN + 1], char label[TRACE_LABEL_MAX + 1]);

/* trace_is - whether the device carries exactly this uuid. */
bool trace_is(const struct device *d, const char *luks_uuid);

#endif
