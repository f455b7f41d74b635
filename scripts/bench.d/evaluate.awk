# SPDX-License-Identifier: GPL-2.0-or-later
#
# From samples to ratios. Input lines:
#
#	meta NAME VALUE...
#	sample BOOT CELL ROUND LABEL CPU_NS WALL_NS
#
# In a boot, targets are compared round by round and the median of these ratios counts; over boots, the median and the range of
# the boots' medians. A boot counts for a cell only if its controls held there: the same dm-crypt twice (again / nwq) within 3 %,
# and at least half of what the slower cipher must cost (slow / nwq) seen.
#
#	-v want=CELL,CELL...          the cells there must be
#	-v boots=N                    how many boots must count in each
#	-v out=table | json | short   short: the cells that have fewer, comma-separated
#	-v out=parallel               ecache / other and A/A alone
#	-v time=cpu | wall            of what the ratios are (default cpu)
#	-v bound=X                    a cell is behind when ecache / nwq is above X by more than its own A/A deviates
#
# Exit status (table, parallel): 0; 1 a cell is behind; 3 none is, but in some too few boots count. 2 for a target twice in one round.

BEGIN {
	if (!boots) boots = 1
	if (!bound) bound = 1
	AA_LIMIT = 0.03
	KNOWN_SEEN = 0.5
	cells = split(want, cell_order, ",")
	for (i = 1; i <= cells; i++) wanted[cell_order[i]] = 1
	split("raw linear nwq again default slow ecache other aes aes-slow", label_order, " ")
}

