#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of scripts/toolbox, scripts/vm, scripts/kunit and scripts/coverage that need no toolbox, no
# network and no guest. Prints one line per test; the last line counts.
#
# shellcheck disable=SC2034,SC2154,SC1090
set -u

PROG=toolbox_test
scripts=$(cd "$(dirname "$0")" && pwd)
. "$scripts/lib/checks.sh"
export ECACHE_CACHE="$tmp/cache"
for lib in say cache apt host root debug kcsan console ktap gcov; do
	. "$scripts/lib/$lib.sh"
done

# status CMD...: its exit status, its output thrown away.
status() {
	"$@" >"$tmp/out" 2>"$tmp/err"
	echo $?
}

# sources NAME TEXT: a file of an apt configuration in $tmp/apt.
sources() {
	mkdir -p "$tmp/apt/sources.list.d"
	cat >"$tmp/apt/$1"
}

no_sources() {
	rm -rf "$tmp/apt"
	mkdir -p "$tmp/apt/sources.list.d"
}

test_usage() {
	for script in toolbox vm kunit kunit-uml coverage deb; do
		check "$script --help succeeds" "$(status "$scripts/$script" --help)" 0
		check "$script --help says how" "$(sed -n '1s/ .*//p' "$tmp/out")" usage:
	done
	for args in '' 'frobnicate' 'path' 'path nothing' 'path kernel' 'ensure all things' 'ensure moon' \
		'release' 'run' 'run -w' 'build-module' 'build-module 5.10' 'clean everything'; do
		# shellcheck disable=SC2086
		check "toolbox $args: wrong usage" "$(status "$scripts/toolbox" $args)" 2
		check "toolbox $args: nothing made" "$(ls "$ECACHE_CACHE" 2>/dev/null)" ''
	done
	for args in '' 'fly' 'run' 'run 7.3' 'run 5.10 -c true' 'run --mem' 'run --mem 2 7.3 -c true' \
		'run --mem 0G 7.3 -c true' 'run --smp two 7.3 -c true' 'run --disk 1T 7.3 -c true' \
		'run --share /nonexistent 7.3 -c true' 'run --timeout 0 7.3 -c true' 'run --bogus 7.3 -c true' \
		'systemd 7.3' 'shell 5.10' 'shell 7.3 6.1'; do
		# shellcheck disable=SC2086
		check "vm $args: wrong usage" "$(status "$scripts/vm" $args)" 2
	done
	for args in '--bogus' 'a b' '--timeout' '--timeout x'; do
		# shellcheck disable=SC2086
		check "kunit $args: wrong usage" "$(status "$scripts/kunit" $args)" 2
	done
	for args in '--bogus' 'a' '--min' '--min x' '--min 101' '--min 50 60'; do
		# shellcheck disable=SC2086
		check "coverage $args: wrong usage" "$(status "$scripts/coverage" $args)" 2
	done
	for args in 'nothing' 'build dkms'; do
		# shellcheck disable=SC2086
		check "deb $args: wrong usage" "$(status "$scripts/deb" $args)" 2
	done
	check "path before ensure: fails and says what to do" \
		"$(status "$scripts/toolbox" path root) $(grep -c 'toolbox ensure' "$tmp/err")" '1 1'
	check "release before ensure: fails and says what to do" \
		"$(status "$scripts/toolbox" release 7.3) $(grep -c 'toolbox ensure' "$tmp/err")" '1 1'
}

test_apt_deb822() {
	no_sources
	sources sources.list.d/debian.sources <<-EOF2
		Types: deb deb-src
		# a comment inside
		URIs: http://mirror.example/debian
		Suites: bookworm bookworm-updates
		Components: main contrib
		Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

		Types: deb
		URIs: http://mirror.example/debian-security
		Suites:
		 bookworm-security
		Components: main
		Trusted: yes
	EOF2
	check "deb822: main archive" "$(apt_mirror "$tmp/apt" bookworm)" \
		"signed-by=/usr/share/keyrings/debian-archive-keyring.gpg http://mirror.example/debian"
	check "deb822: security archive, suites on a line of their own" \
		"$(apt_mirror "$tmp/apt" bookworm-security)" "trusted=yes http://mirror.example/debian-security"
	check "deb822: sources of the toolbox" "$(apt_toolbox_sources "$tmp/apt" bookworm | cut -d' ' -f3-)" \
		"http://mirror.example/debian trixie main
http://mirror.example/debian trixie-updates main
http://mirror.example/debian trixie-backports main
http://mirror.example/debian bookworm main
http://mirror.example/debian-security trixie-security main
http://mirror.example/debian-security bookworm-security main"
}

