# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# Which tests there are, and how they run: what can share a build or a guest does, and each is reported alone.

# dm-states first: it takes aesni_intel out, which blk-crypto's fallback holds for good after dm-fake-inline. dm-accel last: with what its device
# never gives back, module and cipher driver stay loaded in its guest.
system_tests() {
	echo dm-states
	for f in scripts/tests/dm-*.sh; do
		basename "$f" .sh
	done | grep -vx 'dm-states\|dm-accel'
	echo dm-accel
}

# due [NAME]: of the names on stdin those of this run: all when asked for by name, else a third of them, the next third with the next commit. For what is
# one of many of its kind (mutations, fuzzers, long tests of agent and units) or is repeated on other kernels (debug, kcsan, 6.12, 6.1): all of it would take three hours instead of
# check-long's one, and what held once mostly holds the next time. NAME is due each time.
due() {
	if [ -n "$only" ]; then
		cat
	else
		awk -v part="$(($(git rev-list --count HEAD) % 3))" -v always="${1:-}" 'NR % 3 == part || $0 == always'
	fi
}

# debug_order: what runs in the debug kernel's guest with one processor. What dm-accel's device never gives back is lost by intention, so the look for
# leaks comes before it.
debug_order() {
	system_tests | grep -vxF "$(smp_tests debug)" | grep -vx dm-accel
	echo leaks
	echo dm-accel
}

# debug_tests, kcsan_tests: the names of the system tests on these kernels. On the debug kernel a guest ends with the leaks of all its tests; on
# the kcsan kernel only those run that keep two processors busy.
debug_tests() {
	for t in $(debug_order); do
		echo "system/debug/$t"
	done
	for t in $(smp_tests debug) leaks; do
		echo "system/debug/smp/$t"
	done
}

kcsan_tests() {
	for t in $(smp_tests kcsan); do
		echo "system/kcsan/$t"
	done
}

# What knows no difference between kernels, or takes long, is for 7.3 in `make check`; for the others it is in check-long, in this order.
only_newest='dm-atomic dm-bad dm-ciphers dm-docs dm-events dm-fake-accel dm-fake-inline dm-flush dm-hold dm-inline dm-lease dm-limits dm-reclaim
dm-reload dm-shapes dm-accel'

# system_tests_of KERNEL: those of make check
# shellcheck disable=SC2086 # words
system_tests_of() {
	case $1 in
	7.3) system_tests ;;
	*) system_tests | grep -vxF "$(printf '%s\n' $only_newest)" ;;
	esac
}

older_kernels() {
	echo "$kernels" | tr ' ' '\n' | grep -v '^7'
}

# in_check [-v]: of the scripts on stdin those of make check; with -v those of check-long, whose head says so ("# Check: long")
in_check() {
	while read -r f; do
		[ -e "$f" ] || continue
		if grep -q '^# Check: long$' "$f"; then
			[ -z "${1:-}" ] || basename "$f" .sh
		else
			[ -n "${1:-}" ] || basename "$f" .sh
		fi
	done
}

# agent_tests [-v]: scripts/tests/agent-*.sh
agent_tests() {
	printf '%s\n' scripts/tests/agent-*.sh | in_check "$@"
}

# systemd_tests [-v]: scripts/tests/systemd-*.sh
systemd_tests() {
	printf '%s\n' scripts/tests/systemd-*.sh | in_check "$@" | sed 's|^systemd-|systemd/|'
}

# peer_tests: other people's clients and servers as Debian 13 has them, in the toolbox root
peer_tests() {
	echo botocore-13
	echo moto
	echo promtool
}

unit_tests() {
	git ls-files 'userspace/*_test.c' 'userspace/*_fuzz.c' | sed 's|^userspace/|unit/|; s|\.c$||'
}

script_tests() {
	git ls-files 'scripts/*_test.sh' 'scripts/*_test.py' 'userspace/*_test.sh' 'userspace/*_test.py'
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
		echo "fastpath/$k"
		for t in $(system_tests_of "$k"); do
			echo "system/$k/$t"
		done
	done
	echo build/guest
	for t in $(agent_tests); do
		echo "agent/$t"
	done
	systemd_tests
	peer_tests
	echo docs/tour
	echo kunit
	echo key-memory/7.3
	echo secret-memory/7.3
}

