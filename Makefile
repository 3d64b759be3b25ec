# Plain `make` needs pkg-config and what contrib/install-deps installs;
# ./configure writes config.mk, whose values win over the defaults here.
#
#	make demo        install what is missing, build, show a deploy
#	make check       install what is missing, run every test
#	make static      both programs in build/static, needing no library;
#	                 deploy setup sends the deployd of there to servers
#	make install     prefix=/usr/local DESTDIR=
#	make check-now   the tests, with what is installed
#	make soak        install what is missing, then at length, for hours,
#	                 the tests that `make check' cuts short: a fault at
#	                 each system call, a cut at each byte
#	make analyze     what clang's and gcc's analyzers and cppcheck find
#	make coverage    the tests, and how many lines of each directory they
#	                 run: under 90 % of wire/, tree/ or server/ fails
#	make valgrind    unit tests and some of the others under memcheck
#	make lint        formatting, shell scripts, manuals
#	make format      formats the sources
#	make fuzz        fuzzers, with clang; see t/fuzz/replay.c
#	make clean
#
# Knobs: DEVELOPER=1 (strict warnings are errors), SANITIZE=address,undefined,
# COVERAGE=1, INSTRUMENTED=1 (for valgrind), BUILD=directory,
# TESTS='t/t0000-build.sh ...', JOBS=2 (tests beside each other), V=1 (whole
# command lines), WITH_CURL= (no http checks in deployd), CC, CFLAGS, LDFLAGS,
# LIBS.

VERSION = 0.1.0

-include config.mk

prefix ?= /usr/local
exec_prefix ?= $(prefix)
bindir ?= $(exec_prefix)/bin
datarootdir ?= $(prefix)/share
mandir ?= $(datarootdir)/man
BUILD ?= build
# One name for one place: the rules that the compiler writes have it in them.
override BUILD := $(patsubst $(CURDIR)/%,%,$(BUILD))
INSTALL ?= install
PKG_CONFIG ?= pkg-config
CLANG ?= clang
GCC ?= gcc
CLANG_FORMAT ?= clang-format
JOBS ?= 2

all: programs

comma = ,
# http checks of deployd: where libcurl is, but in none of `make static',
# whose libcurl would need what has no static libraries.  WITH_CURL= : without.
ifeq ($(origin WITH_CURL),undefined)
WITH_CURL := $(if $(STATIC),,$(shell $(PKG_CONFIG) --exists libcurl && echo 1))
endif

PACKAGES = libssh2 libarchive libzstd libcrypto jansson

ifeq ($(origin CFLAGS),undefined)
CFLAGS = -O2 -g
endif

# Looked up when first used, and not again.
pkg = $(eval $(1) := $$(shell $(PKG_CONFIG) $(2)))$($(1))
PKG_CFLAGS ?= $(call pkg,PKG_CFLAGS,--cflags $(PACKAGES))
PKG_LIBS ?= $(call pkg,PKG_LIBS,$(if $(STATIC),--static) --libs $(PACKAGES))
CURL_CFLAGS ?= $(if $(WITH_CURL),$(call pkg,CURL_CFLAGS,--cflags libcurl))
# It is loaded when a check needs it.
CURL_LIBS ?= $(if $(WITH_CURL),-ldl)
CHECK_CFLAGS ?= $(call pkg,CHECK_CFLAGS,--cflags check)
CHECK_LIBS ?= $(call pkg,CHECK_LIBS,--libs check)

STD_CFLAGS = -std=gnu11 -D_GNU_SOURCE= -D_FILE_OFFSET_BITS=64 \
	-DVERSION='"$(VERSION)"' -Isrc -fPIE -pthread -MMD -MP \
	-Wall -Wextra -Wno-unused-parameter
STD_CFLAGS += $(if $(WITH_CURL),-DWITH_CURL)
STD_LDFLAGS = $(if $(STATIC),-static-pie -Wl$(comma)--gc-sections,-pie) -pthread

# The intake's seccomp filter and limits would be in the way of what the
# compiler, or valgrind, adds to it.
ifneq ($(COVERAGE)$(SANITIZE)$(INSTRUMENTED),)
STD_CFLAGS += -DINSTRUMENTED
endif

# Each process adds to the counters, beside the objects, when it ends, under
# whatever account.  One that is killed adds nothing.
ifdef COVERAGE
STD_CFLAGS += -DCOVERAGE='"$(abspath $(BUILD))"' --coverage \
	-fprofile-update=atomic
