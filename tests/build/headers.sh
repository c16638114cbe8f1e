#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each public header alone, and the examples, with strict warnings in every language that they promise:
#   headers.sh SOURCE_DIR [EXTRA_INCLUDE_FOLDER…]
set -eu
source=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
strict="-Wall -Wextra -Wpedantic -Werror"
done=0 failed=0

# compile COMPILER STANDARD FILE FLAGS…
compile() {
    compiler=$1 standard=$2 file=$3
    shift 3
    command -v "$compiler" >/dev/null || return 0
    done=$((done + 1))
    # shellcheck disable=SC2086 # lists of words
    "$compiler" -std="$standard" -fsyntax-only -I"$source/include" "$@" "$file" && return 0
    echo "FAILED: $compiler -std=$standard $* $file" >&2
    failed=$((failed + 1))
}

# everywhere NAME TEXT…: the lines of text as a C and as a C++ file, with all compilers and standards.
everywhere() {
    name=$1
    shift
    printf '%s\n' "$@" >"$folder/$name.c"
    cp "$folder/$name.c" "$folder/$name.cc"
    for compiler in gcc clang; do
        for standard in c99 c11 c17; do compile $compiler $standard "$folder/$name.c" $strict; done
    done
    for compiler in g++ clang++; do compile $compiler c++20 "$folder/$name.cc" $strict; done
}

# What a header that is not self-contained, or not C++, looks like: the test must see it.
everywhere broken 'int new(void);' 'uint32_t x;' 2>/dev/null
if [ "$done" = 0 ] || [ "$failed" != "$done" ]; then
    echo "headers.sh: $done compilations of a broken header, $failed failed; all should" >&2
    exit 1
fi
done=0 failed=0

for header in "$source"/include/cornu/*.h; do
    header=$(basename "$header")
    everywhere "$(basename "$header" .h)" "#include <cornu/$header>" "#include <cornu/$header>" \
        "int cornu_header_test;"
done

# Programs that use the headers: C in every standard, and as C++ (keywords that are not given are no warning there).
# C++ has no arguments by position: a program that uses them has a sibling NAME.cpp, which is taken instead.
for program in "$source"/examples/*.c "$source"/tests/build/use_*.c; do
    [ -e "$program" ] || continue
    for compiler in gcc clang; do
        for standard in c99 c11 c17; do compile $compiler $standard "$program" $strict; done
    done
    sibling=${program%.c}.cpp
    [ -e "$sibling" ] || sibling=$program
    for compiler in g++ clang++; do
        compile $compiler c++20 "$sibling" $strict -x c++
    done
done

echo "$done compilations, $failed failed"
[ "$done" -gt 0 ] && [ "$failed" = 0 ]
