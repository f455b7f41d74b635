# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
#
# The benchmark's kernel: User Mode Linux from the toolbox's 7.3 source, a part beside the root and the debug kernel. Its folder is
# mounted where the debug kernel's would be, at /usr/src/debug-kernel: tree/ (the source, one file changed), build/ (what modules are
# built against), linux, dm-crypt.ko. This file is part of its key. Needs: say.sh, cache.sh, root.sh, chroot.sh, debug.sh.

uml=$cache/uml-$( (
	echo "$root"
	content_key "$scripts/bench.d/kernel.config" "$scripts/bench.d/kernel.sh"
) | sha256sum | cut -c1-12)

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
	cp "$scripts/bench.d/kernel.config" "$1/fragment"
	in_root_logged "$cache/log/uml-config" root make -s ARCH=um -C /usr/src/debug-kernel/tree \
		O=/usr/src/debug-kernel/build KCONFIG_ALLCONFIG=/usr/src/debug-kernel/fragment allnoconfig ||
		die "the configuration of User Mode Linux failed"
	uml_dropped=$(config_dropped "$1/fragment" "$1/build/.config")
	[ -z "$uml_dropped" ] ||
		die "kconfig dropped lines of $scripts/bench.d/kernel.config (a dependency is missing, or the symbol is gone" \
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
	step "User Mode Linux: $uml"
	need_space 2
	debug=$cache/tmp.uml
	rm -rf --one-file-system "$debug"
	mkdir -p "$debug" "$cache/log"
	step "configure, and check that no line was dropped"
	uml_tree
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
