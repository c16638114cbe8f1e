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

[ -f "$build/cornu-draw.so" ] || exit 0
step "the drawing module is found from the library and from a program"
cat >"$folder/plot.c" <<'END'
#include <cornu/explain.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    static const float x[8] = {0, 0, 0, 1, 1, 0, 1, 1}, y[4] = {0, 1, 1, 0};
    cn_set_random_seed(1);
    cn_model *model = cn_sequential();
    const char *error = NULL;
    cn_add(model, cn_input({2}));
    cn_add(model, cn_dense(1));
    cn_compile(model, .loss = "mse");
    cn_array inputs = {.data = x, .rank = 2, .shape = {4, 2}}, targets = {.data = y, .rank = 2, .shape = {4, 1}};
    cn_history *history = cn_fit(model, inputs, targets, .epochs = 2);
    if (!history) fprintf(stderr, "%s\n", cn_error(model));
    else if (cn_plot_history(history, argc > 1 ? argv[1] : "curves.png", &error)) fprintf(stderr, "%s\n", error);
    int failed = !history || error;
    cn_model_free(model);
    return failed;
}
END
flags=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --cflags --libs cornu)
static_flags=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --static --cflags --libs cornu | sed 's/-lcornu/-l:libcornu.a/')
# shellcheck disable=SC2086 # lists of words
${CC:-cc} "$folder/plot.c" $flags -o "$folder/plot"
# shellcheck disable=SC2086
${CC:-cc} "$folder/plot.c" $static_flags -o "$prefix/bin/plot"
unset CORNU_MODULES
LD_LIBRARY_PATH=$prefix/lib "$folder/plot" "$folder/shared.png"
"$prefix/bin/plot" "$folder/static.png"
cmp "$folder/shared.png" "$folder/static.png"
