# SPDX-License-Identifier: Apache-2.0
# The short way to everything; CMake does the work.  Every configuration has a build folder of its own.
#
#   make              the command build/cornu and the libraries, built for release
#   make demo         installs what it needs, builds, trains a small network on Fashion-MNIST and shows what it learned
#   make test         installs what it needs, builds, runs every test           (ONLY=regex for some of them)
#   make sanitize     the same tests with AddressSanitizer and UBSan, in build-sanitize
#   make clang        the same tests built by clang, in build-clang
#   make no-formats   the same tests without any format library, in build-no-formats
#   make neon         the same tests without formats, built for 64-bit ARM and run by QEMU, in build-neon
#   make bench        benchmarks
#   make golden-open  real Keras opens the files that Cornu writes (needs Keras: tools/golden/setup.sh)
#   make install      PREFIX=/usr/local, DESTDIR= as usual
#   make format       clang-format over the sources
#   make clean        removes every build folder

PREFIX = /usr/local
PYTHON := $(firstword $(wildcard $(CORNU_VENV)/bin/python $(HOME)/.cache/cornu/keras/bin/python) python3)
JOBS := $(shell nproc)
ONLY = .
CONFIGURE = cmake -S . -G Ninja
CTEST = ctest --output-on-failure --no-tests=error -j $(JOBS) -R '$(ONLY)' --output-junit junit.xml

# $(call suite,FOLDER,OPTIONS): configure, build, test.
define suite
	@tools/packages.sh build test
	@$(CONFIGURE) -B $(1) -DCORNU_TESTS=ON $(2) >/dev/null
	@cmake --build $(1) -j $(JOBS)
	@$(CTEST) --test-dir $(1) $(3)
endef

all:
	@tools/packages.sh --check build
	@$(CONFIGURE) -B build >/dev/null
	@cmake --build build -j $(JOBS) --target product

demo:
	@tools/packages.sh build demo
	@$(MAKE) --no-print-directory all
	@tools/demo.sh build/cornu

test:
	$(call suite,build)

sanitize:
	$(call suite,build-sanitize,-DCORNU_SANITIZE=address$(,)undefined)

clang:
	@tools/packages.sh clang
	$(call suite,build-clang,-DCMAKE_C_COMPILER=clang)

no-formats:
	$(call suite,build-no-formats,-DCORNU_FORMATS=OFF)

# Left out: test_networks trains ResNets, which takes minutes where each sum of a vector is emulated, and test_gather
# compares plans of the same kernels; what they need of NEON the others try in small.
neon:
	@tools/packages.sh neon
	$(call suite,build-neon,-DCMAKE_TOOLCHAIN_FILE=cmake/aarch64.cmake -DCORNU_FORMATS=OFF,-E '^test_(networks|gather)$$')

bench: all
	@cmake --build build -j $(JOBS) --target benchmarks
	@tools/bench.sh build

golden-open: all
	@$(PYTHON) tools/golden/open_ours.py build/cornu

install: all
	@DESTDIR=$(DESTDIR) cmake --install build --prefix $(PREFIX)

format:
	@git ls-files '*.c' '*.h' '*.inc' | xargs clang-format -i

clean:
	@rm -rf build build-*/

, := ,
.PHONY: all demo test sanitize clang no-formats neon bench golden-open install format clean
