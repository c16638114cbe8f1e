#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/graph/keras_poolings.inc: fingerprints of pooling layers and their gradients as Keras computes them.

Run with KERAS_BACKEND=jax.  The input has many ties, so that it matters which of them gets the gradient."""
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")
import jax
import jax.numpy as jnp
import numpy as np
import keras

from make_convolutions import fingerprint, pattern, same

# sort, n, h, w, c, window, strides, padding
CASES = [
    ("MAX", 2, 8, 6, 3, (2, 2), (2, 2), "valid"),
    ("MAX", 1, 7, 9, 5, (3, 3), (2, 2), "same"),
    ("MAX", 1, 9, 9, 33, (3, 2), (1, 1), "same"),
    ("MAX", 1, 20, 19, 2, (17, 16), (1, 2), "valid"),
    ("MAX", 1, 8, 8, 16, (2, 3), (3, 4), "valid"),
    ("AVERAGE", 2, 8, 6, 3, (2, 2), (2, 2), "valid"),
    ("AVERAGE", 1, 7, 9, 35, (3, 3), (2, 1), "same"),
    ("AVERAGE", 1, 6, 5, 4, (4, 5), (3, 2), "same"),
    ("GLOBAL_MAX", 2, 5, 7, 19, (1, 1), (1, 1), "valid"),
    ("GLOBAL_AVERAGE", 2, 4, 6, 19, (1, 1), (1, 1), "valid"),
]
LAYERS = {
    "MAX": lambda w, s, p: keras.layers.MaxPooling2D(w, s, p),
    "AVERAGE": lambda w, s, p: keras.layers.AveragePooling2D(w, s, p),
    "GLOBAL_MAX": lambda w, s, p: keras.layers.GlobalMaxPooling2D(),
    "GLOBAL_AVERAGE": lambda w, s, p: keras.layers.GlobalAveragePooling2D(),
}


def run(case):
    sort, n, h, w, c, window, strides, padding = case
    layer = LAYERS[sort](window, strides, padding)
    x = pattern((n, h, w, c), 7, 11, 5)
    y, back = jax.vjp(layer, jnp.asarray(x))
    (dx,) = back(jnp.asarray(pattern(y.shape, 11, 13, 6)))
    pads = [0] * 4
    if padding == "same":
        pads = [*same(h, window[0], strides[0], 1), *same(w, window[1], strides[1], 1)]
    return "{{%s, %d, %d, %d, %d, {%d, %d}, {%d, %d}, {%d, %d, %d, %d}}, %.9g, %.9g}," % (
        sort, n, h, w, c, *window, *strides, *pads, fingerprint(y), fingerprint(dx))


if __name__ == "__main__":
    assert keras.backend.backend() == "jax"
    with open(sys.argv[1] if len(sys.argv) > 1 else "tests/graph/keras_poolings.inc", "w") as out:
        out.write("/* SPDX-License-Identifier: Apache-2.0 */\n/* Keras %s on JAX, by tools/golden/make_poolings.py. */\n" % keras.__version__)
        for case in CASES:
            out.write(run(case) + "\n")
