# SPDX-License-Identifier: Apache-2.0
"""Three epochs without shuffling for every optimizer, loss, regularizer, constraint, metric and way of feeding."""
import csv

from training import *

cases = Cases("train", "train", data())


def cnn(units=3, activation="softmax", conv={}, dense={}):
    return keras.Sequential([keras.Input((8, 8, 2), name="x"), L.Conv2D(3, 3, activation="relu", name="c", **conv), L.MaxPooling2D(2, name="p"), L.Flatten(name="f"), L.Dense(units, activation=activation, name="d", **dense)], name="m")


def compiled(model, optimizer=None, loss="categorical_crossentropy", metrics=("accuracy",), **more):
    model.compile(optimizer=optimizer or O.SGD(0.1), loss=loss, metrics=list(metrics) if isinstance(metrics, tuple) else metrics, **more)
    return model


def add(id, covers, model, y="onehot", x="x", validation=None, sample_weight=None, callbacks=(), **fit):
    if not re.search(os.environ.get("CORNU_ONLY", ""), id):
        return
    fresh()
    xs, ys = [x] if isinstance(x, str) else x, [y] if isinstance(y, str) else y
    fit = {"epochs": 3, "batch_size": 10, **fit}
    fit = {k: v for k, v in fit.items() if v is not None}
    run = Run(model() if callable(model) and not isinstance(model, keras.Model) else model)
    case = {"id": id, "covers": covers, "model": run.config, "x": xs, "y": ys, "fit": fit}
    A = cases.arrays
    keywords = {k: {int(a): b for a, b in v.items()} if k == "class_weight" else v for k, v in fit.items()}
    if sample_weight is not None:
        names = [sample_weight] if isinstance(sample_weight, str) else sample_weight
        case["sample_weight"] = names
        keywords["sample_weight"] = unpack(A, names)
    if validation:
        case["validation"] = {k: [v] if isinstance(v, str) else v for k, v in validation.items()}
        keywords["validation_data"] = tuple(unpack(A, case["validation"][k]) for k in ("x", "y", "sample_weight") if k in case["validation"])
    if callbacks:
        case["callbacks"] = [{"name": n, "arguments": a} for n, a in callbacks]
    cases.start(run, case)
    text = []

    def go(model):
        made = []
        for n, a in callbacks:
            if n == "LearningRateScheduler":
                made.append(keras.callbacks.LearningRateScheduler(lambda epoch, table=a["table"]: table[epoch]))
            elif n == "CSVLogger":
                made.append(keras.callbacks.CSVLogger(os.path.join(os.environ["KERAS_HOME"], "log.csv"), **a))
            else:
                made.append(getattr(keras.callbacks, n)(**a))
        test = {k: unpack(A, v) for k, v in (("x", xs), ("y", ys))}
        before = model.evaluate(**test, batch_size=10, return_dict=True, verbose=0)
        history = model.fit(**test, **keywords, shuffle=False, verbose=0, callbacks=made)
        if any(n == "CSVLogger" for n, _ in callbacks):
            text.append(open(os.path.join(os.environ["KERAS_HOME"], "log.csv"), newline="").read())
        after = model.evaluate(**test, batch_size=10, return_dict=True, verbose=0)
        return {"evaluate": before, "history": history.history, "epoch": history.epoch, "after": after}

    out, weights, case["tolerance"] = run(go)
    case["evaluate"], case["history"], case["evaluate_after"] = finite({k: [v] for k, v in out["evaluate"].items()}), finite(out["history"]), finite({k: [v] for k, v in out["after"].items()})
    for k in ("evaluate", "evaluate_after"):
        case[k] = {a: b[0] for a, b in case[k].items()}
    if out["epoch"] != list(range(fit["epochs"])):
        case["epoch"] = out["epoch"]
    if text:
        case["csv"] = text[0]
    if [k for k in out["history"]] != sorted(out["history"], key=lambda k: (k == "learning_rate", k.startswith("val_"), k)):
        print("order of the history of", id, list(out["history"]))
    case["final"] = cases.put(f"{id}.final", flat(weights))
    case["variables"] = [int(np.asarray(run.model.optimizer.iterations)), len(run.model.optimizer.variables)]
    cases.cases.append(case)


