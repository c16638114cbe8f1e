# SPDX-License-Identifier: Apache-2.0
"""Every layer with every argument: configuration, weights, input, output and gradients, computed by Keras."""
import itertools

import jax

from common import *

L, I, R, C = keras.layers, keras.initializers, keras.regularizers, keras.constraints
ACTIVATIONS = """linear relu relu6 leaky_relu elu selu celu gelu silu swish mish sigmoid hard_sigmoid hard_silu hard_swish log_sigmoid
 sparse_sigmoid tanh hard_tanh tanh_shrink soft_shrink hard_shrink softplus sparse_plus squareplus softsign exponential softmax log_softmax sparsemax""".split()


def sequential(layer, shape):
    return keras.Sequential([keras.Input(tuple(shape), name="x"), layer], name="m")


class Family:
    """The cases of one file: models in FILE.json, arrays in FILE.npz."""

    def __init__(self, name):
        self.name, self.cases, self.arrays = name, [], {}

    def array(self, name, a):
        if name in self.arrays:
            assert np.array_equal(self.arrays[name], a), name
        self.arrays[name] = a
        return name

    def input(self, shape, kind="x"):
        a = numbers(shape, kind, shape)
        return self.array(f"{kind}.{'x'.join(map(str, shape))}", a)

    def add(self, id, covers, model, shapes, grad=True, training=False, initial=False, config=True, kind="x", x=None, first=None):
        """first: the same layer in channels_last, whose transposed result this one must have."""
        names = x or [self.input(tuple(s), kind if i == 0 else f"{kind}{i}") for i, s in enumerate(shapes)]
        xs = [self.arrays[n] for n in names]
        small = model_json(model)
        model = load(small)
        layer = model.layers[-1]
        if initial:
            weights = [np.asarray(w) for w in model.get_weights()]
        else:
            weights = []
            for i, (w, v) in enumerate(zip(model.get_weights(), model.weights)):
                a = numbers(w.shape, "weight", self.name, id, i, scale=0.5)
                if v.name in ("moving_variance", "gamma"):
                    a = np.abs(a) + np.float32(0.25)
                weights.append(a)
            model.set_weights(weights)
        tv, ntv = [v.value for v in model.trainable_variables], [v.value for v in model.non_trainable_variables]
        call = lambda t, n, x: model.stateless_call(t, n, x if len(x) > 1 else x[0], training=training, return_losses=True)
        y, state, losses = call(tv, ntv, xs)
        ys = [np.asarray(v) for v in as_list(y)]
        if first is not None:
            other = sequential(first, [xs[0].shape[i] for i in (2, 3, 1)])
            other.set_weights([w if w.ndim != 3 or not isinstance(layer, L.PReLU) else w.transpose(1, 2, 0) for w in weights])
            last = np.asarray(other(xs[0].transpose(0, 2, 3, 1), training=training))
            want = last.transpose(0, 3, 1, 2) if last.ndim == 4 else last
            assert want.shape == ys[0].shape and np.allclose(want, ys[0], rtol=1e-5, atol=1e-6), (id, np.abs(want - ys[0]).max())
        case = {"id": id, "covers": covers, "model": small, "inputs": names}
        case["params"] = model.count_params()
        if weights:
            case["weights"] = self.array(f"{id}.w", flat(weights))
            case["weight_shapes"] = [list(w.shape) for w in weights]
            if initial:
                case["initial"] = True
        case["outputs"] = [self.array(f"{id}.y{i}", v.astype(np.float32)) for i, v in enumerate(ys)]
        case["symbolic"] = [list(t.shape) for t in as_list(model.outputs)]
        if training:
            case["training"] = True
            with_state = model.get_weights()
            names_after = [v.path for v in model.non_trainable_variables]
            after = [np.asarray(state[names_after.index(v.path)]) if v.path in names_after else w for v, w in zip(model.weights, with_state)]
            case["after"] = self.array(f"{id}.after", flat(after))
        if losses:
            case["losses"] = float(np.sum([np.asarray(v) for v in losses]))
        if grad:

            def total(t, x):
                y, _, _ = call(t, ntv, x)
                return sum((v * cotangent(v.shape)).sum() for v in as_list(y))

            dw, dx = jax.grad(total, argnums=(0, 1))(tv, xs)
            case["dx"] = [self.array(f"{id}.dx{i}", np.asarray(v)) for i, v in enumerate(dx)]
            if dw:
                case["dw"] = self.array(f"{id}.dw", flat(dw))
        if config:
            case["config"] = plain(keras.saving.serialize_keras_object(layer))["config"]
        case["tolerance"] = tolerance(np.concatenate([v.ravel() for v in ys]))
        if grad:
            case["gradient_tolerance"] = tolerance(np.concatenate([np.asarray(v).ravel() for v in [*dx, *dw]]), share=2e-5)
        self.cases.append(case)

    def write(self):
        write_npz(f"layers/{self.name}.npz", self.arrays)
        write_cases(f"layers/{self.name}.json", {"kind": "layers", "arrays": f"layers/{self.name}.npz"}, self.cases)


def both(family, id, covers, make, shape, **more):
    """The layer in both data formats; shape is channels_last, without the batch."""
    n, h, w, c = shape
    family.add(id, covers, sequential(make(), shape[1:]), [shape], **more)
    family.add(id + "-first", covers + ", channels_first", sequential(make(data_format="channels_first"), (c, h, w)), [(n, c, h, w)], first=make(data_format="channels_last"), **more)


