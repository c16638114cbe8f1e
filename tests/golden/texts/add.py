import keras
from keras import layers
model = keras.models.Sequential(name="net")
model.add(layers.Conv2D(32, 3, activation="relu", input_shape=(32, 32, 3)))
model.add(layers.MaxPooling2D((2, 2)))
for f in [64, 128]:
    model.add(layers.Conv2D(f, (3, 3), padding="same"))
    model.add(layers.BatchNormalization())
    model.add(layers.Activation("relu"))
model.add(layers.GlobalAveragePooling2D())
model.add(layers.Dense(10, name="predictions"))
