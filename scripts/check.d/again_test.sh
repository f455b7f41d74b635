#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of again.sh with a group whose tests fail as often as they are told to. Prints one line per test; the last line counts.
set -u

. "$(dirname "$0")/../lib/checks.sh"
. "$(dirname "$0")/again.sh"
out=$tmp only=''

log_of() {
	echo "$1" | tr / - | sed 's/$/.log/'
}

reason_of() {
	cat "$out/$(log_of "$1")"
}

wanted() {
	[ "${only:-$1}" = "$1" ]
}

# group_all: the tests of $out/tests, lines "NAME FAILURES"
group_all() {
	while read -r name failures; do
		wanted "$name" || continue
		echo x >> "$out/runs-$(log_of "$name")"
		runs=$(grep -c . "$out/runs-$(log_of "$name")")
		echo "${complaint:-late} $runs" > "$out/$(log_of "$name")"
		if [ "$runs" -le "$failures" ]; then
			echo "$name failed 1 " >> "$out/results"
		else
			echo "$name ok 1 " >> "$out/results"
		fi
	done < "$out/tests"
}

# outcome NAME FAILURES...: all, then again; the results, and what is said to be repeated
outcome() {
	rm -f "$out"/*
	printf '%s %s\n' "$@" > "$out/tests"
	group_all
	again all > /dev/null
	sort "$out/results" | awk '{ printf "%s %s; ", $1, $2 }'
	tr '\n' ';' < "$out/repeated"
}

check "what passes is not repeated" "$(outcome agent/a 0 systemd/b 0)" "agent/a ok; systemd/b ok; "
check "what fails once is repeated, and said to be" "$(outcome agent/a 1 systemd/b 0)" "agent/a ok; systemd/b ok; agent/a: late 1;"
check "what fails again has failed, once" "$(outcome system/7.3/dm-a 9)" "system/7.3/dm-a failed; system/7.3/dm-a: late 1;"
check "a name that begins as another does" "$(outcome agent/agent-a 1 agent/agent-a-b 9)" \
	"agent/agent-a ok; agent/agent-a-b failed; agent/agent-a: late 1;agent/agent-a-b: late 1;"
check "what has no limits of time is not repeated" "$(outcome unit/a 1 static/b 1 build/7.3 1)" "build/7.3 failed; static/b failed; unit/a failed; "
check "nor is the kernel's log" "$(outcome system/7.3/kernel-log 1)" "system/7.3/kernel-log failed; "
check "nor a guest whose kernel complained" "$(complaint='vm: the kernel complained' && outcome systemd/a 1)" "systemd/a failed; "
check "nor many" "$(outcome agent/a 1 agent/b 1 agent/c 1 agent/d 1 agent/e 1 agent/f 1)" \
	"agent/a failed; agent/b failed; agent/c failed; agent/d failed; agent/e failed; agent/f failed; "
outcome agent/a 1 > /dev/null
check "the first try's log is kept" "$(cat "$out/agent-a.log.first" "$out/agent-a.log" | tr '\n' ' ')" "late 1 late 2 "
checked
