# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# The toolbox root: Debian 13 with compilers, kernels, QEMU and the guests'
# userland. This file is part of the root's key: a change here makes a new one.

# root_apt_config DIR: apt that looks at the toolbox's sources instead of the
# host's, with its state in DIR; the host's proxies and checks apply.
root_apt_config() {
	mkdir -p "$1/apt/lists/partial" "$1/apt/archives/partial"
	: >"$1/apt/status"
	apt-config dump | grep -E '^Acquire::(http|https|Retries|ForceIPv[46]|Check-)[^ ]* ' >"$1/apt/acquire"
	cat "$1/apt/acquire" - >"$1/apt/conf" <<-EOF2
		Dir::State "$1/apt";
		Dir::State::status "$1/apt/status";
		Dir::Cache "$1/apt";
		Dir::Etc::sourcelist "$1/sources.list";
		Dir::Etc::sourceparts "-";
		Dir::Etc::preferences "$boxd/preferences";
		Dir::Etc::preferencesparts "-";
		Acquire::Languages "none";
		APT::Update::Error-Mode "any";
	EOF2
}

# root_release SERIES SUITE: the newest kernel release of the series for which
# the suite has image and headers.
root_release() {
	apt-cache pkgnames "linux-image-$1." |
		sed -n 's/^linux-image-\([0-9.]*\(-[0-9]*\)\{0,1\}\(+deb[0-9u]*\)\{0,1\}-amd64\)$/\1/p' |
		sort -rV |
		while read -r root_rel; do
			if [ "$(apt-cache madison "linux-image-$root_rel" "linux-headers-$root_rel" |
				grep -Ec " $2(-security|-updates)?/main ")" -ge 2 ]; then
				echo "$root_rel"
				break
			fi
		done
}

# root_kernels: one line "SERIES RELEASE" per kernel of the list.
root_kernels() {
	list_packages "$boxd/kernels" | while read -r root_series root_suite; do
		root_found=$(root_release "$root_series" "$root_suite")
		[ -n "$root_found" ] ||
			die "the mirror's suite $root_suite has no kernel $root_series (image and headers)"
		echo "$root_series $root_found"
	done
}

# root_bootstrap DIR: DIR/root from the resolved lists in DIR.
root_bootstrap() {
	supervise_logged "$cache/log/root" unshare --mount --propagation private \
		mmdebstrap --mode=root --format=directory --variant=minbase --architectures=amd64 \
		--aptopt="$1/apt/acquire" \
		--aptopt='Acquire::Languages "none"' \
		--aptopt='APT::Install-Recommends "false"' \
		--dpkgopt=force-unsafe-io \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/etc/kernel/postinst.d/initramfs-tools' \
		--setup-hook="mkdir -p \"\$1/etc/apt/preferences.d\" && cp '$boxd/preferences' \"\$1/etc/apt/preferences.d/toolbox\"" \
		--include="$(tr '\n' , <"$1/packages" | sed 's/,$//')" \
		trixie "$1/root" "$1/sources.list" ||
		die "the toolbox root could not be made"
}

# root_finish ROOT: mount points, and the debug kernel's place: its modules are
# found when its folder is mounted there.
root_finish() {
	mkdir -p "$1/src" "$1/out" "$1/usr/src/debug-kernel" "$1/etc/toolbox"
	root_version=$(make -s -C "$1/usr/src/linux-source-7.3" kernelversion)
	ln -s /usr/src/debug-kernel/modules "$1/lib/modules/$root_version-debug"
	echo "debug $root_version-debug" >>"$1/etc/toolbox/kernels"
	rm -f "$1/etc/machine-id" "$1"/usr/src/linux-source-7.3.tar.xz
}

ensure_root() {
	[ -d "$root" ] && return 0
	need_root "making the toolbox"
	[ "$(dpkg --print-architecture)" = amd64 ] || die "the toolbox is for amd64 only"
	take_lock root
	[ -d "$root" ] && drop_lock && return 0
	steps 5
	step "toolbox root: $root"
	need_space 12
	root_tmp=$cache/tmp.root
	rm -rf --one-file-system "$root_tmp"
	mkdir -p "$root_tmp" "$cache/log"
	# shellcheck disable=SC1091
	root_codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")

	step "package lists from the host's mirror"
	apt_toolbox_sources /etc/apt "$root_codename" >"$root_tmp/sources.list" || exit 1
	root_apt_config "$root_tmp"
	export APT_CONFIG="$root_tmp/apt/conf"
	supervise_logged "$cache/log/lists" apt-get -q update ||
		die "the mirror's lists could not be read (it must carry bookworm, trixie, trixie-backports)"
	root_kernels >"$root_tmp/kernels" || exit 1
	unset APT_CONFIG
	{
		list_packages "$boxd/packages"
		sed 's/.* \(.*\)/linux-image-\1\nlinux-headers-\1/' "$root_tmp/kernels"
	} >"$root_tmp/packages"

	step "download and install $(wc -l <"$root_tmp/packages") packages" \
		"and what they need (about 2 minutes on a fast mirror)"
	root_bootstrap "$root_tmp"

	step "unpack the 7.3 source"
	supervise tar -C "$root_tmp/root/usr/src" -xf "$root_tmp/root/usr/src/linux-source-7.3.tar.xz" ||
		die "the kernel source could not be unpacked"
	mkdir -p "$root_tmp/root/etc/toolbox"
	cp "$root_tmp/kernels" "$root_tmp/packages" "$root_tmp/root/etc/toolbox/"
	root_finish "$root_tmp/root"

	step "put into place"
	mv "$root_tmp/root" "$root" || die "cannot rename $root_tmp/root to $root"
	rm -rf --one-file-system "$root_tmp"
	drop_lock
}

# release SERIES: its kernel release (uname -r), "debug" included.
release() {
	[ -d "$root" ] || die "there is no toolbox yet: $scripts/toolbox ensure root"
	root_rel=$(awk -v series="$1" '$1 == series { print $2 }' "$root/etc/toolbox/kernels")
	[ -n "$root_rel" ] || die "unknown kernel '$1': one of" \
		"$(awk '{ printf "%s ", $1 }' "$root/etc/toolbox/kernels")"
	echo "$root_rel"
}
