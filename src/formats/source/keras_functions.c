/* SPDX-License-Identifier: Apache-2.0
 * Keras', TensorFlow's and NumPy's functions: those that make models and inputs, and those that stand for a layer. */
#include "formats/source/evaluate.h"

#include "layers/layers.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Of tensors this would be a layer that is not known; of anything else it is data. */
static cni_thing *unknown(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    for (int i = 0; i < actuals->count; i++)
        if (cni_thing_holds_tensor(actuals->items[i].thing))
            return cni_call_unknown(e, cni_path_last(row->path), actuals);
    return cni_thing_opaque(e, actuals->span);
}

/* ---- models ---- */

static const char *name_of(cni_evaluator *e, cni_actuals *actuals, const char *class_name, bool *named)
{
    const cni_thing *name = cni_actuals_thing(actuals, -1, "name");
    *named = name && name->type == CNI_THING_TEXT;
    return *named ? name->text : cni_keras_name(e, class_name);
}

static cni_thing *sequential(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    (void)row;
    cni_source_model *model = cni_model_new(e, CNI_MODEL_CHAIN, CNI_KERAS, actuals->span);
    if (!model) return e->broken;
    cni_thing *layers = cni_actuals_thing(actuals, 0, "layers");
    model->name = name_of(e, actuals, "Sequential", &model->named);
    cni_actual *second = cni_actuals_take(actuals, 1, NULL);
    if (second && cni_thing_is_module(second->thing))
        cni_evaluate_error(e, "I804", second->span, "Sequential([...])", "Sequential() takes its layers as one list");
    if (!layers) return model->thing;
    cni_thing *items = cni_evaluate_items(e, layers, layers->span);
    if (!items && cni_thing_is_module(layers)) {
        cni_evaluate_error(e, "I804", layers->span, "Sequential([...])", "Sequential() takes its layers as a list");
        cni_model_append(e, model, NULL, layers, layers->span);
    }
    if (!items && (layers->type == CNI_THING_BROKEN || layers->type == CNI_THING_OPAQUE))
        cni_model_append(e, model, NULL, layers, layers->span);
    for (size_t i = 0; items && i < items->count; i++)
        cni_model_append(e, model, NULL, items->items[i], items->items[i]->span);
    cni_model_count_build(e, model, false);
    return model->thing;
}

static void structure_of(const cni_thing *thing, cni_structure *out)
{
    out->is_list = cni_thing_is_list(thing);
    out->is_dict = thing->type == CNI_THING_DICT;
    for (size_t i = 0; out->is_dict && i < thing->count && i < CN_MAX_ARRAYS; i++)
        out->keys[i] = thing->keys[i]->type == CNI_THING_TEXT ? thing->keys[i]->text : "";
}

static cni_span span_of(const cni_thing *thing, const cni_actuals *actuals)
{
    return thing->span.line ? thing->span : actuals->span;
}

/* Model(input=..., output=...) was Keras 1; what is meant is taken all the same. */
static cni_thing *take_tensors(cni_evaluator *e, cni_actuals *actuals, int position, const char *name, const char *old)
{
    cni_actual *actual = cni_actuals_take(actuals, position, name);
    if (actual || !(actual = cni_actuals_take(actuals, -1, old))) return actual ? actual->thing : NULL;
    cni_span span = actual->span;
    span.end_line = span.line, span.end_column = span.column + (int)strlen(old);
    cni_evaluate_error(e, "I803", span, cni_arena_printf(e->arena, "Keras calls it '%s'", name),
                       "Model() has no argument '%s'", old);
    return actual->thing;
}

static cni_thing *functional(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    cni_thing *inputs = take_tensors(e, actuals, 0, "inputs", "input");
    cni_thing *outputs = take_tensors(e, actuals, 1, "outputs", "output");
    (void)row;
    if (!inputs || !outputs)
        return cni_evaluate_error(e, "I810", actuals->span, NULL, "Model() needs the argument '%s'",
                                  inputs ? "outputs" : "inputs");
    cni_source_model *model = cni_model_new(e, CNI_MODEL_GRAPH, CNI_KERAS, actuals->span);
    if (!model) return e->broken;
    model->name = name_of(e, actuals, "Functional", &model->named);
    structure_of(inputs, &model->input_structure);
    structure_of(outputs, &model->output_structure);
    model->traced = true;
    if (!cni_tensors_of(e, inputs, CNI_KERAS, span_of(inputs, actuals), &model->inputs, &model->input_count) ||
        !cni_tensors_of(e, outputs, CNI_KERAS, span_of(outputs, actuals), &model->outputs, &model->output_count))
        model->output_count = 0;
    return model->thing;
}