def conv2d():
    f = Family("conv2d")
    base = (2, 6, 5, 2)
    add = lambda id, covers, *args, shape=base, **kw: f.add(id, covers, sequential(L.Conv2D(*args, name="c", **kw), shape[1:]), [shape])
    two = lambda id, covers, *args, shape=base, **kw: both(f, id, covers, lambda **d: L.Conv2D(*args, name="c", **kw, **d), shape)
    two("plain", "filters, kernel_size as int", 3, 3)
    two("kernel-pair", "kernel_size pair", 3, (1, 3))
    add("kernel-one", "1x1", 4, 1)
    add("kernel-even", "even kernel", 2, (2, 4))
    add("kernel-whole", "kernel as large as the picture", 2, (6, 5))
    two("strides", "strides int", 2, 3, 2)
    two("strides-pair", "strides pair", 2, 3, (1, 2))
    add("strides-large", "strides above the kernel", 2, 2, 3)
    two("same", "padding same", 2, 3, padding="same")
    add("same-upper", "padding in capitals is stored in small letters", 2, 3, padding="SAME")
    add("same-even-kernel", "same with an even kernel: the odd row goes after", 2, 2, padding="same")
    two("same-stride-even", "same, stride 2, even height: 0 before, 1 after", 2, 3, 2, padding="same", shape=(1, 6, 8, 2))
    add("same-stride-odd", "same, stride 2, odd sizes", 2, 3, 2, padding="same", shape=(1, 7, 5, 2))
    add("same-stride-large", "same, stride 3, kernel 4", 2, 4, 3, padding="same", shape=(1, 5, 7, 2))
    add("same-one-stride", "1x1 with stride 2 pads nothing", 2, 1, 2, padding="same")
    add("same-tiny", "kernel larger than the picture", 2, 5, padding="same", shape=(1, 2, 3, 2))
    two("dilation", "dilation_rate int", 2, 2, dilation_rate=2)
    two("dilation-pair", "dilation_rate pair, same", 2, 3, padding="same", dilation_rate=(2, 1))
    add("dilation-wide", "dilation beyond the picture, same", 2, 3, padding="same", dilation_rate=(3, 4))
    two("groups", "groups 2", 4, 3, groups=2, shape=(2, 5, 4, 4))
    two("groups-channels", "one group per channel", 6, 2, groups=3, padding="same", shape=(2, 4, 4, 3))
    add("groups-stride", "groups with stride", 6, 3, 2, groups=2, padding="same", shape=(1, 5, 5, 4))
    add("groups-dilation", "groups with dilation", 4, 2, groups=2, dilation_rate=2, shape=(1, 5, 5, 4))
    two("no-bias", "use_bias False", 3, 3, use_bias=False)
    add("first-by-hand", "data_format given although it is the default", 2, 2, data_format="channels_last")
    for a in ACTIVATIONS:
        f.add(f"activation-{a}", f"activation {a}", sequential(L.Conv2D(3, 2, activation=a, name="c"), (3, 3, 2)), [(1, 3, 3, 2)], config=False)
    add("activation-glu", "glu halves the channels", 4, 2, activation="glu", shape=(1, 3, 3, 2))
    f.add("activation-softmax-first", "softmax as an activation is over the last axis, here the width", sequential(L.Conv2D(3, 2, activation="softmax", data_format="channels_first", name="c"), (2, 3, 4)), [(1, 2, 3, 4)])
    add("layer-activation", "activation given as a layer object", 3, 2, activation=L.LeakyReLU(negative_slope=0.2))
    for k, b in ((I.HeNormal(seed=7), I.RandomNormal(seed=8)), (I.Constant(0.25), "ones"), (I.VarianceScaling(0.5, "fan_out", "uniform", seed=3), I.RandomUniform(-1, 1, seed=4)), (I.GlorotUniform(seed=5), I.GlorotUniform(seed=6))):
        f.add("init-" + type(k).__name__.lower(), "kernel_initializer, bias_initializer with their seeds", sequential(L.Conv2D(3, 2, kernel_initializer=k, bias_initializer=b, name="c"), (4, 4, 2)), [(1, 4, 4, 2)], initial=True)
    add("regularizers", "kernel_, bias_, activity_regularizer: losses is their sum for this batch", 2, 2, kernel_regularizer="l2", bias_regularizer=R.L1(0.5), activity_regularizer=R.L1L2(0.01, 0.02))
    add("activity", "activity_regularizer: divided by the batch size", 2, 2, activation="relu", activity_regularizer=R.L2(0.5), shape=(3, 3, 3, 2))
    add("constraints", "constraints do nothing at inference", 2, 2, kernel_constraint=C.MaxNorm(1.5, axis=[0, 1, 2]), bias_constraint="non_neg")
    add("everything", "all sixteen arguments at once", 4, (3, 2), (2, 1), "same", "channels_last", (1, 1), 2, "elu", True, "he_uniform", "ones", "l1", "l2", R.L2(0.25), "unit_norm", "max_norm")
    for i, (k, s, p, n) in enumerate(itertools.product((1, 2, 3, 4, 5), (1, 2, 3), ("valid", "same"), (5, 6))):
        if s > 1 or k > 3:
            f.add(f"grid-k{k}-s{s}-{p}-n{n}", f"kernel {k}, stride {s}, {p}, height {n}", sequential(L.Conv2D(1, (k, 2), (s, 1), padding=p, name="c"), (n, 3, 1)), [(1, n, 3, 1)], config=False)
    f.add("many-channels", "more channels and filters than a vector has lanes", sequential(L.Conv2D(19, 3, padding="same", name="c"), (4, 5, 17)), [(1, 4, 5, 17)], grad=False)
    f.add("wide", "a wide row", sequential(L.Conv2D(3, 3, padding="same", name="c"), (3, 37, 3)), [(1, 3, 37, 3)], grad=False)
    f.add("name", "name, trainable, dtype as a string", sequential(L.Conv2D(2, 2, name="my conv", trainable=False, dtype="float32"), (3, 3, 1)), [(1, 3, 3, 1)], grad=False)
    f.write()


