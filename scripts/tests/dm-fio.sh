#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fio --verify on every sector size: sizes from one sector to a few megabytes (less on the debug kernels), direct and buffered, deep queues, several jobs;
# on a RAM disk (completes in the submitter) and on null_blk (completes in an interrupt). The status line names the AES driver.
. "$(dirname "$0")/lib.sh"

load_module
echo 131072 > /sys/module/dm_ecache/parameters/parallel_bytes
new_key "$WORK/key"
ram_disks 1 64
modprobe null_blk nr_devices=0
mkdir /sys/kernel/config/nullb/nullb0
( cd /sys/kernel/config/nullb/nullb0 && echo 64 > size && echo 1 > memory_backed && echo 2 > irqmode &&
	echo 10000 > completion_nsec && echo 512 > blocksize && echo 1 > power )
null=/dev/nullb0

verify() {
	fio --name=v --filename=/dev/mapper/e --verify=crc32c --verify_fatal=1 --group_reporting --output="$WORK/fio" "$@" || {
		cat "$WORK/fio"
		fail "fio $*"
	}
}

for disk in /dev/ram0 "$null"; do
	for sector in 512 4096; do
		ecache e "$disk" 0 131072 "$WORK/key" sector_size:$sector
		[ "$(blockdev --getss /dev/mapper/e)" = $sector ] || fail "logical block size"
		verify --direct=1 --rw=randwrite --bsrange=$sector-64k --blockalign=$sector --ioengine=libaio --iodepth=32 \
			--size=8M --io_size=$((AMOUNT * 4))k
		verify --direct=1 --rw=write --bs=$((AMOUNT * 4))k --ioengine=libaio --iodepth=4 --size=$((AMOUNT * 16))k
		verify --direct=0 --rw=randwrite --bs=4k --ioengine=psync --size=8M --io_size=$((AMOUNT * 4))k --end_fsync=1
		verify --direct=1 --rw=randrw --bs=16k --ioengine=io_uring --iodepth=8 --numjobs=2 --offset_increment=32M --size=4M \
			--io_size=$((AMOUNT * 4))k
		[ "$(field e 12)" = 0 ] || fail "errors counted: $(dmsetup status e)"
		[ "$(($(field e 6) * $(field e 7)))" -gt 0 ] || fail "nothing counted: $(dmsetup status e)"
		say "$disk sector_size $sector: $(field e 6) reads ($(field e 10) in the completion, $(field e 11) deferred), $(field e 7) writes"
		driver=$(field e 3)
		remove e
	done
done

if grep -q '\baes\b' /proc/cpuinfo; then
	case $driver in
	*aesni* | *vaes*) say "driver $driver" ;;
	*) fail "this machine has AES instructions and the driver is $driver" ;;
	esac
fi
unload_module
