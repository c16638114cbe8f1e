# SPDX-License-Identifier: Apache-2.0
"""Holds the translations of tests/golden/torch_translations.txt to both frameworks: the module and Keras' layers, given
the same weights and the same numbers, must give the same.

    KERAS_BACKEND=jax python tools/golden/torch_translations.py [FILE]     (a Python that has PyTorch and Keras)

A line holds, parted by tabs: the call; shapes of the inputs; two digits, whether the shape is told to the translation
and whether the numbers are known not to be negative; Keras' layers, or ! and why there are none."""
import ast
import os
import sys
import warnings

import keras
import numpy as np
import torch
from torch import nn

import torch_modules

warnings.filterwarnings("ignore")
here = os.path.dirname(os.path.abspath(__file__))
draw = np.random.default_rng(1)


def activation(f):
    return lambda *given, **named: lambda x: f(x, *given, **named)


def rows(name):
    """What Cornu's texts may say of activations that have arguments."""
    return activation(getattr(keras.activations, name))


NAMES = {**vars(keras.layers), **{name: rows(name) for name in (
    "celu", "gelu", "log_softmax", "glu", "threshold", "soft_shrink", "hard_shrink")},
    "Constant": keras.initializers.Constant, "VarianceScaling": keras.initializers.VarianceScaling,
    "RandomUniform": keras.initializers.RandomUniform}


def call_of(text):
    node = ast.parse(text, mode="eval").body
    positional = [ast.literal_eval(a) for a in node.args]
    return node.func.id, positional, {k.arg: ast.literal_eval(k.value) for k in node.keywords}


def kernel(weight, transposed):
    if weight.ndim < 3:
        return weight.T
    axes = range(2, weight.ndim)
    return weight.transpose(*axes, 1, 0)


def weights_of(module, layer):
    """The module's, in the order and the layout of Keras' layer."""
    named = {k: v.detach().numpy() for k, v in list(module.named_parameters()) + list(module.named_buffers())}
    if isinstance(module, (nn.modules.conv._ConvNd, nn.Linear)):
        named["weight"] = kernel(named["weight"], isinstance(module, nn.modules.conv._ConvTransposeNd))
    if isinstance(module, nn.PReLU):
        named["weight"] = named["weight"].reshape(layer.weights[0].shape)
    order = ["weight", "bias", "running_mean", "running_var"]
    return [named[name] for name in order if name in named]


def stir(module):
    """Weights and statistics that tell mistakes."""
    with torch.no_grad():
        for name, tensor in list(module.named_parameters()) + list(module.named_buffers()):
            if tensor.dtype.is_floating_point:
                tensor.copy_(torch.as_tensor(draw.uniform(0.5, 1.5, tensor.shape).astype("float32")) if "var" in name
                             else torch.as_tensor(draw.normal(size=tensor.shape).astype("float32")))


def theirs(name, positional, named, inputs):
    tensors = [torch.as_tensor(x) for x in inputs]
    if name in torch_modules.FUNCTIONS:
        return torch_modules.FUNCTIONS[name](tensors, *positional, **named).numpy(), None
    module = getattr(nn, name)(*positional, **named).eval()
    module(*tensors)
    stir(module)
    return module(*tensors).detach().numpy(), module


def ours(text, module, inputs):
    x = inputs if len(inputs) > 1 else inputs[0]
    for layer in eval(text, NAMES):
        layer(x)
        if layer.weights:
            layer.set_weights(weights_of(module, layer))
        x = layer(x)
    return np.asarray(x)


if __name__ == "__main__":
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "..", "..", "tests", "golden", "torch_translations.txt")
    checked = wrong = 0
    for line in open(path, encoding="utf-8"):
        call, shapes, known, text = line.rstrip("\n").split("\t")
        if text.startswith("!"):
            continue
        inputs = [draw.normal(size=shape).astype("float32") for shape in ast.literal_eval(shapes)]
        if known[1] == "1":
            inputs = [np.abs(x) for x in inputs]
        checked += 1
        try:
            expected, module = theirs(*call_of(call), inputs)
            given = ours(text, module, inputs)
            same = given.shape == expected.shape and np.allclose(given, expected, rtol=1e-4, atol=1e-5)
            told = "" if same else f"{given.shape} {expected.shape}"
        except Exception as failed:
            same, told = False, repr(failed).splitlines()[0][:300]
        if not same:
            wrong += 1
            print(call, shapes, known, text, told, sep="\n  ")
    print(f"{checked} translations, {wrong} wrong")
    sys.exit(wrong > 0)
