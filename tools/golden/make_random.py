# SPDX-License-Identifier: Apache-2.0
"""Seeds, initializers, dropout masks, the order of rows, and the weights of models made after set_random_seed."""
import random

import jax

from common import *

I, L = keras.initializers, keras.layers


def bits(a):
    return np.ascontiguousarray(np.asarray(a, np.float32)).view(np.uint32).ravel()


def print_of(a):
    """First eight values, exclusive or, and sum of all bit patterns: equal for equal bits only, and short."""
    b = bits(a)
    return {"first": [f"{v:08x}" for v in b[:8]], "xor": f"{int(np.bitwise_xor.reduce(b)) if b.size else 0:08x}", "sum": f"{int(b.astype(np.uint64).sum()):016x}"}


def initializers():
    cases, arrays = [], {}
    small = lambda o: compact(plain(keras.saving.serialize_keras_object(o)), keep_name=False)

    def add(i, shape):
        o = keras.saving.deserialize_keras_object(small(i))
        a = np.asarray(o(shape))
        case = {"initializer": small(i), "shape": list(shape), **print_of(a), "config": plain(keras.saving.serialize_keras_object(i))["config"]}
        if isinstance(i, I.Orthogonal):
            case = {"initializer": case["initializer"], "shape": list(shape), "values": f"orthogonal-{len(cases)}", "tolerance": {"rtol": 0, "atol": 2e-6 * getattr(i, "gain", 1)}, "config": case["config"]}
            arrays[case["values"]] = a
        cases.append(case)

    shapes = [(3, 3, 2, 5), (3, 3, 1, 32), (64, 10), (17,), (5, 2, 3, 1), (2, 3, 4)]
    for cls in (I.GlorotUniform, I.GlorotNormal, I.HeNormal, I.HeUniform, I.LecunNormal, I.LecunUniform):
        for j, s in enumerate(shapes):
            add(cls(seed=1234 + j), s)
        add(cls(seed=42), (128, 65))
    for s in shapes:
        add(I.RandomNormal(seed=3), s)
        add(I.RandomUniform(seed=4), s)
        add(I.TruncatedNormal(seed=5), s)
    add(I.RandomNormal(1.5, 0.25, seed=6), (100,))
    add(I.RandomUniform(-2.0, 0.5, seed=7), (100,))
    add(I.TruncatedNormal(-1.0, 2.0, seed=8), (1000,))
    for scale in (0.5, 2.0):
        for mode in ("fan_in", "fan_out", "fan_avg"):
            for distribution in ("truncated_normal", "untruncated_normal", "uniform"):
                add(I.VarianceScaling(scale, mode, distribution, seed=9), (3, 2, 4, 6))
    add(I.VarianceScaling(seed=10), (7, 3))
    for seed in (0, 1, 999999999, 4294967295):
        add(I.GlorotUniform(seed=seed), (4, 4))
        add(I.HeNormal(seed=seed), (4, 4))
    for o, s in ((I.Zeros(), (2, 3)), (I.Ones(), (2, 3)), (I.Constant(0.1), (3,)), (I.Identity(), (3, 5)), (I.Identity(0.5), (4, 2))):
        add(o, s)
    for o, s in ((I.Orthogonal(seed=7), (4, 4)), (I.Orthogonal(seed=8), (6, 3)), (I.Orthogonal(seed=9), (3, 6)), (I.Orthogonal(2.0, seed=10), (3, 2, 2, 5)), (I.Orthogonal(seed=11), (2, 2, 9, 4))):
        add(o, s)
    return cases, arrays


def seeds():
    out = []
    for s in (0, 1, 7, 42, 123456789, 4294967295):
        keras.utils.set_random_seed(s)
        default = [random.randint(1, int(1e9)) for _ in range(12)]
        permutations = [np.random.permutation(n).tolist() for n in (10, 10, 1, 2, 33)]
        out.append({"seed": s, "default_seeds": default, "permutations": permutations})
    return out


def draws():
    """keras.random with a seed: key (seed, 0)."""
    out = []
    for seed in (0, 42, 123456789):
        out.append({"seed": seed, "uniform": print_of(keras.random.uniform((1000,), -0.3, 0.3, seed=seed)), "normal": print_of(keras.random.normal((1000,), 0.5, 2.0, seed=seed)), "truncated_normal": print_of(keras.random.truncated_normal((1000,), 0.5, 2.0, seed=seed)), "randint": np.asarray(keras.random.randint((12,), -3, 10, seed=seed))})
    return out


