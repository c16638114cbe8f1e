# SPDX-License-Identifier: Apache-2.0
"""What PyTorch says of its modules: shapes of outputs, counts of parameters and of buffers, and what it refuses.

    python tools/golden/torch_modules.py > tests/golden/torch_modules.txt        (a Python that has PyTorch 2.15)

One line per call, parted by tabs: the call; shapes of the inputs; shape of the output, or None where PyTorch refuses
to make the module or to call it, or nothing is left; parameters; numbers in buffers (without num_batches_tracked)."""
import random
import sys
import warnings

import torch
import torch.nn.functional as F
from torch import nn

warnings.filterwarnings("ignore")
draw = random.Random(20260801)
some = draw.choice


def sizes(spatial, numbers, even=0.6):
    """One number for all axes, or one for each."""
    return some(numbers) if draw.random() < even else tuple(some(numbers) for _ in range(spatial))


def plane(spatial, least=1, most=13):
    return [draw.randint(least, most if spatial < 3 else 7) for _ in range(spatial)]


def shown(name, positional, named):
    parts = [repr(p) for p in positional] + [f"{key}={value!r}" for key, value in named.items()]
    return f"{name}({', '.join(parts)})"


def some_of(named, share=0.5):
    return {key: value for key, value in named.items() if draw.random() < share}


# ---- modules


def conv(lazy=False):
    d, channels, groups = draw.randint(1, 3), some([1, 2, 3, 4, 6, 8]), some([1, 1, 1, 2, 3, 4])
    named = some_of({
        "stride": sizes(d, [1, 2, 3]), "padding": some([sizes(d, [0, 1, 2, 3]), sizes(d, [1, 2]), "same", "valid"]),
        "dilation": sizes(d, [1, 1, 2, 3]), "groups": groups, "bias": some([True, False]),
        "padding_mode": some(["zeros", "reflect", "replicate", "circular"])}, 0.45)
    if named.get("padding_mode", "zeros") != "zeros":  # refused by the sizes of single calls, which is not looked at
        named["padding"] = 0
    if lazy and isinstance(named.get("padding"), str):
        del named["padding"]
    positional = [some([2, 3, 4, 6]), sizes(d, [1, 2, 3, 4, 5])]
    given = channels if draw.random() < 0.9 else channels + 1
    return f"{'Lazy' * lazy}Conv{d}d", positional if lazy else [channels] + positional, named, [[given] + plane(d)]


def transpose(lazy=False):
    d, channels, groups = draw.randint(1, 3), some([1, 2, 3, 4, 6]), some([1, 1, 1, 2, 3])
    named = some_of({
        "stride": sizes(d, [1, 2, 3]), "padding": sizes(d, [0, 1, 2]), "output_padding": sizes(d, [0, 1, 2]),
        "groups": groups, "bias": some([True, False]), "dilation": some([1, 1, 2]) if lazy else sizes(d, [1, 1, 2])})
    positional = [some([2, 3, 4, 6]), sizes(d, [1, 2, 3, 4])]
    name = f"{'Lazy' * lazy}ConvTranspose{d}d"
    return name, positional if lazy else [channels] + positional, named, [[channels] + plane(d, 1, 7)]


def pool():
    d, which = draw.randint(1, 3), some(["Max", "Avg"])
    named = {"stride": some([None, sizes(d, [1, 2, 3, 4])]), "padding": sizes(d, [0, 1, 2]),
             "ceil_mode": some([True, False])}
    if which == "Max":
        named["dilation"] = sizes(d, [1, 2])
    else:
        named["count_include_pad"] = some([True, False])
    return f"{which}Pool{d}d", [sizes(d, [1, 2, 3, 4, 5])], some_of(named, 0.6), [[some([1, 3])] + plane(d)]


def adaptive():
    d = draw.randint(1, 3)
    size = sizes(d, [1, 1, 2, 3, 7] + [None] * (d == 2))
    return f"Adaptive{some(['Avg', 'Max'])}Pool{d}d", [size], {}, [[some([1, 3])] + plane(d)]


def linear():
    features = draw.randint(1, 9)
    shape = some([[], [3], [2, 3]]) + [features if draw.random() < 0.8 else features + 1]
    if draw.random() < 0.3:
        return "LazyLinear", [draw.randint(1, 9)], some_of({"bias": False}), [shape]
    return "Linear", [features, draw.randint(1, 9)], some_of({"bias": False}), [shape]


def norm():
    d, c = draw.randint(1, 3), draw.randint(1, 6)
    which = some(["BatchNorm", "LazyBatchNorm", "InstanceNorm"])
    named = some_of({"eps": 1e-3, "momentum": 0.2, "affine": some([True, False]),
                     "track_running_stats": some([True, False])}, 0.3)
    given = [c if draw.random() < 0.9 else c + 1] + plane(d, 2, 5)
    if d == 1 and which == "BatchNorm" and draw.random() < 0.5:
        given = given[:1]
    return f"{which}{d}d", [] if which[0] == "L" else [c], named, [given]


