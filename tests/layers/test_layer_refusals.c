/* SPDX-License-Identifier: Apache-2.0
 * What is refused, and that the message names what came and what was expected. */
#include "layers/layer_cases.h"

typedef struct refusal {
    const char *call;   /* Keras' text */
    const char *inputs; /* shapes; NULL: the call itself is refused */
    cn_status status;
    const char *words[4]; /* all of them in the message */
} refusal;

static const refusal refusals[] = {
    /* sequences, volumes, windows that write */
    {"Conv1D(8)", NULL, CN_ERR_INVALID, {"kernel_size", "missing"}},
    {"Conv1D(8, (3, 3))", NULL, CN_ERR_INVALID, {"kernel_size=[3, 3]", "an integer"}},
    {"Conv1D(8, 3, padding='full')", NULL, CN_ERR_INVALID, {"padding='full'", "'causal'"}},
    {"Conv1D(6, 3, groups=4)", NULL, CN_ERR_INVALID, {"groups=4", "filters=6"}},
    {"Conv1D(8, 3, 2, dilation_rate=2)", NULL, CN_ERR_INVALID, {"strides=2", "dilation_rate=2"}},
    {"Conv1D(8, 5)", "[(None, 4, 3)]", CN_ERR_SHAPE, {"kernel_size=5", "4", "(None, 4, 3)"}},
    {"Conv3D(8, (3, 3))", NULL, CN_ERR_INVALID, {"kernel_size=[3, 3]", "three"}},
    {"Conv3D(8, 3, padding='causal')", NULL, CN_ERR_INVALID, {"padding='causal'", "'same'"}},
    {"Conv3D(8, 3)", "[(None, 9, 2, 9, 3)]", CN_ERR_SHAPE, {"kernel_size=3", "axis 2"}},
    {"Conv2DTranspose(8, 3, 2, output_padding=2)", NULL, CN_ERR_INVALID, {"output_padding=2", "strides=2"}},
    {"Conv2DTranspose(8, 3, 2, dilation_rate=2)", NULL, CN_ERR_INVALID, {"strides=2", "dilation_rate=2"}},
    {"Conv2DTranspose(8, 2, padding='same', output_padding=0)",
     "[(None, 1, 1, 3)]",
     CN_ERR_SHAPE,
     {"axis 1", "0 cells"}},
    {"MaxPooling1D(0)", NULL, CN_ERR_INVALID, {"pool_size=0", "from 1"}},
    {"AveragePooling3D()", NULL, CN_ERR_INVALID, {"pool_size", "missing"}},
    {"MaxPooling1D(5)", "[(None, 4, 3)]", CN_ERR_SHAPE, {"pool_size=5", "(None, 4, 3)"}},
    {"AdaptiveAveragePooling2D(0)", NULL, CN_ERR_INVALID, {"output_size=0", "from 1"}},
    {"UpSampling2D(2, interpolation='cubic')", NULL, CN_ERR_INVALID, {"interpolation='cubic'", "'bilinear'"}},
    {"ZeroPadding1D((1, 2, 3))", NULL, CN_ERR_INVALID, {"padding=[1, 2, 3]", "(before, after)"}},
    {"ZeroPadding1D(-1)", NULL, CN_ERR_INVALID, {"padding=-1"}},
    {"Cropping1D((2, 2))", "[(None, 4, 3)]", CN_ERR_SHAPE, {"(2, 2)", "nothing", "(None, 4, 3)"}},
    {"Cropping3D((1, 2))", NULL, CN_ERR_INVALID, {"cropping=[1, 2]", "each axis"}},
    {"Permute((2, 2))", NULL, CN_ERR_INVALID, {"dims holds 2 twice", "1 to 2"}},
    {"Permute((0, 1))", NULL, CN_ERR_INVALID, {"dims=[0, 1]"}},
    {"Permute((2, 1))", "[(None, 4, 3, 2)]", CN_ERR_SHAPE, {"2 axes", "(None, 4, 3, 2)"}},
    {"RepeatVector(0)", NULL, CN_ERR_INVALID, {"n=0", "from 1"}},
    {"LayerNormalization(axis=4)", "[(None, 4, 3, 2)]", CN_ERR_SHAPE, {"axis=4", "1 to 3"}},
    {"LayerNormalization(rms_scaling=True)", NULL, CN_ERR_UNSUPPORTED, {"rms_scaling"}},
    {"RMSNormalization(axis=1)", "[(None, 4, 3, 2)]", CN_ERR_SHAPE, {"last axes", "(None, 4, 3, 2)"}},
    {"GroupNormalization(groups=0)", NULL, CN_ERR_INVALID, {"groups=0", "-1"}},
    {"GroupNormalization(4)", "[(None, 4, 3, 6)]", CN_ERR_SHAPE, {"groups=4", "6 channels", "1, 2, 3 or 6"}},
    {"Normalization(mean=1.0)", NULL, CN_ERR_INVALID, {"mean holds 1", "variance 0"}},
    {"Normalization(mean=[1.0, 2.0], variance=[1.0, 2.0])", "[(None, 3)]", CN_ERR_SHAPE, {"mean holds 2", "(None, 3)"}},
    {"RandomRotation(2.0)", NULL, CN_ERR_INVALID, {"factor=(2, 2)", "-1 to 1"}},
    {"RandomContrast(0.1, value_range=(0, 1, 2))", NULL, CN_ERR_INVALID, {"value_range holds 3"}},
    {"Subtract()", "[(None, 3), (None, 3), (None, 3)]", CN_ERR_SHAPE, {"3 inputs", "two"}},
    {"Dot(1)", "[(None, 3), (None, 4)]", CN_ERR_SHAPE, {"axis 1", "3", "4", "equal"}},
    {"Dot(0)", NULL, CN_ERR_INVALID, {"axes=0"}},
    /* arguments */
    {"Conv2D(kernel_size=3)", NULL, CN_ERR_INVALID, {"filters", "missing"}},
    {"Conv2D(8)", NULL, CN_ERR_INVALID, {"kernel_size", "missing"}},
    {"Conv2D(0, 3)", NULL, CN_ERR_INVALID, {"filters=0", "from 1"}},
    {"Conv2D(-8, 3)", NULL, CN_ERR_INVALID, {"filters=-8", "from 1"}},
    {"Conv2D(2.5, 3)", NULL, CN_ERR_INVALID, {"filters=2.5", "integer"}},
    {"Conv2D('8', 3)", NULL, CN_ERR_INVALID, {"filters='8'", "integer"}},
    {"Conv2D(8, (3, 3, 3))", NULL, CN_ERR_INVALID, {"kernel_size=[3, 3, 3]", "one integer or two"}},
    {"Conv2D(8, (3, 0))", NULL, CN_ERR_INVALID, {"kernel_size=[3, 0]", "from 1"}},
    {"Conv2D(8, 3.0)", NULL, CN_ERR_INVALID, {"kernel_size=3.0"}},
    {"Conv2D(8, 3, strides=(0, 1))", NULL, CN_ERR_INVALID, {"strides=[0, 1]"}},
    {"Conv2D(8, 3, dilation_rate=-1)", NULL, CN_ERR_INVALID, {"dilation_rate=-1"}},
    {"Conv2D(8, 3, padding='full')", NULL, CN_ERR_INVALID, {"padding='full'", "'valid'", "'same'"}},
    {"Conv2D(8, 3, data_format='nhwc')", NULL, CN_ERR_INVALID, {"data_format='nhwc'", "'channels_last'"}},
    {"Conv2D(8, 3, groups=0)", NULL, CN_ERR_INVALID, {"groups=0"}},
    {"Conv2D(6, 3, groups=4)", NULL, CN_ERR_INVALID, {"groups=4", "filters=6", "1, 2, 3 or 6"}},
    {"Conv2D(8, 3, strides=2, dilation_rate=(2, 1))", NULL, CN_ERR_INVALID, {"strides=(2, 2)", "dilation_rate=(2, 1)"}},
    {"Conv2D(8, 3, activation='rellu')", NULL, CN_ERR_INVALID, {"activation='rellu'", "did you mean relu?"}},
    {"Conv2D(8, 3, activation=4)", NULL, CN_ERR_INVALID, {"activation=4"}},
    {"Conv2D(8, 3, activation=leaky_relu(slope=0.1))", NULL, CN_ERR_INVALID, {"slope", "negative_slope"}},
    {"Conv2D(8, 3, kernel_initializer='glorot')", NULL, CN_ERR_INVALID, {"kernel_initializer='glorot'", "initializer"}},
    {"Conv2D(8, 3, kernel_regularizer=l2(-0.1))", NULL, CN_ERR_INVALID, {"kernel_regularizer", "l2=-0.1"}},
    {"Conv2D(8, 3, kernel_regularizer=l2(nan))", NULL, CN_ERR_INVALID, {"kernel_regularizer", "l2"}},
    {"Conv2D(8, 3, bias_constraint='positive')", NULL, CN_ERR_INVALID, {"bias_constraint='positive'"}},
    {"Conv2D(8, 3, stride=2)", NULL, CN_ERR_INVALID, {"unknown argument stride", "did you mean strides?"}},
    {"Conv2D(8, 3, input_shape=(6, 6, 1))", NULL, CN_ERR_INVALID, {"unknown argument input_shape", "Input(shape)"}},
    {"Conv2D(8, 3, lora_rank=4)", NULL, CN_ERR_UNSUPPORTED, {"lora_rank=4", "None"}},
    {"Conv2D(8, 3, dtype='float16')", NULL, CN_ERR_UNSUPPORTED, {"dtype='float16'", "float32"}},
    {"Conv2D(8, 3, trainable='yes')", NULL, CN_ERR_INVALID, {"trainable='yes'", "True or False"}},
    {"Conv2D(8, 3, trainable=1)", NULL, CN_ERR_INVALID, {"trainable=1", "True or False"}},
    {"Dense(0)", NULL, CN_ERR_INVALID, {"units=0"}},
    {"Dense(2.5)", NULL, CN_ERR_INVALID, {"units=2.5"}},
    {"Dense()", NULL, CN_ERR_INVALID, {"units", "missing"}},
    {"Dense(5, quantization_config={'a': 1})", NULL, CN_ERR_UNSUPPORTED, {"quantization_config"}},
    {"DepthwiseConv2D(3, depth_multiplier=0)", NULL, CN_ERR_INVALID, {"depth_multiplier=0"}},
    {"MaxPooling2D(0)", NULL, CN_ERR_INVALID, {"pool_size=0"}},
    {"MaxPooling2D(padding=((1, 1), (1, 1)))", NULL, CN_ERR_INVALID, {"padding=((1, 1), (1, 1))", "ZeroPadding2D"}},
    {"AveragePooling2D()", NULL, CN_ERR_INVALID, {"pool_size", "missing"}},
    {"Dropout(1.5)", NULL, CN_ERR_INVALID, {"rate=1.5", "0 to 1"}},
    {"Dropout(-0.5)", NULL, CN_ERR_INVALID, {"rate=-0.5", "0 to 1"}},
    {"Dropout(nan)", NULL, CN_ERR_INVALID, {"rate=nan", "0 to 1"}},
    {"Dropout(0.5, noise_shape=(None, -3))", NULL, CN_ERR_INVALID, {"noise_shape", "-3"}},
    {"Dropout(0.5, noise_shape=(None, 0))", NULL, CN_ERR_INVALID, {"noise_shape"}},
    {"LeakyReLU(-0.1)", NULL, CN_ERR_INVALID, {"negative_slope=-0.1", "from 0"}},
    {"LeakyReLU(None)", NULL, CN_ERR_INVALID, {"negative_slope=None"}},
    {"ReLU(max_value=-1.0)", NULL, CN_ERR_INVALID, {"max_value=-1.0", "from 0"}},
    {"ReLU(threshold=None)", NULL, CN_ERR_INVALID, {"threshold=None"}},
    {"Reshape((-1, -1))", NULL, CN_ERR_INVALID, {"target_shape", "-1"}},
    {"Reshape((-2, 3))", NULL, CN_ERR_INVALID, {"target_shape", "-2"}},
    {"Activation()", NULL, CN_ERR_INVALID, {"activation", "missing"}},
    {"ZeroPadding2D((1, 2, 3))", NULL, CN_ERR_INVALID, {"padding=[1, 2, 3]"}},
    {"ZeroPadding2D(((1, 2), (3, 4, 5)))", NULL, CN_ERR_INVALID, {"padding"}},
    {"ZeroPadding2D(((1, 2), (3, -4)))", NULL, CN_ERR_INVALID, {"padding", "-4"}},
    {"ZeroPadding2D('1')", NULL, CN_ERR_INVALID, {"padding='1'"}},
    {"Cropping2D((-1, 0))", NULL, CN_ERR_INVALID, {"cropping", "-1"}},
    {"BatchNormalization(renorm=True)", NULL, CN_ERR_UNSUPPORTED, {"renorm=True", "False"}},
    {"BatchNormalization(synchronized=True)", NULL, CN_ERR_UNSUPPORTED, {"synchronized=True"}},
    {"BatchNormalization(axis=[1, 2])", NULL, CN_ERR_INVALID, {"axis=[1, 2]"}},
    {"Rescaling()", NULL, CN_ERR_INVALID, {"scale", "missing"}},
    {"Rescaling('2')", NULL, CN_ERR_INVALID, {"scale='2'"}},
    {"InputLayer()", NULL, CN_ERR_INVALID, {"shape", "missing"}},
    {"InputLayer((28, 28, 1), batch_shape=(None, 28, 28, 1))", NULL, CN_ERR_INVALID, {"batch_shape", "shape"}},
    {"InputLayer(batch_size=3, batch_shape=(None, 28, 28, 1))", NULL, CN_ERR_INVALID, {"batch_shape", "batch_size"}},
    {"InputLayer((28, -28, 1))", NULL, CN_ERR_INVALID, {"shape", "-28"}},
    {"InputLayer((1, 2, 3, 4, 5, 6, 7, 8))", NULL, CN_ERR_LIMIT, {"shape", "8 dimensions", "7"}},
    {"InputLayer((28, 28, 1), dtype='uint8')", NULL, CN_ERR_UNSUPPORTED, {"dtype='uint8'"}},
    {"InputLayer((28, 28, 1), sparse=True)", NULL, CN_ERR_UNSUPPORTED, {"sparse=True"}},
    {"Conv9D(8, 3)", NULL, CN_ERR_INVALID, {"Conv9D", "layer"}},
    /* shapes */
    {"Conv2D(8, (5, 3))", "[(None, 4, 8, 3)]", CN_ERR_SHAPE, {"kernel_size=(5, 3)", "4 x 8", "(None, 4, 8, 3)"}},
    {"Conv2D(8, 2, dilation_rate=10)", "[(None, 10, 10, 3)]", CN_ERR_SHAPE, {"dilation_rate=(10, 10)", "11 x 11"}},
    {"Conv2D(8, 5, data_format='channels_first')", "[(None, 9, 9, 4)]", CN_ERR_SHAPE, {"kernel_size", "9 x 4"}},
    {"Conv2D(6, 3, groups=3)", "[(None, 12, 12, 4)]", CN_ERR_SHAPE, {"groups=3", "4 channels", "filters=6", "1 or 2"}},
    {"Conv2D(6, 3)", "[(None, 12, 12, None)]", CN_ERR_SHAPE, {"axis 3", "not known"}},
    {"Conv2D(1000000, 100)", "[(None, 128, 128, 1000)]", CN_ERR_LIMIT, {"kernel", "2^30"}},
    {"Conv2D(4, 3, activation=softmax(axis=4))", "[(None, 9, 9, 3)]", CN_ERR_SHAPE, {"axis=4"}},
    {"DepthwiseConv2D(5, 2)", "[(None, 4, 4, 3)]", CN_ERR_SHAPE, {"kernel_size=(5, 5)", "4 x 4"}},
    {"DepthwiseConv2D(1, depth_multiplier=1000000)", "[(None, 4, 4, 1000000)]", CN_ERR_LIMIT, {"kernel"}},
    {"Dense(5)", "[(None, None)]", CN_ERR_SHAPE, {"axis 1", "not known"}},
    {"Dense(65536)", "[(None, 65536)]", CN_ERR_LIMIT, {"(65536, 65536)"}},
    {"MaxPooling2D(20)", "[(None, 10, 10, 6)]", CN_ERR_SHAPE, {"pool_size=(20, 20)", "10 x 10"}},
    {"Reshape((4, -1))", "[(None, 3, 3)]", CN_ERR_SHAPE, {"target_shape", "9", "(None, 4, None)"}},
    {"Reshape((10,))", "[(None, 3, 3)]", CN_ERR_SHAPE, {"target_shape", "9", "(None, 10)"}},
    {"Cropping2D(((4, 4), (0, 0)))", "[(None, 3, 3, 6)]", CN_ERR_SHAPE, {"cropping=((4, 4), (0, 0))", "3"}},
    {"BatchNormalization(axis=4)", "[(None, 3, 3, 6)]", CN_ERR_SHAPE, {"axis=4", "-1 to -3"}},
    {"BatchNormalization(axis=1)", "[(None, None, 3, 6)]", CN_ERR_SHAPE, {"axis 1", "not known"}},
    {"PReLU(shared_axes=4)", "[(None, 3, 3, 6)]", CN_ERR_SHAPE, {"shared_axes", "4"}},
    {"PReLU()", "[(None, None, 3, 6)]", CN_ERR_SHAPE, {"axis 1", "shared_axes"}},
    {"Softmax(5)", "[(None, 3, 3, 6)]", CN_ERR_SHAPE, {"axis=5"}},
    {"Softmax((1, -4))", "[(None, 3, 3, 6)]", CN_ERR_SHAPE, {"axis=-4"}},
    {"Activation('glu')", "[(None, 7)]", CN_ERR_SHAPE, {"glu", "7", "odd"}},
    {"Dropout(0.5, noise_shape=(None, 1))", "[(None, 3, 3, 6)]", CN_ERR_SHAPE, {"noise_shape", "2 dimensions"}},
    {"Dropout(0.5, noise_shape=(None, 1, 2, 6))", "[(None, 3, 3, 6)]", CN_ERR_SHAPE, {"noise_shape", "2 for axis 2"}},
    {"Dropout(0.5, noise_shape=(2, 1, 1, 6))", "[(None, 3, 3, 6)]", CN_ERR_SHAPE, {"noise_shape", "axis 0"}},
    {"Rescaling([1.0, 2.0])", "[(None, 3, 3, 6)]", CN_ERR_SHAPE, {"scale", "2 numbers", "6"}},
    {"Add()", "[(None, 6, 6, 4), (None, 6, 6, 5)]", CN_ERR_SHAPE, {"(None, 6, 6, 4)", "(None, 6, 6, 5)"}},
    {"Multiply()", "[(2, 6), (3, 6)]", CN_ERR_SHAPE, {"batch", "(2, 6)", "(3, 6)"}},
    {"Concatenate()", "[(None, 6, 6, 4), (None, 6, 5, 4)]", CN_ERR_SHAPE, {"(None, 6, 6, 4)", "axis 3"}},
    {"Concatenate(axis=0)", "[(None, 6), (None, 6)]", CN_ERR_SHAPE, {"axis=0"}},
    {"Concatenate(axis=2)", "[(None, 6), (None, 6)]", CN_ERR_SHAPE, {"axis=2"}},
};

