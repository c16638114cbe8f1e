#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs an example in a folder of its own:  example.sh PROGRAM SOURCE
# An example that needs Fashion-MNIST is skipped where the pictures are not installed.
set -eu
program=$1 source=$2
if grep -q fashion-mnist "$source" && ! [ -d /usr/share/datasets/fashion-mnist ]; then
    echo "skipped: the Debian package dataset-fashion-mnist is not installed"
    exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$program"