list_long() {
	for f in scripts/mutate.d/*.patch; do
		echo "mutate/$(basename "$f" .patch)"
	done
	for k in $(older_kernels); do
		echo "key-memory/$k"
	done
	echo bench-native
	echo bench-instructions
	echo bench-kms
	echo coverage
	echo scale
	echo build/debug
	debug_tests
	echo build/kcsan
	kcsan_tests
	long_tests
	for t in $(agent_tests -v); do
		echo "agent/$t"
	done
	systemd_tests -v
	fuzz_tests
	for k in $(older_kernels); do
		for t in $only_newest; do
			echo "system/$k/$t"
		done
	done
	package_tests
	echo demo
	echo demo-host
	for k in $kernels; do
		echo "swap-soak/$k"
	done
}

# long_tests: of scripts/tests/long-*.sh, each in a guest of its own: its head says on which kernels, and with which options
long_tests() {
	for f in scripts/tests/long-*.sh; do
		name=${f##*/long-}
		sed -n 's/^# Kernels: //p' "$f" | tr ' ' '\n' | sed "s|.*|long/&/${name%.sh}|"
	done
}

# package_tests: the Debian packages, without a guest
package_tests() {
	printf 'packages/%s\n' build dkms reproduce
}

fuzz_tests() {
	scripts/fuzz -l | sed 's|^|fuzz/|'
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
	share=$out/guest-${guest_share:-$(echo "$prefix" | tr / -)}
	mkdir -p "$share"
	rm -f "$share/results"
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
	# The kernel complained; or it died, which shows when each test held and still the guest's status is not 0.
	if grep -q 'the kernel complained' "$share/vm.log" || { [ $vm_status -ne 0 ] && ! grep -q ' failed ' "$share/results"; }; then
		cp "$share/vm.log" "$out/$(log_of "$prefix/kernel-log")"
		result "$prefix/kernel-log" failed 0
	fi
}

# smp_tests KERNEL: two processors for what is about concurrency, one for the rest. An emulated guest with two, beside another guest,
# spends most of its time waiting for its own interrupts between them (measured: dm-oracle 20 s with one, 60 s with two).
smp_tests() {
	case $1 in
	7.3 | debug | kcsan) printf '%s\n' dm-fio dm-load dm-reload ;;
	# dm-fio: a bottom half on top of a vector section (6.1, 6.12) is not met with one
	*) printf '%s\n' dm-fio dm-load ;;
	esac
}

system_group() {
	# shellcheck disable=SC2046
	guest_options='--smp 1 --disk 64M' guest_group "system/$1" "$1" $(system_tests_of "$1" | grep -vxF "$(smp_tests "$1")")
	# shellcheck disable=SC2046
	guest_options='--smp 2 --disk 64M' guest_group "system/$1" "$1" $(smp_tests "$1")
}

# agent_group NAME TESTS...: in a guest of their own
agent_group() {
	agent_share=agent-$1
	shift
	guest_options='--smp 1 --disk 256M --disk 256M' guest_share=$agent_share guest_group agent 7.3 "$@"
}

build_module() {
	scripts/toolbox build-module "$1" W=1 > "$out/build-module-$1" 2>&1
	status=$?
	cat "$out/build-module-$1"
	[ $status -eq 0 ] && ! grep -i 'warning' "$out/build-module-$1"
}

# stage: what a user has who has just installed everything
stage() {
	rm -rf build/stage
	scripts/toolbox run make -s -C /src/userspace install O=/src/build/guest DESTDIR=/src/build/stage PREFIX=/usr
}

# The README's tour.
tour() {
	scripts/vm systemd --smp 1 --timeout 1200 --disk 256M 7.3 scripts/tests/tour.sh
}

# systemd_test SCRIPT: its head says with which options, and what is to be made before
systemd_test() {
	before=$(sed -n 's/^# Before: //p' "$1")
	# shellcheck disable=SC2086 # words
	[ -z "$before" ] || $before || return 1
	# shellcheck disable=SC2046 # words
	scripts/vm systemd --timeout 1200 $(sed -n 's/^# Guest: //p' "$1") 7.3 "$1"
}

