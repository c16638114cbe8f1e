# SPDX-License-Identifier: Apache-2.0
"""What Keras makes of calls: configurations, shapes of outputs and of weights, as text that needs no JSON reader.

    tools/golden/layer_configs.py > tests/golden/layer_configs.txt

One line per call, five columns divided by tabs: family, call, input shapes, results, configuration.  The results of a
layer are (output shape, weight shapes, whether a file holds its build_config).  Keys that releases before 3.1 do not
know are left out, and the policy of a dtype is its name: what Cornu writes, so that every Keras 3 can read it.
"""
from common import *

LATE = {"input_axes", "output_axes", "quantization_config", "renorm", "renorm_clipping", "renorm_momentum"}
REALS = {"max_value", "min_value", "value", "scale", "offset"}
IMAGE = [(9, 8, 6)]
CALLS = [
    ("Conv2D(8, 3, name='x')", IMAGE),
    ("Conv2D(filters=6, kernel_size=(4, 3), strides=(2, 1), padding='same', data_format='channels_first', groups=3, activation='relu', "
     "use_bias=False, kernel_initializer='he_normal', kernel_regularizer='l2', activity_regularizer='l1', kernel_constraint='max_norm', "
     "name='x', trainable=False)", IMAGE),
    ("Conv2D(4, [1, 5], dilation_rate=(1, 2), padding='SAME', bias_initializer='ones', bias_regularizer='l2', bias_constraint='non_neg', "
     "activation='softmax', name='x')", IMAGE),
    ("Conv2D(4, 3, 2, activation=LeakyReLU(0.1, name='a'), kernel_initializer=None, name='x')", IMAGE),
    ("Conv2D(4, 2, strides=3, padding='same', activation='swish', name='x')", [(None, None, 6)]),
    ("DepthwiseConv2D(3, name='x')", IMAGE),
    ("DepthwiseConv2D((3, 2), strides=2, padding='same', depth_multiplier=2, data_format='channels_first', dilation_rate=2, activation='elu', "
     "use_bias=False, depthwise_initializer='lecun_uniform', depthwise_regularizer='l1', depthwise_constraint='unit_norm', name='x')", [(6, 9, 8)]),
    ("Dense(5, name='x')", [(7,)]),
    ("Dense(5, 'tanh', False, activity_regularizer='l2', kernel_initializer='orthogonal', name='x')", IMAGE),
    ("Dense(5, bias_regularizer='l1', kernel_regularizer='orthogonal_regularizer', bias_constraint='min_max_norm', name='x')", [(3, 7)]),
    ("MaxPooling2D(name='x')", IMAGE),
    ("MaxPooling2D((3, 2), strides=(1, 3), padding='same', data_format='channels_first', name='x')", IMAGE),
    ("AveragePooling2D(2, name='x')", IMAGE),
    ("AveragePooling2D((2, 3), strides=2, padding='same', name='x')", IMAGE),
    ("GlobalAveragePooling2D(name='x')", IMAGE),
    ("GlobalAveragePooling2D(data_format='channels_first', keepdims=True, name='x')", IMAGE),
    ("GlobalMaxPooling2D(name='x')", IMAGE),
    ("GlobalMaxPooling2D(keepdims=True, name='x')", IMAGE),
    ("Flatten(name='x')", IMAGE),
    ("Flatten('channels_first', name='x')", IMAGE),
    ("Flatten(name='x')", [()]),
    ("Reshape((4, -1, 2), name='x')", IMAGE),
    ("Reshape((-1,), name='x')", [(None, 6)]),
    ("Activation('hard_swish', name='x')", IMAGE),
    ("Activation('log_softmax', activity_regularizer='l2', name='x')", IMAGE),
    ("ReLU(name='x')", IMAGE),
    ("ReLU(6.0, 0.5, 0.25, name='x')", IMAGE),
    ("LeakyReLU(name='x')", IMAGE),
    ("LeakyReLU(negative_slope=0.0, name='x')", IMAGE),
    ("ELU(name='x')", IMAGE),
    ("ELU(0.5, trainable=False, name='x')", IMAGE),
    ("Softmax(name='x')", IMAGE),
    ("Softmax((1, 3), name='x')", IMAGE),
    ("Softmax(1, name='x')", IMAGE),
    ("PReLU(name='x')", IMAGE),
    ("PReLU('ones', 'l2', 'non_neg', shared_axes=[1, 2], name='x')", [(None, None, 6)]),
    ("PReLU(shared_axes=1, name='x')", IMAGE),
    ("BatchNormalization(name='x')", IMAGE),
    ("BatchNormalization(1, 0.9, 0.01, center=False, gamma_initializer='uniform', gamma_regularizer='l2', gamma_constraint='non_neg', name='x')", IMAGE),
    ("BatchNormalization(axis=2, scale=False, beta_initializer='ones', moving_mean_initializer='ones', moving_variance_initializer='zeros', "
     "beta_regularizer='l1', beta_constraint='max_norm', name='x')", [(3, 5)]),
    ("BatchNormalization(name='x')", [(7,)]),
    ("Dropout(0.25, name='x')", IMAGE),
    ("Dropout(0.5, noise_shape=(None, 1, 1, 6), seed=3, name='x')", IMAGE),
    ("ZeroPadding2D(name='x')", IMAGE),
    ("ZeroPadding2D((1, 2), data_format='channels_first', name='x')", IMAGE),
    ("ZeroPadding2D(((1, 2), (3, 0)), name='x')", [(None, 8, 6)]),
    ("Cropping2D(name='x')", IMAGE),
    ("Cropping2D(((1, 2), (3, 0)), name='x')", IMAGE),
    ("Cropping2D(2, data_format='channels_first', name='x')", [(3, 9, 8)]),
    ("Rescaling(0.5, name='x')", IMAGE),
    ("Rescaling([0.5, 1.0, 2.0], offset=[0.0, 1.0, 0.0], name='x')", [(4, 4, 3)]),
    ("Add(name='x')", IMAGE * 3),
    ("Add(name='x')", [(9, 8, 6), (8, 1), (1, 1, 6)]),
    ("Multiply(name='x')", IMAGE * 2),
    ("Multiply(name='x')", [(6,), (9, 8, 6)]),
    ("Concatenate(name='x')", IMAGE * 2),
    ("Concatenate(1, name='x')", [(9, 8, 6), (2, 8, 6), (1, 8, 6)]),
    ("Concatenate(axis=-2, name='x')", [(9, 8, 6)]),
    ("InputLayer((28, 28, 1), name='x')", None),
    ("InputLayer((None, 28, 1), batch_size=4, name='x')", None),
    ("InputLayer(batch_shape=(None, 7), name='x')", None),
]
OBJECTS = {
    "regularizers": ["L1()", "L1(0.5)", "L2()", "L2(0.001)", "L1L2()", "L1L2(l1=0.1, l2=0.2)", "OrthogonalRegularizer()",
                     "OrthogonalRegularizer(0.5, mode='columns')"],
    "constraints": ["MaxNorm()", "MaxNorm(3, axis=[0, 1, 2])", "NonNeg()", "UnitNorm()", "UnitNorm(axis=1)", "MinMaxNorm()",
                    "MinMaxNorm(0.5, 2.0, 0.9, [0, 1])"],
    "initializers": ["Zeros()", "Ones()", "Constant(2)", "Identity()", "RandomNormal()", "RandomNormal(1.0, 2.0, seed=4)", "TruncatedNormal()",
                     "RandomUniform(-1.0, 1.0)", "VarianceScaling()", "VarianceScaling(2.0, 'fan_out', 'uniform', seed=1)", "GlorotUniform()",
                     "GlorotNormal(seed=3)", "HeNormal()", "HeUniform()", "LecunNormal()", "LecunUniform()", "Orthogonal()", "Orthogonal(0.5, seed=2)"],
    "activations": """linear relu relu6 leaky_relu elu selu celu gelu silu swish mish sigmoid hard_sigmoid hard_silu hard_swish log_sigmoid sparse_sigmoid
 tanh hard_tanh tanh_shrink soft_shrink hard_shrink softplus sparse_plus squareplus softsign exponential softmax log_softmax sparsemax glu""".split(),
}


