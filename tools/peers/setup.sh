#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the virtual environment with the programs that Cornu is measured against, outside the source tree.
#   tools/peers/setup.sh          into $CORNU_PEERS, or ~/.cache/cornu/peers
set -eu
venv=${CORNU_PEERS:-$HOME/.cache/cornu/peers}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check torch==2.15.0 numpy
"$venv/bin/python" -c 'import torch; print("torch", torch.__version__)'
echo "$venv/bin/python"
