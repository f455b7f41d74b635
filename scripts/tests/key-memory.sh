#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# key-memory.sh SEED: the guest's half of scripts/key-memory, which says what is promised. Here it is said what is done to each key, and
# what the host must find of it in memory then. The host works the keys out of SEED; in the guest only the helper does.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-memory.sh"

seed=$1
helper=$SRC/build/key-memory/helper
shown=/out/shown
segment=8192 # sectors of each volume
xts=aes-xts-plain64
pause=34 # the system call's number
count=0
actives='' others='' helds='' # keys by what becomes of them
mkdir "$shown"

# patiently COMMAND...: until it succeeds, for a minute or two at most
patiently() {
	p_left=1200
	until "$@" 2> /dev/null; do
		p_left=$((p_left - 1))
		[ $p_left -gt 0 ] || fail "waited in vain for: $*"
		sleep 0.05
	done
}

# a_key NAME KIND: gives it a number
a_key() {
	count=$((count + 1))
	number=$count
	echo "$number $1 $2" >> /out/keys
}

# locked NAME DEV SEGMENT [OPTION...]: a volume of 4 MiB
locked() {
	v_name=$1 v_dev=$2 v_offset=$(($3 * segment))
	shift 3
	dm "$v_name" "0 $segment ecache ${CIPHER:-$xts} ${KEY_SIZE:-64} 0 $v_dev $v_offset $# $*"
}

# send KEY KIND HOW VOLUME FILE: a helper that has its key ready and sends it when FILE gives it a byte or ends. It stays, paused after
# the call, until the answer is asked for.
send() {
	a_key "$1" "$2"
	"$helper" "$seed" "$number" "$2" "$3" "$4" < "$5" > "$WORK/$1.answer" 2>&1 &
	echo $! > "$WORK/$1.pid"
	patiently grep -q ready "$WORK/$1.answer"
}

# sent KEY: the helper has sent its key; the keyring's copy goes
sent() {
	pid=$(cat "$WORK/$1.pid")
	patiently grep -q "^$pause " "/proc/$pid/syscall"
	serial=$(sed -n 's/^ready //p' "$WORK/$1.answer")
	if [ "$serial" != 0 ]; then
		keyctl revoke "$serial"
		keyctl unlink "$serial" @u
	fi
}

# answered KEY TEXT: what the message came back with
answered() {
	pid=$(cat "$WORK/$1.pid")
	kill -USR1 "$pid"
	wait "$pid" || true
	[ "$(sed -n 2p "$WORK/$1.answer")" = "$2" ] || fail "key set of $1: $(cat "$WORK/$1.answer"), not '$2'"
	sed -n 3p "$WORK/$1.answer" >> "$shown/replies"
}

# active NAME HOW DEV SEGMENT OPTION...: a volume with a key of the same name
active() {
	a_name=$1 a_how=$2
	shift 2
	locked "$a_name" "$@"
	send "$a_name" "${KIND:-full}" "$a_how" "$a_name" /dev/null
	sent "$a_name"
	[ "$(state "$a_name")" = ACTIVE ] || fail "$a_name is $(state "$a_name")"
}

# offered CIPHER KEY-SIZE OPTION...: whether this kernel and this module have it
offered() {
	o_what=$1,$2
	shift 2
	if dmsetup create probe --table "0 $segment ecache ${o_what%,*} ${o_what##*,} 0 /dev/ram0 0 $# $*" 2> /dev/null; then
		remove probe
	else
		say "skipped, not here: ${o_what%,*} $*"
		return 1
	fi
}

# held KEY KIND HOW VOLUME: a key set that will be refused, with the key ready in the helper
held() {
	send "$1" "$2" "$3" "$4" "$WORK/go"
	helds="$helds $1"
}

is_locked() {
	[ "$(state "$1")" = LOCKED ]
}

# use NAME: writes and reads, small and large, direct and through the page cache
use() {
	dd if=/dev/zero of="/dev/mapper/$1" bs=64k count=8 oflag=direct conv=notrunc status=none
	dd if=/dev/zero of="/dev/mapper/$1" bs=1M count=2 seek=1 conv=notrunc,fsync status=none
	blockdev --flushbufs "/dev/mapper/$1"
	dd if="/dev/mapper/$1" of=/dev/null bs=4k count=16 iflag=direct status=none
	dd if="/dev/mapper/$1" of=/dev/null bs=1M count=2 skip=1 status=none
}

# on_cpu N: from here on
on_cpu() {
	taskset -pc "$1" $$ > /dev/null
}

# what anybody who is root may look at
show() {
	dmsetup table --showkeys >> "$shown/table"
	dmsetup status >> "$shown/status"
	dmesg > "$shown/log"
	cat /sys/kernel/tracing/trace > "$shown/trace"
}

load_module
modprobe brd rd_nr=1 rd_size=$((32 * 1024))
# its completions come in a hard interrupt: reads are deferred
modprobe null_blk nr_devices=0
mkdir /sys/kernel/config/nullb/nullb0
(cd /sys/kernel/config/nullb/nullb0 && echo 32 > size && echo 1 > memory_backed && echo 2 > irqmode && echo 1 > power)
python3 "$SRC/scripts/tests/key-memory-uevents.py" > "$shown/uevents" &
listener=$!
mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
# one event of the block layer, to see that tracing works
for events in block/block_bio_remap ecache; do
	[ ! -e /sys/kernel/tracing/events/$events ] || echo 1 > /sys/kernel/tracing/events/$events/enable
