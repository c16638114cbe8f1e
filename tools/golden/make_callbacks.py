# SPDX-License-Identifier: Apache-2.0
"""What callbacks do, epoch by epoch, when the values that they watch are given: one weight w, set at the beginning of each epoch; loss w^2, mae |w|."""
import glob

from training import *

RATE = 1e-12  # too small to move a weight
CB = keras.callbacks


def one_weight():
    model = keras.Sequential([keras.Input((1,)), L.Dense(1, use_bias=False)])
    model.compile(optimizer=O.SGD(RATE), loss="mse", metrics=["mae"])
    return model


def number(v):
    v = float(v)
    return v if np.isfinite(v) else "nan" if np.isnan(v) else "inf" if v > 0 else "-inf"


class Follow(CB.Callback):
    """The weight of each epoch, and what happens."""

    def __init__(self, weights, stop=None, trace=None):
        super().__init__()
        self.weights, self.stop, self.trace, self.epoch = weights, stop or {}, trace, 0

    def note(self, text, logs=None):
        if self.trace is not None:
            self.trace.append(" ".join([text, *sorted(logs or {})]))

    def on_train_begin(self, logs=None):
        self.note("train_begin")

    def on_train_end(self, logs=None):
        self.note("train_end", logs)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        self.model.set_weights([np.full((1, 1), self.weights[epoch], np.float32)])
        self.note(f"epoch_begin {epoch}")

    def on_epoch_end(self, epoch, logs=None):
        self.note(f"epoch_end {epoch}", logs)
        if self.stop == {"epoch": epoch}:
            self.model.stop_training = True

    def on_train_batch_begin(self, batch, logs=None):
        self.note(f"batch_begin {batch}")

    def on_train_batch_end(self, batch, logs=None):
        self.note(f"batch_end {batch}", logs)
        if self.stop == {"epoch": self.epoch, "batch": batch}:
            self.model.stop_training = True


def fit(case, callback=None, trace=None):
    fresh()
    model = one_weight()
    weights = [float(w) for w in case["weights"]]
    rows = case.get("rows", 1)
    x, y = np.ones((rows, 1), np.float32), np.zeros((rows, 1), np.float32)
    if "nan_row" in case:
        y[case["nan_row"]] = np.nan
    more = {"validation_data": (x, y)} if case.get("validation", True) else {}
    if "steps_per_epoch" in case:
        more["steps_per_epoch"] = case["steps_per_epoch"]
    callbacks = [Follow(weights, case.get("stop"), trace)] + ([callback] if callback else [])
    history = model.fit(x, y, batch_size=1, epochs=len(weights), shuffle=False, verbose=0, callbacks=callbacks, **more)
    return model, history


def watched(key, n=9):
    """A sequence that falls, rises, stands still: on a grid, so that nothing is rounded."""
    r = rng("watched", key)
    w = np.abs(np.round((2 - 0.15 * np.arange(n) + 0.35 * r.standard_normal(n)) * 8) / 8)
    return [float(v) for v in w]


cases = []


def watch(id, name, weights, **arguments):
    folder = os.path.join(os.environ["KERAS_HOME"], "checkpoints")
    os.system(f"rm -rf {folder}; mkdir -p {folder}")
    case = {"id": id, "callback": name, "arguments": arguments, "weights": [number(w) for w in weights]}
    given = dict(arguments)
    if "filepath" in given:
        given["filepath"] = os.path.join(folder, given["filepath"])
    model, history = fit(case, getattr(CB, name)(**given))
    case["epochs"] = len(history.epoch)
    case["final"] = number(model.get_weights()[0][0, 0])
    if "learning_rate" in history.history:
        case["learning_rate"] = [number(v) for v in history.history["learning_rate"]]
        case["last_rate"] = number(model.optimizer.learning_rate)
    if "filepath" in given:
        case["files"] = {}
        for file in sorted(glob.glob(folder + "/**/*.*", recursive=True)):
            if os.path.isdir(file):
                continue
            saved = one_weight()
            saved.load_weights(file)
            case["files"][os.path.relpath(file, folder)] = number(saved.get_weights()[0][0, 0])
    cases.append(case)


