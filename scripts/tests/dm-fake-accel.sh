#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The fake accelerator does what tests of the accel engine take for granted. It passed the kernel's own test, and nobody gets it who
# does not ask for it by name. dm-crypt writes the same bytes through it as without it, whatever the context and order of completion;
# delays, the backlog, errors, hangs and late completions happen when they are asked for and are counted. It does not go away
# under a user. (AF_ALG would be the shorter way; newer kernels give it no asynchronous driver.)
. "$(dirname "$0")/lib.sh"

insmod "$MODULES/ecache_fake_accel.ko"
fake=/sys/module/ecache_fake_accel/parameters

# proc_crypto DRIVER FIELD
proc_crypto() {
	awk -v driver="$1" -v field="$2" '$1 == "driver" { ours = $3 == driver } ours && $1 == field { print $3 }' /proc/crypto
}

# devices MODE KEYSIZE: plain on ram0 by the kernel's drivers, fake on ram1
devices() {
	new_key "$WORK/key" "$2"
	put_key "$WORK/key"
	echo 1 > $fake/reset
	dm plain "0 $length crypt aes-$1-plain64 $KEYREF 0 /dev/ram0 0"
	[ "$(cat $fake/setkeys) $(cat $fake/tfms)" = "0 0" ] || fail "dm-crypt got the fake without asking for it"
	dm fake "0 $length crypt capi:$1-aes-ecache-fake-plain64 $KEYREF 0 /dev/ram1 0"
	[ "$(cat $fake/setkeys) $(cat $fake/tfms)" = "1 1" ] || fail "keys and transforms are not counted"
	[ "$(proc_crypto "$1-aes-ecache-fake" selftest)" = passed ] || fail "the kernel's self test did not pass"
	[ "$(proc_crypto "$1-aes-ecache-fake" async)" = yes ] || fail "not asynchronous"
}

ram_disks 2 8
length=$(sectors /dev/ram0)
devices xts 64
python3 "$SRC/scripts/tests/dm-fake-accel.py" bytes delays backlog errors hangs dma
! rmmod ecache_fake_accel 2> /dev/null || fail "unloaded under a user"
remove plain fake
devices cbc 32
python3 "$SRC/scripts/tests/dm-fake-accel.py" bytes
remove plain fake
[ "$(cat $fake/tfms) $(cat $fake/in_flight)" = "0 0" ] || fail "transforms or requests are left"
rmmod ecache_fake_accel
