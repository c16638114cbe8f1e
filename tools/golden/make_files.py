# SPDX-License-Identifier: Apache-2.0
"""Files as Keras writes them: .keras and .weights.h5, with the optimizer's state after two epochs, and what two more epochs give."""
import h5py

from training import *

cases = Cases("files", "files", {k: v for k, v in data().items() if k in ("x", "x-first", "rows", "onehot", "real")})
DATE = "2026-01-01@00:00:00"


def same_every_day(file):
    """Rewrites a .keras file with a fixed date and with small numbers in place of addresses as shared ids."""
    with zipfile.ZipFile(file) as z:
        members = [(n, z.read(n)) for n in z.namelist()]
    out = []
    for name, content in members:
        if name == "metadata.json":
            content = re.sub(rb'"date_saved": "[^"]*"', f'"date_saved": "{DATE}"'.encode(), content)
        if name == "config.json":
            ids = {}
            content = re.sub(rb'"shared_object_id": (\d+)', lambda m: b'"shared_object_id": %d' % ids.setdefault(m[1], len(ids) + 1), content)
        out.append((name, content))
    write_zip(file, out)


def tree(file):
    """Every group and data set of the weight file with its attributes."""
    f = h5py.File(io.BytesIO(zipfile.ZipFile(file).read("model.weights.h5")) if file.endswith(".keras") else file, "r")
    found = []
    f.visititems(lambda name, o: found.append([name, [list(o.shape), o.dtype.str] if isinstance(o, h5py.Dataset) else None, {k: str(v) for k, v in o.attrs.items()}]))
    return found


def add(id, covers, model, x="x", y="onehot", more=2, weights_only=False):
    xs, ys = [x] if isinstance(x, str) else x, [y] if isinstance(y, str) else y
    A = cases.arrays
    fresh()
    model = model()
    model.set_weights(initial(model))
    X, Y = unpack(A, xs), unpack(A, ys)
    fit = {"epochs": 2, "batch_size": 10}
    if getattr(model, "optimizer", None):
        model.fit(X, Y, shuffle=False, verbose=0, **fit)
        for v in model.optimizer.variables:  # after EMA weights and averages share a buffer, which JAX then gives away
            v.assign(np.array(v))
    case = {"id": id, "covers": covers, "x": xs, "y": ys}
    case["weight_shapes"] = [list(w.shape) for w in model.get_weights()]
    case["weights"] = cases.put(f"{id}.weights", flat(model.get_weights()))
    first = [a[:3] for a in (X if isinstance(X, list) else [X])]
    out = as_list(model.predict(first if len(first) > 1 else first[0], verbose=0))
    case["predict_rows"], case["outputs"] = 3, [cases.put(f"{id}.y{i}", np.asarray(v)) for i, v in enumerate(out)]
    if getattr(model, "optimizer", None):
        case["optimizer_state"] = [[v.path.split("/", 1)[1], list(v.shape)] for v in model.optimizer.variables]
        case["optimizer_values"] = cases.put(f"{id}.optimizer", flat(model.optimizer.variables))
    file = path("files", id + (".weights.h5" if weights_only else ".keras"))
    if weights_only:
        model.save_weights(file)
        case["file"], case["model"] = f"files/{id}.weights.h5", model_json(model)
        load_again = lambda: (lambda m: (m.load_weights(file), m)[1])(load(case["model"]))
    else:
        model.save(file)
        same_every_day(file)
        case["file"] = f"files/{id}.keras"
        load_again = lambda: keras.saving.load_model(file)
    case["tree"] = tree(file)
    if getattr(model, "optimizer", None):
        fresh()
        again, moved = load_again(), load_again()
        r = rng("disturb")
        moved.set_weights([(w * (1 + (r.integers(0, 2, w.shape) * 2 - 1) * 2.0**-22)).astype(np.float32) for w in moved.get_weights()])
        assert all(np.array_equal(a, b) for a, b in zip(again.optimizer.variables, model.optimizer.variables)), id
        keyword = {"epochs": fit["epochs"] + more, "initial_epoch": fit["epochs"], "batch_size": 10}
        history = again.fit(X, Y, shuffle=False, verbose=0, **keyword).history
        moved.fit(X, Y, shuffle=False, verbose=0, **keyword)
        straight = model.fit(X, Y, shuffle=False, verbose=0, **keyword).history
        case["fit"], case["history"] = keyword, finite(history)
        if any(abs(a - b) > 1e-6 for k in history for a, b in zip(history[k], straight[k])):
            case["without_saving"] = finite(straight)  # what would have come had the model not been saved and loaded
        case["final"] = cases.put(f"{id}.final", flat(again.get_weights()))
        far = max(float(np.abs(a - b).max()) for a, b in zip(again.get_weights(), moved.get_weights()))
        case["tolerance"] = {"outputs": {"rtol": 1e-5, "atol": 1e-5}, "history": {"rtol": 1e-5, "atol": 5e-6}, "weights": {"rtol": 1e-5, "atol": bound(far, 5e-6)}}
    else:
        case["tolerance"] = {"outputs": {"rtol": 1e-5, "atol": 1e-5}}
    cases.cases.append(case)


