/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECACHED_NOTE_H
#define ECACHED_NOTE_H

#include "daemon.h"

/*
 * note_verdict - put a volume's verdict on record, in a worker: the audit log when it
 *	@changed, and the state's last OK. Records may wait for a disk, and are skipped
 *	rather than waited for when another worker holds the volume.
 */
int note_verdict(struct daemon *d, const struct watch_volume *v, bool changed);

#endif
