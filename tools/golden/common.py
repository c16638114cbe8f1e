# SPDX-License-Identifier: Apache-2.0
"""What every maker of golden vectors shares: a quiet, single-threaded Keras on JAX, and writers whose bytes depend on the data alone."""
import os
import tempfile

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["KERAS_HOME"] = tempfile.mkdtemp(prefix="cornu-golden-")  # Keras' own defaults, not the user's keras.json
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["COLUMNS"] = "80"

import hashlib
import io
import json
import re
import warnings
import zipfile

import keras
import numpy as np

warnings.filterwarnings("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.abspath(os.environ.get("CORNU_GOLDEN", os.path.join(HERE, "..", "..", "tests", "golden")))
EPOCH = (1980, 1, 1, 0, 0, 0)


def rng(*key):
    """A generator that depends on the names given, so that adding a case changes no other."""
    return np.random.default_rng([int(hashlib.sha256(str(k).encode()).hexdigest()[:8], 16) for k in key])


def numbers(shape, *key, scale=1.0):
    """Normal numbers on a grid of 1/64: exact in decimal, and kind to compression."""
    return (np.round(rng(*key).standard_normal(shape) * scale * 64) / 64).astype(np.float32)


def cotangent(shape):
    """The gradient that comes from above in every gradient case: ((7 i) mod 11 - 5) / 8 at row-major index i."""
    n = int(np.prod(shape))
    return (((7 * np.arange(n)) % 11 - 5) / 8).astype(np.float32).reshape(shape)


def path(*names):
    p = os.path.join(OUT, *names)
    os.makedirs(os.path.dirname(p), exist_ok=True)
    return p


def write_zip(file, members, method=zipfile.ZIP_STORED):
    """Members in the order given, dated 1980: what numpy and Keras write, but the same on every day."""
    with zipfile.ZipFile(file, "w", method, compresslevel=9) as z:
        for name, content in members:
            info = zipfile.ZipInfo(name, date_time=EPOCH)
            info.external_attr = 0o644 << 16
            info.compress_type = method
            z.writestr(info, content)


def write_npz(file, arrays):
    members = []
    for name, a in arrays.items():
        a = np.ascontiguousarray(a)
        assert a.dtype in (np.float32, np.int32, np.uint8, np.uint32), (name, a.dtype)
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, a, version=(1, 0), allow_pickle=False)
        members.append((name + ".npy", buffer.getvalue()))
    write_zip(path(file), members, zipfile.ZIP_DEFLATED)


def plain(o):
    """JSON's own types; float32 as the shortest decimal of its double value is left to json."""
    if isinstance(o, dict):
        return {str(k): plain(v) for k, v in o.items()}
    if isinstance(o, (list, tuple)):
        return [plain(v) for v in o]
    if isinstance(o, np.generic):
        return o.item()
    if hasattr(o, "shape") and not isinstance(o, (str, bytes)):
        return np.asarray(o).tolist()
    return o


def write_cases(file, head, cases):
    """One case per line, so that a difference between two versions shows which case changed."""
    text = "{" + "".join(f"{json.dumps(k)}: {json.dumps(plain(v))},\n " for k, v in head.items()) + '"cases": [\n'
    text += ",\n".join("  " + json.dumps(plain(c), allow_nan=False, ensure_ascii=False) for c in cases) + "\n]}\n"
    with open(path(file), "w", encoding="utf-8") as f:
        f.write(text)
    print(f"{file}: {len(cases)} cases", flush=True)


def flat(weights):
    """All weights in get_weights() order as one row of float32."""
    parts = [np.asarray(w, np.float32).ravel() for w in weights]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def unflat(row, like):
    out, at = [], 0
    for w in like:
        n = int(np.prod(w.shape))
        out.append(np.asarray(row[at : at + n], np.float32).reshape(w.shape))
        at += n
    assert at == len(row)
    return out


def tolerance(y, rtol=1e-5, share=1e-5):
    """atol as a share of the largest value: sums of products round relative to their terms, not to their result."""
    y = np.abs(np.asarray(y, np.float64))
    y = y[np.isfinite(y)]
    return {"rtol": rtol, "atol": float(f"{share * max(1e-3, y.max() if y.size else 0):.3g}")}


