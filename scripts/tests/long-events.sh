#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Kernels: 7.3
# Guest: --smp 1
#
# Events of EventBridge in place of probes, which are an hour apart. RevokeGrant, RetireGrant and a key policy that denies the host, each under a key of
# its own while the canary is alive, end in a teardown within two minutes; so does a grant that the KMS honours for half a minute more.
# ScheduleKeyDeletion locks. A flood of false events, also while the KMS throttles, or the host's credentials are refused, tears nothing down and costs
# a bounded number of questions, and ecached answers meanwhile.
. "$(dirname "$0")/lib-events.sh"

volumes='revoked retired denied dying late stays calm'
# the minute of confirmation, and what a busy guest takes
patience=120

# arn NAME: of a volume's key
arn() {
	status "$1" .key_arn
}

inject() {
	does ecache-kmsd inject "$@" --admin-socket /run/ecache-kmsd/admin.sock
}

# gone NAME: it has no key any more
gone() {
	! dmsetup status "$1" 2> /dev/null | grep -q ' ACTIVE '
}

# gone_after NAME SINCE
gone_after() {
	within $patience "the key of $1 is gone" gone "$1"
	is "$1" revoked || within 30 "$1 is revoked" is "$1" revoked
	say "$1: torn down, seen $((($(now_ms) - $2) / 1000)) s after the call"
}

events_start probe-interval=1h teardown-deadline=10s
ram_disks 7 16
i=0
for v in $volumes; do
	new_customer_key
	does create "$v" "/dev/ram$i"
	i=$((i + 1))
done
new_customer_key
# the canary; and grants may be listed, which explains a denial
sed "s|arn:aws:kms:eu-west-1[^\"]*|$KEY|" "$SRC/Documentation/examples/host-policy.json" |
	jq '.Statement += [{ "Effect": "Allow", "Action": "kms:ListGrants", "Resource": "*" }]' > "$WORK/policy"
ecache-kmsd principal update host --state-dir "$KMS_STATE" --policy "$WORK/policy" > /dev/null
echo "canary-key=$KEY" >> /etc/ecache/ecached.conf
kill -HUP "$ECACHED"
within 30 "events are heard" hearing listening
# A grant that is ten minutes old, or has once answered without its token, can be taken back: these are young, so that they are asked about once.
for v in $volumes; do
	put "$(false_event DisableKey "$(arn "$v")")"
done
for v in $volumes; do
	within 60 "$v was asked about" verdict_is "$v" ok
done

from=$(now_ms)
owner ScheduleKeyDeletion "{\"KeyId\":\"$(arn dying)\",\"PendingWindowInDays\":7}" > /dev/null
owner RevokeGrant "{\"KeyId\":\"$(arn revoked)\",\"GrantId\":\"$(status revoked .grant_id)\"}" > /dev/null
kms creator RetireGrant "{\"KeyId\":\"$(arn retired)\",\"GrantId\":\"$(status retired .grant_id)\"}" > /dev/null
jq -cn --arg key "$(arn denied)" --arg host "$HOST_ARN" '{ "KeyId": $key, "Policy": ({ "Version": "2012-10-17", "Statement": [
	{ "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::123456789012:root" }, "Action": "kms:*", "Resource": "*" },
	{ "Effect": "Deny", "Principal": { "AWS": $host }, "Action": "kms:Decrypt", "Resource": "*" } ] } | tojson) }' > "$WORK/put"
owner PutKeyPolicy "$(cat "$WORK/put")" > /dev/null
within 30 "dying is locked" is dying locked
explained() {
	[ "$(status "$1" .probe.grant)" = "$2" ]
}
within 30 "the grant that is overruled is listed" explained denied listed
within 30 "the grant that was revoked is not" explained revoked not-listed
say "ScheduleKeyDeletion: locked, seen $((($(now_ms) - from) / 1000)) s after the call"
for v in revoked retired denied; do
	gone_after $v "$from"
done
is late open || die "late is $(status late .state)"
is stays open || die "stays is $(status stays .state)"

# What is revoked stays in effect for half a minute, as at AWS: the first answer is still yes.
inject grant-delay 25000
from=$(now_ms)
owner RevokeGrant "{\"KeyId\":\"$(arn late)\",\"GrantId\":\"$(status late .grant_id)\"}" > /dev/null
within 20 "late was asked about" verdict_is late ok
patience=180
gone_after late "$from"
inject clear

# flood WHAT: half a minute of twenty false events a second
flood() {
	f_decrypts=$(asked Decrypt) f_describes=$(asked DescribeKey) f_end=$(($(now_ms) + 30000))
	f_lines=$(wc -l < "$WORK/ecached.log")
	set -- "$1"
	for i in $(seq 10); do
		set -- "$@" "$(false_event RevokeGrant "$key" "$grant")" "$(false_event DisableKey "$key")"
	done
	f_what=$1
	shift
	while [ "$(now_ms)" -lt $f_end ]; do
		put "$@"
		f_asked=$(now_ms)
		is stays open || die "stays is $(status stays .state)"
		[ $(($(now_ms) - f_asked)) -lt 5000 ] || die "status took $(($(now_ms) - f_asked)) ms"
		sleep 1
	done
	f_cost=$(($(asked Decrypt) - f_decrypts + $(asked DescribeKey) - f_describes))
	[ $f_cost -le 20 ] || die "$f_what: $f_cost questions in half a minute"
	f_lines=$(($(wc -l < "$WORK/ecached.log") - f_lines))
	[ $f_lines -le 20 ] || die "$f_what: $f_lines lines in the log"
	dd if=/dev/mapper/stays of=/dev/null bs=4k count=1 iflag=direct status=none || die "stays does not read"
	! grep -q '"event":"revoke","volume":"stays"' /var/log/ecache/audit.log || die "stays was ordered down"
	say "$f_what: $(queue '{}' | jq .sent) messages so far, $f_cost questions, $f_lines lines in the log, nothing torn down"
}
key=$(arn stays)
grant=$(status stays .grant_id)
flood "a flood of false events"
inject throttle Cryptographic 0
inject throttle DescribeKey 0
flood "the same, the KMS throttling"
inject clear
cp /etc/ecache/host-credentials "$WORK/credentials"
sed '/^\[host\]/,/^\[/s/^aws_secret_access_key.*/aws_secret_access_key = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/' "$WORK/credentials" \
	> /etc/ecache/host-credentials
flood "the same, the host's credentials refused"
cp "$WORK/credentials" /etc/ecache/host-credentials

anew() {
	[ "$(status calm .probe.request_id)" != "$n_id" ] && verdict_is calm ok
}

# asked_anew: a false event makes the host ask about calm, and the answer is ok
asked_anew() {
	n_id=$(status calm .probe.request_id)
	put "$(false_event DisableKey "$(arn calm)")"
	within 120 "calm was asked about, and is ok" anew
	is calm open || die "calm is $(status calm .state)"
}
asked_anew
inject clock-offset 600000
asked_anew
inject clear
date -s "+1 day" > /dev/null
asked_anew
date -s "-1 day" > /dev/null
is calm open || die "calm is $(status calm .state)"
say "clocks that jump: the KMS's by ten minutes, this host's by a day and back; asked about, ok"

owner CancelKeyDeletion "{\"KeyId\":\"$(arn dying)\"}" > /dev/null
owner EnableKey "{\"KeyId\":\"$(arn dying)\"}" > /dev/null
within 60 "dying is open again" is dying open
say "CancelKeyDeletion and EnableKey: open again by itself"
