#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of scripts/fastpath with objects of a few lines, whose ways in have the names of the module's. Prints one line per test; the last line counts.
set -u

scripts=$(cd "$(dirname "$0")" && pwd)
. "$scripts/lib/checks.sh"
# verdict [BODY-OF-ecache_map [FUNCTIONS-BEFORE-IT]]: the status, and what was found, but for the last line
verdict() {
	cat > "$tmp/x.c" <<-EOT
		#define atomic_inc(p) asm volatile("lock incl %0" : "+m"(*(p)))
		#define noinline __attribute__((noinline))
		int shared;
		void bio_endio(void *bio), anything(void);
		${2:-}
		void ecache_map(void *bio) { ${1:-} bio_endio(bio); }
		void read_endio(void *bio) { bio_endio(bio); }
		void write_endio(void *bio) { bio_endio(bio); }
		void reserve_free(void *page) {}
		void ecache_defer_run(void *bh) {}
		void ecache_defer_work(void *work) {}
	EOT
	# shellcheck disable=SC2086 # flags: words
	gcc -O2 -fno-optimize-sibling-calls -fcf-protection=none -fno-pic -mcmodel=kernel -w ${flags:-} -c -o "$tmp/x.ko" "$tmp/x.c" || exit 1
	"$scripts/fastpath" "$tmp/x.ko" > "$tmp/found" 2>&1
	echo "$? $(grep -v '^scripts/check.d/fastpath has\|no locked instruction' "$tmp/found" | tr '\n' '|')"
}

test_usage() {
	"$scripts/fastpath" --help > "$tmp/out" 2>&1
	check "--help succeeds and says how" "$? $(sed -n '1s/ .*//p' "$tmp/out")" '0 usage:'
	for args in '' '7.4' '7.3 6.1' '-x' "$tmp/none.ko"; do
		# shellcheck disable=SC2086
		"$scripts/fastpath" $args > "$tmp/out" 2>&1
		check "'$args': wrong usage" "$?" 2
	done
}

test_locked() {
	check "nothing is shared" "$(verdict)" '0 '
	check "a locked instruction in map" "$(verdict 'atomic_inc(&shared);')" \
		'1 ecache_map: locked instruction: lock incl 0x0(%rip)        # b <ecache_map+0xb>|'
	check "two calls away" "$(verdict 'one();' 'static noinline void two(int *p) { atomic_inc(p); } noinline void one(void) { two(&shared); }' |
		sed 's/incl.*/incl/')" '1 two: locked instruction: lock incl'
	flags=-foptimize-sibling-calls
	check "by jumps at the end" "$(verdict 'if (bio) return one();' 'noinline void two(int *p) { atomic_inc(p); } noinline void one(void) { two(&shared); }' |
		sed 's/incl.*/incl/')" '1 two: locked instruction: lock incl'
	flags=''
	check "in another section" "$(verdict 'one();' '__attribute__((section(".text.other"))) static noinline void one(void) { atomic_inc(&shared); }' |
		sed 's/incl.*/incl/')" '1 one: locked instruction: lock incl'
	check "xchg with memory needs no lock before it" \
		"$(verdict 'int v = 1; asm volatile("xchgl %0, %1" : "+r"(v), "+m"(*(int *)bio));' | sed 's/xchg.*/xchg/')" \
		'1 ecache_map: locked instruction: xchg'
	# shellcheck disable=SC2016 # $0: of the assembler
	check "a full barrier is one" "$(verdict 'asm volatile("lock addl $0, -4(%%rsp)" ::: "memory");' | sed 's/addl.*/addl/')" \
		'1 ecache_map: locked instruction: lock addl'
	check "xchg of registers is none" "$(verdict 'int v = 1, w = 2; asm volatile("xchgl %0, %1" : "+r"(v), "+r"(w));')" '0 '
	check "nor is what a processor does to its own memory" \
		"$(verdict 'asm volatile("incq %%gs:8; cmpxchgq %%rcx, %%gs:16" ::: "memory", "rax");')" '0 '
	check "nor what nobody calls" "$(verdict '' 'void other(void) { atomic_inc(&shared); }')" '0 '
	check "nor what is off the fast path" "$(verdict 'ecache_hold();' 'noinline void ecache_hold(void) { atomic_inc(&shared); }')" '0 '
}

test_calls() {
	check "a call out of the module that no rule has" "$(verdict 'anything();')" '1 ecache_map calls anything, and nothing says what that shares|'
	check "by a pointer" "$(verdict '(*(void (**)(void))bio)();')" '1 ecache_map calls indirect, and nothing says what that shares|'
	check "allowed in one function" "$(verdict 'grow_vecs();' 'void mempool_alloc(void); noinline void grow_vecs(void) { mempool_alloc(); }')" '0 '
	check "but not from another" "$(verdict 'mempool_alloc();' 'void mempool_alloc(void);')" \
		'1 ecache_map calls mempool_alloc, and nothing says what that shares|'
}

# once is allowed, twice not
test_deferred() {
	swap='asm volatile("xchgq %%rax, (%%rdi)" ::: "memory", "rax");'
	for times in 1 2; do
		sed "s/^\(void ecache_defer_run(void \*bh) {\)}/\1 $(yes "$swap" | head -n $times | tr -d '\n')}/" "$tmp/x.c" > "$tmp/y.c"
		gcc -O2 -w -c -o "$tmp/y.ko" "$tmp/y.c" || exit 1
		"$scripts/fastpath" "$tmp/y.ko" > "$tmp/found"
		echo $?
	done | tr '\n' ' '
}

test_usage
test_locked
test_calls
verdict > "$tmp/out"
check "a locked instruction that a rule has, once and twice" "$(test_deferred)" '0 1 '
sed -i 's/read_endio/read_done/' "$tmp/x.c"
gcc -O2 -w -c -o "$tmp/y.ko" "$tmp/x.c"
check "a way in that is not there" "$("$scripts/fastpath" "$tmp/y.ko"; echo $?)" 'the module has 0 functions read_endio
2'
checked