def depthwise_conv2d():
    f = Family("depthwise_conv2d")
    base = (2, 5, 4, 3)
    add = lambda id, covers, *args, shape=base, **kw: f.add(id, covers, sequential(L.DepthwiseConv2D(*args, name="d", **kw), shape[1:]), [shape])
    two = lambda id, covers, *args, shape=base, **kw: both(f, id, covers, lambda **d: L.DepthwiseConv2D(*args, name="d", **kw, **d), shape)
    two("plain", "kernel_size int", 3)
    two("multiplier", "depth_multiplier: output channel c M + m", (2, 3), depth_multiplier=2)
    two("strides", "strides, same", 3, 2, padding="same")
    add("strides-pair", "unequal strides", 3, (1, 2))
    two("dilation", "dilation_rate", 2, dilation_rate=(2, 1))
    add("dilation-same", "dilation_rate, same", 3, padding="same", dilation_rate=2)
    add("stride-and-dilation", "strides with dilation_rate, allowed since 3.15", 2, 2, padding="valid", dilation_rate=2, shape=(1, 7, 6, 2))
    add("stride-and-dilation-same", "the same, padded", 3, 2, padding="same", dilation_rate=2, shape=(1, 7, 6, 2))
    two("no-bias", "use_bias False", 2, use_bias=False)
    add("activation", "activation", 2, activation="silu")
    f.add("initial", "depthwise_initializer and bias_initializer with seeds", sequential(L.DepthwiseConv2D(3, depth_multiplier=2, depthwise_initializer=I.HeUniform(seed=11), bias_initializer=I.TruncatedNormal(seed=12), name="d"), (4, 4, 3)), [(1, 4, 4, 3)], initial=True)
    add("everything", "every argument", (3, 2), (2, 2), "same", 2, "channels_last", (1, 1), "relu", True, "ones", "zeros", "l2", "l1", R.L1(0.125), "max_norm", "non_neg")
    f.add("many-channels", "more channels than a vector has lanes", sequential(L.DepthwiseConv2D(3, padding="same", name="d"), (3, 4, 21)), [(1, 3, 4, 21)], grad=False)
    f.write()


