# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2046,SC2034
#
# Static checks: each a function, its test is static/NAME. All run in the toolbox root where the tool must be the same everywhere,
# or on this host.

static_tests="spdx layout mutations shellcheck words checkpatch sparse coccicheck cppcheck analyzer kernel-doc docs units"

tracked() {
	git ls-files -- "$@"
}

# Every file says its licence in its first lines, the module's and the tests' being the kernel's. Inputs for programs have no such line.
static_spdx() {
	bad=0
	for f in $(tracked | grep -v '^COPYING$\|^VERSION$\|\.json$\|\.clang-format$\|_fuzz\.corpus/\|^scripts/deb\.d/debian/\(copyright\|source/format\)$'); do
		case $f in
		dm-ecache/* | kunit/* | Kbuild) want='GPL-2.0$\|GPL-2.0 \*/$' ;;
		*) want='GPL-2.0-or-later' ;;
		esac
		head -n 2 "$f" | grep -q "SPDX-License-Identifier: \($want\)" || {
			echo "$f: no SPDX line, or another licence than ${want%%\\*}"
			bad=1
		}
	done
	return $bad
}

# One noun, one file; version numbers in compat.h alone, and not even there.
static_layout() {
	bad=0
	for f in $(tracked 'dm-ecache/*.[ch]' 'userspace/*.[ch]' 'kunit/*.[ch]' 'scripts/scale.d/*.[ch]'); do
		lines=$(wc -l < "$f")
		[ "$lines" -le 500 ] || {
			echo "$f: $lines lines; one noun, one file"
			bad=1
		}
	done
	if grep -n 'LINUX_VERSION_CODE\|KERNEL_VERSION(' $(tracked 'dm-ecache/*' 'kunit/*'); then
		echo "a kernel version is compared: test for the feature in dm-ecache/Kbuild and compat.h"
		bad=1
	fi
	if grep -n '^[[:space:]]*#[[:space:]]*if' $(tracked 'dm-ecache/*.c' 'kunit/*.c' 'userspace/*.c'); then
		echo "#if in a .c file: put a stub into a header"
		bad=1
	fi
	if grep -n 'BUG_ON\|BUG()' $(tracked 'dm-ecache/*.[ch]'); then
		bad=1
	fi
	return $bad
}

# What scripts/mutate would break is still there.
static_mutations() {
	bad=0
	for f in $(tracked 'scripts/mutate.d/*.patch' 'scripts/bench.d/without/*.patch'); do
		git apply --check "$f" || bad=1
	done
	return $bad
}

static_shellcheck() {
	for f in $(tracked scripts .ci); do
		head -n 1 "$f" | grep -q '^#!.*sh$' && echo "$f"
		case $f in *.sh) echo "$f" ;; esac
	done | sort -u | xargs shellcheck -x -P SCRIPTDIR -e SC1091
}

# Nothing in the repository names this machine or a mirror.
static_words() {
	hosts=$(grep -rhoE 'https?://[A-Za-z0-9.-]+\.[a-z]+' /etc/apt/sources.list /etc/apt/sources.list.d 2> /dev/null |
		sed 's|.*/||' | sort -u)
	for word in $hosts "$(dirname "$top")/"; do
		case $word in / | /root/ | /home/ | /tmp/) continue ;; esac
		if git grep -nIF -- "$word"; then
			echo "names '$word'"
			return 1
		fi
	done
}

# Ignored, with reasons: userspace has the C library's types and no kernel helpers; long test vectors and messages stay greppable
# or are one string; __VA_ARGS__ macros of tests may return. Lines have 120 columns, comments in the kernel parts 100.
checkpatch_common=LONG_LINE_STRING,MACRO_ARG_PRECEDENCE,FILE_PATH_CHANGES,EMBEDDED_FILENAME,SPLIT_STRING,MISSING_SPACE
checkpatch_user=$checkpatch_common,STATIC_CONST_CHAR_ARRAY,PREFER_KERNEL_TYPES,ARRAY_SIZE,PREFER_DEFINED_ATTRIBUTE_MACRO,STRCPY,STRNCPY,AVOID_EXTERNS,CAMELCASE
checkpatch_user=$checkpatch_user,SSCANF_TO_KSTRTO,NAKED_SSCANF,MACRO_WITH_FLOW_CONTROL,PREFER_FALLTHROUGH,CONSIDER_KSTRTO,PREFER_PR_LEVEL
checkpatch_user=$checkpatch_user,QUOTED_WHITESPACE_BEFORE_NEWLINE,CONST_STRUCT,VOLATILE,MEMORY_BARRIER,USLEEP_RANGE,ENOSYS,SPDX_LICENSE_TAG

# A file that passed passes again, as long as neither it nor the rules change: the stamps are beside the toolbox.
stamps=${ECACHE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dm-ecache}/stamps

