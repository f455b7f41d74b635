#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of scripts/bench-native and scripts/bench that need no kernel: their usage, and what bench.d/evaluate.awk and swap.awk make of samples
# whose ratios are known. Prints one line per test; the last line counts.
set -u

scripts=$(cd "$(dirname "$0")" && pwd)
. "$scripts/lib/checks.sh"
export ECACHE_CACHE="$tmp/cache"
# round BOOT CELL ROUND NWQ AGAIN SLOW ECACHE: one round; dm-linear is 700, the ciphers 300 and 500, the default 2000
round() {
	for sample in linear:700 nwq:"$4" again:"$5" default:2000 slow:"$6" ecache:"$7" aes:300 aes-slow:500; do
		echo "sample $1 $2 $3 ${sample%:*} ${sample#*:} 9999"
	done
}

# good_boot BOOT CELL ECACHE: controls that hold; the middle round counts
good_boot() {
	round "$1" "$2" 1 1000 1010 1200 "$3"
	round "$1" "$2" 2 2000 2002 2400 $((2 * $3))
	round "$1" "$2" 3 1000 990 1190 $((3 * $3))
}

# evaluate OUT [VAR=VALUE...]: of $tmp/samples; the status is in $tmp/status
evaluate() {
	out=$1
	shift
	[ $# -gt 0 ] || set -- boots=1
	for var; do
		set -- "$@" -v "$var"
		shift
	done
	awk -f "$scripts/bench.d/evaluate.awk" -v out="$out" -v want=c "$@" "$tmp/samples"
	echo $? >"$tmp/status"
}

# field NAME: of the JSON in $tmp/json, as written there
field() {
	sed -n "s/^ *\"$1\": \(.*[^,]\),*\$/\1/p" "$tmp/json"
}

test_usage() {
	"$scripts/bench-native" --help >"$tmp/out" 2>&1
	check "--help succeeds and says how" "$? $(sed -n '1s/ .*//p' "$tmp/out")" '0 usage:'
	for args in '--bogus' 'word' '--boots' '--boots x' '--boots 0' '--rounds 1.5' '--cells 4k-randread,2m-read' \
		'--sector-size 4000' '--bound one' '--cells 128k-read' '--parallel --cells 4k-randread' '--parallel --against HEAD'; do
		# shellcheck disable=SC2086
		"$scripts/bench-native" $args >"$tmp/out" 2>&1
		check "$args: wrong usage" "$?" 2
	done
	check "wrong usage: nothing made" "$(ls "$ECACHE_CACHE" 2>/dev/null)" ''
}

test_bench_usage() {
	"$scripts/bench" --help >"$tmp/out" 2>&1
	check "bench --help succeeds and says how" "$? $(sed -n '1s/ .*//p' "$tmp/out")" '0 usage:'
	for args in '--bogus' 'word' '--rounds' '--rounds x' '--rounds 0' '--ios 1.5' '--kernel 5.4' '--disk floppy' '--sector-size 4000' \
		'--size 4' '--swap --disk null'; do
		# shellcheck disable=SC2086
		"$scripts/bench" $args >"$tmp/out" 2>&1
		check "bench $args: wrong usage" "$?" 2
	done
	check "bench, wrong usage: nothing made" "$(ls "$ECACHE_CACHE" 2>/dev/null)" ''
}

# swap_round ROUND NWQ ECACHE AGAIN: instructions of 100 requests, with twice as many of CPU time
swap_round() {
	for sample in linear:10000 crypt:90000 crypt-nwq:"$2" ecache:"$3" ecache-again:"$4"; do
		for test in get set; do
			echo "sample $1 ${sample%:*} $test 100 50.5 1.5 9.5 $((${sample#*:} / 1000)) ${sample#*:} 250 50"
		done
	done
}

# swap_field FILTER: of the JSON that swap.awk makes of $tmp/samples
swap_field() {
	awk -v out=json -v emulated=1 -f "$scripts/bench.d/swap.awk" "$tmp/samples" | python3 -c "
import json, sys
print(json.load(sys.stdin)$1)"
}

test_swap() {
	{
		echo "driver xts-aes-aesni"
		swap_round 1 40000 30000 30300
		swap_round 2 80000 60000 60000
		swap_round 3 40000 28000 28000
	} >"$tmp/samples"
	check "swap: the median of the rounds' ratios, not the ratio of medians" "$(swap_field '["tests"][0]["targets"][3]["to_crypt_nwq"]')" 0.75
	check "swap: per request" "$(swap_field '["tests"][1]["targets"][1]["instructions"]') $(swap_field '["tests"][1]["targets"][1]["swap_reads"]')" '900 2.5'
	check "swap: the noise is the worst round of the control" "$(swap_field '["tests"][0]["noise"]')" 0.01
	check "swap: emulated, driver" "$(swap_field '["emulated"]') $(swap_field '["driver"]')" 'True xts-aes-aesni'
	awk -v out=table -f "$scripts/bench.d/swap.awk" "$tmp/samples" >"$tmp/table"
	check "swap: a difference beyond the noise" "$(sed -n 's/^  ecache .* //p' "$tmp/table" | head -n 1)" 0.750
	{
		echo "driver xts-aes-aesni"
		swap_round 1 40000 30000 45000
	} >"$tmp/samples"
	awk -v out=table -f "$scripts/bench.d/swap.awk" "$tmp/samples" >"$tmp/table"
	check "swap: a difference within it" "$(grep -c '^  ecache .* 0\.750 =$' "$tmp/table")" 2
	echo "sample 1 ecache get" >"$tmp/samples"
	awk -v out=json -f "$scripts/bench.d/swap.awk" "$tmp/samples" >/dev/null 2>&1
	check "swap: a line that is cut is no sample" "$?" 1
}

test_ratios() {
	good_boot 1 c 800 >"$tmp/samples"
	evaluate json >"$tmp/json"
	check "a boot: the median of the rounds' ratios, not the ratio of medians" "$(field to_nwq)" \
		'{ "median": 0.8000, "min": 0.8000, "max": 0.8000 }'
	check "ratio to dm-crypt's defaults" "$(field to_default)" '{ "median": 0.8000, "min": 0.8000, "max": 0.8000 }'
	check "the floor is dm-linear plus the cipher" "$(field to_floor)" '{ "median": 1.6000, "min": 1.6000, "max": 1.6000 }'
	check "what the slower cipher must cost" "$(field slow_to_nwq_expected)" '{ "median": 1.2000, "min": 1.2000, "max": 1.2000 }'
	{
		good_boot 1 c 800
		good_boot 2 c 900
		good_boot 3 c 700
		good_boot 4 other 100
	} >"$tmp/samples"
	evaluate json boots=3 >"$tmp/json"
	check "over boots: median and range; other cells do not count" "$(field to_nwq)" \
		'{ "median": 0.8000, "min": 0.7000, "max": 0.9000 }'
	check "boots and controls" "$(field boots) $(field discarded) $(field controls_held)" '3
3 0 true
true'
	evaluate table boots=3 >"$tmp/table"
	check "all held: status 0" "$(cat "$tmp/status")" 0
}

# outcome [VAR=VALUE...]: status of the table, and the cells that lack boots
outcome() {
	evaluate table "$@" >"$tmp/table"
	outcome_status=$(cat "$tmp/status")
	echo "$outcome_status $(evaluate short "$@")"
}

test_controls() {
	round 1 c 1 1000 1031 1200 800 >"$tmp/samples"
	check "A/A 3.1 % off: does not count" "$(outcome)" '3 c'
	round 1 c 1 1000 969 1200 800 >"$tmp/samples"
	check "A/A 3.1 % off, below: does not count" "$(outcome)" '3 c'
	round 1 c 1 1000 1029 1200 800 >"$tmp/samples"
	check "A/A 2.9 % off: counts" "$(outcome)" '0 '
	round 1 c 1 1000 1000 1000 800 >"$tmp/samples"
	check "the known difference is not there: does not count" "$(outcome)" '3 c'
	round 1 c 1 1000 1000 1099 800 >"$tmp/samples"
	check "less than half of the known difference: does not count" "$(outcome)" '3 c'
	round 1 c 1 1000 1000 1101 800 >"$tmp/samples"
	check "more than half of it: counts" "$(outcome)" '0 '
	round 1 c 1 1000 1000 1200 800 | grep -v again >"$tmp/samples"
	check "no A/A: does not count" "$(outcome)" '3 c'
	: >"$tmp/samples"
	check "no samples" "$(outcome)" '3 c'
	evaluate json >"$tmp/json"
	check "no samples: null, not held" "$(field to_nwq) $(field controls_held | head -n 1)" 'null false'
	{
		round 1 c 1 1000 1000 1200 800
		round 1 c 1 1000 1000 1200 800
	} >"$tmp/samples"
	check "a round twice is an error" "$(outcome 2>/dev/null)" '2 '
	good_boot 1 c 800 >"$tmp/samples"
	check "one boot of two" "$(outcome boots=2)" '3 c'
	round 2 c 1 1000 1100 1200 2000 >>"$tmp/samples"
	check "a boot that does not count does not make two" "$(outcome boots=2)" '3 c'
	evaluate json >"$tmp/json"
	check "nor does it change the ratio" "$(field to_nwq | cut -d, -f1) $(field discarded)" '{ "median": 0.8000 1'
}

test_behind() {
	round 1 c 1 1000 1000 1200 1001 >"$tmp/samples"
	check "behind" "$(outcome)" '1 '
	check "behind: the table says it" "$(grep -c ' BEHIND$' "$tmp/table")" 1
	check "within another bound" "$(outcome boots=1 bound=1.01)" '0 '
	round 1 c 1 1000 1020 1200 1019 >"$tmp/samples"
	check "within what A/A is off" "$(outcome)" '0 '
	round 1 c 1 1000 980 1200 1019 >"$tmp/samples"
	check "within what A/A is off, on the other side" "$(outcome)" '0 '
	round 1 c 1 1000 980 1200 1021 >"$tmp/samples"
	check "by more than A/A is off" "$(outcome)" '1 '
	{
		round 1 c 1 1000 1010 1200 1005
		round 2 c 1 1000 1000 1200 1005
		round 3 c 1 1000 1000 1200 1005
	} >"$tmp/samples"
	check "within what A/A is off in one of several boots" "$(outcome boots=3)" '0 '
	round 1 c 1 1000 1040 1200 2000 >"$tmp/samples"
	check "without controls nothing is behind" "$(outcome)" '3 c'
	round 1 c 1 1000 1000 1200 2000 >"$tmp/samples"
	check "nor with too few boots" "$(outcome boots=2)" '3 c'
}

test_json() {
	{
		good_boot 1 c 800
		echo 'meta cpu A "B" \C'
		echo 'meta rounds 3'
	} >"$tmp/samples"
	evaluate json >"$tmp/json"
	check "valid JSON" "$(python3 -c 'import json, sys; d = json.load(sys.stdin)
print(d["format"], d["cpu"], d["rounds"], d["cells"]["c"]["cpu_ns"]["ecache"])' <"$tmp/json")" '1 A B C 3 1600'
}

test_parallel() {
	# wall-clock times instead of CPU times
	{
		round 1 c 1 1000 1000 1200 800
		echo 'sample 1 c 1 other 1600 9999'
	} | awk '{ $7 = $6; $6 = 9999; print }' >"$tmp/samples"
	check "both CPUs to one, of wall-clock time" "$(evaluate parallel time=wall | awk '$1 == "c" { print $2, $4, $6 }')" '0.500 1.000 1/1'
	check "status 0" "$(cat "$tmp/status")" 0
	check "CPU time has other controls" "$(evaluate parallel >/dev/null; cat "$tmp/status")" 3
}

test_usage
test_bench_usage
test_swap
test_ratios
test_controls
test_behind
test_parallel
test_json
checked
