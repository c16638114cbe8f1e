import keras
from keras import layers
inp = keras.Input((28, 28, 1))
x = layers.Rescaling(1./255)(inp)
x = keras.ops.relu(layers.Conv2D(8, 3)(x)) if False else layers.Conv2D(8, 3)(x)
y = layers.Conv2D(8, 3)(x[:, 1:-1, 1:-1])
enc = keras.Model(inp, x, name="encoder")
z = keras.Input((26, 26, 8))
dec = keras.Model(z, layers.Conv2DTranspose(1, 3)(z), name="decoder")
auto = keras.Model(inp, dec(enc(inp)), name="autoencoder")
model = auto
