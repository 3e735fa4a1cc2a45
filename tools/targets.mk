# What a developer and the README call. The Makefile knows how to build; this file says what to run.
PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
PYTHON     ?= python3
.PHONY: deps-build deps-demo deps-test deps-bench headers e2e e2e-all compilers

help:
	@echo 'make demo            installs what is missing, builds, sends a message from one server to another, shows it (ONCE=1: then exits)'
	@echo 'make check           installs what the tests need, builds, runs the tests (about a minute)'
	@echo 'make check-all       the long ones: both compilers, sanitizers, every power-cut state, 100,000 sessions, kill -9 under load'
	@echo 'make                 builds ./penny         MODE=debug|asan  CC=clang  BUILD=dir'
	@echo 'make unit T=smtp     one folder'"'"'s tests    make e2e T=clients   one end-to-end test'
	@echo 'make fuzz T=message/address_fuzz TIME=60    make replay'
	@echo 'make conformance VECTORS=dir   public test vectors against the parsers and machines'
	@echo 'make oracle          python3-dkim verifies what we sign'
	@echo 'make bench           against Postfix and the load generator'"'"'s ceiling, in one run; writes docs/performance.md'
	@echo 'make install         PREFIX=/usr/local DESTDIR='

deps-build: ; @tools/deps build
deps-demo:  ; @tools/deps build demo
deps-test:  ; @tools/deps build demo test
deps-bench: ; @tools/deps build bench

demo: deps-demo
	@$(MAKE) --no-print-directory -s -j2 all
	@$(PYTHON) tools/demo.py $(if $(ONCE),--once)

# The manual pages are what the tables of commands and settings say.
.PHONY: man
man: all
	@./penny man > docs/man/penny.1 && ./penny man penny.conf > docs/man/penny.conf.5

headers:
	@for h in $$(find src -name '*.h' ! -name test.h | sort); do \
	    printf '#include "%s"\n' $${h#src/} | $(CC) -std=c17 -D_GNU_SOURCE -Isrc -fsyntax-only -xc - || { echo "$$h does not compile alone"; exit 1; }; done

check: deps-test
	@$(MAKE) --no-print-directory -s layers headers
	@$(MAKE) --no-print-directory -s -j2 all
	@$(MAKE) --no-print-directory -s -j2 MODE=asan unit
	@$(MAKE) --no-print-directory -s -j2 MODE=asan replay
	@$(MAKE) --no-print-directory -s e2e
	@tools/check-docs
	@echo 'make check: everything passed'

e2e: all
	@$(PYTHON) tests/e2e/run.py $(if $(T),$(T),--quick)

check-all: deps-test
	@tools/check-all

# Public vectors are not part of the tree: name the folder that holds them.
conformance:
	@[ -n "$(VECTORS)" ] && [ -d "$(VECTORS)" ] || { echo 'make conformance VECTORS=dir: no such folder; nothing was held against the vectors' >&2; exit 1; }
	@$(MAKE) --no-print-directory -s -j2 all conformance-programs
	@tools/conformance "$(VECTORS)" $O/conformance

# Other people's code judges ours: python3-dkim the signatures.
$O/oracle/dkim_sign: tests/oracle/dkim_sign.c $(call libs_of,sender)
	@mkdir -p $(@D); $(CC) $(ALL_CFLAGS) $(LINK_$(MODE)) $(LDFLAGS) -o $@ $^ $(LIBS)
.PHONY: oracle
oracle: $O/oracle/dkim_sign
	@/usr/bin/python3 tests/oracle/verify_dkim.py $<

bench: deps-bench
	@$(MAKE) --no-print-directory -s -j2 all
	@$(PYTHON) tools/bench/bench.py

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 \
	    $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/lib/sysusers.d $(DESTDIR)$(SYSCONFDIR)/penny
	install -m 755 $O/penny $(DESTDIR)$(PREFIX)/bin/penny
	install -m 644 docs/man/penny.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 docs/man/penny.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/
	sed 's|@PREFIX@|$(PREFIX)|g; s|@SYSCONFDIR@|$(SYSCONFDIR)|g' tools/systemd/penny.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/penny.service
	install -m 644 tools/systemd/penny.socket $(DESTDIR)$(PREFIX)/lib/systemd/system/
	install -m 644 tools/systemd/penny.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/penny.conf
	[ -n "$(DESTDIR)" ] || ! command -v systemd-sysusers >/dev/null || systemd-sysusers $(PREFIX)/lib/sysusers.d/penny.conf
	[ -e $(DESTDIR)$(SYSCONFDIR)/penny/penny.conf ] || install -m 644 tools/systemd/penny.conf $(DESTDIR)$(SYSCONFDIR)/penny/penny.conf
