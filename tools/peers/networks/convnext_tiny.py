# ConvNeXt-T (arXiv 2201.03545) without the scales of its blocks, 224x224x3
import keras
from keras import layers

inputs = keras.Input((224, 224, 3))
x = layers.Conv2D(96, 4, strides=4)(inputs)
x = layers.LayerNormalization(epsilon=1e-6)(x)
for filters, blocks in [(96, 3), (192, 3), (384, 9), (768, 3)]:
    if filters > 96:
        x = layers.LayerNormalization(epsilon=1e-6)(x)
        x = layers.Conv2D(filters, 2, strides=2)(x)
    for i in range(blocks):
        y = layers.DepthwiseConv2D(7, padding="same")(x)
        y = layers.LayerNormalization(epsilon=1e-6)(y)
        y = layers.Dense(4 * filters, activation="gelu")(y)
        y = layers.Dense(filters)(y)
        x = layers.Add()([x, y])
x = layers.GlobalAveragePooling2D()(x)
x = layers.LayerNormalization(epsilon=1e-6)(x)
x = layers.Dense(1000, activation="softmax")(x)
model = keras.Model(inputs, x, name="convnext_tiny")
model.compile(optimizer=keras.optimizers.SGD(0.01, momentum=0.9), loss="sparse_categorical_crossentropy")