/* Input(28, 28, 1), Input(28): the second one would be the batch, and Keras takes no bare number; what is meant is
 * told, and the shape is as unknown as Keras leaves it. */
static cni_thing *refuse_bare_shape(cni_evaluator *e, cni_actuals *actuals)
{
    const cni_actual *shape = cni_actuals_take(actuals, 0, "shape");
    if (!shape || shape->thing->type != CNI_THING_INT) return NULL;
    cni_text sizes = {0};
    int count = 0;
    cni_span span = shape->span;
    for (int i = 0; i < actuals->count; i++) {
        const cni_actual *actual = &actuals->items[i];
        if (actual != shape && (shape->key || actual->key || actual->thing->type != CNI_THING_INT)) continue;
        cni_text_printf(&sizes, "%s%lld", count++ ? ", " : "", (long long)actual->thing->integer);
        span.end_line = actual->span.end_line, span.end_column = actual->span.end_column;
    }
    const char *hint =
        cni_arena_printf(e->arena, "write Input(shape=(%s%s))", cni_text_get(&sizes), count > 1 ? "" : ",");
    cni_text_free(&sizes);
    cni_evaluate_error(e, "I804", span, hint, "Input() takes its shape as a tuple");
    const int layer = cni_make_unknown_input(e, NULL, CNI_KERAS, actuals->span);
    return layer < 0 ? e->broken : cni_thing_tensor(e, cni_call_of_input(e, layer), 0);
}

static cni_thing *input(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    (void)row;
    cni_thing *refused = refuse_bare_shape(e, actuals);
    if (refused) return refused;
    const int layer = cni_make_layer(e, &cni_input_layer, "Input", CNI_KERAS, actuals);
    if (layer < 0) return e->broken;
    e->layers[layer].base = "input";
    return cni_thing_tensor(e, cni_call_of_input(e, layer), 0);
}

/* ---- activations ---- */

/* keras.activations.relu(x), tf.nn.relu(x), keras.ops.relu(x): Activation('relu') of the last name. */
static cni_thing *activation(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    cni_actuals arguments = {.span = actuals->span, .callee = actuals->callee};
    cni_thing *x = cni_actuals_thing(actuals, 0, "x");
    if (!x) x = cni_actuals_thing(actuals, -1, "features");
    if (!x) x = cni_actuals_thing(actuals, -1, "logits");
    if (!x) return cni_evaluate_error(e, "I810", actuals->span, NULL, "%s() needs a tensor", cni_path_last(row->path));
    if (!cni_thing_holds_tensor(x)) return cni_thing_follows(e, x, actuals->span);
    cni_actuals_add(e, &arguments, NULL, cni_thing_text(e, cni_path_last(row->path), actuals->span), actuals->callee);
    const cni_function layer = {.path = row->path, .class_name = "Activation"};
    return cni_apply_row(e, &layer, CNI_KERAS, x, &arguments);
}

/* ---- shapes ---- */

static cni_thing *array_or_unknown(cni_evaluator *e, cni_thing *x, cni_thing *shape, cni_span span)
{
    return x && x->type == CNI_THING_OPAQUE && shape ? cni_make_array(e, &shape, 1, span)
                                                     : cni_thing_follows(e, x, span);
}

/* reshape(x, shape): the batch stands in front, and goes. */
static cni_thing *reshape(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    cni_thing *x = cni_actuals_thing(actuals, 0, "x"), *shape = cni_actuals_thing(actuals, 1, "newshape");
    (void)row;
    if (!shape) shape = cni_actuals_thing(actuals, -1, "shape");
    if (!x || !cni_thing_holds_tensor(x)) return array_or_unknown(e, x, shape, actuals->span);
    if (!shape || !cni_thing_is_list(shape) || shape->count < 2)
        return cni_evaluate_error(e, "I805", actuals->span, NULL, "the shape is not constant");
    cni_thing *rest = cni_thing_new(e, CNI_THING_TUPLE, shape->span);
    for (size_t i = 1; i < shape->count; i++) cni_thing_append(e, rest, shape->items[i]);
    return cni_apply_class(e, CNI_KERAS, "Reshape", "reshape", x, actuals->span, "target_shape", rest, (char *)NULL);
}

