import keras
from keras import layers
model = keras.Sequential([
    layers.Conv2D(32, (3,3), activation='relu', kernel_initializer='he_normal', kernel_regularizer=keras.regularizers.l2(1e-4)),
    layers.LeakyReLU(0.1), layers.PReLU(shared_axes=[1,2]), layers.ZeroPadding2D(((1,0),(2,3))), layers.DepthwiseConv2D(3), layers.SeparableConv2D(8, 3),
    layers.UpSampling2D(), layers.Conv2DTranspose(4, 3, strides=2), layers.Flatten(), layers.Dense(5)])
model.build((None, 28, 28, 1))
