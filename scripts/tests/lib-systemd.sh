# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# What tests share that run the units as they are installed, in a guest with systemd as PID 1 (`scripts/vm systemd`). On top of lib-agent.sh, whose
# words for the owner's side, volumes and verdicts are the same here; the programs are run by the units only. Such a test is
# scripts/tests/systemd-NAME.sh, the test systemd/NAME; its head says with which options the guest runs ("# Guest: ").
#
#	systemd_install			what `make install` installs (build/stage), and the module
#	kms_init, agent_conf [LINE...]	as lib-agent.sh has them
#	drop_in UNIT NAME < TEXT	a drop-in of the unit, which counts from its next start on
#	starts UNIT...			they start, or the test ends
#	refuses UNIT TEXT...		it does not start, its journal has each TEXT, and it is stopped again
#	property UNIT NAME		a word of `systemctl show`
#	mark; since UNIT; said UNIT TEXT	what the unit's journal got since the mark
#	volume_in_use DEV; undisturbed WHAT	c1, under $KEY, mounted on /mnt and written to from now on; all along until here
#	rotate_host; key_of; asked_with KEY	new credentials of the host at the KMS: the old ones are void

BIN=/usr/sbin
. "$(dirname "$0")/lib-agent.sh"
unset DM_DISABLE_UDEV
# The guest ends with the test.
trap - EXIT

show_logs() {
	systemctl --no-pager --no-legend list-units 'ecache*' >&2
	journalctl -b --no-pager -u 'ecache*' | tail -n 60 >&2
}

systemd_install() {
	cp -a "$SRC/build/stage/." /
	systemd-sysusers ecache.conf
	systemd-tmpfiles --create ecache.conf
	udevadm control --reload
	systemctl daemon-reload
	load_module
}

drop_in() {
	case $1 in
	*.*) d_folder=/etc/systemd/system/$1.d ;;
	*) d_folder=/etc/systemd/system/$1.service.d ;;
	esac
	mkdir -p "$d_folder"
	cat > "$d_folder/$2.conf"
	systemctl daemon-reload
}

property() {
	systemctl show -P "$2" "$1"
}

mark() {
	MARK=$(journalctl -b -q -n 1 --show-cursor -o cat | sed -n 's/^-- cursor: //p')
}

since() {
	journalctl --sync
	journalctl -b -q --no-pager -o cat --after-cursor="$MARK" -u "$1"
}

said() {
	since "$1" | grep -q -- "$2"
}

starts() {
	systemctl start "$@" || die "does not start: $*"
}

refuses() {
	r_unit=$1
	shift
	mark
	systemctl start "$r_unit" 2> /dev/null || true
	[ "$(property "$r_unit" ActiveState)" != active ] || die "$r_unit starts"
	# Restart= would go on
	systemctl stop "$r_unit"
	systemctl reset-failed "$r_unit" 2> /dev/null || true
	for r_text; do
		said "$r_unit" "$r_text" || die "$r_unit does not start, but without saying '$r_text'"
	done
}

# write_on: into /mnt, until that fails
write_on() {
	while :; do
		date | dd of=/mnt/now conv=fsync status=none || {
			echo "a write failed" > "$WORK/failed"
			return
		}
		echo x >> "$WORK/writes"
		sleep 1
	done
}

volume_in_use() {
	does create c1 "$1"
	mkfs.ext4 -q /dev/mapper/c1
	mount /dev/mapper/c1 /mnt
	MINOR=$(dmsetup info -c --noheadings -o minor c1)
	within 30 "c1 is ok" verdict_is c1 ok
	WRITES=0
	write_on &
}

# undisturbed WHAT: open and in use all along, and no verdict that ends anything
undisturbed() {
	[ ! -e "$WORK/failed" ] || die "$1: $(cat "$WORK/failed")"
	sleep 2
	[ "$(wc -l < "$WORK/writes")" -gt "$WRITES" ] || die "$1: writing hangs"
	WRITES=$(wc -l < "$WORK/writes")
	is c1 open || die "$1: c1 is $(status c1 .state)"
	[ "$(dmsetup info -c --noheadings -o minor c1)" = "$MINOR" ] || die "$1: c1 is another mapping"
	journalctl --sync
	journalctl -b -q -o cat --output-fields=ECACHE_VERDICT ECACHE_EVENT=verdict > "$WORK/verdicts"
	if grep -Eq 'revoked|lost|suspect' "$WORK/verdicts"; then die "$1: verdicts: $(sort -u "$WORK/verdicts" | tr '\n' ' ')"; fi
	[ -z "$(journalctl -b -q -o cat ECACHE_EVENT=teardown)" ] || die "$1: a teardown"
	say "$1: c1 is written to all along"
}

# key_of: the access key id of the host's newest credentials
# asked_with KEY: the KMS's last record of a probe is of that one
key_of() {
	sed -n 's/^aws_access_key_id *= *//p' "$KMS_STATE/credentials/host"
}

asked_with() {
	[ "$(tac "$KMS_STATE/cloudtrail.log" | grep -m 1 '"eventName":"Decrypt"' | jq -r .userIdentity.accessKeyId)" = "$1" ]
}

rotate_host() {
	ecache-kmsd principal rotate host > "$WORK/rotated"
}
