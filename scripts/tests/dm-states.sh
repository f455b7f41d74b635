#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# LOCKED, ACTIVE, REVOKED through messages, with keys of every kind; what I/O does in each state; what table, status and the kernel's log
# show, and that a key is never in them.
. "$(dirname "$0")/lib.sh"

load_module
ram_disks 1 16
new_key "$WORK/key"
new_key "$WORK/wrong"
hex=$(od -An -v -tx1 "$WORK/key" | tr -d ' \n')
table="0 $(sectors /dev/ram0) ecache aes-xts-plain64 64 0 /dev/ram0 0 1 sector_size:4096"
message="python3 $SRC/scripts/tests/dm-message.py"

reads() {
	dd if=/dev/mapper/e of=/dev/null bs=4k count=1 iflag=direct status=none 2> "$WORK/dd"
}

writes() {
	dd if=/dev/zero of=/dev/mapper/e bs=4k count=1 oflag=direct conv=notrunc status=none 2> "$WORK/dd"
}

flushes() {
	python3 -c 'import os; fd = os.open("/dev/mapper/e", os.O_RDWR); os.fsync(fd)'
}

# a fast driver that comes after the table: the key set takes it, and the status names what the key uses
modprobe_path=$(cat /proc/sys/kernel/modprobe)
trap 'echo "$modprobe_path" > /proc/sys/kernel/modprobe' EXIT
better_driver() {
	for module in xts ecb aes aes_generic; do
		modprobe -q $module || true
	done
	echo /bin/false > /proc/sys/kernel/modprobe
	rmmod aesni_intel
	dm e "$table"
	slow=$(field e 3)
	echo "$modprobe_path" > /proc/sys/kernel/modprobe
	modprobe aesni_intel
	key_set e "$WORK/key"
	case $slow/$(field e 3) in
	*aesni*/* | */*generic* | */*-lib*) fail "driver $slow without aesni_intel, then $(field e 3)" ;;
	esac
	say "driver $slow, and $(field e 3) once there is a better one"
	remove e
}
if built_in aesni_intel; then
	say "this kernel is never without aesni_intel"
else
	better_driver
fi

dm e "$table"
[ "$(state e)" = LOCKED ] || fail "a new volume is $(state e)"
! reads || fail "a LOCKED volume reads"
grep -q 'Input/output error' "$WORK/dd" || fail "another error than EIO: $(cat "$WORK/dd")"
! writes || fail "a LOCKED volume writes"
flushes || fail "an empty flush does not pass on a LOCKED volume"
[ "$(field e 4)" = - ] || fail "a volume without key has an id"
say "LOCKED: reads and writes fail, flushes pass"

dmsetup message e 0 key wipe

# whoever asks the crypto API for a name that is not there starts modprobe
printf '#!/bin/sh\necho "$@" >> %s\n' "$WORK/asked" > "$WORK/modprobe"
chmod 755 "$WORK/modprobe"
echo "$WORK/modprobe" > /proc/sys/kernel/modprobe
key_set e "$WORK/key"
echo "$modprobe_path" > /proc/sys/kernel/modprobe
[ ! -e "$WORK/asked" ] || fail "key set started modprobe: $(cat "$WORK/asked")"
say "key set starts no program"

reads && writes && flushes
want_id=$({ printf 'dm-ecache key id v1'; cat "$WORK/key"; } | sha256sum | cut -c 1-32)
[ "$(field e 4)" = "$want_id" ] || fail "key id $(field e 4) is not the documented hash"
key_set e "$WORK/key"
put_key "$WORK/wrong"
refused "not the volume's key_id" dmsetup message e 0 key set "$KEYREF"
[ "$(state e)" = ACTIVE ] && reads
say "ACTIVE by a logon key; the same again is a no-op, another one is refused"

dmsetup message e 0 key wipe
[ "$(state e)" = LOCKED ] || fail "$(state e) after key wipe"
! reads || fail "reads after key wipe"
[ "$(field e 13)" = key-wipe ] || fail "reason $(field e 13)"
dmsetup message e 0 key wipe

keyctl padd user ecache-test-user @u < "$WORK/key" > /dev/null
dmsetup message e 0 key set :64:user:ecache-test-user
reads
dmsetup message e 0 key wipe
printf %s "$hex" | $message e "key set "
[ "$(state e)" = ACTIVE ] && reads
dmsetup message e 0 key wipe
refused "not the volume's key_id" dmsetup message e 0 key set "$KEYREF"
say "ACTIVE by a user key and by hex through the ioctl; the first key pinned the id"

if keyctl add user ecache-test-master "$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')" @u > /dev/null &&
	keyctl add encrypted ecache-test-enc "new user:ecache-test-master 64" @u > /dev/null 2>&1; then
	dm x "0 2048 ecache aes-xts-plain64 64 0 /dev/ram0 0"
	dmsetup message x 0 key set :64:encrypted:ecache-test-enc
	[ "$(state x)" = ACTIVE ] || fail "$(state x) after an encrypted key"
	remove x
	say "ACTIVE by an encrypted key"
else
	fail "this kernel makes no encrypted keys"
fi

key_set e "$WORK/key"
exec 9< /dev/mapper/e
dmsetup message e 0 key revoke
[ "$(state e)" = REVOKED ] || fail "$(state e) after key revoke"
! dd bs=4k count=1 iflag=direct status=none <&9 > /dev/null 2>&1 || fail "an open descriptor reads after revoke"
exec 9<&-
! reads || fail "a REVOKED volume reads"
! writes || fail "a REVOKED volume writes"
flushes || fail "an empty flush does not pass on a REVOKED volume"
put_key "$WORK/key"
refused "revoked and takes no key" dmsetup message e 0 key set "$KEYREF"
dmsetup message e 0 key revoke
dmsetup message e 0 key wipe
[ "$(state e)" = REVOKED ] || fail "wipe changed REVOKED to $(state e)"
say "REVOKED: nothing reads, no key is accepted, revoke and wipe stay no-ops"

[ "$(dmsetup table e)" = "$(echo "$table" | sed 's|/dev/ram0|1:0|')" ] || fail "table: $(dmsetup table e)"
dmsetup table --showkeys > "$WORK/shown"
dmsetup status >> "$WORK/shown"
dmesg >> "$WORK/shown"
if grep -qi "$(echo "$hex" | cut -c 1-16)" "$WORK/shown"; then
	fail "a key in table, status or log"
fi
say "table and status show no key"
remove e
