# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# What the tests of scripts share: tmp, a folder that goes with them; check; and checked, which ends them.

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
checks_passed=0 checks_failed=0

# check NAME GOT WANTED
check() {
	if [ "$2" = "$3" ]; then
		checks_passed=$((checks_passed + 1))
		echo "ok      $1"
	else
		checks_failed=$((checks_failed + 1))
		echo "FAILED  $1"
		printf '  got:    %s\n  wanted: %s\n' "$2" "$3"
	fi
}

# checked: the last line, and the status
checked() {
	echo "$checks_passed passed, $checks_failed failed"
	[ $checks_failed -eq 0 ]
}
