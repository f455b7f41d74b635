#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# engine:inline over a disk with inline encryption and over blk-crypto's own fallback: the bytes are dm-crypt's, the disk does the work
# (its counters say so), the key is evicted from it by wipe, revoke and removal; a revoke with requests at a disk that hangs returns
# at once and is REVOKING until the disk answers. Where blk-crypto is closed to modules the table is refused by name.
. "$(dirname "$0")/lib.sh"

load_module
ram_disks 1 64
new_key "$WORK/key"
size=$((AMOUNT << 12))
case $(uname -r) in
6.*)
	refused 'engine:inline needs a kernel (7.x)' dmsetup create e --table "0 2048 ecache aes-xts-plain64 64 0 /dev/ram0 0 1 engine:inline"
	unload_module
	say "kernel $KERNEL: refused by name"
	exit 0
	;;
esac

modprobe dm_crypt
head -c "$size" /dev/urandom > "$WORK/data"
refused 'needs sector_size:512 or iv_large_sectors' dmsetup create e --table \
	"0 2048 ecache aes-xts-plain64 64 0 /dev/ram0 0 2 engine:inline sector_size:4096"
refused 'engine:inline does XTS with 64' dmsetup create e --table "0 2048 ecache aes-xts-plain64 32 0 /dev/ram0 0 1 engine:inline"

fake=/sys/module/ecache_fake_inline/parameters
count() {
	cat "$fake/$1"
}

# same DISK OPTIONS...: what one writes the other reads
same() {
	disk=$1
	shift
	ecache e "$disk" 0 131072 "$WORK/key" engine:inline "$@"
	dd if="$WORK/data" of=/dev/mapper/e bs=1M oflag=direct status=none
	cmp -n "$size" "$WORK/data" /dev/mapper/e || fail "does not read what it wrote"
	fio --name=v --filename=/dev/mapper/e --direct=1 --rw=randrw --bsrange=4k-64k --blockalign=4k --ioengine=libaio --iodepth=8 --size=4M \
		--io_size="$size" --offset=8M --verify=crc32c --verify_fatal=1 --output="$WORK/fio" || fail "fio: $(cat "$WORK/fio")"
	driver=$(field e 3)
	[ "$(field e 2)" = inline ] || fail "engine $(field e 2)"
	remove e
	crypt c "$disk" 0 131072 "$WORK/key" "$@"
	cmp -n "$size" "$WORK/data" /dev/mapper/c || fail "dm-crypt reads other bytes ($*)"
	remove c
}

same /dev/ram0 sector_size:512
[ "$driver" = blk-crypto-fallback ] || fail "a RAM disk encrypts by $driver"
same /dev/ram0 sector_size:4096 iv_large_sectors
say "the fallback writes dm-crypt's bytes"

insmod "$MODULES/ecache_fake_inline.ko" size_mb=64
for sector in 512 4096; do
	same /dev/ecfi0 sector_size:$sector iv_large_sectors
	[ "$driver" = blk-crypto ] || fail "a disk with inline encryption is $driver"
done
[ "$(count encrypted)" -gt $((AMOUNT / 10)) ] || fail "the disk encrypted $(count encrypted) requests"
[ "$(count programmed)/$(count slots_used)" != "0/0" ] || fail "no keyslot was ever used"
[ "$(count slots_used)" = 0 ] || fail "$(count slots_used) keys are left in the disk after the volumes are gone"
[ "$(count programmed)" = "$(count evicted)" ] || fail "programmed $(count programmed), evicted $(count evicted)"
say "the disk does the work: $(count encrypted) requests, keys programmed $(count programmed), evicted $(count evicted)"

ends_in() {
	[ "$(state e)" = "$1" ]
}

ecache e /dev/ecfi0 0 131072 "$WORK/key" engine:inline
dd if=/dev/mapper/e of=/dev/null bs=4k count=8 iflag=direct status=none
[ "$(count slots_used)" = 1 ] || fail "slots $(count slots_used)"
dmsetup message e 0 key wipe
until_true ends_in LOCKED || fail "$(state e) after a wipe"
[ "$(count slots_used)" = 0 ] || fail "a wiped key is still in the disk"
! dd if=/dev/mapper/e of=/dev/null bs=4k count=1 iflag=direct status=none 2> /dev/null || fail "reads without a key"
key_set e "$WORK/key"
cmp -n 65536 "$WORK/data" /dev/mapper/e > /dev/null || true
say "wipe evicts the key"

echo 1 > $fake/hold
dd if=/dev/mapper/e of=/dev/null bs=4k count=1 iflag=direct status=none 2> /dev/null &
reader=$!
at_disk() {
	[ "$(count queued)" -ge 1 ]
}
until_true at_disk || fail "nothing reached the disk"
start=$(now_ms)
dmsetup message e 0 key revoke
took=$(($(now_ms) - start))
[ $took -lt 5000 ] || fail "revoke waited for the disk: $took ms"
sleep 0.3
[ "$(state e)" = REVOKING ] || fail "the disk holds the key and the state is $(state e)"
[ "$(count slots_used)" = 1 ] || fail "evicted under a request"
put_key "$WORK/key"
refused 'takes no key ever again' dmsetup message e 0 key set "$KEYREF"
echo 0 > $fake/hold
if wait $reader; then
	fail "a read that was with the disk when the key went succeeded"
fi
until_true ends_in REVOKED || fail "$(state e) after the disk answered"
[ "$(count slots_used)" = 0 ] || fail "a revoked key is still in the disk"
remove e
say "revoke with a disk that hangs: $took ms, REVOKING, and REVOKED with the key evicted when it answered"

# Other ciphers that blk-crypto has, by its fallback.
new_key "$WORK/key" 32
CIPHER=xchacha12,aes-adiantum-plain64
if dmsetup create probe --table "0 2048 ecache $CIPHER 32 0 /dev/ram0 0 1 engine:inline" 2> /dev/null; then
	remove probe
	same /dev/ram0 sector_size:512
	say "Adiantum by the fallback"
else
	say "this kernel's fallback has no Adiantum"
fi
rmmod ecache_fake_inline
unload_module
