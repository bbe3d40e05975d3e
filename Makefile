# Copyright (C) nginx-intake contributors
#
# make           build/ngx_http_intake_module.so, for the installed nginx
# make run       a demo site with its own Redis, in the foreground
# make check     every test, then the same under the sanitizers
# make unit      the unit tests, and the fuzzers on the inputs in the tree
# make fuzz      every fuzzer for FUZZ_TIME seconds; make fuzz-NAME: one
# make asan      build/asan/nginx, the module inside, with the sanitizers
# make valgrind  every test with nginx under valgrind, or those in TESTS
# make faults    each fault of t/faults, which the tests must see
# make bench     the comparison with other gateways; what the status costs
# make bench-forms
#                how many megabytes of forms are parsed in a second
# make bench-clocks
#                what the response clocks cost Redis
# make campaign-clocks
#                a million messages in any order, and every fault
# make campaign-forms
#                FORMS bodies, read by the module's parsers and by another
# make campaign-zones
#                every time zone, 1970 to 2060, and CALENDARS business clocks
# make campaign-idle
#                CONNECTIONS clients that say nothing, or too little
# make campaign-memory
#                each allocation of one request of each kind fails, once
# make campaign-power
#                the power fails POWER_CUTS times for Redis with each fsync
#                policy, and for the spool
# make campaign-deliveries
#                DELIVERIES deliveries under every fault, to one Redis
# make campaign-cluster
#                CLUSTER_DELIVERIES deliveries, to a cluster
# make soak      50 reloads under load, then load for SOAK_TIME seconds
# make install   into DESTDIR; MODULES_DIR and CONF_DIR say where
# make deps      the Debian packages that building and testing need

SHELL := /bin/bash

ifeq ($(MAKELEVEL),0)
MAKEFLAGS += --no-print-directory -j$(shell nproc)
endif

CC = gcc
CLANG = clang
PROVE = prove -j2
FUZZ_TIME = 60
SOAK_TIME = 600
CLOCK_EVENTS = 1000000
FORMS = 1000000
CALENDARS = 500
CONNECTIONS = 10000
TESTS = t/*.t
POWER_CUTS = 100
DELIVERIES = 1000000
CLUSTER_DELIVERIES = 100000

MODULES_DIR = /usr/lib/nginx/modules
CONF_DIR = /etc/nginx

# nginx's headers and configure, as Debian's nginx-dev has them, and its whole
# source, for the sanitizers
NGINX_DEV = /usr/share/nginx/src
NGINX_SOURCE = $(CURDIR)/build/source/nginx

SCRIPTS := $(wildcard src/redis/scripts/*.lua src/redis/scripts/*/*.lua)
HEADERS := $(wildcard src/*.h src/*/*.h t/unit/*.h t/fuzz/*.h)

RUN_PACKAGES = ca-certificates curl gcc libc6-dev libhiredis-dev \
    libjansson-dev libpcre2-dev libssl-dev make nginx nginx-dev openssl \
    perl redis-server zlib1g-dev
TEST_PACKAGES = binutils chromium clang faketime iproute2 libc6-dbg \
    libclang-rt-dev \
    libnginx-mod-http-lua libnginx-mod-nchan libprotocol-http2-perl \
    lua-nginx-redis lynx patch prometheus python3 python3-icalendar \
    python3-jsonschema python3-redis python3-yaml redis-tools strace tzdata \
    util-linux valgrind w3m wrk

CC_OPT = -O2 -fPIC -fstack-protector-strong -D_FORTIFY_SOURCE=2 \
    -Wextra -Wformat -Werror=format-security
LD_OPT = -Wl,-z,relro -Wl,-z,now

# nginx itself copies from NULL when there is nothing to copy, and reads
# integers where they lie
SANITIZE = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
    -fno-sanitize-recover=undefined -fno-sanitize=nonnull-attribute,alignment

# allocations of an nginx whose tool has taken their names can fail, too

WRAP = $(CURDIR)/build/failing_malloc.o \
    $(addprefix -Wl$(comma)--wrap=,malloc calloc realloc memalign \
        aligned_alloc posix_memalign)

comma := ,

TEST_CFLAGS = $(SANITIZE) -Wall -Wextra -Werror -Wno-unused-parameter \
    $(addprefix -I,build src $(wildcard src/*/) t/unit) \
    $(addprefix -isystem $(NGINX_DEV)/src/,core event os/unix http \
        http/modules http/v2)


