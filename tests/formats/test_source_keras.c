/* SPDX-License-Identifier: Apache-2.0
 * Keras texts: what comes of them.  The wiring is written as in source_check.h; names are those that Keras gives. */
#include "source_check.h"

static void a_list_of_layers(void **state)
{
    (void)state;
    reading r;
    const cni_description *d =
        read_good(&r, "model = keras.Sequential([                       # trailing comma, comments\n"
                      "    keras.Input((32, 32, 3)),\n"
                      "    layers.Conv2D(32, (3, 3), strides=2, padding=\"same\", activation='relu'),\n"
                      "    layers.MaxPooling2D(),\n"
                      "])\n");
    assert_true(d->sequential);
    assert_int_equal(d->dialect, CNI_KERAS);
    assert_string_equal(d->name, "sequential");
    assert_string_equal(wiring(&r, d), "input_layer conv2d(input_layer) max_pooling2d(conv2d) > max_pooling2d");
    assert_int_equal(ints_of(d, "conv2d", "filters")[0], 32);
    assert_int_equal(ints_of(d, "conv2d", "strides")[1], 2);
    assert_int_equal(ints_of(d, "input_layer", "shape")[2], 3);
    const cni_described_layer *conv = layer_named(d, "conv2d");
    assert_int_equal(conv->span.line, 3);
    assert_int_equal(conv->span.column, 5);
    assert_int_equal(conv->argument_count, 5);
    assert_string_equal(conv->arguments[2].key, "strides");
    assert_int_equal(conv->arguments[2].span.column, 31);
    assert_int_equal(conv->arguments[2].span.end_column, 40);
    assert_false(conv->arguments[2].positional);
    assert_true(conv->arguments[0].positional);
    done(&r);
}

/* ---- wirings ---- */

typedef struct row {
    const char *text, *expected;
} row;

