#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the virtual environment with real Keras that the golden vectors come from, outside the source tree.
#   tools/golden/setup.sh          into $CORNU_VENV, or ~/.cache/cornu/keras
set -eu
venv=${CORNU_VENV:-$HOME/.cache/cornu/keras}
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 jax==0.10.2 h5py
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$venv/bin/python" -c 'import h5py, jax, keras; print("keras", keras.__version__, "jax", jax.__version__)'
echo "$venv/bin/python"
