# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# A TPM 2.0 in software for one guest: swtpm of the toolbox root, started on the host as QEMU is.
# Needs: say.sh.

tpm_pid=

# tpm_start DIR: a new TPM, as it left the factory, with its state in DIR; appends QEMU's arguments
# to qemu_args. It ends when QEMU ends, and when this script does.
tpm_start() {
	tpm_socket=$1/control tpm_log=$1/log
	mkdir "$1" || die "cannot make a folder for the TPM"
	# sockaddr_un has 108 bytes
	[ ${#tpm_socket} -lt 108 ] || die "the path of this folder is too long for a TPM's socket: $tpm_socket"
	[ -x "$root/usr/bin/swtpm" ] || die "the toolbox root has no swtpm: scripts/toolbox.d/packages"
	setpriv --pdeathsig KILL \
		"$root/lib64/ld-linux-x86-64.so.2" \
		--library-path "$root/usr/lib/x86_64-linux-gnu:$root/usr/lib/x86_64-linux-gnu/swtpm" \
		"$root/usr/bin/swtpm" socket --tpm2 --terminate --tpmstate "dir=$1" \
		--ctrl "type=unixio,path=$tpm_socket" </dev/null >"$tpm_log" 2>&1 &
	tpm_pid=$!
	tpm_tries=0
	until [ -S "$tpm_socket" ]; do
		if [ "$tpm_tries" -ge 100 ] || ! kill -0 "$tpm_pid" 2>/dev/null; then
			cat "$tpm_log" >&2
			die "the TPM does not start"
		fi
		tpm_tries=$((tpm_tries + 1))
		sleep 0.1
	done
	# CRB: the kernels have its driver built in, and it needs no interrupt
	qemu_args="$qemu_args
-chardev
socket,id=tpm,path=$tpm_socket
-tpmdev
emulator,id=tpm0,chardev=tpm
-device
tpm-crb,tpmdev=tpm0"
}

# tpm_stop: for whoever ends without having had QEMU end.
tpm_stop() {
	[ -n "$tpm_pid" ] || return 0
	kill -KILL "$tpm_pid" 2>/dev/null
	wait "$tpm_pid" 2>/dev/null
	tpm_pid=
}
