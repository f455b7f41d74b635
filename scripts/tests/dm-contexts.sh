#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Reads that end in a task, a soft interrupt and a hard interrupt, on disks of each kind, with the right data: in a hard interrupt all are
# deferred, elsewhere all are decrypted at once. Under a load that keeps the vector unit busy, what even a bottom half may not decrypt (6.1 and 6.12)
# goes on to the workqueue.
. "$(dirname "$0")/lib.sh"

load_module
new_key "$WORK/key"
modprobe null_blk nr_devices=0

# null NAME IRQMODE: 0 in the submitter, 1 soft interrupt, 2 timer
null() {
	mkdir "/sys/kernel/config/nullb/$1"
	( cd "/sys/kernel/config/nullb/$1" && echo 16 > size && echo 1 > memory_backed && echo "$2" > irqmode &&
		echo 50000 > completion_nsec && echo 4096 > blocksize && echo 1 > power )
}

# reads DISK...: each with a volume of its name on it
reads() {
	python3 "$SRC/scripts/tests/dm-contexts.py" "$@"
	for d; do
		[ "$(field "$d" 12)" = 0 ] || fail "errors: $(dmsetup status "$d")"
	done
}

null nullb0 0
null nullb1 1
null nullb2 2
ram_disks 2 16
disks="ram0 nullb0 nullb1 nullb2"
if [ -b /dev/vda ]; then
	disks="$disks vda"
fi
for d in $disks; do
	ecache "$d" "/dev/$d" 0 16384 "$WORK/key" sector_size:4096
done
# shellcheck disable=SC2086
reads $disks
for d in $disks; do
	inline=$(field "$d" 10) deferred=$(field "$d" 11)
	say "$d: $inline reads inline, $deferred deferred"
	case $d in
	nullb2 | vda) { [ "$inline" = 0 ] && [ "$deferred" -gt 0 ]; } || fail "a read was decrypted in a hard interrupt" ;;
	*) { [ "$inline" -gt 0 ] && [ "$deferred" = 0 ]; } || fail "a read was deferred for no reason" ;;
	esac
	[ "$d" = nullb2 ] || remove "$d"
done

tracing=/sys/kernel/tracing
[ -e $tracing/events ] || mount -t tracefs tracefs $tracing
if [ ! -e $tracing/kprobe_events ]; then
	lacks kprobes
	remove nullb2
	unload_module
	exit 0
fi
echo 'p:defer_work ecache_defer_work' > $tracing/kprobe_events
echo 1 > $tracing/events/kprobes/defer_work/enable
new_key "$WORK/other"
ecache w /dev/ram1 0 32768 "$WORK/other" sector_size:4096
while [ ! -e "$WORK/stop" ]; do
	dd if=/dev/zero of=/dev/mapper/w bs=1M count=16 oflag=direct status=none
done &
hits=0 tries=0
while [ "$hits" = 0 ] && [ $tries -lt 4 ]; do
	ONLY_SMALL=1 reads nullb2
	hits=$(awk '$1 == "defer_work" { print $2 }' $tracing/kprobe_profile)
	tries=$((tries + 1))
	case $KERNEL in 7.*) break ;; esac # a vector section keeps bottom halves off
done
touch "$WORK/stop"
wait
echo 0 > $tracing/events/kprobes/defer_work/enable
echo > $tracing/kprobe_events
[ "$(field nullb2 10)" = 0 ] || fail "$(field nullb2 10) reads inline"
case $KERNEL in
6.*) [ "$hits" -gt 0 ] || fail "the bottom half never met a busy vector unit: this proves nothing" ;;
esac
say "beside a writer: $(field nullb2 11) reads deferred, $hits of them on to the workqueue"
remove w nullb2
unload_module