def models():
    """Made, and where it says so built, after set_random_seed: the weights to the last bit."""
    cases = []

    def add(id, seed, make, shape=None):
        def weights(model):
            if shape:
                model.build(shape)
            return [{"path": v.path, "shape": list(v.shape), **print_of(v)} for v in model.weights]

        keras.backend.clear_session()
        keras.utils.set_random_seed(seed)
        model = make()
        by_hand = weights(model)
        config = compact(plain(keras.saving.serialize_keras_object(model)))
        keras.utils.set_random_seed(seed)
        model = load(config)
        case = {"id": id, "seed": seed, "model": config, "weights": weights(model), "next_default_seed": random.randint(1, int(1e9))}
        if shape:
            case["build"] = list(shape)
        generators = [getattr(l, "seed_generator", None) or getattr(l, "generator", None) for l in model._flatten_layers()]
        generators = [g for g in generators if g is not None]
        if generators:
            case["generators"] = [np.asarray(g.state).tolist() for g in generators]
        if [w["sum"] for w in by_hand] != [w["sum"] for w in case["weights"]]:
            case["made_in_another_order"] = by_hand
        cases.append(case)

    def cnn():
        return keras.Sequential([keras.Input((8, 8, 2)), L.Conv2D(6, 3, activation="relu"), L.Conv2D(7, 3, kernel_initializer="he_normal", bias_initializer="random_uniform"), L.BatchNormalization(), L.DepthwiseConv2D(2, depthwise_initializer="lecun_normal"), L.Dropout(0.5), L.PReLU(alpha_initializer="random_normal", shared_axes=[1, 2]), L.Flatten(), L.Dense(9, kernel_initializer="variance_scaling"), L.Dropout(0.0), L.Dense(3, kernel_initializer="glorot_normal")])

    def lazy():
        return keras.Sequential([L.Conv2D(4, 3), L.Dropout(0.25), L.Flatten(), L.Dense(3)])

    def given():
        return keras.Sequential([keras.Input((6,)), L.Dense(5, kernel_initializer=I.HeUniform(seed=3)), L.Dense(4, kernel_initializer="zeros"), L.Dropout(0.5, seed=99), L.Dense(4)])

    def graph():
        x = keras.Input((6, 6, 2))
        late = L.Dense(3)  # made first, used last
        a = L.Conv2D(3, 3, padding="same")(x)
        b = L.Conv2D(3, 1)(x)
        y = L.Add()([a, b])
        y = L.Dropout(0.3)(y)
        return keras.Model(x, late(L.GlobalAveragePooling2D()(y)))

    def same_object():
        i = I.GlorotUniform()
        return keras.Sequential([keras.Input((4,)), L.Dense(4, kernel_initializer=i), L.Dense(4, kernel_initializer=i)])

    def nested():
        inner = keras.Sequential([keras.Input((5,)), L.Dense(4), L.Dropout(0.1)])
        return keras.Sequential([keras.Input((6,)), L.Dense(5), inner, L.Dense(2)])

    for seed in (42, 7):
        add(f"cnn-{seed}", seed, cnn)

    def drawing():
        return keras.Sequential([keras.Input((6, 6, 3)), L.RandomFlip(), L.ActivityRegularization(0.1), L.Conv2D(4, 2), L.RandomZoom(0.2, seed=3), L.GaussianNoise(0.1), L.GaussianDropout(0.0), L.Dense(3), L.SpatialDropout2D(0.5), L.RandomBrightness(0.1), L.Dense(3), L.AlphaDropout(0.1), L.Resizing(4, 4), L.CenterCrop(2, 2), L.Dense(2), L.Conv2DTranspose(2, 2), L.SeparableConv2D(3, 1), L.LayerNormalization(gamma_initializer="random_normal"), L.Dense(2)])

    add("lazy", 42, lazy, (None, 6, 6, 1))
    add("given", 42, given)
    add("graph", 42, graph)
    add("same-object", 42, same_object)
    add("nested", 42, nested)
    add("drawing", 42, drawing)
    return cases


def dropout():
    """Masks inside a jitted step: three steps of training mode; y for ones, so that the factor shows."""
    cases, arrays = [], {}
    for id, layer, shape in (
        ("half", L.Dropout(0.5, seed=42), (3, 5)),
        ("third", L.Dropout(0.3, seed=7), (2, 3, 4, 5)),
        ("little", L.Dropout(0.1, seed=0), (4, 31)),
        ("most", L.Dropout(0.9, seed=1), (4, 31)),
        ("all", L.Dropout(1.0, seed=1), (2, 3)),
        ("none", L.Dropout(0.0, seed=1), (2, 3)),
        ("channels", L.Dropout(0.4, noise_shape=(None, 1, 1, 6), seed=5), (3, 2, 2, 6)),
        ("rows", L.Dropout(0.25, noise_shape=(1, None), seed=6), (3, 9)),
        ("planes", L.SpatialDropout2D(0.4, seed=5), (3, 2, 4, 6)),
        ("planes-first", L.SpatialDropout2D(0.5, "channels_first", seed=9), (3, 5, 2, 3)),
    ):
        config = compact(plain(keras.saving.serialize_keras_object(layer)), keep_name=False)
        model = keras.Sequential([keras.Input(shape[1:]), layer])
        state = [v.value for v in model.non_trainable_variables]
        step = jax.jit(lambda s, x: model.stateless_call([], s, x, training=True))
        x = np.full(shape, 3, np.float32)
        out = []
        for _ in range(3):
            y, state = step(state, x)
            out.append(np.asarray(y))
        arrays[f"dropout-{id}"] = np.stack(out)
        cases.append({"id": id, "layer": config, "shape": list(shape), "steps": f"dropout-{id}", "state_after": [np.asarray(s).tolist() for s in state]})
    return cases, arrays


fresh()
found, arrays = initializers()
masks, more = dropout()
write_npz("random.npz", {**arrays, **more})
head = {"kind": "random", "arrays": "random.npz", "seeds": seeds(), "draws": draws(), "dropout": masks, "models": models()}
write_cases("random.json", head, found)
