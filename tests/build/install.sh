#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs into a temporary prefix, moves that, and builds a stranger's project with what it finds there, by pkg-config
# and by CMake:  install.sh SOURCE_DIR BUILD_DIR formats|no-formats
set -eu
stranger=$1/tests/build/stranger build=$2 formats=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
step() { echo "-- $*"; }

step "install, then move the installed tree"
cmake --install "$build" --prefix "$folder/made" >"$folder/log"
mv "$folder/made" "$folder/prefix"
prefix=$folder/prefix
if grep -rIl -e "$folder/made" -e "$build" "$prefix"; then
    echo "^ installed files that name where they were made"
    exit 1
fi
if [ "$formats" = formats ] && [ -x "$build/cornu" ]; then
    step "the installed command"
    "$prefix/bin/cornu" help >"$folder/help"
    [ -s "$folder/help" ]
fi

cp -r "$stranger" "$folder/pkgconfig"
stranger=$folder/stranger
cp -r "$folder/pkgconfig" "$stranger"
# Until the library trains, the stranger asks it for less.
if ! nm -D --defined-only "$prefix/lib/libcornu.so" | grep -q ' cn_model_fit$'; then
    printf '%s\n' '#include <cornu/cornu.h>' 'int main(void) { return !cn_status_name(CN_OK); }' >"$stranger/stranger.c"
    cp "$stranger/stranger.c" "$folder/pkgconfig"
fi

step "pkg-config"
PKG_CONFIG_PATH=$prefix/lib/pkgconfig make -s -C "$folder/pkgconfig" CC="${CC:-cc}"
LD_LIBRARY_PATH=$prefix/lib "$folder/pkgconfig/stranger"
readelf -d "$folder/pkgconfig/stranger" | grep -q 'NEEDED.*libcornu\.so\.[0-9]*\]'

step "CMake package"
cmake -S "$stranger" -B "$folder/cmake" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="${CC:-cc}" >"$folder/log"
cmake --build "$folder/cmake" >>"$folder/log"
"$folder/cmake/stranger"
"$folder/cmake/stranger_static"
if readelf -d "$folder/cmake/stranger_static" | grep 'NEEDED.*libcornu'; then
    echo "^ cornu::static brought in the shared library"
    exit 1
fi
