#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Kernels: debug 7.3
# Guest: --smp 2
#
# dm-shapes at length, with two processors, so that large bios are spread over both; then file systems whose pages are in large folios.
. "$(dirname "$0")/lib.sh"

load_module
echo 131072 > /sys/module/dm_ecache/parameters/parallel_bytes
modprobe dm_crypt
new_key "$WORK/key"
ram_disks 1 400
size=$((8 << 20))
seed=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
say "SEED=$seed"

operations=400
[ "$KERNEL" != debug ] || operations=80	# each takes ten times as long
for sector in 512 1024 4096; do
	ecache e /dev/ram0 8 $((size / 512)) "$WORK/key" sector_size:$sector
	OPERATIONS=$operations python3 "$SRC/scripts/tests/dm-shapes.py" random /dev/mapper/e "$seed" "$WORK/model"
	crypt c /dev/ram0 8 $((size / 512)) "$WORK/key" sector_size:$sector
	cmp "$WORK/model" /dev/mapper/c || fail "dm-crypt reads other bytes"
	[ "$(field e 12)" = 0 ] || fail "errors: $(dmsetup status e)"
	say "$(stat_of e parallel) bios on two processors"
	remove c e
	seed=$((seed + 1))
done

mkdir "$WORK/mnt"
head -c $((AMOUNT << 15)) /dev/urandom > "$WORK/data"
for fs in xfs ext4; do
	ecache e /dev/ram0 0 "$(sectors /dev/ram0)" "$WORK/key" sector_size:4096
	"mkfs.$fs" -q /dev/mapper/e
	mount -t $fs /dev/mapper/e "$WORK/mnt"
	dd if="$WORK/data" of="$WORK/mnt/whole" bs=4M status=none
	dd if="$WORK/data" of="$WORK/mnt/odd" bs=77777 status=none
	dd if="$WORK/data" of="$WORK/mnt/direct" bs=1M oflag=direct status=none
	umount "$WORK/mnt"
	mount -t $fs /dev/mapper/e "$WORK/mnt"
	for file in whole odd direct; do
		cmp "$WORK/data" "$WORK/mnt/$file" || fail "$fs: $file has other bytes"
	done
	umount "$WORK/mnt"
	[ "$(field e 12)" = 0 ] || fail "errors: $(dmsetup status e)"
	say "$fs: $(($(field e 9) / $(field e 7) / 2)) KiB a write, $(($(field e 8) / $(field e 6) / 2)) KiB a read"
	remove e
done
unload_module
