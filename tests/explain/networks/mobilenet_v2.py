# MobileNetV2 (arXiv 1801.04381), as keras.applications has it: 3,538,984 parameters
import keras
from keras import layers


def make_divisible(v, divisor, min_value=None):
    if min_value is None:
        min_value = divisor
    new_v = max(min_value, int(v + divisor / 2) // divisor * divisor)
    if new_v < 0.9 * v:
        new_v += divisor
    return new_v


def inverted_res_block(inputs, expansion, stride, alpha, filters, block_id):
    in_channels = inputs.shape[-1]
    pointwise_filters = make_divisible(int(filters * alpha), 8)
    x = inputs
    prefix = "block_{}_".format(block_id)
    if block_id:
        x = layers.Conv2D(expansion * in_channels, kernel_size=1, padding="same", use_bias=False, activation=None)(x)
        x = layers.BatchNormalization(axis=-1, epsilon=1e-3, momentum=0.999)(x)
        x = layers.ReLU(6.0)(x)
    if stride == 2:
        x = layers.ZeroPadding2D(padding=((0, 1), (0, 1)))(x)
    x = layers.DepthwiseConv2D(kernel_size=3, strides=stride, activation=None, use_bias=False,
                               padding="same" if stride == 1 else "valid")(x)
    x = layers.BatchNormalization(axis=-1, epsilon=1e-3, momentum=0.999)(x)
    x = layers.ReLU(6.0)(x)
    x = layers.Conv2D(pointwise_filters, kernel_size=1, padding="same", use_bias=False, activation=None)(x)
    x = layers.BatchNormalization(axis=-1, epsilon=1e-3, momentum=0.999)(x)
    if in_channels == pointwise_filters and stride == 1:
        return layers.Add()([inputs, x])
    return x


alpha = 1.0
img_input = layers.Input(shape=(224, 224, 3))
first_block_filters = make_divisible(32 * alpha, 8)
x = layers.Conv2D(first_block_filters, kernel_size=3, strides=(2, 2), padding="same", use_bias=False,
                  name="Conv1")(img_input)
x = layers.BatchNormalization(axis=-1, epsilon=1e-3, momentum=0.999, name="bn_Conv1")(x)
x = layers.ReLU(6.0, name="Conv1_relu")(x)

block_id = 0
for expansion, filters, repeats, first_stride in [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
]:
    for i in range(repeats):
        stride = first_stride if i == 0 else 1
        x = inverted_res_block(x, expansion, stride, alpha, filters, block_id)
        block_id += 1

last_block_filters = make_divisible(1280 * alpha, 8) if alpha > 1.0 else 1280
x = layers.Conv2D(last_block_filters, kernel_size=1, use_bias=False, name="Conv_1")(x)
x = layers.BatchNormalization(axis=-1, epsilon=1e-3, momentum=0.999, name="Conv_1_bn")(x)
x = layers.ReLU(6.0, name="out_relu")(x)
x = layers.GlobalAveragePooling2D()(x)
x = layers.Dense(1000, activation="softmax", name="predictions")(x)
model = keras.Model(img_input, x, name="mobilenetv2_1.00_224")