def optimizers():
    for id, covers, o in (
        ("sgd", "SGD", O.SGD(0.1)),
        ("sgd-momentum", "SGD momentum", O.SGD(0.05, momentum=0.9)),
        ("sgd-nesterov", "SGD nesterov", O.SGD(0.05, momentum=0.9, nesterov=True)),
        ("sgd-decay", "SGD weight_decay", O.SGD(0.1, weight_decay=0.05)),
        ("sgd-clipnorm", "clipnorm", O.SGD(0.5, clipnorm=0.1)),
        ("sgd-clipvalue", "clipvalue", O.SGD(0.5, clipvalue=0.02)),
        ("sgd-global-clipnorm", "global_clipnorm", O.SGD(0.5, global_clipnorm=0.2)),
        ("sgd-ema", "use_ema: averages take the weights' place at the end of fit", O.SGD(0.1, use_ema=True, ema_momentum=0.7)),
        ("sgd-ema-overwrite", "ema_overwrite_frequency 2", O.SGD(0.1, use_ema=True, ema_momentum=0.7, ema_overwrite_frequency=2)),
        ("sgd-accumulate", "gradient_accumulation_steps 2 over 9 batches", O.SGD(0.1, momentum=0.5, gradient_accumulation_steps=2)),
        ("sgd-loss-scale", "loss_scale_factor", O.SGD(0.1, loss_scale_factor=8.0)),
        ("adam", "Adam", O.Adam(0.01)),
        ("adam-arguments", "Adam beta_1, beta_2, epsilon", O.Adam(0.01, beta_1=0.7, beta_2=0.9, epsilon=1e-2)),
        ("adam-amsgrad", "Adam amsgrad", O.Adam(0.01, amsgrad=True)),
        ("adam-decay", "Adam weight_decay, clipnorm", O.Adam(0.01, weight_decay=0.1, clipnorm=1.0)),
        ("adam-accumulate-ema", "Adam with accumulation and EMA", O.Adam(0.01, gradient_accumulation_steps=3, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=1)),
        ("adamw", "AdamW", O.AdamW(0.01)),
        ("adamw-decay", "AdamW weight_decay, global_clipnorm", O.AdamW(0.01, weight_decay=0.2, global_clipnorm=0.5)),
        ("rmsprop", "RMSprop", O.RMSprop(0.003)),
        ("rmsprop-momentum", "RMSprop momentum", O.RMSprop(0.003, momentum=0.8)),
        ("rmsprop-centered", "RMSprop centered", O.RMSprop(0.003, rho=0.8, epsilon=1e-3, centered=True)),
        ("rmsprop-all", "RMSprop momentum, centered, weight_decay", O.RMSprop(0.003, momentum=0.5, centered=True, epsilon=1e-3, weight_decay=0.01)),
        ("string-sgd", "optimizer as a string", "sgd"),
        ("string-adam", "optimizer as a string", "adam"),
        ("string-adamw", "optimizer as a string, in another case", "ADAMW"),
        ("string-rmsprop", "optimizer as a string", "rmsprop"),
    ):
        add(id, covers, compiled(cnn(), o))
    for id, s in (
        ("exponential", S.ExponentialDecay(0.2, 3, 0.5)),
        ("exponential-stairs", S.ExponentialDecay(0.2, 3, 0.5, staircase=True)),
        ("inverse-time", S.InverseTimeDecay(0.2, 2, 0.5)),
        ("polynomial", S.PolynomialDecay(0.2, 6, 0.01, power=2.0)),
        ("piecewise", S.PiecewiseConstantDecay([2, 5], [0.2, 0.05, 0.01])),
        ("cosine", S.CosineDecay(0.02, 8, alpha=0.1, warmup_target=0.2, warmup_steps=3)),
        ("restarts", S.CosineDecayRestarts(0.2, 3)),
    ):
        add(f"schedule-{id}", f"learning rate {id}", compiled(cnn(), O.SGD(s, momentum=0.5)))
    add("schedule-adam-accumulate", "a schedule with Adam and accumulation", compiled(cnn(), O.Adam(S.ExponentialDecay(0.02, 2, 0.7), gradient_accumulation_steps=2)))


