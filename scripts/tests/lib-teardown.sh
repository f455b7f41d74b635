# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# What the tests of teardowns share, on top of lib-agent.sh. A teardown is watched from outside: a second volume whose user writes and syncs all the
# time, somebody who asks `ecachectl status` all the time, and a reader of the volume that is to end. Each case ends with a line of the table.
#
#	watch_start		the volume "other" on /dev/ram0, mounted, and those two
#	begin CASE NAME		what is measured from here on is CASE's; a reader of NAME's mapping, if that is not known to hang (NAME "": none)
#	over NAME		NAME is gone in time, and nothing else was held up
#	table			all cases, and that nothing waits in D state

. "$(dirname "$0")/lib-agent.sh"

HELPER=$SRC/scripts/tests/agent-teardown.py
DEADLINE=15000
# no sample of the other volume may take longer; an emulated processor has to share itself out
GAP=3000

helper() {
	python3 "$HELPER" "$@" > /dev/null 2>> "$WORK/helper.log" &
	HELPER_PID=$!
	PIDS="$PIDS $HELPER_PID"
}

# worst LOG FROM: the longest sample that ended after FROM
worst() {
	awk -v from="$2" '$1 >= from && $2 > most { most = $2 } END { print most + 0 }' "$1"
}

# samples LOG FROM: how many
samples() {
	awk -v from="$2" '$1 >= from { n++ } END { print n + 0 }' "$1"
}

watch_start() {
	new_customer_key
	OTHER_KEY=$KEY
	does create other /dev/ram0
	mkfs.ext4 -q /dev/mapper/other
	mkdir "$WORK/other"
	mount /dev/mapper/other "$WORK/other"
	helper write "$WORK/other/file" "$WORK/writes"
	WRITER=$HELPER_PID
	helper status "$WORK/answers"
	# shellcheck disable=SC2034 # for the tests
	PROBER=$HELPER_PID
	within 60 "the other volume is written" test -s "$WORK/writes"
	within 60 "status answers" test -s "$WORK/answers"
	w_from=$(now_ms)
	sleep 4
	CALM=$(worst "$WORK/answers" "$w_from")
	say "at rest: the slowest of $(samples "$WORK/answers" "$w_from") answers of status took $CALM ms, of $(samples "$WORK/writes" "$w_from") writes $(worst "$WORK/writes" "$w_from") ms"
	: > "$WORK/table"
}

# answered FROM NUMBER: status has answered so often since then
answered() {
	[ "$(samples "$WORK/answers" "$1")" -ge "$2" ]
}

begin() {
	CASE=$1 READER=
	rm -f "$WORK/reads"
	if [ -n "$2" ]; then
		helper read "/dev/mapper/$2" "$WORK/reads"
		READER=$HELPER_PID
		within 30 "the reader reads" grep -q reading "$WORK/reads"
	fi
	# A second; but an emulated processor on a busy host needs most of that for an answer at rest. So it is four times the worst that was seen
	# without a teardown, at rest or under a case's own load, if that is more.
	b_from=$(now_ms)
	within 60 "status answers" answered "$b_from" 4
	b_calm=$(worst "$WORK/answers" "$b_from")
	CALM=$((b_calm > CALM ? b_calm : CALM))
	LIMIT=$((4 * CALM > 1000 ? 4 * CALM : 1000))
	FROM=$(now_ms)
	ANSWERS=$FROM
}

# ecached_again: there is one again; until then nobody answers
ecached_again() {
	ecached_start
	ANSWERS=$(now_ms)
}

# key_gone NAME: by the target's own word
key_gone() {
	! dmsetup status "$1" 2> /dev/null | grep -q ' ACTIVE '
}

# unreadable NAME: no read of the mapping succeeds, be it there or not
unreadable() {
	[ ! -b "/dev/mapper/$1" ] || ! timeout 20 dd if="/dev/mapper/$1" of=/dev/null bs=4k count=1 iflag=direct status=none 2> /dev/null
}

reported() {
	[ "$(status "$1" .teardown.done)" = true ] && [ "$(status "$1" .state)" = revoked ]
}

