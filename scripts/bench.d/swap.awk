# SPDX-License-Identifier: GPL-2.0-or-later
#
# Samples of guest-swap as a table (out=table) or as JSON (out=json). Per request: CPU time and instructions. Ratios to dm-crypt without
# workqueues are of the same round, and "=" marks those within what dm-ecache differs by from itself (ecache-again) in any round.

function median(v, n,    i, j, t) {
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j - 1] > v[j]; j--) {
			t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
		}
	return n ? n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2 : 0
}

# of(TARGET, TEST, FIELD): the median over rounds
function of(target, test, field,    v, n, r) {
	n = 0
	for (r = 1; r <= rounds; r++)
		if ((r, target, test, field) in value)
			v[++n] = value[r, target, test, field]
	return median(v, n)
}

# ratio(TARGET, TO, TEST): of what a request costs
function ratio(target, to, test,    v, n, r) {
	n = 0
	for (r = 1; r <= rounds; r++)
		if (value[r, to, test, cost] > 0)
			v[++n] = value[r, target, test, cost] / value[r, to, test, cost]
	return median(v, n)
}

# noise(TEST): the largest distance of the control from 1
function noise(test,    r, d, worst) {
	worst = 0
	for (r = 1; r <= rounds; r++)
		if (value[r, "ecache", test, cost] > 0) {
			d = value[r, "ecache-again", test, cost] / value[r, "ecache", test, cost] - 1
			d = d < 0 ? -d : d
			worst = d > worst ? d : worst
		}
	return worst
}

$1 == "driver" { driver = $2 }

$1 == "sample" && NF == 12 {
	rounds = $2 > rounds ? $2 : rounds
	value[$2, $3, $4, "rps"] = $6
	value[$2, $3, $4, "p50_ms"] = $7
	value[$2, $3, $4, "p99_ms"] = $8
	value[$2, $3, $4, "cpu_us"] = $9 * 10000 / $5
	value[$2, $3, $4, "instructions"] = $10 / $5
	value[$2, $3, $4, "swap_reads"] = $11 / $5
	value[$2, $3, $4, "swap_writes"] = $12 / $5
	counted += $10
	samples++
}

END {
	if (!samples) {
		print "no samples" > "/dev/stderr"
		exit 1
	}
	cost = counted ? "instructions" : "cpu_us"
	n = split("linear crypt crypt-nwq ecache ecache-again", targets, " ")
	split("get set", tests, " ")
	f = split("rps p50_ms p99_ms cpu_us instructions swap_reads swap_writes", fields, " ")
	if (out == "json") {
		printf "{\"format\":1,\"driver\":\"%s\",\"rounds\":%d,\"emulated\":%s,\"tests\":[", driver, rounds, (emulated ? "true" : "false")
		for (t = 1; t <= 2; t++) {
			printf "%s{\"name\":\"%s\",\"noise\":%.4f,\"targets\":[", (t > 1 ? "," : ""), tests[t], noise(tests[t])
			for (i = 1; i <= n; i++) {
				printf "%s{\"name\":\"%s\"", (i > 1 ? "," : ""), targets[i]
				for (j = 1; j <= f; j++)
					printf ",\"%s\":%.6g", fields[j], of(targets[i], tests[t], fields[j])
				printf ",\"to_crypt_nwq\":%.4f}", ratio(targets[i], "crypt-nwq", tests[t])
			}
			printf "]}"
		}
		print "]}"
		exit 0
	}
	if (emulated)
		print "EMULATED processor: times say nothing about a real one"
	printf "swap, %d rounds, driver %s; per request, medians\n", rounds, driver
	for (t = 1; t <= 2; t++) {
		printf "\n%s\n  %-14s %8s %8s %8s %9s %9s %9s %9s %10s\n", tests[t], "", "rps", "p50 ms", "p99 ms", "CPU us", "insns", "swap in", \
			"swap out", "to dm-crypt nwq"
		for (i = 1; i <= n; i++) {
			r = ratio(targets[i], "crypt-nwq", tests[t])
			d = r > 1 ? r - 1 : 1 - r
			printf "  %-14s %8.0f %8.3f %8.3f %9.1f %9.0f %9.3f %9.3f", targets[i], of(targets[i], tests[t], "rps"), \
				of(targets[i], tests[t], "p50_ms"), of(targets[i], tests[t], "p99_ms"), of(targets[i], tests[t], "cpu_us"), \
				of(targets[i], tests[t], "instructions"), of(targets[i], tests[t], "swap_reads"), of(targets[i], tests[t], "swap_writes")
			if (targets[i] != "crypt-nwq")
				printf " %9.3f%s", r, (d > noise(tests[t]) ? "" : " =")
			print ""
		}
	}
}
