#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# shellcheck disable=SC2013 # no blanks in any of these words
#
# The documents agree with the code: options, states and reasons of the target, make's targets, links between files.
set -u
bad=0

say() {
	echo "$*"
	bad=1
}

rst=Documentation/dm-ecache.rst
for opt in $(sed -n 's/^\t{ "\([a-z_]*\):*", parse_.*/\1/p' dm-ecache/table.c); do
	grep -q "^\`\`$opt" "$rst" || say "$rst: option $opt is missing"
done
for word in $(sed -n 's/^\t\t\[ECACHE_[A-Z_]*\] = "\(.*\)",/\1/p' dm-ecache/state.c); do
	grep -q "\`\`$word\`\`" "$rst" || say "$rst: state or reason $word is missing"
done
for word in $(sed -n 's/^module_param(\([a-z_]*\),.*/\1/p; s/^\t\.name = "\([a-z]*\)",/\1/p; s/^\t\t\.name = "\(.*\)",/\1/p' dm-ecache/*.c) \
	$(sed -n 's/^TRACE_EVENT(\(.*\),/\1/p' dm-ecache/trace.h) \
	$(sed -n '/ecache_stat_names\[\]/,/};/s/[^a-z_]*"\([a-z_]*\)",*/\1 /gp' dm-ecache/stats.c | tr ' ' '\n' | grep -v '^[a-z_]*reads$\|writes\|_sectors\|errors'); do
	grep -q "\`\`$word\`\`" "$rst" || say "$rst: $word is missing"
done
for target in $(sed -n 's/^\([a-z-]*\):[^#]*##.*/\1/p' Makefile); do
	make -n "$target" > /dev/null 2>&1 || [ "$target" = module ] || [ "$target" = all ] || [ "$target" = install ] ||
		say "Makefile: $target does not even parse"
done
for doc in README.md Documentation/*.md Documentation/*.rst; do
	[ -e "$doc" ] || continue
	dir=$(dirname "$doc")
	grep -o '](\([^)#]*\)' "$doc" | sed 's/](//' | grep -v '^[a-z]*:' | while read -r link; do
		[ -e "$dir/$link" ] || echo "$doc: link to $link, which is not there"
	done
done > "${TMPDIR:-/tmp}/docs.$$"
if [ -s "${TMPDIR:-/tmp}/docs.$$" ]; then
	cat "${TMPDIR:-/tmp}/docs.$$"
	bad=1
fi
rm -f "${TMPDIR:-/tmp}/docs.$$"
# What doctor checks is explained.
for check in $(sed -n '/doctor_[a-z]*_checks\[\] = {/,/^};/s/^\t{ "\(.*\)", check_.*/\1/p' userspace/ecachectl/doctor_*.c); do
	sed -n '/^\.Sh DOCTOR/,/^\.Sh JSON/p' Documentation/man/ecachectl.8 | grep -q "^\.It.* $check\( \|$\)" ||
		say "ecachectl.8: doctor's check $check is missing"
done
# Metrics: name and type in the code and in the manual; what dashboard, rules and their tests ask for is there.
metrics=$(sed -n 's/^\t{ "\(ecache_[a-z_]*\)", "\([a-z]*\)",.*/\1:\2/p' userspace/ecached/metrics.c | sort)
manual=$(sed -n '/^\.Sh METRICS/,/^\.Sh FILES/p' Documentation/man/ecached.8 | sed -n '/^\.It Sy ecache_/{N;s/^\.It Sy \([a-z_]*\)\n\([a-z]*\).*/\1:\2/p;}' | sort)
[ -n "$metrics" ] || say "metrics.c: no metric is found"
[ "$metrics" = "$manual" ] || say "ecached.8 and metrics.c have other metrics: $(printf '%s\n' "$metrics" "$manual" | sort | uniq -u | tr '\n' ' ')"
for f in Documentation/examples/grafana-ecache.json Documentation/examples/ecache-alerts.yml scripts/tests/ecache-alerts_test.yml Documentation/operations.md; do
	for name in $(grep -o 'ecache_[a-z_]*[a-z]' "$f" | sed 's/_seconds_\(bucket\|sum\|count\)$/_seconds/' | sort -u); do
		printf '%s\n' "$metrics" | grep -q "^$name:" || say "$f: there is no metric $name"
	done
done
for alert in $(sed -n 's/^ *- alert: //p' Documentation/examples/ecache-alerts.yml); do
	grep -q "^| \`$alert\` |" Documentation/operations.md || say "operations.md: the alert $alert is missing"
	grep -q "alertname: $alert$" scripts/tests/ecache-alerts_test.yml || say "ecache-alerts_test.yml: the alert $alert is missing"
done
# same WHAT WANTED GOT: two lists of words, one a line, hold the same
same() {
	if [ -z "$2" ] || [ "$(echo "$2" | sort -u)" != "$(echo "$3" | sort -u)" ]; then
		say "$1: $(printf '%s\n' "$2" "$3" | sort | uniq -u | tr '\n' ' ')on one side only"
	fi
}
# flags FILE FROM TO: --options that a man page's section has as .Fl
flags() {
	sed -n "/^\.$2/,/^\.$3/p" "$1" | grep -o 'Fl -[a-z][a-z-]*\|| -[a-z][a-z-]*' | sed 's/^.* -//'
}
# The options of a daemon: the table in its code, its own usage text, the manual's synopsis and its list. Those of ecachectl and ecache-kmsd are
# compared by verb_test.c and kmsd_test.py.
for daemon in ecached ecache-net; do
	code=userspace/${daemon#ecache-}/main.c
	page=Documentation/man/$daemon.8
	options=$(sed -n '/struct option long.*= {/,/};/p' "$code" | grep -o '{ "[a-z-]*",' | grep -o '[a-z][a-z-]*')
	same "$code: table and usage text" "$options" \
		"$(grep '^[[:space:]]*"\|fprintf(to, "' "$code" | grep -o -e ' --[a-z][a-z-]*' -e '\[--[a-z][a-z-]*' | grep -o '[a-z][a-z-]*')"
	same "$page: synopsis" "$options" "$(flags "$page" 'Sh SYNOPSIS' 'Sh DESCRIPTION')"
	same "$page: options" "$options" "$(sed -n 's/^\.It Fl -\([a-z-]*\).*/\1/p' "$page")"
done
# Whoever finds a process of ecached's finds it in the manual.
for name in $(grep -h 'child_settle(' userspace/ecached/*.c userspace/volume/*.c | grep -o '"ecache-[a-z]*"' | tr -d '"'); do
	grep -q "^\.It .*$name" Documentation/man/ecached.8 || say "ecached.8: the process $name is missing"
done
# Each program and each file that is configured has a page, which says so in its first lines; pages are referred to by their right section.
for page in $(sed -n 's/^[a-z]*_NAME := \(.*\)/\1.8/p' userspace/Makefile) ecached.conf.5 kmsd.conf.5 ecache-volumes.d.5; do
	grep -qx "\.Nm ${page%.*}" "Documentation/man/$page" || say "Documentation/man/$page is missing, or another's"
done
same "ecache-volumes.d.5: keys" "$(sed -n '/conf_key keys\[\] = {/,/};/s/^\t{ "\([a-z-]*\)".*/\1/p' userspace/volume/pin.c)" \
	"$(sed -n 's/^\.It Sy \([a-z-]*\)$/\1/p' Documentation/man/ecache-volumes.d.5)"
for page in $(grep -ho '^\.Xr ec[a-z.-]* [58]\|^\.Xr kmsd[a-z.-]* [58]' Documentation/man/* | sed 's/^\.Xr //; s/ /./' | sort -u); do
	[ -e "Documentation/man/$page" ] || say "there is no Documentation/man/$page to refer to"
done
# Every part has who looks after it, and every part of that list is there.
for path in $(sed -n 's/^F:[[:space:]]*//p' MAINTAINERS); do
	[ "$path" = '*' ] || [ -e "$path" ] || say "MAINTAINERS: there is no $path"
done
for path in dm-ecache kunit scripts userspace/*/; do
	grep -qx "F:[[:space:]]*${path%/}/" MAINTAINERS || say "MAINTAINERS: $path is missing"
done
grep -q "^$(cat VERSION), 20" NEWS || say "NEWS: the release of VERSION is missing"
# The README's two commands.
for command in 'make demo' 'make check'; do
	grep -q "^ *$command" README.md || say "README.md: $command is missing"
done
exit $bad