static const row rows[] = {
    /* Sequential */
    {"model = Sequential()\nmodel.add(Input((8, 8, 3)))\nmodel.add(Conv2D(4, 3))\nmodel.add(Flatten())\nmodel.pop()\n"
     "model.add(GlobalMaxPooling2D())",
     "input_layer conv2d(input_layer) global_max_pooling2d(conv2d) > global_max_pooling2d"},
    {"model = keras.Sequential(layers=[Dense(3, input_shape=(4,))], name='net')",
     "input_layer dense(input_layer) > dense"},
    {"model = Sequential()\nmodel.add(Dense(3, input_dim=4))\nmodel.add(Dense(2, name='out'))",
     "input_layer dense(input_layer) out(dense) > out"},
    {"from tensorflow.keras import layers as L, Sequential as S\nm = S([L.InputLayer(shape=(4,)), L.Dense(1)])",
     "input_layer dense(input_layer) > dense"},
    {"import tensorflow as tf\nm = tf.keras.models.Sequential([tf.keras.layers.Dense(1), tf.keras.layers.ReLU()])",
     "input_layer dense(input_layer) re_lu(dense) > re_lu"},
    {"from keras.layers.convolutional import Conv2D as C\nm = keras.models.Sequential([C(4, 3), C(4, 3)])",
     "input_layer conv2d(input_layer) conv2d_1(conv2d) > conv2d_1"},
    {"m = Sequential([Sequential([Input((8,)), Dense(3)]), Dense(2)])",
     "input_layer_1 sequential(input_layer_1) dense_1(sequential) > dense_1"},
    {"stack = [Dense(n) for_ in ()] if False else [Dense(4)]\n", NULL}, /* nonsense is refused */
    {"stack = [Dense(4)]\nstack.append(Dense(5))\nstack += [ReLU()]\nm = Sequential(stack)",
     "input_layer dense(input_layer) dense_1(dense) re_lu(dense_1) > re_lu"},
    /* functional */
    {"x = keras.Input((8,))\ny = Dense(4)(x)\nm = keras.Model(x, y)", "input_layer dense(input_layer) > dense"},
    {"a = keras.Input((8,), name='a')\nb = keras.Input((8,), name='b')\nd = Dense(4)\n"
     "m = keras.Model(inputs=[a, b], outputs=Add()([d(a), d(b)]))",
     "a b dense(a) dense(b) add(dense,dense) > add"},
    {"x = Input((8, 8, 3))\ny = Conv2D(3, 3, padding='same')(x)\ny = x + y\ny += x\ny = y * x - x\nm = Model(x, y)",
     "input_layer conv2d(input_layer) add(input_layer,conv2d) add_1(add,input_layer) multiply(add_1,input_layer) "
     "subtract(multiply,input_layer) > subtract"},
    {"from tensorflow.keras.layers import *\nx = Input((8, 8, 3))\ny = add([concatenate([x, x]), concatenate([x, x])])",
     "input_layer concatenate(input_layer,input_layer) concatenate_1(input_layer,input_layer) "
     "add(concatenate,concatenate_1) > add"},
    {"from tensorflow.keras.layers import *\nx = Input((8, 8, 3))\ny = add([concatenate([x, x]), concatenate([x, x])])",
     "input_layer concatenate(input_layer,input_layer) concatenate_1(input_layer,input_layer) "
     "add(concatenate,concatenate_1) > add"},
    {"x = Input((8, 8, 3))\ny = layers.concatenate([x, x], axis=-1)\ny = layers.add([y, y], name='s')\nm = Model(x, y)",
     "input_layer concatenate(input_layer,input_layer) s(concatenate,concatenate) > s"},
    {"x = Input((8, 8, 3))\ny = keras.activations.relu(x)\ny = tf.nn.relu(y)\ny = keras.ops.sigmoid(y)\nm = Model(x, "
     "y)",
     "input_layer activation(input_layer) activation_1(activation) activation_2(activation_1) > activation_2"},
    {"x = Input((8, 8, 3))\ny = 2 * x / 255.0 - 1\nm = Model(x, y)",
     "input_layer rescaling(input_layer) rescaling_1(rescaling) rescaling_2(rescaling_1) > rescaling_2"},
    {"x = Input((8, 8, 3))\ny = x[:, 1:-1, 2:6]\nm = Model(x, y)", "input_layer cropping2d(input_layer) > cropping2d"},
    {"x = Input((8, 8, 3))\ny = tf.pad(x, [[0, 0], [1, 2], [3, 4], [0, 0]])\ny = tf.reduce_mean(y, [1, 2])\n"
     "m = Model(x, y)",
     "input_layer zero_padding2d(input_layer) global_average_pooling2d(zero_padding2d) > global_average_pooling2d"},
    {"x = Input((8, 8, 3))\ny = tf.nn.max_pool2d(x, 2, 2, 'SAME')\ny = tf.reshape(y, (-1, 48))\n"
     "y = tf.concat([y, y], axis=1)\nm = Model(x, y)",
     "input_layer max_pooling2d(input_layer) reshape(max_pooling2d) concatenate(reshape,reshape) > concatenate"},
    {"x = Input((8,))\nm = Model(inputs={'x': x}, outputs={'a': Dense(1)(x), 'b': Dense(2)(x)})",
     "input_layer dense(input_layer) dense_1(input_layer) > dense,dense_1"},
    {"x = Input((8,))\ninner = Model(x, Dense(3)(x), name='inner')\nz = Input((8,))\nm = Model(z, Dense(1)(inner(z)))",
     "input_layer_1 inner(input_layer_1) dense_1(inner) > dense_1"},
    {"base = Sequential([Input((8, 8, 3)), Conv2D(4, 3), Conv2D(5, 3, name='mid'), Flatten()])\n"
     "m = Model(inputs=base.inputs, outputs=base.get_layer('mid').output)",
     "input_layer conv2d(input_layer) mid(conv2d) > mid"},
    {"a = Input((8,))\nb = Dense(4)(a)\nc = Dense(3)(b)\nm = Model(b, c)",
     "input_layer_1 dense_1(input_layer_1) > dense_1"},
    {"n = 16 * 2;  x = inp = keras.Input(shape=[None, None, 3])\n"
     "x = L.Conv2D(n, 3)(x); y = L.Conv2D(n, 1)(inp[:, 1:-1, 1:-1])   # crop: note",
     "input_layer conv2d(input_layer) cropping2d(input_layer) conv2d_1(cropping2d) > conv2d,conv2d_1"},
    /* pieces */
    {"Conv2D(64, 5, strides=2, padding='same')", "input_layer conv2d(input_layer) > conv2d"},
    {"[Conv2D(64, 5), Flatten()]", "input_layer conv2d(input_layer) flatten(conv2d) > flatten"},
    {"Conv2D(64, 5),\nFlatten(),\n", "input_layer conv2d(input_layer) flatten(conv2d) > flatten"},
    {"x = layers.Conv2D(4, 3)(x)\nx = layers.Flatten()(x)",
     "input_layer conv2d(input_layer) flatten(conv2d) > flatten"},
    {"x = np.random.rand(4, 10, 10, 128)\ny = keras.layers.Conv2D(32, 3, activation='relu')(x)\nprint(y.shape)",
     "input_layer conv2d(input_layer) > conv2d"},
    {"x = np.array([[1., 2.], [3., 4.]])\nx = np.reshape(x, [1, 2, 2, 1])\n"
     "pool = keras.layers.MaxPooling2D(pool_size=(2, 2), strides=(1, 1), padding=\"valid\")\npool(x)",
     "input_layer max_pooling2d(input_layer) > max_pooling2d"},
    {"x = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))\ny = Conv2D(3, 3)(np.pad(np.zeros((1, 8, 8, 3)), "
     "((0, 0), (1, 1), (1, 1), (0, 0))))",
     "input_layer zero_padding2d(input_layer) conv2d(zero_padding2d) > conv2d"},
    {"model.add(Conv2D(4, 3))\nmodel.add(Flatten())", "input_layer conv2d(input_layer) flatten(conv2d) > flatten"},
    {">>> x = keras.Input((4, 4, 1))\n>>> y = keras.layers.Flatten()(x)\n",
     "input_layer flatten(input_layer) > flatten"},
    /* loops, functions, branches, classes */
    {"m = Sequential()\nfor n in (4, 8):\n  for i in range(2):\n    m.add(Conv2D(n, 3))\n  m.add(MaxPool2D())\n",
     "input_layer conv2d(input_layer) conv2d_1(conv2d) max_pooling2d(conv2d_1) conv2d_2(max_pooling2d) "
     "conv2d_3(conv2d_2) max_pooling2d_1(conv2d_3) > max_pooling2d_1"},
    {"def block(x, n, k=3, pool=True):\n  x = Conv2D(n, k)(x)\n  if pool:\n    x = MaxPooling2D()(x)\n  return x\n"
     "x = i = Input((32, 32, 3))\nx = block(x, 8)\nx = block(x, n=16, pool=False)\nm = Model(i, x)",
     "input_layer conv2d(input_layer) max_pooling2d(conv2d) conv2d_1(max_pooling2d) > conv2d_1"},
    {"def two(x):\n  return Dense(1)(x), Dense(2)(x)\nx = Input((3,))\na, b = two(x)\nm = Model(x, [b, a])",
     "input_layer dense(input_layer) dense_1(input_layer) > dense_1,dense"},
    {"def make(n):\n  def inner(x):\n    return Dense(n)(x)\n  return inner\nx = Input((3,))\nm = Model(x, make(4)(x))",
     "input_layer dense(input_layer) > dense"},
    {"def build(input_shape=(8, 8, 3), classes=10):\n  m = Sequential([Input(input_shape), Flatten(), "
     "Dense(classes)])\n"
     "  return m\n",
     "input_layer flatten(input_layer) dense(flatten) > dense"},
    {"x = Input((3,))\ny = x\nfor i in range(9):\n  if i == 1: continue\n  if i > 2: break\n  y = Dense(i + 1)(y)\nm = "
     "Model(x, y)",
     "input_layer dense(input_layer) dense_1(dense) > dense_1"},
    {"x = i = Input((8, 8, 3))\nskips = []\nfor n in [4, 8]:\n  x = Conv2D(n, 3, padding='same')(x)\n  "
     "skips.append(x)\n"
     "for s in reversed(skips):\n  x = Concatenate()([x, s])\nm = Model(i, x)",
     "input_layer conv2d(input_layer) conv2d_1(conv2d) concatenate(conv2d_1,conv2d_1) "
     "concatenate_1(concatenate,conv2d) "
     "> concatenate_1"},
    {"with strategy.scope():\n  m = Sequential([Dense(1)])", "input_layer dense(input_layer) > dense"},
    {"import tensorflow as tf\ns = tf.distribute.MirroredStrategy()\nwith s.scope():\n  m = "
     "tf.keras.Sequential([tf.keras.layers.Dense(1)])",
     "input_layer dense(input_layer) > dense"},
    {"act = 'relu' if True else 'tanh'\nx = Input((3,))\nm = Model(x, Dense(2, activation=act)(x))",
     "input_layer dense(input_layer) > dense"},
    {"class MLP(keras.Model):\n  def __init__(self, **kwargs):\n    super().__init__(**kwargs)\n"
     "    self.a = layers.Dense(64)\n    self.b = layers.Dense(10)\n  def call(self, x, training=False):\n"
     "    if training:\n      x = layers.Dropout(0.5)(x)\n    return self.b(self.a(x))\nmlp = MLP()\n_ = "
     "mlp(ops.zeros((1, 32)))",
     "input_layer dense(input_layer) dense_1(dense) > dense_1"},
    {"class Block(layers.Layer):\n  def __init__(self, n):\n    super().__init__()\n    self.c = [layers.Dense(n), "
     "layers.Dense(n)]\n"
     "  def call(self, x):\n    y = x\n    for c in self.c:\n      y = c(y)\n    return x + y\n"
     "x = keras.Input((4,))\nm = keras.Model(x, Block(4)(x))",
     "input_layer dense(input_layer) dense_1(dense) add(input_layer,dense_1) > add"},
    {"if __name__ == '__main__':\n  m = Sequential([Dense(1)])", "input_layer dense(input_layer) > dense"},
    {"args = {'filters': 4, 'kernel_size': 3}\nm = Sequential([Conv2D(**args), Conv2D(**dict(args, filters=5))])",
     "input_layer conv2d(input_layer) conv2d_1(conv2d) > conv2d_1"},
    {"keras.utils.clear_session()\nm = Sequential([Dense(1, input_shape=(3,))])\nkeras.backend.clear_session()\nm = "
     "Sequential([Dense(1)])",
     "input_layer dense(input_layer) > dense"},
};

