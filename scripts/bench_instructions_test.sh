#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of scripts/bench-instructions without a guest: what is counted between two copies of the plugin's file, and what the samples are made into.
# Prints one line per test; the last line counts.
set -u

scripts=$(cd "$(dirname "$0")" && pwd)
. "$scripts/lib/checks.sh"
# blocks NUMBER LOST [ADDRESS INSTRUCTIONS]...: a file as the plugin writes it
blocks() {
	python3 -c 'import struct, sys; sys.stdout.buffer.write(b"".join(struct.pack("<Q", int(w, 0)) for w in sys.argv[1:]))' "$@"
}

gcc -O2 -Wall -Wextra -Werror -fsanitize=address,undefined -o "$tmp/by-function" "$scripts/bench.d/blocks-by-function.c" || exit 1
cat > "$tmp/kallsyms" <<-'EOT'
	0000000000000000 A per_cpu_start
	ffffffff81000000 T first
	ffffffff81000100 t second
	ffffffff81000180 d data
	ffffffffc0000000 t ecache_map	[dm_ecache]
EOT
blocks 2 0 0 100 0xffffffff81000000 5 > "$tmp/before"
blocks 5 0 0 150 0xffffffff81000000 25 0xffffffff810001f0 7 0xffffffffc0000040 9 0xffffffff810000ff 1 > "$tmp/after"
check "a block belongs to the function before it, programs to none" "$("$tmp/by-function" "$tmp/kallsyms" "$tmp/before" "$tmp/after" | tr '\n' ';')" \
	"programs - 50;kernel first 21;kernel second 7;dm_ecache ecache_map 9;"
blocks 1 3 0 100 > "$tmp/lost"
check "blocks that found no place are an error" "$("$tmp/by-function" "$tmp/kallsyms" "$tmp/before" "$tmp/lost" 2>&1 | grep -c BLOCKS_MAX)" 1
echo '0000000000000000 T first' > "$tmp/hidden"
check "addresses that are hidden are an error" "$("$tmp/by-function" "$tmp/hidden" "$tmp/before" "$tmp/after" 2>&1 | grep -c kptr_restrict)" 1

# samples OWN AGAIN: three rounds of ten and of a hundred I/Os. Each costs programs 1000, the cipher 500 where there is one, and the kernel 100 and
# what the target adds: crypt-nwq 400, dm-ecache OWN, and again AGAIN; in one round of the three much more comes between. The clock's interrupts have 70
# instructions, 7 of them at their entry, and are the more the later the round.
samples() {
	awk -v own="$1" -v again="$2" 'BEGIN {
		split("raw linear crypt crypt-nwq ecache ecache-again none", target, " ")
		add["crypt"] = 900; add["crypt-nwq"] = 400; add["ecache"] = own; add["ecache-again"] = again
		for (k = 1; k <= 2; k++) for (t = 1; t <= 7; t++) for (r = 1; r <= 3; r++) for (n = 10; n <= 100; n += 90) {
			label = (k == 1 ? "randread " : "randwrite ") target[t] " " r (n == 10 ? " few " : " many ")
			print label "programs - " 12345 + n * 1000 + (r == 2 && n == 100 ? 1e6 : 0)
			print label "kernel asm_sysvec_apic_timer_interrupt " r * n * 7
			print label "kernel tick " r * n * 63
			if (t == 7) { print label "kernel execve 50000"; continue }
			print label "kernel submit_bio " 777 + n * (t == 1 ? 50 : 100)
			if (t > 2) {
				print label "aesni_intel xts " n * 500
				print label (target[t] ~ /^ecache/ ? "dm_ecache ecache_map " : "dm_crypt crypt_map ") n * add[target[t]]
			}
		}
	}'
}

# evaluate [BOUND] < SAMPLES: the status, and the lines of all, of what is added, and of its share
evaluate() {
	awk -v ios=100 -v rounds=3 -v bound="${1:-}" -v functions="$tmp/functions" -f "$scripts/bench.d/instructions.awk" > "$tmp/table"
	printf '%s;' $?
	grep '^all \|^to \|^of ' "$tmp/table" | head -n 3 | tr -s ' ' | tr '\n' ';'
}

check "what costs a sample and not an I/O is taken off, and so is the round that was disturbed" "$(samples 150 150 | evaluate)" \
	"0;all 1050 1100 2500 2000 1750 1750;to dm-linear, without cipher -50 0 900 400 150 150;of crypt-nwq's -0.12 0.00 2.25 1.00 0.38 0.38;"
check "a function's instructions are per I/O" "$(grep -c '^randwrite ecache 150 dm_ecache ecache_map$' "$tmp/functions")" 1
check "within the bound" "$(samples 199 199 | evaluate 0.5 | cut -d';' -f1)" 0
check "beyond the bound" "$(samples 210 210 | evaluate 0.5 | cut -d';' -f1)" 1
check "a control that does not hold" "$(samples 150 195 | evaluate 0.5 | cut -d';' -f1)" 3
check "no samples" "$(evaluate < /dev/null 2> /dev/null | cut -d';' -f1)" 1
for wrong in '--ios 99' '--kernel 5.4' '--without nothing' '--bound x' --rounds --what; do
	# shellcheck disable=SC2086 # words
	"$scripts/bench-instructions" $wrong > /dev/null 2>&1
	check "wrong usage: $wrong" $? 2
done
checked
