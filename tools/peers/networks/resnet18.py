# ResNet-18 (arXiv 1512.03385), 224x224x3
import keras
from keras import layers


def block(x, filters, stride):
    shortcut = x
    if stride > 1:
        shortcut = layers.Conv2D(filters, 1, strides=stride, use_bias=False)(x)
        shortcut = layers.BatchNormalization()(shortcut)
    x = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.Add()([shortcut, x])
    return layers.ReLU()(x)


inputs = keras.Input((224, 224, 3))
x = layers.Conv2D(64, 7, strides=2, padding="same", use_bias=False)(inputs)
x = layers.BatchNormalization()(x)
x = layers.ReLU()(x)
x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
for filters, stride in [(64, 1), (128, 2), (256, 2), (512, 2)]:
    x = block(x, filters, stride)
    x = block(x, filters, 1)
x = layers.GlobalAveragePooling2D()(x)
x = layers.Dense(1000, activation="softmax")(x)
model = keras.Model(inputs, x, name="resnet18")
model.compile(optimizer=keras.optimizers.SGD(0.01, momentum=0.9), loss="sparse_categorical_crossentropy")
