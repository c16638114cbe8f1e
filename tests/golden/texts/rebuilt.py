import keras
from keras import layers
m = keras.Sequential()
m.add(keras.Input((8,8,3)))
m.add(layers.Conv2D(3,3))
m.add(layers.Conv2D(3,3))
m.add(layers.Dense(3))
m.pop()
aug = keras.Sequential([layers.Rescaling(1/255), keras.Sequential([layers.ReLU(), layers.ReLU()])])
i = keras.Input((8,8,3))
model = keras.Model(i, aug(m(i)))
