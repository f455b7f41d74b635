#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# On the debug kernel, after other tests: kmemleak finds nothing that the module has left behind; it is unloaded by now, unless a test
# had to pin it. What the rest of the kernel leaks is counted and is not ours: a stack is ours when an address in it belongs to no code any
# more, or to the module.
. "$(dirname "$0")/lib.sh"

leaks=/sys/kernel/debug/kmemleak
[ -e $leaks ] || fail "this kernel has no kmemleak"
[ -e /run/ecache-pinned ] || ! grep -q '^dm_ecache ' /proc/modules || fail "the module is still loaded"
# an object is reported when it is 5 s old and two scans found no pointer to it
sleep 5
echo scan > $leaks
echo scan > $leaks
cat $leaks > "$WORK/leaks"
cp "$WORK/leaks" /out/kmemleak
awk '
function end() {
	if (ours) {
		printf "%s", text
		found = 1
	} else if (text != "")
		others++
	text = ""
	ours = 0
}
/^unreferenced object/ { end() }
{ text = text $0 "\n" }
/\[dm_ecache\]|^    (\[<[0-9a-f]*>\] )?0x[0-9a-f]+$/ { ours = 1 }
END {
	end()
	printf "  objects of others: %d\n", others
	exit found
}' "$WORK/leaks" || fail "memory that the module left behind"
