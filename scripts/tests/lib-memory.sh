# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# What the guests of scripts/key-memory and scripts/secret-memory say to their host, on top of lib.sh.

dump=1

# expect WHAT NAME...: in the next dump
expect() {
	e_what=$1
	shift
	for name; do
		echo "$e_what $name" >> "/out/expect.$dump"
	done
}

# take_dump: the host does, we wait, for two minutes at most
take_dump() {
	: > "/out/ready.$dump"
	t_left=2400
	until [ -e "/out/go.$dump" ]; do
		t_left=$((t_left - 1))
		[ $t_left -gt 0 ] || fail "the host takes no dump $dump"
		sleep 0.05
	done
	dump=$((dump + 1))
}
