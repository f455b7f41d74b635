# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# Builds of this repository inside the toolbox root. Needs: say.sh, cache.sh, root.sh,
# debug.sh, kcsan.sh, chroot.sh.

# headers SERIES: the folder that modules of this kernel are built against, as seen
# inside the root.
headers() {
	case $1 in
	debug | kcsan) echo /usr/src/debug-kernel/build ;;
	*)
		headers_rel=$(release "$1") || exit 1
		echo "/usr/src/linux-headers-$headers_rel"
		;;
	esac
}

# kernel_image SERIES: path of the bzImage on the host.
kernel_image() {
	case $1 in
	debug) echo "$debug/vmlinuz" ;;
	kcsan) echo "$kcsan/vmlinuz" ;;
	*)
		image_rel=$(release "$1") || exit 1
		echo "$root/boot/vmlinuz-$image_rel"
		;;
	esac
}

# kernel_series SERIES: that of its release (uname -r), modules and initramfs.
kernel_series() {
	case $1 in
	kcsan) echo debug ;;
	*) echo "$1" ;;
	esac
}

# kernel_cmdline SERIES: what it is booted with beside the common parameters. With slab
# checks on, caches have no per-CPU arrays of objects: those keep old pointers,
# and kmemleak takes a leaked object for used.
kernel_cmdline() {
	case $1 in
	debug) echo slab_debug=F ;;
	kcsan) echo log_buf_len=16M ;;
	esac
}

# module_lock NAME: two builds in one folder wait for each other.
module_lock() {
	mkdir -p "$repo/build/modules"
	exec 9>"$repo/build/modules/$1.lock"
	flock -n 9 || {
		say "another run is building in build/modules/$1: waiting for it"
		flock 9
	}
}

# build_module SERIES NAME MAKE-ARG...: every .ko, the fakes for tests among them, from a copy
# of the sources in build/modules/NAME, so that kernels do not mix and the tree stays clean.
# Only what changed is built again.
build_module() {
	build_series=$1 build_name=$2
	shift 2
	# failures on request where the kernel can
	case $build_series in
	debug | kcsan) set -- CONFIG_DM_ECACHE_FAULT_INJECTION=y "$@" ;;
	esac
	build_kdir=$(headers "$build_series") || exit 1
	module_lock "$build_name"
	# shellcheck disable=SC2016
	in_root ro sh -euc '
		kdir=$1 dir=/src/build/modules/$2
		shift 2
		mkdir -p "$dir"
		cd /src
		what=
		for f in Kbuild dm-ecache kunit; do
			[ ! -e "$f" ] || what="$what $f"
		done
		rsync -a --delete --exclude="*.o" --exclude="*.ko" --exclude="*.mod" --exclude="*.mod.c" \
			--exclude=".*" --exclude=Module.symvers --exclude=modules.order $what "$dir/"
		# no BTF: it needs the kernel'"'"'s vmlinux, which 6.1'"'"'s headers lack
		make -j"$(nproc)" --no-print-directory -C "$kdir" M="$dir" \
			CONFIG_DEBUG_INFO_BTF_MODULES= CONFIG_DM_ECACHE_FAKES=m "$@" modules
		rm -f "$dir"/*.ko
		find "$dir" -mindepth 2 -name "*.ko" -exec cp -p {} "$dir/" \;
	' sh "$build_kdir" "$build_name" "$@"
	build_rc=$?
	drop_lock
	[ "$build_rc" -eq 0 ] || die "the module does not build for kernel $build_series"
}

# build_userspace MAKE-ARG...: the programs for guests, in build/guest.
build_userspace() {
	mkdir -p "$repo/build"
	# shellcheck disable=SC2016
	in_root ro sh -c 'make -j"$(nproc)" --no-print-directory -C /src/userspace O=../build/guest "$@"' sh "$@" ||
		die "userspace does not build inside the toolbox"
}