test_apt_deb822_skips() {
	no_sources
	sources sources.list.d/a.sources <<-EOF2
		Types: deb
		URIs: http://disabled.example/debian
		Suites: bookworm
		Components: main
		Enabled: no

		Types: deb-src
		URIs: http://source.example/debian
		Suites: bookworm
		Components: main

		Types: deb
		URIs: http://contrib.example/debian
		Suites: bookworm
		Components: contrib

		Types: deb
		URIs: http://right.example/debian
		Suites: bookworm
		Components: main
		Signed-By:
		 -----BEGIN PGP PUBLIC KEY BLOCK-----
		 .
		 mQINBGB
		 -----END PGP PUBLIC KEY BLOCK-----
	EOF2
	check "deb822: disabled, source-only and other components are skipped, a key in the file is not passed on" \
		"$(apt_mirror "$tmp/apt" bookworm)" "- http://right.example/debian"
}

test_apt_oneline() {
	no_sources
	sources sources.list <<-EOF2
		# deb http://commented.example/debian bookworm main
		deb-src http://source.example/debian bookworm main
		deb [arch=amd64 signed-by=/k.gpg trusted=yes] http://mirror.example/debian/ bookworm contrib main # note
		deb http://mirror.example/debian-security bookworm-security main
	EOF2
	check "one line: options are read, those that matter kept" "$(apt_mirror "$tmp/apt" bookworm)" \
		"signed-by=/k.gpg,trusted=yes http://mirror.example/debian/"
	check "one line: options are written back" "$(apt_toolbox_sources "$tmp/apt" bookworm | head -n 1)" \
		"deb [signed-by=/k.gpg trusted=yes] http://mirror.example/debian/ trixie main"
}

test_apt_others() {
	no_sources
	sources sources.list.d/a-vendor.list <<-EOF2
		deb https://vendor.example/apt bookworm main
	EOF2
	sources sources.list.d/debian.list <<-EOF2
		deb http://mirror.example/debian bookworm main
	EOF2
	check "another archive with Debian's suite name is not taken" "$(apt_mirror "$tmp/apt" bookworm)" \
		"- http://mirror.example/debian"
	rm "$tmp/apt/sources.list.d/debian.list"
	check "a mirror under another path is taken when it is the only one" \
		"$(apt_mirror "$tmp/apt" bookworm)" "- https://vendor.example/apt"
	apt_toolbox_sources "$tmp/apt" bookworm >"$tmp/out" 2>"$tmp/err"
	check "no security archive: said, and left out" \
		"$(grep -c security "$tmp/out") $(grep -c 'without security updates' "$tmp/err")" '0 1'
	check "no entry for the suite: fails" "$(status apt_mirror "$tmp/apt" trixie)" 1
	(apt_toolbox_sources "$tmp/apt" noble) >/dev/null 2>"$tmp/err"
	check "no entry for the suite: says where it looked" "$? $(grep -c 'sources.list.d' "$tmp/err")" '1 1'
	sources sources.list <<-EOF2
		deb mirror+file:$tmp/apt/list bookworm main
	EOF2
	printf '# mirrors\n\nhttp://first.example/debian priority:1\nhttp://second.example/debian\n' >"$tmp/apt/list"
	rm "$tmp/apt/sources.list.d/a-vendor.list"
	check "a mirror list: its first entry" \
		"$(apt_toolbox_sources "$tmp/apt" bookworm 2>/dev/null | head -n 1)" \
		"deb http://first.example/debian trixie main"
	check "a mirror list with three slashes" "$(apt_expand "mirror+file://$tmp/apt/list")" http://first.example/debian
}

