# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# Tests in guests have limits of time, which a host breaks that runs four lanes on two processors: those that failed are repeated once, alone, and said to
# be. What the code breaks fails again. Not repeated: what has no such limits, a guest whose kernel complained, and more than a few, since a change
# that breaks something mostly breaks many.

again_most=5

# repeatable NAME
repeatable() {
	case $1 in
	*/kernel-log) return 1 ;;
	system/* | agent/* | systemd/* | docs/tour | kunit | key-memory/* | secret-memory/*) ;;
	*) return 1 ;;
	esac
	! grep -q 'the kernel complained' "$out/$(log_of "$1")"
}

# again GROUPS...: the failed ones of $out/results; the line of the second try replaces that of the first, whose log stays as NAME.log.first
again() {
	: > "$out/repeated"
	sed -n 's/^\([^ ]*\) failed .*/\1/p' "$out/results" > "$out/to-repeat"
	[ "$(grep -c . "$out/to-repeat")" -le $again_most ] || return 0
	again_only=$only
	# not from the loop's stdin, which the tests would read
	# shellcheck disable=SC2013 # names have no blanks
	for only in $(cat "$out/to-repeat"); do
		repeatable "$only" || continue
		again_reason=$(reason_of "$only")
		again_log=$out/$(log_of "$only")
		echo "again, alone: $only"
		mv "$again_log" "$again_log.first"
		grep -vF "$only failed " "$out/results" > "$out/others"
		mv "$out/others" "$out/results"
		for g; do
			"group_$g"
		done
		echo "$only: $again_reason" >> "$out/repeated"
	done
	only=$again_only
}
