#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Kernels: 7.3 6.1
# Guest: --smp 2
#
# A CPU goes and comes back while fio writes and verifies: deferred reads, helpers and the pages that a CPU keeps for writes are its own. No data is
# lost or wrong, and each time the pages are looked for. The disk completes in an interrupt, so that reads are deferred.
. "$(dirname "$0")/lib.sh"

cpu=/sys/devices/system/cpu/cpu1/online
load_module
echo 131072 > /sys/module/dm_ecache/parameters/parallel_bytes
new_key "$WORK/key"
modprobe null_blk nr_devices=0
mkdir /sys/kernel/config/nullb/nullb0
( cd /sys/kernel/config/nullb/nullb0 && echo 64 > size && echo 1 > memory_backed && echo 2 > irqmode &&
	echo 20000 > completion_nsec && echo 4096 > blocksize && echo 2 > submit_queues && echo 1 > power )
ecache e /dev/nullb0 0 131072 "$WORK/key" sector_size:4096

trace=/sys/kernel/tracing
[ -e $trace/kprobe_events ] || mount -t tracefs tracefs $trace
echo 'p:drain dm_ecache:ecache_page_stack_drain' > $trace/kprobe_events
echo 1 > $trace/events/kprobes/drain/enable

fio --name=v --filename=/dev/mapper/e --direct=1 --rw=randrw --bsrange=4k-1M --blockalign=4k --ioengine=libaio --iodepth=16 --numjobs=2 \
	--offset_increment=32M --size=16M --io_size=1G --time_based --runtime=40 --verify=crc32c --verify_fatal=1 --verify_backlog=64 \
	--group_reporting --output="$WORK/fio" &
pid=$!
sleep 3
times=0
while [ $times -lt 6 ]; do
	kill -0 $pid || break
	echo 0 > $cpu || fail "CPU 1 does not go"
	sleep 1
	echo 1 > $cpu
	sleep 2
	times=$((times + 1))
done
[ $times -ge 3 ] || fail "fio ended before CPU 1 had gone three times"
wait $pid || {
	cat "$WORK/fio"
	fail "fio while CPU 1 went and came back"
}
drained=$(awk '$1 == "drain" { print $2 }' $trace/kprobe_profile)
[ "$drained" -eq $times ] || fail "CPU 1 went $times times, its pages were freed $drained times"
echo 0 > $trace/events/kprobes/drain/enable
echo > $trace/kprobe_events
[ "$(field e 11)" -gt 0 ] || fail "no read was deferred: $(dmsetup status e)"
[ "$(field e 12)" = 0 ] || fail "errors counted: $(dmsetup status e)"
say "CPU 1 went $times times; $(field e 6) reads, $(field e 11) of them deferred, $(field e 7) writes, $(stat_of e parallel) over both CPUs"
remove e

unload_module
