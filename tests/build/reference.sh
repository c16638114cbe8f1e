#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The reference page is what the tables say, and every C example in them compiles:  reference.sh PROGRAM SOURCE_DIR
set -eu
program=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$program" > "$work/reference.md"
if ! diff -u "$source/docs/reference.md" "$work/reference.md" > "$work/difference"; then
    head -n 40 "$work/difference"
    echo "docs/reference.md is not what the tables say; make it anew:  $program > docs/reference.md"
    exit 1
fi
"$program" --examples > "$work/examples.c"
${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I "$source/include" "$work/examples.c"
