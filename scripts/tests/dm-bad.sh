#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Wrong tables and messages are refused with one clear line each; nothing is left behind, nothing changes.
. "$(dirname "$0")/lib.sh"

load_module
ram_disks 1 16
new_key "$WORK/key"
size=$(sectors /dev/ram0)

# bad TEXT LENGTH ARGUMENTS...
bad() {
	text=$1 length=$2
	shift 2
	refused "$text" dmsetup create bad --table "0 $length ecache $*"
	! dmsetup info bad > /dev/null 2>&1 || fail "a device is left of: $*"
}

bad 'Not enough arguments' "$size" aes-xts-plain64 64 0 /dev/ram0
bad 'Unsupported cipher' "$size" serpent-xts-plain64 64 0 /dev/ram0 0
bad 'Invalid key size' "$size" aes-xts-plain64 63 0 /dev/ram0 0
bad 'Invalid iv_offset' "$size" aes-xts-plain64 64 zero /dev/ram0 0
bad 'Invalid device offset' "$size" aes-xts-plain64 64 0 /dev/ram0 -8
bad 'Device lookup failed' "$size" aes-xts-plain64 64 0 /dev/does-not-exist 0
bad 'Number of options' "$size" aes-xts-plain64 64 0 /dev/ram0 0 2 sector_size:512
bad 'Unknown option' "$size" aes-xts-plain64 64 0 /dev/ram0 0 1 no_read_workqueue
bad 'Option given twice' "$size" aes-xts-plain64 64 0 /dev/ram0 0 2 allow_discards allow_discards
bad 'Invalid sector_size' "$size" aes-xts-plain64 64 0 /dev/ram0 0 1 sector_size:8192
bad 'not a multiple of sector_size' $((size - 1)) aes-xts-plain64 64 0 /dev/ram0 0 1 sector_size:4096
bad 'Device offset is not a multiple' 8 aes-xts-plain64 64 0 /dev/ram0 1 1 sector_size:4096
bad 'iv_offset is not a multiple' "$size" aes-xts-plain64 64 1 /dev/ram0 0 2 sector_size:4096 iv_large_sectors
bad 'past 64 bits' "$size" aes-xts-plain64 64 18446744073709551615 /dev/ram0 0
bad 'too small' $((size + 8)) aes-xts-plain64 64 0 /dev/ram0 0
bad 'too small' "$size" aes-xts-plain64 64 0 /dev/ram0 8
bad 'too small' 8 aes-xts-plain64 64 0 /dev/ram0 18446744073709551608
bad 'Unsupported engine' "$size" aes-xts-plain64 64 0 /dev/ram0 0 1 engine:gpu
bad 'Invalid key_id' "$size" aes-xts-plain64 64 0 /dev/ram0 0 1 key_id:12
bad 'Invalid cache_id' "$size" aes-xts-plain64 64 0 /dev/ram0 0 1 cache_id:a/b
say "wrong tables"

modprobe null_blk nr_devices=0
mkdir /sys/kernel/config/nullb/nullb0
( cd /sys/kernel/config/nullb/nullb0 && echo 1 > zoned && echo 64 > size && echo 4 > zone_size && echo 1 > memory_backed &&
	echo 1 > power )
zoned=/dev/nullb0
bad 'Zoned devices' 8192 aes-xts-plain64 64 0 "$zoned" 0
rmdir /sys/kernel/config/nullb/nullb0
say "zoned device"

dm e "0 $size ecache aes-xts-plain64 64 0 /dev/ram0 0"
refused 'unknown message' dmsetup message e 0 nonsense
refused 'unknown message' dmsetup message e 0 key
refused 'unknown message' dmsetup message e 0 key set
refused 'unknown message' dmsetup message e 0 key wipe now
refused "size is not the table's" dmsetup message e 0 key set 00112233
refused 'not hex' dmsetup message e 0 key set "$(printf '%0128d' 0 | tr 0 x)"
refused 'are its halves equal' dmsetup message e 0 key set "$(printf '%0128d' 0)"
refused 'of the form' dmsetup message e 0 key set :64:logon
refused 'unknown key type' dmsetup message e 0 key set :64:asymmetric:x
refused 'no such key' dmsetup message e 0 key set :64:logon:ecache-test:nobody
head -c 32 /dev/urandom | keyctl padd logon ecache-test:short @u > /dev/null
refused "size is not the table's" dmsetup message e 0 key set :64:logon:ecache-test:short
refused "size is not the table's" dmsetup message e 0 key set :32:logon:ecache-test:short
[ "$(state e)" = LOCKED ] || fail "a refused key left $(state e)"
[ "$(field e 4)" = - ] || fail "a refused key pinned an id"
key_set e "$WORK/key"
say "wrong messages"
remove e
unload_module
