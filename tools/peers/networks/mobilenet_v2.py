# MobileNetV2 (arXiv 1801.04381), 224x224x3
import keras
from keras import layers


def block(x, channels, expansion, filters, stride):
    shortcut = x
    if expansion > 1:
        x = layers.Conv2D(expansion * channels, 1, use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU(6.0)(x)
    x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU(6.0)(x)
    x = layers.Conv2D(filters, 1, use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.Add()([shortcut, x]) if stride == 1 and channels == filters else x


inputs = keras.Input((224, 224, 3))
x = layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False)(inputs)
x = layers.BatchNormalization()(x)
x = layers.ReLU(6.0)(x)
channels = 32
for expansion, filters, blocks, stride in [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
]:
    for i in range(blocks):
        x = block(x, channels, expansion, filters, stride if i == 0 else 1)
        channels = filters
x = layers.Conv2D(1280, 1, use_bias=False)(x)
x = layers.BatchNormalization()(x)
x = layers.ReLU(6.0)(x)
x = layers.GlobalAveragePooling2D()(x)
x = layers.Dense(1000, activation="softmax")(x)
model = keras.Model(inputs, x, name="mobilenet_v2")
model.compile(optimizer=keras.optimizers.SGD(0.01, momentum=0.9), loss="sparse_categorical_crossentropy")
