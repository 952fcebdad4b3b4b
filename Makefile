# The commands of this project; each installs what it needs, says so, and is quick when nothing
# changed.
#
#   make demo        two containers talking through our switch, from nothing to a summary
#   make test        every check and test that fits in ten minutes on two cores
#   make test-full   the long suites as well
#   make perf        what is promised beside Open vSwitch, measured and judged (some minutes)
#   make build       the C core, its programs and an editable install in .venv
#   make check       lint, types, layering
#   make clean       removes .venv and build
#
# How it keeps quick: .ci/bootstrap looks for commands and headers each time (milliseconds);
# everything else hangs on stamp files in .venv that are younger than what they were made from.

SHELL       := /bin/sh
MAKEFLAGS   += --no-print-directory
VENV        := .venv
PYTHON      := $(VENV)/bin/python
PIP         := $(PYTHON) -m pip --disable-pip-version-check -qq
C_SOURCES   := $(shell find datapath containers/init -name '*.[ch]' -o -name '*.def' -o -name build_ffi.py)
C_TESTS     := $(wildcard tests/c/*.[ch] tests/fuzz/*.[ch])
PACKAGES    := vswitch datapath controlplane containers manual perf tests .ci
FUZZ_SECONDS ?= 3

export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PIP_ROOT_USER_ACTION := ignore

.PHONY: demo test test-full perf build check clean system-demo system-test system-full system-perf ctest ctest-long fuzz pytest-asan long-first-hour long-models long-kernel
.DELETE_ON_ERROR:

demo: system-demo $(VENV)/.built
	@$(PYTHON) -m tests.demo

build: system-demo $(VENV)/.built

# ---- what has to be there ----

system-demo:
	@.ci/bootstrap demo
system-test:
	@.ci/bootstrap test
system-full:
	@.ci/bootstrap full
system-perf:
	@.ci/bootstrap perf

$(VENV)/.packages: pyproject.toml .ci/requirements.py | system-demo
	@echo "==> Installing Python packages into $(VENV)"
	@$(PYTHON) .ci/requirements.py build run > $(VENV)/requirements.txt
	@$(PIP) install -r $(VENV)/requirements.txt
	@touch $@

# Ryu's own apps, unmodified, for tests; its setup script knows setuptools of those days only.
RYU_BUILD = PIP_CONSTRAINT=.ci/ryu-builds-with.txt PIP_BUILD_CONSTRAINT=.ci/ryu-builds-with.txt

$(VENV)/.test-packages: $(VENV)/.packages .ci/ryu-builds-with.txt
	@echo "==> Installing the test tools into $(VENV)"
	@$(PYTHON) .ci/requirements.py test > $(VENV)/requirements.txt
	@$(PIP) install -r $(VENV)/requirements.txt
	@$(RYU_BUILD) $(PIP) install --use-pep517 --no-deps ryu==4.34 || \
	  echo "==> Ryu 4.34 can't be built with this Python: its own apps go untested"
	@touch $@

# The editable install has a list of the modules: one that moves, comes or goes is told to it.
MODULES := $(shell find vswitch datapath controlplane containers -name '*.py' | sort)

$(VENV)/.modules: FORCE | $(VENV)/.packages
	@echo "$(MODULES)" | cmp -s - $@ || echo "$(MODULES)" > $@
FORCE:

$(VENV)/.built: $(VENV)/.packages $(VENV)/.modules pyproject.toml CMakeLists.txt $(C_SOURCES) $(wildcard systemd/*)
	@echo "==> Building the C core and installing vswitch into $(VENV) (editable)"
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

# ---- checks ----

C_FORMATTED = $(filter %.c %.h,$(C_SOURCES)) $(C_TESTS)

check: system-test $(VENV)/.test-packages
	@echo "==> clang-format, ruff, mypy, layering"
	@$(VENV)/bin/clang-format --dry-run -Werror $(C_FORMATTED)
	@$(VENV)/bin/ruff check --quiet $(wildcard $(PACKAGES))
	@$(VENV)/bin/mypy --no-error-summary
	@$(PYTHON) -m pytest -q tests/unit/test_layers.py tests/unit/test_c_files.py

# Each flavour of the C side has a build folder; warnings are errors in all of them.
CMAKE_FLAVOUR = cmake -S . -G Ninja -DVSWITCH_WERROR=ON -DPython_EXECUTABLE=$(CURDIR)/$(PYTHON) -Wno-dev --log-level=ERROR

build/plain/.done: CMakeLists.txt $(C_SOURCES) $(C_TESTS) | $(VENV)/.packages
	@echo "==> Compiling the C tests"
	@$(CMAKE_FLAVOUR) -B build/plain -DVSWITCH_TESTS=ON -DVSWITCH_PYTHON=OFF
	@ninja -C build/plain --quiet && touch $@

build/asan/.done: CMakeLists.txt $(C_SOURCES) $(C_TESTS) | $(VENV)/.packages
	@echo "==> Compiling with address and undefined-behaviour sanitizers"
	@$(CMAKE_FLAVOUR) -B build/asan -DVSWITCH_TESTS=ON -DVSWITCH_SANITIZE=ON
	@ninja -C build/asan --quiet && touch $@

# Of the tests, those with threads; one of them has a race on purpose and must be found out.
build/tsan/.done: CMakeLists.txt $(C_SOURCES) $(C_TESTS) | $(VENV)/.packages
	@echo "==> Compiling with the thread sanitizer"
	@$(CMAKE_FLAVOUR) -B build/tsan -DVSWITCH_TESTS=ON -DVSWITCH_THREADS=ON -DVSWITCH_PYTHON=OFF
	@ninja -C build/tsan --quiet && touch $@

build/fuzz/.done: CMakeLists.txt $(C_SOURCES) $(C_TESTS)
	@echo "==> Compiling the fuzz targets with clang"
	@CC=clang $(CMAKE_FLAVOUR) -B build/fuzz -DVSWITCH_FUZZ=ON -DVSWITCH_PYTHON=OFF
	@ninja -C build/fuzz --quiet && touch $@

ctest: system-test build/plain/.done build/asan/.done build/tsan/.done
	@echo "==> C tests, plain and sanitized"
	@ctest --test-dir build/plain --output-on-failure --no-tests=error -j2
	@ctest --test-dir build/asan --output-on-failure --no-tests=error -j2
	@ctest --test-dir build/tsan --output-on-failure --no-tests=error -j2

# What random inputs find late: HARDENING S3 and S11 by the ten millions, and two threads for longer.
ctest-long: system-test build/plain/.done build/asan/.done build/tsan/.done
	@echo "==> C tests at length"
	@build/asan/test_mutated 10000000
	@build/plain/test_twins 10000000
	@build/plain/test_shapes 100000000
	@build/asan/test_offload 3000000
	@build/asan/test_worker_objects 1000000
	@build/tsan/test_worker_leaving 3000

fuzz: system-test build/fuzz/.done
	@.ci/fuzz build/fuzz $(FUZZ_SECONDS)

# The packet tests once more over the sanitized core; Python itself leaks on purpose at exit.
pytest-asan: build/asan/.done $(VENV)/.test-packages $(VENV)/.built
	@echo "==> Packet tests over the sanitized core"
	@LD_PRELOAD="$$(cc -print-file-name=libasan.so) $$(cc -print-file-name=libubsan.so)" \
	  ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 PYTHONMALLOC=malloc VSWITCH_FLAVOUR=build/asan \
	  $(PYTHON) -m pytest -q -p no:cacheprovider $(ON_BOTH_CORES) $(ASAN_TESTS)

PACKET_TESTS = $(wildcard tests/packet tests/oracle)

# Tests that share nothing run side by side; others have the kernel and its clock in common.
ON_BOTH_CORES = -n 2
APART = tests/net tests/first_hour
# Of these, containers have a kernel's worth of namespaces each, and wait more than they compute.
CONTAINERS = $(wildcard tests/net/test_container*.py)
REST = $(APART) $(CONTAINERS:%=--ignore %)

test: check ctest fuzz
	@$(MAKE) pytest-asan ASAN_TESTS='$(PACKET_TESTS) -m "not slow"'
	@$(MAKE) $(VENV)/.built
	@echo "==> Python tests"
	@$(PYTHON) -m pytest -q -m "not slow" $(ON_BOTH_CORES) $(APART:%=--ignore %) tests
	@echo "==> Python tests of containers"
	@$(PYTHON) -m pytest -q -m "not slow" $(ON_BOTH_CORES) $(CONTAINERS)
	@echo "==> Python tests in network namespaces"
	@$(PYTHON) -m pytest -q -m "not slow" $(REST)

# Parts of test-full that .ci/run takes one by one.
LONG = @$(PYTHON) -m pytest -q -m slow --durations=5
long-first-hour: system-full $(VENV)/.test-packages $(VENV)/.built
	$(LONG) tests/first_hour
long-models: system-test $(VENV)/.test-packages $(VENV)/.built
	$(LONG) $(ON_BOTH_CORES) tests/oracle tests/packet
long-kernel: system-test $(VENV)/.test-packages $(VENV)/.built
	$(LONG) -k 'not a-minute' tests/unit tests/net

test-full: system-full check ctest ctest-long
	@$(MAKE) fuzz FUZZ_SECONDS=60
	@$(MAKE) pytest-asan ASAN_TESTS='$(PACKET_TESTS)'
	@$(MAKE) $(VENV)/.built
	@echo "==> Python tests, long suites included"
	@HYPOTHESIS_PROFILE=random $(PYTHON) -m pytest -q $(ON_BOTH_CORES) $(APART:%=--ignore %) tests
	@echo "==> Python tests in network namespaces, long suites included"
	@HYPOTHESIS_PROFILE=random $(PYTHON) -m pytest -q $(APART)

perf: system-perf $(VENV)/.built
	@$(PYTHON) -m perf bars

clean:
	rm -rf $(VENV) build
