#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# all.sh NAME...: runs the tests NAME.sh beside this file one after another in this guest, each cut off after TEST_TIMEOUT seconds (600). A line
# "NAME ok|failed SECONDS" each goes to /out/results, the output to /out/NAME.log.
set -u
dir=$(dirname "$0")
. "$dir/lib-run.sh"
status=0

for name; do
	start=$(uptime)
	result=ok
	timeout -k 5 "${TEST_TIMEOUT:-600}" sh "$dir/$name.sh" > "/out/$name.log" 2>&1 || result=failed
	leftovers >> "/out/$name.log" 2>&1 || result=failed
	echo "$name $result $(uptime) $start" | awk '{ printf "%s %s %.1f\n", $1, $2, $3 - $4 }' | tee -a /out/results
	if [ $result != ok ]; then
		status=1
		clear_away
	fi
	unload
done
exit $status