STD_LDFLAGS += --coverage
endif

ifdef SANITIZE
STD_CFLAGS += -DSANITIZED -fsanitize=$(SANITIZE) -fno-omit-frame-pointer \
	-fno-sanitize-recover=undefined
STD_LDFLAGS += -fsanitize=$(SANITIZE)
export TEST_SECONDS ?= 1800
else
STD_CFLAGS += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 \
	-fstack-protector-strong -fstack-clash-protection
STD_LDFLAGS += -Wl,-z,relro,-z,now
endif

ifdef DEVELOPER
# Instrumentation makes gcc warn of what cannot be.
STD_CFLAGS += $(if $(SANITIZE),,-Werror) -Wshadow -Wpointer-arith \
	-Wwrite-strings -Wundef -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wvla -Wformat=2 -Wimplicit-fallthrough \
	-Wconversion -Wno-sign-conversion
endif

# What libxml2, a part of some libarchives, needs without saying so.  The
# linker warns of names that glibc looks up with libraries of its own; files
# and DNS, all that is needed, are within it.
ifdef STATIC
STD_CFLAGS += -ffunction-sections -fdata-sections
STATIC_LIBS = $(shell $(PKG_CONFIG) --exists icu-uc && \
	$(PKG_CONFIG) --static --libs icu-i18n icu-uc) -lstdc++ -lm
LIBS += -Wl,--start-group $(PKG_LIBS) $(STATIC_LIBS) -Wl,--end-group \
	-Wl,--no-warnings
endif

