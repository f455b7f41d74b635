# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# What in a kernel's log means that the kernel itself found a fault.

# kernel_complaints FILE [IGNORE]: prints the lines of FILE in which the kernel complains,
# without those that match the extended regular expression IGNORE. Succeeds if there
# is any.
kernel_complaints() {
	grep -aE \
		-e '(WARNING|BUG|KASAN|KFENCE|UBSAN|ODEBUG): ' \
		-e '(Oops|general protection fault|unable to handle|Kernel panic)' \
		-e 'possible (recursive|circular) locking|inconsistent lock state|suspicious RCU usage' \
		-e 'sleeping function called|scheduling while atomic|DEBUG_LOCKS_WARN_ON' \
		-e 'refcount_t: |list_(add|del)(_rcu)? corruption|nobody cared' \
		-e 'INFO: (task|rcu|possible|trying to register|lockdep)' \
		-e 'kmemleak: [0-9]+ new suspected|unreferenced object 0x' \
		"$1" | grep -avE "${2:-^\$}"
}

# boot_complaints FILE: whether the kernel complained in its first second. Nothing of ours is loaded then, and afterwards lockdep is off:
# such a run says nothing. (Seen once in dozens of boots of the debug kernel under emulation, with its CPUs starved: KASAN, in the timer's
# first interrupt.)
boot_complaints() {
	kernel_complaints "$1" | grep -qaE '^\[ +0\.[0-9]+\]'
}
