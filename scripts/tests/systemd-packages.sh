#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Check: long
# Before: scripts/deb guest
# Guest: --smp 1 --timeout 2400 --disk 256M
#
# The packages on a host of their own. The README's command installs them; nothing runs then that nobody has configured. The README's tour works
# with what they bring, the module being loaded by who needs it. An upgrade of both, and needrestart after one of a library, leave an open volume
# open and the cache on it writing, its unit alone, and the agent another process that watches it again. A removal is refused while a volume is
# open; who insists is told what stays, and the package that comes back watches it again. A removal leaves no process, unit or module, a purge
# nothing but what volumes are opened by.
. "$(dirname "$0")/lib-systemd.sh"
. "$(dirname "$0")/lib-docs.sh"
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
VERSION=$(cat "$SRC/VERSION")
DEB=$SRC/build/deb

# installed PACKAGE: the version, if it is
installed() {
	dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2> /dev/null | sed -n 's/^installed //p'
}

# ours: processes of the packages
ours() {
	pgrep -l '^ecache' || true
}

# units_of STATE: ours that are; this script's own is not
units_of() {
	systemctl list-units --plain --no-legend --state="$1" 'ecache*' | awk '$1 !~ /^ecache-vm/ { print $1 }' | paste -sd ' '
}

# apt WORD...: what it says is in $WORK/apt
apt() {
	apt-get -q -y -o Dpkg::Use-Pty=0 "$@" > "$WORK/apt" 2>&1 < /dev/null
}

apt_or_die() {
	apt "$@" || {
		cat "$WORK/apt" >&2
		die "apt-get $*"
	}
}

# pid UNIT
pid() {
	property "$1" MainPID
}

# A host has manuals and documents. Its mirror is a folder.
sed -i '/^path-exclude/d' /etc/dpkg/dpkg.cfg.d/*
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /var/lib/apt/lists/*
echo "deb [trusted=yes] file:$DEB/repo ./" > /etc/apt/sources.list
apt_or_die update
# One kernel, whose module was compiled beside the guest, by the same dkms: it would take half an hour here, and for every kernel with headers.
for dir in /lib/modules/*; do
	[ "$dir" = "/lib/modules/$(uname -r)" ] || rm -f "$dir/build"
done
# DKMS runs depmod, which unpacks every module: 4,000, most for hardware that no guest has
udevadm settle
for dir in "/lib/modules/$(uname -r)/kernel"/drivers/* "/lib/modules/$(uname -r)/kernel/sound"; do
	case ${dir##*/} in
	md | block | virtio | char | crypto) ;;
	*) mount -t tmpfs none "$dir" ;;
	esac
done
mkdir -p /usr/share/dm-ecache-dkms
cp "$DEB/dm-ecache-$VERSION.dkms.tar.gz" /usr/share/dm-ecache-dkms/

command=$(sed -n 's/^    apt install /install /p' "$SRC/README.md")
[ -n "$command" ] || die "the README has no command to install"
cd "$SRC"
# shellcheck disable=SC2086 # as typed
apt_or_die $command
cd /
[ "$(installed ecache-utils)" = "$VERSION" ] || die "ecache-utils is not installed"
[ "$(installed dm-ecache-dkms)" = "$VERSION" ] || die "dm-ecache-dkms is not installed"
modinfo dm-ecache > /dev/null || die "DKMS has installed no module: $(dkms status)"
for program in ecached ecache-net ecachectl ecache-kmsd; do
	"$program" --version | grep -q " $VERSION\$" || die "$program: $("$program" --version)"
	[ -e "/usr/share/man/man8/$program.8.gz" ] || die "no manual of $program"
done
[ -z "$(ours)" ] || die "runs after the installation: $(ours)"
[ -z "$(units_of active)$(units_of failed)" ] || die "units: $(units_of active) $(units_of failed)"
getent group ecache > /dev/null || die "no group ecache"
say "installed by the README's command; nothing runs yet"

readme_tour > "$WORK/tour"
export DISK=/dev/vda AWS_EC2_METADATA_DISABLED=true AWS_PAGER=
# not in the sources: a host with packages has none
if ! (cd / && sh -eux "$WORK/tour") > "$WORK/tour.out" 2>&1; then
	cat "$WORK/tour.out" >&2
	die "the README's tour"
fi
[ "$(grep -cx hello "$WORK/tour.out")" -ge 2 ] || die "the file did not come back"
say "the README's tour works with what the packages bring"

# sessions is open and mounted. Its unit takes it over, and a cache writes.
starts ecache@sessions
MINOR=$(dmsetup info -c --noheadings -o minor sessions)
WRITES=0
write_on &
writer=$!

# goes_on WHAT: the same mapping, written to all along; a probe of this agent says ok
goes_on() {
	[ ! -e "$WORK/failed" ] || die "$1: $(cat "$WORK/failed")"
	sleep 2
	[ "$(wc -l < "$WORK/writes")" -gt "$WRITES" ] || die "$1: writing hangs"
	WRITES=$(wc -l < "$WORK/writes")
	[ "$(dmsetup info -c --noheadings -o minor sessions)" = "$MINOR" ] || die "$1: another mapping"
	within 60 "$1: sessions is watched" verdict_is sessions ok
}
goes_on "before"
agent=$(pid ecached) holder=$(pid ecache@sessions) net=$(pid ecache-net) kms=$(pid ecache-kmsd)
socket=$(stat -c %i /run/ecache-net/net.sock)