# checkpatch_files IGNORE FILES...
checkpatch_files() {
	ignore=$1
	shift
	rules=$(echo "$ignore $source" | cat - "$source/scripts/checkpatch.pl" | sha1sum | cut -c 1-12)
	mkdir -p "$stamps"
	# shellcheck disable=SC2016
	sha1sum "$@" | while read -r sum file; do
		[ -e "$stamps/$rules-$sum" ] || echo "$stamps/$rules-$sum $file"
	done | xargs -r -P 2 -L 1 sh -c '"$0" --no-tree --strict --terse --no-summary --quiet --show-types --max-line-length=120 \
		--ignore "$1" -f "$3" && : > "$2"' "$source/scripts/checkpatch.pl" "$ignore"
}

# which of scripts/bench.d are programs, the others being modules
bench_programs='/\(count-instructions\|profile-blocks\|blocks-by-function\|io-loop\)\.c$'

static_checkpatch() {
	source=$(scripts/toolbox path source) || return 1
	bad=0
	checkpatch_files "$checkpatch_common" $(tracked 'dm-ecache/*.[ch]' 'kunit/*.[ch]' 'scripts/bench.d/*.c' | grep -v "$bench_programs") || bad=1
	checkpatch_files "$checkpatch_user" $(tracked 'userspace/*.[ch]' 'scripts/scale.d/*.[ch]') \
		$(tracked 'scripts/bench.d/*.c' | grep "$bench_programs") || bad=1
	return $bad
}

# Warnings of sparse in our files, with the headers of each kernel; those of the headers are not ours. Sparse 0.6.4 knows neither
# __typeof_unqual__ nor a constant __builtin_strlen(), so it is told the one and not shown the assertions of 7.3's MODULE_INFO() that need
# the other; 7.3 would switch it off for that without an error, and its headers lack the script that asks.
static_sparse() {
	mkdir -p "$stamps"
	sum=$({ tracked Kbuild 'dm-ecache/*' | xargs cat; sed -n '/^# Warnings of sparse/,/^}/p' scripts/check.d/static.sh; } | sha1sum | cut -c 1-12)
	for k in $kernels; do
		headers=$(scripts/toolbox path headers "$k") || return 1
		stamp=$stamps/sparse-$sum-${headers##*/}
		[ ! -e "$stamp" ] || continue
		# shellcheck disable=SC2016
		scripts/toolbox run sh -c '
			dir=/src/build/sparse/$1
			rm -rf "$dir" && mkdir -p "$dir" && cp -r /src/dm-ecache /src/Kbuild "$dir" &&
			make -C "/usr/src/$2" M="$dir" C=2 KBUILD_CHECKSRC=2 CONFIG_DEBUG_INFO_BTF_MODULES= \
				CF="-D__CHECK_ENDIAN__ -D__typeof_unqual__=__typeof__ '"'-D_Static_assert(...)='"'" modules
		' sh "$k" "${headers##*/}" > "$out/sparse.raw" 2>&1 || {
			cat "$out/sparse.raw"
			return 1
		}
		if grep -E '(dm-ecache|kunit)/[a-z-]+\.[ch]:[0-9]+:[0-9]+: (warning|error)' "$out/sparse.raw"; then
			echo "sparse, kernel $k"
			return 1
		fi
		for f in $(tracked 'dm-ecache/*.c'); do
			# not built for stock kernels: faults on request; for 6.x: what blk-crypto does not let modules do
			case $f,$k in
			dm-ecache/fault.c,* | dm-ecache/crypt-inline.c,6.*) continue ;;
			esac
			grep -q "CHECK .*${f#dm-ecache/}\$" "$out/sparse.raw" || {
				echo "$f: sparse was not run for kernel $k"
				return 1
			}
		done
		: > "$stamp"
	done
}

# The kernel's semantic patches. Not errors: DMEMIT() uses sz by its name, and KUNIT_EXPECT_EQ() prints no pointer. A file that passed
# passes again, as with checkpatch.
static_coccicheck() {
	source=$(scripts/toolbox path source) || return 1
	mkdir -p "$stamps"
	rules=$({ spatch --version; echo "$source"; cat scripts/check.d/spatch; sed -n '/^static_coccicheck/,/^}/p' scripts/check.d/static.sh; } |
		sha1sum | cut -c 1-12)
	rm -rf build/coccicheck
	mkdir -p build/coccicheck/dm-ecache build/coccicheck/kunit
	tracked 'dm-ecache/*.[ch]' 'kunit/*.[ch]' | xargs sha1sum | while read -r sum file; do
		[ -e "$stamps/coccicheck-$rules-$sum" ] || { cp "$file" "build/coccicheck/$file" && echo "$sum"; }
	done > "$out/coccicheck.sums"
	[ -s "$out/coccicheck.sums" ] || return 0
	make -C "$source" coccicheck MODE=report M="$top/build/coccicheck" J=2 SPATCH="$top/scripts/check.d/spatch" > "$out/coccicheck.raw" 2>&1 || {
		cat "$out/coccicheck.raw"
		return 1
	}
	! grep -E '^(\./)?(dm-ecache|kunit)/' "$out/coccicheck.raw" |
		grep -v 'Unneeded variable: "sz"\|kunit/.*Consider using %pe' || return 1
	while read -r sum; do
		: > "$stamps/coccicheck-$rules-$sum"
	done < "$out/coccicheck.sums"
}

