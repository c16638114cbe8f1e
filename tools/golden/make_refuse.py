# SPDX-License-Identifier: Apache-2.0
"""Configurations that Keras refuses, with what a message must name and what Keras says."""
import copy

from common import *

INPUT = {"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [None, 8, 8, 2], "name": "x"}}
cases = []


def layer(cls, label, **config):
    return {"module": "keras.layers", "class_name": cls, "config": {"name": label, **config}}


def conv(**config):
    return layer("Conv2D", "conv_a", **{"filters": 4, "kernel_size": [3, 3], **config})


def stack(*layers, compile_config=None, input=INPUT):
    m = {"module": "keras", "class_name": "Sequential", "config": {"name": "m", "layers": [input, *layers]}}
    return {**m, "compile_config": compile_config} if compile_config else m


def message(e):
    text = str(e)
    text = re.sub(r"\{([^{}:]*)\}", lambda m: "{" + ", ".join(sorted(m[1].split(", "))) + "}", text)  # a set has no order of its own
    at = text.rfind("Exception encountered: ")
    text = re.sub(r"\x1b\[\d*m", "", text)
    return " ".join((text[at + 23 :] if at >= 0 else text).split())[:400]


def add(id, model, *words, when="load", accepted=False):
    fresh()
    try:
        m = load(copy.deepcopy(model))
        if when == "train":
            m.fit(np.zeros((4, 8, 8, 2), np.float32), np.zeros((4, 3), np.float32), verbose=0)
        said = None
    except Exception as e:
        said = [type(e).__name__, message(e)]
    if (said is None) != accepted:
        print("NOT AS THOUGHT", id, said)
    cases.append({"id": id, "when": when, "model": model, "words": list(words), "keras": said})


def convolution():
    for id, change, *words in (
        ("filters-zero", {"filters": 0}, "filters"),
        ("filters-negative", {"filters": -3}, "filters"),
        ("filters-text", {"filters": "8"}, "filters"),
        ("kernel-three", {"kernel_size": [3, 3, 3]}, "kernel_size"),
        ("kernel-zero", {"kernel_size": [3, 0]}, "kernel_size"),
        ("kernel-text", {"kernel_size": ["a", 3]}, "kernel_size"),
        ("strides-zero", {"strides": [0, 1]}, "strides"),
        ("strides-three", {"strides": [1, 1, 1]}, "strides"),
        ("dilation-zero", {"dilation_rate": 0}, "dilation_rate"),
        ("padding-unknown", {"padding": "full"}, "padding"),
        ("padding-causal", {"padding": "causal"}, "padding"),
        ("data-format", {"data_format": "nhwc"}, "data_format"),
        ("groups-zero", {"groups": 0}, "groups"),
        ("groups-filters", {"groups": 3}, "groups"),
        ("groups-channels", {"groups": 4}, "groups"),
        ("stride-and-dilation", {"strides": 2, "dilation_rate": 2}, "strides", "dilation_rate"),
        ("stride-and-dilation-apart", {"strides": [2, 1], "dilation_rate": [1, 2]}, "strides", "dilation_rate"),
        ("activation", {"activation": "rellu"}, "activation", "rellu"),
        ("initializer", {"kernel_initializer": "glorot"}, "glorot"),
        ("bias-initializer", {"bias_initializer": "nought"}, "nought"),
        ("regularizer", {"kernel_regularizer": "l3"}, "l3"),
        ("regularizer-name", {"kernel_regularizer": "l1_l2"}, "l1_l2"),
        ("activity-regularizer", {"activity_regularizer": "l3"}, "l3"),
        ("constraint", {"bias_constraint": "max"}, "max"),
        ("unknown-argument", {"kernel": 3}, "kernel"),
        ("name-slash", {"name": "conv_a/b"}, "name"),
        ("trainable-text", {"trainable": "yes"}, "trainable"),
        ("dtype-unknown", {"dtype": "float33"}, "float33"),
        ("kernel-too-large", {"kernel_size": [9, 3]}, "conv_a"),
        ("dilation-too-large", {"dilation_rate": [1, 4]}, "conv_a"),
    ):
        add(f"conv-{id}", stack(conv(**change)), *(["conv_a"] if id != "name-slash" and "conv_a" not in words else []), *words)
    for k in ("filters", "kernel_size"):
        m = conv()
        del m["config"][k]
        add(f"conv-no-{k.replace('_', '-')}", stack(m), "conv_a", k)
    add("conv-l2-negative", stack(conv(kernel_regularizer={"module": "keras.regularizers", "class_name": "L2", "config": {"l2": -0.1}})), "conv_a", "l2")
    add("conv-initializer-argument", stack(conv(kernel_initializer={"module": "keras.initializers", "class_name": "HeNormal", "config": {"scale": 2}})), "conv_a", "scale")
    add("conv-variance-mode", stack(conv(kernel_initializer={"module": "keras.initializers", "class_name": "VarianceScaling", "config": {"mode": "fan"}})), "conv_a", "mode")
    add("conv-variance-scale", stack(conv(kernel_initializer={"module": "keras.initializers", "class_name": "VarianceScaling", "config": {"scale": 0.0}})), "conv_a", "scale")
    add("conv-identity", stack(conv(kernel_initializer="identity")), "conv_a")
    add("conv-orthogonal-bias", stack(conv(bias_initializer="orthogonal")), "conv_a")
    add("conv-on-rows", stack(layer("Flatten", "flat"), conv()), "conv_a")
    add("conv-no-channels", stack(conv(), input={"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [None, 8, 8, None], "name": "x"}}), "conv_a")


def others():
    flat = layer("Flatten", "flat")
    for id, layers, words in (
        ("depthwise-multiplier", [layer("DepthwiseConv2D", "dw", kernel_size=3, depth_multiplier=0)], ["dw", "depth_multiplier"]),
        ("depthwise-too-large", [layer("DepthwiseConv2D", "dw", kernel_size=9)], ["dw"]),
        ("depthwise-filters", [layer("DepthwiseConv2D", "dw", kernel_size=3, filters=2)], ["dw", "filters"]),
        ("dense-zero", [flat, layer("Dense", "d", units=0)], ["d", "units"]),
        ("dense-float", [flat, layer("Dense", "d", units=2.5)], ["d", "units"]),
        ("dense-text", [flat, layer("Dense", "d", units="ten")], ["d", "units"]),
        ("dense-missing", [flat, layer("Dense", "d")], ["d", "units"]),
        ("pool-zero", [layer("MaxPooling2D", "pool", pool_size=0)], ["pool", "pool_size"]),
        ("pool-three", [layer("MaxPooling2D", "pool", pool_size=[2, 2, 2])], ["pool", "pool_size"]),
        ("pool-padding", [layer("MaxPooling2D", "pool", padding="some")], ["pool", "padding"]),
        ("pool-too-large", [layer("MaxPooling2D", "pool", pool_size=9)], ["pool"]),
        ("average-missing", [layer("AveragePooling2D", "pool")], ["pool", "pool_size"]),
        ("pool-on-rows", [flat, layer("AveragePooling2D", "pool", pool_size=2)], ["pool"]),
        ("global-on-rows", [flat, layer("GlobalAveragePooling2D", "g")], ["g"]),
        ("reshape-size", [layer("Reshape", "r", target_shape=[7, 7])], ["r"]),
        ("reshape-two", [layer("Reshape", "r", target_shape=[-1, -1])], ["r", "target_shape"]),
        ("reshape-negative", [layer("Reshape", "r", target_shape=[-2, 64])], ["r", "target_shape"]),
        ("crop-too-much", [layer("Cropping2D", "k", cropping=[[4, 4], [0, 0]])], ["k", "cropping"]),
        ("crop-negative", [layer("Cropping2D", "k", cropping=[[-1, 0], [0, 0]])], ["k", "cropping"]),
        ("padding-negative", [layer("ZeroPadding2D", "z", padding=[[-1, 0], [0, 0]])], ["z", "padding"]),
        ("padding-form", [layer("ZeroPadding2D", "z", padding=[1, 2, 3])], ["z", "padding"]),
        ("dropout-rate", [layer("Dropout", "drop", rate=1.5)], ["drop", "rate"]),
        ("dropout-missing", [layer("Dropout", "drop")], ["drop", "rate"]),
        ("dropout-noise", [layer("Dropout", "drop", rate=0.5, noise_shape=[None, 0, 1, 1])], ["drop", "noise_shape"]),
        ("relu-max", [layer("ReLU", "a", max_value=-1.0)], ["a", "max_value"]),
        ("relu-slope", [layer("ReLU", "a", negative_slope=-0.1)], ["a", "negative_slope"]),
        ("relu-threshold", [layer("ReLU", "a", threshold=-1.0)], ["a", "threshold"]),
        ("leaky-negative", [layer("LeakyReLU", "a", negative_slope=-0.5)], ["a", "negative_slope"]),
        ("activation-missing", [layer("Activation", "a")], ["a", "activation"]),
        ("norm-axis", [layer("BatchNormalization", "b", axis=4)], ["b", "axis"]),
        ("norm-axis-list", [layer("BatchNormalization", "b", axis=[3])], ["b", "axis"]),
        ("merge-alone", [layer("Add", "j")], ["j"]),
        ("class-unknown", [layer("Conv2d", "c", filters=2, kernel_size=3)], ["Conv2d"]),
        ("name-twice", [layer("ReLU", "a"), layer("ReLU", "a")], ["a"]),
        ("input-twice", [{"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [None, 4], "name": "y"}}], []),
    ):
        add(id, stack(*layers), *words)
    tensor = lambda name, shape: {"class_name": "__keras_tensor__", "config": {"shape": shape, "dtype": "float32", "keras_history": [name, 0, 0]}}

    def functional(*layers, inputs=("x",), outputs=("j",)):
        return {"module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional", "config": {"name": "m", "layers": list(layers), "input_layers": [[n, 0, 0] for n in inputs], "output_layers": [[n, 0, 0] for n in outputs]}}

    def node(cls, label, args, **config):
        return {**layer(cls, label, **config), "name": label, "inbound_nodes": [{"args": args, "kwargs": {}}] if args else []}

    a, b = node("InputLayer", "x", [], batch_shape=[None, 4, 4, 2]), node("InputLayer", "y", [], batch_shape=[None, 4, 3, 2])
    two = [tensor("x", [None, 4, 4, 2]), tensor("y", [None, 4, 3, 2])]
    add("add-shapes", functional(a, b, node("Add", "j", [two]), inputs=("x", "y")), "j")
    add("multiply-shapes", functional(a, b, node("Multiply", "j", [two]), inputs=("x", "y")), "j")
    add("concatenate-shapes", functional(a, b, node("Concatenate", "j", [two], axis=-1), inputs=("x", "y")), "j")
    add("concatenate-axis", functional(a, b, node("Concatenate", "j", [two], axis=7), inputs=("x", "y")), "j", "axis")
    add("node-unknown", functional(a, node("ReLU", "j", [tensor("nowhere", [None, 4, 4, 2])])), "nowhere")
    add("output-unknown", functional(a, node("ReLU", "j", [tensor("x", [None, 4, 4, 2])]), outputs=("k",)), "k")
    add("cycle", functional(a, node("ReLU", "i", [tensor("j", [None, 4, 4, 2])]), node("ReLU", "j", [tensor("i", [None, 4, 4, 2])])))


def compiling():
    head = [layer("Flatten", "flat"), layer("Dense", "d", units=3)]
    o = lambda cls, **config: {"module": "keras.optimizers", "class_name": cls, "config": config}
    sgd = o("SGD", learning_rate=0.1)
    for id, c, words in (
        ("optimizer-name", {"optimizer": "sgdd", "loss": "mse"}, ["sgdd"]),
        ("optimizer-class", {"optimizer": o("Adam2"), "loss": "mse"}, ["Adam2"]),
        ("optimizer-argument", {"optimizer": o("SGD", learning_rate=0.1, speed=2.0), "loss": "mse"}, ["speed"]),
        ("optimizer-lr", {"optimizer": o("SGD", lr=0.1), "loss": "mse"}, ["lr"]),
        ("optimizer-rate-int", {"optimizer": o("SGD", learning_rate=1), "loss": "mse"}, ["learning_rate"]),
        ("optimizer-rate-text", {"optimizer": o("SGD", learning_rate="fast"), "loss": "mse"}, ["learning_rate"]),
        ("optimizer-momentum-int", {"optimizer": o("SGD", learning_rate=0.1, momentum=1), "loss": "mse"}, ["momentum"]),
        ("optimizer-momentum-range", {"optimizer": o("SGD", learning_rate=0.1, momentum=1.5), "loss": "mse"}, ["momentum"]),
        ("optimizer-two-clips", {"optimizer": o("SGD", learning_rate=0.1, clipnorm=1.0, clipvalue=1.0), "loss": "mse"}, ["clipnorm"]),
        ("optimizer-ema", {"optimizer": o("SGD", learning_rate=0.1, use_ema=True, ema_momentum=1.5), "loss": "mse"}, ["ema_momentum"]),
        ("optimizer-accumulate", {"optimizer": o("SGD", learning_rate=0.1, gradient_accumulation_steps=1), "loss": "mse"}, ["gradient_accumulation_steps"]),
        ("optimizer-adamw-decay", {"optimizer": o("AdamW", learning_rate=0.1, weight_decay=None), "loss": "mse"}, ["weight_decay"]),
        ("schedule-steps", {"optimizer": o("SGD", learning_rate={"module": "keras.optimizers.schedules", "class_name": "ExponentialDecay", "config": {"initial_learning_rate": 0.1, "decay_steps": 0, "decay_rate": 0.5}}), "loss": "mse"}, ["decay_steps"]),
        ("schedule-values", {"optimizer": o("SGD", learning_rate={"module": "keras.optimizers.schedules", "class_name": "PiecewiseConstantDecay", "config": {"boundaries": [1, 2], "values": [0.1, 0.2]}}), "loss": "mse"}, ["boundaries", "values"]),
        ("loss-name", {"optimizer": sgd, "loss": "mean_square"}, ["mean_square"]),
        ("loss-argument", {"optimizer": sgd, "loss": {"module": "keras.losses", "class_name": "CategoricalCrossentropy", "config": {"smoothing": 0.1}}}, ["smoothing"]),
        ("loss-reduction", {"optimizer": sgd, "loss": {"module": "keras.losses", "class_name": "MeanSquaredError", "config": {"reduction": "auto"}}}, ["reduction"]),
        ("metric-name", {"optimizer": sgd, "loss": "mse", "metrics": ["accurcy"]}, ["accurcy"]),
        ("loss-output", {"optimizer": sgd, "loss": {"nowhere": "mse"}}, ["nowhere"]),
    ):
        when = "train" if id in ("loss-output", "metric-name", "loss-name") else "load"
        add(id, stack(*head, compile_config=c), *words, when=when)
    add("glu-odd", stack(layer("Flatten", "flat"), layer("Dense", "d", units=3, activation="glu"), compile_config={"optimizer": sgd, "loss": "mse"}), "d", when="train")


for make in (convolution, others, compiling):
    make()
write_cases("refuse.json", {"kind": "refuse"}, cases)
