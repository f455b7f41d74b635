# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Debian's mirror as this host's apt is set up with it. The toolbox needs other
# suites than the host, from the same places.

# apt_entries DIR: one line "SUITE [options] URI" (options: signed-by= and trusted=
# only, "-" without) for every binary entry with component main in DIR/sources.list
# and DIR/sources.list.d, one-line and deb822 format.
apt_entries() {
	for apt_file in "$1"/sources.list "$1"/sources.list.d/*.list; do
		[ -f "$apt_file" ] && apt_entries_oneline "$apt_file"
	done
	for apt_file in "$1"/sources.list.d/*.sources; do
		[ -f "$apt_file" ] && apt_entries_deb822 "$apt_file"
	done
	return 0
}

apt_entries_oneline() {
	awk '
	/^[[:space:]]*deb[[:space:]]/ {
		sub(/#.*/, "")
		opts = "-"
		if (match($0, /\[[^]]*\]/)) {
			n = split(substr($0, RSTART + 1, RLENGTH - 2), o, /[[:space:]]+/)
			for (i = 1; i <= n; i++)
				if (o[i] ~ /^(signed-by|trusted)=/)
					opts = (opts == "-" ? "" : opts ",") o[i]
			$0 = substr($0, 1, RSTART - 1) substr($0, RSTART + RLENGTH)
		}
		for (i = 4; i <= NF; i++)
			if ($i == "main")
				print $3, opts, $2
	}' "$1"
}

apt_entries_deb822() {
	awk '
	function flush_stanza(	i, j, ns, nu, s, u, opts) {
		opts = "-"
		# a key written out in the file itself cannot be passed on
		if (f["signed-by"] ~ /^\//)
			opts = "signed-by=" f["signed-by"]
		if (f["trusted"] != "")
			opts = (opts == "-" ? "" : opts ",") "trusted=" f["trusted"]
		if ((" " f["types"] " ") ~ / deb / && (" " f["components"] " ") ~ / main / &&
		    tolower(f["enabled"]) != "no") {
			ns = split(f["suites"], s, " ")
			nu = split(f["uris"], u, " ")
			for (i = 1; i <= ns; i++)
				for (j = 1; j <= nu; j++)
					print s[i], opts, u[j]
		}
		split("", f)
	}
	/^#/ { next }
	/^[[:space:]]*$/ { flush_stanza(); next }
	/^[[:space:]]/ { sub(/^[[:space:]]+/, ""); f[name] = f[name] " " $0; next }
	{
		name = tolower($0); sub(/:.*/, "", name)
		value = $0; sub(/^[^:]*:[[:space:]]*/, "", value); sub(/[[:space:]]+$/, "", value)
		f[name] = value
	}
	END { flush_stanza() }' "$1"
}

# apt_mirror DIR SUITE: "options URI" of SUITE's entry. Other archives use
# Debian's suite names too: one whose path ends in "debian" or "debian-security"
# is preferred to the first. Fails if there is none.
apt_mirror() {
	apt_entries "$1" | awk -v suite="$2" '
	$1 == suite {
		if (first == "")
			first = $2 " " $3
		if (best == "" && $3 ~ /\/debian(-security)?\/?$/)
			best = $2 " " $3
		if (best == "" && $3 ~ /^mirror\+file:.*debian/)
			best = $2 " " $3
	}
	END {
		if (best == "")
			best = first
		if (best == "")
			exit 1
		print best
	}'
}

# apt_expand URI: a list in a file (mirror+file:/...) becomes its first mirror.
apt_expand() {
	case $1 in
	mirror+file:*)
		apt_list=${1#mirror+file:}
		sed -n 's/^[[:space:]]*\([^#[:space:]]\{1,\}\).*/\1/p' "/${apt_list#"${apt_list%%[!/]*}"}" | head -n 1
		;;
	*)
		echo "$1"
		;;
	esac
}

# apt_toolbox_sources DIR CODENAME: sources in one-line format for the toolbox, from
# the entries of a host that runs CODENAME. Fails with a message when the host
# names no archive; a host without a security archive gets none.
apt_toolbox_sources() {
	apt_main=$(apt_mirror "$1" "$2") ||
		die "no entry for Debian's suite '$2', component main, in $1/sources.list or" \
			"$1/sources.list.d: the toolbox takes its mirror from there"
	for apt_suite in trixie trixie-updates trixie-backports bookworm; do
		apt_print_source "$apt_main" "$apt_suite"
	done
	if apt_security=$(apt_mirror "$1" "$2-security"); then
		apt_print_source "$apt_security" trixie-security
		apt_print_source "$apt_security" bookworm-security
	else
		say "no entry for '$2-security' in $1: the toolbox goes without security updates"
	fi
}

apt_print_source() {
	apt_opts=${1%% *}
	apt_uri=$(apt_expand "${1#* }")
	[ -n "$apt_uri" ] || die "the mirror list ${1#* } names no mirror"
	if [ "$apt_opts" = - ]; then
		echo "deb $apt_uri $2 main"
	else
		echo "deb [$(echo "$apt_opts" | tr , ' ')] $apt_uri $2 main"
	fi
}

# apt_unpack DIR LOG PACKAGE...: what is in Debian 13's packages, in DIR/unpacked. Needs: say.sh, root.sh.
apt_unpack() {
	apt_dir=$1 apt_log=$2
	shift 2
	# shellcheck disable=SC1091
	apt_codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	apt_toolbox_sources /etc/apt "$apt_codename" >"$apt_dir/sources.list" || exit 1
	root_apt_config "$apt_dir"
	export APT_CONFIG="$apt_dir/apt/conf"
	# shellcheck disable=SC2016
	supervise_logged "$apt_log" sh -euc '
		cd "$1"
		shift
		apt-get -q update
		apt-get -q download -t trixie "$@"
		for deb in *.deb; do
			dpkg-deb -x "$deb" unpacked
		done
		rm -rf apt ./*.deb' sh "$apt_dir" "$@" || die "could not be downloaded: $*"
	unset APT_CONFIG
}