def losses():
    for id, covers, loss, y, activation, metrics in (
        ("cce", "categorical_crossentropy", "categorical_crossentropy", "onehot", "softmax", ("accuracy", "categorical_crossentropy")),
        ("cce-soft", "categorical_crossentropy with soft labels", "categorical_crossentropy", "soft", "softmax", ("acc",)),
        ("cce-smooth", "label_smoothing", K.CategoricalCrossentropy(label_smoothing=0.1), "onehot", "softmax", ("accuracy",)),
        ("cce-logits", "from_logits", K.CategoricalCrossentropy(from_logits=True), "onehot", None, ("accuracy",)),
        ("cce-logits-smooth", "from_logits, label_smoothing", K.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2), "onehot", None, ("accuracy",)),
        ("cce-sum", "reduction sum", K.CategoricalCrossentropy(reduction="sum"), "onehot", "softmax", ("accuracy",)),
        ("cce-sigmoid", "probabilities that do not sum to one", "categorical_crossentropy", "onehot", "sigmoid", ("accuracy",)),
        ("scce", "sparse_categorical_crossentropy", "sparse_categorical_crossentropy", "labels", "softmax", ("accuracy", "sparse_categorical_crossentropy")),
        ("scce-column", "labels (n, 1)", "sparse_categorical_crossentropy", "labels-column", "softmax", ("accuracy",)),
        ("scce-logits", "from_logits", K.SparseCategoricalCrossentropy(from_logits=True), "labels", None, ("accuracy",)),
        ("scce-ignore", "ignore_class", K.SparseCategoricalCrossentropy(ignore_class=1), "labels", "softmax", ("accuracy",)),
        ("bce", "binary_crossentropy, one output", "binary_crossentropy", "binary", "sigmoid", ("accuracy", "binary_crossentropy")),
        ("bce-row", "labels (n,)", "binary_crossentropy", "binary-row", "sigmoid", ("accuracy",)),
        ("bce-logits", "from_logits", K.BinaryCrossentropy(from_logits=True), "binary", None, (M.BinaryAccuracy(threshold=0.0),)),
        ("bce-smooth", "label_smoothing", K.BinaryCrossentropy(label_smoothing=0.2), "multi", "sigmoid", ("binary_accuracy",)),
        ("bce-logits-smooth", "from_logits, label_smoothing", K.BinaryCrossentropy(from_logits=True, label_smoothing=0.2), "multi", None, ("mse",)),
        ("bce-multi", "several labels: accuracy becomes categorical", "binary_crossentropy", "multi", "sigmoid", ("accuracy",)),
        ("mse", "mean_squared_error", "mse", "real", None, ("mae", "root_mean_squared_error")),
        ("mae", "mean_absolute_error", "mean_absolute_error", "real", None, ("mean_squared_error", "MSE")),
        ("huber", "huber as a string", "huber", "real", "tanh", ("mae",)),
        ("huber-delta", "Huber with delta 1, its default: Keras forgets another when it saves", K.Huber(), "real", None, ()),
        ("mse-none", "no metrics", K.MeanSquaredError(), "real", None, ()),
    ):
        units = 1 if y in ("binary", "binary-row") else 3
        add(f"loss-{id}", covers, compiled(cnn(units, activation), loss=loss, metrics=metrics), y)

    sharp = {"kernel_initializer": keras.initializers.RandomNormal(stddev=30.0, seed=5)}
    for id, covers, loss, y, units, activation in (
        ("cce-sharp", "softmax of large logits: the clip acts", K.CategoricalCrossentropy(), "onehot", 3, "softmax"),
        ("cce-sharp-smooth", "the same with smoothed labels", K.CategoricalCrossentropy(label_smoothing=0.1), "onehot", 3, "softmax"),
        ("scce-sharp", "the same with class numbers", K.SparseCategoricalCrossentropy(), "labels", 3, "softmax"),
        ("bce-sharp", "sigmoid of large logits: the clip acts", K.BinaryCrossentropy(), "multi", 3, "sigmoid"),
    ):
        add(f"loss-{id}", covers, compiled(cnn(units, activation, dense=sharp), O.SGD(0.01), loss=loss), y, sample_weight="w")
        add(f"loss-{id}-class-weight", covers + ", class weights", compiled(cnn(units, activation, dense=sharp), O.SGD(0.01), loss=loss), y, class_weight={"0": 2.0, "2": 0.25}) if activation == "softmax" else None

    def segment(loss, activation=None, metrics=("accuracy",), **more):
        m = keras.Sequential([keras.Input((8, 8, 2), name="x"), L.Conv2D(4, 3, padding="same", activation="relu", name="c"), L.Conv2D(3 if "Sparse" in type(loss).__name__ else 1, 1, activation=activation, name="d")], name="m")
        return compiled(m, loss=loss, metrics=metrics, **more)

    add("loss-picture-bce", "a label for each cell", segment(K.BinaryCrossentropy(), "sigmoid"), "picture")
    add("loss-picture-scce", "a class for each cell", segment(K.SparseCategoricalCrossentropy(from_logits=True)), "picture-labels")
    add("loss-picture-ignore", "ignore_class for cells", segment(K.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)), "picture-labels")
    add("loss-picture-weights", "a weight for each cell", segment(K.SparseCategoricalCrossentropy(from_logits=True), weighted_metrics=["accuracy"]), "picture-labels", sample_weight="w-picture")