def portable(o, key=None):
    """What Cornu writes of what Keras writes."""
    if isinstance(o, dict):
        if o.get("class_name") == "DTypePolicy":
            return o["config"]["name"]
        return {k: portable(v, k) for k, v in o.items() if k not in LATE}
    if isinstance(o, (list, tuple)):
        return [portable(v, key) for v in o]
    return float(o) if key in REALS and type(o) is int else o


def line(*columns):
    print("\t".join(c if isinstance(c, str) else repr(portable(c)) for c in columns))


def layer(call, shapes):
    made = eval(call, vars(keras.layers))
    if shapes is None:
        return line("layers", call, None, [made.batch_shape, [], False], made.get_config())
    inputs = [keras.Input(s) for s in shapes]
    merging = isinstance(made, (keras.layers.Add, keras.layers.Multiply, keras.layers.Concatenate))
    output = made(inputs if merging else inputs[0])
    data = keras.saving.serialize_keras_object(made)
    line("layers", call, [i.shape for i in inputs], [output.shape, [w.shape for w in made.weights], "build_config" in data], data["config"])


for call, shapes in CALLS:
    layer(call, shapes)
for family, calls in OBJECTS.items():
    module = getattr(keras, family)
    for call in calls:
        made = module.get(call) if family == "activations" else eval(call, vars(module))
        written = module.serialize(made)
        line(family, call, None, None, repr(written) if isinstance(written, str) else written)
