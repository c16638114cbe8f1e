# VGG16 (arXiv 1409.1556), as keras.applications has it: 138,357,544 parameters
import keras
from keras import layers

inputs = keras.Input(shape=(224, 224, 3))
x = inputs
for block, (filters, convolutions) in enumerate([(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)], start=1):
    for i in range(convolutions):
        x = layers.Conv2D(filters, (3, 3), activation="relu", padding="same",
                          name="block" + str(block) + "_conv" + str(i + 1))(x)
    x = layers.MaxPooling2D((2, 2), strides=(2, 2), name="block" + str(block) + "_pool")(x)
x = layers.Flatten(name="flatten")(x)
x = layers.Dense(4096, activation="relu", name="fc1")(x)
x = layers.Dense(4096, activation="relu", name="fc2")(x)
x = layers.Dense(1000, activation="softmax", name="predictions")(x)
model = keras.Model(inputs, x, name="vgg16")
