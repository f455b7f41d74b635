#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Kernels: 7.3
# Guest: --smp 1
#
# One mistake is not twenty revocations. Twenty volumes under twenty keys stay open, and readable, while one edit of the host's own policy denies it
# every key, and again when the KMS has lost all of its keys; the brake says so, and goes when all is well again. Only an operator who names the
# volumes ends them: one, then the rest.
. "$(dirname "$0")/lib-agent.sh"

volumes=20
# what a denial needs to be confirmed, were it not for the brake: 60 s, and some
patience=90

# agent FILTER: jq on what status says of the agent
agent() {
	ecachectl status --json | jq -r ".agent$1"
}

braked() {
	[ "$(agent .brake)" = "$1" ]
}

# verdicts VERDICT: all volumes have it
verdicts() {
	[ "$(ecachectl status --json | jq "[.volumes[] | select(.probe.verdict == \"$1\")] | length")" = $volumes ]
}

# all_open: each has its key, reads, and was never ordered down
all_open() {
	for i in $(seq $volumes); do
		[ "$(dmsetup status "c$i" | awk '{ print $4 }')" = ACTIVE ] || die "c$i: $(dmsetup status "c$i")"
		dd if="/dev/mapper/c$i" of=/dev/null bs=4k count=1 iflag=direct status=none || die "c$i does not read"
	done
	! grep -q '"event":"revoke"' /var/log/ecache/audit.log || die "audit: $(grep '"event":"revoke"' /var/log/ecache/audit.log | head -n 1)"
}

# held_for SECONDS: the brake is on all the time, and at the end all is open
held_for() {
	h_end=$(($(now_ms) + $1 * 1000))
	while [ "$(now_ms)" -lt $h_end ]; do
		braked true || die "the brake let go"
		sleep 5
	done
	all_open
}

# policy EFFECT: of the host's role, for all keys
policy() {
	echo "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"$1\",\"Action\":\"kms:$2\",\"Resource\":\"*\"}]}" > "$WORK/policy"
	ecache-kmsd principal update host --state-dir "$KMS_STATE" --policy "$WORK/policy" > /dev/null
}

agent_start probe-interval=20s
ram_disks $volumes 20
for i in $(seq $volumes); do
	new_customer_key
	does create "c$i" "/dev/ram$((i - 1))"
done
within 120 "all are ok" verdicts ok
all_open
say "$volumes volumes under $volumes keys"

policy Deny Decrypt
within 120 "the brake engages" braked true
within 120 "all are suspect" verdicts suspect
held_for $patience
grep -q 'ECACHE_EVENT=brake' "$WORK/ecached.log" || die "the log says nothing of the brake"
say "one policy that denies them all: held for $patience s, no teardown"

policy Allow ListAliases
within 120 "all are ok again" verdicts ok
within 60 "the brake lets go" braked false
say "the policy mended: all ok, by themselves"

kmsd_stop
python3 - "$KMS_STATE/kms.db" <<-EOT
	import sqlite3, sys
	db = sqlite3.connect(sys.argv[1])
	db.execute("PRAGMA foreign_keys = ON")
	db.execute('DELETE FROM "key"')
	db.commit()
EOT
kmsd_start
within 120 "the brake engages" braked true
held_for $patience
say "a KMS that has lost its keys: held for $patience s, no teardown"

says 'was not named' ecachectl confirm --yes c1
says 'was not named' ecachectl confirm c2 --yes c1
all_open
does ecachectl confirm c1 --yes c1
within 60 "c1 is torn down" is c1 revoked
braked true || die "the brake let go"
[ "$(ecachectl status --json | jq '[.volumes[] | select(.state == "open")] | length')" = $((volumes - 1)) ] || die "$(ecachectl list)"
[ "$(grep -c '"event":"confirm"' /var/log/ecache/audit.log)" = 1 ] || die "audit: $(grep '"event":"confirm"' /var/log/ecache/audit.log)"
rest=$(seq -f 'c%g' -s , 2 $volumes)
does ecachectl confirm --yes "$rest"
braked false || die "the brake holds"
none_open() {
	! dmsetup status --target ecache | grep -q ' ACTIVE '
}
within 120 "all are torn down" none_open
[ "$(grep -c '"event":"confirm"' /var/log/ecache/audit.log)" = $volumes ] || die "not every volume is on record"
say "confirm: c1 alone, then the rest by name"
