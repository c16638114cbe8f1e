# SPDX-License-Identifier: Apache-2.0
"""Keras' summary() as text: as it comes when there is no terminal, and with each argument."""
from common import *

L = keras.layers
cases = []


def add(id, model, *variants):
    config = compact(plain(keras.saving.serialize_keras_object(model)))
    fresh()
    model = load(config)
    if model.built and getattr(model, "optimizer", None) and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    out = []
    for arguments in ({}, {"line_length": 80}, *variants):
        lines = []
        model.summary(print_fn=lambda s, line_break=None: lines.append(s), **arguments)
        out.append({"arguments": arguments, "text": "\n".join(lines)})
    cases.append({"id": id, "model": config, "variants": out})


fresh()
trainable, narrow, nested = {"show_trainable": True}, {"line_length": 60}, {"expand_nested": True}
cnn = keras.Sequential([keras.Input((28, 28, 1)), L.Conv2D(32, 3, padding="same", activation="relu"), L.MaxPooling2D(), L.Flatten(), L.Dense(10, activation="softmax")])
add("cnn", cnn, trainable, narrow)
cnn = keras.Sequential([keras.Input((28, 28, 1)), L.Conv2D(32, 5, activation="relu"), L.BatchNormalization(trainable=False), L.AveragePooling2D(2), L.Dropout(0.5), L.GlobalAveragePooling2D(), L.Dense(1000, name="a_layer_with_a_name_that_is_much_too_long_for_its_column"), L.Dense(10)], name="compiled")
cnn.compile("adam", "mse")
add("compiled", cnn, trainable)
add("unbuilt", keras.Sequential([L.Conv2D(4, 3), L.Flatten(), L.Dense(2)]))
add("empty", keras.Sequential(name="nothing"))
fresh()
x = keras.Input((32, 32, 3))
a = L.Conv2D(16, 3, padding="same")(x)
b = L.BatchNormalization()(a)
b = L.Conv2D(16, 3, padding="same")(L.ReLU()(b))
y = L.Add()([a, b])
c = L.Dense(10, activation="softmax")
add("residual", keras.Model(x, [c(L.GlobalAveragePooling2D()(y)), c(L.GlobalMaxPooling2D()(y))], name="residual"), trainable, narrow)
fresh()
inner = keras.Sequential([keras.Input((8, 8, 4)), L.DepthwiseConv2D(3), L.PReLU()], name="inner")
i = keras.Input((6, 6, 4))
head = keras.Model(i, L.Dense(3)(L.Flatten()(i)), name="head")
add("nested", keras.Sequential([keras.Input((8, 8, 4)), inner, head], name="outer"), nested, {**nested, **trainable})
fresh()
x = keras.Input((None, None, 3), name="picture")
add("free", keras.Model(x, L.Conv2D(1, 3, name="c")(L.Concatenate(name="both")([L.Conv2D(1000, 1, name="left")(x), L.Conv2D(1000, 1, name="right")(x)])), name="free"), narrow)
fresh()
x = keras.Input((16, 16, 3), name="image")
a = L.SeparableConv2D(8, 3, padding="same", depth_multiplier=2)(L.RandomFlip()(L.Normalization()(x)))
b = L.Conv2DTranspose(4, 3, strides=2, padding="same")(L.AdaptiveAveragePooling2D(4)(L.LayerNormalization()(a)))
b = L.UpSampling2D(interpolation="bilinear")(L.SpatialDropout2D(0.1)(L.GroupNormalization(2)(b)))
c = L.Maximum()([L.Conv2D(4, 1)(a), L.Permute((2, 1, 3))(b)])
d = L.Conv1D(6, 3, padding="causal", use_bias=False)(L.Reshape((256, 4))(c))
d = L.Conv1DTranspose(2, 2, 2)(L.ZeroPadding1D(2)(L.MaxPooling1D(4)(L.DepthwiseConv1D(3, depth_multiplier=2)(d))))
e = L.Conv3D(2, (1, 2, 3))(L.Reshape((8, 8, 4, 4))(c))
e = L.GlobalAveragePooling3D()(L.Conv3DTranspose(3, 2, strides=(1, 2, 2))(L.Cropping3D(((1, 0), (0, 0), (0, 0)))(e)))
f = L.Dot(1)([e, L.Dense(3)(L.GlobalMaxPooling1D()(L.SeparableConv1D(5, 3)(L.RMSNormalization()(d))))])
add("described", keras.Model(x, [L.RepeatVector(2)(f), L.Resizing(5, 7)(L.CenterCrop(9, 9)(c))], name="described"))
write_cases("summary.json", {"kind": "summary"}, cases)
