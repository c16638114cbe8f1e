# SPDX-License-Identifier: Apache-2.0
"""Optimizers on given gradients, losses, metrics, schedules, regularizers and constraints, each by itself."""
import jax

from common import *

O, S, R, C, M = keras.optimizers, keras.optimizers.schedules, keras.regularizers, keras.constraints, keras.metrics
T = keras.ops.convert_to_tensor


def small(o):
    return compact(plain(keras.saving.serialize_keras_object(o)), keep_name=False)


def again(o):
    return keras.saving.deserialize_keras_object(small(o))


def optimizers():
    steps = 7
    a, b = numbers((2, 3), "a"), numbers((3,), "b")
    ga, gb = numbers((steps, 2, 3), "ga"), numbers((steps, 3), "gb")
    ga[3] *= 40  # clipped by every kind of clipping
    ga[4] = 0
    gb[4] = 0
    arrays, cases = {"start": flat([a, b]), "gradients": np.concatenate([ga.reshape(steps, -1), gb], 1)}, []

    def add(id, covers, optimizer, constraint=None):
        fresh()
        o = again(optimizer)
        va, vb = keras.Variable(a, name="a"), keras.Variable(b, name="b")
        va.constraint = keras.constraints.get(constraint)
        o.build([va, vb])
        rows = []
        for i in range(steps):
            o.apply([T(ga[i]), T(gb[i])], [va, vb])
            rows.append(flat([va, vb]))
        state = [np.asarray(v) for v in o.variables]
        o.finalize_variable_values([va, vb])
        arrays[id] = np.stack(rows)
        case = {"id": id, "covers": covers, "optimizer": small(optimizer), "config": plain(keras.saving.serialize_keras_object(o))["config"], "steps": id}
        if constraint is not None:
            case["constraint"] = constraint if isinstance(constraint, str) else small(constraint)
        if o.use_ema:
            arrays[id + ".final"] = flat([va, vb])
            case["final"] = id + ".final"
        case["state"] = [[v.path.split("/", 1)[1], list(v.shape)] for v in o.variables]
        arrays[id + ".state"] = flat(state)
        case["state_values"] = id + ".state"
        cases.append(case)

    add("sgd", "SGD defaults", O.SGD())
    add("sgd-momentum", "momentum", O.SGD(0.1, momentum=0.9))
    add("sgd-nesterov", "nesterov", O.SGD(0.1, momentum=0.9, nesterov=True))
    add("sgd-nesterov-no-momentum", "nesterov without momentum is plain", O.SGD(0.1, nesterov=True))
    add("sgd-decay", "weight_decay, biases too", O.SGD(0.1, weight_decay=0.1))
    add("sgd-momentum-decay", "weight_decay with momentum", O.SGD(0.1, momentum=0.5, weight_decay=0.05))
    add("sgd-clipnorm", "clipnorm", O.SGD(0.1, clipnorm=1.0))
    add("sgd-clipvalue", "clipvalue", O.SGD(0.1, clipvalue=0.5))
    add("sgd-global-clipnorm", "global_clipnorm", O.SGD(0.1, global_clipnorm=1.0))
    add("sgd-ema", "use_ema: steps show the weights themselves, final the averages", O.SGD(0.1, use_ema=True, ema_momentum=0.8))
    add("sgd-ema-overwrite", "ema_overwrite_frequency 2", O.SGD(0.1, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=2))
    add("sgd-accumulate", "gradient_accumulation_steps 3", O.SGD(0.1, momentum=0.9, gradient_accumulation_steps=3))
    add("sgd-loss-scale", "loss_scale_factor: gradients come multiplied by it", O.SGD(0.1, loss_scale_factor=4.0))
    add("sgd-constraint", "a constraint on the first variable", O.SGD(0.1, momentum=0.9), "non_neg")
    add("sgd-constraint-ema", "a constraint and EMA", O.SGD(0.1, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3), C.MaxNorm(0.5, axis=[0, 1]))
    add("sgd-schedule", "a schedule", O.SGD(S.ExponentialDecay(0.1, 2, 0.5)))
    add("adam", "Adam defaults", O.Adam())
    add("adam-betas", "beta_1, beta_2, epsilon", O.Adam(0.05, 0.7, 0.9, 1e-3))
    add("adam-amsgrad", "amsgrad", O.Adam(0.05, amsgrad=True, beta_2=0.8))
    add("adam-decay", "Adam with weight_decay", O.Adam(0.05, weight_decay=0.1))
    add("adam-clip-accumulate", "global_clipnorm with gradient accumulation: the mean is clipped", O.Adam(0.05, global_clipnorm=0.5, gradient_accumulation_steps=2))
    add("adam-ema-accumulate", "EMA with gradient accumulation", O.Adam(0.05, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2, gradient_accumulation_steps=2))
    add("adam-accumulate-decay", "weight_decay with gradient accumulation", O.Adam(0.05, weight_decay=0.1, gradient_accumulation_steps=2))
    add("adam-schedule-accumulate", "a schedule with gradient accumulation", O.Adam(S.InverseTimeDecay(0.1, 1, 0.5), gradient_accumulation_steps=2))
    add("adamw", "AdamW defaults", O.AdamW())
    add("adamw-decay", "AdamW weight_decay, amsgrad", O.AdamW(0.05, weight_decay=0.2, amsgrad=True))
    add("rmsprop", "RMSprop defaults", O.RMSprop())
    add("rmsprop-rho", "rho, epsilon", O.RMSprop(0.01, rho=0.5, epsilon=1e-3))
    add("rmsprop-momentum", "momentum", O.RMSprop(0.01, momentum=0.9))
    add("rmsprop-centered", "centered", O.RMSprop(0.01, centered=True))
    add("rmsprop-all", "momentum, centered, weight_decay, clipvalue", O.RMSprop(0.01, rho=0.8, momentum=0.5, epsilon=1e-5, centered=True, weight_decay=0.01, clipvalue=0.75))
    write_npz("learning/optimizers.npz", arrays)
    write_cases("learning/optimizers.json", {"kind": "optimizers", "arrays": "learning/optimizers.npz", "start": "start", "gradients": "gradients", "shapes": [[2, 3], [3]], "tolerance": {"rtol": 2e-6, "atol": 2e-7}}, cases)