static void every_text_gives_its_network(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reading r;
        const cni_description *d = read_any(&r, rows[i].text, NULL);
        const bool good = rows[i].expected ? !d->remarks.errors && strcmp(wiring(&r, d), rows[i].expected) == 0
                                           : d->remarks.errors > 0;
        if (!good) {
            fprintf(stderr, "---- %s\n     %s\n     %s, expected\n", rows[i].text, wiring(&r, d), rows[i].expected);
            print_remarks(d);
            wrong++;
        }
        done(&r);
    }
    assert_int_equal(wrong, 0);
}

/* ---- what else a description holds ---- */

static void constants_are_computed(void **state)
{
    (void)state;
    static const struct {
        const char *units;
        int expected;
    } sums[] = {
        {"2 + 3 * 4", 14},
        {"7 // 2", 3},
        {"-7 // 2 + 10", 6},
        {"-7 % 3", 2},
        {"2 ** 5", 32},
        {"int(7 / 2)", 3},
        {"int(2.9)", 2},
        {"round(2.5)", 2},
        {"max(3, 9, 4)", 9},
        {"min([3, 9])", 3},
        {"sum([1, 2, 3])", 6},
        {"len('abcd')", 4},
        {"len([1, 2])", 2},
        {"abs(-3)", 3},
        {"(4, 5)[1]", 5},
        {"[4, 5, 6][-1]", 6},
        {"{'a': 7}['a']", 7},
        {"range(3, 9)[2]", 5},
        {"int(1e3)", 1000},
        {"0x10", 16},
        {"1_000", 1000},
        {"int('12')", 12},
        {"3 if 2 > 1 else 4", 3},
        {"3 if not True else 4", 4},
        {"1 + (2 in [1, 2])", 2},
        {"1 + ('a' == 'b')", 1},
        {"5 if None is None else 6", 5},
        {"[1, 2, 3, 4][1:3][0]", 2},
        {"(1 < 2 < 3) + 1", 2},
        {"4 and 5", 5},
        {"0 or 6", 6},
        {"math.ceil(3.2)", 4},
        {"int(math.sqrt(81))", 9},
        {"list(zip([1, 2], [3, 4]))[1][0] + 0", 2},
        {"dict(a=3)['a']", 3},
        {"[i for i in ()] and 3", 0},
        {"len(list(enumerate([5, 6])))", 2},
        {"int('conv4'[-1])", 4},
        {"len('x%d' % 12)", 3},
        {"len('{}-{}'.format(1, 22))", 4},
    };
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        reading r;
        char text[200];
        snprintf(text, sizeof text, "import math\nDense(%s)", sums[i].units);
        const cni_description *d = read_any(&r, text, NULL);
        const int units = d->remarks.errors ? 0 : ints_of(d, "dense", "units")[0];
        if (units != sums[i].expected) {
            print_remarks(d);
            fail_msg("%s: %d", text, units);
        }
        done(&r);
    }
}

