# Five halvings, as Keras pads them.  cornu explain --compare examples/stride2.py --as torch
model = keras.Sequential([keras.Input((224, 224, 3))])
for i in range(5):
    model.add(layers.Conv2D(16 * 2**i, 3, strides=2, padding="same", activation="relu"))