static_cppcheck() {
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--suppress=missingIncludeSystem --suppress=unknownMacro --suppress=internalAstError --suppress=varFuncNullUB -Iuserspace -D_GNU_SOURCE \
		-DECACHE_VERSION='"0"' $(tracked 'userspace/*.c' | grep -v '_test\.c$')
}

# Clang's analyzer, as scan-build runs it, but file by file: what changed since it passed is looked at again.
static_analyzer() {
	mkdir -p "$stamps"
	rm -rf build/analyze
	rules=$({ tracked 'userspace/*.h' userspace/Makefile | xargs cat; scripts/toolbox path root; } | sha1sum | cut -c 1-12) || return 1
	files=$(tracked 'userspace/*.c' | grep -v '_test\.c$\|_fuzz\.c$')
	# shellcheck disable=SC2086
	sha1sum $files > "$out/analyzer.sums"
	while read -r sum file; do
		ok=build/analyze/analyzed/${file#userspace/}
		if [ -e "$stamps/analyzer-$rules-$sum" ]; then
			mkdir -p "${ok%/*}"
			: > "${ok%.c}.ok"
		fi
	done < "$out/analyzer.sums"
	analyzer_status=0
	scripts/toolbox run make -s -k -j2 -C /src/userspace CC=clang O=/src/build/analyze analyze || analyzer_status=1
	while read -r sum file; do
		ok=build/analyze/analyzed/${file#userspace/}
		[ ! -e "${ok%.c}.ok" ] || : > "$stamps/analyzer-$rules-$sum"
	done < "$out/analyzer.sums"
	return $analyzer_status
}

static_kernel_doc() {
	source=$(scripts/toolbox path source) || return 1
	scripts/toolbox run sh -c "cd /src && \$(ls -d /usr/src/linux-source-7.3)/scripts/kernel-doc -Wall -none dm-ecache/*.[ch]" > "$out/kernel-doc" 2>&1
	cat "$out/kernel-doc"
	! grep -q . "$out/kernel-doc"
}

static_docs() {
	sh scripts/check.d/docs.sh
}

# How exposed a unit may be, by systemd-analyze security, in tenths: what they have reached. ecached has no private mount namespace, which makes
# most of its sum.
unit_limits='ecache-net.service=13 ecached.service=39 ecache-kmsd.service=16 ecache@.service=28 ecache-metrics.service=4'

# units_analyzed DIR: in the toolbox root, whose systemd a host of today has. Programs of ours are not installed there.
units_analyzed() {
	# shellcheck disable=SC2016
	scripts/toolbox run sh -c '
		for limit in $2; do
			unit=${limit%=*}
			systemd-analyze security --offline=yes --no-pager --threshold="${limit#*=}" "$1/$unit" > "$1/exposure" || {
				cat "$1/exposure"
				echo "$unit: more exposed than ${limit#*=} tenths"
				exit 1
			}
		done
		systemd-analyze verify --man=no --recursive-errors=yes "$1"/*.service "$1"/*.socket "$1"/*.mount' sh "$1" "$unit_limits"
}

# number NAME: of a constant of policy.h, or a setting of ecached.service
number() {
	sed -n "s/^#define $1 \([0-9]*\)$/\1/p; s/^$1=\([0-9]*\)$/\1/p" userspace/common/policy.h userspace/ecached/ecached.service
}

static_units() {
	rm -rf build/units
	mkdir -p build/units
	for f in $(tracked 'userspace/*.service' 'userspace/*.socket' 'Documentation/examples/*.service' 'Documentation/examples/*.mount'); do
		sed 's,/usr/sbin/\(ecached\|ecachectl\|ecache-net\|ecache-kmsd\)\>,/bin/true,' "$f" > "build/units/${f##*/}"
		for page in $(sed -n 's/^Documentation=//p' "$f" | grep -o 'man:[a-z-]*([58])' | tr '(:)' '   ' | sed 's/^man //; s/ \([58]\) */.\1/'); do
			[ -e "Documentation/man/$page" ] || {
				echo "$f: there is no man page $page"
				return 1
			}
		done
	done
	for f in $(tracked 'userspace/*.service'); do
		case " $unit_limits" in
		*" ${f##*/}="*) continue ;;
		esac
		echo "$f: no limit in unit_limits"
		return 1
	done
	units_analyzed /src/build/units > "$out/units" 2>&1 || {
		cat "$out/units"
		return 1
	}
	if grep . "$out/units"; then
		return 1
	fi
	# The shortest lease is made of both.
	if [ "$(number WatchdogSec)" != "$(number POLICY_WATCHDOG_S)" ] || [ "$(number RestartSec)" -ge "$(number POLICY_RESTART_S)" ]; then
		echo "ecached.service: WatchdogSec=, RestartSec= and policy.h disagree"
		return 1
	fi
}
