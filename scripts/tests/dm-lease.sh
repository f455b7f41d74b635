#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A lease ends the key with no help from userspace: nothing reads or writes after it, the status shows the seconds left and the
# reason afterwards; renew prolongs it and revives nothing; a table without lease has none.
. "$(dirname "$0")/lib.sh"

load_module
ram_disks 1 16
new_key "$WORK/key"
size=$(sectors /dev/ram0)
table="0 $size ecache aes-xts-plain64 64 0 /dev/ram0 0"

reads() {
	dd if=/dev/mapper/e of=/dev/null bs=4k count=1 iflag=direct status=none 2> /dev/null
}

dm e "$table 2 sector_size:4096 lease:600"
[ "$(dmsetup table e)" = "$(echo "$table 2 sector_size:4096 lease:600" | sed 's|/dev/ram0|1:0|')" ] || fail "table: $(dmsetup table e)"
[ "$(field e 5)" = - ] || fail "a LOCKED volume has $(field e 5) seconds left"
refused 'no key whose lease' dmsetup message e 0 key renew 60
key_set e "$WORK/key"
left=$(field e 5)
{ [ "$left" -gt 500 ] && [ "$left" -le 600 ]; } || fail "lease 600, left $left"
dmsetup message e 0 key renew 3000
[ "$(field e 5)" -gt 2900 ] || fail "renewed for 3000, left $(field e 5)"
for wrong in 0 +5 1x 0x10 31622401 99999999999999999999 ''; do
	# shellcheck disable=SC2086 # the last one is no word
	refused 'message refused' dmsetup message e 0 key renew $wrong
done
[ "$(field e 5)" -gt 2900 ] || fail "a refused renewal left $(field e 5)"
reads || fail "ACTIVE, and does not read"
say "600 s at key set, 3000 by renew, wrong numbers refused"

events=$(dmsetup info -c --noheadings -o events e)
dmsetup message e 0 key renew 2
i=0
while [ "$(state e)" = ACTIVE ]; do
	sleep 0.2
	i=$((i + 1))
	[ $i -lt 100 ] || fail "a lease of 2 s still runs: $(dmsetup status e)"
done
[ "$(state e)/$(field e 5)/$(field e 13)" = LOCKED/-/lease-expired ] || fail "$(dmsetup status e)"
! reads || fail "reads after the lease"
! dd if=/dev/zero of=/dev/mapper/e bs=4k count=1 oflag=direct status=none 2> /dev/null || fail "writes after the lease"
refused 'no key whose lease' dmsetup message e 0 key renew 60
[ "$(state e)" = LOCKED ] || fail "renew revived $(state e)"
sleep 0.5
[ "$(dmsetup info -c --noheadings -o events e)" -gt "$events" ] || fail "no dm event"
say "shortened to 2 s: ended by itself, LOCKED (lease-expired), an event"

key_set e "$WORK/key"
reads || fail "the key set again does not read"
[ "$(field e 5)" -gt 500 ] || fail "a new key has $(field e 5) s"
dmsetup message e 0 key wipe
[ "$(field e 5)" = - ] || fail "a wiped key has a lease"
remove e

# The I/O path looks itself: a load that runs over the end of the lease stops there.
dm e "$table 2 sector_size:4096 lease:3"
key_set e "$WORK/key"
start=$(now_ms)
if fio --name=over --filename=/dev/mapper/e --direct=1 --rw=randrw --bs=4k --ioengine=libaio --iodepth=8 --time_based --runtime=30 \
	--output="$WORK/fio" 2> /dev/null; then
	fail "the load went on past the lease"
fi
took=$(($(now_ms) - start))
[ $took -lt 20000 ] || fail "the load ended after $took ms"
[ "$(field e 13)" = lease-expired ] || fail "$(dmsetup status e)"
say "a load stopped with the lease of 3 s, after $took ms"

key_set e "$WORK/key"
dmsetup message e 0 key revoke
[ "$(state e)/$(field e 5)" = REVOKED/- ] || fail "$(dmsetup status e)"
remove e

dm e "$table 2 sector_size:4096 lease:0"
key_set e "$WORK/key"
[ "$(field e 5)" = - ] || fail "lease:0 is $(field e 5)"
refused 'has no lease' dmsetup message e 0 key renew 60
[ "$(dmsetup table e | grep -c lease)" = 0 ] || fail "lease:0 in the canonical table: $(dmsetup table e)"
say "lease:0 is none, and cannot be renewed"

# Hibernation ends every key before memory is written. Of a hibernation only the first step is tried, after which the kernel
# turns back by itself: a whole one would take the guest's root away.
if grep -qw disk /sys/power/state && [ -e /sys/power/pm_test ]; then
	echo freezer > /sys/power/pm_test
	echo 1 > /sys/module/hibernate/parameters/pm_test_delay 2> /dev/null || true
	timeout 60 sh -c 'echo disk > /sys/power/state' 2> /dev/null || true
	echo none > /sys/power/pm_test
	[ "$(state e)/$(field e 13)" = LOCKED/hibernation ] || fail "after a try to hibernate: $(dmsetup status e)"
	say "a try to hibernate ended the key"
else
	say "this kernel does not try hibernation"
fi
remove e
unload_module