# systemd_group NAMES...
systemd_group() {
	for t; do
		run "$t" systemd_test "scripts/tests/systemd-${t#systemd/}.sh"
	done
}

# botocore_13: what the scripts of userspace/kmsd ask on this host, asked by Debian 13's botocore, aws CLI and boto3
botocore_13() {
	scripts/toolbox run env -C /src/userspace/kmsd KMSD=/src/build/guest/ecache-kmsd \
		python3 -W ignore -m unittest kmsd_model_test kmsd_test kmsd_cli_test kmsd_sigv4_test kmsd_paging_test
}

moto() {
	scripts/toolbox run env -C /src/userspace/net NET=/src/build/guest/ecache-net KMSD=/src/build/guest/ecache-kmsd \
		python3 -W ignore -m unittest moto_peer moto_table moto_queue
}

# The example's alerts, by Prometheus' own tool; what it says of ecached's metrics is in systemd/metrics.
promtool() {
	scripts/toolbox run env -C /src sh -c '
		build/prometheus/promtool check rules Documentation/examples/ecache-alerts.yml &&
		build/prometheus/promtool test rules scripts/tests/ecache-alerts_test.yml'
}

# module_for KERNEL NAMES...: the module is built as a test of its own, or without a word for one of NAMES.
module_for() {
	module_kernel=$1
	shift
	if wanted "build/$module_kernel"; then
		run "build/$module_kernel" build_module "$module_kernel"
	elif printf '%s\n' "$@" | any_wanted; then
		build_module "$module_kernel" > "$out/build.log" || { cat "$out/build.log"; return 1; }
	fi
}

# What guests will want is built first, and only then: that the modules build is a test of its own.
guest_builds() {
	for k in $kernels; do
		# shellcheck disable=SC2046
		module_for "$k" $(system_tests | sed "s|^|system/$k/|") $(agent_tests | sed 's|^|agent/|') $(systemd_tests) docs/tour "key-memory/$k" "secret-memory/$k" "fastpath/$k" || return 1
	done
	if wanted build/guest; then
		run build/guest scripts/toolbox build-userspace
	elif { agent_tests | sed 's|^|agent/|'; systemd_tests; peer_tests; echo docs/tour; echo secret-memory/7.3; } | any_wanted; then
		scripts/toolbox build-userspace > "$out/build.log" 2>&1 || { cat "$out/build.log"; return 1; }
	fi
	# here, since several lanes use it
	if { systemd_tests; echo docs/tour; } | any_wanted; then
		stage > "$out/build.log" 2>&1 || { cat "$out/build.log"; return 1; }
	fi
	if echo promtool | any_wanted; then
		scripts/toolbox prometheus > "$out/build.log" 2>&1 || { cat "$out/build.log"; return 1; }
	fi
	return 0
}

# shellcheck disable=SC2046 # names of ours
group_agent() { agent_group odd $(agent_tests | sed -n '1~2p'); }
# shellcheck disable=SC2046
group_agent_rest() { agent_group even $(agent_tests | sed -n '2~2p'); }
# shellcheck disable=SC2046
group_agent_long() { agent_group long $(agent_tests -v | due); }
group_kunit() { run kunit scripts/kunit; }
# Without the SHA instructions, which many servers do not have, the kernel's hash leaves its input on the stack.
group_keys() { run key-memory/7.3 scripts/key-memory --smp 1 --append clearcpuid=sha_ni 7.3; }
group_secrets() { run secret-memory/7.3 scripts/secret-memory --smp 1 7.3; }
group_peers() {
	run botocore-13 botocore_13
	run moto moto
	run promtool promtool
}
group_fastpath() {
	for k in $kernels; do
		run "fastpath/$k" scripts/fastpath "$k"
	done
}
group_tour() { run docs/tour tour; }
# shellcheck disable=SC2046 # names of ours
group_systemd() { systemd_group $(systemd_tests); }
# shellcheck disable=SC2046
group_systemd_long() { systemd_group $(systemd_tests -v | due); }
group_fast() { fast_group; }
group_7() { system_group 7.3; }
group_12() { system_group 6.12; }
group_1() { system_group 6.1; }

