# DenseNet-121 (arXiv 1608.06993), 224x224x3
import keras
from keras import layers


def cell(x):
    y = layers.BatchNormalization()(x)
    y = layers.ReLU()(y)
    y = layers.Conv2D(128, 1, use_bias=False)(y)
    y = layers.BatchNormalization()(y)
    y = layers.ReLU()(y)
    y = layers.Conv2D(32, 3, padding="same", use_bias=False)(y)
    return layers.Concatenate()([x, y])


inputs = keras.Input((224, 224, 3))
x = layers.Conv2D(64, 7, strides=2, padding="same", use_bias=False)(inputs)
x = layers.BatchNormalization()(x)
x = layers.ReLU()(x)
x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
channels = 64
for cells in [6, 12, 24, 16]:
    for i in range(cells):
        x = cell(x)
    channels = channels + 32 * cells
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    if cells != 16:
        channels = channels // 2
        x = layers.Conv2D(channels, 1, use_bias=False)(x)
        x = layers.AveragePooling2D(2)(x)
x = layers.GlobalAveragePooling2D()(x)
x = layers.Dense(1000, activation="softmax")(x)
model = keras.Model(inputs, x, name="densenet121")
model.compile(optimizer=keras.optimizers.SGD(0.01, momentum=0.9), loss="sparse_categorical_crossentropy")