ALL_CFLAGS = $(STD_CFLAGS) $(PKG_CFLAGS) $(CURL_CFLAGS) $(CPPFLAGS) $(CFLAGS)
say = $(if $(V),,@echo '   $(1) $@';)
LINK = $(call say,LINK)$(CC) $(STD_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@

# One archive a directory; a layer is listed before what it uses.
LAYERS = client server transport wire tree base
archives = $(patsubst %,$(BUILD)/lib%.a,$(1))
sources = $(wildcard src/$(1)/*.c)
objects = $(patsubst src/%.c,$(BUILD)/%.o,$(sources))

USED_base = base
USED_tree = tree base
USED_wire = wire tree base
USED_transport = transport base
USED_client = client transport wire tree base
USED_server = server wire tree base

PROGRAMS = $(patsubst src/%.c,$(BUILD)/%,$(wildcard src/deploy.c src/deployd.c))

programs: $(PROGRAMS)

$(BUILD)/deploy: $(BUILD)/deploy.o $(call archives,$(USED_client))
$(BUILD)/deployd: $(BUILD)/deployd.o $(call archives,$(USED_server))
$(BUILD)/deployd: CURL = $(CURL_LIBS)
$(PROGRAMS):
	$(LINK) $^ $(PKG_LIBS) $(CURL) $(LIBS)

static:
	@contrib/install-deps build static
	@$(MAKE) --no-print-directory BUILD='$(BUILD)/static' STATIC=1 programs

define archive_rule
$(BUILD)/lib$(1).a: $(call objects,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(call say,AR)$$(AR) rcs $$@ $$^
endef
$(foreach layer,$(LAYERS),$(eval $(call archive_rule,$(layer))))

$(BUILD)/%.o: src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# Objects are made anew when the compiler or its flags change.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(STD_CFLAGS) $(CFLAGS)' | cmp -s - $@ || \
		echo '$(CC) $(STD_CFLAGS) $(CFLAGS)' > $@

FORCE:

#
# Tests.  t/unit/test_X.c and t/fuzz/fuzz_X.c are linked with the layer that
# holds X.c and those below it, or with all of them where no layer has an X.c.
#
unit_layers = $(sort $(foreach layer,$(LAYERS), \
	$(if $(wildcard src/$(layer)/$(1).c),$(USED_$(layer)))))
in_order = $(filter $(1),$(LAYERS))
used_by = $(call archives,$(call in_order,$(or $(call unit_layers,$(1)),$(LAYERS))))

UNIT_TESTS = $(patsubst t/%.c,$(BUILD)/t/%,$(wildcard t/unit/test_*.c))
HELPERS = $(patsubst t/%.c,$(BUILD)/t/%,$(wildcard t/lib/*.c))
HOSTILE = $(patsubst %,$(BUILD)/t/hostile/%,client server)
test_objects = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)))
FUZZED = $(patsubst t/fuzz/fuzz_%.c,%,$(wildcard t/fuzz/fuzz_*.c))
REPLAYS = $(patsubst %,$(BUILD)/t/fuzz/replay_%,$(FUZZED))
FUZZERS = $(patsubst %,$(BUILD)/t/fuzz/fuzz_%,$(FUZZED))
# What fuzzers share: an archive, so that each gets what it uses and no more.
FUZZ_LIB = $(BUILD)/t/fuzz/libfuzz.a
FUZZ_SOURCES = $(filter-out t/fuzz/replay.c t/fuzz/fuzz_%,$(wildcard t/fuzz/*.c))
TESTS ?= $(sort $(wildcard t/t[0-9]*.sh))

$(BUILD)/t/%.o: t/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CFLAGS) $(CHECK_CFLAGS) -c -o $@ $<

.SECONDEXPANSION:

$(UNIT_TESTS): $(BUILD)/t/unit/test_%: $(BUILD)/t/unit/test_%.o \
		$$(call used_by,$$*)
	$(LINK) $^ $(CHECK_LIBS) $(PKG_LIBS) $(CURL_LIBS) $(LIBS)

$(HELPERS): $(BUILD)/t/lib/%: $(BUILD)/t/lib/%.o $(call archives,$(LAYERS))
	$(LINK) $^ $(PKG_LIBS) $(CURL_LIBS) $(LIBS)

# Peers that know nothing of ours but buffers and hashes.
$(HOSTILE): $(BUILD)/t/hostile/%: $(BUILD)/t/hostile/talk.o \
		$$(call test_objects,t/hostile/$$**.c) $(call archives,base)
	$(LINK) $^ $(PKG_LIBS) $(LIBS)

$(FUZZ_LIB): $(call test_objects,$(FUZZ_SOURCES))
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(REPLAYS): $(BUILD)/t/fuzz/replay_%: $(BUILD)/t/fuzz/fuzz_%.o \
		$(BUILD)/t/fuzz/replay.o $(FUZZ_LIB) $$(call used_by,$$*)
	$(LINK) $^ $(PKG_LIBS) $(CURL_LIBS) $(LIBS)

# All that a compiler has something to say of.
test-objects: $(call test_objects,t/*/*.c)

tests: $(UNIT_TESTS) $(HELPERS) $(HOSTILE) $(REPLAYS)

# The second make sees what the first one has installed.
check:
	@contrib/install-deps build test || { \
		echo 'make check-now does without them'; exit 1; }
	@$(MAKE) --no-print-directory check-now

check-now: programs tests
	@BUILD='$(abspath $(BUILD))' JOBS='$(JOBS)' t/lib/run-tests \
		$(UNIT_TESTS) $(REPLAYS) $(TESTS)

# Tests that know of $SOAK make more of themselves then.
soak:
	@contrib/install-deps build test
	@$(MAKE) --no-print-directory programs tests
	@SOAK=1 BUILD='$(abspath $(BUILD))' JOBS='$(JOBS)' t/lib/run-tests \
		$(shell grep -l SOAK $(TESTS))

# Tests that count or fail system calls, or look from outside at what is
# confined, meet the counters' files.
COVERAGE_TESTS ?= $(filter-out $(foreach n,0110 0111 0112 0114 0175 0178, \
	t/t$(n)-%.sh),$(TESTS))

coverage:
	@contrib/install-deps build test
	@$(MAKE) --no-print-directory BUILD='$(BUILD)/coverage' COVERAGE=1 \
		CFLAGS='-O0 -g' coverage-now

coverage-now: programs tests
	@find '$(BUILD)' -name '*.gcda' -delete
	@find '$(BUILD)' -name '*.gcno' | sed 's/gcno$$/gcda/' | xargs touch
	@find '$(BUILD)' -name '*.gcda' -exec chmod 666 {} +
	@BUILD='$(abspath $(BUILD))' JOBS='$(JOBS)' t/lib/run-tests \
		$(UNIT_TESTS) $(REPLAYS) $(COVERAGE_TESTS); status=$$?; \
	BUILD='$(abspath $(BUILD))' t/lib/coverage wire tree server && \
		exit $$status

# A push in all its shapes, and what reads, mends and removes what is there.
VALGRIND_TESTS ?= $(wildcard t/t0100-*.sh t/t0130-*.sh t/t0142-*.sh \
	t/t0144-*.sh t/t0150-*.sh t/t0200-*.sh t/t0400-*.sh t/t0410-*.sh \
	t/t0430-*.sh t/t0435-*.sh t/t0437-*.sh t/t0440-*.sh t/t0450-*.sh \
	t/t0495-*.sh t/t0496-*.sh t/t0497-*.sh t/t0500-*.sh t/t0510-*.sh \
	t/t0710-*.sh t/t0730-*.sh)

valgrind:
	@contrib/install-deps build test valgrind
	@$(MAKE) --no-print-directory BUILD='$(BUILD)/valgrind' INSTRUMENTED=1 \
		CFLAGS='-O1 -g' valgrind-now

valgrind-now: programs tests
	@BUILD='$(abspath $(BUILD))' JOBS='$(JOBS)' t/lib/run-valgrind \
		$(UNIT_TESTS) $(REPLAYS) $(VALGRIND_TESTS)

# Each fuzzer: build/fuzz/t/fuzz/fuzz_X DIRECTORY t/fuzz/corpus/X
fuzz:
	@$(MAKE) --no-print-directory CC='$(CLANG)' BUILD='$(BUILD)/fuzz' \
		SANITIZE=fuzzer-no-link,address,undefined fuzzers

fuzzers: $(FUZZERS)

$(FUZZERS): $(BUILD)/t/fuzz/fuzz_%: $(BUILD)/t/fuzz/fuzz_%.o \
		$(FUZZ_LIB) $$(call used_by,$$*)
	$(call say,LINK)$(CC) $(subst fuzzer-no-link,fuzzer,$(STD_LDFLAGS)) $(CFLAGS) \
		$(LDFLAGS) -o $@ $^ $(PKG_LIBS) $(CURL_LIBS) $(LIBS)

demo:
	@contrib/install-deps build
	@$(MAKE) --no-print-directory programs
	@BUILD='$(abspath $(BUILD))' contrib/demo/run

#
# What the analyzers of clang and gcc, and cppcheck, find in the sources, is
# mended or written so that they see it is well: there is nothing to ignore.
# gcc's runs without optimizing, which leaves it the functions as they are
# written, and one file at a time, as do the others.
#
ANALYZED = $(patsubst src/%.c,$(BUILD)/analyzed/%,$(wildcard src/*.c src/*/*.c))
analyzer_flags = $(filter-out -MMD -MP,$(STD_CFLAGS)) $(PKG_CFLAGS) \
	$(CURL_CFLAGS) $(CPPFLAGS) -O0 -U_FORTIFY_SOURCE

analyze:
	@contrib/install-deps build analyze
	@$(MAKE) --no-print-directory -k -j'$(JOBS)' analyzed

analyzed: $(ANALYZED) $(BUILD)/analyzed/cppcheck

$(BUILD)/analyzed/%: src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,ANALYZE)$(CLANG) --analyze --analyzer-output text \
		-Xclang -analyzer-werror $(analyzer_flags) $<
	@$(GCC) -fanalyzer -Werror $(analyzer_flags) -MMD -MP -MF $@.d -MT $@ \
		-c -o /dev/null $<
	@touch $@

