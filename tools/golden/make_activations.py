# SPDX-License-Identifier: Apache-2.0
"""Every activation by name, with its slope, on ordinary and on extreme numbers."""
import jax

from common import *

NAMES = """linear relu relu6 leaky_relu elu selu celu gelu silu swish mish sigmoid hard_sigmoid hard_silu hard_swish log_sigmoid sparse_sigmoid tanh
 hard_tanh tanh_shrink soft_shrink hard_shrink softplus sparse_plus squareplus softsign exponential softmax log_softmax sparsemax glu""".split()
TOLERANCE = {"rtol": 1e-5, "atol": 1e-6}
ROWS = {"softmax", "log_softmax", "sparsemax", "glu"}

x = np.concatenate([np.linspace(-6.125, 6.125, 50), [-20, -10, -9, -3.5, -1.25, -0.75, -0.001, 0.001, 0.75, 1.25, 3.5, 6.5, 9, 20]]).astype(np.float32).reshape(8, 8)
extreme = np.array([-3e38, -1e20, -1e10, -1000, -100, -88.5, -30, -1e-20, -0.0, 0.0, 1e-20, 30, 88.5, 100, 1000, 1e10, 1e20, 3e38], np.float32)
corners = np.array([-6, -3, -1, -0.5, 0, 0.5, 1, 3, 6], np.float32)  # where some activation has a kink
special = np.array([np.nan, -np.inf, np.inf, -0.0], np.float32)
ties = np.array([[1, 1, 1, 1], [2, 2, -1, -1], [0, 0, 5, 0], [100, -100, 0, 0], [3, 2.5, 2, 1.75]], np.float32)
arrays, cases = {"x": x, "extreme": extreme, "special": special, "ties": ties, "corners": corners}, []


def text(v):
    """Special values as words, for JSON has none."""
    return "nan" if np.isnan(v) else "-inf" if v == -np.inf else "inf" if v == np.inf else "-0.0" if v == 0 and np.signbit(v) else repr(float(v))


for name in NAMES:
    f = keras.activations.get(name)
    run = lambda a: np.asarray(f(keras.ops.convert_to_tensor(a)))
    case = {"id": name, "input": "x", "output": f"{name}.y", "dx": f"{name}.dx"}
    arrays[f"{name}.y"] = run(x)
    dy = cotangent(arrays[f"{name}.y"].shape)
    arrays[f"{name}.dx"] = np.asarray(jax.grad(lambda a: (f(a) * dy).sum())(keras.ops.convert_to_tensor(x)))
    if name in ROWS:
        case["ties"] = f"{name}.ties"
        arrays[f"{name}.ties"] = run(ties)
    else:
        case["extreme"] = f"{name}.extreme"
        arrays[f"{name}.extreme"] = run(extreme)
        case["special"] = [text(v) for v in run(special)]
        case["corner_slopes"] = np.asarray(jax.grad(lambda a: f(a).sum())(keras.ops.convert_to_tensor(corners)))
    case["tolerance"] = TOLERANCE
    cases.append(case)

more = []
for name, kw in (("relu", {"negative_slope": 0.25}), ("relu", {"max_value": 2.0}), ("relu", {"threshold": 1.0}), ("relu", {"negative_slope": 0.25, "max_value": 4.0, "threshold": 0.5}), ("leaky_relu", {"negative_slope": 0.1}), ("elu", {"alpha": 0.5}), ("celu", {"alpha": 2.0}), ("gelu", {"approximate": True}), ("softmax", {"axis": 0}), ("soft_shrink", {"threshold": 1.5}), ("hard_shrink", {"threshold": 1.5}), ("threshold", {"threshold": 1.0, "default_value": -2.0}), ("squareplus", {"b": 1.0})):
    f = getattr(keras.activations, name)
    id = name + "".join(f"-{k}-{v}" for k, v in kw.items())
    arrays[f"{id}.y"] = np.asarray(f(keras.ops.convert_to_tensor(x), **kw))
    cases.append({"id": id, "function": name, "arguments": kw, "input": "x", "output": f"{id}.y", "tolerance": TOLERANCE})

write_npz("activations.npz", arrays)
write_cases("activations.json", {"kind": "activations", "arrays": "activations.npz", "inputs": ["x", "extreme", "special", "ties", "corners"]}, cases)
