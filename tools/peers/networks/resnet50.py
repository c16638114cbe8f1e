# ResNet-50 (arXiv 1512.03385) as keras.applications has it: biases, strides in the first 1x1 convolution; 224x224x3
import keras
from keras import layers


def block(x, filters, stride, wider):
    shortcut = x
    if wider:
        shortcut = layers.Conv2D(4 * filters, 1, strides=stride)(x)
        shortcut = layers.BatchNormalization(epsilon=1.001e-5)(shortcut)
    x = layers.Conv2D(filters, 1, strides=stride)(x)
    x = layers.BatchNormalization(epsilon=1.001e-5)(x)
    x = layers.Activation("relu")(x)
    x = layers.Conv2D(filters, 3, padding="same")(x)
    x = layers.BatchNormalization(epsilon=1.001e-5)(x)
    x = layers.Activation("relu")(x)
    x = layers.Conv2D(4 * filters, 1)(x)
    x = layers.BatchNormalization(epsilon=1.001e-5)(x)
    x = layers.Add()([shortcut, x])
    return layers.Activation("relu")(x)


inputs = keras.Input((224, 224, 3))
x = layers.ZeroPadding2D(3)(inputs)
x = layers.Conv2D(64, 7, strides=2)(x)
x = layers.BatchNormalization(epsilon=1.001e-5)(x)
x = layers.Activation("relu")(x)
x = layers.ZeroPadding2D(1)(x)
x = layers.MaxPooling2D(3, strides=2)(x)
for filters, blocks, stride in [(64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)]:
    for i in range(blocks):
        x = block(x, filters, stride if i == 0 else 1, i == 0)
x = layers.GlobalAveragePooling2D()(x)
x = layers.Dense(1000, activation="softmax")(x)
model = keras.Model(inputs, x, name="resnet50")
model.compile(optimizer=keras.optimizers.SGD(0.01, momentum=0.9), loss="sparse_categorical_crossentropy")
