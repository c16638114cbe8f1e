#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Opens with real Keras what Cornu wrote, and compares it with the model that it was written from.

   compare_files.py FILE=ORIGINAL...              FILE (.keras, .weights.h5, .json) was made by Cornu from ORIGINAL (.keras, .json, or a case: kind/id)
   compare_files.py --with build/cornu [DIR]      lets `cornu convert` write .keras, .weights.h5 and .json from every .keras of tests/golden/files first

Held against the original: the configuration once Keras has filled in its defaults, the compile configuration, the weights bit for bit, the optimizer's
state bit for bit, and the predictions on numbers of our own. One line for each file that fails, then the counts; exit status 1 if any failed."""
import glob
import shlex
import subprocess
import sys

from common import *

IGNORED = {"registered_name", "module", "build_config", "build_input_shape", "shared_object_id", "input_axes", "output_axes", "quantization_config", "optional", "ragged", "sparse", "renorm", "renorm_clipping", "renorm_momentum"}


def settled(o):
    """A configuration without what may differ though the model is the same."""
    if isinstance(o, dict):
        if o.get("class_name") == "DTypePolicy":
            return o["config"]["name"]
        return {k: settled(v) for k, v in o.items() if k not in IGNORED and not (k in ("mask", "training") and not v)}
    if isinstance(o, (list, tuple)):
        return [settled(v) for v in o]
    return o


def difference(a, b, at="config"):
    if isinstance(a, dict) and isinstance(b, dict):
        for k in sorted(set(a) | set(b)):
            if k not in a or k not in b:
                return f"{at}.{k} stands only in {'the original' if k in a else 'ours'}"
            found = difference(a[k], b[k], f"{at}.{k}")
            if found:
                return found
    elif isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            return f"{at} has {len(b)} elements, the original {len(a)}"
        for i, (x, y) in enumerate(zip(a, b)):
            found = difference(x, y, f"{at}[{i}]")
            if found:
                return found
    elif a != b and not (isinstance(a, (int, float)) and isinstance(b, (int, float)) and abs(a - b) <= 1e-7 * abs(a)):
        return f"{at} is {b!r}, in the original {a!r}"
    return None


def read_model(name):
    """A model from a .keras or .json file, or from a case of the golden set."""
    if name.endswith(".keras"):
        return keras.saving.load_model(name)
    if name.endswith(".json"):
        with open(name, encoding="utf-8") as f:
            return load(json.load(f))
    kind, id = name.split("/", 1)
    with open(path(kind + ".json"), encoding="utf-8") as f:
        case = next(c for c in json.load(f)["cases"] if c["id"] == id)
    if case.get("file", "").endswith(".keras"):
        return keras.saving.load_model(path(case["file"]))
    model = load(case["model"])
    if "file" in case:
        model.load_weights(path(case["file"]))
    elif "initial" in case:
        arrays = np.load(path(kind + ".npz"))
        model.set_weights(unflat(arrays[case["initial"]], model.get_weights()))
    return model


def state(model):
    optimizer = getattr(model, "optimizer", None)
    return [np.asarray(v) for v in optimizer.variables] if optimizer is not None and optimizer.built else []


def same(ours, theirs, what):
    if len(ours) != len(theirs):
        return f"{len(ours)} {what}, the original has {len(theirs)}"
    for i, (a, b) in enumerate(zip(ours, theirs)):
        if a.shape != b.shape or a.dtype != b.dtype or a.tobytes() != b.tobytes():
            return f"{what}: number {i} {list(b.shape)} differs"
    return None


def feed(model, n=2):
    shapes = [tuple(n if i == 0 else 9 if d is None else d for i, d in enumerate(t.shape)) for t in as_list(model.inputs)]
    x = [numbers(s, "feed", i) for i, s in enumerate(shapes)]
    return x if len(x) > 1 else x[0]


def compare(file, original):
    """None, or what is wrong."""
    theirs = read_model(original)
    if file.endswith(".weights.h5"):
        ours = read_model(original)
        ours.set_weights([w * 0 + 7 for w in ours.get_weights()])
        for v in state(ours) and ours.optimizer.variables:
            v.assign(np.zeros(v.shape))
        ours.load_weights(file)
    else:
        fresh()
        ours = read_model(file)
        found = difference(settled(plain(json.loads(theirs.to_json()))), settled(plain(json.loads(ours.to_json()))))
        if found:
            return found
        if file.endswith(".json"):
            return None
        a, b = (m.get_compile_config() if getattr(m, "compiled", False) else None for m in (theirs, ours))
        found = difference(settled(plain(a)), settled(plain(b)), "compile_config")
        if found:
            return found
    found = same([np.asarray(w) for w in ours.get_weights()], [np.asarray(w) for w in theirs.get_weights()], "weights") or same(state(ours), state(theirs), "optimizer variables")
    if found:
        return found
    x = feed(theirs)
    for i, (a, b) in enumerate(zip(as_list(ours(x, training=False)), as_list(theirs(x, training=False)))):
        if not np.array_equal(np.asarray(a), np.asarray(b), equal_nan=True):
            return f"output {i} differs"
    return None


def convert(command, folder):
    """Lets Cornu write each golden file anew; gives the pairs to compare and what could not be written."""
    os.makedirs(folder, exist_ok=True)
    pairs, failed = [], []
    for original in sorted(glob.glob(path("files", "*.keras"))):
        for suffix in (".keras", ".weights.h5", ".json"):
            file = os.path.join(folder, os.path.basename(original)[: -len(".keras")] + suffix)
            r = subprocess.run(command + ["convert", original, file], capture_output=True, text=True)
            if r.returncode or not os.path.exists(file):
                failed.append((file, f"convert ended with {r.returncode}: {r.stderr.strip()[-300:]}"))
            else:
                pairs.append((file, original))
    return pairs, failed


def main():
    arguments, failed = sys.argv[1:], []
    if not arguments:
        print(__doc__)
        return 2
    if arguments[0] == "--with":
        folder = arguments[2] if len(arguments) > 2 else tempfile.mkdtemp(prefix="cornu-ours-")
        pairs, failed = convert(shlex.split(arguments[1]), folder)
    else:
        pairs = [a.rsplit("=", 1) for a in arguments]
    good = 0
    for file, original in pairs:
        try:
            wrong = compare(file, original)
        except Exception as e:
            wrong = f"Keras refuses it: {type(e).__name__}: {' '.join(str(e).split())[-300:]}"
        if wrong:
            failed.append((file, wrong))
        else:
            good += 1
    for file, wrong in failed:
        print("FAIL", os.path.basename(file), wrong)
    print(f"{good} passed, {len(failed)} failed")
    return 1 if failed or not good else 0


if __name__ == "__main__":
    sys.exit(main())