# Lanes take the next group that none has taken, the longest first: four on two processors, since the agent's tests and the tour wait
# a minute here and there.
lanes=4
all_groups='kunit 7 agent fast agent_rest tour systemd 12 1 peers keys secrets fastpath'

# lane GROUPS...
lane() {
	for g; do
		if mkdir "$out/taken-$g" 2> /dev/null; then
			"group_$g"
		fi
	done
}

run_all() {
	scripts/toolbox ensure || return 1
	guest_builds || return 1
	for _ in $(seq $lanes); do
		# shellcheck disable=SC2086 # names of ours
		lane $all_groups &
	done
	wait
	if [ -z "$only" ]; then
		# shellcheck disable=SC2086
		again $all_groups
	fi
}

# with two processors: reads end on another than the one that asked
key_memory() {
	build_module "$1" && scripts/key-memory --smp 2 "$1"
}

# in_guests OPTION: the patches whose test needs a guest of its own or shares one (-l), or none (-L)
in_guests() {
	grep "$1" -E '^Test: (system/|agent/|systemd/|key-memory/|docs/|kunit$)' scripts/mutate.d/*.patch
}

# mutate_group KIND PATCH...: those wanted in one run of scripts/mutate with a copy of its own, and a result each
mutate_group() {
	mutate_log=$out/mutate-$1.log
	mutate_copy=build/mutate/$1
	shift
	patches=''
	for f; do
		if wanted "mutate/$(basename "$f" .patch)"; then
			patches="$patches $f"
		fi
	done
	[ -n "$patches" ] || return 0
	# shellcheck disable=SC2086
	scripts/mutate -C "$mutate_copy" $patches > "$mutate_log" 2>&1
	for f in $patches; do
		name=$(basename "$f" .patch)
		cp "$mutate_log" "$out/$(log_of "mutate/$name")"
		# shellcheck disable=SC2046 # its word, and the seconds
		set -- $(awk -v name="$name" '$1 == name { print $2, $NF }' "$mutate_log") none 0
		case $1 in
		noticed) result "mutate/$name" ok "$2" ;;
		*) result "mutate/$name" failed "$2" "$1" ;;
		esac
	done
}

# The kernels' guests take longest: they and the rest are two groups.
# shellcheck disable=SC2046 # names of ours
group_mutate_guests() { mutate_group guests $(in_guests -l | due); }
# shellcheck disable=SC2046
group_mutate_units() { mutate_group units $(in_guests -L | due); }
# The mutations' copy takes over the User Mode Linux kernel that coverage builds.
group_units() {
	run coverage scripts/coverage --min 90
	run scale env SCALE_CACHES=1000000 scripts/scale_test.py Fleet.test_steady Fleet.test_boot Fleet.test_outage
	group_mutate_units
}

group_key_memory() {
	for k in $(older_kernels); do
		run "key-memory/$k" key_memory "$k"
	done
}

# What the tools of the debug kernel say about every system test. A line of its log is a complaint, but for kmemleak's count, which the test
# leaks explains.
group_debug() {
	# shellcheck disable=SC2046
	module_for debug $(debug_tests) || return 1
	# shellcheck disable=SC2046
	guest_options='--smp 1 --disk 64M --ignore kmemleak:' guest_group system/debug debug $(debug_order | due leaks)
	# shellcheck disable=SC2046
	guest_options='--smp 2 --ignore kmemleak:' guest_group system/debug/smp debug $(smp_tests debug | due) leaks
}

group_kcsan() {
	# shellcheck disable=SC2046
	module_for kcsan $(kcsan_tests) || return 1
	# shellcheck disable=SC2046
	guest_options='--smp 2' guest_group system/kcsan kcsan $(smp_tests kcsan | due)
}

# long_group TESTS...: they share nothing, so that each may need what the others have not.
long_group() {
	for t; do
		wanted "$t" || continue
		kernel=${t#long/}
		kernel=${kernel%/*}
		build_module "$kernel" > /dev/null 2>&1
		run "$t" long_test "$kernel" "scripts/tests/long-${t##*/}.sh"
	done
}