static void values_are_kept(void **state)
{
    (void)state;
    reading r;
    char shown[200];
    const cni_description *d = read_good(
        &r, "from tensorflow.keras.optimizers import Adam\n"
            "lr = 1e-3\n"
            "reg = keras.regularizers.l2(1e-4)\n"
            "model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3, activation=keras.activations.relu,\n"
            "    kernel_initializer=keras.initializers.HeNormal(seed=1), kernel_regularizer=reg, dtype=tf.float32),\n"
            "    layers.Dense(2, activation=layers.LeakyReLU(negative_slope=0.1))])\n"
            "(x_train, y_train), _ = keras.datasets.mnist.load_data()\n"
            "x_train = x_train.astype('float32') / 255\n"
            "model.compile(optimizer=Adam(learning_rate=lr), loss=keras.losses.categorical_crossentropy,\n"
            "              metrics=['accuracy', keras.metrics.Precision()])\n"
            "history = model.fit(x_train, y_train, batch_size=32, epochs=2 * 5,\n"
            "                    callbacks=[keras.callbacks.EarlyStopping(patience=3)])\n"
            "model.evaluate(x_train, y_train)\n"
            "plt.plot(history.history['loss'])\n");
    const cni_described_layer *conv = layer_named(d, "conv2d");
    assert_string_equal(cni_object_of(conv->config, "activation")->kind->name, "relu");
    assert_string_equal(cni_object_of(conv->config, "kernel_initializer")->kind->name, "HeNormal");
    assert_string_equal(cni_object_of(conv->config, "kernel_regularizer")->kind->name, "L2");
    const cni_object *leaky = cni_object_of(layer_named(d, "dense")->config, "activation");
    assert_string_equal(leaky->kind->name, "LeakyReLU");
    assert_string_equal(cni_value_show(d->compile, shown, sizeof shown),
                        "compile(optimizer=Adam(learning_rate=0.001), loss='categorical_crossentropy', "
                        "metrics=['accuracy', Precision()])");
    assert_string_equal(cni_value_show(cni_value_get(d->fit, "epochs"), shown, sizeof shown), "10");
    assert_string_equal(cni_value_show(cni_value_get(d->fit, "callbacks"), shown, sizeof shown),
                        "[EarlyStopping(patience=3)]");
    assert_string_equal(d->fit->items[1]->text, "?y_train");
    done(&r);
}

