# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# What makes packages: debhelper, lintian, dkms and what they need, installed in a layer over the toolbox root. The root does not have it, since
# kernels and guests need none of it: a change there makes root and debug kernel anew. Needs: say.sh, cache.sh, apt.sh, host.sh, root.sh,
# chroot.sh.
#
#	layer/	what differs from the root
#	repo/	the packages as they came, an apt repository for guests, which have no network

# packing_download DIR: into DIR/repo what the root lacks of the list.
packing_download() {
	# shellcheck disable=SC1091
	packing_codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	apt_toolbox_sources /etc/apt "$packing_codename" >"$1/sources.list" || exit 1
	root_apt_config "$1"
	cp "$root/var/lib/dpkg/status" "$1/apt/status"
	export APT_CONFIG="$1/apt/conf"
	# shellcheck disable=SC2046 # one argument per name
	supervise_logged "$cache/log/packing" sh -c '
		apt-get -q update && apt-get -q -y --download-only --no-install-recommends install "$@"' sh \
		$(list_packages "$boxd/packing-packages") || die "the packages of $boxd/packing-packages could not be downloaded"
	unset APT_CONFIG
	mkdir "$1/repo"
	mv "$1"/apt/archives/*.deb "$1/repo/"
}

# in_layer LAYER OUT KEEP MODE CMD...: as lib/enter-layer has it.
in_layer() {
	in_layer_layer=$1 in_layer_out=$2 in_layer_keep=$3
	shift 3
	need_root "entering the toolbox"
	mkdir -p "$repo/build/over"
	supervise setpriv --pdeathsig KILL unshare --mount --propagation private --net --pid --fork --kill-child \
		"$scripts/lib/enter-layer" "$in_layer_layer" "$repo/build/over" "$in_layer_out" "$in_layer_keep" \
		"$root" "$debug" "$repo" "$@"
}

# in_packing MODE CMD...: with what makes packages; MODE as in lib/enter, with what "root" writes thrown away. Its repository is at /out.
in_packing() {
	in_layer "$packing/layer" "$packing/repo" '' "$@"
}

ensure_packing() {
	ensure_root
	[ -d "$packing" ] && return 0
	need_root "making the toolbox"
	take_lock packing
	[ -d "$packing" ] && drop_lock && return 0
	steps 4
	step "what makes packages: $packing"
	need_space 1
	packing_tmp=$cache/tmp.packing
	rm -rf --one-file-system "$packing_tmp"
	mkdir -p "$packing_tmp/none" "$packing_tmp/layer" "$cache/log"
	step "download (23 MB)"
	packing_download "$packing_tmp"
	step "install over the root"
	# shellcheck disable=SC2016
	in_layer "$packing_tmp/none" "$packing_tmp/repo" "$packing_tmp/layer" root sh -euc '
		DEBIAN_FRONTEND=noninteractive dpkg -i /out/*.deb
		cd /out
		dpkg-scanpackages --multiversion . >Packages' >"$cache/log/packing-install" 2>&1 </dev/null || {
		tail -n 20 "$cache/log/packing-install" >&2
		die "what makes packages could not be installed over the root"
	}
	step "put into place"
	rm -rf "$packing_tmp/none" "$packing_tmp/apt" "$packing_tmp/sources.list"
	mv "$packing_tmp" "$packing" || die "cannot rename $packing_tmp to $packing"
	drop_lock
}
