import keras
from keras import layers as L
inner = keras.Sequential([L.Conv2D(8, 3, activation="relu"), L.MaxPool2D()], name="inner")
a = keras.Input((16, 16, 3), name="a")
b = keras.Input((16, 16, 3), name="b")
u, v = inner(a), inner(b)
m = L.concatenate([u, v])
m = L.Flatten()(m)
p = L.Dense(1, "sigmoid", name="p")(m)
q = L.Dense(3, name="q")(L.Dropout(0.3)(m))
model = keras.Model(inputs=[a, b], outputs=[p, q])
