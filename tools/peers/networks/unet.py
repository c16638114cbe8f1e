# A U-Net (arXiv 1505.04597) for pictures of 128x128x3, 16 to 256 channels
import keras
from keras import layers


def pair(x, filters):
    for i in range(2):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
    return x


inputs = keras.Input((128, 128, 3))
x = inputs
levels = []
for filters in [16, 32, 64, 128]:
    x = pair(x, filters)
    levels.append(x)
    x = layers.MaxPooling2D(2)(x)
x = pair(x, 256)
for filters in [128, 64, 32, 16]:
    x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
    x = layers.Concatenate()([levels.pop(), x])
    x = pair(x, filters)
x = layers.Conv2D(1, 1, activation="sigmoid")(x)
model = keras.Model(inputs, x, name="unet")
model.compile(optimizer=keras.optimizers.SGD(0.01, momentum=0.9), loss="binary_crossentropy")
