# imgtools.  One Makefile, not recursive: a new command, room or test needs no
# line in it.  Objects go to $(O), so that variants sit side by side.

O       ?= build
# One name for each object, however O was given: what depends on a header is
# known by it.
override O := $(patsubst $(CURDIR)/%,%,$(abspath $(O)))
PREFIX  ?= /usr/local
DESTDIR ?=
BINDIR   = $(PREFIX)/bin
MANDIR   = $(PREFIX)/share/man
UNITDIR  = $(PREFIX)/lib/systemd/system

CC      ?= cc
CXX     ?= c++
CFLAGS  ?= -O2 -g
CXXFLAGS ?= -O2 -g
SAN     ?=

# Debian packages: to build, to run the demo, to test.
BUILD_DEPS = gcc g++ make pkg-config libarchive-dev libcurl4-openssl-dev \
	libdcmtk-dev libgcrypt20-dev \
	libjpeg62-turbo-dev libjson-c-dev libopenjp2-7-dev libopenjph-dev \
	libpng-dev libseccomp-dev libsodium-dev libsqlite3-dev libssl-dev \
	libunistring-dev nettle-dev zlib1g-dev
DEMO_DEPS  = genisoimage zip
CHECK_DEPS = bsdextrautils bzip2 dcm2niix dcmtk dicom3tools fish jq \
	libarchive-tools libcmocka-dev libgdcm-tools libjpeg-turbo-progs \
	libxml2-utils \
	mandoc openssl perl procps sqlite3 strace unzip xorriso xz-utils zsh \
	zstd
# File systems that lose their power in make torture; skipped where absent.
# Programs watched, and targets fuzzed, that do wrong on purpose: controls.
TORTURE_DEPS = btrfs-progs clang valgrind xfsprogs

PKGS     = libarchive libcurl sqlite3 libsodium libgcrypt nettle json-c zlib libopenjp2 libseccomp \
	libjpeg libpng
WARN     = -Wall -Wextra -Wformat=2 -Wshadow -Wvla -Wwrite-strings \
	-Wmissing-format-attribute -Wpointer-arith -Wundef
CWARN    = -Wstrict-prototypes -Wmissing-prototypes
WERROR  ?=
HARDEN   = -fstack-protector-strong -fPIE
ALL_CPP  = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Icommon -I$(O)/gen
ALL_C    = -std=c11 -pthread $(WARN) $(CWARN) $(WERROR) $(HARDEN) $(SAN)
ALL_CXX  = -std=c++17 -pthread $(WARN) $(WERROR) $(HARDEN) $(SAN)
ALL_LD   = -pthread -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SAN)
# DCMTK's own .pc is broken; --as-needed drops what a program does not call.
DCMTK_LIBS = -ldcmdsig -ldcmtls -ldcmnet -ldcmjpls -ldcmjpeg -ldcmimage \
	-ldcmimgle -ldcmdata -loflog -lofstd -lopenjph -lstdc++ -lssl -lcrypto
LIBS     = $(shell pkg-config --libs $(PKGS)) -lunistring $(DCMTK_LIBS) -lm
PKG_CPP  = $(shell pkg-config --cflags $(PKGS))