def transposed():
    f = Family("transposed")
    base = (2, 4, 3, 2)
    add = lambda id, covers, *args, shape=base, **kw: f.add(id, covers, sequential(L.Conv2DTranspose(*args, name="t", **kw), shape[1:]), [shape])
    two = lambda id, covers, *args, shape=base, **kw: both(f, id, covers, lambda **d: L.Conv2DTranspose(*args, name="t", **kw, **d), shape)
    two("plain", "filters, kernel_size as int", 3, 3)
    two("kernel-pair", "kernel_size pair", 3, (1, 3))
    add("kernel-one", "1x1", 4, 1)
    two("strides", "strides int", 3, 3, 2)
    two("strides-pair", "strides pair, same", 2, 3, (1, 2), padding="same")
    two("doubles", "kernel as large as the stride", 3, 2, 2)
    two("doubles-same", "the usual way to double a picture", 3, 3, 2, padding="same")
    two("doubles-same-even", "the same with an even kernel", 3, 4, 2, padding="same")
    add("same-upper", "padding in capitals is stored in small letters", 2, 3, padding="SAME")
    two("strides-large", "strides above the kernel: cells that no window writes", 2, 2, 3)
    add("strides-large-same", "the same, cut", 2, (1, 2), (4, 3), padding="same")
    two("output-padding", "output_padding int, same", 2, 3, 2, padding="same", output_padding=1)
    add("output-padding-pair", "output_padding pair, valid", 2, (2, 3), (2, 3), padding="valid", output_padding=(0, 2))
    add("output-padding-zero", "output_padding 0 is not None", 2, 4, 3, padding="same", output_padding=0)
    two("dilation", "dilation_rate int", 2, 2, dilation_rate=2)
    two("dilation-pair", "dilation_rate pair, same", 2, 3, padding="same", dilation_rate=(2, 1))
    add("dilation-wide", "dilation beyond the picture, same", 2, 3, padding="same", dilation_rate=(3, 4))
    two("no-bias", "use_bias False", 3, 3, 2, use_bias=False)
    for a in ("relu", "relu6", "leaky_relu", "elu", "tanh", "softmax"):
        f.add(f"activation-{a}", f"activation {a}", sequential(L.Conv2DTranspose(3, 2, 2, activation=a, name="t"), (3, 2, 2)), [(1, 3, 2, 2)], config=False)
    add("activation-glu", "glu halves the channels", 4, 2, activation="glu", shape=(1, 3, 3, 2))
    f.add("activation-softmax-first", "softmax as an activation is over the last axis, here the width", sequential(L.Conv2DTranspose(3, 2, activation="softmax", data_format="channels_first", name="t"), (2, 3, 4)), [(1, 2, 3, 4)])
    f.add("initial", "kernel_initializer, bias_initializer with their seeds", sequential(L.Conv2DTranspose(3, 2, kernel_initializer=I.GlorotUniform(seed=5), bias_initializer=I.RandomNormal(seed=8), name="t"), (4, 4, 2)), [(1, 4, 4, 2)], initial=True)
    f.add("initial-fan", "fan_in counts filters, since they stand where a convolution has its channels", sequential(L.Conv2DTranspose(3, (2, 3), kernel_initializer=I.HeUniform(seed=4), name="t"), (4, 4, 5)), [(1, 4, 4, 5)], initial=True)
    add("regularizers", "kernel_, bias_, activity_regularizer: losses is their sum for this batch", 2, 2, 2, kernel_regularizer="l2", bias_regularizer=R.L1(0.5), activity_regularizer=R.L1L2(0.01, 0.02))
    add("everything", "all fourteen arguments at once", 3, (3, 2), (2, 1), "same", (1, 0), "channels_last", (1, 1), "elu", True, "he_uniform", "ones", "l1", "l2", R.L2(0.25), "unit_norm", "max_norm")
    for k, s, p in itertools.product((1, 2, 3, 4, 5), (1, 2, 3, 4), ("valid", "same")):
        for a in (None, *range(s)):
            f.add(f"grid-k{k}-s{s}-{p}-{a}", f"kernel {k}, stride {s}, {p}, output_padding {a}", sequential(L.Conv2DTranspose(1, (k, 2), (s, 1), padding=p, output_padding=None if a is None else (a, 0), name="t"), (3, 3, 1)), [(1, 3, 3, 1)], config=False)
    for k, d, p, a in itertools.product((2, 3, 4), (2, 3), ("valid", "same"), (None, 0)):
        f.add(f"grid-k{k}-d{d}-{p}-{a}", f"kernel {k}, dilation {d}, {p}, output_padding {a}", sequential(L.Conv2DTranspose(1, (2, k), padding=p, output_padding=a, dilation_rate=(1, d), name="t"), (3, 4, 1)), [(1, 3, 4, 1)], config=False)
    for k, s, p in ((3, 1, "same"), (3, 1, "valid"), (5, 1, "same"), (5, 1, "valid"), (3, 2, "same"), (2, 2, "valid"), (4, 2, "same")):
        f.add(f"many-channels-k{k}-s{s}-{p}", "more channels and filters than a vector has lanes", sequential(L.Conv2DTranspose(19, k, s, padding=p, name="t"), (5, 6, 17)), [(1, 5, 6, 17)], config=False)

    row = (2, 5, 3)
    line = lambda id, covers, *args, shape=row, **kw: f.add(f"line-{id}", f"Conv1DTranspose: {covers}", sequential(L.Conv1DTranspose(*args, name="t", **kw), shape[1:]), [shape])
    line("plain", "filters, kernel_size", 4, 3)
    line("strides", "strides", 4, 3, 2)
    line("same", "same", 4, 3, 2, padding="same")
    line("strides-large", "strides above the kernel", 2, 2, 3)
    line("output-padding", "output_padding", 2, 3, 3, padding="same", output_padding=2)
    line("dilation", "dilation_rate", 2, 3, dilation_rate=2, padding="same")
    line("no-bias", "use_bias False, activation", 2, 2, use_bias=False, activation="relu")
    line("first", "channels_first", 4, 3, 2, padding="same", data_format="channels_first")
    line("first-softmax", "softmax is over the last axis, here the steps", 4, 3, data_format="channels_first", activation="softmax")
    f.add("line-initial", "Conv1DTranspose: initializers with their seeds", sequential(L.Conv1DTranspose(3, 2, kernel_initializer=I.GlorotNormal(seed=3), bias_initializer=I.RandomUniform(seed=2), name="t"), (4, 2)), [(1, 4, 2)], initial=True)
    line("everything", "every argument", 3, 3, 2, "same", 1, "channels_last", 1, "elu", True, "he_uniform", "ones", "l1", "l2", R.L2(0.25), "unit_norm", "max_norm")
    f.write()


def dense():
    f = Family("dense")
    add = lambda id, covers, *args, shape=(3, 7), **kw: f.add(id, covers, sequential(L.Dense(*args, name="d", **kw), shape[1:]), [shape])
    add("plain", "units", 4)
    add("one", "one unit", 1)
    add("no-bias", "use_bias False", 4, use_bias=False)
    add("rank-3", "contraction over the last axis", 3, shape=(2, 3, 4))
    add("rank-4", "contraction over the last axis of a picture", 2, shape=(2, 2, 3, 4))
    add("large", "not a multiple of any vector", 33, shape=(5, 47))
    for a in ("softmax", "log_softmax", "sparsemax", "tanh"):
        add(f"activation-{a}", f"activation {a}", 5, activation=a)
    f.add("initial", "kernel_initializer and bias_initializer with seeds", sequential(L.Dense(5, kernel_initializer=I.LecunNormal(seed=1), bias_initializer=I.RandomUniform(seed=2), name="d"), (6,)), [(2, 6)], initial=True)
    f.add("identity", "Identity, Constant", sequential(L.Dense(4, kernel_initializer=I.Identity(2.0), bias_initializer=I.Constant(-1.5), name="d"), (4,)), [(2, 4)], initial=True)
    add("everything", "every argument", 3, "softplus", True, "glorot_normal", "ones", R.L1L2(0.1, 0.2), "l1", "l2", "unit_norm", C.MinMaxNorm(0.5, 1.0, 0.9))
    add("orthogonal", "OrthogonalRegularizer: losses", 3, kernel_regularizer=R.OrthogonalRegularizer(0.5))
    add("orthogonal-columns", "OrthogonalRegularizer of columns", 3, kernel_regularizer=R.OrthogonalRegularizer(0.5, mode="columns"))
    f.write()


