#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Kernels: 7.3 6.1
# Guest: --smp 2 --qemu -drive --qemu file=null-co://,file.size=64M,file.read-zeroes=on,format=raw,if=none,id=nvme,snapshot=on,cache=unsafe --qemu -device --qemu nvme,serial=ecache,drive=nvme
#
# NVMe, with a queue for each processor and a polled one: by interrupt every read is deferred, polled none is, and what fio wrote is there; random
# shapes against a model, and dm-crypt reads the same bytes from the disk.
. "$(dirname "$0")/lib.sh"

load_module
modprobe dm_crypt
modprobe nvme poll_queues=1
disk=/dev/nvme0n1
until_true test -b $disk || fail "no $disk"
new_key "$WORK/key"
size=$((8 << 20))
seed=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
say "SEED=$seed; $(dmesg | sed -n 's/.*nvme nvme0: \(.*poll queues\)/\1/p')"

io() {
	timeout -k 60 300 fio --name=io --filename=/dev/mapper/e --direct=1 --ioengine=io_uring --iodepth=8 --size=16M --io_size=8M \
		--rw=randwrite --bs=4k --verify=crc32c --verify_fatal=1 "$@" > "$WORK/fio" 2>&1 || {
		cat "$WORK/fio"
		fail "fio $*"
	}
}

ecache e $disk 8 131064 "$WORK/key" sector_size:4096
io
{ [ "$(field e 10)" = 0 ] && [ "$(field e 11)" -ge 2048 ]; } || fail "by interrupt: $(dmsetup status e)"
deferred=$(field e 11)
io --hipri
{ [ "$(field e 11)" = "$deferred" ] && [ "$(field e 10)" -ge 2048 ]; } || fail "polled: $(dmsetup status e)"
[ "$(field e 12)" = 0 ] || fail "errors: $(dmsetup status e)"
say "by interrupt: all $deferred reads deferred; polled: all $(field e 10) inline"
remove e

for sector in 512 4096; do
	ecache e $disk 8 $((size / 512)) "$WORK/key" sector_size:$sector
	OPERATIONS=200 python3 "$SRC/scripts/tests/dm-shapes.py" random /dev/mapper/e "$seed" "$WORK/model"
	crypt c $disk 8 $((size / 512)) "$WORK/key" sector_size:$sector
	cmp "$WORK/model" /dev/mapper/c || fail "dm-crypt reads other bytes"
	[ "$(field e 12)" = 0 ] || fail "errors: $(dmsetup status e)"
	remove c e
done
unload_module
