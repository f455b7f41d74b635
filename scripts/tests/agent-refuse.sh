#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What create and open refuse, each with the reason, and that nothing is half-made then: devices that hold something, are in use, too
# small or not there; keys that are missing, disabled, or not the creator's to grant; a KMS that is down; a grant that is gone;
# pin, header and state that disagree; wrong usage.
. "$(dirname "$0")/lib-agent.sh"

# shellcheck disable=SC2119 # no lines for the configuration
agent_start
ram_disks 2 16
new_customer_key

# refused_create TEXT [OPTION...]: on the blank /dev/ram0, which stays blank
refused_create() {
	r_text=$1
	shift
	says "$r_text" create c1 /dev/ram0 "$@"
	nothing_left c1 /dev/ram0
}

usage_error() {
	u_status=0
	"$@" > "$WORK/out" 2> "$WORK/err" || u_status=$?
	[ $u_status -eq 2 ] || die "status $u_status, not 2: $*"
}
usage_error ecachectl
usage_error ecachectl creat c1 /dev/ram0
usage_error ecachectl create c1
usage_error ecachectl create c1 /dev/ram0 extra
usage_error ecachectl create c1 /dev/ram0 --unknown
usage_error ecachectl create c1 /dev/ram0 --sector-size 8192
usage_error ecachectl create c1 /dev/ram0 --key-size 48
usage_error ecachectl open
usage_error ecachectl open c1 --force
usage_error ecachectl list c1
says 'not a volume name' ecachectl open C1
says '[Nn]o such file' create c1 /dev/nothing-there
: > "$WORK/file"
says 'block device' create c1 "$WORK/file"
nothing_left c1 /dev/ram0
say "wrong usage: status 2; names and devices that are none: status 1"

mkfs.ext4 -q /dev/ram0
before=$(sha256sum < /dev/ram0)
says 'ext4' create c1 /dev/ram0
[ "$(sha256sum < /dev/ram0)" = "$before" ] || die "the refused device was changed"
mkdir -p "$WORK/mnt"
mount /dev/ram0 "$WORK/mnt"
says "mounted on $WORK/mnt" create c1 /dev/ram0 --force
umount "$WORK/mnt"
before=$(sha256sum < /dev/ram0)
dmsetup create hold --table "0 1024 linear /dev/ram1 0"
says 'held by' create c1 /dev/ram1
dmsetup remove --retry hold
truncate -s 1M "$WORK/small"
modprobe loop
loop=$(losetup -f --show "$WORK/small")
says 'too small' create c1 "$loop"
losetup -d "$loop"
[ "$(sha256sum < /dev/ram0)" = "$before" ] || die "the refused device was changed"
[ "$(grants)" = 0 ] || die "a grant is left"
say "devices that hold something, are in use, are too small: refused, unchanged"

# --force keeps what it overwrites, and gives it back when the rest fails
owner DisableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
says 'Disabled' create c1 /dev/ram0 --force
[ "$(sha256sum < /dev/ram0)" = "$before" ] || die "the refused device was changed"
owner EnableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
head -c 1048576 /dev/ram0 > "$WORK/first"
does create c1 /dev/ram0 --force --no-open
cmp "$WORK/first" /var/lib/ecache/saved/c1-*.img || die "what --force overwrote is not kept"
does ecachectl open c1
[ "$(ls /var/lib/ecache/saved)" = "" ] || die "the saved header is kept for ever"
does ecachectl destroy c1 --yes
dd if=/dev/zero of=/dev/ram0 bs=1M count=1 status=none
nothing_left c1 /dev/ram0
say "--force keeps the first MiB until the volume opened once"

good=$KEY
KEY=arn:aws:kms:local-1:123456789012:key/00000000-0000-4000-8000-000000000000
says 'NotFoundException' create c1 /dev/ram0
KEY=$good
nothing_left c1 /dev/ram0
owner DisableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
refused_create 'is Disabled'
owner EnableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
says 'AccessDeniedException' ecachectl create c1 /dev/ram0 --kms-key "$KEY" --creator-profile host \
	--creator-credentials "$KMS_STATE/credentials/host"