CMDS    := $(patsubst cmd/%.c,%,$(wildcard cmd/img*.c))
LIB_SRC := $(wildcard common/*/*.c)
LIB_CXX := $(wildcard common/*/*.cc)
LIB_SQL := $(wildcard common/catalog/*.sql)
LIB_OBJ := $(LIB_SRC:%.c=$(O)/%.o) $(LIB_CXX:%.cc=$(O)/%.o) $(LIB_SQL:%.sql=$(O)/gen/%.o) \
	$(O)/gen/common/dicom/dict-table.o $(O)/gen/common/anon/tables.o \
	$(O)/gen/common/check/tables.o
BINS    := $(CMDS:%=$(O)/bin/%)
TOOL_SRC := $(wildcard tests/tools/*.c)
PHANTOM := $(filter tests/tools/phantom-%,$(TOOL_SRC))
PRELOAD := $(addprefix tests/tools/,failio.c nowalls.c scant.c skew.c)
FUZZ    := $(patsubst tests/fuzz/%.c,$(O)/tools/fuzz-%,\
	$(filter-out tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c)))
TOOLS   := $(patsubst tests/tools/%.c,$(O)/tools/%,\
	$(filter-out $(PHANTOM) $(PRELOAD),$(TOOL_SRC))) \
	$(PRELOAD:tests/tools/%.c=$(O)/tools/%.so) $(FUZZ)
UNITS   := $(patsubst tests/unit/%.c,$(O)/unit/%,$(wildcard tests/unit/*.c))
MANS    := $(wildcard man/*.[157])

# The goals that need the Debian packages ask for them first.
HAVE_BUILD := $(O)/.deps-build
HAVE_DEMO := $(O)/.deps-demo
HAVE_DEPS := $(O)/.deps
HAVE_TORTURE := $(O)/.deps-torture

.PHONY: all deps libs anon-tables demo check asan lint fmt fuzz torture bench install \
	uninstall clean programs help
.DELETE_ON_ERROR:
.SECONDARY:

all: $(HAVE_BUILD)
	@$(MAKE) --no-print-directory programs

programs: $(BINS)

# What a program is linked with, for tests that link one themselves.
libs:
	@echo '$(LIBS)'

# The tables in the order that tables.awk reads them.
anon-tables:
	@echo $(ANON_CSV)

help:
	@echo 'make [all|deps|demo|check|asan|lint|fmt|fuzz|torture|bench|install|uninstall|clean|compile_commands.json]'

# ---- packages -----------------------------------------------------------

# Installs what is missing and says so; does nothing when all is there.
deps:
	@sh tests/deps.sh $(BUILD_DEPS) $(DEMO_DEPS) $(CHECK_DEPS)

$(HAVE_BUILD): WANT = $(BUILD_DEPS)
$(HAVE_DEMO): WANT = $(BUILD_DEPS) $(DEMO_DEPS)
$(HAVE_DEPS): WANT = $(BUILD_DEPS) $(DEMO_DEPS) $(CHECK_DEPS)
$(HAVE_TORTURE): WANT = $(BUILD_DEPS) $(DEMO_DEPS) $(CHECK_DEPS) \
	$(TORTURE_DEPS)
$(HAVE_BUILD) $(HAVE_DEMO) $(HAVE_DEPS) $(HAVE_TORTURE): \
		Makefile tests/deps.sh
	@sh tests/deps.sh $(WANT)
	@mkdir -p $(@D) && touch $@

# ---- building -----------------------------------------------------------

$(O)/bin/%: $(O)/cmd/%.o $(O)/libimg.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LD) $(LDFLAGS) -o $@ $^ $(LIBS)

$(CURDIR)/$(O)/%: $(O)/%
	@:

$(O)/tools/%: $(O)/tests/tools/%.o $(O)/libimg.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LD) $(LDFLAGS) -o $@ $^ $(LIBS) -lm

# For LD_PRELOAD, so without sanitizers.
$(O)/tools/%.so: tests/tools/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CPP) -std=c11 $(WARN) $(CWARN) $(WERROR) -O1 -g -fPIC -shared -o $@ $<

# A fuzz target over saved inputs, without libFuzzer.
$(FUZZ): $(O)/tools/fuzz-%: $(O)/tests/fuzz/%.o $(O)/tests/fuzz/replay.o \
		$(O)/libimg.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LD) $(LDFLAGS) -o $@ $^ $(LIBS)

$(O)/tools/phantom: $(PHANTOM:%.c=$(O)/%.o)

$(O)/unit/%: $(O)/tests/unit/%.o $(O)/libimg.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LD) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka

$(O)/libimg.a: $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CPP) $(PKG_CPP) $(ALL_C) $(CFLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(O)/%.o: %.cc
	@mkdir -p $(@D)
	$(CXX) $(ALL_CPP) $(ALL_CXX) $(CXXFLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(O)/gen/%.o: $(O)/gen/%.c
	$(CC) $(ALL_CPP) $(ALL_C) $(CFLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<

# A schema becomes the string img_sql_<name>.
$(O)/gen/%.c: %.sql
	@mkdir -p $(@D)
	@{ printf 'extern const char img_sql_%s[];\n' '$(subst -,_,$(notdir $*))'; \
	printf 'const char img_sql_%s[] =\n' '$(subst -,_,$(notdir $*))'; \
	sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/' $<; echo ';'; } > $@

# The dictionary of the installed DCMTK, as a sorted table.
DICTIONARY ?= $(firstword $(wildcard /usr/share/libdcmtk*/dicom.dic \
	/usr/share/dcmtk*/dicom.dic))
$(O)/gen/common/dicom/dict-table.c: common/dicom/dict.awk $(DICTIONARY)
	@mkdir -p $(@D)
	LC_ALL=C awk -f common/dicom/dict.awk $(DICTIONARY) > $@