# It looks through the headers anyway.
$(BUILD)/analyzed/cppcheck: FORCE
	@mkdir -p $(@D)
	$(call say,ANALYZE).ci/cppcheck

FORMATTED = $(wildcard src/*.[ch] src/*/*.[ch] t/*/*.[ch])

lint:
	@$(CLANG_FORMAT) --dry-run -Werror $(FORMATTED)
	@.ci/lint

format:
	@$(CLANG_FORMAT) -i $(FORMATTED)

install: programs
	$(INSTALL) -d '$(DESTDIR)$(bindir)' '$(DESTDIR)$(mandir)/man1' \
		'$(DESTDIR)$(mandir)/man5' '$(DESTDIR)$(mandir)/man8'
	$(INSTALL) -m 755 $(PROGRAMS) '$(DESTDIR)$(bindir)'
	test ! -f '$(BUILD)/static/deployd' || \
		$(INSTALL) -D -s -m 755 '$(BUILD)/static/deployd' \
			'$(DESTDIR)$(exec_prefix)/lib/deploy/deployd-$(shell uname -m)'
	for page in $(wildcard man/*.[158]); do \
		$(INSTALL) -m 644 "$$page" \
			'$(DESTDIR)$(mandir)'/man"$${page##*.}" || exit; \
	done

clean:
	rm -rf '$(BUILD)'

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

.SECONDARY:
.DELETE_ON_ERROR:
.PHONY: all programs static tests test-objects check check-now soak coverage \
	coverage-now valgrind valgrind-now fuzz fuzzers demo analyze analyzed \
	lint format install clean FORCE