$1 == "meta" {
	name = $2
	sub(/^meta [^ ]+ /, "")
	gsub(/[\\"]/, "")
	meta_order[++metas] = name
	meta[name] = $0
	next
}

$1 == "sample" && NF == 7 && $6 > 0 && $3 in wanted {
	if (!(($2, $3) in seen_boot)) {
		seen_boot[$2, $3] = 1
		boot_of[$3, ++cell_boots[$3]] = $2
	}
	if (($2, $3, $4, $5) in ns) {
		print "twice in one round: " $0 >"/dev/stderr"
		bad = 1
		exit 2
	}
	key = $2 SUBSEP $3
	if ($4 > last_round[key]) last_round[key] = $4
	ns[$2, $3, $4, $5] = time == "wall" ? $7 : $6
	next
}

# Sorts v[1..n] and gives its median.
function median(v, n,    i, j, x) {
	for (i = 2; i <= n; i++) {
		x = v[i]
		for (j = i - 1; j > 0 && v[j] > x; j--)
			v[j + 1] = v[j]
		v[j + 1] = x
	}
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

# The time of one sample; floor and expected are made from others. "" if one is missing.
function value(boot, cell, round, label,    a, b, c) {
	if (label == "floor") {
		a = value(boot, cell, round, "linear")
		b = value(boot, cell, round, "aes")
		return a == "" || b == "" ? "" : a + b
	}
	if (label == "expected") {
		a = value(boot, cell, round, "nwq")
		b = value(boot, cell, round, "aes-slow")
		c = value(boot, cell, round, "aes")
		return a == "" || b == "" || c == "" ? "" : a + b - c
	}
	return ((boot, cell, round, label) in ns) ? ns[boot, cell, round, label] : ""
}

# The median of label / base in one boot; base "": of label alone. "" without samples.
function boot_median(boot, cell, label, base,    v, n, r, a, b) {
	n = 0
	for (r = 1; r <= last_round[boot, cell]; r++) {
		a = value(boot, cell, r, label)
		b = base == "" ? 1 : value(boot, cell, r, base)
		if (a != "" && b != "") v[++n] = a / b
	}
	return n ? median(v, n) : ""
}

function controls_held(boot, cell,    aa, known, expected) {
	aa = boot_median(boot, cell, "again", "nwq")
	known = boot_median(boot, cell, "slow", "nwq")
	expected = boot_median(boot, cell, "expected", "nwq")
	if (aa == "" || known == "" || expected == "") return 0
	if (aa > 1 + AA_LIMIT || aa < 1 - AA_LIMIT) return 0
	return expected > 1 && known - 1 >= KNOWN_SEEN * (expected - 1)
}

# Sets med, low and high of label / base over the boots that count; med is "" without any.
function over_boots(cell, label, base,    v, n, i, boot, x) {
	n = 0
	for (i = 1; i <= cell_boots[cell]; i++) {
		boot = boot_of[cell, i]
		if (!held[cell, boot]) continue
		x = boot_median(boot, cell, label, base)
		if (x != "") v[++n] = x
	}
	med = n ? median(v, n) : ""
	low = v[1]
	high = v[n]
}

# What the same thing twice differs by in the worst boot that counts: a median of ratios that are all near 1 is nearer still, by luck.
function is_behind(cell,    aa) {
	if (good[cell] < boots) return 0
	over_boots(cell, "again", "nwq")
	aa = high - 1 > 1 - low ? high - 1 : 1 - low
	over_boots(cell, "ecache", "nwq")
	return med != "" && med > bound + aa
}

function bool(x) {
	return x ? "true" : "false"
}

function json_ratio(name, cell, label, base) {
	over_boots(cell, label, base)
	if (med == "")
		printf "      \"%s\": null,\n", name
	else
		printf "      \"%s\": { \"median\": %.4f, \"min\": %.4f, \"max\": %.4f },\n", name, med, low, high
}

function json_cell(cell,    i, separator) {
	printf "    \"%s\": {\n", cell
	printf "      \"boots\": %d,\n      \"discarded\": %d,\n", good[cell], cell_boots[cell] - good[cell]
	printf "      \"controls_held\": %s,\n      \"behind_nwq\": %s,\n", bool(good[cell] >= boots),
		bool(behind[cell])
	json_ratio("to_nwq", cell, "ecache", "nwq")
	json_ratio("to_default", cell, "ecache", "default")
	json_ratio("to_floor", cell, "ecache", "floor")
	if (against) json_ratio("to_other", cell, "ecache", "other")
	json_ratio("again_to_nwq", cell, "again", "nwq")
	json_ratio("slow_to_nwq", cell, "slow", "nwq")
	json_ratio("slow_to_nwq_expected", cell, "expected", "nwq")
	json_ratio("default_to_nwq", cell, "default", "nwq")
	json_ratio("linear_to_nwq", cell, "linear", "nwq")
	printf "      \"cpu_ns\": {"
	for (i = 1; i in label_order; i++) {
		over_boots(cell, label_order[i], "")
		if (med == "") continue
		printf "%s \"%s\": %d", separator, label_order[i], med
		separator = ","
	}
	print " }\n    }" (cell == cell_order[cells] ? "" : ",")
}

function json(    i, all) {
	all = cells > 0
	for (i = 1; i <= cells; i++)
		if (good[cell_order[i]] < boots) all = 0
	print "{\n  \"format\": 1,"
	for (i = 1; i <= metas; i++)
		printf "  \"%s\": %s,\n", meta_order[i], meta[meta_order[i]] ~ /^[0-9]+$/ ? meta[meta_order[i]] : "\"" meta[meta_order[i]] "\""
	printf "  \"boots\": %d,\n  \"bound\": %.3f,\n  \"controls_held\": %s,\n  \"cells\": {\n", boots, bound, bool(all)
	for (i = 1; i <= cells; i++)
		json_cell(cell_order[i])
	print "  }\n}"
}

function ratio(cell, label, base) {
	over_boots(cell, label, base)
	return med == "" ? "-" : sprintf("%.3f (%.3f-%.3f)", med, low, high)
}

function table(    i, c, form) {
	form = against ? "%-13s %-20s %-20s %-20s %-20s %-20s %-7s %s\n" : "%-13s %-20s %-20s %-20s%s %-20s %-7s %s\n"
	printf form, "ecache /", "dm-crypt nwq", "dm-crypt default", "floor", against ? "other" : "", "A/A", "known", "boots"
	for (i = 1; i <= cells; i++) {
		c = cell_order[i]
		over_boots(c, "slow", "nwq")
		known = med == "" ? "-" : sprintf("%.3f", med)
		printf form, c, ratio(c, "ecache", "nwq"), ratio(c, "ecache", "default"), ratio(c, "ecache", "floor"),
			against ? ratio(c, "ecache", "other") : "", ratio(c, "again", "nwq"), known, good[c] "/" cell_boots[c] \
			(good[c] < boots ? "  CONTROLS FAILED" : behind[c] ? "  BEHIND" : "")
	}
}

function parallel_table(    i, c, form) {
	form = "%-12s %-20s %-20s %s\n"
	printf form, "", "both CPUs / one", "A/A", "boots"
	for (i = 1; i <= cells; i++) {
		c = cell_order[i]
		printf form, c, ratio(c, "ecache", "other"), ratio(c, "again", "nwq"),
			good[c] "/" cell_boots[c] (good[c] < boots ? "  CONTROLS FAILED" : "")
	}
}

END {
	if (bad) exit 2
	against = "against" in meta
	for (i = 1; i <= cells; i++) {
		c = cell_order[i]
		good[c] = 0
		for (j = 1; j <= cell_boots[c]; j++) {
			held[c, boot_of[c, j]] = controls_held(boot_of[c, j], c)
			good[c] += held[c, boot_of[c, j]]
		}
		behind[c] = is_behind(c)
		if (good[c] < boots) short = short (short == "" ? "" : ",") c
		if (behind[c]) any_behind = 1
	}
	if (out == "short") {
		print short
		exit 0
	}
	if (out == "json") {
		json()
		exit 0
	}
	if (out == "parallel") {
		parallel_table()
		exit short != "" ? 3 : 0
	}
	table()
	exit any_behind ? 1 : short != "" ? 3 : 0
}