# The tables of de-identification (facts of PS3.15 and PS3.6).
ANON_CSV = $(addprefix common/anon/,ps3.15-e1-1-vr.csv ps3.15-e1-1.csv \
	beyond.csv safe-private.csv ps3.15-e3-4-1.csv \
	pixel-regions.csv words.txt placeholders.txt)
$(O)/gen/common/anon/tables.c: common/anon/tables.awk $(ANON_CSV)
	@mkdir -p $(@D)
	LC_ALL=C awk -f common/anon/tables.awk $(ANON_CSV) > $@

# What the IODs want (facts of PS3.3).
CHECK_CSV = $(addprefix common/check/,attributes.csv iods.csv)
$(O)/gen/common/check/tables.c: common/check/tables.awk $(CHECK_CSV)
	@mkdir -p $(@D)
	LC_ALL=C awk -f common/check/tables.awk $(CHECK_CSV) > $@

# ---- testing ------------------------------------------------------------

check: $(HAVE_DEPS)
	@$(MAKE) --no-print-directory run-check

.PHONY: run-check
run-check: programs $(TOOLS) $(UNITS)
	@O=$(abspath $(O)) sh tests/run.sh

asan:
	@$(MAKE) --no-print-directory O=build/asan CFLAGS='-O1 -g' CXXFLAGS='-O1 -g -fno-sanitize=vptr' WERROR=-Werror \
		SAN='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' $(or $(GOAL),check)

demo: $(HAVE_DEMO)
	@$(MAKE) --no-print-directory programs $(TOOLS)
	@O=$(abspath $(O)) sh tests/demo.sh

lint: $(HAVE_DEPS)
	@O=$(O) CPPFLAGS='$(ALL_CPP) $(PKG_CPP)' sh tests/lint.sh

fmt:
	clang-format -i $$(git ls-files '*.[ch]' '*.cc')

fuzz: $(HAVE_DEPS)
	@$(MAKE) --no-print-directory programs
	@O=$(abspath $(O)) sh tests/fuzz/run.sh

torture: $(HAVE_TORTURE)
	@$(MAKE) --no-print-directory programs $(TOOLS)
	@O=$(abspath $(O)) sh tests/torture/run.sh

bench: $(HAVE_DEPS)
	@$(MAKE) --no-print-directory programs $(TOOLS)
	@O=$(abspath $(O)) sh tests/bench/run.sh

compile_commands.json: $(HAVE_DEPS)
	@{ echo '['; sep=''; for f in $(LIB_SRC) $(wildcard cmd/*.c tests/*/*.c); do \
	printf '%s{"directory":"%s","file":"%s","command":"$(CC) $(ALL_CPP) $(PKG_CPP) $(ALL_C) -c %s"}' \
	"$$sep" '$(CURDIR)' "$$f" "$$f"; sep=','; done; echo ']'; } > $@

# ---- installing ---------------------------------------------------------

install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1 \
		$(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man7 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions \
		$(DESTDIR)$(PREFIX)/share/zsh/site-functions \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	install -m 755 $(BINS) $(DESTDIR)$(BINDIR)
	for m in $(MANS); do \
		install -m 644 $$m $(DESTDIR)$(MANDIR)/man$${m##*.}; done
	for c in $(CMDS); do \
		install -m 644 completions/img.bash \
			$(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$c; \
		sed "s/@COMMAND@/$$c/g" completions/img.fish > \
			$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/$$c.fish; \
	done
	install -m 644 completions/_img $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_img
	install -d $(DESTDIR)$(UNITDIR)
	for u in systemd/*; do \
		sed 's|@BINDIR@|$(BINDIR)|' $$u > \
			$(DESTDIR)$(UNITDIR)/$${u##*/}; done

uninstall:
	for c in $(CMDS); do rm -f $(DESTDIR)$(BINDIR)/$$c \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$c \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/$$c.fish; done
	for m in $(notdir $(MANS)); do \
		rm -f $(DESTDIR)$(MANDIR)/man$${m##*.}/$$m; done
	rm -f $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_img
	for u in systemd/*; do \
		rm -f $(DESTDIR)$(UNITDIR)/$${u##*/}; done

clean:
	rm -rf $(O)/bin $(O)/cmd $(O)/common $(O)/gen $(O)/tests $(O)/tools \
		$(O)/unit $(O)/asan $(O)/fuzz $(O)/demo $(O)/libimg.a $(O)/.deps* \
		compile_commands.json

-include $(wildcard $(O)/*/*.d $(O)/*/*/*.d $(O)/*/*/*/*.d $(O)/*/*/*/*/*.d)