def terms():
    conv = lambda r: {"kernel_regularizer": r}
    for id, covers, model in (
        ("l1", "kernel_regularizer l1", cnn(conv=conv(R.L1(0.02)))),
        ("l2", "kernel_regularizer l2", cnn(conv=conv("l2"), dense=conv(R.L2(0.1)))),
        ("l1l2", "L1L2 on kernel and bias", cnn(conv={"kernel_regularizer": R.L1L2(0.01, 0.02), "bias_regularizer": R.L1L2(0.1, 0.05)})),
        ("orthogonal", "OrthogonalRegularizer", cnn(dense=conv(R.OrthogonalRegularizer(0.5)))),
        ("orthogonal-columns", "OrthogonalRegularizer of columns", cnn(dense=conv(R.OrthogonalRegularizer(0.5, mode="columns")))),
        ("activity", "activity_regularizer, divided by the batch size", cnn(conv={"activity_regularizer": R.L1L2(0.01, 0.02)})),
        ("activity-dense", "activity_regularizer after the activation", cnn(dense={"activity_regularizer": R.L2(0.5)})),
    ):
        add(f"regularizer-{id}", covers, compiled(model))
    con = lambda c, b=None: {"kernel_constraint": c, "bias_constraint": b}
    for id, covers, model in (
        ("max-norm", "max_norm per filter", cnn(conv=con(C.MaxNorm(0.8, axis=[0, 1, 2])), dense=con(C.MaxNorm(0.9)))),
        ("max-norm-string", "max_norm as a string: axis 0", cnn(conv=con("max_norm"))),
        ("non-neg", "non_neg for kernel and bias", cnn(conv=con("non_neg", "non_neg"), dense=con(None, "NonNeg"))),
        ("unit-norm", "unit_norm", cnn(conv=con(C.UnitNorm(axis=[0, 1, 2])), dense=con("unit_norm"))),
        ("min-max-norm", "min_max_norm", cnn(conv=con(C.MinMaxNorm(0.5, 0.7, 0.8, axis=[0, 1, 2])), dense=con(C.MinMaxNorm(1.0, 1.2)))),
    ):
        add(f"constraint-{id}", covers, compiled(model, O.SGD(0.1, momentum=0.9)))
    add("constraint-ema", "constraints with EMA", compiled(cnn(dense=con("unit_norm")), O.Adam(0.01, use_ema=True, ema_momentum=0.6, ema_overwrite_frequency=4)))


