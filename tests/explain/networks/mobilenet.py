# MobileNet (arXiv 1704.04861), as keras.applications has it: 4,253,864 parameters
import keras
from keras import layers


def depthwise_conv_block(inputs, pointwise_conv_filters, depth_multiplier=1, strides=(1, 1), block_id=1):
    if strides == (1, 1):
        x = inputs
    else:
        x = layers.ZeroPadding2D(((0, 1), (0, 1)), name="conv_pad_%d" % block_id)(inputs)
    x = layers.DepthwiseConv2D(
        (3, 3),
        padding="same" if strides == (1, 1) else "valid",
        depth_multiplier=depth_multiplier,
        strides=strides,
        use_bias=False,
        name="conv_dw_%d" % block_id,
    )(x)
    x = layers.BatchNormalization(axis=-1, name="conv_dw_%d_bn" % block_id)(x)
    x = layers.ReLU(6.0, name="conv_dw_%d_relu" % block_id)(x)
    x = layers.Conv2D(pointwise_conv_filters, (1, 1), padding="same", use_bias=False, strides=(1, 1),
                      name="conv_pw_%d" % block_id)(x)
    x = layers.BatchNormalization(axis=-1, name="conv_pw_%d_bn" % block_id)(x)
    return layers.ReLU(6.0, name="conv_pw_%d_relu" % block_id)(x)


img_input = layers.Input(shape=(224, 224, 3))
x = layers.Conv2D(32, (3, 3), padding="same", use_bias=False, strides=(2, 2), name="conv1")(img_input)
x = layers.BatchNormalization(axis=-1, name="conv1_bn")(x)
x = layers.ReLU(6.0, name="conv1_relu")(x)
filters = [64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024]
for i, n in enumerate(filters):
    x = depthwise_conv_block(x, n, strides=(2, 2) if i in (1, 3, 5, 11) else (1, 1), block_id=i + 1)
x = layers.GlobalAveragePooling2D(keepdims=True)(x)
x = layers.Dropout(1e-3, name="dropout")(x)
x = layers.Conv2D(1000, (1, 1), padding="same", name="conv_preds")(x)
x = layers.Reshape((1000,), name="reshape_2")(x)
x = layers.Activation(activation="softmax", name="predictions")(x)
model = keras.Model(img_input, x, name="mobilenet_1.00_224")