def losses():
    arrays, cases = {}, []
    n, c = 6, 4
    softmax = lambda a: np.array(keras.ops.softmax(T(a)), np.float32)
    logits = numbers((n, c), "logits", scale=2.0)
    probs = softmax(logits)
    probs[2] = [0, 1, 0, 0]
    probs[3] = [0.5, 0.25, 0.25, 0.5]  # does not sum to one: it is divided by its sum
    labels = np.array([0, 1, 2, 1, 3, 0], np.int32)
    onehot = np.eye(c, dtype=np.float32)[labels]
    soft = softmax(numbers((n, c), "soft"))
    multi = (numbers((n, c), "multi") > 0).astype(np.float32)
    unit = np.clip(1 / (1 + np.exp(-logits)), 0, 1).astype(np.float32)
    unit[1, 0], unit[1, 1] = 0, 1
    arrays.update({"logits": logits, "probs": probs, "labels": labels, "labels-column": labels[:, None], "onehot": onehot, "soft": soft, "multi": multi, "unit": unit})
    arrays.update({"real": numbers((n, c), "real"), "pred": numbers((n, c), "pred", scale=1.5), "real-1": numbers((n,), "real1"), "pred-1": numbers((n, 1), "pred1"), "binary": np.array([[0], [1], [1], [0], [1], [0]], np.float32), "unit-1": unit[:, 2:3], "logits-1": logits[:, 1:2]})
    p = (2, 3, 2)
    arrays.update({"map-labels": np.array([[[0, 1], [2, 1], [0, 0]], [[1, 2], [2, 2], [1, 0]]], np.int32), "map-probs": softmax(numbers((*p, 3), "map")), "map-logits": numbers((*p, 3), "maplogits", scale=2.0), "map-real": numbers((*p, 3), "mapreal")})
    arrays["map-onehot"] = np.eye(3, dtype=np.float32)[arrays["map-labels"]]
    arrays["w"] = np.array([1, 0, 2, 0.5, 1.5, 3], np.float32)
    arrays["w-map"] = np.array([[[1, 0], [2, 0.5], [1, 1]], [[0.25, 1], [0, 0], [3, 1]]], np.float32)
    arrays["w-picture"] = np.array([2.0, 0.5], np.float32).reshape(2, 1, 1)

    def add(id, covers, loss, true, pred, weight=None):
        loss = keras.losses.get(loss)
        spec = loss
        if not isinstance(loss, keras.losses.Loss):
            name, loss = loss.__name__, None
            cls = {"mean_squared_error": "MeanSquaredError", "mean_absolute_error": "MeanAbsoluteError", "huber": "Huber", "categorical_crossentropy": "CategoricalCrossentropy", "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy", "binary_crossentropy": "BinaryCrossentropy"}[name]
            loss = getattr(keras.losses, cls)()
            spec = name
        y, z = arrays[true], arrays[pred]
        w = arrays[weight] if weight else None
        value = lambda z: loss(y, z, sample_weight=w)
        case = {"id": id, "covers": covers, "loss": spec if isinstance(spec, str) else small(loss), "y_true": true, "y_pred": pred}
        if weight:
            case["sample_weight"] = weight
        v, g = jax.value_and_grad(lambda z: value(z).sum())(T(z))
        out = np.asarray(value(T(z)), np.float32)
        arrays[id + ".value"] = np.atleast_1d(out)
        case["value"] = id + ".value"
        arrays[id + ".gradient"] = np.asarray(g)
        case["gradient"] = id + ".gradient"
        case["gradient_finite"] = bool(np.isfinite(g).all())
        if not isinstance(spec, str):
            case["config"] = plain(keras.saving.serialize_keras_object(loss))["config"]
        cases.append(case)

    K = keras.losses
    for r in ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none"):
        for w in (None, "w"):
            add(f"mse-{r}" + ("-weighted" if w else ""), f"reduction {r}" + (", sample_weight" if w else ""), K.MeanSquaredError(reduction=r), "real", "pred", w)
    for name, cls in (("mean_squared_error", K.MeanSquaredError), ("mean_absolute_error", K.MeanAbsoluteError), ("huber", K.Huber)):
        add(name, f"{name} as a string", name, "real", "pred")
        add(f"{name}-rank", f"{name}: (n,) against (n, 1)", cls(), "real-1", "pred-1")
        add(f"{name}-map", f"{name} of pictures, a weight per picture", cls(), "map-onehot", "map-real", "w-picture")
        add(f"{name}-map-weights", f"{name} of pictures, a weight per cell", cls(), "map-onehot", "map-real", "w-map")
    add("huber-delta", "Huber delta", K.Huber(delta=0.5), "real", "pred")
    for t in ("onehot", "soft"):
        add(f"cce-{t}", "categorical_crossentropy: normalised, clipped", K.CategoricalCrossentropy(), t, "probs")
        add(f"cce-{t}-logits", "from_logits", K.CategoricalCrossentropy(from_logits=True), t, "logits")
    add("cce-string", "categorical_crossentropy as a string", "categorical_crossentropy", "onehot", "probs", "w")
    add("cce-smooth", "label_smoothing", K.CategoricalCrossentropy(label_smoothing=0.1), "onehot", "probs")
    add("cce-smooth-logits", "label_smoothing, from_logits", K.CategoricalCrossentropy(from_logits=True, label_smoothing=0.25), "onehot", "logits", "w")
    add("cce-axis", "axis 1", K.CategoricalCrossentropy(axis=1), "map-onehot", "map-probs")
    add("cce-map", "pictures", K.CategoricalCrossentropy(), "map-onehot", "map-probs", "w-map")
    for t in ("labels", "labels-column"):
        add(f"scce-{t}", "sparse_categorical_crossentropy", K.SparseCategoricalCrossentropy(), t, "probs")
        add(f"scce-{t}-logits", "from_logits", K.SparseCategoricalCrossentropy(from_logits=True), t, "logits", "w")
    add("scce-string", "sparse_categorical_crossentropy as a string", "sparse_categorical_crossentropy", "labels", "probs")
    add("scce-ignore", "ignore_class: divided by what is not ignored", K.SparseCategoricalCrossentropy(ignore_class=1), "labels", "probs")
    add("scce-ignore-weighted", "ignore_class with sample_weight", K.SparseCategoricalCrossentropy(ignore_class=1, from_logits=True), "labels", "logits", "w")
    add("scce-ignore-map", "ignore_class of pictures", K.SparseCategoricalCrossentropy(ignore_class=2, from_logits=True), "map-labels", "map-logits")
    add("scce-ignore-map-weights", "ignore_class of pictures with weights", K.SparseCategoricalCrossentropy(ignore_class=0), "map-labels", "map-probs", "w-map")
    arrays["ignored"] = np.full(n, 2, np.int32)
    add("scce-ignore-all", "everything ignored", K.SparseCategoricalCrossentropy(ignore_class=2), "ignored", "probs")
    arrays["ignored-negative"] = np.array([0, -1, 2, -1, 3, 0], np.int32)
    add("scce-ignore-negative", "ignore_class -1", K.SparseCategoricalCrossentropy(ignore_class=-1, from_logits=True), "ignored-negative", "logits")
    for t, u, l in (("multi", "unit", "logits"), ("binary", "unit-1", "logits-1")):
        add(f"bce-{t}", "binary_crossentropy", K.BinaryCrossentropy(), t, u)
        add(f"bce-{t}-logits", "from_logits", K.BinaryCrossentropy(from_logits=True), t, l)
        add(f"bce-{t}-smooth", "label_smoothing", K.BinaryCrossentropy(label_smoothing=0.2), t, u, "w")
        add(f"bce-{t}-smooth-logits", "label_smoothing, from_logits", K.BinaryCrossentropy(from_logits=True, label_smoothing=0.2), t, l, "w")
    add("bce-string", "binary_crossentropy as a string", "binary_crossentropy", "multi", "unit")
    add("bce-map", "pictures", K.BinaryCrossentropy(from_logits=True), "map-onehot", "map-real", "w-map")
    add("bce-axis", "axis 1", K.BinaryCrossentropy(axis=1), "map-onehot", "map-probs")
    # more classes than vectors have lanes; softmax of logits from -150 to 150: most probabilities are below the clip
    wide = 37
    arrays["wide-labels"] = np.array([0, 36, 16, 9, 31, 15], np.int32)
    arrays["wide-onehot"] = np.eye(wide, dtype=np.float32)[arrays["wide-labels"]]
    arrays["wide-soft"] = softmax(numbers((n, wide), "wide-soft"))
    arrays["wide-logits"] = numbers((n, wide), "wide-logits", scale=2.0)
    arrays["wide-probs"] = softmax(arrays["wide-logits"])
    arrays["sharp-logits"] = numbers((n, wide), "sharp-logits", scale=60.0)
    arrays["sharp-probs"] = softmax(arrays["sharp-logits"])
    for kind in ("wide", "sharp"):
        for logits in (False, True):
            end, pred = ("-logits", f"{kind}-logits") if logits else ("", f"{kind}-probs")
            add(f"cce-{kind}{end}", f"{wide} classes, {kind}", K.CategoricalCrossentropy(from_logits=logits), "wide-onehot", pred, "w")
            add(f"cce-{kind}-soft{end}", f"{wide} classes, {kind}, labels that are not one-hot, smoothed", K.CategoricalCrossentropy(from_logits=logits, label_smoothing=0.1), "wide-soft", pred)
            add(f"scce-{kind}{end}", f"{wide} classes, {kind}, class numbers", K.SparseCategoricalCrossentropy(from_logits=logits), "wide-labels", pred, "w")
    write_npz("learning/losses.npz", arrays)
    write_cases("learning/losses.json", {"kind": "losses", "arrays": "learning/losses.npz", "tolerance": {"rtol": 5e-6, "atol": 1e-6}}, cases)