def metrics():
    add("metrics-classes", "metrics of classes", compiled(cnn(), metrics=["accuracy", M.TopKCategoricalAccuracy(k=2, name="top2"), "precision", "recall", "auc", "categorical_accuracy", M.Precision(top_k=1, class_id=1, name="first")]))
    add("metrics-sparse", "metrics of sparse classes", compiled(cnn(), loss="sparse_categorical_crossentropy", metrics=["acc", "sparse_categorical_accuracy", M.SparseTopKCategoricalAccuracy(k=2)]), "labels")
    add("metrics-binary", "metrics of one output", compiled(cnn(1, "sigmoid"), loss="binary_crossentropy", metrics=["accuracy", M.Precision(thresholds=0.4), M.Recall(thresholds=[0.3, 0.6]), M.AUC(curve="PR", num_thresholds=50), "AUC"]), "binary")
    add("metrics-top-k", "top_k_categorical_accuracy by name: k = 5 of 3 is always 1", compiled(cnn(), metrics=["top_k_categorical_accuracy"]))
    add("metrics-weighted", "weighted_metrics beside metrics, sample weights", compiled(cnn(), metrics=["accuracy", "mse"], weighted_metrics=["accuracy", M.Recall()]), sample_weight="w")
    add("metrics-weighted-only", "weighted_metrics alone, and no weights given", compiled(cnn(), metrics=None, weighted_metrics=["accuracy"]))
    add("metrics-repeated", "one name twice", compiled(cnn(), metrics=["accuracy", "accuracy", M.MeanSquaredError(), M.MeanSquaredError()]))


def feeding():
    v = {"x": "xv", "y": "onehot-v"}
    add("fit-validation", "validation_data", compiled(cnn()), validation=v)
    add("fit-validation-weights", "validation_data with weights", compiled(cnn(), weighted_metrics=["mae"]), validation={**v, "sample_weight": "wv"}, sample_weight="w")
    add("fit-validation-plain", "training weights do not weigh validation", compiled(cnn(), weighted_metrics=["mae"]), validation=v, sample_weight="w")
    add("fit-validation-batch", "validation_batch_size", compiled(cnn()), validation=v, validation_batch_size=3)
    add("fit-validation-steps", "validation_steps", compiled(cnn()), validation=v, validation_batch_size=3, validation_steps=2)
    add("fit-validation-freq", "validation_freq 2", compiled(cnn()), validation=v, validation_freq=2, epochs=5)
    add("fit-validation-list", "validation_freq as a list", compiled(cnn()), validation=v, validation_freq=[1, 4], epochs=5)
    add("fit-split", "validation_split: the tail validates", compiled(cnn()), validation_split=0.3)
    add("fit-split-weights", "validation_split cuts the weights too", compiled(cnn()), validation_split=0.25, sample_weight="w")
    add("fit-class-weight", "class_weight, a class missing", compiled(cnn(), weighted_metrics=["accuracy"]), class_weight={"0": 2.0, "2": 0.25})
    add("fit-class-weight-sparse", "class_weight with sparse labels", compiled(cnn(), loss="sparse_categorical_crossentropy"), "labels", class_weight={"0": 1.0, "1": 3.0, "2": 0.5})
    add("fit-class-weight-binary", "class_weight with one output", compiled(cnn(1, "sigmoid"), loss="binary_crossentropy"), "binary", class_weight={"0": 0.5, "1": 4.0})
    add("fit-sample-weight", "sample_weight", compiled(cnn()), sample_weight="w")
    add("fit-sample-weight-mean", "sample_weight with mean_with_sample_weight", compiled(cnn(), loss=K.CategoricalCrossentropy(reduction="mean_with_sample_weight")), sample_weight="w")
    add("fit-batch-one", "batch size 1", compiled(cnn()), batch_size=1, epochs=1)
    add("fit-batch-large", "batch larger than the data", compiled(cnn()), batch_size=100)
    add("fit-batch-default", "batch size 32", compiled(cnn()), batch_size=None)
    add("fit-batch-even", "batches all alike", compiled(cnn()), batch_size=8)
    add("fit-steps", "steps_per_epoch: a pass goes on over the end of an epoch", compiled(cnn()), batch_size=8, steps_per_epoch=2)
    add("fit-steps-only", "steps_per_epoch without batch_size", compiled(cnn()), batch_size=None, steps_per_epoch=5)
    add("fit-initial-epoch", "initial_epoch", compiled(cnn()), epochs=5, initial_epoch=3)
    add("fit-epochs-zero", "no epochs", compiled(cnn()), epochs=0)


