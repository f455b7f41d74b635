# SPDX-License-Identifier: GPL-2.0-or-later
#
# Targets for people; Kbuild has the objects. `make help` lists them.

KDIR ?= /lib/modules/$(shell uname -r)/build
PREFIX ?= /usr
DESTDIR ?=
T ?=

.PHONY: all module userspace install deb demo check check-fast check-long kunit kunit-uml bench bench-native bench-instructions bench-kms bench-life bench-latency coverage clean help

all: module userspace	## module for KDIR (default: the running kernel) and userspace

module:			## dm-ecache.ko for KDIR
	@test -e $(KDIR)/Makefile || { \
		echo "make module: no kernel headers at $(KDIR); install linux-headers-$$(uname -r) or give KDIR=DIR" >&2; \
		exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

userspace:		## ecachectl, ecached, ecache-net, ecache-kmsd in build/userspace
	$(MAKE) -C userspace

install: userspace	## programs, units, man pages, completion (and the module, if it was built) into DESTDIR
	$(MAKE) -C userspace install DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)
	@if [ -e dm-ecache/dm-ecache.ko ]; then \
		$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_PATH=$(DESTDIR) modules_install; \
	else \
		echo "make install: dm-ecache.ko was not built (make module), programs only"; \
	fi

deb:			## Debian packages dm-ecache-dkms and ecache-utils, in build/deb
	scripts/deb

demo:			## the main job on real input, in a guest (VM=no: on this host, as root)
	scripts/demo

check:			## everything that must hold; T=name runs one test
	scripts/check $(if $(T),-t $(T)) all

check-fast:		## static checks and unit tests, no virtual machine
	scripts/check $(if $(T),-t $(T)) fast

check-long:		## mutations, the benchmark and long runs (up to an hour)
	scripts/check $(if $(T),-t $(T)) long

kunit:			## KUnit under virtme-ng on the debug kernel (KASAN, lockdep, kmemleak)
	scripts/kunit

kunit-uml:		## KUnit in User Mode Linux: seconds after the first build
	scripts/kunit-uml

bench:			## ecachectl bench in a guest, and a Valkey that swaps: tables, JSON and a page, in instructions per I/O
	scripts/bench
	scripts/bench --swap

bench-native:		## the I/O path next to dm-crypt's, at native speed in User Mode Linux
	scripts/bench-native

bench-instructions:	## where the instructions of a 4K read and write go, next to dm-crypt's
	scripts/bench-instructions

bench-kms:		## Decrypts per second and memory of ecache-kmsd; FULL=yes for a million requests
	scripts/bench-kms $(if $(FULL),--full)

bench-life:		## what key set, wipe and revoke take under load, and memory, of a thousand volumes in a guest
	scripts/bench-life

bench-latency:		## 4K reads and writes on disks that interrupt, next to dm-crypt's, in guests with three kernels
	scripts/bench-latency

coverage:		## line coverage of dm-ecache/ by the KUnit suites; fails below 90 %
	scripts/coverage

clean:			## what make built (not the toolbox: scripts/toolbox clean)
	rm -rf build
	@if [ -e dm-ecache/dm-ecache.o ] && [ -e $(KDIR)/Makefile ]; then $(MAKE) -C $(KDIR) M=$(CURDIR) clean; fi

help:			## this list
	@sed -n 's/^\([a-z-]*\):[^#]*##[[:space:]]*\(.*\)/  \1\t\2/p' Makefile | expand -t 22
