#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# I/O of random shapes against a model in memory: direct and buffered; one sector to 4 MiB; buffers at every offset that the volume allows, in
# one piece or many, in small and in huge pages; refused where it does not allow them. Huge pages stay whole (a 4 MiB read is few
# bios, not a thousand). dm-crypt then reads the same bytes from the disk. Through a SCSI target that passes any buffer on, crypto sectors in pieces: right where
# each piece is a multiple of 16 bytes, else EIO, never wrong data.
. "$(dirname "$0")/lib.sh"

load_module
modprobe dm_crypt
new_key "$WORK/key"
ram_disks 1 16
size=$((8 << 20))
seed=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
say "SEED=$seed"

for sector in 512 4096; do
	ecache e /dev/ram0 8 $((size / 512)) "$WORK/key" sector_size:$sector
	python3 "$SRC/scripts/tests/dm-shapes.py" random /dev/mapper/e "$seed" "$WORK/model"
	crypt c /dev/ram0 8 $((size / 512)) "$WORK/key" sector_size:$sector
	cmp "$WORK/model" /dev/mapper/c || fail "dm-crypt reads other bytes"
	[ "$(field e 12)" = 0 ] || fail "errors: $(dmsetup status e)"
	remove c e
done

# a disk that takes any address; a target that passes on any
if ! modprobe -q tcm_loop; then
	lacks "SCSI target"
	unload_module
	exit 0
fi
modprobe sd_mod
modprobe scsi_debug dev_size_mb=16 delay=0
target=/sys/kernel/config/target
naa=naa.5001405000000000

ecache e "$(scsi_disk scsi_debug)" 0 16384 "$WORK/key" sector_size:4096
mkdir -p $target/core/iblock_0/e
echo udev_path=/dev/mapper/e > $target/core/iblock_0/e/control
echo 1 > $target/core/iblock_0/e/enable
mkdir -p $target/loopback/$naa/tpgt_1/lun/lun_0
echo naa.5001405000000001 > $target/loopback/$naa/tpgt_1/nexus
ln -s $target/core/iblock_0/e $target/loopback/$naa/tpgt_1/lun/lun_0/e
san=$(scsi_disk tcm_loop)
[ -b "$san" ] || fail "no disk by the SCSI target: '$san'"
python3 "$SRC/scripts/tests/dm-shapes.py" pieces "$san" "$seed" "$WORK/model"
rm $target/loopback/$naa/tpgt_1/lun/lun_0/e
rmdir $target/loopback/$naa/tpgt_1/lun/lun_0 $target/loopback/$naa/tpgt_1 $target/loopback/$naa $target/core/iblock_0/e \
	$target/core/iblock_0
crypt c "$(scsi_disk scsi_debug)" 0 16384 "$WORK/key" sector_size:4096
cmp "$WORK/model" /dev/mapper/c || fail "dm-crypt reads other bytes"
remove c e
rmdir $target/loopback
rmmod tcm_loop scsi_debug
unload_module
