# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
#
# The benchmark's kernel: User Mode Linux, a part beside the root and the debug kernel: of 7.3 from the toolbox's source, of 6.12 from a source of
# its own. Its folder is mounted where the debug kernel's would be, at /usr/src/debug-kernel: tree/ (the source, on 7.3 one file changed),
# build/ (what modules are built against), linux, dm-crypt.ko. This file is part of its key. Needs: say.sh, cache.sh, apt.sh, root.sh, chroot.sh,
# debug.sh.

# uml_part SERIES: its folder
uml_part() {
	echo "$cache/uml-$1-$( (
		echo "$root"
		content_key "$scripts/bench.d/kernel.config" "$scripts/bench.d/kernel-$1.config" "$scripts/bench.d/kernel.sh"
	) | sha256sum | cut -c1-12)"
}
uml_series=7.3
uml=$(uml_part 7.3)
uml_older=$(uml_part 6.12)

# uml_choose SERIES: 7.3 or 6.12
uml_choose() {
	uml_series=$1
	uml=$(uml_part "$1")
}

# uml_download DIR: DIR/tree, the 6.12 source. Not in the root's list: only this part needs it.
uml_download() {
	apt_unpack "$1" "$cache/log/uml-source" linux-source-6.12
	mkdir "$1/tree"
	supervise tar -C "$1/tree" --strip-components=1 -xf "$1/unpacked/usr/src/linux-source-6.12.tar.xz" || die "the 6.12 source could not be unpacked"
	rm -rf "$1/unpacked"
}

# uml_tree: links to the source, but for arch/um/os-Linux/smp.c. An SMP kernel is wanted: without SMP the page allocator has no per-CPU
# lists, and locked operations and RCU cost nothing. But User Mode Linux with SMP blocks and unblocks the signal of
# inter-processor interrupts, a system call, whenever interrupts go off or on. With one CPU there are none.
uml_tree() {
	# shellcheck disable=SC2016
	in_root root sh -euc '
		# link DIR EXCEPT: what is in DIR
		link() {
			mkdir -p "$tree/$1"
			for entry in "$source/$1"/*; do
				[ "${entry##*/}" = "$2" ] || ln -s "$entry" "$tree/$1/"
			done
		}
		source=/usr/src/linux-source-7.3 tree=/usr/src/debug-kernel/tree
		link . arch
		link arch um
		link arch/um os-Linux
		link arch/um/os-Linux smp.c
		smp=arch/um/os-Linux/smp.c
		sed "s/^\t__local_ipi_set([01]);/\tif (uml_ncpus > 1)\n\t&/" $source/$smp >$tree/$smp
		[ "$(grep -c "uml_ncpus > 1" $tree/$smp)" -eq 2 ]
	' || die "the source of User Mode Linux is not what was expected"
}

# uml_config DIR: writes DIR/build/.config and checks it.
uml_config() {
	mkdir -p "$1/build"
	cat "$scripts/bench.d/kernel.config" "$scripts/bench.d/kernel-$uml_series.config" >"$1/fragment"
	in_root_logged "$cache/log/uml-config" root make -s ARCH=um -C /usr/src/debug-kernel/tree \
		O=/usr/src/debug-kernel/build KCONFIG_ALLCONFIG=/usr/src/debug-kernel/fragment allnoconfig ||
		die "the configuration of User Mode Linux failed"
	uml_dropped=$(config_dropped "$1/fragment" "$1/build/.config")
	[ -z "$uml_dropped" ] ||
		die "kconfig dropped lines of $scripts/bench.d/kernel.config or kernel-$uml_series.config (a dependency is missing, or the symbol is gone" \
			"from this kernel):" "$uml_dropped"
}

# uml_build: kernel, dm-crypt, and what modules are built against.
uml_build() {
	# shellcheck disable=SC2016
	in_root_logged "$cache/log/uml-build" root nice sh -euc '
		cd /usr/src/debug-kernel
		make -s ARCH=um -j"$(nproc)" -C build linux modules
		cp build/linux build/drivers/md/dm-crypt.ko .
		find build -path build/scripts -prune -o -path build/tools -prune -o \
			\( -name "*.o" -o -name "*.a" -o -name "*.cmd" -o -name "vmlinux*" -o -name linux \) -type f -exec rm {} +
	' || die "User Mode Linux could not be built"
}

# ensure_uml: makes the part if it is missing; from here on in_root sees it in the debug kernel's place.
ensure_uml() {
	ensure_root
	debug=$uml
	[ -d "$uml" ] && return 0
	take_lock uml
	[ -d "$uml" ] && drop_lock && return 0
	steps 4
	step "User Mode Linux $uml_series: $uml"
	need_space 4
	debug=$cache/tmp.uml
	rm -rf --one-file-system "$debug"
	mkdir -p "$debug" "$cache/log"
	step "configure, and check that no line was dropped"
	case $uml_series in
	7.3) uml_tree ;;
	*) uml_download "$debug" ;;
	esac
	uml_config "$debug"
	step "build (about 5 minutes of CPU time)"
	uml_build
	step "put into place"
	mv "$debug" "$uml" || die "cannot rename $debug to $uml"
	debug=$uml
	drop_lock
}

# use_uml: holds a shared lock on it beside use_part's, so that `clean` leaves it alone.
use_uml() {
	exec 7>"$cache/use.${uml##*/}"
	flock -s -n 7 || die "$uml is being removed by another run; try again"
	[ -d "$uml" ] || die "$uml was removed by another run; try again"
}
