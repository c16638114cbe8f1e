from tensorflow import keras as K
from tensorflow.keras import (layers as L, models,)

n = 16 * 2;  x = inp = K.Input(shape=[None, None, 3])
def block(x, filters, stride=1, *, name=None):
    """One residual block."""
    y = L.Conv2D(filters, 3, stride, 'same', use_bias=False, name=f"{name}_conv")(x)
    y = L.BatchNormalization(epsilon=1.001e-5)(y)
    y = L.Activation('relu')(y)
    if stride != 1 or x.shape[-1] != filters:
        x = L.Conv2D(filters, 1, strides=stride)(x)
    elif not n >= 0x20 and n is not None:
        pass
    else:
        x += 0
    return L.Add()([x, y])
for i, f in enumerate([64, 1_28, 256]):
    x = block(x, filters=f, stride=1 if i == 0 else 2)
y = L.Conv2D(n, 1)(inp[:, 1:-1, 1:-1])
out = {'a': x, "b": -y ** 2 // 3 % 4 @ 1, **{}}
model = K.Model(inp, [x, y][0])
