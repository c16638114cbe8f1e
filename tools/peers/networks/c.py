# C: other activations, BatchNormalization, Dropout, 128x128x3
import keras
from keras import layers

model = keras.Sequential([
    keras.Input((128, 128, 3)),
    layers.Conv2D(32, 3, strides=2, padding="same", activation="leaky_relu"),
    layers.Conv2D(64, 3, padding="same", activation="relu"),
    layers.BatchNormalization(),
    layers.Conv2D(128, 3, padding="same", activation="elu"),
    layers.MaxPooling2D(),
    layers.Flatten(),
    layers.Dense(512, activation="relu"),
    layers.Dropout(0.5),
    layers.Dense(10, activation="softmax"),
])
model.compile(optimizer=keras.optimizers.SGD(0.01, momentum=0.9), loss="sparse_categorical_crossentropy")
