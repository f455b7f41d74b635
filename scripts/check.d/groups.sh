# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# Which tests there are, and how they run: what can share a build or a guest does, and each is reported alone.

system_tests() {
	for f in scripts/tests/dm-*.sh; do
		basename "$f" .sh
	done
}

agent_tests() {
	for f in scripts/tests/agent-*.sh; do
		[ -e "$f" ] && basename "$f" .sh
	done
}

unit_tests() {
	git ls-files 'userspace/*_test.c' | sed 's|^userspace/|unit/|; s|\.c$||'
}

script_tests() {
	git ls-files 'scripts/*_test.sh' 'userspace/*_test.sh' 'userspace/*_test.py'
}

list_fast() {
	for name in $static_tests; do
		echo "static/$name"
	done
	echo build/gcc
	echo build/clang
	unit_tests
	for f in $(script_tests); do
		echo "script/$(basename "${f%.*}")"
	done
}

list_all() {
	list_fast
	for k in $kernels; do
		echo "build/$k"
		for t in $(system_tests); do
			echo "system/$k/$t"
		done
	done
	for t in $(agent_tests); do
		echo "agent/$t"
	done
	echo docs/tour
	echo kunit
}

list_long() {
	for f in scripts/mutate.d/*.patch; do
		echo "mutate/$(basename "$f" .patch)"
	done
	echo demo
}

any_wanted() {
	while read -r name; do
		if wanted "$name"; then
			return 0
		fi
	done
	return 1
}

static_group() {
	for t in $static_tests; do
		run "static/$t" "static_$(echo "$t" | tr - _)"
	done
}

build_userspace() {
	make -C userspace -j2 CC="$1" O="$top/build/userspace-$1"
}

# The lines of scripts/run-unit-tests become ours.
unit_group() {
	unit_tests | any_wanted || return 0
	if ! make -C userspace -j2 test-build > "$out/unit-build.log" 2>&1; then
		for name in $(unit_tests); do
			if wanted "$name"; then
				cp "$out/unit-build.log" "$out/$(log_of "$name")"
				result "$name" failed 0
			fi
		done
		return 0
	fi
	for name in $(unit_tests); do
		run "$name" env -C userspace UNIT_TIMEOUT=300 "$top/scripts/run-unit-tests" "$top/build/userspace/san" "$top/build/userspace/san/${name#unit/}"
	done
}

script_group() {
	for f in $(script_tests); do
		run "script/$(basename "${f%.*}")" "./$f"
	done
}

fast_group() {
	static_group
	run build/gcc build_userspace gcc
	run build/clang build_userspace clang
	unit_group
	script_group
}

run_fast() {
	scripts/toolbox ensure host || return 1
	fast_group
}

# guest_group PREFIX KERNEL TESTS...: the wanted ones in one guest
guest_group() {
	prefix=$1 kernel=$2
	shift 2
	names=''
	for t; do
		if wanted "$prefix/$t"; then
			names="$names $t"
		fi
	done
	[ -n "$names" ] || return 0
	share=$out/guest-$(echo "$prefix" | tr / -)
	mkdir -p "$share"
	# shellcheck disable=SC2086
	scripts/vm run --share "$share" --timeout 3000 $guest_options "$kernel" scripts/tests/all.sh $names > "$share/vm.log" 2>&1
	vm_status=$?
	touch "$share/results"
	for t in $names; do
		log=$out/$(log_of "$prefix/$t")
		cp "$share/$t.log" "$log" 2> /dev/null || cp "$share/vm.log" "$log"
		line=$(grep "^$t " "$share/results" | head -n 1)
		# shellcheck disable=SC2086
		set -- ${line:-$t failed 0}
		result "$prefix/$t" "$2" "$3"
	done
	# Each test held, and still the guest's status is not 0: the kernel complained, or died.
	if [ $vm_status -ne 0 ] && ! grep -q ' failed ' "$share/results"; then
		cp "$share/vm.log" "$out/$(log_of "$prefix/kernel-log")"
		result "$prefix/kernel-log" failed 0
	fi
}

system_group() {
	# shellcheck disable=SC2046
	guest_options='' guest_group "system/$1" "$1" $(system_tests)
}

agent_group() {
	agent_tests | sed 's|^|agent/|' | any_wanted || return 0
	if ! scripts/toolbox build-userspace > "$out/guest-userspace.log" 2>&1; then
		for t in $(agent_tests); do
			cp "$out/guest-userspace.log" "$out/$(log_of "agent/$t")"
			result "agent/$t" failed 0
		done
		return 0
	fi
	# A guest each: they make users, states and audit logs.
	for t_agent in $(agent_tests); do
		guest_options='--disk 256M --disk 256M' guest_group agent 7.3 "$t_agent"
	done
}

build_module() {
	scripts/toolbox build-module "$1" W=1 > "$out/build-module-$1" 2>&1
	status=$?
	cat "$out/build-module-$1"
	[ $status -eq 0 ] && ! grep -i 'warning' "$out/build-module-$1"
}

# The README's tour, by a user who has just installed everything.
tour() {
	rm -rf build/stage
	scripts/toolbox build-userspace &&
		scripts/toolbox run make -s -C /src/userspace install O=/src/build/guest DESTDIR=/src/build/stage PREFIX=/usr &&
		scripts/vm systemd --timeout 600 --disk 256M 7.3 scripts/tests/tour.sh
}

# The modules are built whenever a guest will want one; that they build is a test of its own.
modules_group() {
	for k in $kernels; do
		if wanted "build/$k"; then
			run "build/$k" build_module "$k"
		elif { system_tests | sed "s|^|system/$k/|"; agent_tests | sed 's|^|agent/|'; echo docs/tour; } | any_wanted; then
			build_module "$k" > /dev/null
		fi
	done
}

run_all() {
	scripts/toolbox ensure || return 1
	modules_group
	# Two lanes: emulated guests seldom keep two processors busy.
	(
		system_group 7.3
		system_group 6.1
		agent_group
		run docs/tour tour
	) &
	lane=$!
	fast_group
	run kunit scripts/kunit
	system_group 6.12
	wait $lane
}

run_long() {
	scripts/toolbox ensure || return 1
	for f in scripts/mutate.d/*.patch; do
		run "mutate/$(basename "$f" .patch)" scripts/mutate "$f"
	done
	run demo scripts/demo
}
