import keras
from keras import layers
m = keras.Sequential([layers.Conv2D(3,3, input_shape=(8,8,3)), layers.ReLU()])
n = keras.Sequential([m, layers.Flatten()])
n.add(layers.Dense(3))
o = keras.Sequential([layers.Conv2D(3,3)])
o.build((None, 8, 8, 3))
o.add(layers.ReLU())
i = keras.Input((8,8,3))
model = keras.Model(i, n(i))