static void shapes_are_known_where_a_text_asks(void **state)
{
    (void)state;
    reading r;
    const cni_description *d = read_good(&r, "x = keras.Input((32, 32, 3))\n"
                                             "y = layers.Conv2D(8, 3, strides=2)(x)\n"
                                             "if y.shape[-1] != x.shape[-1] and keras.backend.int_shape(y)[1] == 15:\n"
                                             "  y = layers.Conv2D(y.shape[-1] * 2, 1)(y)\n"
                                             "if x.shape[0] is None:\n"
                                             "  y = layers.Flatten()(y)\n"
                                             "model = keras.Model(x, y)\n");
    assert_string_equal(wiring(&r, d), "input_layer conv2d(input_layer) conv2d_1(conv2d) flatten(conv2d_1) > flatten");
    assert_int_equal(ints_of(d, "conv2d_1", "filters")[0], 16);
    done(&r);
}

static void inputs_have_their_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int shape[5]; /* without the batch; -1 is None, 0 ends */
    } inputs[] = {
        {"Sequential([Input((8, 9, 3)), Flatten()])", {8, 9, 3}},
        {"Sequential([Input(shape=[None, None, 3]), Flatten()])", {-1, -1, 3}},
        {"Sequential([Input(batch_shape=(None, 8, 9, 3)), Flatten()])", {8, 9, 3}},
        {"Sequential([Conv2D(4, 3, input_shape=(8, 9, 3))])", {8, 9, 3}},
        {"Sequential([Conv2D(4, 3, batch_input_shape=(None, 8, 9, 3))])", {8, 9, 3}},
        {"Sequential([Dense(4, input_dim=7)])", {7}},
        {"Sequential([Dense(4)])", {0}},
        {"m = Sequential([Dense(4)])\nm.build((None, 5))", {5}},
        {"m = Sequential([Dense(4)])\nm(np.zeros((2, 6)))", {6}},
        {"x = np.ones((4, 3))\nDense(4)(x)", {3}},
        {"x = tf.random.normal(shape=(4, 28, 28, 3))\nConv2D(2, 3)(x)", {28, 28, 3}},
        {"x = np.arange(96).reshape(2, 4, 4, 3)\nConv2D(2, 3)(x)", {4, 4, 3}},
        {"Sequential([Sequential([Input((8,)), Dense(3)]), Dense(2)])", {8}},
        {"(x, y), _ = keras.datasets.cifar10.load_data()\nSequential([Conv2D(4, 3, input_shape=x.shape[1:])])",
         {32, 32, 3}},
        {"(x, y), (u, v) = tf.keras.datasets.mnist.load_data()\nx = np.expand_dims(x, -1) / "
         "255\nSequential([Input(x[0].shape)])",
         {28, 28, 1}},
        {"(x, _), _ = keras.datasets.mnist.load_data()\nx = x[:100].reshape((x.shape[0], 28, 28, "
         "1)).astype('float32')\n"
         "Sequential([Input(x.shape[1:])])",
         {28, 28, 1}},
        {"(x, _), _ = keras.datasets.mnist.load_data()\nSequential([Input(x[..., tf.newaxis].shape[1:])])",
         {28, 28, 1}},
        {"# cornu: input 8x8x3\nimport numpy as np\nx = np.load('x')\nSequential([Input(x.shape), Flatten()])", {0}},
    };
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        reading r;
        const cni_description *d = read_good(&r, inputs[i].text);
        assert_int_equal(d->input_count, 1);
        const cni_described_layer *input = &d->layers[d->calls[d->inputs[0]].layer];
        assert_ptr_equal(input->kind, &cni_input_layer);
        assert_memory_equal(cni_object_member(input->config, "shape"), inputs[i].shape, sizeof inputs[i].shape);
        done(&r);
    }
}

