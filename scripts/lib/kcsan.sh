# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2034
#
# The kcsan kernel: the debug kernel (debug.sh) from another configuration, in a folder of its own. A process works with one of the two, which
# is mounted at /usr/src/debug-kernel; their uname -r is the same, and a guest has kcsan's debugfs file or not.

# kcsan_config: debug-kernel.config, but each symbol that kcsan-kernel.config names as it is there; =n is left out.
kcsan_config() {
	awk -F = '
	NR == FNR {
		if (/^CONFIG_/)
			here[$1] = $0
		next
	}
	/^CONFIG_/ && !($1 in here)
	END {
		for (name in here)
			if (here[name] !~ /=n$/)
				print here[name] | "sort"
	}' "$boxd/kcsan-kernel.config" "$boxd/debug-kernel.config"
}

# use_kcsan: from here on the debug kernel of this process is this one.
use_kcsan() {
	debug=$kcsan
}

# ensure_kcsan: makes it if it is missing, and use_kcsan.
ensure_kcsan() {
	if [ ! -d "$kcsan" ]; then
		ensure_root
		mkdir -p "$cache/log/kcsan"
		kcsan_config >"$cache/log/kcsan/debug-kernel.config" || die "cannot write to $cache/log/kcsan"
		use_kcsan
		kcsan_boxd=$boxd
		boxd=$cache/log/kcsan
		ensure_debug
		boxd=$kcsan_boxd
	fi
	use_kcsan
}

# kcsan_ours FILE: the reports of FILE (a kernel log) that have the module in a stack, whole. Races between others' code are not ours.
# Succeeds if there is any.
kcsan_ours() {
	awk '
	function end() {
		if (ours)
			printf "%s", report
		found += ours
		report = ""
		inside = ours = 0
	}
	/BUG: KCSAN: / {
		end()
		inside = 1
	}
	inside {
		report = report $0 "\n"
		if (/dm_ecache/)
			ours = 1
		if (/==================/)
			end()
	}
	END {
		end()
		exit !found
	}' "$1"
}
