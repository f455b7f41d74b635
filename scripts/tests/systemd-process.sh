#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Check: long
# Guest: --smp 1 --disk 64M
#
# The host's credentials from a credential_process, with ecache-net's unit as it is installed: the program runs under the unit's restrictions, while
# the processes that ask the network may run nothing. New credentials are picked up without a hand, also when the old ones were void before. A program
# that hangs, dies, fails or writes too much is an agent-fault and never a denial, and nothing is left of it; a dead process that ran it is replaced. A
# volume is written to all the time and notices none of it.
. "$(dirname "$0")/lib-systemd.sh"

HOW=/run/host-creds

# fault TEXT: the verdict is agent-fault, for that reason
fault() {
	[ "$(status c1 .probe.verdict)" = agent-fault ] && status c1 .probe.reason | grep -q -- "$1"
}

# runner_pid: the child of ecache-net's that runs programs, older than any that asks the network
runner_pid() {
	pgrep -o -P "$(property ecache-net MainPID)"
}

# filters PID: how many seccomp filters it has
filters() {
	sed -n 's/^Seccomp_filters:[[:space:]]*//p' "/proc/$1/status"
}

# how WORD [LIFE]: what the credential_process does from now on, and how long its credentials last
how() {
	cp "$KMS_STATE/credentials/host" $HOW/credentials
	printf 'how=%s\nlife=%s\n' "$1" "${2:-1hour}" > $HOW/how.new
	chgrp ecache $HOW/credentials $HOW/how.new
	chmod 0640 $HOW/credentials $HOW/how.new
	mv $HOW/how.new $HOW/how
}

systemd_install
kms_init
agent_conf probe-interval=5s
starts ecache-kmsd ecache-net ecached
new_customer_key
volume_in_use /dev/vda

mkdir -p /usr/local/lib/ecache
mkdir -m 0750 $HOW
chgrp ecache $HOW
cat > /usr/local/lib/ecache/host-credentials <<'PROGRAM'
#!/bin/sh
. /run/host-creds/how
echo "credential_process: $# argument, uid $(id -u), $(grep -E '^(CapEff|NoNewPrivs|Seccomp|Seccomp_filters):' /proc/self/status | tr -s '\t\n' ' ')" >&2
[ "$(cat "$CREDENTIALS_DIRECTORY/token")" = let-me-in ] || exit 5
value() {
	sed -n "s/^$1 *= *//p" /run/host-creds/credentials
}
case $how in
hang) sleep 1000 ;;
die) kill -9 $$ ;;
fail) exit 4 ;;
long) head -c 100000 /dev/zero | tr '\0' x ;;
esac
printf '{"Version":1,"AccessKeyId":"%s","SecretAccessKey":"%s","Expiration":"%s"}\n' \
	"$(value aws_access_key_id)" "$(value aws_secret_access_key)" "$(date -u -d "+$life" +%Y-%m-%dT%H:%M:%SZ)"
PROGRAM
chmod 0755 /usr/local/lib/ecache/host-credentials
printf '[host]\ncredential_process = /usr/local/lib/ecache/host-credentials "an argument"\n' > /etc/ecache/host-credentials
echo host-credentials-source=process >> /etc/ecache/ecached.conf
echo let-me-in > /etc/ecache/token
chmod 0600 /etc/ecache/token
drop_in ecache-net token <<'END'
[Service]
LoadCredential=token:/etc/ecache/token
END
how ok
mark
systemctl restart ecache-net ecached
within 30 "c1 is ok by the credential_process" verdict_is c1 ok
within 30 "a probe of this start" said ecache-net 'credential_process: '
ran() {
	since ecache-net | grep -c '^credential_process: '
}
line=$(since ecache-net | grep -m 1 '^credential_process: ')
case $line in
*' 1 argument, uid 0,'*) die "it runs as root: $line" ;;
*' 1 argument, uid '*'CapEff: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 '*) ;;
*) die "it runs without the unit's restrictions: $line" ;;
esac
main=$(property ecache-net MainPID)
runner=$(runner_pid)
[ -n "$runner" ] || die "there is no process that runs it"
[ "$(filters "$main")" -eq $(($(filters "$runner") + 1)) ] ||
	die "ecache-net has $(filters "$main") filters, who runs the program $(filters "$runner"): it should be one more"
[ "$(echo "$line" | sed -n 's/.*Seccomp_filters: \([0-9]*\).*/\1/p')" = "$(filters "$runner")" ] || die "the program escapes filters: $line"
sed -n 's/^aws_[a-z_]* *= *//p' "$KMS_STATE/credentials/host" > "$WORK/values"
for pid in "$main" "$runner"; do
	if tr '\0' '\n' < "/proc/$pid/environ" | grep -qF -f "$WORK/values"; then die "credentials in an environment"; fi
done
sleep 12
[ "$(ran)" = 1 ] || die "credentials of an hour: it ran $(ran) times in some probes"
undisturbed "a credential_process, as $(echo "$line" | sed 's/.*argument, //; s/ Seccomp_.*//')"

rotate_host
how ok
within 40 "a probe with the new credentials" asked_with "$(key_of)"
within 30 "c1 is ok again" verdict_is c1 ok
[ "$(ran)" -ge 2 ] || die "it was not run again"
undisturbed "refused ones are replaced by themselves"

how ok 20sec
rotate_host
how ok 20sec
within 40 "short-lived ones are in use" asked_with "$(key_of)"
for case in 'fail:status 4' 'die:signal 9' 'long:writes more than' 'hang:takes too long'; do
	how "${case%%:*}"
	within 90 "a program that does '${case%%:*}' is an agent-fault that says so" fault "${case#*:}"
done
how ok 20sec
within 60 "c1 is ok once the program is" verdict_is c1 ok
[ -z "$(pgrep -f 'sleep 1000')" ] || die "what hung is still there"
undisturbed "a program that fails, dies, writes too much, hangs"

mark
kill -9 "$(runner_pid)"
within 30 "systemd starts ecache-net again" said ecache-net 'credential_process: '
within 30 "c1 is ok without a hand" verdict_is c1 ok
undisturbed "the process that runs it, killed"