static void models_inside_models_keep_their_own(void **state)
{
    (void)state;
    reading r;
    const cni_description *d =
        read_good(&r, "enc_in = keras.Input(shape=(28, 28, 1), name='img')\n"
                      "x = layers.Conv2D(16, 3)(enc_in)\n"
                      "encoder = keras.Model(enc_in, layers.GlobalMaxPooling2D()(x), name='encoder')\n"
                      "block = keras.Sequential([layers.Dense(4), layers.ReLU()])\n"
                      "z = keras.Input((28, 28, 1))\n"
                      "auto = keras.Model(z, block(block(encoder(z))), name='auto')\n");
    assert_string_equal(d->name, "auto");
    assert_string_equal(wiring(&r, d),
                        "input_layer encoder(input_layer) sequential(encoder) sequential(sequential) > sequential");
    const cni_description *inner = layer_named(d, "encoder")->inner;
    assert_string_equal(wiring(&r, inner), "img conv2d(img) global_max_pooling2d(conv2d) > global_max_pooling2d");
    inner = layer_named(d, "sequential")->inner;
    assert_true(inner->sequential);
    assert_int_equal(((int *)cni_object_member(inner->layers[0].config, "shape"))[0], 16); /* as it is first called */
    done(&r);
}

static void layers_know_the_call_that_made_them(void **state)
{
    (void)state;
    reading r;
    const cni_description *d = read_good(&r, "def inner(x):\n"
                                             "    return layers.Conv2D(4, 3)(x)\n"
                                             "def outer(x):\n"
                                             "    return inner(x)\n"
                                             "x = keras.Input((8, 8, 3))\n"
                                             "y = outer(x)\n"
                                             "y = outer(y)\n"
                                             "model = keras.Model(x, layers.Flatten()(y))\n");
    const cni_described_layer *conv = layer_named(d, "conv2d_1");
    assert_int_equal(conv->span.line, 2);
    assert_int_equal(conv->site.line, 7);
    assert_int_equal(conv->site.column, 5);
    assert_string_equal(conv->inside, "inner");
    assert_int_equal(layer_named(d, "flatten")->site.line, 0);
    assert_null(layer_named(d, "flatten")->inside);
    done(&r);
}

