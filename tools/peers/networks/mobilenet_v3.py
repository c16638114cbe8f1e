# MobileNetV3 large (arXiv 1905.02244), 224x224x3
import keras
from keras import layers


def rounded(channels):
    return (channels + 4) // 8 * 8


def block(x, channels, kernel, wide, filters, squeeze, act, stride):
    shortcut = x
    if wide != channels:
        x = layers.Conv2D(wide, 1, use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation(act)(x)
    x = layers.DepthwiseConv2D(kernel, strides=stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.Activation(act)(x)
    if squeeze:
        y = layers.GlobalAveragePooling2D(keepdims=True)(x)
        y = layers.Conv2D(rounded(wide // 4), 1, activation="relu")(y)
        y = layers.Conv2D(wide, 1, activation="hard_sigmoid")(y)
        x = layers.Multiply()([x, y])
    x = layers.Conv2D(filters, 1, use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.Add()([shortcut, x]) if stride == 1 and channels == filters else x


inputs = keras.Input((224, 224, 3))
x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(inputs)
x = layers.BatchNormalization()(x)
x = layers.Activation("hard_swish")(x)
channels = 16
for kernel, wide, filters, squeeze, act, stride in [
    (3, 16, 16, False, "relu", 1),
    (3, 64, 24, False, "relu", 2),
    (3, 72, 24, False, "relu", 1),
    (5, 72, 40, True, "relu", 2),
    (5, 120, 40, True, "relu", 1),
    (5, 120, 40, True, "relu", 1),
    (3, 240, 80, False, "hard_swish", 2),
    (3, 200, 80, False, "hard_swish", 1),
    (3, 184, 80, False, "hard_swish", 1),
    (3, 184, 80, False, "hard_swish", 1),
    (3, 480, 112, True, "hard_swish", 1),
    (3, 672, 112, True, "hard_swish", 1),
    (5, 672, 160, True, "hard_swish", 2),
    (5, 960, 160, True, "hard_swish", 1),
    (5, 960, 160, True, "hard_swish", 1),
]:
    x = block(x, channels, kernel, wide, filters, squeeze, act, stride)
    channels = filters
x = layers.Conv2D(960, 1, use_bias=False)(x)
x = layers.BatchNormalization()(x)
x = layers.Activation("hard_swish")(x)
x = layers.GlobalAveragePooling2D()(x)
x = layers.Dense(1280, activation="hard_swish")(x)
x = layers.Dense(1000, activation="softmax")(x)
model = keras.Model(inputs, x, name="mobilenet_v3")
model.compile(optimizer=keras.optimizers.SGD(0.01, momentum=0.9), loss="sparse_categorical_crossentropy")