def pooling():
    f = Family("pooling")
    for cls, short in ((L.MaxPooling2D, "max"), (L.AveragePooling2D, "average")):
        base = (2, 6, 5, 3)
        add = lambda id, covers, *args, shape=base, **kw: f.add(f"{short}-{id}", f"{cls.__name__} {covers}", sequential(cls(*args, name="p", **kw), shape[1:]), [shape])
        two = lambda id, covers, *args, shape=base, **kw: both(f, f"{short}-{id}", f"{cls.__name__} {covers}", lambda **d: cls(*args, name="p", **kw, **d), shape)
        if short == "max":
            add("default", "defaults")
        two("int", "pool_size int, strides from pool_size", 2)
        two("pair", "pool_size pair", (3, 2))
        two("strides", "strides int", 3, 2)
        two("strides-pair", "strides pair", 2, (2, 1))
        two("same", "same: padding is no cell", 2, padding="same")
        two("same-strides", "same with strides", (3, 2), (2, 1), "same")
        add("same-stride-large", "same, strides above the pool", 2, 3, "same", shape=(1, 8, 7, 1))
        add("overlap-same", "pool 3, strides 1, same", 3, 1, "same")
        add("whole", "pool as large as the picture", (6, 5))
        add("many-channels", "more channels than a vector has lanes", 2, shape=(1, 4, 4, 19))
        both(f, f"{short}-global", f"Global{cls.__name__}", lambda **d: getattr(L, f"Global{cls.__name__}")(name="p", **d), (2, 3, 4, 3))
        both(f, f"{short}-global-keepdims", f"Global{cls.__name__} keepdims", lambda **d: getattr(L, f"Global{cls.__name__}")(name="p", keepdims=True, **d), (2, 3, 4, 3))
    ties = np.zeros((1, 4, 4, 1), np.float32)
    ties[0, 1:3, 1:3] = 1
    ties[0, 0, 3] = -1
    f.array("ties", ties)
    f.add("max-ties", "equal numbers in a window: the gradient goes to the first in row order", sequential(L.MaxPooling2D(2, name="p"), (4, 4, 1)), None, x=["ties"])
    f.add("max-ties-overlap", "the same with overlapping windows and padding", sequential(L.MaxPooling2D(3, 2, "same", name="p"), (4, 4, 1)), None, x=["ties"])
    f.array("ties-global", np.tile(np.array([1, 2, 2, 0], np.float32).reshape(1, 2, 2, 1), (1, 1, 1, 2)))
    f.add("max-global-ties", "GlobalMaxPooling2D shares the gradient among equal numbers", sequential(L.GlobalMaxPooling2D(name="p"), (2, 2, 2)), None, x=["ties-global"])
    f.array("below", -np.abs(numbers((1, 3, 3, 2), "below")) - 1)
    f.add("max-same-negative", "same with negative numbers only: padding does not win", sequential(L.MaxPooling2D(2, padding="same", name="p"), (3, 3, 2)), None, x=["below"])
    f.write()


def shapes():
    f = Family("shapes")
    both(f, "flatten", "Flatten: channels_first flattens in channels_last order", lambda **d: L.Flatten(name="s", **d), (2, 2, 3, 2))
    add = lambda id, covers, layer, shape=(2, 3, 4, 2): f.add(id, covers, sequential(layer, shape[1:]), [shape])
    add("flatten-rank-2", "Flatten of rows", L.Flatten(name="s"), (2, 5))
    add("flatten-rank-3", "Flatten of rank 3", L.Flatten(name="s"), (2, 3, 2))
    add("flatten-rank-1", "Flatten of single numbers", L.Flatten(name="s"), (3,))
    add("flatten-first-rank-3", "Flatten channels_first of rank 3", L.Flatten("channels_first", name="s"), (2, 3, 2))
    add("reshape", "Reshape", L.Reshape((4, 6), name="s"))
    add("reshape-unknown", "Reshape with -1", L.Reshape((-1, 2, 3), name="s"))
    add("reshape-row", "Reshape to a row", L.Reshape((-1,), name="s"))
    add("reshape-picture", "Reshape of a row to a picture", L.Reshape((2, 2, 3), name="s"), (2, 12))
    base = (1, 3, 4, 2)
    for id, p in (("default", None), ("int", 2), ("pair", (1, 2)), ("sides", ((1, 0), (2, 3))), ("zero", 0)):
        make = lambda **d: L.ZeroPadding2D(name="s", **d) if p is None else L.ZeroPadding2D(p, name="s", **d)
        both(f, f"zero-padding-{id}", f"ZeroPadding2D {p}", make, base)
    base = (1, 6, 7, 2)
    for id, p in (("default", None), ("int", 1), ("pair", (1, 2)), ("sides", ((1, 2), (0, 3)))):
        make = lambda **d: L.Cropping2D(name="s", **d) if p is None else L.Cropping2D(p, name="s", **d)
        both(f, f"cropping-{id}", f"Cropping2D {p}", make, base)
    add("rescaling", "Rescaling scale", L.Rescaling(0.125, name="s"))
    add("rescaling-offset", "Rescaling scale, offset", L.Rescaling(1 / 127.5, offset=-1, name="s"))
    add("rescaling-list", "Rescaling with a list per channel", L.Rescaling([0.5, 2.0], offset=[1.0, -1.0], name="s"))
    f.write()


