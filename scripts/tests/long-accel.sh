#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Kernels: 7.3 6.12 6.1
# Guest: --smp 2 --qemu -object --qemu cryptodev-backend-builtin,id=crypto0 --qemu -device --qemu virtio-crypto-pci,cryptodev=crypto0
#
# engine:accel with asynchronous drivers of the kernel itself: virtio-crypto's cbc(aes) in a device of QEMU, and cryptd (6.x), which encrypts in a
# worker of its own. Each does all the work, none of it is redone, dm-crypt reads and writes the same bytes, the key goes at wipe.
# pcrypt is a template for AEAD only, so for it there is no disk cipher, and the constructor says so.
. "$(dirname "$0")/lib.sh"

load_module
modprobe dm_crypt
ram_disks 1 16
head -c 4M /dev/urandom > "$WORK/data"
head -c 4M /dev/urandom > "$WORK/other"

# load_fio: what fio writes it reads back
load_fio() {
	fio --name=v --filename=/dev/mapper/e --direct=1 --rw=randrw --bsrange=4k-256k --blockalign=4k --ioengine=libaio --iodepth=16 \
		--offset=4M --size=4M --verify=crc32c --verify_fatal=1 --output="$WORK/fio" || {
		cat "$WORK/fio"
		fail "fio on $driver"
	}
}

# by DRIVER CIPHER KEY-BYTES: the whole of it, with that driver
by() {
	driver=$1 CIPHER=$2
	grep -qF ": $driver" /proc/crypto || say "($driver is not there yet: the constructor makes it)"
	new_key "$WORK/key" "$3"
	ecache e /dev/ram0 0 16384 "$WORK/key" sector_size:4096 engine:accel "driver:$driver"
	[ "$(field e 2)/$(field e 3)" = "accel/$driver" ] || fail "$(dmsetup status e)"
	dd if="$WORK/data" of=/dev/mapper/e bs=128k oflag=direct status=none
	dd if=/dev/mapper/e of="$WORK/back" bs=128k count=32 iflag=direct status=none
	cmp "$WORK/data" "$WORK/back" || fail "$driver does not read what it wrote"
	load_fio
	bios=$(($(stat_of e reads) + $(stat_of e writes)))
	# what looks for partitions or file systems reads too
	{ [ "$(stat_of e accel)" -ge 64 ] && [ "$(stat_of e accel)" -ge $((bios - 1)) ]; } || fail "$(stat_of e accel) of $bios bios by $driver"
	[ "$(stat_of e redone)/$(stat_of e demotions)/$(field e 12)" = 0/0/0 ] || fail "$(dmsetup message e 0 stats)"
	done_by=$(stat_of e accel)
	cp "$WORK/key" "$WORK/same"
	dmsetup message e 0 key wipe
	until_true is_locked || fail "after key wipe: $(dmsetup status e)"
	! dd if=/dev/mapper/e of=/dev/null bs=4k count=1 iflag=direct status=none 2> /dev/null || fail "reads without a key"
	remove e

	crypt c /dev/ram0 0 16384 "$WORK/same" sector_size:4096
	cmp -n 4194304 "$WORK/data" /dev/mapper/c || fail "dm-crypt reads other bytes than $driver wrote"
	dd if="$WORK/other" of=/dev/mapper/c bs=128k oflag=direct status=none
	remove c
	ecache e /dev/ram0 0 16384 "$WORK/same" sector_size:4096 engine:accel "driver:$driver"
	cmp -n 4194304 "$WORK/other" /dev/mapper/e || fail "$driver reads other bytes than dm-crypt wrote"
	remove e
	say "$CIPHER by $driver: $done_by bios, none redone, dm-crypt's bytes"
}

is_locked() {
	[ "$(state e)" = LOCKED ]
}

modprobe virtio_crypto || fail "no driver for virtio-crypto"
until_true grep -q virtio_crypto_aes_cbc /proc/crypto || fail "the device offers no cbc(aes): $(dmesg | grep -i virtio_crypto)"
for bytes in 16 32; do
	by virtio_crypto_aes_cbc aes-cbc-essiv:sha256 $bytes
done

case $KERNEL in
6.*)
	modprobe cryptd
	by 'cryptd(__xts-aes-aesni)' aes-xts-plain64 64
	by 'cryptd(__cbc-aes-aesni)' aes-cbc-essiv:sha256 32
	;;
*) say "this kernel comes without cryptd" ;;
esac

modprobe pcrypt
table="0 16384 ecache aes-xts-plain64 64 0 /dev/ram0 0 2 engine:accel"
for inner in xts-aes-aesni 'xts(aes)'; do
	refused 'driver' dmsetup create e --table "$table driver:pcrypt($inner)"
done
say "pcrypt refused: $(sed -n "s/.*ecache: //p" "$WORK/refused" | head -n 1)"
unload_module
