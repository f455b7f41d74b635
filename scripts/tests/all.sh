#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# all.sh NAME...: runs the tests NAME.sh beside this file one after another in this guest, each cut off after TEST_TIMEOUT seconds (600). A line
# "NAME ok|failed SECONDS" each goes to /out/results, the output to /out/NAME.log. The state of the kernel is not reset between them:
# a test leaves no dm device, or the next one says so.
set -u
dir=$(dirname "$0")
status=0

leftovers() {
	[ "$(dmsetup ls)" = "No devices found" ] || {
		echo "devices left: $(dmsetup ls)" >&2
		return 1
	}
}

for name; do
	start=$(cut -d ' ' -f 1 /proc/uptime)
	result=ok
	timeout -k 5 "${TEST_TIMEOUT:-600}" sh "$dir/$name.sh" > "/out/$name.log" 2>&1 || result=failed
	leftovers >> "/out/$name.log" 2>&1 || result=failed
	echo "$name $result $(cut -d ' ' -f 1 /proc/uptime) $start" |
		awk '{ printf "%s %s %.1f\n", $1, $2, $3 - $4 }' | tee -a /out/results
	[ $result = ok ] || status=1
	rmdir /sys/kernel/config/nullb/*/ 2> /dev/null
	for module in dm_ecache null_blk brd dm_delay; do
		rmmod $module 2> /dev/null
	done
done
exit $status
