#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of scripts/bench-life and scripts/bench-latency that need no guest: their usage, and what bench.d/latency.awk makes of samples whose ratios are
# known. Prints one line per test; the last line counts.
set -u

scripts=$(cd "$(dirname "$0")" && pwd)
. "$scripts/lib/checks.sh"
export ECACHE_CACHE="$tmp/cache"
# usage PROGRAM ARGUMENTS...: each is wrong
usage() {
	program=$1
	shift
	"$scripts/$program" --help > "$tmp/out" 2>&1
	check "$program --help succeeds and says how" "$? $(sed -n '1s/ .*//p' "$tmp/out")" '0 usage:'
	for args; do
		# shellcheck disable=SC2086
		"$scripts/$program" $args > "$tmp/out" 2>&1
		check "$program $args: wrong usage" "$?" 2
	done
	check "$program, wrong usage: nothing made" "$(ls "$ECACHE_CACHE" 2> /dev/null)" ''
}

# round NUMBER NWQ AGAIN ECACHE: the 99th percentile is twice the median
round() {
	for sample in linear:50 nwq:"$2" again:"$3" default:400 ecache:"$4"; do
		echo "sample $1 c ${sample%:*} ${sample#*:} $((2 * ${sample#*:})) 9"
	done
}

# outcome OUT [BOUND]: of $tmp/samples; its status in front
outcome() {
	awk -f "$scripts/bench.d/latency.awk" -v out="$1" -v bound="${2:-1.00}" "$tmp/samples" > "$tmp/out"
	echo "$? $(cat "$tmp/out")"
}

usage bench-life '--bogus' 'word' '--runs' '--runs x' '--runs 0' '--kernel 5.10' '--runs 20 --targets 10'
usage bench-latency '--bogus' 'word' '--rounds' '--rounds x' '--seconds 0' '--kernel 5.10' '--bound one'

{
	round 1 100 101 80
	round 2 200 200 170
	round 3 400 390 360
} > "$tmp/samples"
check "the median of the rounds' ratios, not the ratio of medians" \
	"$(outcome table | sed -n '2,3s/^.*\(p[59].\) *\([0-9.]*\) *\([0-9.]*\) *\([0-9.]*\) *\([0-9.]*\) .*/\1 \2 \3 \4 \5/p')" \
	"$(printf 'p50 0.850 0.425 3.400 1.000\np99 0.850 0.425 3.400 1.000')"
check "not behind: status 0" "$(outcome table | cut -c 1 | head -n 1)" 0
check "valid JSON" "$(outcome json | sed 's/^0 //' | python3 -c 'import json, sys; d = json.load(sys.stdin)
print(d["format"], d["rounds"], d["cells"]["c"]["p99"]["to_nwq"], d["cells"]["c"]["p50"]["ns"], d["cells"]["c"]["p50"]["behind_nwq"])')" '1 3 0.85 170 False'
round 1 1000 1020 1019 > "$tmp/samples"
check "within what A/A is off" "$(outcome table | cut -c 1 | head -n 1)" 0
round 1 1000 980 1021 > "$tmp/samples"
check "by more than A/A is off" "$(outcome table | grep -c ' BEHIND$')" 2
check "behind: status 1" "$(outcome table | cut -c 1 | head -n 1)" 1
check "within another bound" "$(outcome table 1.01 | cut -c 1 | head -n 1)" 0
round 1 1000 1000 900 | grep -v again > "$tmp/samples"
check "without A/A nothing is good" "$(outcome table | cut -c 1 | head -n 1)" 1
: > "$tmp/samples"
check "no samples" "$(outcome table)" '2 '
checked