all: build/Makefile
	@echo "building build/ngx_http_intake_module.so"
	@$(MAKE) -s -C build/nginx-dev -f $(CURDIR)/build/Makefile modules


# $(call configure,FROM,INTO,OPTIONS) runs nginx's configure with the options
# of the installed nginx.  Headers that say the same as before keep their
# times, so that only what changed is compiled.

define configure
	@echo "configuring $(2)"
	@for f in $(2)/ngx_auto_{config,headers}; do \
	    ! [ -f $$f.h ] || cp -p $$f.h $$f.old; done
	@. $(NGINX_DEV)/conf_flags && cd $(1) \
	    && ./configure "$${NGX_CONF_FLAGS[@]}" --with-debug \
	       --builddir=$(CURDIR)/$(2) --with-cc="$(CC)" $(3) \
	       > $(CURDIR)/$(2)/configure.log \
	    || { tail -n 20 $(CURDIR)/$(2)/configure.log; exit 1; }
	@grep -A 1 warning: $(2)/configure.log || :
	@for f in $(2)/ngx_auto_{config,headers}; do \
	    ! cmp -s $$f.h $$f.old || mv $$f.old $$f.h; done
endef


# configure writes where it stands, and the folder of nginx-dev belongs to
# root: it runs in a folder of links

build/Makefile: Makefile config $(SCRIPTS) $(NGINX_DEV)/configure
	@rm -f $@ build/ngx_http_intake_module.so
	@mkdir -p build/nginx-dev
	@ln -sfn $(NGINX_DEV)/{auto,src,configure} build/nginx-dev
	$(call configure,build/nginx-dev,build, \
	    --with-cc-opt="$(CC_OPT)" --with-ld-opt="$(LD_OPT)" \
	    --add-dynamic-module=$(CURDIR))


# nginx with the module inside, for a tool that looks for errors: what it is
# compiled and linked with

asan_cc = $(SANITIZE)
asan_ld = $(SANITIZE) -static-libasan $(WRAP)

memcheck_cc = -O1 -g -fno-omit-frame-pointer -fno-pie
memcheck_ld = -no-pie $(WRAP)

asan memcheck: %: build/%/Makefile
	@echo "building build/$@/nginx"
	@$(MAKE) -s -C $(NGINX_SOURCE) -f $(CURDIR)/build/$@/Makefile binary

build/asan/Makefile build/memcheck/Makefile: build/%/Makefile: Makefile \
        config $(SCRIPTS) build/failing_malloc.o | $(NGINX_SOURCE)/configure
	@rm -f $@ build/$*/nginx
	@mkdir -p build/$*
	$(call configure,$(NGINX_SOURCE),build/$*, \
	    --with-http_addition_module --with-http_sub_module \
	    --with-cc-opt="$($*_cc) -DNGX_DEBUG_PALLOC=1" \
	    --with-ld-opt="$($*_ld)" \
	    --add-module=$(CURDIR))

build/failing_malloc.o: t/campaign/failing_malloc.c
	@mkdir -p $(@D)
	@$(CC) -O2 -g -Wall -Wextra -Werror -DNGX_FAILING_WRAP -c -o $@ $<

$(CURDIR)/build/source/nginx/configure:
	.ci/nginx-source build/source


# A test names the files and libraries it is linked with in its first lines:
#     /* sources: src/verify/ngx_intake_digest.c */
#     /* libs: -lcrypto */

