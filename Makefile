# Penny Post. Two commands do everything: make demo, make check.   (make help lists the rest)
#
# MODE=release|debug|asan   what is built          BUILD=dir   where (default build)
# Each folder under src/ becomes one archive; a folder's tests are linked with that folder and what src/layers lets it include,
# and with nothing else: a test that needs more does not link.
MODE  ?= release
BUILD ?= build
O     := $(BUILD)/$(MODE)
CC    ?= gcc

WARN  := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wswitch-enum
FLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
FLAGS_debug   := -O0 -g
FLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -DPENNY_SANITIZED
LINK_release  := -pie -Wl,-z,relro,-z,now
FLAGS_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -DPENNY_SANITIZED
LINK_asan     := -fsanitize=address,undefined
LINK_fuzz     := -fsanitize=fuzzer,address,undefined

ALL_CFLAGS := -std=c17 -D_GNU_SOURCE -DOPENSSL_NO_DEPRECATED -DOPENSSL_API_COMPAT=30000 -Isrc $(WARN) $(FLAGS_$(MODE)) $(CPPFLAGS) $(CFLAGS)
LIBS       := -lsodium -lidn2 -lunistring -lsqlite3 -lseccomp -lssl -lcrypto -lz -lpthread $(LDLIBS)

# Folders in the order of src/layers (each may include only earlier ones); archives are linked in the opposite order.
FOLDERS := $(shell sed -n 's/^\([a-z0-9]*\):.*/\1/p' src/layers)
reverse  = $(if $(1),$(call reverse,$(wordlist 2,$(words $(1)),$(1))) $(firstword $(1)))
may_use  = $(shell sed -n 's/^$(1): *//p' src/layers)
below    = $(sort $(foreach f,$(call may_use,$(1)),$(f) $(call below,$(f))))
libs_of  = $(patsubst %,$O/lib/%.a,$(call reverse,$(filter $(call below,$(1)) $(1),$(FOLDERS))))

SOURCES    := $(filter-out %_test.c %_fuzz.c,$(wildcard src/*/*.c))
TEST_SRC   := $(wildcard src/*/*_test.c)
FUZZ_SRC   := $(wildcard src/*/*_fuzz.c)
OBJECTS    := $(SOURCES:src/%.c=$O/obj/%.o)
TESTS      := $(TEST_SRC:src/%.c=$O/test/%)
REPLAYS    := $(FUZZ_SRC:src/%.c=$O/replay/%)
FUZZERS    := $(FUZZ_SRC:src/%.c=$O/fuzz/%)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all demo check check-all help layers unit replay clean install tools fuzz bench conformance wire
all: $O/penny
	@[ "$(MODE)" != release ] || cp -f $O/penny penny

define folder_rules
$O/lib/$(1).a: $(filter $O/obj/$(1)/%,$(OBJECTS))
	@mkdir -p $$(@D); rm -f $$@; $$(AR) rcs $$@ $$^
$O/test/$(1)/%: $O/obj/$(1)/%.o $(call libs_of,$(1))
	@mkdir -p $$(@D); $$(CC) $(LINK_$(MODE)) $$(LDFLAGS) -o $$@ $$^ $$(LIBS)
$O/replay/$(1)/%: $O/obj/$(1)/%.o $O/obj/replay.o $(call libs_of,$(1))
	@mkdir -p $$(@D); $$(CC) $(LINK_$(MODE)) $$(LDFLAGS) -o $$@ $$^ $$(LIBS)
$O/fuzz/$(1)/%: $O/obj/$(1)/%.o $(call libs_of,$(1))
	@mkdir -p $$(@D); $$(CC) $(LINK_$(MODE)) $$(LDFLAGS) -o $$@ $$^ $$(LIBS)
endef
$(foreach f,$(FOLDERS),$(eval $(call folder_rules,$(f))))

$O/obj/%.o: src/%.c
	@mkdir -p $(@D); echo "  cc $<"; $(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
$O/obj/replay.o: tools/replay.c
	@mkdir -p $(@D); $(CC) $(ALL_CFLAGS) -c -o $@ $<
$O/penny: $O/obj/main.o $(patsubst %,$O/lib/%.a,$(call reverse,$(FOLDERS)))
	@$(CC) $(LINK_$(MODE)) $(LDFLAGS) -o $@ $^ $(LIBS); echo "  ld $@"
-include $(OBJECTS:.o=.d) $(TEST_SRC:src/%.c=$O/obj/%.d) $(FUZZ_SRC:src/%.c=$O/obj/%.d) $O/obj/main.d

layers:
	@tools/layers

# One folder's or one file's tests: make unit T=smtp   make unit T=smtp/codec_test
unit: $(if $(T),$(filter $O/test/$(T)%,$(TESTS)),$(TESTS))
	@failed=0; for t in $^; do $$t || { echo "FAILED $$t"; failed=1; }; done; exit $$failed
# The fuzzers' corpora through every fuzz target, without a fuzzer.
replay: $(if $(T),$(filter $O/replay/$(T)%,$(REPLAYS)),$(REPLAYS))
	@for t in $^; do n=$${t#$O/replay/}; $$t $$(find tests/corpus/$$n -type f 2>/dev/null) || { echo "FAILED $$t"; exit 1; }; done
# libFuzzer: make fuzz T=smtp/server_fuzz TIME=60
TIME ?= 60
.PHONY: fuzzers
fuzzers: $(if $(T),$(filter $O/fuzz/$(T)%,$(FUZZERS)),$(FUZZERS))
fuzz:
	@$(MAKE) --no-print-directory -s -j2 MODE=fuzz CC=clang fuzzers
	@tools/fuzz-run $(TIME) $(BUILD)/fuzz/fuzz/ $(if $(T),$(filter $(T)%,$(FUZZ_SRC:src/%.c=%)),$(FUZZ_SRC:src/%.c=%))

# tests/conformance/FOLDER_conformance.c: public vectors against one folder; run by make conformance VECTORS=dir.
CONFORMANCE := $(patsubst tests/conformance/%_conformance.c,%,$(wildcard tests/conformance/*_conformance.c))
define conformance_rule
$O/conformance/$(1): tests/conformance/$(1)_conformance.c $(call libs_of,$(1)) $(wildcard tests/conformance/vectors_$(1)/*.h)
	@mkdir -p $$(@D); $$(CC) $$(ALL_CFLAGS) $(LINK_$(MODE)) $$(LDFLAGS) -o $$@ $$(filter-out %.h,$$^) $$(LIBS)
endef
$(foreach f,$(CONFORMANCE),$(eval $(call conformance_rule,$(f))))
.PHONY: conformance-programs
conformance-programs: $(CONFORMANCE:%=$O/conformance/%)

clean:
	rm -rf $(BUILD) penny

-include tools/targets.mk
