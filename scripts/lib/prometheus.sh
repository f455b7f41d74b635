# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# Prometheus and promtool as Debian 13 has them: two programs out of their packages, which need nothing but the C library. Not in the root's list: a
# change there makes root and debug kernel anew, and the packages' web pages and fonts would go with it. Needs: say.sh, cache.sh, apt.sh,
# host.sh, root.sh.

ensure_prometheus() {
	[ -d "$prometheus" ] && return 0
	need_root "making the toolbox"
	take_lock prometheus
	[ -d "$prometheus" ] && drop_lock && return 0
	steps 2
	step "Prometheus: $prometheus"
	need_space 1
	prometheus_tmp=$cache/tmp.prometheus
	rm -rf --one-file-system "$prometheus_tmp"
	mkdir -p "$prometheus_tmp/programs" "$cache/log"
	step "download (32 MB)"
	apt_unpack "$prometheus_tmp" "$cache/log/prometheus" prometheus promtool
	mv "$prometheus_tmp/unpacked/usr/bin/prometheus" "$prometheus_tmp/unpacked/usr/bin/promtool" "$prometheus_tmp/programs/" ||
		die "the packages of Prometheus are not as they were"
	mv "$prometheus_tmp/programs" "$prometheus" || die "cannot rename $prometheus_tmp/programs to $prometheus"
	rm -rf --one-file-system "$prometheus_tmp"
	drop_lock
}

# show_prometheus: where guests and the root see it, build/prometheus
show_prometheus() {
	mkdir -p "$repo/build/prometheus"
	for prometheus_program in prometheus promtool; do
		cmp -s "$prometheus/$prometheus_program" "$repo/build/prometheus/$prometheus_program" ||
			cp "$prometheus/$prometheus_program" "$repo/build/prometheus/" || exit 1
	done
}