# over NAME: fails unless all of the pass rule held
over() {
	within 30 "$1 is torn down" reported "$1"
	status "$1" .teardown > "$WORK/report"
	jq -e ".key_gone and .in_time and .key_gone_ms <= $DEADLINE" "$WORK/report" > /dev/null || die "$CASE: $(cat "$WORK/report")"
	key_gone "$1" || die "$CASE: $(dmsetup status "$1")"
	unreadable "$1" || die "$CASE: the device of $1 can still be read"
	if [ -n "$READER" ]; then
		within 20 "the reader of $1 has failed" grep -q '^[0-9]' "$WORK/reads"
		r_bad=$(tail -n 1 "$WORK/reads")
		r_good=${r_bad%% *} r_errno=${r_bad##* }
		[ "$r_errno" = 5 ] || die "$CASE: the reader ended with errno $r_errno"
		[ "$r_good" -le $((VERDICT + DEADLINE)) ] || die "$CASE: read $((r_good - VERDICT)) ms after the verdict"
	fi
	grep -q '"event":"revoke","volume":"'"$1"'"' "${AUDIT:-/var/log/ecache/audit.log}" || die "$CASE: no audit record"
	o_end=$(now_ms)
	until [ "$(tail -n 1 "$WORK/answers" | cut -d ' ' -f 1)" -gt "$o_end" ]; do
		sleep 0.2
	done
	kill -0 "$WRITER" || die "$CASE: the other volume's user saw an error: $(cat "$WORK/helper.log")"
	o_answer=$(worst "$WORK/answers" "$ANSWERS") o_gap=$(worst "$WORK/writes" "$FROM") o_writes=$(samples "$WORK/writes" "$FROM")
	[ "$o_answer" -lt "$LIMIT" ] || die "$CASE: an answer of status took $o_answer ms (before: $CALM ms)"
	[ "$o_writes" -gt 3 ] || die "$CASE: only $o_writes writes to the other volume"
	[ "$o_gap" -lt $GAP ] || die "$CASE: a write to the other volume took $o_gap ms"
	printf '%s|%s|%s|%s|%s\n' "$CASE" "$(jq .key_gone_ms "$WORK/report")" "$(jq .total_ms "$WORK/report")" "$o_answer" "$o_gap" >> "$WORK/table"
	say "$CASE: key gone after $(jq .key_gone_ms "$WORK/report") ms, status within $o_answer ms; $(jq -r '[.steps[] | select(.outcome != "ok") | .name + " " + .outcome] | join(", ")' "$WORK/report")"
}

# revoked NAME: an operator's order, which is the verdict
revoked() {
	VERDICT=$(now_ms)
	ecachectl revoke "$1" > "$WORK/out" 2>&1 || die "$CASE: $(cat "$WORK/out")"
}

# tearing: a supervisor is at work. Not by status: on a busy host its answer may take as long as there is until the key goes.
tearing() {
	pgrep -x ecache-teardown
}

# until_tearing NAME: by the owner, so that the order is the watcher's
until_tearing() {
	owner DisableKey "{\"KeyId\":\"$KEY\"}" > /dev/null
	within 120 "the teardown of $1 has begun" tearing
}

# gone NAME: nothing of the mapping is left, and nobody waits
gone() {
	! dmsetup info "$1" > /dev/null 2>&1
}

# waiting: processes in D state
waiting() {
	pgrep -l -r D .
}

none_waits() {
	! waiting
}

table() {
	within 30 "nothing waits in D state: $(waiting)" none_waits
	echo
	awk -F '|' 'BEGIN {
			printf "  %-46s %12s %12s %14s %14s\n", "case", "key gone ms", "finished ms", "worst status", "worst write"
		}
		{ printf "  %-46s %12s %12s %14s %14s\n", $1, $2, $3, $4, $5 }' "$WORK/table"
	echo
}

watch_stop() {
	kill "$WRITER"
	wait "$WRITER" 2> /dev/null || true
	umount "$WORK/other"
	KEY=$OTHER_KEY
	does ecachectl destroy other --yes
	nothing_left other /dev/ram0
}
