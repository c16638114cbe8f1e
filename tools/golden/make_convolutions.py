#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/graph/keras_convolutions.inc: fingerprints of convolutions and their gradients as Keras computes them.

Run with KERAS_BACKEND=jax.  The numbers are whole, so that float32 holds every result exactly."""
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")
import jax
import jax.numpy as jnp
import numpy as np
import keras


def pattern(shape, factor, modulus, less):
    i = np.arange(int(np.prod(shape)), dtype=np.int64)
    return ((factor * i) % modulus - less).astype(np.float32).reshape(shape)


def fingerprint(v):
    v = np.asarray(v, np.float64).ravel()
    return float(np.sum(v * ((13 * np.arange(v.size)) % 17 - 8)))


def same(size, window, stride, dilation):
    k = (window - 1) * dilation + 1
    total = max((-(-size // stride) - 1) * stride + k - size, 0)
    return total // 2, total - total // 2


# sort, n, h, w, c, f, (kh, kw), strides, dilation, padding, groups, bias
CASES = [
    ("FORWARD", 2, 7, 8, 3, 4, (3, 3), (1, 1), (1, 1), "valid", 1, True),
    ("FORWARD", 2, 7, 8, 3, 4, (3, 3), (2, 2), (1, 1), "same", 1, True),
    ("FORWARD", 1, 28, 28, 1, 32, (5, 5), (1, 1), (1, 1), "same", 1, True),
    ("FORWARD", 1, 9, 10, 6, 10, (2, 4), (1, 1), (2, 1), "same", 2, True),
    ("FORWARD", 1, 11, 12, 17, 35, (3, 2), (3, 2), (1, 1), "valid", 1, False),
    ("FORWARD", 1, 10, 10, 8, 8, (3, 3), (1, 1), (3, 3), "valid", 8, True),
    ("FORWARD", 1, 8, 8, 12, 20, (1, 1), (2, 2), (1, 1), "valid", 4, True),
    ("DEPTHWISE", 2, 9, 8, 5, 1, (3, 3), (1, 1), (1, 1), "same", 1, True),
    ("DEPTHWISE", 1, 9, 8, 5, 3, (3, 2), (2, 2), (1, 1), "same", 1, True),
    ("DEPTHWISE", 1, 12, 11, 33, 1, (3, 3), (1, 1), (2, 2), "valid", 1, False),
    ("TRANSPOSED", 1, 5, 6, 4, 7, (3, 3), (2, 2), (1, 1), "same", 1, True),
    ("TRANSPOSED", 2, 4, 4, 3, 5, (4, 2), (2, 1), (1, 1), "valid", 1, True),
    ("TRANSPOSED", 1, 6, 5, 2, 3, (3, 3), (1, 1), (2, 2), "valid", 1, True),
]


def run(case):
    sort, n, h, w, c, f, kernel, strides, dilation, padding, groups, bias = case
    if sort == "FORWARD":
        layer = keras.layers.Conv2D(f, kernel, strides, padding, dilation_rate=dilation, groups=groups, use_bias=bias)
    elif sort == "DEPTHWISE":
        layer = keras.layers.DepthwiseConv2D(kernel, strides, padding, depth_multiplier=f, dilation_rate=dilation,
                                             use_bias=bias)
    else:  # x has c channels here, y has f
        layer = keras.layers.Conv2DTranspose(f, kernel, strides, padding, dilation_rate=dilation, use_bias=bias)
    layer.build((n, h, w, c))
    x = pattern((n, h, w, c), 7, 11, 5)
    weights = [pattern(layer.weights[0].shape, 5, 7, 3)]
    if bias:
        weights.append(pattern(layer.weights[1].shape, 3, 5, 2))

    def call(x, weights):
        y, _ = layer.stateless_call(list(weights), [], x)
        return y

    y, back = jax.vjp(call, jnp.asarray(x), [jnp.asarray(v) for v in weights])
    dx, dw = back(jnp.asarray(pattern(y.shape, 11, 13, 6)))
    if sort == "TRANSPOSED":  # described by what it goes back over: image = y
        oh, ow, image_c, image_f = y.shape[1], y.shape[2], f, c
        pads = []
        for size, k, s, d in zip((h, w), kernel, strides, dilation):
            k = (k - 1) * d + 1
            before = 0 if padding == "valid" else max((k - s) // 2, 0)
            to = (size - 1) * s + max(k, s) if padding == "valid" else size * s
            pads += [before, (size - 1) * s + k - to - before]
    else:
        oh, ow, image_c, image_f = h, w, c, f
        pads = []
        for size, k, s, d in zip((h, w), kernel, strides, dilation):
            pads += list(same(size, k, s, d)) if padding == "same" else [0, 0]
    values = [fingerprint(v) for v in (y, dx, dw[0])] + [fingerprint(dw[1]) if bias else 0.0]
    return "{{%s, %d, %d, %d, %d, %d, %d, %d, {%d, %d}, {%d, %d}, {%d, %d, %d, %d}, %d, %s}, %s}," % (
        sort, n, oh, ow, image_c, image_f, *kernel, *strides, *dilation, *pads, groups, str(bias).lower(),
        ", ".join("%.0f" % v for v in values))


def main():
    assert keras.backend.backend() == "jax"
    with open(sys.argv[1] if len(sys.argv) > 1 else "tests/graph/keras_convolutions.inc", "w") as out:
        out.write("/* SPDX-License-Identifier: Apache-2.0 */\n/* Keras %s on JAX, by tools/golden/make_convolutions.py. */\n" % keras.__version__)
        for case in CASES:
            out.write(run(case) + "\n")


if __name__ == "__main__":
    main()
