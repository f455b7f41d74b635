# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# What tests share that type what the documents say.

# section TITLE [N]: what operations.md says to type there; the Nth block only
section() {
	awk -v want="## $1" -v nr="${2:-0}" '/^## / { on = $0 == want; n = 0 }
		/^```sh/ { n++; inside = on && (!nr || n == nr); if (inside) print "# block"; next }
		/^```/ { inside = 0 } inside' /src/Documentation/operations.md
}

# readme_tour: the README's five minutes
readme_tour() {
	awk '/^```sh/ { inside = 1; print "# block"; next } /^```/ { inside = 0 } inside' /src/README.md
}
