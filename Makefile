# make, make demo, make test, make bench, make install PREFIX=…, make clean
all:
	@cmake -S . -B build -G Ninja >/dev/null && cmake --build build
.PHONY: all