def callbacks():
    v = {"x": "xv", "y": "onehot-v"}
    quick = lambda: compiled(cnn(), O.SGD(0.3, momentum=0.9))
    add("callback-early", "EarlyStopping", quick(), validation=v, epochs=8, callbacks=[("EarlyStopping", {"patience": 2})])
    add("callback-early-restore", "EarlyStopping with restore_best_weights", quick(), validation=v, epochs=8, callbacks=[("EarlyStopping", {"monitor": "val_loss", "patience": 2, "min_delta": 0.01, "restore_best_weights": True})])
    add("callback-early-mode", "EarlyStopping on accuracy, start_from_epoch", quick(), epochs=8, callbacks=[("EarlyStopping", {"monitor": "accuracy", "patience": 1, "start_from_epoch": 2})])
    add("callback-plateau", "ReduceLROnPlateau", quick(), validation=v, epochs=8, callbacks=[("ReduceLROnPlateau", {"monitor": "val_loss", "factor": 0.2, "patience": 1, "cooldown": 1, "min_lr": 0.001})])
    add("callback-schedule", "LearningRateScheduler", quick(), epochs=4, callbacks=[("LearningRateScheduler", {"table": [0.1, 0.05, 0.2, 0.01]})])
    add("callback-csv", "CSVLogger", quick(), validation=v, validation_freq=2, epochs=4, callbacks=[("CSVLogger", {})])