def metrics():
    arrays, cases = {}, []
    n, c, batches = 7, 6, 3
    probs = np.array(keras.ops.softmax(T(numbers((batches, n, c), "probs", scale=2.0))), np.float32)
    labels = rng("labels").integers(0, c, (batches, n)).astype(np.int32)
    arrays.update({"probs": probs, "labels": labels, "labels-column": labels[..., None], "onehot": np.eye(c, dtype=np.float32)[labels]})
    unit = (np.round(rng("unit").random((batches, n, 1)) * 32) / 32).astype(np.float32)
    arrays.update({"unit": unit, "binary": (rng("binary").random((batches, n, 1)) < unit).astype(np.float32)})
    multi = (np.round(rng("multiunit").random((batches, n, 3)) * 64) / 64).astype(np.float32)
    arrays.update({"multi-unit": multi, "multi": (rng("multi").random((batches, n, 3)) < multi).astype(np.float32)})
    arrays["multi-logits"] = numbers((batches, n, 3), "multilogits", scale=2.0)
    tied = probs.copy()
    tied[:, ::2] = np.float32(1 / c)
    arrays["ties"] = tied
    arrays["real"], arrays["pred"] = numbers((batches, n, 2), "real"), numbers((batches, n, 2), "pred")
    arrays["w"] = (rng("w").integers(0, 5, (batches, n)) / 2).astype(np.float32)
    arrays["map-probs"] = np.array(keras.ops.softmax(T(numbers((batches, 2, 2, 2, 3), "map", scale=2.0))), np.float32)
    arrays["map-labels"] = rng("maplabels").integers(0, 3, (batches, 2, 2, 2)).astype(np.int32)

    def add(id, metric, true, pred, weight=None):
        spec = metric if isinstance(metric, str) else small(metric)
        m = keras.metrics.get(metric)
        m = m() if isinstance(m, type) else m
        results = []
        for i in range(batches):
            m.update_state(arrays[true][i], arrays[pred][i], sample_weight=arrays[weight][i] if weight else None)
            results.append(np.asarray(m.result(), np.float64))
        case = {"id": id, "metric": spec, "y_true": true, "y_pred": pred, "results": results}
        if weight:
            case["sample_weight"] = weight
        if not isinstance(metric, str):
            case["config"] = plain(keras.saving.serialize_keras_object(m))["config"]
        cases.append(case)

    for w in (None, "w"):
        t = "-weighted" if w else ""
        add("categorical-accuracy" + t, "categorical_accuracy", "onehot", "probs", w)
        add("categorical-accuracy-ties" + t, M.CategoricalAccuracy(), "onehot", "ties", w)
        add("sparse-accuracy" + t, "sparse_categorical_accuracy", "labels", "probs", w)
        add("sparse-accuracy-column" + t, M.SparseCategoricalAccuracy(), "labels-column", "probs", w)
        add("binary-accuracy" + t, "binary_accuracy", "binary", "unit", w)
        add("binary-accuracy-multi" + t, M.BinaryAccuracy(), "multi", "multi-unit", w)
        add("binary-accuracy-threshold" + t, M.BinaryAccuracy(threshold=0.75), "binary", "unit", w)
        for k in (1, 2, 5):
            add(f"top-{k}" + t, M.TopKCategoricalAccuracy(k=k), "onehot", "probs", w)
            add(f"sparse-top-{k}" + t, M.SparseTopKCategoricalAccuracy(k=k), "labels", "probs", w)
        add("top-ties" + t, M.TopKCategoricalAccuracy(k=2), "onehot", "ties", w)
        add("sparse-top-ties" + t, M.SparseTopKCategoricalAccuracy(k=2), "labels", "ties", w)
        for cls in (M.Precision, M.Recall):
            p = cls.__name__.lower()
            add(p + t, p, "binary", "unit", w)
            add(p + "-multi" + t, cls(), "multi", "multi-unit", w)
            add(p + "-threshold" + t, cls(thresholds=0.25), "binary", "unit", w)
            add(p + "-thresholds" + t, cls(thresholds=[0.0, 0.25, 0.5, 0.9]), "binary", "unit", w)
            add(p + "-top-k" + t, cls(top_k=2), "onehot", "probs", w)
            add(p + "-class" + t, cls(class_id=1), "multi", "multi-unit", w)
            add(p + "-top-k-class" + t, cls(top_k=2, class_id=3), "onehot", "probs", w)
        add("auc" + t, "auc", "binary", "unit", w)
        add("auc-pr" + t, M.AUC(curve="PR"), "binary", "unit", w)
        add("auc-few" + t, M.AUC(num_thresholds=7), "binary", "unit", w)
        add("auc-minoring" + t, M.AUC(num_thresholds=9, summation_method="minoring"), "binary", "unit", w)
        add("auc-majoring" + t, M.AUC(num_thresholds=9, summation_method="majoring"), "binary", "unit", w)
        add("auc-multi" + t, M.AUC(), "multi", "multi-unit", w)
        add("auc-multi-label" + t, M.AUC(multi_label=True, num_labels=3), "multi", "multi-unit", w)
        add("auc-thresholds" + t, M.AUC(thresholds=[0.1, 0.5, 0.6]), "binary", "unit", w)
        add("auc-logits" + t, M.AUC(from_logits=True), "multi", "multi-logits", w)
        for s in ("mean_squared_error", "mean_absolute_error", "root_mean_squared_error"):
            add(s.replace("_", "-") + t, s, "real", "pred", w)
        add("categorical-crossentropy" + t, "categorical_crossentropy", "onehot", "probs", w)
        add("sparse-categorical-crossentropy" + t, "sparse_categorical_crossentropy", "labels", "probs", w)
        add("binary-crossentropy" + t, "binary_crossentropy", "multi", "multi-unit", w)
        add("cce-metric-smooth" + t, M.CategoricalCrossentropy(label_smoothing=0.1), "onehot", "probs", w)
        add("bce-metric-logits" + t, M.BinaryCrossentropy(from_logits=True, label_smoothing=0.1), "multi", "multi-logits", w)
    add("sparse-accuracy-map", M.SparseCategoricalAccuracy(), "map-labels", "map-probs")
    write_npz("learning/metrics.npz", arrays)
    write_cases("learning/metrics.json", {"kind": "metrics", "arrays": "learning/metrics.npz", "tolerance": {"rtol": 5e-6, "atol": 1e-6}}, cases)