def activation_layers():
    f = Family("activation_layers")
    add = lambda id, covers, layer, shape=(2, 3, 2, 4): f.add(id, covers, sequential(layer, shape[1:]), [shape], kind="a")
    x = np.array([-8, -3, -1.5, -1, -0.5, -0.25, 0, 0.125, 0.5, 0.75, 1, 1.25, 2, 3, 5.5, 6, 6.5, 9], np.float32).reshape(2, 9)
    f.array("line", x)
    line = lambda id, covers, layer: f.add(id, covers, sequential(layer, (9,)), None, x=["line"])
    for a in ("relu", "softmax", "gelu", "leaky_relu"):
        add(f"activation-{a}", f"Activation {a}", L.Activation(a, name="a"))
    line("relu", "ReLU", L.ReLU(name="a"))
    line("relu-max", "ReLU max_value", L.ReLU(6.0, name="a"))
    line("relu-slope", "ReLU negative_slope", L.ReLU(negative_slope=0.1, name="a"))
    line("relu-threshold", "ReLU threshold", L.ReLU(threshold=1.0, name="a"))
    line("relu-slope-threshold", "ReLU negative_slope, threshold", L.ReLU(negative_slope=0.25, threshold=0.5, name="a"))
    line("relu-everything", "ReLU max_value, negative_slope, threshold", L.ReLU(4.0, 0.5, 1.0, name="a"))
    line("relu-max-below-threshold", "ReLU with max_value below threshold", L.ReLU(0.5, 0.5, 2.0, name="a"))
    line("relu-max-zero", "ReLU max_value 0", L.ReLU(0.0, name="a"))
    line("leaky", "LeakyReLU: 0.3", L.LeakyReLU(name="a"))
    line("leaky-slope", "LeakyReLU negative_slope", L.LeakyReLU(0.05, name="a"))
    line("leaky-zero", "LeakyReLU negative_slope 0", L.LeakyReLU(0.0, name="a"))
    line("elu", "ELU", L.ELU(name="a"))
    line("elu-alpha", "ELU alpha", L.ELU(0.5, name="a"))
    line("softmax", "Softmax", L.Softmax(name="a"))
    add("softmax-axis", "Softmax axis 1", L.Softmax(1, name="a"))
    add("softmax-axes", "Softmax over two axes", L.Softmax([1, 2], name="a"))
    add("softmax-axis-negative", "Softmax axis -2", L.Softmax(-2, name="a"))
    line("prelu", "PReLU", L.PReLU(name="a"))
    add("prelu-picture", "PReLU, one alpha for each cell", L.PReLU(name="a"))
    add("prelu-shared", "PReLU shared_axes [1, 2]", L.PReLU(shared_axes=[1, 2], name="a"))
    add("prelu-shared-one", "PReLU shared_axes [1]", L.PReLU(shared_axes=[1], name="a"))
    f.add("prelu-initial", "PReLU alpha_initializer, alpha_regularizer, alpha_constraint", sequential(L.PReLU(I.Constant(0.25), "l2", "non_neg", [1, 2], name="a"), (3, 2, 4)), [(2, 3, 2, 4)], kind="a", initial=True)
    for r, more in ((0.5, {}), (0.0, {}), (1.0, {}), (0.25, {"noise_shape": (None, 1, 1, 4), "seed": 3})):
        add(f"dropout-{r}", f"Dropout {r} {more or ''}: identity at inference".replace(" :", ":"), L.Dropout(r, name="a", **more))
    f.write()


def batch_normalization():
    f = Family("batch_normalization")
    base = (3, 3, 2, 4)
    variants = [("plain", "defaults", {}), ("no-scale", "scale False", {"scale": False}), ("no-center", "center False", {"center": False}), ("bare", "scale and center False", {"scale": False, "center": False}), ("momentum", "momentum, epsilon", {"momentum": 0.5, "epsilon": 0.1}), ("momentum-zero", "momentum 0", {"momentum": 0.0}), ("axis-1", "axis 1", {"axis": 1}), ("axis-2", "axis 2", {"axis": 2}), ("axis-negative", "axis -3", {"axis": -3})]
    for id, covers, kw in variants:
        for training in (False, True):
            f.add(id + ("-training" if training else ""), f"BatchNormalization {covers}" + (", training" if training else ""), sequential(L.BatchNormalization(name="b", **kw), base[1:]), [base], training=training, config=not training)
    f.add("rows", "rows", sequential(L.BatchNormalization(name="b"), (5,)), [(6, 5)])
    f.add("rows-training", "rows, training", sequential(L.BatchNormalization(name="b"), (5,)), [(6, 5)], training=True)
    f.add("frozen-training", "trainable False: inference while training", sequential(L.BatchNormalization(name="b", trainable=False), base[1:]), [base], training=True)
    f.add("one-row-training", "one value for each channel: variance 0", sequential(L.BatchNormalization(name="b"), (3,)), [(1, 3)], training=True)
    f.add("initial", "the four initializers, regularizers, constraints", sequential(L.BatchNormalization(beta_initializer="ones", gamma_initializer=I.RandomUniform(0.5, 1.5, seed=9), moving_mean_initializer=I.Constant(0.5), moving_variance_initializer=I.Constant(2.0), beta_regularizer="l2", gamma_regularizer=R.L1(0.5), beta_constraint="non_neg", gamma_constraint=C.MaxNorm(1.0), name="b"), base[1:]), [base], initial=True)
    f.add("many-channels-training", "more channels than a vector has lanes", sequential(L.BatchNormalization(name="b"), (2, 2, 21)), [(2, 2, 2, 21)], training=True)
    f.write()


