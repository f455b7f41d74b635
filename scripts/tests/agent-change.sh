#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Check: long
#
# A volume in use that changes: under another KMS key, with ecached killed in the middle of it, and watched under the new key alone; as long as
# its device, which has grown, under a mounted file system, and shorter, but never shorter than that; ended, with its device discarded.
. "$(dirname "$0")/lib-agent.sh"

# owners COMMAND...: with the owner's credentials, whose right ReEncrypt is
owners() {
	"$@" --creator-profile owner --creator-credentials "$KMS_STATE/credentials/owner"
}

grants_on() {
	owner ListGrants "{\"KeyId\":\"$1\"}" | jq '.Grants | length'
}

# alone_under KEY: the only grant is on it, nothing is unfinished, and the watcher asks under it
alone_under() {
	[ "$(grants_on "$old") $(grants_on "$new")" = "$([ "$1" = "$old" ] && echo 1 0 || echo 0 1)" ] &&
		[ ! -e /var/lib/ecache/intents/c1.json ] && [ "$(status c1 .key_arn)" = "$1" ] && verdict_is c1 ok
}

agent_start probe-interval=2s
jq '.Statement += [{"Effect": "Allow", "Action": ["kms:ReEncryptFrom", "kms:ReEncryptTo"], "Resource": "*"}]' \
	"$SRC/Documentation/examples/owner-policy.json" > "$WORK/policy"
ecache-kmsd principal update owner --state-dir "$KMS_STATE" --policy "$WORK/policy" > /dev/null
modprobe ext4 2> /dev/null || true
ram_disks 1 64
dmsetup create base --table "0 65536 linear /dev/ram0 0"
new_customer_key
new=$KEY
new_customer_key
old=$KEY
does create c1 /dev/mapper/base
mkfs.ext4 -q /dev/mapper/c1
mkdir -p "$WORK/mnt"
mount /dev/mapper/c1 "$WORK/mnt"
head -c 4M /dev/urandom > "$WORK/data"
cp "$WORK/data" "$WORK/mnt/data"
sed -i '1i # of team blue' /etc/ecache/volumes.d/c1

says 'AccessDenied' as_creator ecachectl rewrap c1 --kms-key "$new"
within 20 "a refused rewrap leaves nothing" alone_under "$old"
does owners ecachectl rewrap c1 --kms-key "$new"
within 20 "c1 is under the new key alone" alone_under "$new"
is c1 open || die "c1 is $(status c1 .state)"
grep -q '^# of team blue$' /etc/ecache/volumes.d/c1 || die "the pin file: $(cat /etc/ecache/volumes.d/c1)"
owner DisableKey "{\"KeyId\":\"$old\"}" > /dev/null
sleep 5
is c1 open || die "the old key's owner ended it: $(status c1 .state)"
owner EnableKey "{\"KeyId\":\"$old\"}" > /dev/null
cmp "$WORK/data" "$WORK/mnt/data" || die "other data"
says 'is under .* already' owners ecachectl rewrap c1 --kms-key "$new"
say "rewrap: open all the while, under the new key alone, and the old one has no say"

now=$new other=$old backwards=0
started=$(now_ms)
does owners ecachectl rewrap c1 --kms-key "$other"
takes=$(($(now_ms) - started))
within 20 "c1 is back under the first key" alone_under "$other"
now=$old other=$new
rounds=5
for round in $(seq 1 $rounds); do
	owners ecachectl rewrap c1 --kms-key "$other" > "$WORK/rewrap.log" 2>&1 &
	rewrapping=$!
	sleep "$(awk "BEGIN { print $takes * ($round - 0.5) / $rounds / 1000 }")"
	ecached_kill
	wait $rewrapping 2> /dev/null || true
	ecached_start
	settled=
	for _ in $(seq 1 180); do
		! alone_under "$other" || settled=$other
		! alone_under "$now" || settled=$now
		[ -z "$settled" ] || break
		# the one grant that nobody can know of: made in the moment of the kill
		if grep -q "if the KMS lists a grant named ecache:.*$other.*rewrap" "$WORK/ecached.log" && [ "$(grants_on "$other")" = 1 ] &&
			[ ! -e /var/lib/ecache/intents/c1.json ] && [ "$(status c1 .key_arn)" = "$now" ]; then
			KEY=$other
			revoke_grant
		fi
		sleep 0.5
	done
	[ -n "$settled" ] || die "round $round: $(grants_on "$old") and $(grants_on "$new") grants, $(ecachectl status c1)"
	is c1 open || die "round $round: c1 is $(status c1 .state)"
	cmp "$WORK/data" "$WORK/mnt/data" || die "round $round: other data"
	if [ "$settled" = "$other" ]; then
		other=$now
		now=$settled
	else
		backwards=$((backwards + 1))
	fi
