#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Check: long
#
# The audit log and the KMS's own record of calls agree, call by call, over a life of volumes, a rotation and a restart; and what is cut
# out, changed, or cut off is noticed.
. "$(dirname "$0")/lib-agent.sh"

LOG=/var/log/ecache/audit.log
HOST_SESSION=arn:aws:sts::123456789012:assumed-role/host/

# reconcile AUDIT...: with the KMS's record
reconcile() {
	"$SRC/scripts/tests/agent-audit.py" "$HOST_SESSION" "$KMS_STATE/cloudtrail.log" "$@" > "$WORK/out"
}

# verify TEXT [OPT...]: it fails and says so
broken() {
	b_text=$1
	shift
	says "$b_text" ecachectl audit verify "$@"
}

agent_start probe-interval=5s
ram_disks 2 40
new_customer_key
does create c1 /dev/ram0
within 20 "the first probe answers ok" verdict_is c1 ok
does ecachectl close c1
does ecachectl open c1
does ecachectl close c1
ecachectl unwrap c1 --to-fd 1 > /dev/null 2>&1 && die "a character device got the key"
ecachectl unwrap c1 --to-fd 1 2> /dev/null | wc -c | grep -qx 64 || die "unwrap"
early=$(ecachectl audit verify --json | jq -r .head)
does ecachectl audit verify --head "$early"

mv $LOG $LOG.1
kill -HUP "$ECACHED"
within 20 "the log is followed" test -s $LOG
ecached_stop
ecached_start
does ecachectl open c1
revoke_grant
within 120 "the revocation ends it" is c1 revoked
says 'was revoked' ecachectl open c1
does as_creator ecachectl regrant c1
does ecachectl open c1

sed 's/"Decrypt", "DescribeKey"/"Decrypt", "Encrypt", "DescribeKey"/' "$SRC/Documentation/examples/creator-policy.json" > "$WORK/policy"
ecache-kmsd principal update creator --state-dir "$KMS_STATE" --policy "$WORK/policy" > /dev/null
printf pass | cryptsetup luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --batch-mode /dev/ram1 -
printf pass > "$WORK/pass"
does as_creator ecachectl adopt a1 /dev/ram1 --kms-key "$KEY" --key-file "$WORK/pass"
does ecachectl open a1
does ecachectl destroy c1 --yes
reconcile $LOG.1 $LOG || die "$(cat "$WORK/out")"
say "side by side: $(tail -1 "$WORK/out")"

does ecachectl audit verify
does ecachectl audit verify --file $LOG.1 --head "$early"
ecachectl audit verify --json > "$WORK/chain"
jq -e '.reserve == 1048576 and .previous_seq > 0 and (.previous_hash | length) == 64' "$WORK/chain" > /dev/null || die "$(cat "$WORK/chain")"
does ecachectl audit verify --file $LOG.1 --head "$(jq -r .previous_hash "$WORK/chain")"
does ecachectl audit verify --head "$(jq -r .previous_hash "$WORK/chain")"
[ "$(ecachectl audit show --volume a1 --json | jq -r .event | head -1)" = adopt ] || die "show: $(ecachectl audit show --volume a1 --json)"
ecachectl audit show | grep -q ' regrant  *c1 .*grant_id=' || die "show: $(ecachectl audit show)"
say "the chain holds over a rotation, and the heads of before are in it"

grep -v '"event":"open"' $LOG.1 > "$WORK/cut"
broken 'does not follow' --file "$WORK/cut"
reconcile "$WORK/cut" $LOG && die "an open without a record is not noticed"
grep -q 'Decrypt .* is in 0 audit records' "$WORK/out" || die "$(cat "$WORK/out")"
sed '2s/"request_id":"./"request_id":"x/' $LOG > "$WORK/changed"
broken 'does not follow' --file "$WORK/changed"
cp $LOG "$WORK/now"
head=$(ecachectl audit verify --file "$WORK/now" --json | jq -r .head)
sed '$d' "$WORK/now" > "$WORK/short"
does ecachectl audit verify --file "$WORK/short"
broken 'no record has the hash' --file "$WORK/short" --head "$head"
status=0
ecachectl audit verify --head 12 2> /dev/null || status=$?
[ $status = 2 ] || die "a hash that is none: status $status"
say "what is cut out, changed or cut off is noticed"
