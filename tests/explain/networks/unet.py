# U-Net (arXiv 1505.04597) with padded convolutions and transposed convolutions, as most texts have it: 31,049,409
# parameters
import keras
from keras import layers


def conv_block(x, filters):
    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
    return x


def build_unet(input_shape=(256, 256, 3), classes=1, depth=4, filters=64):
    inputs = keras.Input(input_shape)
    x = inputs
    skips = []
    for level in range(depth):
        x = conv_block(x, filters * 2**level)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = conv_block(x, filters * 2**depth)
    for level in reversed(range(depth)):
        x = layers.Conv2DTranspose(filters * 2**level, 2, strides=2, padding="same")(x)
        x = layers.concatenate([skips[level], x])
        x = conv_block(x, filters * 2**level)
    outputs = layers.Conv2D(classes, 1, activation="sigmoid")(x)
    return keras.Model(inputs, outputs, name="unet")


model = build_unet()
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
