#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Remakes what the program itself prints and draws in docs/explain.md:  docs.sh CORNU [--check]
# A comment <!-- cornu ... --> stands before each block that holds its output.  --check compares and changes nothing;
# pictures are remade only without it (fonts differ between machines).
set -eu
cornu=$(realpath "$1")
cd "$(dirname "$0")/.."
page=docs/explain.md new=$(mktemp)
trap 'rm -f "$new"' EXIT

while IFS= read -r line; do
    case $line in
    '<!-- cornu '*) command=${line#<!-- cornu } command=${command% -->} ;;
    '```text')
        printf '%s\n' "$line"
        eval "\"$cornu\" $command" || true
        while IFS= read -r line && [ "$line" != '```' ]; do :; done
        ;;
    esac
    printf '%s\n' "$line"
done <$page >"$new"

if [ "${2:-}" = --check ]; then
    diff -u $page "$new"
    exit
fi
cp "$new" $page

folder=$(mktemp -d)
"$cornu" explain examples/mnist.py --svg "$folder" --quiet
mv "$folder/dead.svg" "$folder/field.svg" docs/pictures
"$cornu" explain "Sequential([Input((16, 16, 3)), Conv2D(64, 5, strides=2, padding='same')])" --svg "$folder" --quiet
mv "$folder/conv2d-window.svg" docs/pictures/window.svg
rm -r "$folder"
