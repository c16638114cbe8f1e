#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The pages made of tables are what the tables say, and every C example in them compiles:  reference.sh PROGRAM SOURCE_DIR
set -eu
program=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

page() { # NAME [OPTION]
    "$program" ${2:+"$2"} > "$work/$1.md"
    if ! diff -u "$source/docs/$1.md" "$work/$1.md" > "$work/difference"; then
        head -n 40 "$work/difference"
        echo "docs/$1.md is not what the tables say; make it anew:  $program${2:+ $2} > docs/$1.md"
        exit 1
    fi
}
page reference
page pytorch --pytorch
"$program" --examples > "$work/examples.c"
${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I "$source/include" "$work/examples.c"