def early_stopping():
    r = rng("early")
    for i in range(36):
        a = {"patience": int(r.integers(0, 4))}
        a["monitor"] = str(r.choice(["val_loss", "loss", "mae", "val_mae"]))
        if r.random() < 0.5:
            a["min_delta"] = float(r.choice([0.0625, -0.25, 0.5]))
        if r.random() < 0.4:
            a["baseline"] = float(r.choice([0.5, 1.5, 3.0]))
        if r.random() < 0.4:
            a["start_from_epoch"] = int(r.integers(1, 4))
        if r.random() < 0.6:
            a["restore_best_weights"] = True
        if r.random() < 0.3:
            a["mode"] = str(r.choice(["min", "max"]))
        watch(f"early-{i}", "EarlyStopping", watched(f"early-{i}"), **a)
    watch("early-nan", "EarlyStopping", [1.5, 1, np.nan, 0.5, 0.75, 0.75], patience=1, restore_best_weights=True)
    watch("early-nan-first", "EarlyStopping", [np.nan, 1, 0.5, 0.25, 1], patience=2, restore_best_weights=True)
    watch("early-absent", "EarlyStopping", [1, 2, 3], monitor="val_acc", mode="max")
    watch("early-rising", "EarlyStopping", [1, 2, 3, 4, 5], patience=0)
    watch("early-float", "EarlyStopping", [1, 1, 1, 1, 1], monitor="loss", min_delta=1e-9, patience=2)
    watch("early-float-less", "EarlyStopping", [1, 1, 1, 1, 1], monitor="loss", min_delta=-1e-9, patience=2)


def plateau():
    r = rng("plateau")
    for i in range(24):
        a = {"factor": float(r.choice([0.5, 0.1, 0.25])), "patience": int(r.integers(1, 3)), "monitor": str(r.choice(["val_loss", "loss"]))}
        if r.random() < 0.5:
            a["cooldown"] = int(r.integers(1, 3))
        if r.random() < 0.5:
            a["min_delta"] = float(r.choice([0.5, 0.0625, -0.5]))
        if r.random() < 0.5:
            a["min_lr"] = float(r.choice([2e-13, 1e-12, 1e-14]))
        if r.random() < 0.3:
            a["mode"] = "max"
        watch(f"plateau-{i}", "ReduceLROnPlateau", watched(f"plateau-{i}", 12), **a)
    watch("plateau-nan", "ReduceLROnPlateau", [1, np.nan, 0.5, np.nan, np.nan, 0.5, 0.25], patience=1, factor=0.5)
    watch("plateau-zero-patience", "ReduceLROnPlateau", [1, 1, 1, 1], patience=0, factor=0.5)


