# SPDX-License-Identifier: Apache-2.0
"""What Keras makes of calls: configurations, shapes of outputs and of weights, as text that needs no JSON reader.

    tools/golden/layer_configs.py > tests/golden/layer_configs.txt

One line per call, five columns divided by tabs: family, call, input shapes, results, configuration.  The results of a
layer are (output shape, weight shapes, whether a file holds its build_config); random calls have no configuration.  Keys that releases before 3.1 do not
know are left out, and the policy of a dtype is its name: what Cornu writes, so that every Keras 3 can read it.
"""
from common import *

LATE = {"input_axes", "output_axes", "quantization_config", "renorm", "renorm_clipping", "renorm_momentum"}
REALS = {"max_value", "min_value", "value", "scale", "offset", "factor", "height_factor", "width_factor", "value_range", "fill_value", "mean",
         "variance", "l1", "l2", "rate", "stddev"}
IMAGE, SEQUENCE, VOLUME = [(9, 8, 6)], [(9, 6)], [(7, 5, 4, 6)]
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
    # described only
    ("Conv1D(8, 3, name='x')", SEQUENCE),
    ("Conv1D(6, (4,), 2, 'CAUSAL', 'channels_first', groups=3, activation='relu', use_bias=False, kernel_regularizer='l2', "
     "activity_regularizer='l1', kernel_constraint='max_norm', name='x', trainable=False)", [(6, 9)]),
    ("Conv1D(8, 3, padding='causal', dilation_rate=4, name='x')", [(None, 6)]),
    ("Conv3D(8, 3, name='x')", VOLUME),
    ("Conv3D(4, (1, 2, 3), strides=(2, 1, 1), padding='same', groups=2, bias_initializer='ones', name='x')", VOLUME),
    ("Conv3D(4, 2, data_format='channels_first', dilation_rate=(1, 2, 1), name='x')", [(6, 7, 5, 4)]),
    ("DepthwiseConv1D(3, name='x')", SEQUENCE),
    ("DepthwiseConv1D(3, 2, 'same', 3, 'channels_first', 1, 'tanh', False, depthwise_initializer='he_normal', depthwise_regularizer='l2', "
     "bias_constraint='non_neg', name='x')", [(6, 9)]),
    ("SeparableConv1D(5, 3, name='x')", SEQUENCE),
    ("SeparableConv2D(5, 3, name='x')", IMAGE),
    ("SeparableConv2D(5, (3, 2), 2, 'same', 'channels_last', 1, 4, 'relu', False, 'he_normal', 'ones', depthwise_regularizer='l1', "
     "pointwise_regularizer='l2', activity_regularizer='l1', depthwise_constraint='max_norm', pointwise_constraint='non_neg', name='x')", IMAGE),
    ("SeparableConv2D(5, 3, data_format='channels_first', depth_multiplier=2, bias_regularizer='l1', name='x')", [(6, None, 8)]),
    ("Conv1DTranspose(5, 3, 2, name='x')", SEQUENCE),
    ("Conv2DTranspose(5, 3, name='x')", IMAGE),
    ("Conv2DTranspose(5, (2, 3), (3, 2), 'same', 1, 'channels_first', activation='relu', use_bias=False, kernel_regularizer='l2', name='x')", IMAGE),
    ("Conv2DTranspose(5, 2, strides=2, output_padding=(0, 1), activity_regularizer='l2', name='x')", [(None, 8, 6)]),
    ("Conv2DTranspose(5, 3, dilation_rate=(2, 1), padding='same', bias_initializer='ones', name='x')", IMAGE),
    ("Conv3DTranspose(5, 3, 2, 'same', 'channels_first', (1, 0, 1), name='x')", [(6, 4, 5, 3)]),
    ("Conv3DTranspose(5, 2, 3, name='x')", VOLUME),
    ("MaxPooling1D(name='x')", SEQUENCE),
    ("MaxPooling1D(3, 2, 'same', 'channels_first', name='x')", SEQUENCE),
    ("AveragePooling1D(4, 1, name='x')", SEQUENCE),
    ("MaxPooling3D((1, 2, 2), name='x')", VOLUME),
    ("MaxPooling3D(3, (1, 2, 1), 'same', name='x')", VOLUME),
    ("AveragePooling3D(2, data_format='channels_first', name='x')", [(6, 7, 5, 4)]),
    ("GlobalAveragePooling1D(name='x')", SEQUENCE),
    ("GlobalMaxPooling1D('channels_first', True, name='x')", SEQUENCE),
    ("GlobalAveragePooling3D(keepdims=True, name='x')", VOLUME),
    ("GlobalMaxPooling3D(data_format='channels_first', name='x')", VOLUME),
    ("AdaptiveAveragePooling1D(4, name='x')", SEQUENCE),
    ("AdaptiveAveragePooling2D((4, 3), name='x')", IMAGE),
    ("AdaptiveAveragePooling3D(2, 'channels_first', name='x')", VOLUME),
    ("AdaptiveMaxPooling1D((3,), 'channels_first', name='x')", SEQUENCE),
    ("AdaptiveMaxPooling2D(5, name='x')", [(7, 8, 6)]),
    ("AdaptiveMaxPooling3D((2, 3, 4), name='x')", VOLUME),
    ("UpSampling1D(name='x')", SEQUENCE),
    ("UpSampling1D(3, name='x')", [(None, 6)]),
    ("UpSampling2D(name='x')", IMAGE),
    ("UpSampling2D((3, 2), 'channels_first', 'BILINEAR', name='x')", IMAGE),
    ("UpSampling2D(2, interpolation='bicubic', name='x')", [(None, 8, 6)]),
    ("UpSampling3D((1, 2, 3), name='x')", VOLUME),
    ("ZeroPadding1D(name='x')", SEQUENCE),
    ("ZeroPadding1D((0, 3), 'channels_first', name='x')", SEQUENCE),
    ("ZeroPadding3D((1, 0, 2), name='x')", VOLUME),
    ("ZeroPadding3D(((1, 2), (0, 0), (3, 1)), 'channels_first', name='x')", [(6, None, 5, 4)]),
    ("Cropping1D(name='x')", SEQUENCE),
    ("Cropping1D((0, 3), name='x')", SEQUENCE),
    ("Cropping3D(name='x')", VOLUME),
    ("Cropping3D(((1, 2), (0, 1), (0, 0)), 'channels_first', name='x')", [(6, 7, 5, 4)]),
    ("Resizing(5, 12, name='x')", IMAGE),
    ("Resizing(5, 12, 'nearest', True, False, 'constant', 1.5, True, data_format='channels_first', name='x')", [(6, None, 8)]),
    ("CenterCrop(5, 6, name='x')", IMAGE),
    ("CenterCrop(5, 6, 'channels_first', name='x')", [(3, 9, 8)]),
    ("RandomCrop(5, 6, 7, name='x')", IMAGE),
    ("Permute((3, 1, 2), name='x')", IMAGE),
    ("Permute((2, 1), name='x')", [(None, 6)]),
    ("RepeatVector(3, name='x')", [(7,)]),
    ("LayerNormalization(name='x')", IMAGE),
    ("LayerNormalization([1, -1], 0.01, False, gamma_initializer='uniform', gamma_regularizer='l2', gamma_constraint='non_neg', name='x')", IMAGE),
    ("LayerNormalization((3, 1, 2), scale=False, beta_initializer='ones', beta_regularizer='l1', name='x')", IMAGE),
    ("RMSNormalization(name='x')", SEQUENCE),
    ("RMSNormalization([2, 1], 0.25, name='x')", SEQUENCE),
    ("UnitNormalization(name='x')", IMAGE),
    ("UnitNormalization([1, 2], name='x')", IMAGE),
    ("GroupNormalization(3, name='x')", IMAGE),
    ("GroupNormalization(2, 1, 0.01, False, name='x')", IMAGE[:0] + [(8, 9, 6)]),
    ("GroupNormalization(groups=6, scale=False, beta_constraint='max_norm', name='x')", [(None, None, 6)]),
    ("Normalization(name='x')", IMAGE),
    ("Normalization((1, -1), invert=True, name='x')", IMAGE),
    ("Normalization(None, name='x')", IMAGE),
    ("Normalization(mean=0.5, variance=2.0, name='x')", IMAGE),
    ("Normalization(mean=[0.0, 1.0, 2.0], variance=[1.0, 2.0, 3.0], name='x')", [(4, 4, 3)]),
    ("SpatialDropout1D(0.25, name='x')", SEQUENCE),
    ("SpatialDropout2D(0.25, 'channels_first', 3, name='x')", IMAGE),
    ("SpatialDropout3D(0.5, seed=3, name='x')", VOLUME),
    ("GaussianNoise(0.25, name='x')", IMAGE),
    ("GaussianDropout(0.25, 3, name='x')", IMAGE),
    ("AlphaDropout(0.25, name='x')", IMAGE),
    ("AlphaDropout(0.5, (None, 1, 8, 6), 5, name='x')", IMAGE),
    ("Identity(name='x')", IMAGE),
    ("ActivityRegularization(name='x')", IMAGE),
    ("ActivityRegularization(0.5, l2=0.25, name='x')", IMAGE),
    ("RandomFlip(name='x')", IMAGE),
    ("RandomFlip('vertical', 3, 'channels_first', name='x')", IMAGE),
    ("RandomRotation(0.25, name='x')", IMAGE),
    ("RandomRotation((-0.5, 0.25), 'constant', 'nearest', 3, 1.5, name='x')", IMAGE),
    ("RandomZoom(0.25, name='x')", IMAGE),
    ("RandomZoom((-0.5, 0.25), 0.5, fill_mode='wrap', name='x')", IMAGE),
    ("RandomTranslation(0.25, (-0.25, 0.5), name='x')", IMAGE),
    ("RandomContrast(0.25, name='x')", IMAGE),
    ("RandomContrast((0.5, 0.25), (0, 1), 4, name='x')", IMAGE),
    ("RandomBrightness(0.5, (1, -1), name='x')", IMAGE),
    ("Subtract(name='x')", IMAGE * 2),
    ("Subtract(name='x')", [(9, 8, 6), (8, 1)]),
    ("Average(name='x')", IMAGE * 3),
    ("Maximum(name='x')", [(None, 8, 6), (9, 8, 6)]),
    ("Minimum(name='x')", IMAGE * 2),
    ("Dot(1, name='x')", [(7,), (7,)]),
    ("Dot(-1, True, name='x')", [(4, 7), (5, 7)]),
    ("Dot((2, 1), name='x')", [(4, 7), (7, 3)]),
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