done
umount "$WORK/mnt"
does ecachectl close c1
does ecachectl open c1
mount /dev/mapper/c1 "$WORK/mnt"
say "ecached killed $rounds times over the $takes ms of a rewrap: $((rounds - backwards)) under the new key, $backwards under the old, open throughout"

ecachectl resize c1 | grep -q 'already' || die "a volume as long as its device: $(ecachectl resize c1)"
dmsetup reload base --table "0 131072 linear /dev/ram0 0"
dmsetup suspend base
dmsetup resume base
does ecachectl resize c1
[ "$(sectors /dev/mapper/c1)" = 129024 ] || die "c1 has $(sectors /dev/mapper/c1) sectors"
is c1 open || die "c1 is $(status c1 .state) after it grew"
resize2fs /dev/mapper/c1 > "$WORK/out" 2>&1 || die "resize2fs: $(cat "$WORK/out")"
[ "$(df -m --output=size "$WORK/mnt" | tail -n 1)" -gt 40 ] || die "the file system did not grow: $(df -m "$WORK/mnt")"
cp "$WORK/data" "$WORK/mnt/data2"
says 'the ext4 on c1 reaches to byte' ecachectl resize c1 --size 32M --force
umount "$WORK/mnt"
e2fsck -fp /dev/mapper/c1 > "$WORK/out" 2>&1 || die "e2fsck: $(cat "$WORK/out")"
resize2fs /dev/mapper/c1 32M > "$WORK/out" 2>&1 || die "resize2fs: $(cat "$WORK/out")"
does ecachectl resize c1 --size 32M
[ "$(sectors /dev/mapper/c1)" = 65536 ] || die "c1 has $(sectors /dev/mapper/c1) sectors"
mount /dev/mapper/c1 "$WORK/mnt"
cmp "$WORK/data" "$WORK/mnt/data2" || die "other data after resizing"
owner DisableKey "{\"KeyId\":\"$now\"}" > /dev/null
within 40 "a resized volume is locked" is c1 locked
owner EnableKey "{\"KeyId\":\"$now\"}" > /dev/null
within 40 "and opens again" is c1 open
say "resize: grown under a mounted file system, shrunk behind one, locked as ever"

umount "$WORK/mnt" 2> /dev/null || true
does ecachectl close c1
rm /var/lib/ecache/volumes/c1.json
mv /etc/ecache/volumes.d/c1 "$WORK/pin"
ecachectl doctor > "$WORK/out" || true
grep -q 'warning *strays .*holds volume' "$WORK/out" || die "doctor: $(cat "$WORK/out")"
mv "$WORK/pin" /etc/ecache/volumes.d/c1
kmsd_stop
does ecachectl destroy c1 --yes --discard
grep -q 'the grant is not retired yet' "$WORK/out" || die "destroy without the KMS: $(cat "$WORK/out")"
# ram disks take discards since Linux 6.6
if [ "$(cat /sys/block/ram0/queue/discard_max_bytes)" = 0 ]; then
	grep -q 'not discarded' "$WORK/out" || die "a discard that nobody took: $(cat "$WORK/out")"
else
	[ "$(tr -d '\000' < /dev/mapper/base | wc -c)" = 0 ] || die "the device was not discarded: $(cat "$WORK/out")"
fi
ecachectl doctor --repair > "$WORK/out" || true
grep -q '^later .* destroy of c1: ' "$WORK/out" || die "doctor --repair: $(cat "$WORK/out")"
grep -q 'warning *unfinished .*destroy of c1 at step retire' "$WORK/out" || die "doctor: $(cat "$WORK/out")"
kmsd_start
ecachectl doctor --repair > "$WORK/out" || true
grep -q '^repaired .* destroy of c1: done' "$WORK/out" || die "doctor --repair: $(cat "$WORK/out")"
[ "$(grants_on "$old") $(grants_on "$new")" = "0 0" ] || die "grants are left"
dmsetup remove --retry base
say "doctor: a header without its pin is named; what waits for the KMS is finished when it is back; the device is discarded"
