# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# Commands inside the toolbox root, in namespaces of their own: mounts vanish with the
# command, every process of it dies with the script, the network is loopback.
# Needs: say.sh, cache.sh.

# in_root MODE CMD...: MODE as in lib/enter.
in_root() {
	in_root_timeout 0 "$@"
}

# in_root_timeout SECONDS MODE CMD...: killed after that long (0: never), with status 137.
in_root_timeout() {
	in_root_seconds=$1 in_root_mode=$2
	shift 2
	need_root "entering the toolbox"
	supervise timeout --foreground -s KILL "$in_root_seconds" setpriv --pdeathsig KILL \
		unshare --mount --propagation private --net --pid --fork --kill-child \
		"$scripts/lib/enter" "$root" "$debug" "$repo" "$in_root_mode" "$@"
}

# in_root_logged LOG MODE CMD...: the same with its output in a file.
in_root_logged() {
	in_root_log=$1
	in_root_mode=$2
	shift 2
	need_root "entering the toolbox"
	supervise_logged "$in_root_log" unshare --mount --propagation private --net --pid --fork \
		--kill-child "$scripts/lib/enter" "$root" "$debug" "$repo" "$in_root_mode" "$@"
}
