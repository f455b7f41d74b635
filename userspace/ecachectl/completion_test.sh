#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What bash completes on ecachectl's command line, without a terminal: every verb and every option of the program, in any of their forms, and the
# volumes that `ecachectl list` knows. ECACHECTL=PROGRAM tests another program than the tree's.
set -eu

dir=$(cd "$(dirname "$0")" && pwd)
if [ -z "${ECACHECTL:-}" ]; then
	make -s -j2 -C "$dir/.." ../build/userspace/ecachectl >&2
	ECACHECTL=$dir/../../build/userspace/ecachectl
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# The real program, but for the one verb that asks ecached.
cat > "$tmp/ecachectl" <<EOF2
#!/bin/sh
case \$1 in
list) printf '%s\n' 'NAME   STATE  VERDICT' 'carts  open   ok' 'sessions-1  revoked  revoked' ;;
*) exec "$ECACHECTL" "\$@" ;;
esac
EOF2
chmod +x "$tmp/ecachectl"
: > "$tmp/file-1"

cat > "$tmp/complete" <<'EOF2'
# complete WORD...: what the last word, split as readline does, can become
source "$1"
shift
COMP_WORDS=(ecachectl)
for word; do
	case $word in
	--*=*) COMP_WORDS+=("${word%%=*}" '=') ; [[ -z ${word#*=} ]] || COMP_WORDS+=("${word#*=}") ;;
	*) COMP_WORDS+=("$word") ;;
	esac
done
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
set -- $(complete -p ecachectl)
[[ $* == 'complete -F _ecachectl ecachectl' ]] || exit 1
_ecachectl "$ECACHECTL" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}" | sort
EOF2

failed=0 passed=0

# check WHAT WANTED WORD...: WANTED are words in their order
check() {
	check_what=$1 check_wanted=$2
	shift 2
	check_got=$(cd "$tmp" && ECACHECTL=$tmp/ecachectl LC_ALL=C bash "$tmp/complete" "$dir/ecachectl.bash-completion" "$@" 2>&1 | paste -sd ' ')
	if [ "$check_got" = "$check_wanted" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAILED  %s: %s\n  got:    %s\n  wanted: %s\n' "$check_what" "$*" "$check_got" "$check_wanted"
	fi
}

# The code's own tables.
verbs=$(sed -n '/verbs\[\] = {/,/};/s/^\t&verb_\([a-z]*\),$/\1/p' "$dir/verb.c" | LC_ALL=C sort | paste -sd ' ')
[ "$(echo "$verbs" | wc -w)" -ge 10 ]
check "every verb" "$verbs" ''
check "every verb, behind help" "$verbs" help ''
check "a verb" regrant regr
check "no such verb" '' frob
check "behind a verb that does not exist" '' frob ''
check "options without a verb" '--help --version' --

for verb in $verbs; do
	options=$({ echo --help; "$ECACHECTL" help "$verb" | sed -n 's/^  \(--[a-z-]*\) .*/\1/p'; } | LC_ALL=C sort | paste -sd ' ')
	check "every option" "$options" "$verb" --
done
# shellcheck disable=SC2016 # in the sources
options=$(sed -n '/opts\[\] = {/,/};/s/^\t{ "\([a-z-]*\)".*/--\1/p' "$dir/cmd_create.c" | wc -l)
[ "$options" -ge 8 ]
check "an option" --kms-key create c1 /dev/sda --kms

for verb in open close status destroy regrant revoke; do
	check "volumes" 'carts sessions-1' "$verb" ''
done
check "a volume" sessions-1 open se
check "a volume, behind flags" carts open --json ca
check "a volume, behind an option with a value" carts open --device /dev/sda ca
check "a volume, behind an option with its value" carts open --device=/dev/sda ca
check "one volume only" '' open carts ''
check "no volume's name for a new one" '' create ''
check "no volume's name for a new one" '' adopt ''
check "a file for the device of a new one" file-1 create c1 'fi'
check "a file for an option" file-1 open carts --device 'fi'
check "a file for an option, with =" file-1 open carts --device=fi
check "a file for an option, with = alone" 'complete ecachectl file-1' open carts --device=
check "a volume or a device" 'carts sessions-1' dump ''
check "words of which one stands there" 'show verify' audit ''
check "a volume for an option" carts audit show --volume ca
check "nothing for a number" '' unwrap carts --to-fd ''

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
