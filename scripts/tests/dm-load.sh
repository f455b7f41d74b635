#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Wipe and revoke under load: nothing reads or writes afterwards, and what was acknowledged before is there after the key is set
# again. The disk completes in interrupt context, so reads are deferred too. A message waits for no disk and for no writer: 32 jobs that
# write, a disk that sits on every request for 20 seconds, a suspended device below do not hold it up.
. "$(dirname "$0")/lib.sh"

load_module
new_key "$WORK/key"
modprobe null_blk nr_devices=0
mkdir /sys/kernel/config/nullb/nullb0
( cd /sys/kernel/config/nullb/nullb0 && echo 128 > size && echo 1 > memory_backed && echo 2 > irqmode &&
	echo 20000 > completion_nsec && echo 4096 > blocksize && echo 1 > power )
disk=/dev/nullb0
length=$(sectors "$disk")
size=$((AMOUNT << 15))
max=0

# message_time WORDS...: sends it; ten seconds leave room for a slow emulator, not for a disk that takes twenty
message_time() {
	start=$(now_ms)
	dmsetup message e 0 "$@"
	took=$(($(now_ms) - start))
	[ $took -le 10000 ] || fail "$* took $took ms"
	[ $took -le $max ] || max=$took
}

# load JOBS PATTERN
load() {
	fio --name=load --filename=/dev/mapper/e --direct=1 --rw="$2" --bsrange=4k-256k --ioengine=libaio --iodepth=16 --numjobs="$1" \
		--thread --time_based --runtime=60 --offset=32M --size=96M --group_reporting --output="$WORK/fio" 2> /dev/null &
	pid=$!
	sleep 1
	kill -0 $pid 2> /dev/null || { cat "$WORK/fio"; fail "the load did not start"; }
}

ecache e "$disk" 0 "$length" "$WORK/key" sector_size:4096
head -c "$size" /dev/urandom > "$WORK/data"
dd if="$WORK/data" of=/dev/mapper/e bs=1M oflag=direct status=none

for round in 4/randrw 4/randrw 32/randwrite; do
	load ${round%/*} ${round#*/}
	message_time key wipe
	[ "$(state e)" = LOCKED ] || fail "$(state e)"
	! dd if=/dev/mapper/e of=/dev/null bs=4k count=1 iflag=direct status=none 2> /dev/null || fail "read after wipe"
	if wait $pid; then
		fail "the load went on without a key"
	fi
	grep -q 'Input/output error' "$WORK/fio" || { cat "$WORK/fio"; fail "the load ended with another error than EIO"; }
	key_set e "$WORK/key"
	cmp -n "$size" "$WORK/data" /dev/mapper/e || fail "data lost after $round"
	dd if=/dev/mapper/e of=/dev/null bs=1M skip=32 count=$((AMOUNT * 3 / 32)) iflag=direct status=none
done
say "3 wipes under load; slowest message $max ms"
[ "$(field e 11)" -gt 0 ] || fail "no read was deferred: $(dmsetup status e)"
say "reads decrypted in the completion: $(field e 10), deferred: $(field e 11)"

load 32 randwrite
message_time key revoke
[ "$(state e)" = REVOKED ] || fail "$(state e)"
if wait $pid; then
	fail "the load went on after revoke"
fi
put_key "$WORK/key"
refused 'takes no key' dmsetup message e 0 key set "$KEYREF"
say "revoke under load: slowest message $max ms"
remove e

dm below "0 $length linear $disk 0"
ecache e /dev/mapper/below 0 "$length" "$WORK/key" sector_size:4096
dmsetup suspend below
dd if=/dev/zero of=/dev/mapper/e bs=1M count=32 oflag=direct status=none 2> /dev/null &
pid=$!
dd if=/dev/mapper/e of=/dev/null bs=4k count=1 iflag=direct status=none 2> /dev/null &
reader=$!
sleep 1
max=0
message_time key wipe
[ "$(state e)" = LOCKED ] || fail "$(state e)"
key_set e "$WORK/key"
message_time key revoke
[ "$(state e)" = REVOKED ] || fail "$(state e)"
{ kill -0 $pid && kill -0 $reader; } || fail "I/O did not wait for the suspended device: this proves nothing"
dmsetup resume below
if wait $reader; then
	fail "a read that was below when the key went succeeded"
fi
wait $pid || true
say "wipe, set and revoke with a suspended device below: slowest message $max ms"
remove e below

modprobe dm_delay
dm slow "0 $length delay $disk 0 20000"
ecache e /dev/mapper/slow 0 "$length" "$WORK/key" sector_size:4096
dd if=/dev/mapper/e of=/dev/null bs=4k count=1 iflag=direct status=none 2> /dev/null &
pid=$!
sleep 1
message_time key wipe
[ "$(state e)" = LOCKED ] || fail "$(state e)"
kill -0 $pid || fail "the read did not wait for the slow disk: this proves nothing"
if wait $pid; then
	fail "a read that was with the disk when the key went succeeded"
fi
say "wipe with a disk that hangs: $took ms; the read ended in EIO"
remove e slow
unload_module
