# SPDX-License-Identifier: Apache-2.0
"""The index: every file of cases with its kind, its count and the tolerance for cases that name none."""
import jax

from common import *

KINDS = {
    "layers": ["layers/conv2d.json", "layers/depthwise_conv2d.json", "layers/transposed.json", "layers/dense.json", "layers/pooling.json", "layers/shapes.json", "layers/activation_layers.json", "layers/batch_normalization.json", "layers/graphs.json", "layers/normalizations.json", "layers/others.json"],
    "activations": ["activations.json"],
    "optimizers": ["learning/optimizers.json"],
    "losses": ["learning/losses.json"],
    "metrics": ["learning/metrics.json"],
    "schedules": ["learning/schedules.json"],
    "weights": ["learning/weights.json"],
    "random": ["random.json"],
    "train": ["train.json"],
    "callbacks": ["callbacks.json"],
    "run": ["run.json"],
    "files": ["files.json"],
    "summary": ["summary.json"],
    "texts": ["texts.json"],
    "refuse": ["refuse.json"],
}
files = []
for kind, names in KINDS.items():
    for name in names:
        if not os.path.exists(path(name)):
            print("absent:", name)
            continue
        with open(path(name), encoding="utf-8") as f:
            o = json.load(f)
        assert o["kind"] == kind, name
        ids = [c.get("id") for c in o["cases"]]
        assert None in ids or len(set(ids)) == len(ids), name
        entry = {"kind": kind, "cases": name, "count": len(o["cases"])}
        if "arrays" in o:
            entry["arrays"] = o["arrays"]
            held = set(np.load(path(o["arrays"])).files)
            used = set(re.findall(r'"([^"]+)"', json.dumps(o)))
            assert held <= used, (name, held - used)
        if "tolerance" in o:
            entry["tolerance"] = o["tolerance"]
        files.append(entry)
head = {"made_with": {"keras": keras.__version__, "jax": jax.__version__, "backend": keras.backend.backend()}, "tolerance": {"rtol": 1e-5, "atol": 1e-6}}
text = "{" + "".join(f"{json.dumps(k)}: {json.dumps(v)},\n " for k, v in head.items()) + '"files": [\n' + ",\n".join("  " + json.dumps(e) for e in files) + "\n]}\n"
with open(path("manifest.json"), "w") as f:
    f.write(text)
total = sum(os.path.getsize(os.path.join(d, n)) for d, _, ns in os.walk(OUT) for n in ns)
print(f"{sum(e['count'] for e in files)} cases in {len(files)} files, {total} bytes")