static void one_of_several_models_is_chosen(void **state)
{
    (void)state;
    static const char text[] =
        "a = Sequential([Dense(1)])\nb = Sequential([Dense(2)])\nc = Sequential([Dense(3)], name='third')";
    static const struct {
        const char *name;
        int units;
    } choices[] = {{NULL, 3}, {"a", 1}, {"b", 2}, {"third", 3}, {"sequential_1", 2}};
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        reading r;
        const cni_description *d = read_any(&r, text, choices[i].name);
        assert_int_equal(*(int *)cni_object_member(d->layers[1].config, "units"), choices[i].units);
        assert_int_equal(d->model_count, 2);
        assert_string_equal(remarks(&r, CNI_NOTE)[0] ? "I808" : "", "I808");
        done(&r);
    }
    reading r;
    assert_string_equal(read_any(&r, text, "a")->remarks.items[0].text,
                        "3 models: this is 'a'; the others are b (line 2), third (line 3)");
    done(&r);
    read_any(&r, text, "d");
    assert_string_equal(remarks(&r, CNI_ERROR), "I808 1:1-1");
    done(&r);
    const cni_description *d =
        read_any(&r, "# cornu: name a\na = Sequential([Dense(1)])\nb = Sequential([Dense(2)])", NULL);
    assert_int_equal(*(int *)cni_object_member(d->layers[1].config, "units"), 1);
    done(&r);
}

static void unused_layers_are_told(void **state)
{
    (void)state;
    reading r;
    read_good(&r, "x = Input((4,))\nd = Dense(3)\nm = Model(x, Dense(2)(x))");
    assert_string_equal(remarks(&r, CNI_WARNING), "I807 2:5-13");
    done(&r);
    read_good(&r, "x = Input((4,))\ny = Dense(3)(x)\nz = Dense(2)(y)\nw = ReLU()(z)\nm = Model(x, y)");
    assert_string_equal(remarks(&r, CNI_WARNING), "I807 4:5-14");
    done(&r);
    read_good(&r, "x = Input((4,))\ny = Dense(3)(x)\nz = Dense(2)(y)\na = Model(x, z)\nm = Model(x, y)");
    assert_string_equal(remarks(&r, CNI_WARNING), "");
    done(&r);
    read_good(&r, "a = Sequential([Dense(1)])\nb = Sequential([Dense(2)])");
    assert_string_equal(remarks(&r, CNI_WARNING), "");
    done(&r);
}

static void frozen_layers_are_frozen(void **state)
{
    (void)state;
    reading r;
    const cni_description *d = read_good(
        &r,
        "m = Sequential([Input((4,)), Dense(3), Dense(2)])\nfor layer in m.layers[:-1]:\n  layer.trainable = False\n");
    assert_true(*(bool *)cni_object_member(layer_named(d, "dense")->config, "trainable"));
    assert_false(*(bool *)cni_object_member(layer_named(d, "dense_1")->config, "trainable"));
    assert_string_equal(layer_named(d, "dense")->arguments[1].key, "trainable");
    assert_false(d->frozen);
    done(&r);
    d = read_good(&r, "m = Sequential([Input((4,)), Dense(3)])\nm.trainable = False\n");
    assert_true(d->frozen);
    done(&r);
}

