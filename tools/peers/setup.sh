#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the virtual environment with the programs that Cornu is measured against, outside the source tree.
#   tools/peers/setup.sh          into $CORNU_PEERS, or ~/.cache/cornu/peers (about 10 GB)
# keras, onnx and pnnx are there to make their models; those are kept in its folder "models".
set -eu
venv=${CORNU_PEERS:-$HOME/.cache/cornu/peers}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check torch==2.15.0 onnxruntime==1.31.1 openvino==2026.4.1 \
    tensorflow-cpu==2.21.0 jax==0.10.2 ai-edge-litert==2.3.0 ncnn==1.0.20261020 keras==3.15.1 onnx==1.23.2 pnnx==20261020 numpy
"$venv/bin/pip" list --disable-pip-version-check | grep -E '^(torch|onnxruntime|openvino|tensorflow-cpu|jax|ai-edge-litert|ncnn) '
echo "$venv/bin/python"
