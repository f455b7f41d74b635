#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Reload and resize keep the key and keep REVOKED; a table of another volume is refused; I/O goes on across a reload. The module
# cannot be unloaded in use, and can be unloaded and loaded again afterwards.
. "$(dirname "$0")/lib.sh"

load_module
ram_disks 2 32
new_key "$WORK/key"
head -c 4M /dev/urandom > "$WORK/data"
half=32768 whole=65536
tail="aes-xts-plain64 64 0 /dev/ram0 0"

dm e "0 $half ecache $tail 1 sector_size:4096"
key_set e "$WORK/key"
dd if="$WORK/data" of=/dev/mapper/e bs=1M oflag=direct status=none

reload() {
	dmsetup reload e --table "$1" && dmsetup suspend e && dmsetup resume e
}

reload "0 $whole ecache $tail 1 sector_size:4096"
[ "$(state e)" = ACTIVE ] || fail "$(state e) after growing"
[ "$(sectors /dev/mapper/e)" = $whole ] || fail "did not grow"
cmp -n 4194304 "$WORK/data" /dev/mapper/e
reload "0 $half ecache $tail 1 sector_size:4096"
[ "$(state e)" = ACTIVE ] || fail "$(state e) after shrinking"
dmsetup suspend --noflush e
dmsetup reload e --table "0 $half ecache $tail 2 sector_size:4096 allow_discards"
dmsetup resume e
[ "$(state e)" = ACTIVE ] || fail "$(state e) after a reload while suspended"
cmp -n 4194304 "$WORK/data" /dev/mapper/e
say "grow, shrink, other options: the key stays"

differ='differ from the volume'
refused "$differ" dmsetup reload e --table "0 $half ecache aes-xts-plain64 64 0 /dev/ram1 0 1 sector_size:4096"
refused "$differ" dmsetup reload e --table "0 $half ecache aes-xts-plain64 64 0 /dev/ram0 8 1 sector_size:4096"
refused "$differ" dmsetup reload e --table "0 $half ecache aes-xts-plain64 64 8 /dev/ram0 0 1 sector_size:4096"
refused "$differ" dmsetup reload e --table "0 $half ecache aes-xts-plain64 32 0 /dev/ram0 0 1 sector_size:4096"
refused "$differ" dmsetup reload e --table "0 $half ecache $tail 1 sector_size:512"
refused 'key_id differs' dmsetup reload e --table \
	"0 $half ecache $tail 2 sector_size:4096 key_id:00000000000000000000000000000000"
[ "$(state e)" = ACTIVE ] || fail "$(state e) after refused reloads"
cmp -n 4194304 "$WORK/data" /dev/mapper/e
say "tables of another volume: refused"

fio --name=under --filename=/dev/mapper/e --direct=1 --rw=randrw --bs=4k-64k --ioengine=libaio --iodepth=8 --size=8M \
	--verify=crc32c --verify_fatal=1 --loops=2 --output="$WORK/fio" &
pid=$!
i=0
while [ $i -lt 10 ] && kill -0 $pid 2> /dev/null; do
	reload "0 $half ecache $tail 1 sector_size:4096"
	i=$((i + 1))
done
wait $pid || { cat "$WORK/fio"; fail "I/O failed across $i reloads"; }
say "$i reloads under verified I/O"

! rmmod dm_ecache 2> /dev/null || fail "unloaded while in use"
dmsetup message e 0 key revoke
reload "0 $whole ecache $tail 1 sector_size:4096"
[ "$(state e)" = REVOKED ] || fail "$(state e): a reload undid the revocation"
put_key "$WORK/key"
refused 'takes no key' dmsetup message e 0 key set "$KEYREF"
say "a reload keeps REVOKED"

remove e
unload_module
load_module
i=0
while [ $i -lt 8 ]; do
	ecache e /dev/ram0 0 $half "$WORK/key" sector_size:4096
	remove e
	i=$((i + 1))
done
unload_module
say "unload, load, 8 times create and remove"
