#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Polled I/O (io_uring's IOPOLL) through the volume ends, with the right data; reads are decrypted in the poller and none is deferred, where the same
# disk's interrupts defer every one. What dm-crypt does beside it is shown, not judged.
. "$(dirname "$0")/lib.sh"

load_module
modprobe dm_crypt
new_key "$WORK/key"
modprobe null_blk nr_devices=0 poll_queues=1
mkdir /sys/kernel/config/nullb/nullb0
( cd /sys/kernel/config/nullb/nullb0 && echo 64 > size && echo 1 > memory_backed && echo 2 > irqmode &&
	echo 20000 > completion_nsec && echo 4096 > blocksize && echo 1 > poll_queues && echo 1 > power )
disk=/dev/nullb0
grep -q poll /sys/kernel/debug/block/nullb0/hctx*/type || fail "the disk has no polled queue"

# Its memory first: null_blk would allocate it in the poller, and sleep there (seen under DEBUG_ATOMIC_SLEEP).
dd if=/dev/zero of=$disk bs=1M count=24 oflag=direct status=none

# polls DEVICE OPTIONS...
polls() {
	device=$1
	shift
	timeout -k 60 120 fio --name=global --filename="$device" --direct=1 --ioengine=io_uring --hipri --iodepth=4 --size=8M \
		--group_reporting "$@" > "$WORK/fio" 2>&1
}

ecache e "$disk" 0 "$(sectors "$disk")" "$WORK/key" sector_size:4096
dd if=/dev/zero of=/dev/mapper/e bs=1M count=8 oflag=direct status=none
dd if=/dev/mapper/e of=/dev/null bs=4k count=64 iflag=direct status=none
inline=$(field e 10) deferred=$(field e 11)
{ [ "$inline" = 0 ] && [ "$deferred" -ge 64 ]; } || fail "by interrupt: $(dmsetup status e)"

polls /dev/mapper/e --verify=crc32c --verify_fatal=1 --io_size=1M --name=small --rw=randwrite --bs=4k \
	--name=large --rw=randwrite --bs=64k --offset=16M || { cat "$WORK/fio"; fail "polled I/O"; }
[ "$(field e 11)" = "$deferred" ] || fail "a polled read was deferred: $(dmsetup status e)"
[ "$(field e 10)" -ge 256 ] || fail "few reads were polled: $(dmsetup status e)"
[ "$(field e 12)" = 0 ] || fail "errors: $(dmsetup status e)"
say "polled: $(field e 10) reads, all decrypted in the poller; by interrupt: $deferred, all deferred"
remove e

# what nobody polls for ends with the disk's timeout
echo 1000 > /sys/block/nullb0/queue/io_timeout
crypt c "$disk" 0 "$(sectors "$disk")" "$WORK/key" sector_size:4096
start=$(now_ms)
if polls /dev/mapper/c --name=p --rw=randread --bs=4k --io_size=64k; then
	say "dm-crypt: 16 polled reads took $(($(now_ms) - start)) ms"
else
	say "dm-crypt: 16 polled reads: status $? after $(($(now_ms) - start)) ms; $(sed -n 's/.*error on file //p' "$WORK/fio" | head -n 1)"
fi
remove c
unload_module