# The compact form of a configuration: every key that Keras would fill in with the same value is left out.

DROPPED = ("registered_name", "build_config", "build_input_shape", "shared_object_id")


def _same(cls, config, original):
    try:
        return json.dumps(plain(keras.saving.serialize_keras_object(cls.from_config(dict(config))))["config"]) == original
    except Exception:
        return False


def compact(o, keep_name=True):
    if isinstance(o, list):
        return [compact(v, keep_name) for v in o]
    if not isinstance(o, dict):
        return o
    if "class_name" not in o or not isinstance(o.get("config"), dict):
        return {k: compact(v, keep_name) for k, v in o.items()}
    if o["class_name"] == "__keras_tensor__":
        return o
    out = {k: None if k == "config" else compact(v, keep_name) for k, v in o.items() if k not in DROPPED}
    if o.get("registered_name"):
        out["registered_name"] = o["registered_name"]
    config = o["config"]
    if o["class_name"] in ("Sequential", "Functional"):
        out["config"] = {k: compact(v) for k, v in config.items() if k not in DROPPED and k != "dtype" and not (k == "trainable" and v is True)}
    elif str(o.get("module", "")).startswith("keras.") and not o.get("registered_name"):
        module, cls = o["module"].split(".", 1)[1], keras
        for part in module.split("."):
            cls = getattr(cls, part)
        cls = getattr(cls, o["class_name"])
        if "name" in config and (not keep_name or _own_name(cls, config)):
            config = {k: v for k, v in config.items() if k != "name"}
        if o["class_name"] == "InputLayer":
            kept = {k: v for k, v in config.items() if k in ("batch_shape", "name") or (k == "dtype" and v != "float32")}
        else:
            kept = dict(config)
            fill = {} if "name" in kept else {"name": "golden"}
            probe = lambda c: {**c, **fill} if _takes_name(cls) else c
            original = json.dumps(plain(keras.saving.serialize_keras_object(cls.from_config(probe(dict(kept)))))["config"])
            for k in list(kept):
                less = {a: b for a, b in kept.items() if a != k}
                if k != "name" and _same(cls, probe(less), original):
                    kept = less
        out["config"] = {k: compact(v) for k, v in kept.items()}
    else:
        out["config"] = {k: compact(v, keep_name) for k, v in config.items()}
    if "compile_config" in out:
        out["compile_config"] = {k: v for k, v in out["compile_config"].items() if v is not None and k not in ("run_eagerly", "steps_per_execution", "jit_compile")}
        if not out["compile_config"]:
            del out["compile_config"]
    return out


def _own_name(cls, config):
    """The name is the one that an optimizer, loss or metric gets by itself, whatever its number; layers always keep theirs."""
    if issubclass(cls, keras.layers.Layer):
        return False
    bare = lambda n: re.sub(r"_\d+$", "", str(n))
    return bare(config["name"]) == bare(cls.from_config({k: v for k, v in config.items() if k != "name"}).name)


def _takes_name(cls):
    return issubclass(cls, (keras.layers.Layer, keras.optimizers.Optimizer, keras.losses.Loss, keras.metrics.Metric))


def model_json(model):
    """The compact configuration of a model, checked to give the same model when Keras reads it."""
    full = plain(keras.saving.serialize_keras_object(model))
    small = compact(full)
    again = plain(keras.saving.serialize_keras_object(load(small)))
    strip = lambda o: (
        {k: re.sub(r"_\d+$", "", v) if k == "name" and isinstance(v, str) else strip(v) for k, v in o.items() if k not in ("build_config", "shared_object_id", "build_input_shape")}
        if isinstance(o, dict)
        else [strip(v) for v in o] if isinstance(o, list) else o
    )
    assert json.dumps(strip(full)) == json.dumps(strip(again)), (json.dumps(strip(full)), json.dumps(strip(again)))
    return small


def load(config):
    return keras.saving.deserialize_keras_object(json.loads(json.dumps(config)))


def as_list(y):
    return list(y.values()) if isinstance(y, dict) else list(y) if isinstance(y, (list, tuple)) else [y]


def fresh():
    """Names count from the beginning again, and seeds are those of set_random_seed(0)."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