def architectures():
    chain = lambda *layers, shape=(8, 8, 2): keras.Sequential([keras.Input(shape, name="x"), *layers, L.Flatten(name="f"), L.Dense(3, activation="softmax", name="d")], name="m")
    conv = lambda *a, **k: L.Conv2D(*a, name="c", **k)
    for id, covers, layers in (
        ("same-stride", "Conv2D same, stride 2", [conv(3, 3, 2, "same", activation="elu")]),
        ("dilated", "Conv2D dilated", [conv(3, 3, dilation_rate=2, activation="tanh")]),
        ("grouped", "Conv2D in groups", [conv(4, 3, groups=2, padding="same", activation="leaky_relu"), L.MaxPooling2D(2, name="p")]),
        ("no-bias", "no bias", [conv(3, 3, use_bias=False), L.AveragePooling2D(2, name="p")]),
        ("two", "two convolutions", [conv(4, 3, activation="relu"), L.MaxPooling2D(2, name="p"), L.Conv2D(5, 2, activation="gelu", name="c2")]),
        ("depthwise", "DepthwiseConv2D", [L.DepthwiseConv2D(3, depth_multiplier=2, activation="silu", name="w"), L.GlobalAveragePooling2D(name="g")]),
        ("depthwise-stride", "DepthwiseConv2D same, stride 2", [L.DepthwiseConv2D(3, 2, "same", name="w")]),
        ("overlap", "overlapping max pooling, same", [conv(3, 3), L.MaxPooling2D(3, 2, "same", name="p")]),
        ("average", "average pooling, same", [conv(3, 3), L.AveragePooling2D(3, 2, "same", name="p")]),
        ("global-max", "GlobalMaxPooling2D", [conv(4, 3), L.GlobalMaxPooling2D(name="g")]),
        ("padding", "ZeroPadding2D, Cropping2D", [L.ZeroPadding2D(((1, 0), (0, 2)), name="z"), conv(2, 3), L.Cropping2D(1, name="k")]),
        ("rescaling", "Rescaling, Reshape", [L.Rescaling(0.5, 0.25, name="r"), L.Reshape((4, 4, 8), name="s"), conv(3, 2)]),
        ("leaky", "LeakyReLU, ELU", [conv(3, 3), L.LeakyReLU(name="a"), L.Conv2D(2, 3, name="c2"), L.ELU(0.5, name="e")]),
        ("prelu", "PReLU", [conv(2, 3), L.PReLU(shared_axes=[1, 2], name="a"), L.AveragePooling2D(3, name="p"), L.PReLU(name="b")]),
        ("relu", "ReLU with arguments, Softmax", [conv(3, 3), L.ReLU(1.0, 0.1, 0.25, name="a"), L.Softmax([1, 2], name="s")]),
        ("batch-norm", "BatchNormalization", [conv(4, 3, use_bias=False), L.BatchNormalization(name="b"), L.Activation("relu", name="a"), L.MaxPooling2D(2, name="p")]),
        ("batch-norm-arguments", "BatchNormalization with arguments", [conv(3, 3), L.BatchNormalization(momentum=0.7, epsilon=0.01, scale=False, beta_regularizer="l2", name="b")]),
        ("batch-norm-frozen", "BatchNormalization with trainable False", [conv(3, 3), L.BatchNormalization(trainable=False, name="b")]),
        ("frozen", "a frozen layer whose regularizer does not count", [conv(3, 3, trainable=False, kernel_regularizer="l2")]),
        ("dropout-zero", "Dropout 0", [conv(3, 3), L.Dropout(0.0, name="o")]),
        ("dropout", "Dropout with a seed", [conv(3, 3), L.Dropout(0.5, seed=11, name="o")]),
        ("transposed", "Conv2DTranspose same, strides 2", [conv(4, 3, 2, "same", activation="relu"), L.Conv2DTranspose(3, 3, 2, "same", activation="relu", name="t"), L.MaxPooling2D(2, name="p")]),
        ("transposed-arguments", "Conv2DTranspose with output_padding and a regularizer, with dilation, behind a BatchNormalization", [L.Conv2DTranspose(3, (2, 3), (3, 2), "same", (1, 0), activation="tanh", kernel_regularizer="l2", name="t"), L.BatchNormalization(name="b"), L.MaxPooling2D(3, name="p"), L.Conv2DTranspose(2, 2, dilation_rate=2, use_bias=False, name="t2")]),
        ("transposed-line", "Conv1DTranspose", [L.Reshape((16, 8), name="s"), L.Conv1DTranspose(3, 4, 2, activation="elu", name="t")]),
    ):
        add(f"net-{id}", covers, compiled(chain(*layers)), epochs=2)
    m = chain(conv(3, 3), L.BatchNormalization(name="b"))
    for layer in m.layers[:-1]:
        layer.trainable = False
    add("net-head-only", "everything frozen but the last layer", compiled(m), epochs=2)
    first = lambda **k: {"data_format": "channels_first", **k}
    m = keras.Sequential([keras.Input((2, 8, 8), name="x"), conv(3, 3, **first()), L.BatchNormalization(axis=1, name="b"), L.MaxPooling2D(2, **first(), name="p"), L.DepthwiseConv2D(2, **first(), name="w"), L.GlobalAveragePooling2D(**first(), name="g"), L.Dense(3, activation="softmax", name="d")], name="m")
    add("net-channels-first", "channels_first", compiled(m), x="x-first", epochs=2)

    def residual():
        x = keras.Input((8, 8, 2), name="x")
        a = L.Conv2D(3, 3, padding="same", name="c1")(x)
        b = L.BatchNormalization(name="b1")(a)
        b = L.Activation("relu", name="r1")(b)
        b = L.Conv2D(3, 3, padding="same", name="c2")(b)
        c = L.Add(name="j")([a, b])
        e = L.Multiply(name="k")([c, L.Dense(3, activation="sigmoid", name="se")(L.GlobalAveragePooling2D(keepdims=True, name="g1")(c))])
        e = L.Concatenate(name="q")([e, x])
        return keras.Model(x, L.Dense(3, activation="softmax", name="d")(L.GlobalAveragePooling2D(name="g2")(e)), name="m")

    add("net-residual", "Add, Multiply with broadcasting, Concatenate", lambda: compiled(residual()), epochs=2)

    def shared():
        x = keras.Input((8, 8, 2), name="x")
        c = L.Conv2D(2, 3, padding="same", activation="tanh", name="c", activity_regularizer=R.L2(0.01), kernel_regularizer=R.L2(0.1))
        b = L.BatchNormalization(name="b")
        y = b(c(b(c(x))))
        return keras.Model(x, L.Dense(3, activation="softmax", name="d")(L.Flatten(name="f")(y)), name="m")

    add("net-shared", "a convolution and a BatchNormalization used twice; regularizer once, activity twice", lambda: compiled(shared()), epochs=2)

    def nested():
        inner = keras.Sequential([keras.Input((8, 8, 2), name="ix"), L.Conv2D(2, 3, name="ic"), L.BatchNormalization(name="ib")], name="inner")
        x = keras.Input((8, 8, 2), name="x")
        return keras.Model(x, L.Dense(3, activation="softmax", name="d")(L.Flatten(name="f")(inner(x))), name="m")

    add("net-nested", "a model as a layer", lambda: compiled(nested()), epochs=2)

    def several():
        x, r = keras.Input((8, 8, 2), name="x"), keras.Input((5,), name="r")
        g = L.Flatten(name="f")(L.Conv2D(2, 3, 2, activation="relu", name="c")(x))
        j = L.Concatenate(name="j")([g, r])
        return keras.Model([x, r], [L.Dense(3, activation="softmax", name="a")(j), L.Dense(3, name="b")(j)], name="m")

    both = {"x": ["x", "rows"], "y": ["onehot", "real"], "epochs": 2}
    add("outputs-list", "losses as a list, loss_weights", lambda: compiled(several(), loss=["categorical_crossentropy", "mse"], loss_weights=[1.0, 0.25], metrics=[["accuracy"], ["mae"]]), **both)
    add("outputs-dict", "losses, weights and metrics by the outputs' names", lambda: compiled(several(), loss={"a": K.CategoricalCrossentropy(label_smoothing=0.1), "b": "huber"}, loss_weights={"a": 2.0, "b": 0.5}, metrics={"a": ["accuracy", "auc"], "b": "mse"}), **both)
    add("outputs-one-loss", "one loss for two outputs", lambda: compiled(several(), loss="mse", metrics=None), **both)
    add("outputs-weights", "sample weights for each output", lambda: compiled(several(), loss=["categorical_crossentropy", "mae"], metrics=None, weighted_metrics=[["accuracy"], []]), sample_weight=["w", "w"], **both)
    add("outputs-split", "two outputs with validation_split", lambda: compiled(several(), loss=["categorical_crossentropy", "mse"], metrics=None), validation_split=0.25, **both)