# no compiler in here either
mkdir -p /etc/dkms
: > /etc/dkms/no-autoinstall
apt_or_die install "$DEB/later"/*.deb
rm /etc/dkms/no-autoinstall
[ "$(installed ecache-utils)" = "$VERSION+later" ] || die "not upgraded: $(installed ecache-utils)"
goes_on "upgrade"
[ "$(pid ecached)" != "$agent" ] || die "the old ecached still runs"
[ "$(pid ecache-net)" != "$net" ] || die "the old ecache-net still runs"
[ "$(pid ecache-kmsd)" != "$kms" ] || die "the old ecache-kmsd still runs"
[ "$(pid ecache@sessions)" = "$holder" ] || die "the upgrade has restarted the volume's unit"
[ "$(stat -c %i /run/ecache-net/net.sock)" = "$socket" ] || die "the upgrade has made another socket"
[ -e /sys/module/dm_ecache ] || die "the module is gone"
say "upgraded with a volume open: agent, client and KMS are new processes, the volume and its unit are not"

apt_or_die install needrestart
unset NEEDRESTART_SUSPEND
agent=$(pid ecached)
library=$(readlink -f /usr/lib/x86_64-linux-gnu/libjson-c.so.5)
cp "$library" "$library.new"
mv "$library.new" "$library"
needrestart -l -r a > "$WORK/needrestart" 2>&1 < /dev/null || true
export NEEDRESTART_SUSPEND=1
[ "$(pid ecached)" != "$agent" ] || {
	cat "$WORK/needrestart" >&2
	die "needrestart has not seen that ecached uses the old library"
}
[ "$(pid ecache@sessions)" = "$holder" ] || die "needrestart has restarted the volume's unit"
goes_on "needrestart"
say "a library was upgraded: needrestart starts the agent again, and leaves the volume's unit alone"

if apt remove ecache-utils; then die "removed, with a volume open"; fi
grep -q '^  sessions$' "$WORK/apt" || die "the refusal does not name the volume: $(cat "$WORK/apt")"
[ "$(installed ecache-utils)" = "$VERSION+later" ] || die "the refused removal has left $(dpkg -s ecache-utils | grep ^Status)"
goes_on "refused removal"
say "a removal is refused while a volume is open"

# Opened by hand, in use: nothing closes it.
kill "$writer"
wait "$writer" || true
within 15 "nobody is on /mnt" umount /mnt
systemctl stop ecache@sessions
ecachectl open sessions
mount /dev/mapper/sessions /mnt
: > /run/ecache/remove-anyway
apt_or_die remove ecache-utils
grep -A 1 'stay open' "$WORK/apt" | grep -q '^  sessions$' || die "not said that sessions stays: $(cat "$WORK/apt")"
none_left() {
	[ -z "$(ours)" ] && [ -z "$(units_of active,failed,activating)" ]
}
within 30 "no process, no unit" none_left
grep -qx hello /mnt/file || die "the volume is gone"
rm /run/ecache/remove-anyway
apt_or_die install "$DEB/later"/ecache-utils_*.deb
starts ecache-kmsd ecached
within 60 "sessions is watched again" verdict_is sessions ok
say "removed all the same: what stays is said, is there, and is watched when the package is back"

umount /mnt
ecachectl close sessions
apt_or_die remove ecache-utils dm-ecache-dkms
within 30 "no process, no unit" none_left
[ ! -e /sys/module/dm_ecache ] || die "the module is still loaded"
if modinfo dm-ecache > /dev/null 2>&1; then die "the module is still installed"; fi
[ -e /etc/ecache/ecached.conf ] || die "a removal has taken the configuration"
say "removed: no process, no unit, no module"

apt_or_die purge ecache-utils dm-ecache-dkms
cat > "$WORK/stays" <<-'EOF2'
	/etc/ecache/volumes.d/sessions
	/var/lib/ecache-kmsd/kms.db
	/var/lib/ecache-kmsd/root.secret
	/var/lib/ecache/volumes/sessions.json
EOF2
# of the KMS more than these two
find /etc /var /usr/sbin /usr/lib/systemd /usr/lib/udev "/lib/modules/$(uname -r)/updates" -path '*ecache*' -type f 2> /dev/null |
	grep -v '^/var/lib/ecache-kmsd/\(credentials\|cloudtrail\|lock\|kms\.db-\)' | LC_ALL=C sort > "$WORK/left"
ls -d /run/ecache* >> "$WORK/left" 2> /dev/null || true
diff "$WORK/stays" "$WORK/left" >&2 || die "a purge leaves other files"
grep -q 'the keys of ecache-kmsd stay' "$WORK/apt" || die "not said that the keys stay: $(cat "$WORK/apt")"
say "purged: what volumes are opened by is left, and said to be"