/* False, after saying so, when the message is not what it should be. */
static bool is_right(const refusal *r, cn_status status, const cni_error *error)
{
    bool right = status == r->status && !strchr(error->text, '\n');
    for (int i = 0; i < 4 && r->words[i]; i++) right = right && strstr(error->text, r->words[i]);
    if (!right) print_error("%s: status %d, wanted %d: %s\n", r->call, status, r->status, error->text);
    return right;
}

/* Builds, then asks for the shape, as a model does. */
static cn_status use_layer(cn_layer *layer, int count, cni_shape *in, cni_error *error)
{
    cni_shape out;
    cn_status status = layer->kind->build ? layer->kind->build(layer, count, in, error) : CN_OK;
    return status ? status : layer->kind->output_shape(layer, count, in, &out, error);
}

static bool is_refused(const refusal *r)
{
    workshop shop;
    workshop_open(&shop);
    cni_object *object = workshop_object(&shop, &cni_layers, r->call);
    cn_status status = shop.error.status;
    if (r->inputs && object) {
        cni_shape in[8];
        const int count = shapes_of(workshop_value(&shop, r->inputs), in);
        cn_layer layer = layer_of(&shop, object);
        status = use_layer(&layer, count, in, &shop.error);
        cni_layer_free_weights(&layer);
    }
    const bool right = is_right(r, status, &shop.error);
    workshop_close(&shop);
    return right;
}

