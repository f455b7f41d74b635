#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Atomic writes, on a disk that takes larger ones than the volume: the volume offers those up to 1 MiB, that is, what it can encrypt in one piece;
# each arrives at the disk as one atomic request, whatever pages it was encrypted into; larger ones are refused; the data is right.
# Kernels whose device-mapper has none are told so.
. "$(dirname "$0")/lib.sh"

case $KERNEL in
6.*)
	say "device-mapper passes no atomic writes in $KERNEL"
	exit 0
	;;
esac

load_module
modprobe dm_crypt
new_key "$WORK/key"
modprobe sd_mod
modprobe scsi_debug dev_size_mb=64 delay=0 atomic_wr=1 atomic_wr_max_length=8192
disk=$(scsi_disk scsi_debug)
[ -b "$disk" ] || fail "no disk by scsi_debug"
length=$(sectors "$disk")
ecache e "$disk" 0 "$length" "$WORK/key" sector_size:4096
python3 "$SRC/scripts/tests/dm-atomic.py" "$disk" "$(valve)" "$WORK/model"
crypt c "$disk" 0 "$length" "$WORK/key" sector_size:4096
cmp -n "$(stat -c %s "$WORK/model")" "$WORK/model" /dev/mapper/c || fail "dm-crypt reads other bytes"
[ "$(field e 12)" = 0 ] || fail "errors: $(dmsetup status e)"
remove c e
rmmod scsi_debug
unload_module