nothing_left c1 /dev/ram0
says 'credentials' ecachectl create c1 /dev/ram0 --kms-key "$KEY" --creator-profile nobody \
	--creator-credentials "$KMS_STATE/credentials/creator"
nothing_left c1 /dev/ram0
chmod 644 "$KMS_STATE/credentials/creator"
refused_create 'credentials'
chmod 600 "$KMS_STATE/credentials/creator"
kmsd_stop
says 'kms.sock\|KMS' create c1 /dev/ram0
kmsd_start
nothing_left c1 /dev/ram0
kill "$NET"
wait "$NET" 2> /dev/null || true
refused_create 'no answer from the KMS'
net_start
say "keys missing, disabled, not to be granted; KMS or ecache-net down: refused, nothing left"

does create c1 /dev/ram0 --cache-id cache-a
says 'exists already' create c1 /dev/ram1
says 'cache id cache-a is taken' create c2 /dev/ram1 --cache-id cache-a
does ecachectl close c1
says 'holds volume c1' create c2 /dev/ram0 --force
closed() {
	[ ! -e /dev/mapper/c1 ] || die "a mapping is left"
	is c1 closed || die "c1 is $(status c1 .state)"
}

owner DisableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
says 'DisabledException' ecachectl open c1
grep -q 'enable-key' "$WORK/err" || die "no hint: $(cat "$WORK/err")"
closed
owner EnableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
kmsd_stop
says 'no answer from the KMS' ecachectl open c1
closed
kmsd_start
does ecachectl open c1
does ecachectl close c1
say "open with the key disabled or the KMS down: refused, closed; afterwards it opens"

pin=/etc/ecache/volumes.d/c1
cp "$pin" "$WORK/pin"
requests() {
	wc -l < "$KMS_STATE/cloudtrail.log"
}
asked=$(requests)
sed 's/^cache-id=.*/cache-id=cache-b/' "$WORK/pin" > "$pin"
says 'cache' ecachectl open c1
sed 's/^luks-uuid=.*/luks-uuid=01234567-89ab-4cde-8f01-23456789abcd/' "$WORK/pin" > "$pin"
says 'uuid' ecachectl open c1
sed "s|^key-arn=.*|key-arn=arn:aws:kms:local-1:123456789012:key/00000000-0000-4000-8000-000000000000|" "$WORK/pin" > "$pin"
says 'key' ecachectl open c1
echo "surprise=yes" >> "$pin"
says 'surprise' ecachectl open c1
ecachectl status c1 | grep -q 'problem' || die "status does not show the broken pin"
cp "$WORK/pin" "$pin"
[ "$(requests)" = "$asked" ] || die "the KMS was asked though pin and header disagree"
say "pin and header disagree: refused before the KMS is asked"

head -c 1048576 /dev/ram0 > "$WORK/old"
revoke_grant
does as_creator ecachectl regrant c1
dd if="$WORK/old" of=/dev/ram0 bs=1M status=none conv=notrunc
asked=$(requests)
says 'older' ecachectl open c1
grep -q -- '--accept-older-header' "$WORK/err" || die "no hint: $(cat "$WORK/err")"
[ "$(requests)" = "$asked" ] || die "the KMS was asked for an older header"
does ecachectl open c1 --accept-older-header
does ecachectl close c1
dd if=/dev/zero of=/dev/ram0 bs=4096 count=8 status=none conv=notrunc
says 'LUKS2' ecachectl open c1
closed
dd if="$WORK/old" of=/dev/ram0 bs=1M status=none conv=notrunc
does ecachectl open c1
say "an older header only with --accept-older-header; no header: refused"
does ecachectl destroy c1 --yes
nothing_left c1 /dev/ram0
