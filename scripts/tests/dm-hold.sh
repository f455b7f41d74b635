#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# queue_if_locked: I/O on a LOCKED volume waits for the key, comes back when it is set, and in order of truth: with the right data.
# It does not wait on a REVOKED volume, past the time given, across a suspend, nor when the submitter would not.
. "$(dirname "$0")/lib.sh"

load_module
ram_disks 1 16
new_key "$WORK/key"
size=$(sectors /dev/ram0)
table="0 $size ecache aes-xts-plain64 64 0 /dev/ram0 0"

read_one() {
	dd if=/dev/mapper/e of="$WORK/read" bs=4k count=1 iflag=direct status=none 2> /dev/null
}

held() {
	dmsetup message e 0 stats | sed -n 's/^held //p'
}

# wait_held N: until N more bios were held since mark_held
mark_held() {
	held_before=$(held)
}

wait_held() {
	i=0
	while [ "$(held)" -lt $((held_before + $1)) ]; do
		sleep 0.1
		i=$((i + 1))
		[ $i -lt 100 ] || fail "held $(held), not $1 more than $held_before"
	done
}

ends_within() {
	i=0
	while kill -0 "$1" 2> /dev/null; do
		sleep 0.1
		i=$((i + 1))
		[ $i -lt "$2" ] || fail "still waits after $2 tenths of a second"
	done
}

dm e "$table 2 sector_size:4096 queue_if_locked"
key_set e "$WORK/key"
head -c 4096 /dev/urandom > "$WORK/data"
head -c 2M /dev/urandom > "$WORK/more"
dd if="$WORK/data" of=/dev/mapper/e bs=4k oflag=direct status=none
dmsetup message e 0 key wipe

mark_held
read_one &
reader=$!
dd if="$WORK/more" of=/dev/mapper/e bs=2M seek=1 oflag=direct status=none 2> /dev/null &
writer=$!
wait_held 2
{ kill -0 $reader && kill -0 $writer; } || fail "did not wait"
[ "$(state e)" = LOCKED ] || fail "$(state e)"
key_set e "$WORK/key"
wait $reader || fail "the read failed after the key came"
wait $writer || fail "the write failed after the key came"
cmp "$WORK/read" "$WORK/data" || fail "other data than was written"
dd if=/dev/mapper/e bs=2M skip=1 count=1 iflag=direct status=none | cmp - "$WORK/more" || fail "the held write is not there"
say "a read and a write of 2 MiB waited for the key and were right"

dmsetup message e 0 key wipe
python3 - <<-'END' &
	import os, mmap, sys
	fd = os.open("/dev/mapper/e", os.O_RDONLY | os.O_DIRECT)
	buf = mmap.mmap(-1, 4096)
	try:
	    os.preadv(fd, [buf], 0, os.RWF_NOWAIT)
	except OSError as e:
	    print("  NOWAIT on a LOCKED volume:", os.strerror(e.errno))
	    sys.exit(1)
	END
reader=$!
ends_within $reader 100
if wait $reader; then
	fail "a NOWAIT read succeeded without a key"
fi
say "a NOWAIT read did not wait"

mark_held
read_one &
reader=$!
wait_held 1
dmsetup message e 0 key revoke
ends_within $reader 50
if wait $reader; then
	fail "a held read succeeded by a revoke"
fi
! read_one || fail "a REVOKED volume reads"
say "revoke ended what waited, and nothing waits any more"
remove e

# long enough for a key to be set meanwhile, which on the debug kernel takes ten seconds
patience=2
[ "$KERNEL" != debug ] || patience=30
dm e "$table 2 sector_size:4096 queue_if_locked:$patience"
[ "$(dmsetup table e | grep -c "queue_if_locked:$patience")" = 1 ] || fail "table: $(dmsetup table e)"
start=$(now_ms)
read_one &
reader=$!
ends_within $reader $((patience * 10 + 60))
took=$(($(now_ms) - start))
! wait $reader || fail "read without a key"
{ [ $took -ge $((patience * 1000 - 500)) ] && [ $took -le $((patience * 1000 + 13000)) ]; } ||
	fail "queue_if_locked:$patience gave up after $took ms"
held=$(stat_of e held)
! read_one || fail "read without a key"
[ "$(stat_of e held)" = "$held" ] || fail "waits again after the time was over"
key_set e "$WORK/key"
read_one || fail "does not read with the key"
dmsetup message e 0 key wipe
mark_held
read_one &
reader=$!
wait_held 1
key_set e "$WORK/key"
wait $reader || fail "after a key it does not wait again"
say "gave up after $patience s ($took ms), at once afterwards, waits again after a key"
remove e

dm e "$table 2 sector_size:4096 queue_if_locked"
mark_held
read_one &
reader=$!
wait_held 1
dmsetup suspend e
if wait $reader; then
	fail "a held read succeeded by a suspend"
fi
dmsetup resume e
# more than once: device-mapper may send what it got back before it has stopped everything
round=0 rounds=10
[ "$KERNEL" != debug ] || rounds=2
while [ $round -lt $rounds ]; do
	round=$((round + 1))
	dmsetup message e 0 key wipe
	mark_held
	read_one &
	reader=$!
	wait_held 1
	dmsetup suspend --noflush --nolockfs e
	kill -0 $reader || fail "a noflush suspend ended the read, in round $round"
	dmsetup resume e
	key_set e "$WORK/key"
	wait $reader || fail "the read failed after a noflush suspend, in round $round"
done
say "a suspend ends what waits; a noflush suspend keeps it"

dmsetup message e 0 key wipe
head -c 64 /dev/urandom | keyctl padd user ecache-test:user @u > /dev/null
refused 'only logon keys' dmsetup message e 0 key set :64:user:ecache-test:user
keyctl unlink "$(keyctl search @u user ecache-test:user)" @u

mark_held
read_one &
reader=$!
wait_held 1
dmsetup remove --force e 2> /dev/null || true
if wait $reader; then
	fail "a held read succeeded by the removal"
fi
dmsetup remove --retry e 2> /dev/null || true
say "removal ends what waits"
unload_module