test_keys() {
	printf '# a comment\n\nfoo\n' >"$tmp/one"
	printf 'foo\n# another\n' >"$tmp/two"
	printf 'bar\n' >"$tmp/three"
	check "a key ignores comments and empty lines" "$(content_key "$tmp/one")" "$(content_key "$tmp/two")"
	check "a key follows the content" \
		"$([ "$(content_key "$tmp/one")" != "$(content_key "$tmp/three")" ] && echo differs)" differs
	check "lists: no package twice" "$(list_packages "$scripts/toolbox.d/packages" | sort | uniq -d)" ''
	check "lists: names only" \
		"$(list_packages "$scripts/toolbox.d/packages" | grep -v '^[a-z0-9][a-z0-9.+-]*$')" ''
}

test_lock() {
	(
		take_lock test
		: >"$tmp/held"
		sleep 1
		echo first >>"$tmp/order"
	) &
	while [ ! -e "$tmp/held" ]; do sleep 0.05; done
	(
		take_lock test
		echo second >>"$tmp/order"
	) 2>"$tmp/err"
	wait
	check "two builders: one after the other" "$(paste -sd' ' "$tmp/order")" 'first second'
	check "two builders: the second says that it waits" "$(grep -c 'waiting' "$tmp/err")" 1
}

test_clean() {
	[ "$(id -u)" -eq 0 ] || {
		echo "skip    clean: needs root"
		return
	}
	mkdir -p "$cache/root-old/usr" "$cache/uml-old" "$cache/debug-used" "$cache/tmp.root" "$cache/tmp.uml" "$root"
	(
		use_part "$cache/debug-used"
		: >"$tmp/using"
		sleep 2
	) &
	while [ ! -e "$tmp/using" ]; do sleep 0.05; done
	"$scripts/toolbox" clean 2>"$tmp/err"
	check "clean: old parts and leftovers go, current and used ones stay" \
		"$(cd "$cache" && find . -mindepth 1 -maxdepth 1 -type d | sort | paste -sd' ')" \
		"./debug-used ./${root##*/}"
	check "clean: says what is in use" "$(grep -c 'debug-used is in use' "$tmp/err")" 1
	wait
	"$scripts/toolbox" clean all 2>/dev/null
	check "clean all: nothing is left" "$(find "$cache" -mindepth 1 -maxdepth 1 -type d)" ''
}

# gone PID: within ten seconds (what is left may be a zombie that nobody collected yet).
gone() {
	for _ in $(seq 100); do
		case $(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) in
		'' | Z)
			echo gone
			return
			;;
		esac
		sleep 0.1
	done
	echo alive
}

test_supervise() {
	check "a child's status is passed on" "$(status supervise sh -c 'exit 7')" 7
	check "a child's input is passed on" "$(echo word | supervise cat)" word
	# TERM ends the script and its child, HUP-proof or not
	cat >"$tmp/script" <<-EOF2
		PROG=x
		. "$scripts/lib/say.sh"
		on_signals
		supervise sh -c 'trap "" TERM INT HUP; echo \$\$ >$tmp/pid; sleep 20 & wait; sleep 20'
	EOF2
	sh "$tmp/script" &
	script_pid=$!
	while [ ! -s "$tmp/pid" ]; do sleep 0.05; done
	kill -TERM "$script_pid"
	wait "$script_pid"
	check "a signal: the script's status" $? 143
	check "a signal: the child is gone" "$(gone "$(cat "$tmp/pid")")" gone
	rm "$tmp/pid"
	sh "$tmp/script" 2>/dev/null &
	script_pid=$!
	while [ ! -s "$tmp/pid" ]; do sleep 0.05; done
	kill -KILL "$script_pid"
	wait "$script_pid" 2>/dev/null
	check "the script killed: the child is gone" "$(gone "$(cat "$tmp/pid")")" gone
}