def graphs():
    f = Family("graphs")

    def functional(id, covers, inputs, build, **more):
        ins = [keras.Input(s[1:], name=f"in{i}") for i, s in enumerate(inputs)]
        f.add(id, covers, keras.Model(ins if len(ins) > 1 else ins[0], build(*ins), name="m"), inputs, config=False, **more)

    s = (2, 2, 3, 2)
    for cls in (L.Add, L.Multiply):
        n = cls.__name__.lower()
        functional(n, f"{cls.__name__} of two", [s, s], lambda a, b: cls(name="j")([a, b]))
        functional(n + "-three", f"{cls.__name__} of three", [s, s, s], lambda a, b, c: cls(name="j")([a, b, c]))
        functional(n + "-one", f"{cls.__name__} of one", [s], lambda a: cls(name="j")([a]))
        functional(n + "-broadcast", f"{cls.__name__} with dims of 1", [s, (2, 1, 1, 2)], lambda a, b: cls(name="j")([a, b]))
        functional(n + "-broadcast-both", f"{cls.__name__}: both sides are spread", [(2, 2, 1, 2), (2, 1, 3, 2)], lambda a, b: cls(name="j")([a, b]))
        functional(n + "-rank", f"{cls.__name__} with a lower rank: axes of 1 after the batch", [s, (2, 2)], lambda a, b: cls(name="j")([a, b]))
        functional(n + "-twice", f"{cls.__name__} of a tensor with itself", [s], lambda a: cls(name="j")([a, a]))
    for axis in (-1, 1, 2, 3, -2):
        other = list(s)
        other[axis] += 1
        functional(f"concatenate-{axis}", f"Concatenate axis {axis}", [s, tuple(other)], lambda a, b: L.Concatenate(axis=axis, name="j")([a, b]))
    functional("concatenate-three", "Concatenate of three, one twice", [s, (2, 2, 3, 1)], lambda a, b: L.Concatenate(name="j")([a, b, a]))
    functional("concatenate-one", "Concatenate of one", [s], lambda a: L.Concatenate(name="j")([a]))
    functional("concatenate-rows", "Concatenate of rows", [(2, 3), (2, 2)], lambda a, b: L.Concatenate(name="j")([a, b]))

    p = (2, 5, 5, 2)

    def residual(a):
        y = L.Conv2D(3, 3, padding="same", activation="relu", name="c1")(a)
        z = L.Conv2D(3, 3, padding="same", name="c2")(y)
        return L.Activation("relu", name="r")(L.Add(name="j")([z, L.Conv2D(3, 1, name="c3")(a)]))

    functional("residual", "a residual block", [p], residual)

    def shared(a, b):
        c, d = L.Conv2D(2, 2, name="c"), L.Dense(2, name="d")
        g = L.GlobalAveragePooling2D(name="g")
        return [d(g(c(a))), d(g(c(b)))]

    functional("shared", "layers shared by two inputs, two outputs", [p, p], shared)
    functional("two-outputs", "one tensor and a later one", [p], lambda a: (lambda y: [y, L.Flatten(name="f")(L.MaxPooling2D(name="p")(y))])(L.Conv2D(2, 3, name="c")(a)))
    functional("output-twice", "the same tensor as two outputs", [(2, 4)], lambda a: (lambda y: [y, y])(L.Dense(2, name="d")(a)))
    functional("chain-shared", "a layer called on its own result", [(2, 3)], lambda a: (lambda d: d(d(a)))(L.Dense(3, activation="tanh", name="d")))

    def nested(a):
        inner = keras.Sequential([keras.Input((5, 5, 2), name="ix"), L.Conv2D(2, 3, name="ic"), L.BatchNormalization(name="ib")], name="inner")
        i = keras.Input((3, 3, 2), name="fx")
        head = keras.Model(i, [L.Flatten(name="ff")(i), L.GlobalMaxPooling2D(name="fg")(i)], name="head")
        u, v = head(inner(a))
        return L.Concatenate(name="j")([u, v])

    functional("nested", "a Sequential and a Functional model as layers", [p], nested)

    def nested_twice(a, b):
        i = keras.Input((5, 5, 2), name="fx")
        tower = keras.Model(i, L.GlobalAveragePooling2D(name="fg")(L.Conv2D(3, 3, activation="relu", name="fc")(i)), name="tower")
        return L.Multiply(name="j")([tower(a), tower(b)])

    functional("tower", "one model called twice", [p, p], nested_twice)

    def free():
        ins = keras.Input((None, None, 2), name="in0")
        y = L.Conv2D(3, 3, 2, padding="same", name="c")(ins)
        return keras.Model(ins, L.GlobalMaxPooling2D(name="g")(y), name="m")

    f.add("free-5x5", "free height and width", free(), [p], config=False)
    f.add("free-7x4", "the same model with other sizes", free(), [(1, 7, 4, 2)], config=False)
    batch = keras.Input(batch_shape=(2, 3), name="in0")
    f.add("fixed-batch", "an input with a fixed batch size", keras.Model(batch, L.Dense(2, name="d")(batch), name="m"), [(2, 3)], config=False)
    plain_stack = keras.Sequential([keras.Input((6, 6, 1), name="x"), L.Rescaling(0.5, name="r"), L.ZeroPadding2D(1, name="z"), L.Conv2D(2, 3, strides=2, activation="relu", name="c"), L.BatchNormalization(name="b"), L.DepthwiseConv2D(2, name="w"), L.PReLU(shared_axes=[1, 2], name="a"), L.Cropping2D(((0, 1), (0, 1)), name="k"), L.Flatten(name="f"), L.Dropout(0.5, name="o"), L.Dense(3, activation="softmax", name="d")], name="m")
    f.add("stack", "a chain of many layers", plain_stack, [(2, 6, 6, 1)], config=False)
    f.write()


