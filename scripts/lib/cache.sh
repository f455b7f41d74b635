# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
#
# Where things are: the repository, the cache folder, and the parts in it.
# A part's name carries the hash of what it is made from, so a changed list
# makes a new part and an unchanged one is found again. A part appears whole
# (renamed into place) or not at all. Needs: scripts (this repository's
# scripts folder), say.sh.

repo=$(cd "$scripts/.." && pwd)
cache=${ECACHE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dm-ecache}
boxd=$scripts/toolbox.d

# content_key FILE...: hash of the files without comments and empty lines.
content_key() {
	grep -hv -e '^[[:space:]]*#' -e '^[[:space:]]*$' "$@" | sha256sum | cut -c1-12
}

root=$cache/root-$(content_key "$boxd/packages" "$boxd/kernels" \
	"$boxd/preferences" "$scripts/lib/root.sh")
debug=$cache/debug-$( (
	echo "$root"
	content_key "$boxd/debug-kernel.config" "$scripts/lib/debug.sh"
) | sha256sum | cut -c1-12)
kcsan=$cache/kcsan-$( (
	echo "$root"
	content_key "$boxd/debug-kernel.config" "$boxd/kcsan-kernel.config" "$scripts/lib/debug.sh"
) | sha256sum | cut -c1-12)
initramfs=$cache/initramfs-$( (
	echo "$root"
	content_key "$scripts/lib/initramfs.sh" "$scripts/guest/initramfs-init"
) | sha256sum | cut -c1-12)

packing=$cache/packing-$( (
	echo "$root"
	content_key "$boxd/packing-packages" "$scripts/lib/packing.sh" "$scripts/lib/enter-layer"
) | sha256sum | cut -c1-12)

prometheus=$cache/prometheus-$(content_key "$boxd/preferences" "$scripts/lib/prometheus.sh")

# take_lock NAME: one builder of a kind at a time; others wait and say so.
# The descriptor is inherited by the builder's children on purpose: were the
# script killed, the next one waits until the last of them is gone.
take_lock() {
	mkdir -p "$cache" || die "cannot make the cache folder $cache"
	exec 9>"$cache/lock.$1"
	flock -n 9 && return 0
	say "another run is making the same ($1): waiting for it"
	flock 9
}

drop_lock() {
	exec 9>&-
}

# use_part DIR: holds a shared lock on it until this process and its children
# end, so that `clean` leaves it alone.
use_part() {
	exec 8>"$cache/use.${1##*/}"
	flock -s -n 8 || die "$1 is being removed by another run; try again"
	[ -d "$1" ] || die "$1 was removed by another run; try again"
}

# need_space GIB: the cache's file system must have that much free.
need_space() {
	mkdir -p "$cache" || die "cannot make the cache folder $cache"
	free_kib=$(df -Pk "$cache" | awk 'NR == 2 { print $4 }')
	[ "$free_kib" -ge $(($1 * 1024 * 1024)) ] ||
		die "$cache has $((free_kib / 1024 / 1024)) GiB free, $1 GiB are needed:" \
			"free some space or set ECACHE_CACHE to a folder elsewhere"
}

need_root() {
	[ "$(id -u)" -eq 0 ] || die "$1 needs root (mounts, chroot, apt)"
}