def chain(*layers, optimizer=None, loss="categorical_crossentropy", shape=(8, 8, 2), **more):
    m = keras.Sequential([keras.Input(shape), *layers, L.Dense(3, activation="softmax")])
    if optimizer is not None:
        m.compile(optimizer, loss, metrics=["accuracy"], **more)
    return m


small = lambda: [L.Conv2D(3, 3, 2, activation="relu"), L.Flatten()]
add("sgd", "plain SGD: no slots", lambda: chain(*small(), optimizer=O.SGD(0.1)))
add("momentum", "SGD with momentum; BatchNormalization, Dropout without a rate", lambda: chain(L.Conv2D(3, 3, 2), L.BatchNormalization(), L.ReLU(), L.Dropout(0.0), L.GlobalAveragePooling2D(), optimizer=O.SGD(0.1, momentum=0.9)))
add("adam-everything", "Adam with amsgrad, EMA, accumulation, weight_decay, clipnorm", lambda: chain(*small(), optimizer=O.Adam(0.01, amsgrad=True, use_ema=True, ema_momentum=0.7, ema_overwrite_frequency=4, gradient_accumulation_steps=2, weight_decay=0.01, clipnorm=1.0)))
add("rmsprop", "RMSprop with all slots", lambda: chain(*small(), optimizer=O.RMSprop(0.003, momentum=0.5, centered=True, epsilon=1e-3)))
add("schedule", "a schedule: no learning rate among the variables", lambda: chain(*small(), optimizer=O.AdamW(S.PolynomialDecay(0.05, 20, 0.001))))
add("string", "optimizer, loss and metrics as strings; every foundation layer that fits in a chain", lambda: chain(L.Rescaling(0.5), L.ZeroPadding2D(1), L.DepthwiseConv2D(3, depth_multiplier=2, depthwise_regularizer="l2"), L.PReLU(shared_axes=[1, 2]), L.MaxPooling2D(2), L.Conv2D(4, 2, kernel_constraint="max_norm", kernel_initializer=I.HeNormal(seed=1), activity_regularizer=R.L1(0.001)), L.LeakyReLU(), L.AveragePooling2D(2, 1), L.ELU(), L.Cropping2D(((0, 0), (0, 0))), L.Reshape((-1, 2)), L.Softmax(), L.Activation("tanh"), L.Flatten(), optimizer="adam"))
add("inference", "not compiled, channels_first", lambda: keras.Sequential([keras.Input((2, 8, 8)), L.Conv2D(3, 3, data_format="channels_first"), L.BatchNormalization(axis=1), L.GlobalMaxPooling2D(data_format="channels_first")], name="inference"), x="x-first")


def graph():
    x, r = keras.Input((8, 8, 2), name="picture"), keras.Input((5,), name="row")
    inner = keras.Sequential([keras.Input((8, 8, 2)), L.Conv2D(2, 3, name="deep"), L.BatchNormalization()], name="tower")
    c = L.Conv2D(2, 3, padding="same", activation="relu")
    y = L.Add()([c(x), c(c(x))])
    y = L.Flatten()(L.AveragePooling2D(3)(inner(y)))
    j = L.Concatenate()([y, r])
    k = L.Multiply()([L.Dense(3, activation="sigmoid")(j), L.Dense(3)(j)])
    m = keras.Model([x, r], [L.Dense(3, activation="softmax", name="kind")(k), k], name="two_ends")
    m.compile(O.Adam(0.01), {"kind": K.CategoricalCrossentropy(label_smoothing=0.1), "multiply": "mse"}, loss_weights={"kind": 1.0, "multiply": 0.5}, metrics={"kind": ["accuracy", M.AUC(num_thresholds=20)]})
    return m


add("graph", "Functional: two inputs and outputs, a shared layer, a nested model, losses by name", graph, x=["x", "rows"], y=["onehot", "real"])
add("weights", "weights alone, with the state of Adam", lambda: chain(*small(), optimizer=O.Adam(0.01)), weights_only=True)
cases.write()
