# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# What the agent's system tests share, on top of lib.sh: a KMS with three identities, ecache-net, ecached, and short words for the
# owner's side. Everything runs in the foreground of this guest, without systemd.
#
#	agent_start [LINE...]	kmsd, net, ecached; LINEs go into ecached.conf
#	new_customer_key	sets KEY, the ARN of a new key of the owner's
#	owner OP JSON		a KMS call as the owner; the answer on stdout
#	create NAME DEV [OPT...]	ecachectl create with the creator's credentials, under $KEY

. "$(dirname "$0")/lib.sh"

PATH=${BIN:-$SRC/build/guest}:$PATH
KMS_STATE=/var/lib/ecache-kmsd
KMS_SOCKET=/run/ecache-kmsd/kms.sock
HOST_ARN=arn:aws:iam::123456789012:role/host
PIDS=
export PATH

agent_cleanup() {
	for pid in $PIDS; do
		kill "$pid" 2> /dev/null || true
	done
	wait 2> /dev/null || true
	for name in $(dmsetup ls 2> /dev/null | awk '/\(/ { print $1 }'); do
		umount "/dev/mapper/$name" 2> /dev/null || true
		dmsetup remove --retry "$name" 2> /dev/null || true
	done
	# the next test in this guest starts as on a new machine
	rm -rf /etc/ecache /var/lib/ecache /var/lib/ecache-kmsd /var/log/ecache /run/ecache /run/ecache-net /run/ecache-kmsd
}
trap agent_cleanup EXIT

# show_logs: what the programs said, for a failure
show_logs() {
	for log in "$WORK"/*.log; do
		echo "== $log" >&2
		tail -n 40 "$log" >&2
	done
}

# fail, with the programs' logs
die() {
	show_logs
	fail "$@"
}

# within SECONDS WHAT COMMAND...: until it is true
within() {
	w_end=$(($(now_ms) + $1 * 1000)) w_what=$2
	shift 2
	until "$@" > /dev/null 2>&1; do
		[ "$(now_ms)" -lt $w_end ] || die "not in time: $w_what"
		sleep 0.5
	done
}

# teardowns: how many run. A look takes a while, in which one may end and another begin, so that both are counted: the least of three.
teardowns() {
	for _ in 1 2 3; do
		pgrep -c -x ecache-teardown || true
	done | sort -n | head -n 1
}

# says TEXT COMMAND...: the command fails with status 1, and its standard error says TEXT
says() {
	s_text=$1 s_status=0
	shift
	"$@" > "$WORK/out" 2> "$WORK/err" || s_status=$?
	[ $s_status -eq 1 ] || {
		cat "$WORK/out" "$WORK/err" >&2
		die "status $s_status, not 1: $*"
	}
	grep -q -- "$s_text" "$WORK/err" || {
		cat "$WORK/err" >&2
		die "failed, but without saying '$s_text': $*"
	}
}

# does COMMAND...: it succeeds, or the test ends with what it said
does() {
	"$@" > "$WORK/out" 2> "$WORK/err" || {
		cat "$WORK/out" "$WORK/err" >&2
		die "failed: $*"
	}
}

kmsd_start() {
	ecache-kmsd serve --state-dir "$KMS_STATE" --socket "$KMS_SOCKET" >> "$WORK/kmsd.log" 2>&1 &
	KMSD=$!
	PIDS="$PIDS $KMSD"
	within 30 "ecache-kmsd listens" test -S "$KMS_SOCKET"
}

kmsd_stop() {
	kill "$KMSD"
	wait "$KMSD" || true
	rm -f "$KMS_SOCKET"
}

net_start() {
	ecache-net >> "$WORK/net.log" 2>&1 &
	NET=$!
	PIDS="$PIDS $NET"
	within 30 "ecache-net listens" test -S /run/ecache-net/net.sock
}

# ready: ecached answers
ready() {
	ecachectl list
}

# as its unit starts it
ecached_start() {
	nice -n -10 ecached >> "$WORK/ecached.log" 2>&1 &
	ECACHED=$!
	PIDS="$PIDS $ECACHED"
	within 30 "ecached answers" ready
}

ecached_stop() {
	kill "$ECACHED"
	wait "$ECACHED" || die "ecached ended with status $?"
}

ecached_kill() {
	kill -9 "$ECACHED"
	wait "$ECACHED" 2> /dev/null || true
}

# kms_init: a KMS with an owner, a creator and a host, not started
kms_init() {
	ecache-kmsd init --state-dir "$KMS_STATE" --account 123456789012 --region local-1 > "$WORK/init"
	ecache-kmsd principal add owner --state-dir "$KMS_STATE" \
		--policy "$SRC/Documentation/examples/owner-policy.json" > /dev/null
	ecache-kmsd principal add creator --state-dir "$KMS_STATE" \
		--policy "$SRC/Documentation/examples/creator-policy.json" > /dev/null
	ecache-kmsd principal add host --state-dir "$KMS_STATE" --role > /dev/null
}

# agent_conf [LINE...]: the agent's configuration, and its credentials
agent_conf() {
	cp "$KMS_STATE/credentials/host" /etc/ecache/host-credentials
	chmod 600 /etc/ecache/host-credentials
	{
		echo "kms-endpoint=unix:$KMS_SOCKET"
		echo "region=local-1"
		echo "host-principal=$HOST_ARN"
		echo "host-profile=host"
		for line; do
			echo "$line"
		done
	} > /etc/ecache/ecached.conf
}

agent_start() {
	load_module
	getent group ecache > /dev/null || groupadd -r ecache
	mkdir -p /run/ecache-kmsd /run/ecache-net /etc/ecache
	kms_init
	agent_conf "$@"
	kmsd_start
	net_start
	ecached_start
}

# kms PRINCIPAL OP JSON: the answer on stdout, also an error's
kms() {
	k_id=$(sed -n 's/^aws_access_key_id *= *//p' "$KMS_STATE/credentials/$1")
	k_secret=$(sed -n 's/^aws_secret_access_key *= *//p' "$KMS_STATE/credentials/$1")
	curl -s --unix-socket "$KMS_SOCKET" --aws-sigv4 aws:amz:local-1:kms -u "$k_id:$k_secret" \
		-H "X-Amz-Target: TrentService.$2" -H 'Content-Type: application/x-amz-json-1.1' -d "$3" http://localhost/
}

