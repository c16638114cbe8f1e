#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make bench` runs:  tools/bench.sh BUILD_DIR    the kernels over the shapes of networks, then predictions and steps
# of training of the example models.  bench_steps takes one network apart.
set -eu
build=$1
"$build/bench_kernels" --list core,batch,resnet_50,vgg_19,densenet,mobilenet,mobilenet_dw,efficientdet,grouped,dilated,tails,dense
[ -x "$build/cornu" ] || exit 0
for model in examples/*.json; do
    [ -e "$model" ] || continue
    for what in "" --train; do
        echo "== cornu bench $model --batch 128 $what"
        # shellcheck disable=SC2086 # nothing or one word
        "$build/cornu" bench "$model" $what --batch 128
    done
done