def group_norm():
    c = some([2, 4, 6])
    return "GroupNorm", [some([1, 2, 3]), c], some_of({"affine": False}), [[some([c, c, c, 4])] + plane(2, 2)]


def layer_norm():
    shape = [3] + plane(2, 1, 5)
    last = draw.randint(1, 3)
    normalized = shape[-last:] if draw.random() < 0.9 else shape[-last:-1] + [9]
    named = some_of({"elementwise_affine": some([True, False]), "bias": some([True, False])}, 0.4)
    return "LayerNorm", [normalized[0] if last == 1 else normalized], named, [shape]


def flatten():
    dims = {"start_dim": draw.randint(-4, 3), "end_dim": draw.randint(-4, 3)} if draw.random() < 0.6 else {}
    return "Flatten", [], dims, [[3] + plane(some([1, 2]))]


def unflatten():
    whole, part = some([(12, (3, 4)), (12, (2, 2, 3)), (12, (-1, 6)), (12, (5, -1)), (12, (2, 5))]), None
    return "Unflatten", [some([1, -1]), whole[1]], {}, [[whole[0]]]


def pad():
    d, name = draw.randint(1, 3), some(["Zero", "Constant", "Reflection", "Replication", "Circular"])
    numbers = [-1, 0, 1, 2] if name in ("Zero", "Constant") else [0, 1, 2]
    padding = some(numbers) if draw.random() < 0.3 else tuple(some(numbers) for _ in range(2 * d))
    return f"{name}Pad{d}d", [padding] + [1.5] * (name == "Constant"), {}, [[2] + plane(d, 2, 6)]


def upsample():
    d = draw.randint(1, 3)
    linear_mode = ["", "linear", "bilinear", "trilinear"][d]
    named = {"mode": some(["nearest", linear_mode] + ["bicubic"] * (d == 2))}
    if draw.random() < 0.5:
        named["size"] = sizes(d, [1, 2, 5, 8])
    else:
        named["scale_factor"] = sizes(d, [2, 3, 1.5, 0.5, 2.7])
    if named["mode"] != "nearest" and draw.random() < 0.5:
        named["align_corners"] = True
    if draw.random() < 0.1:
        named["mode"] = linear_mode
        d = d % 3 + 1
    return some(["Upsample", "Interpolate"]), [], named, [[2] + plane(d, 2, 6)]


def upsample2d():
    named = {"size": sizes(2, [3, 6])} if draw.random() < 0.5 else {"scale_factor": sizes(2, [2, 3])}
    return some(["UpsamplingNearest2d", "UpsamplingBilinear2d"]), [], named, [[2] + plane(2, 2, 6)]


def shuffle():
    r = some([1, 2, 3])
    if draw.random() < 0.5:
        return "PixelShuffle", [r], {}, [[some([r * r, 2 * r * r, 5])] + plane(2)]
    return "PixelUnshuffle", [r], {}, [[2, r * draw.randint(1, 4), some([r, 2 * r, 5])]]


def activation():
    shape = some([[6], [4, 5], [4, 3, 5]])
    return some([
        ("ReLU", [], some_of({"inplace": True})), ("ReLU6", [], {}), ("LeakyReLU", [0.2], {}), ("PReLU", [], {}),
        ("PReLU", [shape[0]], {}), ("PReLU", [7], {}), ("ELU", [], {}), ("SELU", [], {}), ("CELU", [2.0], {}),
        ("GELU", [], {"approximate": "tanh"}), ("SiLU", [], {}), ("Mish", [], {}), ("Sigmoid", [], {}),
        ("LogSigmoid", [], {}), ("Tanh", [], {}), ("Tanhshrink", [], {}), ("Softsign", [], {}), ("Softplus", [], {}),
        ("Softshrink", [], {}), ("Hardshrink", [], {}), ("Hardswish", [], {}), ("Hardsigmoid", [], {}),
        ("Hardtanh", [0, 6], {}), ("Threshold", [0.5, 0.0], {}), ("Softmax", [], {}),
        ("Softmax", [], {"dim": draw.randint(-4, 3)}), ("Softmin", [1], {}), ("Softmax2d", [], {}),
        ("LogSoftmax", [], {"dim": -1}), ("GLU", [some([1, -1])], {}), ("Dropout", [0.3], {}), ("Dropout1d", [], {}),
        ("Dropout2d", [0.1], {}), ("AlphaDropout", [], {}), ("Identity", [], {}), ("LocalResponseNorm", [3], {})]) + (
            [shape],)


# ---- functions