test_config() {
	printf '# note\nCONFIG_A=y\nCONFIG_B=m\nCONFIG_C="x"\n' >"$tmp/asked"
	printf 'CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C="x"\nCONFIG_D=y\n' >"$tmp/got"
	check "dropped lines of a configuration are found" "$(config_dropped "$tmp/asked" "$tmp/got")" 'CONFIG_B=m'
}

# complains TEXT [IGNORE]: whether a kernel log line is taken for a complaint.
complains() {
	echo "$1" >"$tmp/log"
	kernel_complaints "$tmp/log" "${2:-}" >/dev/null && echo yes || echo no
}

# at_boot LINE: whether it is a complaint of the kernel's first second
at_boot() {
	echo "$1" >"$tmp/log"
	boot_complaints "$tmp/log" && echo yes || echo no
}

test_console() {
	check "complaint at boot" "$(at_boot '[    0.005676] BUG: KASAN: wild-memory-access in do_raw_spin_lock+0x107/0x230')" yes
	check "complaint later" "$(at_boot '[   10.005676] BUG: KASAN: wild-memory-access in do_raw_spin_lock+0x107/0x230')" no
	check "no complaint" "$(at_boot '[    0.801990] APIC calibration not consistent with PM-Timer: 103ms instead of 100ms')" no
	while IFS= read -r line; do
		check "complaint: $line" "$(complains "[    1.5] $line")" yes
	done <<-EOF2
		WARNING: CPU: 0 PID: 1 at kernel/workqueue.c:5702 __alloc_workqueue+0x6c1/0x7a0
		WARNING: possible circular locking dependency detected
		WARNING: suspicious RCU usage
		BUG: KASAN: slab-use-after-free in foo+0x1/0x2
		BUG: sleeping function called from invalid context at mm/slab.h:1
		watchdog: BUG: soft lockup - CPU#0 stuck for 134s!
		UBSAN: array-index-out-of-bounds in foo.c:1:2
		Oops: general protection fault, probably for non-canonical address
		Kernel panic - not syncing: Fatal exception
		INFO: task fio:12 blocked for more than 120 seconds.
		kmemleak: 1 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
		ODEBUG: free active (active state 0) object: timer_list
	EOF2
	while IFS= read -r line; do
		check "no complaint: $line" "$(complains "[    1.5] $line")" no
	done <<-EOF2
		dm_ecache: loading out-of-tree module taints kernel.
		Buffer I/O error on dev dm-0, logical block 0, async page read
		kmemleak: Kernel memory leak detector initialized (mem pool available: 11403)
		device-mapper: ioctl: 4.50.0-ioctl initialised
		EXT4-fs (dm-0): shut down requested (1)
	EOF2
	check "an ignored complaint is none" "$(complains 'WARNING: expected here' 'expected here')" no
}

# ktap TEXT: summary's status and first words.
ktap() {
	cat >"$tmp/ktap"
	ktap_summary "$tmp/ktap" >"$tmp/out"
	echo "$? $(paste -sd';' "$tmp/out")"
}

test_ktap() {
	check "ktap: a good suite" "$(ktap <<-EOF2
		KTAP version 1
		1..1
		    KTAP version 1
		    # Subtest: key
		    1..3
		    ok 1 set
		        # Subtest: nested
		        not ok 1 that the case above counts
		    ok 2 wipe
		    ok 3 accel # SKIP no device
		# key: pass:2 fail:0 skip:1 total:3
		ok 1 key
	EOF2
	)" '0 ok      key: 2 passed, 0 failed, 1 skipped'
	check "ktap: a failed case" "$(ktap <<-EOF2
		    ok 1 set
		    not ok 2 wipe
		not ok 1 key
	EOF2
	)" '1 FAILED  key: 1 passed, 1 failed, 0 skipped;        not ok 2 wipe'
	check "ktap: a failed initialisation" "$(ktap <<-EOF2
		not ok 1 key
	EOF2
	)" '1 FAILED  key: 0 passed, 0 failed, 0 skipped;FAILED  no test ran'
	check "ktap: a suite that did not end" "$(ktap <<-EOF2
		    ok 1 set
	EOF2
	)" '1 FAILED  a suite did not end;FAILED  no test ran'
	check "ktap: nothing" "$(ktap </dev/null)" '1 FAILED  no test ran'
}

