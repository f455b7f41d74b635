# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# The KUnit suites in User Mode Linux 7.3. One kernel in build/uml serves tests and coverage: only the objects of dm-ecache/ and kunit/ count
# which of their lines run, which costs nothing that one would notice. Needs: say.sh, cache.sh, root.sh, chroot.sh.
#
# build/uml: tree (links to the kernel's source, in which only what is ours or changed is a file), out (the kernel). Its configuration is
# toolbox.d/uml-kernel.config; kunit.py fails when a line of it is dropped.

# uml_lock: one build and run at a time; the counters of two would mix.
uml_lock() {
	mkdir -p "$repo/build/uml"
	exec 9>"$repo/build/uml/lock"
	flock -n 9 || {
		say "another run is busy in build/uml: waiting for it"
		flock 9
	}
}

# uml_tree: build/uml/tree, made whole or not at all; again when this file changes.
uml_tree() {
	uml_recipe=$(content_key "$scripts/lib/uml.sh")
	[ "$(cat "$repo/build/uml/tree/.recipe" 2>/dev/null)" = "$uml_recipe" ] && return 0
	say "making build/uml/tree from the 7.3 source"
	# shellcheck disable=SC2016
	in_root ro sh -euc '
		cd /src/build/uml
		rm -rf tree tree.new
		cp -as /usr/src/linux-source-7.3 tree.new
		cd tree.new
		# own FILE: a copy instead of the link
		own() {
			rm -rf "$1"
			cp -r "/usr/src/linux-source-7.3/$1" "$1"
		}
		rm -rf build
		# kunit.py works in the tree where it really is
		own tools/testing/kunit
		own drivers/md/Kconfig
		own drivers/md/Makefile
		own arch/um/Makefile-skas
		own arch/um/include/asm/common.lds.S
		echo "source \"drivers/md/ecache/dm-ecache/Kconfig\"" > kconfig.add
		# before the endif of MD
		sed -i "/^endif # MD/e cat kconfig.add" drivers/md/Kconfig
		echo "obj-y += ecache/" >> drivers/md/Makefile
		mkdir drivers/md/ecache
		ln -s /src/dm-ecache /src/kunit drivers/md/ecache/
		# CONFIG_GCOV would make the whole kernel count: our objects alone do, and the kernel is linked with what that needs
		sed -i "s/^LINK-\$(CONFIG_GCOV)/LINK-y/" arch/um/Makefile-skas
		grep -q "^LINK-y += \$(UM_GCOV_OPT)" arch/um/Makefile-skas
		# gcc puts what writes the counters at exit into a section with a priority, which the linker script forgets
		sed -i "s/^\t\*(.fini_array)$/\t*(.fini_array.*) *(.fini_array)/" arch/um/include/asm/common.lds.S
		grep -qF "*(.fini_array.*)" arch/um/include/asm/common.lds.S
		cat > drivers/md/ecache/Kbuild <<-END
			subdir-ccflags-y += \$(UM_GCOV_OPT) -fprofile-update=prefer-atomic
			include /src/Kbuild
		END
		echo "$1" > .recipe
		cd ..
		mv tree.new tree
	' sh "$uml_recipe" || die "build/uml/tree could not be made"
}

# uml_run SUITE-GLOB: builds what changed and runs the suites; the counters are in build/uml/out afterwards, those of this run alone.
uml_run() {
	uml_lock
	uml_tree
	find "$repo/build/uml/out" -name '*.gcda' -exec rm {} + 2>/dev/null
	# shellcheck disable=SC2016
	in_root ro sh -c '
		cd /src/build/uml/tree
		exec tools/testing/kunit/kunit.py run --kunitconfig=/src/scripts/toolbox.d/uml-kernel.config --build_dir=/src/build/uml/out \
			--jobs="$(nproc)" "$1"
	' sh "$1"
}
