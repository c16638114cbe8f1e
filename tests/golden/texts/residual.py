import keras
from keras import layers
from keras.models import Model
def block(x, filters, stride=1):
    y = layers.Conv2D(filters, 3, stride, "same", use_bias=False)(x)
    y = layers.BatchNormalization(epsilon=1e-5)(y)
    y = layers.ReLU()(y)
    y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
    y = layers.BatchNormalization()(y)
    if stride != 1 or x.shape[-1] != filters:
        x = layers.Conv2D(filters, 1, strides=stride)(x)
    return layers.ReLU()(layers.Add()([x, y]))
inputs = keras.Input(shape=(32, 32, 3))
x = layers.Conv2D(16, 3, padding="same")(inputs)
for i, f in enumerate([16, 32, 64]):
    for j in range(2):
        x = block(x, f, 2 if i and not j else 1)
x = layers.GlobalAveragePooling2D()(x)
outputs = layers.Dense(10, activation="softmax")(x)
model = Model(inputs, outputs, name="resnet")
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