def schedules():
    steps = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 15, 16, 19, 20, 21, 29, 30, 31, 50, 100, 1000]
    cases = []
    for id, s in {
        "exponential": S.ExponentialDecay(0.1, 10, 0.5),
        "exponential-stairs": S.ExponentialDecay(0.1, 10, 0.5, staircase=True),
        "inverse-time": S.InverseTimeDecay(0.1, 10, 0.5),
        "inverse-time-stairs": S.InverseTimeDecay(0.1, 10, 0.5, staircase=True),
        "polynomial": S.PolynomialDecay(0.1, 20),
        "polynomial-power": S.PolynomialDecay(0.1, 20, 0.01, power=2.0),
        "polynomial-cycle": S.PolynomialDecay(0.1, 10, 0.01, power=0.5, cycle=True),
        "piecewise": S.PiecewiseConstantDecay([10, 20], [0.1, 0.05, 0.001]),
        "cosine": S.CosineDecay(0.1, 20),
        "cosine-alpha": S.CosineDecay(0.1, 20, alpha=0.1),
        "cosine-warmup": S.CosineDecay(0.01, 20, alpha=0.05, warmup_target=0.1, warmup_steps=5),
        "restarts": S.CosineDecayRestarts(0.1, 10),
        "restarts-all": S.CosineDecayRestarts(0.1, 8, t_mul=1.5, m_mul=0.5, alpha=0.1),
        "restarts-equal": S.CosineDecayRestarts(0.1, 8, t_mul=1.0, m_mul=0.9),
    }.items():
        again_ = again(s)
        cases.append({"id": id, "schedule": small(s), "config": plain(keras.saving.serialize_keras_object(s))["config"], "values": [float(np.asarray(again_(np.int32(t)))) for t in steps]})
    write_cases("learning/schedules.json", {"kind": "schedules", "steps": steps, "tolerance": {"rtol": 1e-5, "atol": 1e-8}}, cases)


