#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes every file of tests/golden anew with real Keras; with arguments only the parts named.
#   tools/golden/make.sh [layers|activations|random|learning|train|callbacks|run|files|summary|refuse|hdf5 ...]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${CORNU_VENV:-$HOME/.cache/cornu/keras}
if [ ! -x "$venv/bin/python" ]; then
    echo "no Keras in $venv: run tools/golden/setup.sh, or point CORNU_VENV at a virtual environment that has it" >&2
    exit 1
fi
[ $# -gt 0 ] || set -- layers activations random learning train callbacks run files summary texts refuse hdf5
for part; do
    "$venv/bin/python" "$here/make_$part.py"
done
"$venv/bin/python" "$here/make_manifest.py"
