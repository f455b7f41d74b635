#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Check: long
# Guest: --smp 1 --disk 64M --disk 64M
#
# What is rotated while a volume is in use, as operations.md has one type it: the host's credentials in their file, which ended before or are
# replaced by reload-or-restart; the journal, the audit log and the KMS's record of calls, of which nothing is lost though it goes on meanwhile. The volume
# is written to all the time and notices none of it.
. "$(dirname "$0")/lib-systemd.sh"
. "$(dirname "$0")/lib-docs.sh"

TRAIL=$KMS_STATE/cloudtrail.log
AUDIT=/var/log/ecache/audit.log

systemd_install
kms_init
agent_conf probe-interval=5s
starts ecache-kmsd ecache-net ecached
new_customer_key
volume_in_use /dev/vda

rotate_host
within 30 "refused credentials are an agent-fault" verdict_is c1 agent-fault
section 'New credentials for the host' > "$WORK/block"
grep -q '^# block' "$WORK/block" || die "operations.md does not say how credentials are changed"
NEW=$KMS_STATE/credentials/host sh -eux "$WORK/block" > "$WORK/typed" 2>&1 || die "operations.md: $(cat "$WORK/typed")"
within 30 "c1 is ok with the new credentials" verdict_is c1 ok
asked_with "$(key_of)" || die "the last probe was not made with the new credentials"
undisturbed "new credentials in the file"
rotate_host
install -m 0600 "$KMS_STATE/credentials/host" /etc/ecache/host-credentials
systemctl reload-or-restart ecache-net || die "no reload-or-restart"
within 30 "a probe with the new credentials" asked_with "$(key_of)"
within 30 "c1 is ok with the new credentials" verdict_is c1 ok
undisturbed "the same by reload-or-restart"

# events: how many messages of ours the journal has
events() {
	journalctl -b -q -o cat -u 'ecache*' | wc -l
}
does create c2 /dev/vdb
# calls N: of the KMS, counted
calls() {
	for _ in $(seq "$1"); do
		kms admin GenerateRandom '{"NumberOfBytes":16}' | grep -q Plaintext && echo x >> "$WORK/calls"
	done
}
# linked LOG: the new log says how this one ended, and the journal has it
linked() {
	l_hash=$(tail -n 1 "$1" | tr -d '\n' | sha256sum | cut -d ' ' -f 1)
	jq -r 'select(.event == "audit-rotated") | .previous_hash' $AUDIT | grep -qx "$l_hash" &&
		journalctl -b -q -o cat --output-fields=ECACHE_AUDIT_HEAD ECACHE_EVENT=audit-head | grep -qx "$l_hash"
}
calls 40 &
caller=$!
for _ in 1 2 3; do
	does ecachectl close c2
	does ecachectl open c2
done &
worker=$!
for _ in 1 2 3; do
	section 'Rotating the logs' > "$WORK/block"
	grep -q '^# block' "$WORK/block" || die "operations.md does not say how logs are rotated"
	sh -eux "$WORK/block" > "$WORK/typed" 2>&1 || die "operations.md: $(cat "$WORK/typed")"
	within 20 "the new audit log names the end of the old one" linked "$(find $AUDIT-* | sort | tail -n 1)"
	before=$(events)
	journalctl --rotate
	[ "$(events)" -ge "$before" ] || die "the journal has lost records"
	sleep 1.1
done
wait $caller
wait $worker || die "c2 was not closed and opened all the time"
set -- "$TRAIL"*
[ $# = 4 ] || die "not rotated three times: $*"
cat "$TRAIL"* | jq -e -s length > /dev/null || die "the record of calls is not JSON"
recorded=$(cat "$TRAIL"* | jq -r .eventName | grep -c '^GenerateRandom$')
[ "$recorded" = "$(wc -l < "$WORK/calls")" ] || die "$recorded of $(wc -l < "$WORK/calls") calls are on record"
opened=$(cat $AUDIT $AUDIT-* | jq -r 'select(.event == "open" and .volume == "c2") | .event' | wc -l)
[ "$opened" = 3 ] || die "$opened of 3 opens are in the audit log"
undisturbed "logs rotated: $recorded calls and $opened opens are on record, $(wc -l < "$WORK/writes") writes"