# gcov MIN: the report's status, table and last line.
gcov() {
	cat >"$tmp/listing"
	gcov_report "$1" "$tmp" <"$tmp/listing" >"$tmp/out"
	echo "$? $(grep -v '^lines' "$tmp/out" | tr -s ' ' | paste -sd';')"
}

test_gcov() {
	# one object's listing: FILE COUNTS...
	listing() {
		printf '        -:    0:Source:/t/drivers/md/ecache/dm-ecache/%s\n' "$1"
		shift
		listing_line=1
		for listing_count; do
			printf '%9s:%5d:\tcode("%%s: %%d:");\n' "$listing_count" "$listing_line"
			listing_line=$((listing_line + 1))
		done
	}
	{
		listing a.c - 1 '#####' '2*'
		listing h.h 0 5
		printf '        -:    0:Source:/t/include/linux/bio.h\n    #####:    1:foreign\n'
		listing b.c '#####' '#####' 7
		listing h.h '#####' '#####' '#####'
	} >"$tmp/two"
	check "gcov: files, headers once, nothing of others; below the bound" "$(gcov 56 <"$tmp/two")" \
		'1 a.c 2 of 3 lines 66.6%;b.c 1 of 3 lines 33.3%;h.h 1 of 3 lines 33.3%;coverage 44.4%'
	check "gcov: above the bound" "$(gcov 44 <"$tmp/two" | cut -c 1)" 0
	check "gcov: the source with counts" "$(cat "$tmp/a.c.gcov")" "$(printf '        -:    1:\tcode("%%s: %%d:");
        1:    2:\tcode("%%s: %%d:");
    #####:    3:\tcode("%%s: %%d:");
        2:    4:\tcode("%%s: %%d:");')"
	check "gcov: all lines" "$(listing a.c 1 1 | gcov 100)" '0 a.c 2 of 2 lines 100.0%;coverage 100.0%'
	check "gcov: rounded down" "$(listing a.c 1 '#####' 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 | gcov 95)" '1 a.c 16 of 17 lines 94.1%;coverage 94.1%'
	check "gcov: nothing counted" "$(listing a.c - - | gcov 0)" '1 no line was counted'
}

test_kcsan() {
	check "kcsan: its configuration names no symbol twice" "$(kcsan_config | sed 's/=.*//' | sort | uniq -d)" ''
	check "kcsan: its configuration has the debug kernel's lines, its own, and none that it unsets" \
		"$(kcsan_config | grep -cx 'CONFIG_KUNIT=y\|CONFIG_KCSAN=y\|CONFIG_KASAN=.*\|.*=n')" 2
	cat >"$tmp/log" <<-EOF2
		[    1.0] ==================================================================
		[    1.0] BUG: KCSAN: data-race in blk_start / blk_stop
		[    1.0]  blk_start+0x1/0x2
		[    1.0] ==================================================================
		[    1.5] dm_ecache: loading out-of-tree module taints kernel.
	EOF2
	check "kcsan: others' races are not ours" "$(status kcsan_ours "$tmp/log")" 1
	cat >>"$tmp/log" <<-EOF2
		[    2.0] ==================================================================
		[    2.0] BUG: KCSAN: data-race in bio_endio / submit_bio
		[    2.0]  bio_endio+0x1/0x2
		[    2.0]  ecache_read_end+0x1/0x2 [dm_ecache]
		[    2.0] ==================================================================
		[    3.0] other
	EOF2
	check "kcsan: a race below a function of ours is, with its whole report" "$(status kcsan_ours "$tmp/log") $(wc -l <"$tmp/out")" '0 4'
}

test_usage
test_apt_deb822
test_apt_deb822_skips
test_apt_oneline
test_apt_others
test_keys
test_lock
test_clean
test_supervise
test_config
test_console
test_ktap
test_gcov
test_kcsan
checked