def checkpoints():
    w = [1.5, 2, 1.25, 1.25, 0.5, 3]
    watch("checkpoint", "ModelCheckpoint", w, filepath="last.keras")
    watch("checkpoint-names", "ModelCheckpoint", w, filepath="m-{epoch:02d}-{val_loss:.2f}-{mae}.keras")
    watch("checkpoint-formats", "ModelCheckpoint", w, filepath="{{m}}-{epoch}-{epoch:03}-{loss:08.3f}-{loss:.1e}-{mae:g}.keras")
    watch("checkpoint-best", "ModelCheckpoint", w, filepath="best-{epoch}.keras", save_best_only=True)
    watch("checkpoint-best-one", "ModelCheckpoint", w, filepath="best.keras", save_best_only=True, monitor="mae")
    watch("checkpoint-best-max", "ModelCheckpoint", w, filepath="best-{epoch}.keras", save_best_only=True, mode="max")
    watch("checkpoint-threshold", "ModelCheckpoint", w, filepath="best-{epoch}.keras", save_best_only=True, initial_value_threshold=1.5)
    watch("checkpoint-weights", "ModelCheckpoint", w, filepath="w-{epoch}.weights.h5", save_weights_only=True)
    watch("checkpoint-folder", "ModelCheckpoint", w, filepath="a/b/m-{epoch}.keras", save_best_only=True)
    watch("checkpoint-nan", "ModelCheckpoint", [1.5, 1, np.nan, 0.5], filepath="m-{epoch}-{loss:.2f}.keras")
    watch("checkpoint-nan-best", "ModelCheckpoint", [1.5, 1, np.nan, 0.5], filepath="m-{epoch}.keras", save_best_only=True)
    watch("checkpoint-nan-first", "ModelCheckpoint", [np.nan, 1, 0.5], filepath="m-{epoch}.keras", save_best_only=True)
    watch("checkpoint-absent", "ModelCheckpoint", [1.5, 2], filepath="m-{epoch}.keras", save_best_only=True, monitor="val_acc", mode="max")


def events():
    out = []
    for id, more in (
        ("plain", {}),
        ("no-validation", {"validation": False}),
        ("stop-in-batch", {"stop": {"epoch": 1, "batch": 1}}),
        ("stop-in-epoch", {"stop": {"epoch": 1}}),
        ("steps", {"steps_per_epoch": 2, "rows": 4}),
        ("steps-short", {"steps_per_epoch": 5, "rows": 3}),
    ):
        case = {"id": id, "rows": 3, "weights": [1.0, 0.5, 0.25], **more}
        trace = []
        _, history = fit(case, trace=trace)
        out.append({**case, "trace": trace, "epochs": len(history.epoch)})
    return out


def terminations():
    out = []
    for id, more in (("first", {"nan_row": 0}), ("middle", {"nan_row": 2}), ("last", {"nan_row": 4})):
        case = {"id": id, "rows": 5, "weights": [1.0, 0.5], "validation": False, **more}
        trace = []
        _, history = fit(case, CB.TerminateOnNaN(), trace)
        out.append({**case, "trace": trace, "epochs": len(history.epoch)})
    return out


def orders():
    """The order of evaluate's list, found by its values."""
    out = []
    x, y = numbers((5, 4), "x"), numbers((5, 2), "y")
    for id, count, more in (
        ("one", 1, {"loss": "mse", "metrics": ["mse", "mae"]}),
        ("lists", 2, {"loss": ["mse", "mae"], "metrics": [["mae", "mse"], ["mse"]]}),
        ("dicts", 2, {"loss": {"b": "mae", "a": "mse"}, "metrics": {"b": ["mse", "mae"], "a": ["mae"]}}),
        ("three", 3, {"loss": {"c": "mae", "b": "huber", "a": "mse"}, "metrics": {"c": ["mse"], "a": ["mae", "mse"]}}),
    ):
        fresh()
        i = keras.Input((4,), name="x")
        model = keras.Model(i, [L.Dense(2, name=n, kernel_initializer=I.GlorotUniform(seed=s)) (i) for s, n in enumerate("bac"[:count])] if count > 1 else L.Dense(2, name="d", kernel_initializer=I.GlorotUniform(seed=1))(i), name="m")
        model.compile(**more)
        ys = [y + k for k in range(count)] if count > 1 else y
        values, logs = model.evaluate(x, ys, verbose=0), model.evaluate(x, ys, verbose=0, return_dict=True)
        assert len(values) == len(logs), (id, values, logs)
        names = [[k for k, v in logs.items() if v == value] for value in values]
        out.append({"id": id, "model": model_json(model), "x": x, "y": [y + k for k in range(count)], "names": names, "values": values})
        print(id, names)
    return out


early_stopping()
plateau()
checkpoints()
write_cases("callbacks.json", {"kind": "callbacks", "rate": RATE, "events": events(), "terminations": terminations(), "orders": orders()}, cases)