def weights():
    """Regularizers: value and gradient; constraints: the weight afterwards."""
    arrays = {"kernel": numbers((2, 2, 2, 3), "k"), "matrix": numbers((4, 3), "m"), "row": numbers((5,), "r")}
    arrays["row"][2] = 0
    arrays["zeros"] = np.zeros((2, 3), np.float32)
    arrays["matrix-small"] = (arrays["matrix"] / 16).astype(np.float32)
    cases = []
    for id, r, on in (
        ("l1-string", "l1", "kernel"),
        ("l2-string", "l2", "kernel"),
        ("l1l2-string", "l1l2", "kernel"),
        ("l1", R.L1(0.25), "row"),
        ("l2", R.L2(0.25), "row"),
        ("l1l2", R.L1L2(0.125, 0.5), "kernel"),
        ("orthogonal-string", "orthogonal_regularizer", "matrix"),
        ("orthogonal", R.OrthogonalRegularizer(0.5), "matrix"),
        ("orthogonal-columns", R.OrthogonalRegularizer(0.5, mode="columns"), "matrix"),
    ):
        f = keras.regularizers.get(r)
        v, g = jax.value_and_grad(f)(T(arrays[on]))
        arrays[id] = np.asarray(g)
        case = {"id": id, "regularizer": r if isinstance(r, str) else small(r), "on": on, "value": float(v), "gradient": id}
        if not isinstance(r, str):
            case["config"] = plain(keras.saving.serialize_keras_object(f))["config"]
        cases.append(case)
    for id, c in {
        "max_norm-string": "max_norm",
        "non_neg-string": "non_neg",
        "unit_norm-string": "unit_norm",
        "min_max_norm-string": "min_max_norm",
        "max_norm": C.MaxNorm(0.75),
        "max_norm-axis": C.MaxNorm(0.75, axis=1),
        "max_norm-axes": C.MaxNorm(0.75, axis=[0, 1]),
        "unit_norm-axis": C.UnitNorm(axis=-1),
        "min_max_norm": C.MinMaxNorm(0.5, 0.75, 1.0),
        "min_max_norm-rate": C.MinMaxNorm(0.5, 0.75, 0.5, axis=1),
    }.items():
        for on in ("kernel", "matrix", "matrix-small", "zeros"):
            f = keras.constraints.get(c)
            arrays[f"{id}.{on}"] = np.asarray(f(T(arrays[on])))
            case = {"id": f"{id}.{on}", "constraint": c if isinstance(c, str) else small(c), "on": on, "result": f"{id}.{on}"}
            if not isinstance(c, str):
                case["config"] = plain(keras.saving.serialize_keras_object(f))["config"]
            cases.append(case)
    f = C.MaxNorm(0.5, axis=[0, 1, 2])
    arrays["max_norm-filters.kernel"] = np.asarray(f(T(arrays["kernel"])))
    cases.append({"id": "max_norm-filters.kernel", "constraint": small(f), "on": "kernel", "result": "max_norm-filters.kernel", "config": plain(keras.saving.serialize_keras_object(f))["config"]})
    write_npz("learning/weights.npz", arrays)
    write_cases("learning/weights.json", {"kind": "weights", "arrays": "learning/weights.npz", "tolerance": {"rtol": 2e-6, "atol": 1e-7}}, cases)


for make in (optimizers, losses, metrics, schedules, weights):
    fresh()
    make()
