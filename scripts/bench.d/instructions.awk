# SPDX-License-Identifier: GPL-2.0-or-later
#
# What scripts/bench-instructions says of its samples: lines KIND TARGET ROUND few|many MODULE FUNCTION INSTRUCTIONS. -v ios=N of a sample of many, few being a
# tenth; rounds=N, bound=RATIO or nothing, functions=FILE for lines KIND TARGET INSTRUCTIONS MODULE FUNCTION.
#
# An I/O's instructions are what many have more than few, by their number. The clock interrupts a sample more often the longer the host lets it take: what
# an interrupt costs is known from samples of target "none", which do no I/O, and is taken off the kernel's. Of the rounds the least count, since what
# else comes between only adds. What a target adds is compared with dm-linear: both remap. Of it the cipher is no target's merit, so it is taken off: all
# of the module that has the cipher's driver.
#
# status: 1 beyond the bound, 3 within it but the control did not hold

BEGIN {
	cipher = "aesni_intel"
	control = 0.02
	clock = "asm_sysvec_apic_timer_interrupt"
	split("programs kernel dm_mod brd dm_crypt dm_ecache dm_ecache_other " cipher, modules, " ")
	nr_modules = 8
	for (i = 1; i <= nr_modules; i++)
		named[modules[i]]
}

# least: of the rounds
function least(kind, target, amount, module,    r, min, n) {
	for (r = 1; r <= rounds; r++) {
		n = sum[kind, target, r, amount, module]
		if (module == "kernel")
			n -= interrupts[kind, target, r, amount] * interrupt
		if (r == 1 || n < min)
			min = n
	}
	return min
}

# of: instructions of an I/O
function of(kind, target, module,    i, all) {
	if (module != "all")
		return (least(kind, target, "many", module) - least(kind, target, "few", module)) / (ios - int(ios / 10))
	for (i = 1; i <= nr_modules; i++)
		all += of(kind, target, modules[i])
	return all
}

# added: to dm-linear's, without the cipher
function added(kind, target) {
	return of(kind, target, "all") - of(kind, target, cipher) - of(kind, "linear", "all")
}

$6 == clock {
	interrupts[$1, $2, $3, $4] += $7
}

# without I/O the kernel does nothing else; per instruction of the clock's entry, which is the same each time
$2 == "none" {
	if ($6 == clock)
		none_interrupts += ($4 == "many" ? 1 : -1) * $7
	if ($5 != "programs")
		none_kernel += ($4 == "many" ? 1 : -1) * $7
	next
}

{
	if (!(($1, $2) in seen)) {
		seen[$1, $2]
		kinds[$1]
		target[++nr_targets[$1]] = $2
	}
	module = $5 in named ? $5 : "kernel"
	sum[$1, $2, $3, $4, module] += $7
	by_function[$1 " " $2 SUBSEP $5 " " $6] += ($4 == "many" ? 1 : -1) * $7
}

function line(kind, name, module,    i) {
	printf "%-28s", name
	for (i = 1; i <= nr; i++)
		printf " %13.0f", of(kind, order[i], module)
	print ""
}

function table(kind,    i, nwq, own, again) {
	printf "\n%-28s", kind ", instructions per 4 KiB"
	for (i = 1; i <= nr; i++)
		printf " %13s", order[i]
	print ""
	for (i = 1; i <= nr_modules; i++)
		line(kind, modules[i], modules[i])
	line(kind, "all", "all")
	nwq = added(kind, "crypt-nwq")
	printf "%-28s", "to dm-linear, without cipher"
	for (i = 1; i <= nr; i++)
		printf " %13.0f", added(kind, order[i])
	printf "\n%-28s", "of crypt-nwq's"
	for (i = 1; i <= nr; i++)
		printf " %13.2f", added(kind, order[i]) / nwq
	print ""
	own = of(kind, "ecache", "all")
	again = of(kind, "ecache-again", "all")
	if (own > again * (1 + control) || again > own * (1 + control)) {
		printf "the control did not hold: dm-ecache and dm-ecache differ by %.1f %%\n", 100 * (own > again ? own / again - 1 : again / own - 1)
		uncontrolled = 1
	}
	if (bound != "" && added(kind, "ecache") > bound * nwq) {
		printf "beyond the bound: %.2f of what crypt-nwq adds, %.2f allowed\n", added(kind, "ecache") / nwq, bound
		beyond = 1
	}
}

END {
	nr = split("raw linear crypt crypt-nwq ecache ecache-again ecache-other", order, " ")
	if (!(("randread", "ecache-other") in seen))
		nr--
	if (!(("randread", "ecache") in seen) || !(("randwrite", "ecache") in seen)) {
		print "no samples" > "/dev/stderr"
		exit 1
	}
	interrupt = none_interrupts > 0 ? none_kernel / none_interrupts : 0
	table("randread")
	table("randwrite")
	for (f in by_function) {
		split(f, part, SUBSEP)
		split(part[2], name, " ")
		if (by_function[f] > rounds * (ios - int(ios / 10)))
			printf "%s %.0f %s %s\n", part[1], by_function[f] / rounds / (ios - int(ios / 10)), name[1], name[2] > functions
	}
	close(functions)
	exit beyond ? 1 : uncontrolled ? 3 : 0
}
