#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make bench` runs:  tools/bench.sh BUILD_DIR    the kernels over the shapes of networks, then predictions and steps
# of training of the example models.
set -eu
build=$1
for program in "$build"/bench_*; do
    case $program in
    */bench_steps | *.* | *'*') continue ;; # bench_steps takes a network apart
    esac
    echo "== $(basename "$program")"
    "$program"
done
[ -x "$build/cornu" ] || exit 0
for model in examples/*.json; do
    [ -e "$model" ] || continue
    for what in "" --train; do
        echo "== cornu bench $model --batch 128 $what"
        # shellcheck disable=SC2086 # nothing or one word
        "$build/cornu" bench "$model" $what --batch 128
    done
done
