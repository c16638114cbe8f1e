# SPDX-License-Identifier: Apache-2.0
"""Texts with Keras code, run: summary() of the model, its configuration, and what fit() was called with."""
import glob
import inspect
import sys
import types

from common import *

tensorflow = types.ModuleType("tensorflow")  # for texts that say tensorflow.keras
tensorflow.keras = keras
keras.src.utils.module_utils.tensorflow._available = False  # Keras itself shall not take it for the real one
sys.modules.update({"tensorflow": tensorflow, "tensorflow.keras": keras})
for name in ("layers", "models", "optimizers", "losses", "metrics", "regularizers", "callbacks"):
    sys.modules["tensorflow.keras." + name] = getattr(keras, name)
keras.datasets.mnist.load_data = lambda: ((np.zeros((2, 28, 28)), np.zeros(2)), (np.zeros((2, 28, 28)), np.zeros(2)))
SIGNATURE = inspect.signature(keras.Model.fit)
KEPT = ["batch_size", "epochs", "validation_split", "shuffle", "class_weight", "initial_epoch", "steps_per_epoch", "validation_freq"]
calls = []


def note(*arguments, **keywords):
    bound = SIGNATURE.bind(*arguments, **keywords)
    kept = {k: v for k, v in bound.arguments.items() if k in KEPT}
    kept["callbacks"] = [type(c).__name__ for c in bound.arguments.get("callbacks") or []]
    calls.append(plain(kept))


keras.Model.fit = note
keras.Model.evaluate = lambda *a, **k: [0, 0]
cases = []
for file in sorted(glob.glob(path("texts", "*.py"))):
    fresh()
    calls.clear()
    names = dict(x_train=None, y_train=None, x_test=None, y_test=None)
    with open(file, encoding="utf-8") as f:
        exec(compile(f.read(), file, "exec"), names)
    model, lines = names["model"], []
    model.summary(print_fn=lambda s, line_break=None: lines.append(s))
    case = {"id": os.path.basename(file), "summary": "\n".join(lines)}
    config = plain(keras.saving.serialize_keras_object(model))
    if "keras.src.ops" not in json.dumps(config):  # a + b is an operation there, which no file of layers holds
        case["model"] = {**compact(config), "compile_config": config.get("compile_config")}
    if calls:
        case["fit"] = calls[-1]
    cases.append(case)
write_cases("texts.json", {"kind": "texts"}, cases)