def normalizations():
    f = Family("normalizations")
    add = lambda id, covers, layer, shape=(2, 3, 4, 6), **kw: f.add(id, covers, sequential(layer, shape[1:]), [shape], **kw)
    add("layer", "LayerNormalization", L.LayerNormalization(name="n"))
    add("layer-rows", "LayerNormalization of rows", L.LayerNormalization(name="n"), (3, 5))
    add("layer-axis", "LayerNormalization over rows of the picture", L.LayerNormalization(axis=1, name="n"))
    add("layer-axes", "LayerNormalization over three axes", L.LayerNormalization([1, 2, 3], name="n"))
    add("layer-axes-mixed", "-1 stands before 1: gamma has shape (6, 3), and its numbers in that order", L.LayerNormalization([1, -1], name="n"))
    add("layer-no-center", "center False, epsilon", L.LayerNormalization(epsilon=0.25, center=False, name="n"))
    add("layer-no-scale", "scale False", L.LayerNormalization(scale=False, name="n"))
    add("layer-bare", "neither", L.LayerNormalization(center=False, scale=False, name="n"))
    add("layer-arguments", "initializers, regularizers, constraints", L.LayerNormalization(beta_initializer="ones", gamma_initializer=I.RandomNormal(1.0, 0.1, seed=3), beta_regularizer="l2", gamma_regularizer="l1", beta_constraint="max_norm", gamma_constraint="non_neg", name="n"), initial=True)
    add("rms", "RMSNormalization", L.RMSNormalization(name="n"))
    add("rms-axes", "RMSNormalization over two axes", L.RMSNormalization([3, 2], 0.25, name="n"))
    add("unit", "UnitNormalization", L.UnitNormalization(name="n"))
    add("unit-axes", "UnitNormalization over two axes", L.UnitNormalization([1, 3], name="n"))
    add("group", "GroupNormalization", L.GroupNormalization(3, name="n"))
    add("group-one", "one group", L.GroupNormalization(1, name="n"))
    add("group-each", "a group for each channel", L.GroupNormalization(6, name="n"))
    add("group-axis", "GroupNormalization of channels_first", L.GroupNormalization(2, axis=1, name="n"), (2, 4, 3, 5))
    add("group-axis-negative", "GroupNormalization of axis -2", L.GroupNormalization(2, axis=-2, name="n"))
    add("group-arguments", "epsilon, center False", L.GroupNormalization(2, -1, 0.25, False, gamma_regularizer="l2", name="n"))
    add("group-no-scale", "scale False", L.GroupNormalization(2, scale=False, name="n"))
    add("group-rows", "GroupNormalization of rows", L.GroupNormalization(2, name="n"), (3, 6))
    add("given", "Normalization with one mean and variance", L.Normalization(mean=0.5, variance=2.0, name="n"))
    add("given-list", "one for each channel, a zero among them", L.Normalization(mean=[0.0, 1.0, 2.0, -1.0, 0.5, 3.0], variance=[1.0, 2.0, 0.0, 4.0, 0.25, 9.0], name="n"))
    add("given-inverse", "invert", L.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 9.0], axis=1, invert=True, name="n"))
    add("given-two-axes", "numbers along the last of two kept axes", L.Normalization((1, 3), [0.0, 1.0, 2.0, -1.0, 0.5, 3.0], [1.0, 2.0, 1.0, 4.0, 0.25, 9.0], name="n"))
    f.write()


def others():
    f = Family("others")
    add = lambda id, covers, layer, shape=(2, 3, 4, 2), **kw: f.add(id, covers, sequential(layer, shape[1:]), [shape], **kw)
    add("permute", "Permute", L.Permute((3, 1, 2), name="s"))
    add("permute-swap", "Permute of rows and columns", L.Permute((2, 1, 3), name="s"))
    add("permute-rows", "Permute of rank 3", L.Permute((2, 1), name="s"), (2, 3, 5))
    add("repeat-vector", "RepeatVector", L.RepeatVector(3, name="s"), (2, 4))
    add("repeat-vector-one", "RepeatVector once", L.RepeatVector(1, name="s"), (2, 4))
    add("identity", "Identity", L.Identity(name="s"))
    both(f, "spatial-dropout", "SpatialDropout2D passes on", lambda **d: L.SpatialDropout2D(0.5, name="s", **d), (2, 3, 4, 5))

    def merge(id, covers, shapes, make):
        ins = [keras.Input(s[1:], name=f"in{i}") for i, s in enumerate(shapes)]
        f.add(id, covers, keras.Model(ins, make(ins), name="m"), shapes, config=False)

    s = (2, 2, 3, 2)
    for name in ("Subtract", "Average", "Maximum", "Minimum"):
        make = getattr(L, name)
        low = name.lower()
        merge(low, name, [s, s], lambda a: make(name="j")(a))
        merge(f"{low}-broadcast", f"{name} of other shapes", [s, (2, 1, 2)], lambda a: make(name="j")(a))
        merge(f"{low}-ranks", f"{name} of another rank first", [(2, 2), s], lambda a: make(name="j")(a))
        merge(f"{low}-itself", f"{name} of a tensor and itself: ties", [s], lambda a: make(name="j")([a[0], a[0]]))
        if name != "Subtract":
            merge(f"{low}-three", f"{name} of three", [s, s, s], lambda a: make(name="j")(a))
            merge(f"{low}-one", f"{name} of one", [s], lambda a: make(name="j")([a[0]]))
    f.write()


fresh()
for make in (conv2d, depthwise_conv2d, transposed, dense, pooling, shapes, activation_layers, batch_normalization, graphs, normalizations, others):
    make()
