# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# KTAP as KUnit writes it: suites at the left margin, their cases indented by four.

# ktap_summary FILE: one line per suite and each failed case; fails if a test failed or
# none ran. A skipped test says "# SKIP".
ktap_summary() {
	awk '
	/^    ok .*# SKIP/ { skipped++; next }
	/^    ok / { passed++; next }
	/^    not ok / { failed++; cases = cases "\n    " $0; next }
	/^(not )?ok / {
		name = $0
		sub(/^(not )?ok [0-9]+ (- )?/, "", name)
		sub(/ #.*/, "", name)
		state = "ok"
		if ($1 == "not" || failed) {
			state = "FAILED"
			bad++
		} else if (passed + skipped == 0)
			state = "EMPTY"
		printf "%-8s%s: %d passed, %d failed, %d skipped%s\n", state, name, passed, failed, skipped, cases
		suites++
		ran += passed
		passed = failed = skipped = 0
		cases = ""
	}
	END {
		if (passed + failed) {
			print "FAILED  a suite did not end" cases
			bad++
		}
		if (suites == 0 || ran == 0) {
			print "FAILED  no test ran"
			bad++
		}
		exit (bad != 0)
	}' "$1"
}
