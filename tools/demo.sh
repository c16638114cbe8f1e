#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make demo` shows:  tools/demo.sh CORNU      EPOCHS=… to train longer
# Trains on Fashion-MNIST, evaluates, and looks at a few test pictures.  Leaves fashion.keras, history.json, curves.png.
set -eu
cornu=$1
data=/usr/share/datasets/fashion-mnist
classes="T-shirt/top Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag Ankle_boot"
if ! [ -x "$cornu" ]; then
    echo "demo: there is no command $cornu; run make first" >&2
    exit 1
fi
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() {
    printf '\n$ cornu %s\n' "$*"
    "$cornu" "$@"
}

say "A small convolutional network (examples/fashion.json)"
run summary examples/fashion.json

say "Training on 60,000 pictures of clothes"
run train examples/fashion.json --data fashion-mnist --epochs "${EPOCHS:-4}" --seed 42 \
    -o fashion.keras --history history.json --plot curves.png

say "How good is it on the 10,000 test pictures?"
run evaluate fashion.keras --data fashion-mnist

say "A few of the test pictures"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# The files are IDX: 16 bytes of header before the pictures, 8 before the labels (yann.lecun.com/exdb/mnist).
zcat "$data/t10k-images-idx3-ubyte.gz" | tail -c +17 | head -c 8000 >"$folder/pictures"
zcat "$data/t10k-labels-idx1-ubyte.gz" | tail -c +9 | head -c 10 | od -An -v -tu1 -w1 >"$folder/labels"
for picture in 0 1 2 3; do
    # A .npy file: magic, version, length of the header, header, data.
    header="{'descr': '|u1', 'fortran_order': False, 'shape': (1, 28, 28, 1), }"
    {
        printf '\223NUMPY\001\000\166\000%-117s\n' "$header"
        tail -c +$((picture * 784 + 1)) "$folder/pictures" | head -c 784
    } >"$folder/picture.npy"
    tail -c 784 "$folder/picture.npy" | od -An -v -tu1 -w28 | awk '
        { line = ""; for (x = 1; x <= NF; x++) line = line substr(" .:-=+*#%@", int($x / 25.6) + 1, 1) substr(" .:-=+*#%@", int($x / 25.6) + 1, 1)
          if (line ~ /[^ ]/) print "    " line }'
    class=$(sed -n "$((picture + 1))p" "$folder/labels")
    # shellcheck disable=SC2086 # a list of words
    printf 'picture %d: truly %s\n' $picture "$(echo $classes | cut -d' ' -f$((class + 1)) | tr _ ' ')"
    printf 'predicted: '
    "$cornu" predict fashion.keras "$folder/picture.npy" --top 3
done

say "Left here: fashion.keras, history.json, curves.png"