names = $(shell sed -n '1,20s|^/\* $(1): \(.*\) \*/$$|\1|p' $(2))

UNIT := $(patsubst t/%.c,build/%,$(wildcard t/unit/*_test.c))
FUZZ := $(patsubst t/fuzz/%_fuzz.c,%,$(wildcard t/fuzz/*_fuzz.c))
REPLAY := $(patsubst %,build/replay/%_fuzz,$(FUZZ))

.SECONDEXPANSION:

$(UNIT): build/unit/%: t/unit/%.c $$(call names,sources,t/unit/$$*.c) \
        $(HEADERS) | build/Makefile
	@echo "building $@"
	@mkdir -p $(@D)
	@$(CC) $(TEST_CFLAGS) -o $@ $(filter %.c,$^) $(call names,libs,$<)

$(REPLAY): build/replay/%: t/fuzz/%.c $$(call names,sources,t/fuzz/$$*.c) \
        t/fuzz/driver.c $(HEADERS) | build/Makefile
	@echo "building $@"
	@mkdir -p $(@D)
	@$(CC) $(TEST_CFLAGS) -o $@ $(filter %.c,$^) $(call names,libs,$<)

$(FUZZ:%=build/fuzz/%_fuzz): build/fuzz/%: t/fuzz/%.c \
        $$(call names,sources,t/fuzz/$$*.c) $(HEADERS) | build/Makefile
	@echo "building $@"
	@mkdir -p $(@D)
	@$(CLANG) $(TEST_CFLAGS) -fsanitize=fuzzer -o $@ $(filter %.c,$^) \
	    $(call names,libs,$<)

build/oracle/forms: t/oracle/forms.c $(call names,sources,t/oracle/forms.c) \
        $(HEADERS) | build/Makefile
	@echo "building $@"
	@mkdir -p $(@D)
	@$(CC) $(TEST_CFLAGS) -o $@ $(filter %.c,$^) $(call names,libs,$<)

build/bench/forms: t/bench/forms.c $(call names,sources,t/bench/forms.c) \
        $(HEADERS) | build/Makefile
	@echo "building $@"
	@mkdir -p $(@D)
	@$(CC) $(filter-out $(SANITIZE),$(TEST_CFLAGS)) $(CC_OPT) -o $@ \
	    $(filter %.c,$^)

unit: $(UNIT) $(REPLAY) build/oracle/forms
	$(PROVE) -e '' $(UNIT) $(REPLAY)
	t/oracle/forms.py -n 5000 build/oracle/forms

# what a fuzzer breaks is kept in t/fuzz/regression, which make unit replays

fuzz: $(FUZZ:%=fuzz-%)

$(FUZZ:%=fuzz-%): fuzz-%: build/fuzz/%_fuzz
	@mkdir -p build/corpus/$* t/fuzz/corpus/$* t/fuzz/regression/$*
	@echo "running $< for $(FUZZ_TIME) seconds"
	@$< -max_total_time=$(FUZZ_TIME) -timeout=10 -rss_limit_mb=1024 \
	    -artifact_prefix=t/fuzz/regression/$*/ \
	    build/corpus/$* t/fuzz/corpus/$* t/fuzz/regression/$* \
	    > build/fuzz/$*.log 2>&1 \
	    || { tail -n 50 build/fuzz/$*.log; exit 1; }
	@echo "$*: $$(grep '^Done' build/fuzz/$*.log)"


check:
	@$(MAKE) deps
	@$(MAKE) all
	@$(MAKE) unit
	$(PROVE) t/*.t
	@if $(MAKE) $(NGINX_SOURCE)/configure; then $(MAKE) check-asan; \
	else echo "The source of nginx is not to be had:" \
	    "the tests were not run under the sanitizers."; fi

check-asan: asan
	INTAKE_NGINX=$(CURDIR)/build/asan/nginx INTAKE_MODULE= $(PROVE) t/*.t

# Under valgrind much takes too long where others work: what failed is run once
# more, alone.  A report of valgrind is never forgiven.

valgrind:
	@$(MAKE) deps
	@$(MAKE) all
	@$(MAKE) memcheck
	@rm -rf build/valgrind
	@mkdir -p build/valgrind
	@export INTAKE_NGINX=$(CURDIR)/build/memcheck/nginx INTAKE_MODULE= \
	    INTAKE_VALGRIND=$(CURDIR)/build/valgrind; \
	    state=--statefile=build/valgrind/.state; \
	    $(PROVE) $$state --state=save $(TESTS) \
	    || prove $$state --state=failed
	@! cat build/valgrind/* 2> /dev/null | grep .

campaign-idle:
	@$(MAKE) deps
	@$(MAKE) all
	ulimit -n 20000 \
	    && INTAKE_CONNECTIONS=$(CONNECTIONS) prove -v t/93-idle.t

faults:
	@$(MAKE) deps
	@t/faults/run $(FAULTS)

bench:
	@$(MAKE) deps
	@$(MAKE) all
	@t/bench/run

soak:
	@$(MAKE) deps
	@$(MAKE) all
	INTAKE_SLOW=1 $(PROVE) t/52-lifecycle.t
	@SOAK_TIME=$(SOAK_TIME) t/bench/soak

campaign-clocks:
	@$(MAKE) deps
	/usr/bin/python3 t/oracle/clocks.py converge -n $(CLOCK_EVENTS)
	INTAKE_SLOW=1 INTAKE_STEPS=5000 $(PROVE) t/12-clock-script.t

bench-forms: build/bench/forms
	@build/bench/forms

bench-clocks:
	@$(MAKE) deps
	@t/bench/clocks

campaign-forms: build/oracle/forms
	t/oracle/forms.py -n $(FORMS) build/oracle/forms

campaign-zones: build/unit/tzif_test build/unit/business_clock_test
	t/oracle/zones.py -n $(CALENDARS) --slim

campaign-memory:
	@$(MAKE) deps
	@$(MAKE) all
	INTAKE_SLOW=1 $(PROVE) -v t/94-memory-failures.t
	@$(MAKE) asan
	INTAKE_SLOW=1 INTAKE_NGINX=$(CURDIR)/build/asan/nginx INTAKE_MODULE= \
	    $(PROVE) -v t/94-memory-failures.t

campaign-power:
	@$(MAKE) deps
	@$(MAKE) all
	INTAKE_CUTS=$(POWER_CUTS) $(PROVE) -v t/95-power-loss.t

campaign-deliveries:
	@$(MAKE) deps
	@$(MAKE) all
	DELIVERIES=$(DELIVERIES) t/campaign/deliveries

campaign-cluster:
	@$(MAKE) deps
	@$(MAKE) all
	DELIVERIES=$(CLUSTER_DELIVERIES) t/campaign/deliveries cluster

run:
	@$(MAKE) deps-run
	@$(MAKE) all
	@exec conf/run

deps:
	@.ci/deps $(sort $(RUN_PACKAGES) $(TEST_PACKAGES))

deps-run:
	@.ci/deps $(RUN_PACKAGES)

install: all
	install -d $(DESTDIR)$(MODULES_DIR) $(DESTDIR)$(CONF_DIR)/intake
	install -m 644 build/ngx_http_intake_module.so $(DESTDIR)$(MODULES_DIR)
	install -m 644 conf/intake/*.conf $(DESTDIR)$(CONF_DIR)/intake

clean:
	rm -rf build

.PHONY: all asan memcheck unit fuzz $(FUZZ:%=fuzz-%) check check-asan \
    valgrind faults bench bench-forms bench-clocks soak run campaign-clocks \
    campaign-forms campaign-idle campaign-memory campaign-power \
    campaign-zones campaign-deliveries campaign-cluster deps deps-run \
    install clean
