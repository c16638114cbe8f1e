# EfficientNet-B0 (arXiv 1905.11946), 224x224x3
import keras
from keras import layers


def block(x, channels, expansion, kernel, filters, stride):
    shortcut = x
    if expansion > 1:
        x = layers.Conv2D(expansion * channels, 1, use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("swish")(x)
    x = layers.DepthwiseConv2D(kernel, strides=stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("swish")(x)
    y = layers.GlobalAveragePooling2D(keepdims=True)(x)
    y = layers.Conv2D(channels // 4, 1, activation="swish")(y)
    y = layers.Conv2D(expansion * channels, 1, activation="sigmoid")(y)
    x = layers.Multiply()([x, y])
    x = layers.Conv2D(filters, 1, use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.Add()([shortcut, x]) if stride == 1 and channels == filters else x


inputs = keras.Input((224, 224, 3))
x = layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False)(inputs)
x = layers.BatchNormalization()(x)
x = layers.Activation("swish")(x)
channels = 32
for expansion, kernel, filters, blocks, stride in [
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
]:
    for i in range(blocks):
        x = block(x, channels, expansion, kernel, filters, stride if i == 0 else 1)
        channels = filters
x = layers.Conv2D(1280, 1, use_bias=False)(x)
x = layers.BatchNormalization()(x)
x = layers.Activation("swish")(x)
x = layers.GlobalAveragePooling2D()(x)
x = layers.Dense(1000, activation="softmax")(x)
model = keras.Model(inputs, x, name="efficientnet_b0")
model.compile(optimizer=keras.optimizers.SGD(0.01, momentum=0.9), loss="sparse_categorical_crossentropy")
