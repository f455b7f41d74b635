# SPDX-License-Identifier: GPL-2.0-or-later
#
# Reads the rules (scripts/check.d/fastpath) and then `objdump -dr --no-show-raw-insn` of dm-ecache.ko; follows the calls inside the module from the
# roots, and says what shares memory between processors on the way. -v show=yes: what was reached, too.
#
# A function is known by section and address: of static functions several may have one name.

function hex(text,    i, value) {
	sub(/^0x/, "", text)
	for (i = 1; i <= length(text); i++)
		value = value * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
	return value
}

function complain(text) {
	print text
	bad = 1
}

# A jump out of the function or a call; the relocation, if there is one, comes in the next line and says better where to.
function end_branch() {
	if (branch != "")
		calls[current, ++nr_calls[current]] = branch
	branch = ""
}

# Where a relocation leads: "name-0x4" to a name, ".text.x+0x123" to a section and an address; the addend counts from the end of the field, 4 bytes on.
function relocated(symbol,    at, sign) {
	at = match(symbol, /[-+]0x[0-9a-f]+$/)
	if (symbol !~ /^\./)
		return at ? substr(symbol, 1, at - 1) : symbol
	sign = substr(symbol, at, 1) == "-" ? -1 : 1
	return at ? substr(symbol, 1, at - 1) " " (sign * hex(substr(symbol, at + 1)) + 4) : symbol " 4"
}

# The code of section's address at: the function that begins there or before it.
function function_at(section, at,    i, low, high) {
	low = 1
	high = nr_starts[section]
	while (low < high) {
		i = int((low + high + 1) / 2)
		if (starts[section, i] <= at)
			low = i
		else
			high = i - 1
	}
	return section " " starts[section, low]
}

# locked_operation: the name of a locked instruction, else "". xchg is one if an operand is not a register.
function locked_operation(instruction,    words) {
	if (instruction ~ /^xchg/ && instruction !~ /^xchg[bwlq]?[ \t]+%[a-z0-9]+,%[a-z0-9]+$/)
		return "xchg"
	if (!match(instruction, /(^|[ \t])lock([ \t]|$)/))
		return ""
	split(substr(instruction, RSTART + RLENGTH), words, /[ \t]+/)
	return words[1]
}

# allowed RULE: and remembered
function allowed(text) {
	if (text in rule)
		used[text] = 1
	return text in rule
}

FNR == 1 { file++ }

file == 1 {
	if (/^#/ || !NF)
		next
	# the reason is for people
	if (!match($0, /: ./)) {
		print "no reason: " $0
		exit bad = 2
	}
	split(substr($0, 1, RSTART - 1), words, " ")
	if (words[1] == "root")
		roots[++nr_roots] = words[2]
	rule[substr($0, 1, RSTART - 1)] = 1
	next
}

/^Disassembly of section / {
	end_branch()
	section = $4
	sub(/:$/, "", section)
	next
}

/^[0-9a-f]+ <.*>:$/ {
	end_branch()
	at = hex($1)
	current = section " " at
	name[current] = substr($2, 2, length($2) - 3)
	starts[section, ++nr_starts[section]] = at
	named[name[current]]++
	of_name[name[current]] = current
	next
}

/^[ \t]+[0-9a-f]+: R_/ {
	if (branch != "")
		branch = relocated($3)
	next
}

/^ *[0-9a-f]+:\t/ {
	end_branch()
	instruction = $0
	sub(/^ *[0-9a-f]+:\t/, "", instruction)
	sub(/[ \t]+$/, "", instruction)
	if (locked_operation(instruction) != "")
		locked[current, ++nr_locked[current]] = instruction
	sub(/^(notrack|bnd|cs|ds) /, "", instruction)
	if (instruction !~ /^(call|j[a-z]+)[ \t]/)
		next
	split(instruction, words, /[ \t]+/)
	# "jne,pn"; and the target: an address, or * and what holds it
	branch = words[2] ~ /^\*/ ? "*" : section " " hex(words[2])
}

# Whose code the target of a branch is; a name that is not in the module stays one.
function callee(target,    parts) {
	if (target in of_name)
		return of_name[target]
	if (split(target, parts, " ") == 2)
		return function_at(parts[1], parts[2] + 0)
	return target
}

# What the compiler put aside is a part of the function.
function plain_name(where,    text) {
	text = name[where]
	sub(/\.(cold|part|isra|constprop).*$/, "", text)
	return text
}

# A locked instruction is allowed once.
function look_at(own, instruction,    text) {
	text = "locked " own " " locked_operation(instruction)
	if (text in used || !allowed(text))
		complain(own ": locked instruction: " instruction)
}

function visit(where,    i, own, to) {
	if (where in seen)
		return
	seen[where] = 1
	own = plain_name(where)
	reached[own]
	for (i = 1; i <= nr_locked[where]; i++)
		look_at(own, locked[where, i])
	for (i = 1; i <= nr_calls[where]; i++) {
		to = callee(calls[where, i])
		if (to in name) {
			if (!allowed("stop " plain_name(to)))
				visit(to)
			continue
		}
		if (to ~ /^(\*|__x86_indirect_thunk_)/)
			to = "indirect"
		if (!allowed("rare " own " " to) && !allowed("call " to) && !((own, to) in told)) {
			told[own, to]
			complain(own " calls " to ", and nothing says what that shares")
		}
	}
}

END {
	if (bad)
		exit bad
	end_branch()
	for (i = 1; i <= nr_roots; i++) {
		if (named[roots[i]] != 1) {
			print "the module has " named[roots[i]] + 0 " functions " roots[i]
			exit 2
		}
		used["root " roots[i]]
		visit(of_name[roots[i]])
	}
	if (show) {
		for (i in reached)
			print "reached: " i
		for (i in rule)
			print (i in used ? "used: " : "unused: ") i
	}
	if (bad)
		print "scripts/check.d/fastpath has what is allowed, and why"
	else
		printf "%d functions, no locked instruction that is not known\n", count(reached)
	exit bad
}

function count(of,    i, n) {
	for (i in of)
		n++
	return n + 0
}
