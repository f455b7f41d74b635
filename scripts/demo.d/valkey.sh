# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# Valkey (or Redis, which speaks the same) as systemd units ecache-demo-valkey@NAME.

valkey_unit() {
	echo "ecache-demo-valkey@$1.service"
}

# valkey_units: the template.
valkey_units() {
	cat >/run/systemd/system/ecache-demo-valkey@.service <<-END
		[Unit]
		Description=Valkey of the dm-ecache demo (%i)

		[Service]
		Type=notify
		User=$valkey_user
		RuntimeDirectory=ecache-demo-valkey/%i
		ExecStart=$valkey_server $work/valkey/%i.conf
		PrivateTmp=yes
		NoNewPrivileges=yes
		TimeoutStartSec=120
		TimeoutStopSec=60
	END
	mkdir -p "$work/valkey"
	systemctl daemon-reload
}

# valkey_conf NAME DIR LINE...: its configuration; no snapshots by itself, no compression, an
# append-only file.
valkey_conf() {
	vk_conf=$work/valkey/$1.conf
	cat >"$vk_conf" <<-END
		supervised systemd
		daemonize no
		port 0
		unixsocket /run/ecache-demo-valkey/$1/sock
		unixsocketperm 700
		dir $2
		dbfilename dump.rdb
		rdbcompression no
		save ""
		appendonly yes
		appendfsync everysec
		auto-aof-rewrite-percentage 0
		enable-debug-command local
		loglevel notice
		logfile ""
	END
	shift 2
	for vk_line; do
		printf '%s\n' "$vk_line" >>"$vk_conf"
	done
	chmod 0644 "$vk_conf"
}

# vk NAME COMMAND...
vk() {
	vk_name=$1
	shift
	"$valkey_cli" -s "/run/ecache-demo-valkey/$vk_name/sock" "$@"
}

valkey_start() {
	systemctl start "$(valkey_unit "$1")" || fail "Valkey $1 does not start (journalctl -u $(valkey_unit "$1"))"
	within 60 "Valkey $1 answers" valkey_answers "$1"
}

valkey_answers() {
	[ "$(vk "$1" ping)" = PONG ]
}

# valkey_load NAME FILE: commands.
valkey_load() {
	vk "$1" --pipe <"$2" >"$run/pipe.$1" 2>&1 || true
	grep -q '^errors: 0,' "$run/pipe.$1" || fail "loading $1: $(tail -n 1 "$run/pipe.$1")"
}

# valkey_save NAME: RDB written by a child (BGSAVE) and AOF fsynced.
valkey_save() {
	saved_before=$(vk "$1" lastsave)
	sleep 1
	vk "$1" bgsave >/dev/null
	within 120 "BGSAVE of $1" valkey_saved "$1" "$saved_before"
	[ "$(vk "$1" info persistence | tr -d '\r' | sed -n 's/^rdb_last_bgsave_status://p')" = ok ] || fail "BGSAVE of $1"
	vk "$1" config set appendfsync always >/dev/null
	vk "$1" set ecache-demo:last-write "$(date -u +%FT%TZ)" >/dev/null
	vk "$1" config set appendfsync everysec >/dev/null
}

valkey_saved() {
	[ "$(vk "$1" lastsave)" -gt "$2" ]
}

valkey_pid() {
	systemctl show -p MainPID --value "$(valkey_unit "$1")"
}
