#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Kernels: 7.3
# Guest: --smp 2 --mem 3G
#
# long-life.sh [RUNS [TARGETS]]: what a volume's life costs. 1,000 volumes at once: made, keys set, each written and read, keys wiped and set again; the
# memory of each, locked and with its key, is at most about dm-crypt's, and comes back. Under full load (both processors, disks that complete in
# interrupts) the bounce pages stay below their cap; key set and key wipe RUNS times (250) on a volume that is loaded itself, key revoke of RUNS volumes,
# each while it is read and written. The 99th percentile of key wipe is at most 50 ms, or, where a grace period of this kernel takes longer
# than it should, three times its. /out/life.json has the figures.
. "$(dirname "$0")/lib.sh"

runs=${1:-250} targets=${2:-1000}
load_module
modprobe dm_crypt
[ "$runs" -le "$targets" ] || fail "$runs runs need as many volumes to revoke"
ram_disks 1 $(((targets + 15) / 16))
# brd takes memory for what is written first
dd if=/dev/zero of=/dev/ram0 bs=1M oflag=direct status=none 2> /dev/null || true
modprobe null_blk nr_devices=0
mkdir /sys/kernel/config/nullb/nullb0
( cd /sys/kernel/config/nullb/nullb0 && echo 1024 > size && nproc > submit_queues && echo 2 > irqmode && echo 20000 > completion_nsec &&
	echo 4096 > blocksize && echo 1 > power )
python3 "$(dirname "$0")/long-life.py" /dev/nullb0 /dev/ram0 "$runs" "$targets" /out/life.json || fail "long-life.py"
unload_module
