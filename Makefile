# Plain `make` needs pkg-config and what contrib/install-deps installs;
# ./configure writes config.mk, whose values win over the defaults here.
#
#	make demo        install what is missing, build, show a deploy
#	make check       every test
#	make install     prefix=/usr/local DESTDIR=
#
# Knobs: DEVELOPER=1 (strict warnings are errors), SANITIZE=address,undefined,
# BUILD=directory, CC, CFLAGS, LDFLAGS.

VERSION = 0.1.0

-include config.mk

prefix ?= /usr/local
bindir ?= $(prefix)/bin
mandir ?= $(prefix)/share/man
BUILD ?= build
INSTALL ?= install
PKG_CONFIG ?= pkg-config
CLANG_FORMAT ?= clang-format

all: programs

PACKAGES = libssh2 libarchive libzstd libcrypto jansson

ifeq ($(origin CFLAGS),undefined)
CFLAGS = -O2 -g
endif

# Looked up when first used, so that `make demo` can install them first.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell $(PKG_CONFIG) --cflags $(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $$(shell $(PKG_CONFIG) --libs $(PACKAGES)))$(PKG_LIBS)
CHECK_CFLAGS = $(eval CHECK_CFLAGS := $$(shell $(PKG_CONFIG) --cflags check))$(CHECK_CFLAGS)
CHECK_LIBS = $(eval CHECK_LIBS := $$(shell $(PKG_CONFIG) --libs check))$(CHECK_LIBS)

STD_CFLAGS = -std=gnu11 -D_GNU_SOURCE= -DVERSION='"$(VERSION)"' -Isrc -fPIE \
	-pthread -MMD -MP -Wall -Wextra -Wno-unused-parameter
STD_LDFLAGS = -pie -pthread

ifdef SANITIZE
STD_CFLAGS += -fsanitize=$(SANITIZE) -fno-omit-frame-pointer \
	-fno-sanitize-recover=undefined
STD_LDFLAGS += -fsanitize=$(SANITIZE)
else
STD_CFLAGS += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 \
	-fstack-protector-strong -fstack-clash-protection
STD_LDFLAGS += -Wl,-z,relro,-z,now
endif

ifdef DEVELOPER
STD_CFLAGS += -Werror -Wshadow -Wpointer-arith -Wwrite-strings -Wundef \
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wvla -Wformat=2 -Wimplicit-fallthrough -Wconversion \
	-Wno-sign-conversion
endif

ALL_CFLAGS = $(STD_CFLAGS) $(PKG_CFLAGS) $(CFLAGS)

sources = $(wildcard src/$(1)/*.c)
objects = $(patsubst src/%.c,$(BUILD)/%.o,$(1))

COMMON = $(call objects,$(call sources,base) $(call sources,tree) \
	$(call sources,wire))
CLIENT = $(call objects,$(call sources,transport) $(call sources,client))
SERVER = $(call objects,$(call sources,server))
PROGRAMS = $(BUILD)/deploy $(BUILD)/deployd

programs: $(PROGRAMS)

$(BUILD)/deploy: $(BUILD)/deploy.o $(CLIENT) $(COMMON)
$(BUILD)/deployd: $(BUILD)/deployd.o $(SERVER) $(COMMON)
$(PROGRAMS):
	$(CC) $(STD_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) $(LIBS)

$(BUILD)/%.o: src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

# Objects are made anew when the compiler or its flags change.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(STD_CFLAGS) $(CFLAGS)' | cmp -s - $@ || \
		echo '$(CC) $(STD_CFLAGS) $(CFLAGS)' > $@

FORCE:

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

clean:
	rm -rf $(BUILD)

.PHONY: all programs clean FORCE