MERGES = (keras.layers.Add, keras.layers.Multiply, keras.layers.Concatenate, keras.layers.Subtract, keras.layers.Average, keras.layers.Maximum,
          keras.layers.Minimum, keras.layers.Dot)


def layer(call, shapes, config=True):
    made = eval(call, vars(keras.layers))
    if shapes is None:
        return line("layers", call, None, [made.batch_shape, [], False], made.get_config())
    inputs = [keras.Input(s) for s in shapes]
    output = made(inputs if isinstance(made, MERGES) else inputs[0])
    data = keras.saving.serialize_keras_object(made)
    line("layers", call, [i.shape for i in inputs], [output.shape, [w.shape for w in made.weights], "build_config" in data],
         data["config"] if config else None)


def arguments(r, axes, *names):
    """Windows with random numbers, where Keras takes them: (strides, dilation_rate) are not both above 1."""
    each = lambda low, high: tuple(int(n) for n in r.integers(low, high, axes))
    values = {"size": each(1, 5), "strides": each(1, 4), "dilation_rate": (1,) * axes, "padding": str(r.choice(["valid", "same"])),
              "output_padding": None, "groups": int(r.choice([1, 2, 3])), "depth_multiplier": int(r.integers(1, 4)),
              "use_bias": bool(r.integers(2))}
    if r.integers(3) == 0:
        values.update(strides=(1,) * axes, dilation_rate=each(1, 4))
    if r.integers(2):
        values["output_padding"] = tuple(int(r.integers(0, s)) for s in values["strides"])
    return {name: values[name] for name in names}