/* The axes of a mean or maximum are rows and columns. */
static bool is_spatial(const cni_thing *axis)
{
    if (!axis || !cni_thing_is_list(axis) || axis->count != 2) return false;
    const cni_thing *a = axis->items[0], *b = axis->items[1];
    if (a->type != CNI_THING_INT || b->type != CNI_THING_INT) return false;
    const int64_t first = a->integer < 0 ? a->integer + 4 : a->integer,
                  second = b->integer < 0 ? b->integer + 4 : b->integer;
    return first + second == 3 && first * second == 2; /* 1 and 2 */
}

static cni_thing *global_pool(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    cni_thing *x = cni_actuals_thing(actuals, 0, "x");
    if (!x) x = cni_actuals_thing(actuals, -1, "input_tensor");
    cni_thing *axis = cni_actuals_thing(actuals, 1, "axis"), *keep = cni_actuals_thing(actuals, 2, "keepdims");
    if (!x || !cni_thing_holds_tensor(x)) return cni_thing_follows(e, x, actuals->span);
    if (!is_spatial(axis))
        return cni_evaluate_error(e, "I806", actuals->span, "axis=[1, 2]: rows and columns",
                                  "%s() over these axes is not read", cni_path_last(row->path));
    if (!keep) keep = cni_thing_bool(e, false, actuals->span);
    return cni_apply_class(e, CNI_KERAS, row->class_name, cni_path_last(row->path), x, actuals->span, "keepdims", keep,
                           (char *)NULL);
}

/* ((0, 0), (t, b), (l, r), (0, 0)), or a number, as ((t, b), (l, r)); NULL: another padding. */
static cni_thing *spatial_padding(cni_evaluator *e, const cni_thing *padding)
{
    cni_thing *sides = cni_thing_new(e, CNI_THING_TUPLE, padding->span);
    if (!cni_thing_is_list(padding) || padding->count != 4) return NULL;
    for (size_t i = 0; i < 4; i++) {
        const cni_thing *pair = padding->items[i];
        if (!cni_thing_is_list(pair) || pair->count != 2) return NULL;
        const bool none = cni_thing_number(pair->items[0]) == 0 && cni_thing_number(pair->items[1]) == 0;
        if ((i == 0 || i == 3) && !none) return NULL;
        if (i == 1 || i == 2) cni_thing_append(e, sides, padding->items[i]);
    }
    return sides;
}

static cni_thing *pad(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    cni_thing *x = cni_actuals_tensor(actuals), *padding = cni_actuals_thing(actuals, 1, "pad_width");
    (void)row;
    if (!padding) padding = cni_actuals_thing(actuals, -1, "paddings");
    cni_thing *mode = cni_actuals_thing(actuals, 2, "mode");
    if (!x || !padding) return cni_thing_opaque(e, actuals->span);
    if (x->type == CNI_THING_OPAQUE && !x->shape) return x;
    if (!cni_thing_holds_tensor(x) && x->type != CNI_THING_OPAQUE) return cni_thing_follows(e, x, actuals->span);
    const bool constant = !mode || (mode->type == CNI_THING_TEXT && strcasecmp(mode->text, "constant") == 0);
    cni_thing *sides = constant ? spatial_padding(e, padding) : NULL;
    if (!sides)
        return cni_evaluate_error(e, "I806", actuals->span, "[[0, 0], [1, 1], [1, 1], [0, 0]] with zeros is read",
                                  "this padding of a tensor");
    return cni_apply_class(e, CNI_KERAS, "ZeroPadding2D", "pad", x, actuals->span, "padding", sides, (char *)NULL);
}

