import keras
from keras import layers

# cornu: name mnist_net
model = keras.Sequential([                       # trailing comma, comments
    keras.Input((28, 28, 1)),
    layers.Conv2D(32, (3, 3), strides=2, padding="same", activation='relu'),
    layers.MaxPooling2D(),  # cornu: off K302, P201
    layers.Flatten(),
    layers.Dropout(.5),
    layers.Dense(10, activation="softmax"),
], name="mnist" "_net")
model.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.Adam(1e-3), metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=128, epochs=15, validation_split=0.1)
model.summary(); print(f"{model.name}")
