#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every example of Documentation/dm-ecache.rst runs, in the order it stands there.
. "$(dirname "$0")/lib.sh"

load_module
modprobe dm_crypt
ram_disks 1 32
ln -sf /dev/ram0 /dev/sdb
awk '/^\.\. code-block:: sh/ { inside = 1; print "#"; next }
	inside && /^[^ ]/ { inside = 0 }
	inside' "$SRC/Documentation/dm-ecache.rst" | sed 's/^    //' > "$WORK/examples"
[ "$(grep -c '^#' "$WORK/examples")" -ge 5 ] || fail "found no examples"
sh -eux "$WORK/examples" > "$WORK/out" 2>&1 || {
	cat "$WORK/out"
	fail "an example does not work"
}
say "$(grep -c '^#' "$WORK/examples") examples"
rm /dev/sdb
