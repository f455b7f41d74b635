#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mutants.sh NAME=TEST...: for scripts/mutate. Runs TEST.sh beside this file with the broken modules in /out/NAME, one after another in this guest.
# Lines "NAME began", then "NAME noticed|SURVIVED|unloadable SECONDS", go to /out/results, the output to /out/NAME.log. It ends early when a
# broken module stays loaded: what is left needs another guest.
set -u
dir=$(dirname "$0")
. "$dir/lib-run.sh"

for pair; do
	name=${pair%%=*}
	echo "$name began" >> /out/results
	start=$(uptime)
	result=noticed
	MODULES=/out/$name timeout -k 5 120 sh "$dir/${pair#*=}.sh" > "/out/$name.log" 2>&1 && result=SURVIVED
	! grep -q '^insmod: ' "/out/$name.log" || result=unloadable
	echo "$name $result $(uptime) $start" | awk '{ printf "%s %s %.1f\n", $1, $2, $3 - $4 }' | tee -a /out/results
	if ! clear_away || ! unload; then
		break
	fi
done
