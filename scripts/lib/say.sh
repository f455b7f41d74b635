# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Messages, progress and children of the scripts. PROG is the script's name.
# Everything here prints to stderr: stdout belongs to the answer.

say() {
	printf '%s: %s\n' "$PROG" "$*" >&2
}

die() {
	say "$*"
	exit 1
}

usage_error() {
	say "$*"
	say "try '$PROG --help'"
	exit 2
}

# now: seconds, for differences only.
now() {
	date +%s
}

# steps TOTAL: starts the count for step().
steps() {
	step_total=$1
	step_done=0
	step_start=$(now)
}

# step WHAT: says which step of how many begins, and the time spent so far.
step() {
	step_done=$((step_done + 1))
	say "[$step_done/$step_total, $(($(now) - step_start)) s] $*"
}

# A child never outlives its script: a signal handler kills it (stop_child),
# and when the script itself is killed the kernel does (pdeathsig).
child=

stop_child() {
	[ -n "$child" ] || return 0
	kill -KILL "$child" 2>/dev/null
	wait "$child" 2>/dev/null
	child=
}

# on_signals: from here on a signal stops the child and ends the script, so
# that its EXIT trap runs.
on_signals() {
	trap 'stop_child; exit 129' HUP
	trap 'stop_child; exit 130' INT
	trap 'stop_child; exit 143' TERM
}

# supervise CMD...: runs it as the child and returns its status. stdin is
# passed through (the shell would give a background job /dev/null).
supervise() {
	exec 3<&0
	setpriv --pdeathsig KILL "$@" <&3 3<&- &
	child=$!
	exec 3<&-
	wait "$child"
	supervise_rc=$?
	child=
	return "$supervise_rc"
}

# supervise_logged LOG CMD...: the same with its output in LOG and a sign of
# life every half minute; on failure the end of LOG is shown.
supervise_logged() {
	log=$1
	shift
	logged_start=$(now)
	setpriv --pdeathsig KILL "$@" </dev/null >"$log" 2>&1 &
	child=$!
	logged_tick=0
	while kill -0 "$child" 2>/dev/null; do
		sleep 1
		logged_tick=$((logged_tick + 1))
		if [ $((logged_tick % 30)) -eq 0 ]; then
			say "  ... $(($(now) - logged_start)) s, $(wc -l <"$log") lines in $log"
		fi
	done
	wait "$child"
	supervise_rc=$?
	child=
	if [ "$supervise_rc" -ne 0 ]; then
		say "failed with status $supervise_rc; the end of $log:"
		tail -n 20 "$log" >&2
	fi
	return "$supervise_rc"
}
