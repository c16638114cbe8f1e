# SPDX-License-Identifier: Apache-2.0
"""Running a training with Keras and recording what came of it, with tolerances found by disturbing the start in its last bit."""
from common import *

L, I, R, C, K, M, O = keras.layers, keras.initializers, keras.regularizers, keras.constraints, keras.losses, keras.metrics, keras.optimizers
S = O.schedules
N = 24


def data():
    """The arrays that the cases share."""
    r = rng("labels")
    labels = r.integers(0, 3, N).astype(np.int32)
    a = {"x": numbers((N, 8, 8, 2), "x"), "labels": labels}
    for i, k in enumerate(labels):  # something to learn: each class is bright in another corner
        a["x"][i, (k // 2) * 4 : (k // 2) * 4 + 4, (k % 2) * 4 : (k % 2) * 4 + 4] += 1
    a["x-first"] = np.ascontiguousarray(a["x"].transpose(0, 3, 1, 2))
    a["labels-column"] = labels[:, None]
    a["onehot"] = np.eye(3, dtype=np.float32)[labels]
    a["soft"] = (a["onehot"] * 0.75 + 0.25 / 3).astype(np.float32)
    a["multi"] = (numbers((N, 3), "multi") + a["onehot"] > 0.5).astype(np.float32)
    a["binary"] = (labels[:, None] == 1).astype(np.float32)
    a["binary-row"] = a["binary"][:, 0]
    a["real"] = numbers((N, 3), "real")
    a["picture"] = (a["x"].mean(-1, keepdims=True) > 0.25).astype(np.float32)
    a["picture-labels"] = ((a["x"][..., 0] > 0).astype(np.int32) + (a["x"][..., 1] > 0.5)).astype(np.int32)
    a["rows"] = numbers((N, 5), "rows")
    a["w"] = (r.integers(0, 5, N) / 2).astype(np.float32)
    a["w-picture"] = (r.integers(0, 3, (N, 8, 8)) / 2).astype(np.float32)
    n = 7
    a["xv"] = numbers((n, 8, 8, 2), "xv")
    a["onehot-v"] = np.eye(3, dtype=np.float32)[r.integers(0, 3, n)]
    a["wv"] = (r.integers(0, 5, n) / 2).astype(np.float32)
    return a


def initial(model, *key):
    out = []
    for i, (v, w) in enumerate(zip(model.weights, model.get_weights())):
        a = numbers(w.shape, "initial", i, w.shape, *key, scale=0.25)
        out.append(np.abs(a) + np.float32(0.5) if v.name in ("moving_variance", "gamma") else a)
    return out


def finite(history):
    """History as JSON can hold it."""
    number = lambda v: v if np.isfinite(v) else "nan" if np.isnan(v) else "inf" if v > 0 else "-inf"
    return {k: [[number(float(e)) for e in v] if np.ndim(v) else number(float(v)) for v in vs] for k, vs in history.items()}


def unpack(arrays, names):
    got = [arrays[n] for n in names]
    return got if len(got) > 1 else got[0]


class Run:
    """One model, trained twice from the same start: once as it is, once with every weight moved by one part in 2^22."""

    def __init__(self, model, start=None, key=()):
        self.config = model_json(model)
        fresh()  # automatic names begin anew, as in a program that reads this configuration only
        self.model = load(self.config)
        if start is None:
            start = initial(self.model, *key)
        elif start == "own":
            start = [np.asarray(w) for w in self.model.get_weights()]
        self.start = start
        if self.model.optimizer and not self.model.optimizer.built:
            self.model.optimizer.build(self.model.trainable_variables)
        self.seeds = [(l.seed_generator.state, np.array(l.seed_generator.state)) for l in self.model._flatten_layers() if hasattr(l, "seed_generator")]
        self.slots = [np.asarray(v) for v in self.model.optimizer.variables]

    def __call__(self, fit):
        """fit(model) -> anything made of dicts, lists and floats; returns that, the final weights, and how far a disturbed run went."""
        results = []
        for disturbed in (False, True):
            start = self.start
            if disturbed:
                r = rng("disturb")
                start = [(w * (1 + (r.integers(0, 2, w.shape) * 2 - 1) * 2.0**-22)).astype(np.float32) for w in start]
            self.model.set_weights(start)
            for v, a in zip(self.model.optimizer.variables, self.slots):
                v.assign(a)
            for v, a in self.seeds:
                v.assign(a)
            self.model.stop_training = False
            out = fit(self.model)
            results.append((out, [np.asarray(w) for w in self.model.get_weights()]))
        (out, weights), (out2, weights2) = results
        far = max([float(np.abs(a - b).max()) for a, b in zip(weights, weights2) if a.size], default=0.0)
        a, b = np.array(leaves(out)), np.array(leaves(out2))
        ok = np.isfinite(a) & np.isfinite(b)
        spread = float((np.abs(a - b)[ok] / np.maximum(1, np.abs(a[ok]))).max()) if ok.any() else 0.0
        limits = {"history": {"rtol": bound(spread, 1e-5), "atol": bound(spread, 2e-6)}, "weights": {"rtol": 1e-5, "atol": bound(far, 5e-6)}}
        assert max(v for l in limits.values() for v in l.values()) < 1e-3, ("a tolerance that nothing could miss", limits)
        return out, weights, limits


def leaves(o):
    if isinstance(o, dict):
        return [v for k in o for v in leaves(o[k])]
    return [v for k in o for v in leaves(k)] if np.ndim(o) or isinstance(o, (list, tuple)) else [float(o)]


def bound(seen, least):
    return float(f"{max(least, 20 * seen):.2g}")


class Cases:
    def __init__(self, name, kind, arrays):
        self.name, self.kind, self.arrays, self.cases = name, kind, dict(arrays), []

    def put(self, name, a):
        self.arrays[name] = a
        return name

    def write(self, **head):
        write_npz(self.name + ".npz", self.arrays)
        write_cases(self.name + ".json", {"kind": self.kind, "arrays": self.name + ".npz", **head}, self.cases)

    def start(self, run, case):
        """The row of initial weights; equal rows are stored once."""
        row = flat(run.start)
        case["weight_shapes"] = [list(w.shape) for w in run.start]
        for name, a in self.arrays.items():
            if name.startswith("start.") and np.array_equal(a, row):
                case["initial"] = name
                return
        case["initial"] = self.put(f"start.{case['id']}", row)