/* Weights may start from what is not known: it is told, and everything else is. */
static void unknown_initializers_do_not_matter(void **state)
{
    (void)state;
    reading r;
    const cni_description *d = read_good(
        &r, "import numpy as np\nx = Input((4,))\nm = Model(x, Dense(3, kernel_initializer=np.load('k'))(x))");
    assert_string_equal(remarks(&r, CNI_WARNING), "I805 3:23-54");
    assert_int_equal(ints_of(d, "dense", "units")[0], 3);
    done(&r);
}

/* Special comments are left to who reads the description. */
static void comments_are_kept(void **state)
{
    (void)state;
    reading r;
    const cni_description *d = read_good(&r, "# cornu: input 32x32x3\nConv2D(4, 3)  # cornu: off K302\n");
    assert_string_equal(d->comments.input, "32x32x3");
    assert_int_equal(d->comments.off_count, 1);
    done(&r);
}

/* What a Lambda layer gives is told by a comment on one of its lines. */
static void a_comment_tells_what_a_lambda_gives(void **state)
{
    (void)state;
    reading r;
    const cni_description *d = read_good(&r, "x = keras.Input((32, 32, 3))\n"
                                             "y = layers.Lambda(\n"
                                             "    lambda x: x[:, ::2, ::2] * 2,  # cornu: shape 16x16x3\n"
                                             "    name='half')(x)\n"
                                             "y = layers.Conv2D(8, 3)(y)\n"
                                             "model = keras.Model(x, layers.Reshape((14 * 14, y.shape[-1]))(y))\n");
    assert_string_equal(wiring(&r, d), "input_layer half(input_layer) conv2d(half) reshape(conv2d) > reshape");
    const cni_described_layer *half = layer_named(d, "half");
    assert_null(half->kind);
    assert_int_equal(half->told.rank, 4);
    assert_int_equal(half->told.dims[1], 16);
    assert_int_equal(half->told.dims[3], 3);
    done(&r);
    read_any(&r, "layers.Lambda(lambda x: x * 2)\n# cornu: shape 3x3x3", NULL);
    assert_string_equal(remarks(&r, CNI_ERROR), "I806 1:1-14");
    done(&r);
}

/* Where the data are scaled, and the model does not. */
static void scaled_data_are_seen(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line;
    } texts[] = {
        {"x = x_train.astype('float32') / 255\nm = Sequential([Input((4,)), Dense(2)])", 1},
        {"m = Sequential([Input((4,)), Dense(2)])\nx_train /= 255.0", 2},
        {"m = Sequential([Input((4,)), Dense(2)])\nx = (x_train - 127.5) / 127.5", 2},
        {"m = Sequential([Input((4,)), Dense(2)])\nx = x_train * (1 / 255)", 2},
        {"m = Sequential([Input((4,)), Dense(2)])\ng = ImageDataGenerator(\n  rescale=1./255)", 3},
        {"def load(x, y):\n  return tf.cast(x, tf.float32) / 255., y\nm = Sequential([Input((4,)), Dense(2)])", 2},
        {"x = x_train / 255\nm = Sequential([Input((4,)), layers.Rescaling(1 / 255), Dense(2)])", 0},
        {"x = Input((4,))\nm = keras.Model(x, Dense(2)(x / 255))", 0},
        {"m = Sequential([Input((4,)), Dense(2)])\nx = x_train / 2", 0},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        reading r;
        const cni_description *d = read_any(&r, texts[i].text, NULL);
        if (d->scaling_line != texts[i].line) fail_msg("%s: line %d", texts[i].text, d->scaling_line);
        done(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scaled_data_are_seen),
        cmocka_unit_test(a_comment_tells_what_a_lambda_gives),
        cmocka_unit_test(a_list_of_layers),
        cmocka_unit_test(every_text_gives_its_network),
        cmocka_unit_test(constants_are_computed),
        cmocka_unit_test(values_are_kept),
        cmocka_unit_test(shapes_are_known_where_a_text_asks),
        cmocka_unit_test(inputs_have_their_shapes),
        cmocka_unit_test(models_inside_models_keep_their_own),
        cmocka_unit_test(layers_know_the_call_that_made_them),
        cmocka_unit_test(one_of_several_models_is_chosen),
        cmocka_unit_test(unused_layers_are_told),
        cmocka_unit_test(frozen_layers_are_frozen),
        cmocka_unit_test(unknown_initializers_do_not_matter),
        cmocka_unit_test(comments_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