def random_calls(count):
    """Many sizes of every layer with windows: what comes out and how many weights there are is Keras' word."""
    kinds = []
    for axes in (1, 2, 3):
        kinds += [(f"Conv{axes}D", axes, 6, "strides padding dilation_rate groups use_bias"),
                  (f"Conv{axes}DTranspose", axes, 6, "strides padding output_padding dilation_rate use_bias"),
                  (f"MaxPooling{axes}D", axes, None, "strides padding"), (f"AveragePooling{axes}D", axes, None, "strides padding")]
        if axes < 3:
            kinds += [(f"SeparableConv{axes}D", axes, 6, "strides padding dilation_rate depth_multiplier use_bias"),
                      (f"DepthwiseConv{axes}D", axes, None, "strides padding dilation_rate depth_multiplier use_bias")]
    for name, axes, filters, names in kinds:
        for i in range(count):
            r = rng("window", name, i)
            values = arguments(r, axes, "size", *names.split())
            if not name.startswith("Conv") and name.endswith("Conv%dD" % axes):
                values["strides"] = (values["strides"][0],) * axes  # TensorFlow's rule for depthwise windows
            size = values.pop("size")
            n = [int(r.integers(1, 14)) for _ in range(axes)]
            if values["padding"] == "valid" and "Transpose" not in name:
                n = [max(a, (k - 1) * d + 1) for a, k, d in zip(n, size, values.get("dilation_rate", (1,) * axes))]
            n = [None if r.integers(6) == 0 else a for a in n]
            first = bool(r.integers(4) == 0)
            values["data_format"] = "channels_first" if first else "channels_last"
            if values.get("padding") == "same" and values.get("output_padding") is not None:
                n = [a if a is None else a + 1 for a in n]
            given = ", ".join([str(filters)] * (filters is not None) + [str(size)] + [f"{k}={v!r}" for k, v in values.items()] + ["name='x'"])
            yield f"{name}({given})", [(6, *n) if first else (*n, 6)]


for call, shapes in CALLS:
    layer(call, shapes)
for call, shapes in random_calls(12):
    layer(call, shapes, config=False)
for family, calls in OBJECTS.items():
    module = getattr(keras, family)
    for call in calls:
        made = module.get(call) if family == "activations" else eval(call, vars(module))
        written = module.serialize(made)
        line(family, call, None, None, repr(written) if isinstance(written, str) else written)