static void refusals_say_what_came_and_what_was_expected(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) wrong += !is_refused(refusals + i);
    assert_int_equal(wrong, 0);
}

/* A built layer keeps to its channels. */
static void other_channels_are_refused_once_built(void **state)
{
    (void)state;
    static const struct {
        const char *call, *first, *then, *word;
    } cases[] = {
        {"Conv2D(4, 3)", "[(None, 9, 9, 3)]", "[(None, 9, 9, 5)]", "is 5; the layer was built for 3"},
        {"Conv2D(4, 3, data_format='channels_first')", "[(None, 3, 9, 9)]", "[(None, 5, 9, 9)]", "built for 3"},
        {"DepthwiseConv2D(3)", "[(None, 9, 9, 3)]", "[(None, 9, 9, 5)]", "built for 3"},
        {"Dense(4)", "[(None, 9)]", "[(None, 8)]", "built for 9"},
        {"BatchNormalization(axis=1)", "[(None, 9, 3)]", "[(None, 8, 3)]", "built for 9"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        workshop shop;
        cni_shape first[1], then[1], out;
        workshop_open(&shop);
        cn_layer layer = layer_of(&shop, workshop_object(&shop, &cni_layers, cases[i].call));
        shapes_of(workshop_value(&shop, cases[i].first), first);
        shapes_of(workshop_value(&shop, cases[i].then), then);
        assert_int_equal(use_layer(&layer, 1, first, &shop.error), CN_OK);
        layer.built = true;
        layer.input_shapes = first;
        assert_int_equal(layer.kind->output_shape(&layer, 1, first, &out, &shop.error), CN_OK);
        assert_int_equal(layer.kind->output_shape(&layer, 1, then, &out, &shop.error), CN_ERR_SHAPE);
        if (!strstr(shop.error.text, cases[i].word)) fail_msg("%s: %s", cases[i].call, shop.error.text);
        cni_layer_free_weights(&layer);
        workshop_close(&shop);
    }
}

/* What a C program can get wrong where text cannot. */
static void structs_are_checked_too(void **state)
{
    (void)state;
    const struct {
        const char *class_name;
        const cn_layer_args *args;
        cn_status status;
        const char *word;
    } cases[] = {
        {"Conv2D", &(cn_conv2d_args){.head = {sizeof(cn_conv2d_args), "Conv2D"}, .kernel_size = {3}}.head,
         CN_ERR_INVALID, "filters"},
        {"Conv2D", &(cn_conv2d_args){.head = {sizeof(cn_conv2d_args), "Conv2D"}, .filters = 4}.head, CN_ERR_INVALID,
         "kernel_size"},
        {"Conv2D",
         &(cn_conv2d_args){
             .head = {sizeof(cn_conv2d_args), "Conv2D"}, .filters = 4, .kernel_size = {3}, .padding = {9, 0, 0, 0, 0}}
              .head,
         CN_ERR_INVALID, "padding"},
        {"Conv2D", &(cn_conv2d_args){.head = {0, "Conv2D"}, .filters = 4, .kernel_size = {3}}.head, CN_ERR_VERSION,
         "struct_size"},
        {"Dropout", &(cn_dropout_args){.head = {sizeof(cn_dropout_args), "Dropout"}, .rate = 2}.head, CN_ERR_INVALID,
         "rate"},
        {"Dropout", &(cn_dropout_args){.head = {sizeof(cn_dropout_args), "Dropout"}}.head, CN_ERR_INVALID, "rate"},
        {"InputLayer", &(cn_input_args){.head = {sizeof(cn_input_args), "InputLayer"}, .shape = {28, -5}}.head,
         CN_ERR_INVALID, "-5"},
        {"Cropping2D",
         &(cn_cropping2d_args){.head = {sizeof(cn_cropping2d_args), "Cropping2D"}, .cropping = {{-1, 0}, {0, 0}}}.head,
         CN_ERR_INVALID, "cropping"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        workshop shop;
        workshop_open(&shop);
        cni_maker maker = workshop_maker(&shop);
        cni_object *object = NULL;
        const cni_kind *kind = cni_family_find(&cni_layers, cases[i].class_name);
        assert_int_equal(cni_object_copy(&maker, kind, cases[i].args, cases[i].class_name, &object), cases[i].status);
        if (!strstr(shop.error.text, cases[i].word)) fail_msg("%s", shop.error.text);
        workshop_close(&shop);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_say_what_came_and_what_was_expected),
        cmocka_unit_test(other_channels_are_refused_once_built),
        cmocka_unit_test(structs_are_checked_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
