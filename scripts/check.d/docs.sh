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
# The README's two commands.
for command in 'make demo' 'make check'; do
	grep -q "^ *$command" README.md || say "README.md: $command is missing"
done
exit $bad
