# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# The debug kernel: the 7.3 source with KUnit, KASAN, lockdep and kmemleak. Its folder
# is mounted at /usr/src/debug-kernel: build/ (what modules are built against),
# modules/ (its /lib/modules), vmlinuz. This file is part of its key.

# config_dropped ASKED GOT: the lines of ASKED that are not in GOT. kconfig drops
# what has an unmet dependency without a word.
config_dropped() {
	grep '^CONFIG_' "$1" | while read -r config_line; do
		grep -qxF "$config_line" "$2" || echo "$config_line"
	done
}

# debug_config DIR: writes DIR/build/.config and checks it.
debug_config() {
	mkdir -p "$1/build"
	cp "$boxd/debug-kernel.config" "$1/fragment"
	in_root_logged "$cache/log/debug-config" root make -s -C /usr/src/linux-source-7.3 \
		O=/usr/src/debug-kernel/build KCONFIG_ALLCONFIG=/usr/src/debug-kernel/fragment allnoconfig ||
		die "the debug kernel's configuration failed"
	debug_dropped=$(config_dropped "$1/fragment" "$1/build/.config")
	[ -z "$debug_dropped" ] ||
		die "kconfig dropped lines of $boxd/debug-kernel.config (a dependency is missing, or the" \
			"symbol is gone from this kernel):" "$debug_dropped"
}

# debug_build DIR: kernel, modules, and what modules are built against. The kernel's
# own objects are of no use afterwards.
debug_build() {
	# shellcheck disable=SC2016
	in_root_logged "$cache/log/debug-build" root nice sh -euc '
		make -s -j"$(nproc)" -C /usr/src/debug-kernel/build bzImage modules
		make -s -C /usr/src/debug-kernel/build INSTALL_MOD_PATH=/usr/src/debug-kernel/installed modules_install
		cd /usr/src/debug-kernel
		mv installed/lib/modules/* modules
		rm -r installed
		cp build/arch/x86/boot/bzImage vmlinuz
		find build -path build/scripts -prune -o -path build/tools -prune -o \
			\( -name "*.o" -o -name "*.a" -o -name "*.cmd" -o -name "vmlinux*" \) -type f -exec rm {} +
	' || die "the debug kernel could not be built"
}

ensure_debug() {
	[ -d "$debug" ] && return 0
	ensure_root
	take_lock debug
	[ -d "$debug" ] && drop_lock && return 0
	steps 4
	step "debug kernel: $debug"
	need_space 6
	debug_final=$debug
	debug=$cache/tmp.debug
	rm -rf --one-file-system "$debug"
	mkdir -p "$debug" "$cache/log"
	step "configure, and check that no line was dropped"
	debug_config "$debug"
	step "build (about 25 minutes of CPU time)"
	debug_build "$debug"
	step "put into place"
	mv "$debug" "$debug_final" || die "cannot rename $debug to $debug_final"
	debug=$debug_final
	drop_lock
}