/* resize(x, (h, w)) */
static cni_thing *resize(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    cni_thing *x = cni_actuals_tensor(actuals), *size = cni_actuals_thing(actuals, 1, "size");
    (void)row;
    if (!x || !cni_thing_holds_tensor(x)) return cni_thing_follows(e, x, actuals->span);
    if (!size || !cni_thing_is_list(size) || size->count != 2)
        return cni_evaluate_error(e, "I805", actuals->span, NULL, "the size is not constant");
    return cni_apply_class(e, CNI_KERAS, "Resizing", "resize", x, actuals->span, "height", size->items[0], "width",
                           size->items[1], (char *)NULL);
}

/* tf.nn.max_pool2d(x, 2, 2, 'SAME'), keras.ops.max_pool(x, 2, 2, 'same'): sizes with the batch and channels lose them.
 */
static cni_thing *pool(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    cni_actuals arguments = {.span = actuals->span, .callee = actuals->callee};
    static const char *const keys[3][2] = {{"ksize", "pool_size"}, {"strides", "strides"}, {"padding", "padding"}};
    cni_thing *x = cni_actuals_tensor(actuals);
    if (!x || !cni_thing_holds_tensor(x)) return cni_thing_follows(e, x, actuals->span);
    for (int i = 0; i < 3; i++) {
        cni_actual *given = cni_actuals_take(actuals, i + 1, keys[i][0]);
        if (!given) given = cni_actuals_take(actuals, -1, keys[i][1]);
        if (!given) continue;
        cni_thing *thing = given->thing;
        if (cni_thing_is_list(thing) && thing->count == 4) {
            cni_thing *two = cni_thing_new(e, CNI_THING_TUPLE, thing->span);
            for (size_t j = 1; j < 3; j++) cni_thing_append(e, two, thing->items[j]);
            thing = two;
        }
        cni_actuals_add(e, &arguments, keys[i][1], thing, given->span);
    }
    return cni_apply_row(e, row, CNI_KERAS, x, &arguments);
}

/* ---- data ---- */

static const struct {
    const char *name;
    int64_t train, test;
    cni_shape image; /* with the number of images */
    int label_rank;
} data_sets[] = {
    {"mnist", 60000, 10000, {3, {0, 28, 28}}, 1},
    {"fashion_mnist", 60000, 10000, {3, {0, 28, 28}}, 1},
    {"cifar10", 50000, 10000, {4, {0, 32, 32, 3}}, 2},
    {"cifar100", 50000, 10000, {4, {0, 32, 32, 3}}, 2},
};

static cni_thing *pair(cni_evaluator *e, cni_thing *a, cni_thing *b, cni_span span)
{
    cni_thing *tuple = cni_thing_new(e, CNI_THING_TUPLE, span);
    cni_thing_append(e, tuple, a);
    cni_thing_append(e, tuple, b);
    return tuple;
}

static cni_thing *part_of_data(cni_evaluator *e, size_t set, int64_t count, cni_span span)
{
    cni_shape images = data_sets[set].image, labels = {data_sets[set].label_rank, {count, 1}};
    images.dims[0] = count;
    return pair(e, cni_thing_array(e, &images, span), cni_thing_array(e, &labels, span), span);
}

/* (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data() */
static cni_thing *load_data(cni_evaluator *e, const char *path, cni_span span)
{
    for (size_t i = 0; i < sizeof data_sets / sizeof *data_sets; i++) {
        char known[80];
        snprintf(known, sizeof known, "keras.datasets.%s.load_data", data_sets[i].name);
        if (strcmp(known, path) == 0)
            return pair(e, part_of_data(e, i, data_sets[i].train, span), part_of_data(e, i, data_sets[i].test, span),
                        span);
    }
    return NULL;
}

/* expand_dims(x, -1) */
static cni_thing *expand_dims(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    const cni_thing *x = cni_actuals_tensor(actuals), *axis = cni_actuals_thing(actuals, 1, "axis");
    (void)row;
    if (!x || !x->shape || !axis || axis->type != CNI_THING_INT || x->shape->rank == CNI_MAX_RANK)
        return unknown(e, row, actuals);
    const int rank = x->shape->rank;
    const int64_t at = axis->integer < 0 ? axis->integer + rank + 1 : axis->integer;
    cni_shape shape = {.rank = rank + 1};
    if (at < 0 || at > rank) return unknown(e, row, actuals);
    for (int i = 0, j = 0; i <= rank; i++) shape.dims[i] = i == at ? 1 : x->shape->dims[j++];
    return cni_thing_array(e, &shape, actuals->span);
}