def merge():
    shape = [3] + plane(2, 2, 4)
    other = list(shape)
    if draw.random() < 0.5:
        other[draw.randint(0, 2)] = some([1, 9])
    if draw.random() < 0.5:
        return "Cat", [], some_of({"dim": some([1, 2, -1, -3])}, 0.8), [shape, other]
    return some(["Add", "Sub", "Mul", "Div", "Maximum", "Minimum"]), [], {}, [shape, other]


def view():
    shape = [4, 6]
    return "View", [some([(-1, 24), (-1, 4, 6), (-1, 6, 4), (-1, 25), (2, -1), (2, 3, 8), (2, 5, 5), (-1, 2, 3, 4),
                          (2, -1, 12), (2, -1, 5), (-1, 6)])], {}, [shape]


def reduce():
    dims = some([[2, 3], [-1, -2], 1, [1], [3], [-3, 2], [4]])
    return some(["Mean", "Amax"]), [], {"dim": dims, **some_of({"keepdim": True})}, [[3] + plane(2)]


def move():
    shape = [3, some([1, 4]), some([1, 5])]
    return some([("Squeeze", [], {}), ("Squeeze", [some([-1, 1, 2, 3, 4])], {}),
                 ("Squeeze", [(2, 3)], {}), ("Unsqueeze", [some([0, 1, -1, 4, 5])], {}),
                 ("Permute", [some([(0, 2, 3, 1), (0, 3, 1, 2), (0, -1, 2, 1), (0, 1, 1, 2), (0, 1, 2)])], {}),
                 ("Transpose", [some([1, -1, 2]), some([3, -2, 4])], {}),
                 ("Pad", [some([(1, 2), (1, 1, 2, 0), (0, 0, 0, 0, 2, 3), (1, -1, 0, 0), (1, 2, 3)])], {}),
                 ("Pad", [(1, 1, 1, 1)], {"mode": some(["reflect", "replicate", "circular", "constant"])})]) + ([shape],)


FUNCTIONS = {
    "Rescaling": lambda xs, scale, offset=0.0: xs[0] * scale + offset,
    "Cat": lambda xs, dim=0: torch.cat(xs, dim), "Add": lambda xs: xs[0] + xs[1], "Sub": lambda xs: xs[0] - xs[1],
    "Mul": lambda xs: xs[0] * xs[1], "Div": lambda xs: xs[0] / xs[1], "Maximum": lambda xs: torch.maximum(*xs),
    "Minimum": lambda xs: torch.minimum(*xs), "View": lambda xs, shape: xs[0].view([len(xs[0]) if n is None else n for n in shape]),
    "Mean": lambda xs, **named: xs[0].mean(**named), "Amax": lambda xs, **named: xs[0].amax(**named),
    "Squeeze": lambda xs, *dim: xs[0].squeeze(*dim), "Unsqueeze": lambda xs, dim: xs[0].unsqueeze(dim),
    "Permute": lambda xs, dims: xs[0].permute(dims), "Transpose": lambda xs, a, b: xs[0].transpose(a, b),
    "Pad": lambda xs, *a, **named: F.pad(xs[0], *a, **named),
    "Interpolate": lambda xs, **named: F.interpolate(xs[0], **named)}


def run(name, positional, named, shapes, batch=2):
    inputs = [torch.rand([batch] + shape) for shape in shapes]
    if name in FUNCTIONS:
        return list(FUNCTIONS[name](inputs, *positional, **named).shape), 0, 0
    module = getattr(nn, name)(*positional, **named).eval()
    out = list(module(*inputs).shape)
    buffers = {key: value for key, value in module.named_buffers() if key != "num_batches_tracked"}
    return out, sum(p.numel() for p in module.parameters()), sum(b.numel() for b in buffers.values())


PLAN = [(conv, 260), (lambda: conv(True), 40), (transpose, 140), (lambda: transpose(True), 30), (pool, 260),
        (adaptive, 60), (linear, 50), (norm, 70), (group_norm, 20), (layer_norm, 30), (flatten, 50), (unflatten, 12),
        (pad, 100), (upsample, 90), (upsample2d, 12), (shuffle, 30), (activation, 120), (merge, 70), (view, 30),
        (reduce, 30), (move, 60)]


def main():
    seen = set()
    for make, count in PLAN:
        for _ in range(count):
            name, positional, named, shapes = make()
            call = shown(name, positional, named)
            if (call, str(shapes)) in seen:
                continue
            seen.add((call, str(shapes)))
            try:
                out, parameters, buffers = run(name, positional, named, shapes)
                if 0 in out:
                    raise ValueError("an empty map is no use")
            except (RuntimeError, ValueError, IndexError, AssertionError, TypeError, NotImplementedError) as refused:
                print(f"{call} {shapes}: {str(refused).splitlines()[0][:150]}", file=sys.stderr)
                out, parameters, buffers = None, 0, 0
            print(call, [[2] + shape for shape in shapes], out, parameters, buffers, sep="\t")


if __name__ == "__main__":
    main()
