#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Kernels: 7.3 6.1
# Guest: --smp 2
#
# The host sleeps (ACPI S3) while a lease runs: it ends with the time that has really passed, as soon as the host wakes and with no help from
# userspace; a longer lease goes on, and has become shorter by the sleep; what was written before is there.
#
# The guest's root does not wake with it, 9p cannot; so what is needed afterwards is in a tmpfs that a child has as its root, and the result goes to
# the console.
. "$(dirname "$0")/lib.sh"

grep -qw deep /sys/power/mem_sleep || fail "this guest has no S3: $(cat /sys/power/mem_sleep)"
load_module
ram_disks 2 16
new_key "$WORK/key"
head -c 16k /dev/urandom > "$WORK/written"
for name in short long; do
	disk=/dev/ram0
	[ $name = short ] || disk=/dev/ram1
	ecache $name $disk 0 32768 "$WORK/key" sector_size:4096 lease:600
	dd if="$WORK/written" of=/dev/mapper/$name bs=4k oflag=direct status=none
done

root=$WORK/root
mkdir "$root"
mount -t tmpfs tmpfs "$root"
cp "$WORK/written" "$root/"
mkdir "$root/bin" "$root/dev" "$root/proc" "$root/sys"
for program in busybox dmsetup; do
	cp "$(command -v $program)" "$root/bin/"
	ldd "$(command -v $program)" 2> /dev/null | grep -o '/[^ ]*' | xargs -r cp -L --parents -t "$root"
done
for name in sh cmp cat dd sleep reboot cut; do
	ln -s busybox "$root/bin/$name"
done
for fs in dev proc sys; do
	mount --rbind /$fs "$root/$fs"
done

cat > "$root/asleep" <<'END'
export PATH=/bin DM_DISABLE_UDEV=1
exec > /dev/console 2>&1

# ends STATUS WORDS...: the guest too
ends() {
	status=$1
	shift
	echo "ecache-guest: $*"
	echo "ecache-guest: status $status"
	sleep 1
	# after S3 QEMU does not power off; it ends at a reset (-no-reboot)
	reboot -f
}

# status NAME N
field() {
	number=$2
	set -- $(dmsetup status "$1")
	shift $((2 + number))
	echo "$1"
}

[ "$(field short 1)/$(field long 1)" = ACTIVE/ACTIVE ] || ends 1 "before the sleep: $(dmsetup status)"
left=$(field long 5)
dmsetup message short 0 key renew 15
echo +20 > /sys/class/rtc/rtc0/wakealarm
start=$(cut -d . -f 1 /proc/uptime)
echo mem > /sys/power/state || ends 1 "the host does not sleep"
slept=$(($(cut -d . -f 1 /proc/uptime) - start))
[ "$slept" -ge 15 ] || ends 1 "slept for $slept s, less than the short lease"
# the timer's own work, which nobody asked for, has a moment
sleep 1
[ "$(field short 1)/$(field short 13)" = LOCKED/lease-expired ] || ends 1 "after $slept s of sleep: $(dmsetup status short)"
! dd if=/dev/mapper/short of=/dev/null bs=4k count=1 iflag=direct || ends 1 "reads after its lease"
[ "$(field long 1)" = ACTIVE ] || ends 1 "a lease of 600 s: $(dmsetup status long)"
now=$(field long 5)
[ "$now" -le $((left - 15)) ] || ends 1 "the sleep of $slept s is not counted: $left s before, $now s after"
dd if=/dev/mapper/long of=/read bs=4k count=4 iflag=direct && cmp /written /read || ends 1 "the long lease does not read what was written"
ends 0 "slept $slept s: the lease of 15 s is over, that of 600 s went from $left s to $now s"
END
say "asleep from here on"
exec chroot "$root" /bin/sh /asleep
