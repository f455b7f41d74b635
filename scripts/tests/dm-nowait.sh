#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# RWF_NOWAIT: the volume offers it; reads and writes that can go at once do, with the right data, and what would have to wait (a suspended
# device, here or below; bounce memory that is used up) ends in EAGAIN, counted as no error; no submission sleeps. On a LOCKED
# volume it is EIO as always. On 6.1 device-mapper itself may sleep, so there only the target's own waiting is excluded.
. "$(dirname "$0")/lib.sh"

load_module
modprobe dm_crypt
new_key "$WORK/key"
ram_disks 1 16
ecache e /dev/ram0 0 32768 "$WORK/key" sector_size:4096
crypt c /dev/ram0 0 32768 "$WORK/key" sector_size:4096
# keeps nothing, so its driver allocates nothing
modprobe null_blk nr_devices=0
mkdir /sys/kernel/config/nullb/nullb0
( cd /sys/kernel/config/nullb/nullb0 && echo 2048 > size && echo 4096 > blocksize && echo 1024 > hw_queue_depth && echo 1 > power )
# above it a device that can be suspended
dm below "0 4194304 linear /dev/nullb0 0"
ecache held /dev/mapper/below 0 4194304 "$WORK/key" sector_size:4096
valve=$(valve)
python3 "$SRC/scripts/tests/dm-nowait.py" "$valve" "$(cat /sys/block/nullb0/dev)"
remove held below c e
unload_module
