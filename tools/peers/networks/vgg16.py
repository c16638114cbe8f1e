# VGG-16 (arXiv 1409.1556), 224x224x3
import keras
from keras import layers

model = keras.Sequential([keras.Input((224, 224, 3))], name="vgg16")
for filters, count in [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]:
    for i in range(count):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
    model.add(layers.MaxPooling2D())
model.add(layers.Flatten())
model.add(layers.Dense(4096, activation="relu"))
model.add(layers.Dense(4096, activation="relu"))
model.add(layers.Dense(1000, activation="softmax"))
model.compile(optimizer=keras.optimizers.SGD(0.01, momentum=0.9), loss="sparse_categorical_crossentropy")
