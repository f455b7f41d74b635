#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What an operator does beside the usual: the key in the clear for stock cryptsetup, and only into a pipe, and on record; revoke with the grant;
# a grant for another host, and the disk there; what doctor finds. (What confirm does takes the minutes that a denial takes: long-brake.)
. "$(dirname "$0")/lib-agent.sh"

HOST2_ARN=arn:aws:iam::123456789012:role/host2

# audited FILTER: how many audit records
audited() {
	jq -s "map(select($1)) | length" /var/log/ecache/audit.log
}

# as NAME COMMAND...: with the credentials of that principal
as() {
	a_name=$1
	shift
	"$@" --creator-profile "$a_name" --creator-credentials "$KMS_STATE/credentials/$a_name"
}

agent_start probe-interval=30s
modprobe dm_crypt
ram_disks 2 32
new_customer_key
does create c1 /dev/ram0
head -c 4M /dev/urandom > "$WORK/data"
dd if="$WORK/data" of=/dev/mapper/c1 bs=1M oflag=direct status=none
does ecachectl close c1

ecachectl unwrap c1 --to-fd 1 > "$WORK/key" 2> "$WORK/err" && die "a regular file got the key"
grep -q 'would keep the key' "$WORK/err" || die "unwrap: $(cat "$WORK/err")"
[ ! -s "$WORK/key" ] || die "the file is not empty"
[ "$(audited '.event == "unwrap"')" = 0 ] || die "a record of what did not happen"
status=0
ecachectl unwrap c1 --to-fd 9 2> "$WORK/err" || status=$?
[ $status = 2 ] || die "a descriptor that is not open: status $status"
ecachectl unwrap c1 --to-fd 1 | cryptsetup open --type luks2 --volume-key-file /proc/self/fd/0 --key-size 512 /dev/ram0 rescue
cmp -n 4194304 "$WORK/data" /dev/mapper/rescue || die "other data through dm-crypt"
cryptsetup close rescue
[ "$(audited '.event == "unwrap" and .volume == "c1" and .to == "pipe" and .request_id != ""')" = 1 ] || die "no audit record of unwrap"
hex=$(ecachectl unwrap c1 --to-fd 3 --json 3>&1 > "$WORK/out" | od -An -v -tx1 | tr -d ' \n')
[ ${#hex} = 128 ] || die "the key has $((${#hex} / 2)) bytes"
jq -e '.bytes == 64 and .to == "pipe"' "$WORK/out" > /dev/null || die "unwrap --json: $(cat "$WORK/out")"
! grep -ril "$hex" "$WORK" /var/log/ecache /run/ecache /var/lib/ecache || die "the key is in a log"
says 'mode 0644' sh -c "ecachectl unwrap c1 --to-fd 3 --force 3> $WORK/key"
rm "$WORK/key"
(umask 077 && ecachectl unwrap c1 --to-fd 1 --force > "$WORK/key")
[ "$(od -An -v -tx1 "$WORK/key" | tr -d ' \n')" = "$hex" ] || die "another key in the file"
rm "$WORK/key"
say "unwrap: stock cryptsetup reads the volume with it, each time is on record, no file unless asked for"

# found CHECK: its outcome
found() {
	jq -r --arg name "$1" '.checks[] | select(.name == $name) | .outcome' "$WORK/doctor"
}

# doctor STATUS: it ends so
doctor() {
	d_status=0
	ecachectl doctor --json > "$WORK/doctor" 2> "$WORK/err" || d_status=$?
	[ $d_status = "$1" ] || die "doctor: status $d_status: $(cat "$WORK/doctor" "$WORK/err")"
}

# policy ACTIONS: of the host, on all keys
policy() {
	echo "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":$1,\"Resource\":\"*\"}]}" > "$WORK/policy"
	ecache-kmsd principal update host --state-dir "$KMS_STATE" --policy "$WORK/policy" > /dev/null
}

doctor 0
for check in access rights identity clock swap driver kernel module services permissions configuration; do
	[ "$(found $check)" = ok ] || [ $check = services ] || die "$check: $(jq -c ".checks[] | select(.name == \"$check\")" "$WORK/doctor")"
done
jq -e '.checks | map(select(.name == "driver"))[0].found | contains("aes")' "$WORK/doctor" > /dev/null || die "driver: $(cat "$WORK/doctor")"
policy '["kms:Decrypt","kms:CreateGrant"]'
doctor 1
[ "$(found access) $(found rights)" = "fault fault" ] || die "a host that may always decrypt: $(cat "$WORK/doctor")"
grep -q 'a revocation changes nothing' "$WORK/doctor" || die "no remedy: $(cat "$WORK/doctor")"
[ "$(grants)" = 1 ] || die "doctor made a grant"
policy '"kms:ListAliases"'
doctor 0
[ "$(found access) $(found rights)" = "ok ok" ] || die "$(cat "$WORK/doctor")"
owners=$KEY
new_customer_key
canary=$KEY KEY=$owners
sed "s|arn:aws:kms:eu-west-1[^\"]*|$canary|" "$SRC/Documentation/examples/host-policy.json" > "$WORK/policy"
ecache-kmsd principal update host --state-dir "$KMS_STATE" --policy "$WORK/policy" > /dev/null
ecached_kill
doctor 1
[ "$(found access) $(found services) $(found kernel)" = "unknown fault ok" ] || die "without ecached: $(cat "$WORK/doctor")"
rm -f /run/ecache/ecached.sock
echo "canary-key=$canary" >> /etc/ecache/ecached.conf
ecached_start
doctor 0
[ "$(found access) $(found canary)" = "ok ok" ] || die "the host's template: $(cat "$WORK/doctor")"
ecachectl doctor > "$WORK/out"
grep -q '^ok  *access ' "$WORK/out" || die "doctor as text: $(cat "$WORK/out")"
sed 's/111122223333/123456789012/; s|role/cache-host|role/host|' "$SRC/Documentation/examples/key-policy.json" > "$WORK/policy"
ecache-kmsd principal add cache-creator --state-dir "$KMS_STATE" --role > /dev/null
owner PutKeyPolicy "{\"KeyId\":\"$KEY\",\"PolicyName\":\"default\",\"Policy\":$(jq -Rs . < "$WORK/policy")}" > "$WORK/out"
does as cache-creator ecachectl create c2 /dev/ram1 --kms-key "$KEY"
says 'AccessDenied' as cache-creator ecachectl revoke c2 --grant
does ecachectl destroy c2 --yes
[ "$(grants)" = 1 ] || die "$(grants) grants: the template"
say "doctor: a policy that makes a revocation void is a fault; it works without ecached"

says 'nothing to confirm' ecachectl confirm --yes c1
says 'without a terminal' ecachectl confirm < /dev/null
[ "$(audited '.event == "confirm"')" = 0 ] || die "a record of a confirm that was refused"

does ecachectl open c1
says 'c1 is revoked on this host, but its grant stands.*AccessDenied' as creator ecachectl revoke c1 --grant
is c1 revoked || die "c1 is $(status c1 .state)"
[ "$(grants)" = 1 ] || die "the creator revoked a grant without the right to"
does as owner ecachectl revoke c1 --grant
[ "$(grants)" = 0 ] || die "the grant is still there"
[ "$(audited '.event == "revoke-grant" and .request_id != ""')" = 1 ] || die "no audit record of the grant's end"
does as owner ecachectl revoke c1 --grant
says 'was revoked' sh -c 'ecachectl unwrap c1 --to-fd 1 | cat > /dev/null; ecachectl open c1'
does as_creator ecachectl regrant c1
say "revoke --grant: the owner's right, gone with the volume, and again is no error"

ecache-kmsd principal add host2 --state-dir "$KMS_STATE" --role > /dev/null
says 'AccessDenied' as creator ecachectl regrant c1 --host "$HOST2_ARN"
[ "$(grants)" = 1 ] || die "$(grants) grants after a refused regrant"
sed 's|role/host"|role/host*"|' "$SRC/Documentation/examples/creator-policy.json" > "$WORK/policy"
ecache-kmsd principal update creator --state-dir "$KMS_STATE" --policy "$WORK/policy" > /dev/null
does ecachectl open c1
says 'c1 is open here' as creator ecachectl regrant c1 --host "$HOST2_ARN"
does ecachectl close c1
does as creator ecachectl regrant c1 --host "$HOST2_ARN"
[ "$(grants)" = 1 ] || die "$(grants) grants after regrant --host"
says "its grant was given to $HOST2_ARN" ecachectl open c1

# the other host: its own credentials, no state; pin file and disk came along
ecached_stop
kill "$NET"
wait "$NET" || true
rm -rf /var/lib/ecache /run/ecache-net/net.sock
install -m 600 "$KMS_STATE/credentials/host2" /etc/ecache/host-credentials
sed -i "s|^host-principal=.*|host-principal=$HOST2_ARN|; s|^host-profile=.*|host-profile=host2|" /etc/ecache/ecached.conf
net_start
ecached_start
does ecachectl open c1
cmp -n 4194304 "$WORK/data" /dev/mapper/c1 || die "other data on the other host"
does ecachectl destroy c1 --yes
nothing_left c1 /dev/ram0
say "regrant --host: the other host opens the volume, this one does not"