done
patiently grep -q listening "$shown/uevents"

# Keys by each way in, on disks of both sorts.
active wiped logon /dev/nullb0 0 sector_size:4096
active revoked logon /dev/ram0 0 sector_size:4096
active removed logon /dev/nullb0 1 sector_size:4096
active reloaded logon /dev/ram0 1 sector_size:4096
active by-hex hex /dev/nullb0 2 sector_size:512
active by-plain-hex plain /dev/ram0 2 sector_size:4096
active kept logon /dev/ram0 3 sector_size:4096
KIND=half KEY_SIZE=32 active aes-128 logon /dev/nullb0 3 sector_size:4096
actives='wiped revoked removed reloaded by-hex by-plain-hex kept aes-128'
leased=''
if offered $xts 64 lease:3600; then
	active leased logon /dev/nullb0 4 sector_size:4096 lease:3600
	actives="$actives leased" leased=leased
fi
place=4
for cipher in aes-cbc-essiv:sha256 xchacha12,aes-adiantum-plain64; do
	if offered $cipher 32; then
		name=${cipher%%[:,]*}
		CIPHER=$cipher KIND=half KEY_SIZE=32 active "$name" logon /dev/ram0 $place sector_size:4096
		others="$others $name"
		place=$((place + 1))
	fi
done
if offered $xts 64 engine:inline; then
	active inline logon /dev/ram0 6 engine:inline
	others="$others inline"
fi
modprobe -q cryptd || true
accel='engine:accel driver:cryptd(__xts-aes-aesni)'
# shellcheck disable=SC2086
if offered $xts 64 $accel; then
	active accel logon /dev/nullb0 5 $accel
	others="$others accel"
fi
cpu=0
# shellcheck disable=SC2086
for name in $actives $others; do
	on_cpu $cpu
	use "$name"
	cpu=$(((cpu + 1) % $(nproc)))
done
# and by a task that has done nothing since, so that what this left on its kernel stack is still there
python3 "$SRC/scripts/tests/key-memory-io.py" /dev/mapper/revoked > "$WORK/io" &
io=$!
patiently [ -s "$WORK/io" ]
[ "$(field wiped 11)" -gt 0 ] || fail "no read was deferred"
show

# Keys that will be refused. Until the first dump each waits in its helper: the control for what a key looks like there.
mkfifo "$WORK/go"
exec 8<> "$WORK/go"
locked other /dev/nullb0 6 sector_size:4096 key_id:00000000000000000000000000000000
locked empty /dev/nullb0 7 sector_size:4096
held wrong-id full logon other
held wrong-id-hex full hex other
held wrong-id-plain full plain other
held short half logon empty
held short-plain half plain empty
held equal-halves weak logon empty
held equal-halves-plain weak plain empty
held no-hex nothex plain empty
held typo full typo empty
held after-revoke full logon revoked

# shellcheck disable=SC2086
expect used $actives
# shellcheck disable=SC2086
expect held $helds $others
take_dump

dmsetup message wiped 0 key wipe
dmsetup message revoked 0 key revoke
remove removed
dmsetup reload reloaded --table "$(dmsetup table reloaded)"
dmsetup suspend reloaded
dmsetup resume reloaded
use reloaded
dmsetup reload reloaded --table "$(dmsetup table reloaded)"
dmsetup message reloaded 0 key wipe
dmsetup message by-hex 0 key wipe
dmsetup message by-plain-hex 0 key wipe
dmsetup message aes-128 0 key revoke
for name in $others; do
	dmsetup message "$name" 0 key wipe
	# an engine of its own may have users of the key that outlive the message
	patiently is_locked "$name"
done
if [ -n "$leased" ]; then
	events=$(dmsetup info -c --noheadings -o events leased)
	dmsetup message leased 0 key renew 1
	# the event says that the key is gone, not only that its time is over
	timeout 60 dmsetup wait leased "$events" || fail "the lease does not end"
	[ "$(state leased)" = LOCKED ] || fail "after its lease a volume is $(state leased)"
fi
# a byte for each helper
echo "$helds" | tr -cd ' ' >&8
for name in $helds; do
	sent "$name"
done
for name in $actives $others $helds; do
	[ "$name" = kept ] || expect gone "$name"
done
expect used kept
show
take_dump

for name in $actives $others; do
	answered "$name" ok
done
for name in wrong-id wrong-id-hex wrong-id-plain; do
	answered $name 'Key was rejected by service'
done
for name in short short-plain equal-halves equal-halves-plain no-hex typo; do
	answered $name 'Invalid argument'
done
answered after-revoke 'Key has been revoked'
grep -q 'change@/devices/virtual/block/dm-' "$shown/uevents" || fail "no uevent of a dm device was seen"
grep -q block_bio_remap "$shown/trace" || fail "nothing was traced"
kill $io
{ wait $io || true; } 2> /dev/null
# shellcheck disable=SC2086
remove wiped revoked reloaded by-hex by-plain-hex kept aes-128 $leased $others other empty
kill $listener
unload_module
