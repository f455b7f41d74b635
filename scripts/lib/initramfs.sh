# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# The guests' initramfs, one per kernel: busybox, the modules that mount the root, and
# guest/initramfs-init. This file is part of its key.

# ensure_initramfs SERIES: sets initramfs_file.
ensure_initramfs() {
	initramfs_file=$initramfs/$1.img
	[ -e "$initramfs_file" ] && return 0
	initramfs_rel=$(release "$1") || exit 1
	take_lock initramfs
	[ -e "$initramfs_file" ] && drop_lock && return 0
	mkdir -p "$initramfs" "$repo/build"
	initramfs_tmp=$(mktemp "$repo/build/initramfs.XXXXXX") || die "cannot write to $repo/build"
	# shellcheck disable=SC2016
	in_root ro sh -euc '
		rel=$1 out=$2 dir=/tmp/initramfs
		mkdir -p $dir/bin $dir/proc $dir/sys $dir/dev $dir/m
		cp /bin/busybox $dir/bin/
		cp /src/scripts/guest/initramfs-init $dir/init
		chmod 755 $dir/init
		for m in virtio_pci virtio_console 9pnet_virtio 9p overlay; do
			modprobe -S "$rel" --show-depends "$m"
		done | sed -n "s/^insmod \([^ ]*\).*/\1/p" | awk "!seen[\$0]++" |
		while read -r file; do
			name=$(basename "$file")
			case $name in
			*.xz) name=${name%.xz}; xz -dc "$file" >"$dir/m/$name" ;;
			*.zst) name=${name%.zst}; zstd -qdc "$file" >"$dir/m/$name" ;;
			*) cp "$file" "$dir/m/$name" ;;
			esac
			echo "$name" >>$dir/m/order
		done
		touch $dir/m/order
		cd $dir && find . | cpio -o -H newc --quiet | gzip -1 >"$out"
	' sh "$initramfs_rel" "/src/build/${initramfs_tmp##*/}" || {
		rm -f "$initramfs_tmp"
		die "the initramfs for kernel $1 could not be made"
	}
	# the cache may be another file system: copy, then rename
	if ! cp "$initramfs_tmp" "$initramfs_file.tmp" || ! mv "$initramfs_file.tmp" "$initramfs_file"; then
		die "cannot write $initramfs_file"
	fi
	rm -f "$initramfs_tmp"
	drop_lock
}
