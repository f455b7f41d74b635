#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# engine:accel with a fake accelerator: the bytes are dm-crypt's; the device works on pages of the target only; whatever it does, slow,
# in another order, full, broken or stuck, no write is lost and no read is wrong. A device that does not answer is out of work: cpu
# goes on, what it holds is in quarantine until it gives it back, late, and the volume is REVOKING as long as it holds the key.
. "$(dirname "$0")/lib.sh"

load_module
modprobe dm_crypt
insmod "$MODULES/ecache_fake_accel.ko"
fake=/sys/module/ecache_fake_accel/parameters
timeout=/sys/module/dm_ecache/parameters/accel_timeout_ms
ram_disks 1 64
new_key "$WORK/key"
size=$((AMOUNT << 12))
head -c "$size" /dev/urandom > "$WORK/data"
options="engine:accel driver:xts-aes-ecache-fake"

fake() {
	echo "$2" > "$fake/$1"
}

count() {
	cat "$fake/$1"
}

# verify: what fio writes it reads back
verify() {
	fio --name=v --filename=/dev/mapper/e --direct=1 --rw=randrw --bsrange=4k-256k --blockalign=4k --ioengine=libaio --iodepth=16 \
		--size=8M --io_size=$((AMOUNT * 8))k --offset=8M --verify=crc32c --verify_fatal=1 --output="$WORK/fio" || {
		cat "$WORK/fio"
		fail "fio on a device that is $what"
	}
}

fake dma_align 64
fake dma_apart 1
# shellcheck disable=SC2086 # words
ecache e /dev/ram0 0 131072 "$WORK/key" sector_size:4096 $options
[ "$(field e 2)/$(field e 3)" = accel/xts-aes-ecache-fake ] || fail "$(dmsetup status e)"
dd if="$WORK/data" of=/dev/mapper/e bs=1M oflag=direct status=none
cmp -n "$size" "$WORK/data" /dev/mapper/e
[ "$(count requests)" -ge $((size / 2048)) ] || fail "the accelerator saw $(count requests) requests for twice $size bytes in 4096-byte sectors"
[ "$(count misaligned)/$(count shared)" = 0/0 ] || fail "misaligned $(count misaligned), shared $(count shared)"
crypt c /dev/ram0 0 131072 "$WORK/key" sector_size:4096
cmp -n "$size" "$WORK/data" /dev/mapper/c || fail "dm-crypt reads other bytes"
remove c
say "dm-crypt's bytes; $(count requests) requests, aligned, source and destination apart"

for kind in 'delay_us 300' 'context softirq' 'context hardirq' 'order random' 'order reverse' 'depth 2' 'fail_every 7' 'error_every 9'; do
	what=$kind
	default=$(count "${kind% *}")
	# shellcheck disable=SC2086 # a parameter and its value
	fake $kind
	[ "$kind" != 'order random' ] || fake delay_us 200
	verify
	case $kind in
	depth*) [ "$(stat_of e backlog)" -gt 0 ] || fail "no request was backlogged" ;;
	fail_every* | error_every*) [ "$(stat_of e redone)" -gt 0 ] || fail "nothing was redone by cpu" ;;
	esac
	fake delay_us 0
	fake "${kind% *}" "$default"
	say "$kind: right; backlog $(stat_of e backlog), redone $(stat_of e redone)"
done
[ "$(stat_of e demotions)" = 0 ] || fail "demoted without a reason"
[ "$(field e 12)" = 0 ] || fail "errors counted: $(dmsetup status e)"
dd if="$WORK/data" of=/dev/mapper/e bs=1M oflag=direct status=none

# NOWAIT is not offered: what the engine does takes a while.
major_minor=$(dmsetup info -c --noheadings --separator : -o major,minor e)
python3 - <<'END' || fail "a NOWAIT read went through"
import errno, mmap, os
fd = os.open("/dev/mapper/e", os.O_RDONLY | os.O_DIRECT)
try:
    os.preadv(fd, [mmap.mmap(-1, 4096)], 0, os.RWF_NOWAIT)
except OSError as e:
    raise SystemExit(e.errno not in (errno.EAGAIN, errno.EOPNOTSUPP))
raise SystemExit(1)
END
say "NOWAIT refused ($major_minor)"

echo 300 > $timeout
what='stuck'
fake hang_next 3
dmesg -C
verify
dmesg | grep -q 'did not answer' || fail "no word of the demotion in the log"
[ "$(field e 2)" = cpu ] || fail "a demoted volume says $(field e 2)"
[ "$(stat_of e demotions)" = 1 ] || fail "demotions $(stat_of e demotions)"
[ "$(stat_of e quarantined)" -ge 1 ] || fail "nothing in quarantine"
cmp -n "$size" "$WORK/data" /dev/mapper/e || fail "data lost"
say "a device that hangs: demoted, $(stat_of e quarantined) in quarantine, data right"

dmsetup message e 0 key wipe
sleep 0.3
[ "$(state e)" = REVOKING ] || fail "the device holds the key and the state is $(state e)"
! dd if=/dev/mapper/e of=/dev/null bs=4k count=1 iflag=direct status=none 2> /dev/null || fail "reads while REVOKING"
put_key "$WORK/key"
refused 'requests with the last key' dmsetup message e 0 key set "$KEYREF"
! rmmod dm_ecache 2> /dev/null || fail "unloaded while a device holds its pages"
# what waited behind a hung request may be one of those that hang
is_locked() {
	fake release 1
	[ "$(state e)" = LOCKED ]
}
until_true is_locked || fail "the device gave everything back and the state is $(state e)"
[ "$(stat_of e quarantined)" = 0 ] || fail "quarantined $(stat_of e quarantined)"
[ "$(count late)" -ge 1 ] || fail "no late answer"
key_set e "$WORK/key"
[ "$(field e 2)" = accel ] || fail "a device that gave everything back is not tried again"
cmp -n "$size" "$WORK/data" /dev/mapper/e || fail "the late answers hurt the data"
verify
say "REVOKING while it held the key; late answers hurt nothing; tried again"

# From here on the module stays loaded for good. An EBUSY for a request that was not taken: whoever waits for its callback waits for ever.
pin_module
fake rude_next 1
what='rude'
verify
[ "$(field e 2)" = cpu ] || fail "not demoted: $(dmsetup status e)"
dmsetup message e 0 key revoke
[ "$(state e)" = REVOKING ] || fail "$(state e)"
say "EBUSY for a request that was not queued: demoted, data right, $(state e)"

# The device goes with requests outstanding: nobody waits for it, and the late answer finds its pages.
ls_before=$(stat_of e quarantined)
remove e
! rmmod dm_ecache 2> /dev/null || fail "unloaded with $ls_before in quarantine"
say "the device is gone; the module stays for the $ls_before that never came back"
fake reset 1