owner() {
	kms owner "$@"
}

new_customer_key() {
	KEY=$(owner CreateKey '{}' | jq -r .KeyMetadata.Arn)
	case $KEY in
	arn:aws:kms:local-1:123456789012:key/*) ;;
	*) die "no key: $KEY" ;;
	esac
}

# grants: how many there are on $KEY; grant_id: the only one's
grants() {
	owner ListGrants "{\"KeyId\":\"$KEY\"}" | jq '.Grants | length'
}

grant_id() {
	owner ListGrants "{\"KeyId\":\"$KEY\"}" | jq -r '.Grants[0].GrantId'
}

revoke_grant() {
	owner RevokeGrant "{\"KeyId\":\"$KEY\",\"GrantId\":\"$(grant_id)\"}" > /dev/null
	[ "$(grants)" = 0 ] || die "the grant is still there"
}

as_creator() {
	"$@" --creator-profile creator --creator-credentials "$KMS_STATE/credentials/creator"
}

create() {
	c_name=$1 c_dev=$2
	shift 2
	as_creator ecachectl create "$c_name" "$c_dev" --kms-key "$KEY" "$@"
}

# status NAME FILTER: jq on the volume's status
status() {
	ecachectl status "$1" --json | jq -r ".volumes[0]$2"
}

# is NAME STATE
is() {
	[ "$(status "$1" .state)" = "$2" ]
}

# verdict_is NAME VERDICT
verdict_is() {
	[ "$(status "$1" .probe.verdict)" = "$2" ]
}

# nothing_left NAME DEV: no pin, state, record, mapping; the device blank; no grant under $KEY
nothing_left() {
	[ ! -e "/etc/ecache/volumes.d/$1" ] || die "$1: a pin file is left"
	[ ! -e "/var/lib/ecache/volumes/$1.json" ] || die "$1: a state is left"
	[ ! -e "/var/lib/ecache/intents/$1.json" ] || die "$1: an intent record is left"
	! dmsetup info "$1" > /dev/null 2>&1 || die "$1: a mapping is left"
	[ "$(head -c 1048576 "$2" | tr -d '\000' | wc -c)" = 0 ] || die "$2 is not blank"
	[ "$(grants)" = 0 ] || die "$1: $(grants) grants are left"
}
