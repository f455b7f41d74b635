# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154
#
# Another module to compare this one with: a commit's, or this one with something taken out of it (bench.d/without).

# without_names: what can be taken out
without_names() {
	for without_patch in "$scripts"/bench.d/without/*.patch; do
		basename "$without_patch" .patch
	done | paste -sd ,
}

# copy_other DIR REV [NAME]: into DIR of this repository, the module of a commit, or with REV ".." (which is none) of the tree as it is, less what NAME
# takes out; under other names, so that both can be loaded
copy_other() {
	rm -rf "${repo:?}/$1"
	mkdir -p "$repo/$1"
	if [ "$2" = .. ]; then
		cp -r "$repo/Kbuild" "$repo/dm-ecache" "$repo/$1/" || die "cannot write to $repo/$1"
	else
		git -C "$repo" archive -o "$repo/$1.tar" "$2" Kbuild dm-ecache 2>/dev/null || usage_error "no commit '$2'"
		tar -xf "$repo/$1.tar" -C "$repo/$1" || die "cannot write to $repo/$1"
		rm -f "$repo/$1.tar"
	fi
	[ -z "${3:-}" ] || git -C "$repo" apply --directory="$1" "$scripts/bench.d/without/$3.patch" ||
		die "without '$3' the module cannot be had: the patch is older than the code"
	# a commit's files are as old as it is, and make would take the objects of the last comparison for newer
	find "$repo/$1" -type f -exec touch {} +
	sed -i 's/dm-ecache\.o/dm-ecache-other.o/; s/^dm-ecache-/dm-ecache-other-/' "$repo/$1/dm-ecache/Kbuild"
	sed -i 's/\.name = "ecache",/.name = "ecache-other",/' "$repo/$1/dm-ecache/main.c"
}
