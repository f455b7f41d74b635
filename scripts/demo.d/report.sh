# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# Steps, their times, the timeline and report.json. A step is a function that runs in a subshell
# with `set -e`, stops at the first thing that does not hold, and leaves what later steps need in
# files (keep, kept). After a failed step the others are recorded as not run.

# tick: sets $tick to the hundredths of a second since boot, without a process; centis prints it.
tick() {
	read -r tick_up _ </proc/uptime
	tick=$((${tick_up%.*} * 100 + 1${tick_up#*.} - 100))
}

centis() {
	tick
	echo "$tick"
}

# seconds CENTIS: as decimal text.
seconds() {
	printf '%d.%02d' $(($1 / 100)) $(($1 % 100))
}

# clock CENTIS: minutes and seconds.
clock() {
	printf '%2d:%02d' $(($1 / 6000)) $(($1 / 100 % 60))
}

# note TEXT: a fact that a step found; printed, and kept for timeline and report.
note() {
	printf '   %s\n' "$*"
	printf '%s\n' "$*" >>"$run/notes"
}

# doing TEXT: what happens now.
doing() {
	printf '   - %s\n' "$*"
}

fail() {
	printf 'FAILED: %s\n' "$*" >&2
	printf 'FAILED: %s\n' "$*" >>"$run/notes"
	exit 1
}

# keep NAME VALUE, kept NAME: what one step tells later ones.
keep() {
	printf '%s\n' "$2" >"$run/kept.$1"
}

kept() {
	cat "$run/kept.$1"
}

# within SECONDS WHAT COMMAND...: tries COMMAND until it succeeds; fails after that long.
within() {
	within_end=$(($(centis) + $1 * 100)) within_what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ "$(centis)" -lt "$within_end" ] || fail "$within_what: not within the time given"
		sleep 0.2
	done
}

# refused TEXT COMMAND...: the command fails and says TEXT (extended regular expression); sets
# refusal to its words.
refused() {
	refused_text=$1
	shift
	if "$@" >"$run/refused" 2>&1; then
		fail "accepted, but should be refused: $*"
	fi
	refusal=$(tr -s '\n ' '  ' <"$run/refused" | sed 's/^ //; s/ $//')
	grep -qE -e "$refused_text" "$run/refused" ||
		fail "refused, but without the words '$refused_text': $refusal"
}

report_begin() {
	report_start=$(centis)
	report_failed=''
	: >"$run/steps.jsonl"
	: >"$run/timeline"
}

# record NAME OK CENTIS-START CENTIS: one step into timeline and report.
record() {
	jq -nc --arg name "$1" --argjson ok "$2" --argjson seconds "$(seconds "$4")" --argjson at "$(seconds "$3")" \
		--arg kernel "$(uname -r)" --rawfile notes "$run/notes" \
		'{ $name, $ok, $seconds, $at, $kernel, notes: ($notes | split("\n") | map(select(. != ""))) }' >>"$run/steps.jsonl"
	jq -s . "$run/steps.jsonl" >"$out/report.json.new"
	mv "$out/report.json.new" "$out/report.json"
	record_word=ok
	[ "$2" = true ] || record_word=FAILED
	printf '%s  %-44s %-6s %7s s\n' "$(clock "$3")" "$1" "$record_word" "$(seconds "$4")" >>"$run/timeline"
	sed 's/^/           /' "$run/notes" >>"$run/timeline"
}

# step NAME FUNCTION
step() {
	: >"$run/notes"
	step_start=$(($(centis) - report_start))
	if [ -n "$report_failed" ]; then
		echo "not run: '$report_failed' failed" >"$run/notes"
		record "$1" false "$step_start" 0
		return 0
	fi
	printf '\n%s  %s\n' "$(clock "$step_start")" "$1"
	(
		set -eu
		"$2"
	)
	step_status=$?
	step_took=$(($(centis) - report_start - step_start))
	if [ $step_status -eq 0 ]; then
		record "$1" true "$step_start" $step_took
		printf '   ok, %s s\n' "$(seconds $step_took)"
	else
		[ -s "$run/notes" ] || echo "ended with status $step_status" >>"$run/notes"
		record "$1" false "$step_start" $step_took
		report_failed=$1
		printf '   FAILED after %s s\n' "$(seconds $step_took)"
		diagnose "$1" >"$out/failed.txt" 2>&1
		tail -n 60 "$out/failed.txt"
	fi
}

# report_end: the timeline; succeeds if every step held.
report_end() {
	{
		echo
		echo "Timeline (minutes:seconds since the start; kernel $(uname -r))"
		echo
		cat "$run/timeline"
		echo
		report_took=$(seconds $(($(centis) - report_start)))
		if [ -z "$report_failed" ]; then
			echo "Every step held. $report_took s"
		else
			echo "'$report_failed' did not hold. $report_took s"
		fi
	} | tee "$out/timeline.txt"
	[ -z "$report_failed" ]
}
