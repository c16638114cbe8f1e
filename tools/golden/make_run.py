# SPDX-License-Identifier: Apache-2.0
"""Whole runs after set_random_seed: initial weights to the last bit, shuffling, dropout, validation, and what comes of it."""
import random

from training import *

CLASSES, ROWS = 4, 110


def data():
    r = rng("run")
    labels = r.integers(0, CLASSES, ROWS).astype(np.int32)
    x = (np.round(r.standard_normal((ROWS, 6, 6, 1)) * 0.75 * 64) / 64).astype(np.float32)
    for i, k in enumerate(labels):
        x[i, (k // 2) * 3 : (k // 2) * 3 + 3, (k % 2) * 3 : (k % 2) * 3 + 3] += 0.75
    return {"x": x, "labels": labels, "xv": x[:20][::-1].copy(), "labels-v": labels[:20][::-1].copy()}


cases = Cases("run", "run", data())


def add(id, covers, seed, make, calls):
    """calls: [verb, keywords] in order, after the model was made and compiled under the seed."""
    fresh()
    config = model_json(make())
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    by_hand = [np.asarray(w) for w in make().get_weights()]
    runs = []
    for disturbed in (False, True):
        keras.backend.clear_session()
        keras.utils.set_random_seed(seed)
        model = load(config)
        start = [np.asarray(w) for w in model.get_weights()]
        assert all(np.array_equal(a, b) for a, b in zip(start, by_hand)), id
        if disturbed:
            r = rng("disturb")
            model.set_weights([(w * (1 + (r.integers(0, 2, w.shape) * 2 - 1) * 2.0**-22)).astype(np.float32) for w in start])
        A, results = cases.arrays, []
        for verb, k in calls:
            if verb == "fit":
                k = {**k, "validation_data": (A["xv"], A["labels-v"])} if k.get("validation_data") else k
                results.append(finite(model.fit(A["x"], A["labels"], verbose=0, **k).history))
            elif verb == "evaluate":
                results.append(finite({a: [b] for a, b in model.evaluate(A["x"], A["labels"], verbose=0, return_dict=True, **k).items()}))
            elif verb == "train_on_batch":
                a, b = k["rows"]
                results.append(finite({n: [v] for n, v in model.train_on_batch(A["x"][a:b], A["labels"][a:b], return_dict=True).items()}))
            elif verb == "predict":
                results.append({"sum": [float(model.predict(A["x"], verbose=0).astype(np.float64)[:, 0].sum())]})
        runs.append((results, [np.asarray(w) for w in model.get_weights()]))
        if not disturbed:
            generators = [np.asarray(l.seed_generator.state).tolist() for l in model._flatten_layers() if hasattr(l, "seed_generator")]
            state = np.random.get_state()
            following = {"python": random.randint(1, int(1e9)), "numpy": np.random.permutation(10).tolist()}
    (results, weights), (results2, weights2) = runs
    far = max(float(np.abs(a - b).max()) for a, b in zip(weights, weights2))
    spread = max(abs(a - b) / max(abs(a), 1e-3) for one, two in zip(results, results2) for k in one if "loss" in k for a, b in zip(one[k], two[k]))
    print(f"{id}: weights moved {far:.2g}, losses {spread:.2g}")
    assert spread < 5e-6, "choose a gentler run"
    case = {"id": id, "covers": covers, "seed": seed, "model": config, "calls": [{"verb": v, "arguments": k, "result": r} for (v, k), r in zip(calls, results)]}
    case["weight_shapes"] = [list(w.shape) for w in start]
    case["initial"], case["final"] = cases.put(id + ".initial", flat(start)), cases.put(id + ".final", flat(weights))
    case["generators"], case["next"] = generators, following
    case["tolerance"] = {"loss": {"rtol": 1e-5, "atol": 1e-6}, "others": {"rtol": 1e-6, "atol": 1e-6}, "weights": {"rtol": 1e-5, "atol": bound(far, 1e-5)}}
    cases.cases.append(case)


def plain_cnn():
    m = keras.Sequential([keras.Input((6, 6, 1), name="x"), L.Conv2D(6, 3, activation="relu", name="c"), L.MaxPooling2D(2, name="p"), L.Dropout(0.25, name="o1"), L.Flatten(name="f"), L.Dense(16, activation="relu", kernel_initializer="he_normal", name="d1"), L.Dropout(0.5, name="o2"), L.Dense(CLASSES, activation="softmax", name="d2")], name="m")
    m.compile(O.Adam(0.005), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return m


def normed():
    x = keras.Input((6, 6, 1), name="x")
    y = L.Conv2D(4, 3, padding="same", use_bias=False, kernel_initializer="lecun_normal", name="c")(x)
    drop = L.Dropout(0.2, name="o")
    y = drop(L.Activation("relu", name="a")(L.BatchNormalization(momentum=0.8, name="b")(y)))
    y = L.Add(name="j")([y, L.Conv2D(4, 1, name="s")(x)])
    y = L.Dense(CLASSES, name="d")(drop(L.Flatten(name="f")(y)))
    m = keras.Model(x, y, name="m")
    m.compile(O.SGD(0.05, momentum=0.9, nesterov=True), K.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy", M.SparseTopKCategoricalAccuracy(k=2, name="top2")])
    return m


add("dropout", "seed 42: Dropout, shuffling, validation_split 0.2, a last batch of 8 of 16", 42, plain_cnn, [("fit", {"epochs": 6, "batch_size": 16, "validation_split": 0.2})])
add("default", "the same with seed 7 and fit's own batch size", 7, plain_cnn, [("fit", {"epochs": 3, "validation_split": 0.2})])
add("two-fits", "a functional graph, Dropout called twice in a step, predict before and evaluate between two fits", 42, normed, [("predict", {}), ("fit", {"epochs": 2, "batch_size": 20, "validation_data": True}), ("evaluate", {"batch_size": 50}), ("fit", {"epochs": 4, "initial_epoch": 2, "batch_size": 20, "validation_data": True})])
add("steps", "steps_per_epoch: a permutation lasts over the end of an epoch", 3, plain_cnn, [("fit", {"epochs": 4, "batch_size": 16, "steps_per_epoch": 3})])
add("on-batch-first", "train_on_batch before fit: nothing is drawn for a peek", 5, plain_cnn, [("train_on_batch", {"rows": [0, 10]}), ("fit", {"epochs": 2, "batch_size": 16})])
add("evaluate-first", "evaluate before fit: nothing is drawn for a peek", 5, plain_cnn, [("evaluate", {}), ("fit", {"epochs": 2, "batch_size": 16})])
add("weights", "class_weight, shuffled along", 11, plain_cnn, [("fit", {"epochs": 2, "batch_size": 16, "class_weight": {0: 2.0, 3: 0.5}})])
cases.write(rows=ROWS, x="x", y="labels", validation=["xv", "labels-v"])