def batches():
    """train_on_batch and test_on_batch: results call by call."""
    out = []
    for id, reset in (("on-batch", False),):
        fresh()
        run = Run(compiled(cnn(), O.Adam(0.01)))
        A = cases.arrays
        case = {"id": id, "model": run.config, "x": ["x"], "y": ["onehot"], "calls": [["train", 0, 8], ["train", 8, 16], ["test", 0, 6], ["train", 16, 24], ["predict", 0, 4]]}
        cases.start(run, case)

        def go(model):
            model.reset_metrics()
            got = []
            for verb, a, b in case["calls"]:
                x, y = A["x"][a:b], A["onehot"][a:b]
                if verb == "train":
                    got.append(model.train_on_batch(x, y, return_dict=True))
                elif verb == "test":
                    got.append(model.test_on_batch(x, y, return_dict=True))
                else:
                    got.append({"output": np.asarray(model.predict_on_batch(x)).ravel().tolist()})
            return got

        case["results"], weights, case["tolerance"] = run(go)
        case["final"] = cases.put(f"{id}.final", flat(weights))
        out.append(case)
    return out


for make in (optimizers, losses, terms, metrics, feeding, callbacks, architectures):
    make()
    print(make.__name__, len(cases.cases), flush=True)
extra = batches()
if not os.environ.get("CORNU_ONLY"):  # a look at a few cases is not written
    cases.write(batches=extra)
