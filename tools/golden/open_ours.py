#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real Keras opens what Cornu writes (make golden-open):  open_ours.py CORNU [PART OF A CASE'S NAME]

Every model of tests/golden/layers goes from its configuration through `cornu convert` to .keras and .weights.h5; Keras
must find the same configuration and the same weights as Cornu's own .npz tells, bit for bit, and predict the same.
Then examples are trained: Keras takes over the file with the optimizer's state, and its next epoch must be Cornu's.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
import keras
import numpy as np

golden = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"
cornu = pathlib.Path(sys.argv[1]).resolve()
wanted = sys.argv[2] if len(sys.argv) > 2 else ""
optimizers = ["SGD(0.05, momentum=0.9, nesterov=True)", "Adam(0.01, amsgrad=True)", "AdamW(0.01)", "RMSprop(0.01, centered=True)"]


def run(*arguments):
    done = subprocess.run([str(cornu), *map(str, arguments)], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise AssertionError(f"cornu {' '.join(map(str, arguments))}: exit {done.returncode}: {done.stderr.strip()}")


def arrays(path):
    with np.load(path) as file:
        return [file[name] for name in sorted(file.files, key=int)]


def same_weights(model, path, what):
    ours, theirs = arrays(path), model.get_weights()
    assert len(ours) == len(theirs), f"{what}: {len(theirs)} weights in Keras, {len(ours)} in Cornu's .npz"
    for index, (a, b) in enumerate(zip(ours, theirs)):
        assert a.shape == b.shape and a.tobytes() == b.tobytes(), f"{what}: weight {index} differs"


def plain(value):
    """A configuration where 2 and 2.0 are the same: Cornu writes reals as reals, however they were given."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def configuration(model):
    return json.dumps(plain(model.get_config()), sort_keys=True)


def open_case(case, values, folder):
    text = folder / "m.json"
    text.write_text(json.dumps(case["model"]))
    run("convert", text, folder / "m.keras")
    run("convert", folder / "m.keras", folder / "m.npz")
    run("convert", folder / "m.keras", folder / "m.weights.h5")
    model = keras.models.load_model(folder / "m.keras")
    expected = keras.models.model_from_json(text.read_text())
    assert configuration(model) == configuration(expected), ".keras: the configuration differs"
    same_weights(model, folder / "m.npz", ".keras")
    expected.load_weights(folder / "m.weights.h5")
    same_weights(expected, folder / "m.npz", ".weights.h5")
    if case.get("training") or not case.get("inputs"):
        return
    inputs = [values[name] for name in case["inputs"]]
    for index, value in enumerate(inputs):
        np.save(folder / f"x{index}.npy", value)
    one = len(model.outputs) == 1
    out = folder / ("y.npy" if one else "y.npz")
    run("predict", folder / "m.keras", *[folder / f"x{i}.npy" for i in range(len(inputs))], "-o", out)
    ours = [np.load(out)] if one else [np.load(out)[f"output_{i}"] for i in range(len(model.outputs))]
    theirs = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    for a, b in zip(ours, [theirs] if one else list(theirs)):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def go_on_training(optimizer, folder):
    """An epoch in Cornu, then the second one in Keras and in Cornu, from the same file."""
    keras.utils.set_random_seed(1)
    draw = np.random.default_rng(1)
    x, y = draw.random((48, 8, 8, 2), np.float32), draw.integers(0, 3, 48)
    np.savez(folder / "data.npz", x_train=x, y_train=y)
    layers = keras.layers
    model = keras.Sequential([keras.Input((8, 8, 2)), layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU(),
                              layers.Flatten(), layers.Dense(3, activation="softmax")])
    (folder / "m.json").write_text(model.to_json())
    how = ["--data", folder / "data.npz", "--epochs", 1, "--batch-size", 16, "--no-shuffle"]
    run("train", folder / "m.json", *how, "--optimizer", optimizer, "--loss", "sparse_categorical_crossentropy",
        "--metrics", "accuracy", "--seed", 1, "-o", folder / "one.keras")
    run("train", folder / "one.keras", *how, "-o", folder / "two.keras", "--history", folder / "two.json")
    model = keras.models.load_model(folder / "one.keras")
    assert int(model.optimizer.iterations) == 3, f"iterations: {int(model.optimizer.iterations)}, not 3"
    theirs = model.fit(x, y, batch_size=16, epochs=1, shuffle=False, verbose=0).history
    ours = json.loads((folder / "two.json").read_text())
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=1e-4, err_msg=name)


def attempt(name, what):
    """Runs one check; True when it failed."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            what(pathlib.Path(folder))
            return False
        except Exception as problem:  # a file that Keras refuses may raise anything
            print(f"FAILED {name}: {str(problem).strip()[:400]}", flush=True)
            return True


checks = []
for path in sorted((golden / "layers").glob("*.json")):
    cases = json.loads(path.read_text())
    values = dict(np.load(golden / cases["arrays"]))
    for case in cases["cases"]:
        checks.append((f"{path.stem}/{case['id']}", lambda folder, c=case, v=values: open_case(c, v, folder)))
for optimizer in optimizers:
    checks.append((f"train/{optimizer}", lambda folder, o=optimizer: go_on_training(o, folder)))
checks = [(name, what) for name, what in checks if wanted in name]
failed = sum([attempt(name, what) for name, what in checks])
print(f"{len(checks) - failed} passed, {failed} failed")
sys.exit(1 if failed or not checks else 0)
