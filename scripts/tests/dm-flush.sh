#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Flushes, FUA and discards reach the disk as they came: fsync makes one flush below, a FUA write arrives as FUA or as write and flush, a file system's
# journal costs the disk the same flushes and writes, in the same order, as through dm-linear (where the kernel can, a flush with data stays one bio);
# discards pass only with allow_discards, write zeroes never turn into zeroes on the disk.
. "$(dirname "$0")/lib.sh"

load_module
new_key "$WORK/key"
modprobe null_blk nr_devices=0
mkdir /sys/kernel/config/nullb/nullb0
( cd /sys/kernel/config/nullb/nullb0 && echo 64 > size && echo 1 > memory_backed && echo 8 > cache_size && echo 1 > discard &&
	echo 4096 > blocksize && echo 1 > power )
disk=/dev/nullb0
name=nullb0
length=$(sectors "$disk")
tracing=/sys/kernel/tracing
[ -e $tracing/events ] || mount -t tracefs tracefs $tracing

# bios: the same of bios that carry a flush or FUA, as they arrive at the disk
bios() {
	echo > $tracing/trace
	echo 1 > $tracing/events/block/block_bio_queue/enable
	"$@"
	echo 0 > $tracing/events/block/block_bio_queue/enable
	dev=$(tr : , < "/sys/block/$name/dev")
	sed -n "s/.*block_bio_queue: $dev \([A-Z]*F[A-Z]*\) .*/\1/p" $tracing/trace > "$WORK/below"
}

# below: the kinds of requests that reached the disk while COMMAND ran, one letter word a line (W, WFS, F, D...)
below() {
	echo > $tracing/trace
	echo 1 > $tracing/events/block/block_rq_issue/enable
	"$@"
	echo 0 > $tracing/events/block/block_rq_issue/enable
	dev=$(tr : , < "/sys/block/$name/dev")
	sed -n "s/.*block_rq_issue: $dev \([A-Z]*\) .*/\1/p" $tracing/trace > "$WORK/below"
}

ecache e "$disk" 0 "$length" "$WORK/key" sector_size:4096

below python3 -c 'import os; fd = os.open("/dev/mapper/e", os.O_RDWR); os.fsync(fd)'
[ "$(grep -c F "$WORK/below")" -ge 1 ] || fail "fsync made no flush below: $(cat "$WORK/below")"
say "fsync: $(tr '\n' ' ' < "$WORK/below")"

below dd if=/dev/urandom of=/dev/mapper/e bs=4k count=1 oflag=direct,dsync status=none
grep -q W "$WORK/below" || fail "no write below"
grep -q F "$WORK/below" || fail "a synchronous write made neither flush nor FUA below: $(cat "$WORK/below")"
say "O_DSYNC write: $(tr '\n' ' ' < "$WORK/below")"

# flushes NAME: what the disk gets of a direct write with RWF_DSYNC, and of an fsync in ext4, on the volume of that name
flushes() {
	bios python3 -c "import mmap, os
fd = os.open('/dev/mapper/$1', os.O_RDWR | os.O_DIRECT)
os.pwritev(fd, [mmap.mmap(-1, 4096)], 0, os.RWF_DSYNC)"
	cp "$WORK/below" "$WORK/$1"
	mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 -J size=4 "/dev/mapper/$1" 16M
	mount -t ext4 -o commit=300 "/dev/mapper/$1" "$WORK/mnt"
	bios dd if=/dev/urandom of="$WORK/mnt/file" bs=64k count=1 conv=fsync status=none
	umount "$WORK/mnt"
	cat "$WORK/below" >> "$WORK/$1"
}

mkdir "$WORK/mnt"
flushes e
dm linear "0 $length linear $disk 0"
flushes linear
remove linear
cmp "$WORK/e" "$WORK/linear" || fail "the disk gets $(tr '\n' ' ' < "$WORK/e"), by dm-linear $(tr '\n' ' ' < "$WORK/linear")"
say "RWF_DSYNC write, ext4's fsync: $(tr '\n' ' ' < "$WORK/e"), as by dm-linear"

! blkdiscard -f /dev/mapper/e 2> /dev/null || fail "a discard passed without allow_discards"
[ "$(cat "/sys/dev/block/$(dmsetup info -c --noheadings --separator : -o major,minor e)/queue/discard_max_bytes")" = 0 ] || fail "discards offered"
remove e

ecache e "$disk" 0 "$length" "$WORK/key" sector_size:4096 allow_discards
dd if=/dev/urandom of=/dev/mapper/e bs=1M count=4 oflag=direct status=none
below blkdiscard -o 1048576 -l 1048576 /dev/mapper/e
grep -q D "$WORK/below" || fail "no discard below"
say "discard: $(tr '\n' ' ' < "$WORK/below")"
dmsetup message e 0 key wipe
! blkdiscard -f /dev/mapper/e 2> /dev/null || fail "a discard passed on a LOCKED volume"
key_set e "$WORK/key"

blkdiscard -z -o 2097152 -l 1048576 /dev/mapper/e
dd if=/dev/mapper/e bs=1M skip=2 count=1 iflag=direct status=none | cmp -n 1048576 - /dev/zero ||
	fail "zeroed out, but does not read as zeroes"
dd if="$disk" bs=1M skip=2 count=1 iflag=direct status=none > "$WORK/raw"
if cmp -s -n 4096 "$WORK/raw" /dev/zero; then
	fail "zeroes on the disk where ciphertext is due"
fi
say "write zeroes: read back as zeroes, ciphertext on the disk"
remove e
unload_module