# Those of the agent wait a good part of their time.
agents='brake\|events\|teardown'
# shellcheck disable=SC2046 # names of ours
group_long() { long_group $(long_tests | grep -v "/\($agents\)$" | grep -v '/6\.') $(long_tests | grep '/6\.' | due); }
# shellcheck disable=SC2046
group_long_agent() { long_group $(long_tests | grep "/\($agents\)$"); }

# long_test KERNEL SCRIPT [ARGUMENT...]
long_test() {
	long_kernel=$1 long_script=$2
	shift 2
	# shellcheck disable=SC2046 # words
	scripts/vm run --timeout 1800 $(sed -n 's/^# Guest: //p' "$long_script") "$long_kernel" "$long_script" "$@"
}

# ten minutes of long-swap.sh on each kernel
group_swap_soak() {
	for k in $kernels; do
		wanted "swap-soak/$k" || continue
		build_module "$k" > /dev/null 2>&1
		run "swap-soak/$k" long_test "$k" scripts/tests/long-swap.sh 600
	done
}

group_older() {
	for k in $(older_kernels); do
		build_module "$k" > /dev/null 2>&1
		# shellcheck disable=SC2046,SC2086 # words
		guest_options='--smp 1 --disk 64M' guest_group "system/$k" "$k" $(printf '%s\n' $only_newest | due)
	done
}

# fuzz_seconds NAME: a minute for what strangers write, less for what only root or the KMS does
fuzz_seconds() {
	case $1 in
	kmsd/* | kms/answer | kms/credsdoc | kms/profile | volume/token) echo 60 ;;
	*) echo 20 ;;
	esac
}

# It may wait for the guests, whose tests have time limits: it counts by how much was tried, not by when.
group_fuzz() {
	for t in $(fuzz_tests | due); do
		run "$t" nice -n 19 scripts/fuzz "$(fuzz_seconds "${t#fuzz/}")" "${t#fuzz/}"
	done
}

group_packages() {
	for t in $(package_tests); do
		run "$t" scripts/deb "${t#packages/}"
	done
}

group_demo() { run demo scripts/demo; }
# the disk is /var/lib; for a build in the guest, and for the page cache that a host has
demo_host() {
	scripts/toolbox run sh scripts/tests/demo-host-build.sh && scripts/vm systemd --mem 4G --timeout 2400 --disk 4G 7.3 scripts/tests/demo-host.sh
}
group_demo_host() { run demo-host demo_host; }

run_long() {
	scripts/toolbox ensure || return 1
	# here, since the lanes' demo and long tests would build it at once, in one folder
	if { long_tests; agent_tests -v | sed 's|^|agent/|'; systemd_tests -v; echo demo; for k in $kernels; do echo "swap-soak/$k"; done; } | any_wanted; then
		scripts/toolbox build-userspace > "$out/build.log" 2>&1 || { cat "$out/build.log"; return 1; }
	fi
	if { agent_tests -v | sed 's|^|agent/|'; systemd_tests -v; } | any_wanted; then
		{ build_module 7.3 && stage && scripts/toolbox prometheus; } > "$out/build.log" 2>&1 || { cat "$out/build.log"; return 1; }
	fi
	# four on two processors: a good part of them waits, for a verdict or a deadline
	for _ in 1 2 3 4; do
		lane debug long_agent long mutate_guests packages agent_long systemd_long units kcsan demo older key_memory fuzz &
	done
	wait
	# by name only: half an hour for the demo of make check-long over again, as a host does it; and half an hour of what long/KERNEL/swap
	# does in a minute
	if [ -n "$only" ]; then
		group_demo_host
		group_swap_soak
	fi
	# alone: what it measures is the time of this machine. No cell behind dm-crypt with its fastest flags
	run bench-native scripts/bench-native --bound 1.00
	# what it adds to a remapping target, of what dm-crypt's fastest does: half, and what cannot be told apart
	run bench-instructions scripts/bench-instructions --bound 0.55
	run bench-kms scripts/bench-kms --full
}
