#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The owner takes the grant back from one of three volumes: it is torn down within 90 s of the revoke and within the deadline of the verdict, an
# open descriptor gives EIO, no key is accepted any more, open says why; another volume goes on. Then the owner allows it
# again: regrant, open, the data is there. The third volume has its life while the first waits for the end: revoked on this host only, and
# brought back; and with a grant that the owner makes himself.
. "$(dirname "$0")/lib-agent.sh"

agent_start probe-interval=5s teardown-deadline=10s
ram_disks 3 32
new_customer_key
other_key=$KEY
does create other /dev/ram1
new_customer_key
third_key=$KEY
does create c2 /dev/ram2
new_customer_key
does create c1 /dev/ram0

mkdir "$WORK/mnt" "$WORK/other"
mkfs.ext4 -q /dev/mapper/c1
mkfs.ext4 -q /dev/mapper/other
mount /dev/mapper/c1 "$WORK/mnt"
mount /dev/mapper/other "$WORK/other"
head -c 4M /dev/urandom > "$WORK/data"
cp "$WORK/data" "$WORK/mnt/data"
sync -f "$WORK/mnt"
within 20 "a probe of c1 answers ok" verdict_is c1 ok

# one descriptor on the file system, one on the device, both opened before
exec 7< "$WORK/mnt/data" 8< /dev/mapper/c1

# the other volume's user: writes and reads all the time
(
	exec 7<&- 8<&-
	n=0
	while [ ! -e "$WORK/stop" ]; do
		n=$((n + 1))
		echo "$n" > "$WORK/other/n" && sync -f "$WORK/other" && [ "$(cat "$WORK/other/n")" = $n ] || exit 1
		sleep 0.5
	done
	echo $n > "$WORK/rounds"
) &
user=$!
PIDS="$PIDS $user"

dd if="$WORK/data" of=/dev/mapper/c2 bs=1M oflag=direct status=none

# has_data: what was written to c2 is there
has_data() {
	cmp -n 4194304 "$WORK/data" /dev/mapper/c2
}

revoked=$(now_ms)
revoke_grant
gone() {
	! dmsetup status c1 2> /dev/null | grep -q ' ACTIVE '
}
# who looks on while the rest of this test has other things to do
(
	exec 7<&- 8<&-
	until gone; do
		sleep 0.2
	done
	now_ms > "$WORK/gone"
) &
looker=$!
PIDS="$PIDS $looker"

first_key=$KEY KEY=$third_key
does ecachectl revoke c2
is c2 revoked || die "c2 is $(status c2 .state)"
[ "$(grants)" = 1 ] || die "a local revoke touched the grant"
says 'ecachectl revoke on this host' ecachectl open c2
does as_creator ecachectl regrant c2
[ "$(grants)" = 1 ] || die "$(grants) grants after a regrant of one that stands"
does ecachectl open c2
has_data || die "other data after a local revoke"
does ecachectl close c2
say "ecachectl revoke: local and terminal until regrant"

revoke_grant
uuid=$(status c2 .luks_uuid) cache=$(status c2 .cache_id)
says 'AccessDeniedException' ecachectl open c2
owner CreateGrant "{\"KeyId\":\"$KEY\",\"GranteePrincipal\":\"$HOST_ARN\",\"Operations\":[\"Decrypt\",\"DescribeKey\",\"RetireGrant\"],
	\"Constraints\":{\"EncryptionContextEquals\":{\"ecache:cache-id\":\"$cache\",\"ecache:luks-uuid\":\"$uuid\",\"ecache:format\":\"1\"}}}" \
	> "$WORK/grant"
does ecachectl regrant c2 --grant-id "$(jq -r .GrantId "$WORK/grant")"
does ecachectl open c2
has_data || die "other data under the owner's grant"
does ecachectl destroy c2 --yes
nothing_left c2 /dev/ram2
say "regrant with the owner's own grant: open again"
KEY=$first_key

within 90 "the key of c1 is gone" test -s "$WORK/gone"
took=$(($(cat "$WORK/gone") - revoked))
[ $took -le 90000 ] || die "the key of c1 was there for $took ms"
say "key gone $((took / 1000)) s after the revoke"
within 20 "c1 is revoked" is c1 revoked
status c1 .teardown > "$WORK/report"
jq -e '.done and .key_gone and .in_time and .policy == "teardown" and .key_gone_ms <= 10000' "$WORK/report" > /dev/null ||
	die "teardown report: $(cat "$WORK/report")"
say "by the target's word $(jq .key_gone_ms "$WORK/report") ms after the verdict"

cat <&7 > /dev/null 2>&1 && die "the file can still be read"
dd <&8 of=/dev/null bs=4k count=1 iflag=direct 2> "$WORK/err" && die "the device can still be read"
grep -q 'Input/output error' "$WORK/err" || die "reading the device: $(cat "$WORK/err")"
exec 7<&- 8<&-
[ "$(ls "$WORK/mnt")" = "" ] || die "still mounted"
removed() {
	! dmsetup info c1 > /dev/null 2>&1
}
within 20 "the mapping is removed" removed
says 'AccessDeniedException' ecachectl open c1
grep -q 'ecachectl regrant c1' "$WORK/err" || die "no hint: $(cat "$WORK/err")"
jq -e 'select(.event == "revoke" and .volume == "c1") | .request_id' /var/log/ecache/audit.log > /dev/null ||
	die "no audit record of the revocation"
grep -q 'ECACHE_VERDICT=revoked' "$WORK/ecached.log" || die "no log line with the verdict"
say "open descriptors give EIO, the mapping is removed, open says why"

: > "$WORK/stop"
wait $user || die "the other volume's user saw an error"
is other open || die "other is $(status other .state)"
say "the other volume served $(cat "$WORK/rounds") rounds without an error"

does as_creator ecachectl regrant c1
[ "$(grants)" = 1 ] || die "$(grants) grants after regrant"
does ecachectl open c1
mount /dev/mapper/c1 "$WORK/mnt"
cmp "$WORK/data" "$WORK/mnt/data" || die "other data after regrant"
umount "$WORK/mnt"
say "regrant by the creator: open again, the data is there"

does ecachectl destroy c1 --yes
nothing_left c1 /dev/ram0
umount "$WORK/other"
KEY=$other_key
does ecachectl destroy other --yes
nothing_left other /dev/ram1
