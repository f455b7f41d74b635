#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Kernels: debug
# Guest: --smp 2 --mem 2G
#
# Allocations that fail. Those that the target makes while it does I/O, half of them and all of them, pages and slab: the data is right, nothing hangs, and no I/O
# fails for want of memory. Half of all that anybody in the I/O path makes and that may fail: the same. Those that it makes for tables and
# messages: ENOMEM or success, and the volume is what it was.
. "$(dirname "$0")/lib.sh"

debug=/sys/kernel/debug
[ -e $debug/fail_page_alloc ] || fail "this kernel has no fault injection"
load_module
new_key "$WORK/key"
ram_disks 1 64
modprobe null_blk nr_devices=0
mkdir /sys/kernel/config/nullb/nullb0
( cd /sys/kernel/config/nullb/nullb0 && echo 64 > size && echo 1 > memory_backed && echo 2 > irqmode &&
	echo 20000 > completion_nsec && echo 4096 > blocksize && echo 1 > power )

# The module's code, for the filter by stack trace: only what is asked for below it fails. Up to its last function: right behind it may be
# the code of another module, such as the disk's.
code=$(awk '$4 == "[dm_ecache]" && tolower($2) == "t" { print $1 }' /proc/kallsyms | sort)
text=0x$(echo "$code" | head -n 1)
end=0x$(echo "$code" | tail -n 1)

# set ATTRIBUTES FILE VALUE...: of $debug/failslab and fail_page_alloc
set_fault() {
	for fault in failslab fail_page_alloc; do
		echo "$2" > "$debug/$fault/$1"
	done
}

# faults PERCENT WAITING STACK: so many of the allocations fail; WAITING: N leaves no kind out, Y those that may wait; STACK: ours or all. The
# probability comes last: until the rest is said, this shell's own would fail.
faults() {
	if [ "$3" = ours ]; then
		set_fault require-start "$text"
		set_fault require-end "$end"
	else
		set_fault require-start 0
		set_fault require-end 0xffffffffffffffff
	fi
	set_fault times 1000000000
	set_fault ignore-gfp-wait "$2"
	echo 0 > $debug/fail_page_alloc/min-order
	set_fault verbose 0
	set_fault probability "$1"
}

# no_faults: sets failed to how many there were, of pages and of slab
no_faults() {
	set_fault probability 0
	failed="$((1000000000 - $(cat $debug/fail_page_alloc/times))) pages, $((1000000000 - $(cat $debug/failslab/times))) objects"
}

verify() {
	timeout -k 60 900 fio --name=v --filename=/dev/mapper/e --direct=1 --ioengine=libaio --iodepth=16 --size=4M --io_size=2M --numjobs=2 \
		--offset_increment=16M --rw=randwrite --bsrange=4k-256k --blockalign=4k --verify=crc32c --verify_fatal=1 --group_reporting \
		> "$WORK/fio" 2>&1 || {
		no_faults
		cat "$WORK/fio"
		fail "fio with $* (failed: $failed)"
	}
}

for disk in /dev/ram0 /dev/nullb0; do
	for kind in '50 N ours' '100 N ours' '50 Y all'; do
		# the slower disk, which defers, stands for both where nothing is left to chance
		[ "$disk $kind" != '/dev/ram0 100 N ours' ] || continue
		ecache e $disk 0 131072 "$WORK/key" sector_size:4096
		# shellcheck disable=SC2086
		faults $kind
		verify "$kind"
		no_faults
		[ "$(field e 12)" = 0 ] || fail "$kind: errors: $(dmsetup status e)"
		[ "$failed" != '0 pages, 0 objects' ] || fail "$kind: nothing failed: this proves nothing"
		say "$disk, $kind: $failed failed, $(stat_of e reserve) of $(field e 7) writes from the reserve"
		remove e
	done
done

refused=0 made=0
while [ $((refused + made)) -lt 24 ]; do
	put_key "$WORK/key"
	faults 2 N ours
	# a table takes 300 pages, of which one nearly always fails: every second time objects only
	[ $(((refused + made) % 2)) -eq 0 ] || echo 0 > $debug/fail_page_alloc/probability
	if dmsetup create e --table "0 131072 ecache aes-xts-plain64 64 0 /dev/ram0 0 1 sector_size:4096" 2> /dev/null; then
		dmsetup message e 0 key set "$KEYREF" 2> /dev/null || true
		dmsetup message e 0 key wipe
		dmsetup message e 0 key set "$KEYREF" 2> /dev/null || true
		no_faults
		case $(state e) in
		ACTIVE) dd if=/dev/mapper/e of=/dev/null bs=4k count=1 iflag=direct status=none || fail "ACTIVE, and does not read" ;;
		LOCKED) key_set e "$WORK/key" ;;
		*) fail "$(state e)" ;;
		esac
		remove e
		made=$((made + 1))
	else
		no_faults
		refused=$((refused + 1))
	fi
done
{ [ $refused -gt 0 ] && [ $made -gt 0 ]; } || fail "$made volumes made, $refused refused: this proves little"
say "tables and messages: $made volumes made, $refused refused"
unload_module