/* ---- what only asks ---- */

static cni_thing *int_shape(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    cni_thing *x = cni_actuals_tensor(actuals);
    (void)row;
    return x ? cni_evaluate_attribute(e, x, "shape", actuals->span) : e->broken;
}

static cni_thing *data_format(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    (void)row;
    return cni_thing_text(e, "channels_last", actuals->span);
}

static cni_thing *is_keras_tensor(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    cni_thing *x = cni_actuals_tensor(actuals);
    (void)row;
    return cni_thing_bool(e, x && x->type == CNI_THING_TENSOR, actuals->span);
}

static cni_thing *clear_session(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    (void)row, (void)actuals;
    e->counter_count = 0;
    return e->none;
}

static cni_thing *identity(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    cni_thing *x = cni_actuals_tensor(actuals);
    (void)row;
    return x ? x : cni_thing_opaque(e, actuals->span);
}

/* ---- the table ---- */

static const cni_function functions[] = {
    {"keras.Sequential", sequential, NULL, NULL},
    {"keras.Model", functional, NULL, NULL},
    {"keras.Input", input, NULL, NULL},
    {"keras.layers.add", cni_function_layer, "Add", NULL},
    {"keras.layers.subtract", cni_function_layer, "Subtract", NULL},
    {"keras.layers.multiply", cni_function_layer, "Multiply", NULL},
    {"keras.layers.average", cni_function_layer, "Average", NULL},
    {"keras.layers.maximum", cni_function_layer, "Maximum", NULL},
    {"keras.layers.minimum", cni_function_layer, "Minimum", NULL},
    {"keras.layers.concatenate", cni_function_layer, "Concatenate", NULL},
    {"keras.layers.dot", cni_function_layer, "Dot", NULL},
    {"keras.layers.merge.concatenate", cni_function_layer, "Concatenate", NULL},
    {"keras.layers.merge.add", cni_function_layer, "Add", NULL},
    {"keras.ops.add", cni_function_merge, "Add", "+"},
    {"keras.ops.subtract", cni_function_merge, "Subtract", "-"},
    {"keras.ops.multiply", cni_function_merge, "Multiply", "*"},
    {"keras.ops.maximum", cni_function_merge, "Maximum", NULL},
    {"keras.ops.minimum", cni_function_merge, "Minimum", NULL},
    {"keras.ops.concatenate", cni_function_layer, "Concatenate", "axis"},
    {"tensorflow.add", cni_function_merge, "Add", "+"},
    {"tensorflow.subtract", cni_function_merge, "Subtract", "-"},
    {"tensorflow.multiply", cni_function_merge, "Multiply", "*"},
    {"tensorflow.math.add", cni_function_merge, "Add", "+"},
    {"tensorflow.math.multiply", cni_function_merge, "Multiply", "*"},
    {"tensorflow.maximum", cni_function_merge, "Maximum", NULL},
    {"tensorflow.minimum", cni_function_merge, "Minimum", NULL},
    {"tensorflow.concat", cni_function_layer, "Concatenate", "axis -name"},
    {"tensorflow.add_n", cni_function_layer, "Add", "-name"},
    {"keras.ops.reshape", reshape, NULL, NULL},
    {"tensorflow.reshape", reshape, NULL, NULL},
    {"numpy.reshape", reshape, NULL, NULL},
    {"keras.ops.mean", global_pool, "GlobalAveragePooling2D", NULL},
    {"keras.ops.max", global_pool, "GlobalMaxPooling2D", NULL},
    {"tensorflow.reduce_mean", global_pool, "GlobalAveragePooling2D", NULL},
    {"tensorflow.reduce_max", global_pool, "GlobalMaxPooling2D", NULL},
    {"tensorflow.math.reduce_mean", global_pool, "GlobalAveragePooling2D", NULL},
    {"tensorflow.math.reduce_max", global_pool, "GlobalMaxPooling2D", NULL},
    {"keras.ops.pad", pad, NULL, NULL},
    {"tensorflow.pad", pad, NULL, NULL},
    {"numpy.pad", pad, NULL, NULL},
    {"keras.ops.image.resize", resize, NULL, NULL},
    {"tensorflow.image.resize", resize, NULL, NULL},
    {"tensorflow.nn.max_pool2d", pool, "MaxPooling2D", NULL},
    {"tensorflow.nn.max_pool", pool, "MaxPooling2D", NULL},
    {"tensorflow.nn.avg_pool2d", pool, "AveragePooling2D", NULL},
    {"tensorflow.nn.avg_pool", pool, "AveragePooling2D", NULL},
    {"keras.ops.max_pool", pool, "MaxPooling2D", NULL},
    {"keras.ops.average_pool", pool, "AveragePooling2D", NULL},
    {"numpy.expand_dims", expand_dims, NULL, NULL},
    {"keras.ops.expand_dims", expand_dims, NULL, NULL},
    {"tensorflow.expand_dims", expand_dims, NULL, NULL},
    {"keras.ops.int_shape", int_shape, NULL, NULL},
    {"keras.ops.shape", int_shape, NULL, NULL},
    {"tensorflow.shape", int_shape, NULL, NULL},
    {"numpy.shape", int_shape, NULL, NULL},
    {"keras.ops.image_data_format", data_format, NULL, NULL},
    {"keras.config.image_data_format", data_format, NULL, NULL},
    {"keras.ops.is_keras_tensor", is_keras_tensor, NULL, NULL},
    {"keras.ops.clear_session", clear_session, NULL, NULL},
    {"keras.utils.clear_session", clear_session, NULL, NULL},
    {"tensorflow.identity", identity, NULL, NULL},
    {"tensorflow.stop_gradient", identity, NULL, NULL},
    {"keras.ops.stop_gradient", identity, NULL, NULL},
    {"keras.ops.convert_to_tensor", identity, NULL, NULL},
    {"tensorflow.convert_to_tensor", identity, NULL, NULL},
    {"tensorflow.cast", identity, NULL, NULL},
    {"keras.ops.cast", identity, NULL, NULL},
    {"numpy.random.rand", cni_function_array, NULL, NULL},
    {"numpy.random.randn", cni_function_array, NULL, NULL},
    {"numpy.random.random", cni_function_array, NULL, NULL},
    {"numpy.random.uniform", cni_function_array, NULL, NULL},
    {"numpy.random.normal", cni_function_array, NULL, NULL},
    {"numpy.random.randint", cni_function_array, NULL, NULL},
    {"numpy.zeros", cni_function_array, NULL, NULL},
    {"numpy.ones", cni_function_array, NULL, NULL},
    {"numpy.empty", cni_function_array, NULL, NULL},
    {"tensorflow.zeros", cni_function_array, NULL, NULL},
    {"tensorflow.ones", cni_function_array, NULL, NULL},
    {"tensorflow.random.normal", cni_function_array, NULL, NULL},
    {"tensorflow.random.uniform", cni_function_array, NULL, NULL},
    {"keras.random.normal", cni_function_array, NULL, NULL},
    {"keras.random.uniform", cni_function_array, NULL, NULL},
    {"keras.ops.zeros", cni_function_array, NULL, NULL},
    {"keras.ops.ones", cni_function_array, NULL, NULL},
};

static bool is_activation(const char *path)
{
    static const char *const modules[] = {"keras.activations", "tensorflow.nn",   "keras.ops",
                                          "keras.ops.nn",      "tensorflow.math", "tensorflow"};
    const char *last = cni_path_last(path);
    const size_t length = (size_t)(last - path) - (last > path);
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
        if (strlen(modules[i]) == length && strncmp(modules[i], path, length) == 0)
            return cni_family_find(&cni_activations, last);
    return false;
}

cni_thing *cni_keras_call(cni_evaluator *e, const char *path, cni_actuals *actuals, bool *known)
{
    *known = true;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp(functions[i].path, path) == 0) return functions[i].call(e, &functions[i], actuals);
    cni_thing *data = cni_path_under(path, "keras.datasets") ? load_data(e, path, actuals->span) : NULL;
    if (data) return data;
    if (is_activation(path)) {
        const cni_function row = {.path = path, .class_name = "Activation"};
        return activation(e, &row, actuals);
    }
    *known = false;
    return NULL;
}
