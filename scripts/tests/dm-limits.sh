#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# I/O stays its submitter's on the way down: the disk's scheduler sees his priority; the disk's bytes, direct and buffered, are on his cgroup's
# account; a limit on the disk holds his writes and reads, and nobody else's.
. "$(dirname "$0")/lib.sh"

load_module
new_key "$WORK/key"
modprobe null_blk nr_devices=0
# slow enough to look at what it is working on
mkdir /sys/kernel/config/nullb/nullb0
( cd /sys/kernel/config/nullb/nullb0 && echo 64 > size && echo 2 > irqmode && echo 300000000 > completion_nsec &&
	echo 4096 > blocksize && echo 1 > power )
echo mq-deadline > /sys/block/nullb0/queue/scheduler || lacks mq-deadline
ecache slow /dev/nullb0 0 131072 "$WORK/key" sector_size:4096
ram_disks 1 32
ecache e /dev/ram0 0 65536 "$WORK/key" sector_size:4096
valve=$(valve)
echo +memory > /sys/fs/cgroup/cgroup.subtree_control
python3 "$SRC/scripts/tests/dm-limits.py" "$valve"
remove slow e
unload_module
