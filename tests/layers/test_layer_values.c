/* SPDX-License-Identifier: Apache-2.0
 * Numbers that layers, activations, regularizers and constraints compute, and their gradients, against Keras' (golden/:
 * see its README). */
#include "layers/layer_cases.h"

#ifdef CORNU_FORMATS
#include "golden.h"
#include "graph/ops/binary.h"
#include "graph/ops/reduce.h"
#include "graph/ops/unary.h"
#include "graph/plan.h"
#include "kernels/kernels.h"

#include <math.h>

static void compare(const char *id, const char *what, const float *ours, const float *theirs, size_t count,
                    golden_tolerance t)
{
    golden g = {.failures = 0};
    golden_compare(&g, t, id, what, ours, sizeof *ours, theirs, count);
    assert_int_equal(g.failures, 0);
}

/* ---- a graph that is run once ---- */

typedef struct bench {
    cni_graph *graph;
    cni_plan *plan;
    cni_kernels kernels;
    cni_tensor *dy;
} bench;

static void bench_open(bench *b)
{
    memset(b, 0, sizeof *b);
    b->graph = cni_graph_new();
    assert_non_null(b->graph);
    cni_kernels_init(&b->kernels, CNI_ISA_PORTABLE);
}

/* sum(dy * y), whose gradients are wanted. */
static cni_tensor *bench_loss(bench *b, cni_tensor *y)
{
    b->dy = cni_graph_input(b->graph, y->shape);
    return cni_reduce(b->graph, CNI_SUM, cni_multiply(b->graph, y, b->dy), CNI_ALL_AXES, false);
}

static void bench_plan(bench *b, const char *id, int n)
{
    cni_error error = {0};
    const cni_plan_options options = {.batch = n, .kernels = &b->kernels};
    if (b->graph->error.status) fail_msg("%s: %s", id, b->graph->error.text);
    if (cni_plan_new(b->graph, &options, &b->plan, &error)) fail_msg("%s: %s", id, error.text);
}

static void bench_put(bench *b, const cni_tensor *tensor, const float *data, int n)
{
    float *to = cni_plan_data(b->plan, tensor);
    if (to) memcpy(to, data, cni_tensor_count(tensor, n) * sizeof *to);
}

/* dy[i] = ((7 i) mod 11 - 5) / 8, as everywhere in the golden files */
static void bench_put_dy(bench *b, int n)
{
    float *dy = b->dy ? cni_plan_data(b->plan, b->dy) : NULL;
    for (size_t i = 0; dy && i < cni_tensor_count(b->dy, n); i++) dy[i] = (float)(7 * i % 11) / 8 - 5.0f / 8;
}

static const float *bench_get(const bench *b, const cni_tensor *tensor)
{
    const float *data = cni_plan_data(b->plan, tensor);
    assert_non_null(data);
    return data;
}

/* ---- layers ---- */

enum { MOST_WEIGHTS = CNI_MAX_WEIGHTS };

typedef struct layer_case {
    golden *file;
    const cni_value *golden;
    const char *id;
    workshop shop;
    cn_layer layer;
    cn_array x;
    int n;
    bench b;
    cni_tensor *in, *out, *penalty, *dx;
    cni_tensor *trainable[MOST_WEIGHTS], *dw[MOST_WEIGHTS];
    int trainable_count;
} layer_case;

static void make_layer(layer_case *c)
{
    const cni_value *layers = cni_value_get(cni_value_get(cni_value_get(c->golden, "model"), "config"), "layers");
    const cni_value *last = layers->items[1];
    cni_maker maker = workshop_maker(&c->shop);
    cni_object *config = NULL;
    const cni_kind *kind = cni_family_find(&cni_layers, golden_text(last, "class_name"));
    if (!kind) fail_msg("%s: no kind %s", c->id, golden_text(last, "class_name"));
    if (cni_object_read(&maker, kind, cni_value_get(last, "config"), c->id, &config))
        fail_msg("%s", c->shop.error.text);
    c->layer = layer_of(&c->shop, config);
    c->layer.trainable = !cni_value_get(cni_value_get(last, "config"), "trainable") ||
                         golden_true(cni_value_get(last, "config"), "trainable");
    c->layer.trained = c->layer.trainable;
}

static void build_layer(layer_case *c, cni_shape *in)
{
    cn_status status = c->layer.kind->build ? c->layer.kind->build(&c->layer, 1, in, &c->shop.error) : CN_OK;
    if (status) fail_msg("%s: %s", c->id, c->shop.error.text);
    c->layer.built = true;
    c->layer.input_shapes = in;
}

/* The row of all weights: set, or compared with what building gave. */
static void use_weights(layer_case *c, const char *key, bool compared)
{
    const char *name = golden_text(c->golden, key);
    if (!name) return;
    const cn_array row = golden_array(c->file, name);
    size_t at = 0;
    for (int i = 0; i < c->layer.weight_count; i++) {
        cni_variable *w = c->layer.weights[i];
        const size_t count = (size_t)cni_shape_count(&w->shape, 0);
        assert_true(at + count <= golden_size(&row));
        const float *theirs = (const float *)row.data + at;
        if (compared)
            compare(c->id, w->name, w->data, theirs, count, golden_tolerance_of(cni_value_get(c->golden, "tolerance")));
        else
            memcpy(w->data, theirs, count * sizeof *theirs);
        at += count;
    }
    assert_int_equal(at, golden_size(&row));
}

static void add_penalty(layer_case *c, const cni_object *regularizer, cni_tensor *w, bool of_batch)
{
    if (!regularizer) return;
    cni_tensor *one = cni_lower_regularizer(c->b.graph, regularizer, w);
    if (of_batch) one = cni_affine(c->b.graph, one, 1.0 / c->n, 0);
    c->penalty = c->penalty ? cni_add(c->b.graph, c->penalty, one) : one;
}

static void lower_layer(layer_case *c)
{
    cni_lowering lowering = {.graph = c->b.graph, .training = golden_true(c->golden, "training"), .layer = &c->layer};
    c->in->differentiable = true;
    for (int i = 0; i < c->layer.weight_count; i++) {
        cni_variable *w = c->layer.weights[i];
        if (!w->trainable || !c->layer.trainable) continue;
        cni_tensor *tensor = c->trainable[c->trainable_count++] = cni_graph_variable(c->b.graph, w);
        tensor->differentiable = true;
    }
    c->out = c->layer.kind->lower(&lowering, &c->layer, 1, &c->in);
    for (int i = 0; i < c->trainable_count; i++)
        add_penalty(c, c->trainable[i]->variable->regularizer, c->trainable[i], false);
    add_penalty(c, cni_object_of(c->layer.config, "activity_regularizer"), c->out, true);
}

static void differentiate(layer_case *c)
{
    cni_tensor *wanted[1 + MOST_WEIGHTS], *gradients[1 + MOST_WEIGHTS] = {0};
    if (!cni_value_get(c->golden, "dx")) return;
    wanted[0] = c->in;
    for (int i = 0; i < c->trainable_count; i++) wanted[i + 1] = c->trainable[i];
    cni_differentiate(c->b.graph, bench_loss(&c->b, c->out), wanted, 1 + c->trainable_count, gradients);
    c->dx = gradients[0];
    for (int i = 0; i < c->trainable_count; i++) c->dw[i] = gradients[i + 1];
    for (int i = 0; i <= c->trainable_count; i++)
        if (gradients[i]) gradients[i]->is_output = true;
}

static void compare_gradients(layer_case *c)
{
    if (!cni_value_get(c->golden, "dx")) return;
    const golden_tolerance t = golden_tolerance_of(cni_value_get(c->golden, "gradient_tolerance"));
    const cn_array dx = golden_array(c->file, cni_value_get(c->golden, "dx")->items[0]->text);
    const size_t count = golden_size(&dx);
    float *zeros = calloc(count, sizeof *zeros);
    compare(c->id, "dx", c->dx ? bench_get(&c->b, c->dx) : zeros, dx.data, count, t);
    free(zeros);
    if (!cni_value_get(c->golden, "dw")) return;
    const cn_array dw = golden_array(c->file, golden_text(c->golden, "dw"));
    size_t at = 0;
    for (int i = 0; i < c->trainable_count; i++) {
        const size_t size = cni_tensor_count(c->trainable[i], 1);
        assert_non_null(c->dw[i]);
        compare(c->id, c->trainable[i]->variable->name, bench_get(&c->b, c->dw[i]), (const float *)dw.data + at, size,
                t);
        at += size;
    }
    assert_int_equal(at, golden_size(&dw));
}

static void run_layer_case(layer_case *c)
{
    c->x = golden_array(c->file, cni_value_get(c->golden, "inputs")->items[0]->text);
    c->n = (int)c->x.shape[0];
    cni_shape in = {.rank = c->x.rank};
    memcpy(in.dims, c->x.shape, sizeof in.dims);
    in.dims[0] = CNI_UNKNOWN;
    build_layer(c, &in);
    use_weights(c, "weights", golden_true(c->golden, "initial"));
    bench_open(&c->b);
    c->in = cni_graph_input(c->b.graph, in);
    lower_layer(c);
    differentiate(c);
    c->out->is_output = true;
    if (c->penalty) c->penalty->is_output = true;
    bench_plan(&c->b, c->id, c->n);
    bench_put(&c->b, c->in, c->x.data, c->n);
    bench_put_dy(&c->b, c->n);
    cni_plan_run(c->b.plan, CNI_GRADIENTS, c->n);
    const cn_array y = golden_array(c->file, cni_value_get(c->golden, "outputs")->items[0]->text);
    assert_int_equal(golden_size(&y), cni_tensor_count(c->out, c->n));
    compare(c->id, "y", bench_get(&c->b, c->out), y.data, golden_size(&y),
            golden_tolerance_of(cni_value_get(c->golden, "tolerance")));
    compare_gradients(c);
    const cni_value *losses = cni_value_get(c->golden, "losses");
    assert_int_equal(losses != NULL, c->penalty != NULL);
    if (losses)
        compare(c->id, "losses", bench_get(&c->b, c->penalty), &(float){(float)losses->real}, 1,
                (golden_tolerance){1e-5, 1e-6});
    use_weights(c, "after", true);
    cni_plan_free(c->b.plan);
}

static void run_layer_file(const char *name)
{
    golden file;
    char path[100];
    snprintf(path, sizeof path, "layers/%s.json", name);
    golden_open(&file, path);
    for (size_t i = 0; i < file.cases->count; i++) {
        layer_case c = {.file = &file, .golden = file.cases->items[i], .id = golden_text(file.cases->items[i], "id")};
        workshop_open(&c.shop);
        make_layer(&c);
        run_layer_case(&c);
        cni_layer_free_weights(&c.layer);
        workshop_close(&c.shop);
    }
    golden_close(&file);
}

#define LAYER_TEST(name)                                                                                               \
    static void name##_layers_compute_what_keras_computes(void **state)                                                \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        run_layer_file(#name);                                                                                         \
    }
LAYER_TEST(conv2d)
LAYER_TEST(depthwise_conv2d)
LAYER_TEST(transposed)
LAYER_TEST(dense)
LAYER_TEST(pooling)
LAYER_TEST(shapes)
LAYER_TEST(activation_layers)
LAYER_TEST(batch_normalization)

/* ---- activations, regularizers, constraints ---- */

typedef cni_tensor *lowering_of(cni_graph *graph, const cni_object *object, cni_tensor *x);

/* y = f(x), and dx of sum(dy y) unless dx is NULL; what is written is as large as y and x. */
static void evaluate(const char *id, lowering_of *f, const cni_object *object, const cn_array *x, float *y, float *dx)
{
    bench b;
    cni_shape shape = {.rank = x->rank};
    cni_tensor *gradient = NULL;
    memcpy(shape.dims, x->shape, sizeof shape.dims);
    bench_open(&b);
    cni_tensor *in = cni_graph_input(b.graph, shape);
    in->differentiable = dx != NULL;
    cni_tensor *out = f(b.graph, object, in);
    out->is_output = true;
    if (dx) cni_differentiate(b.graph, out->shape.rank ? bench_loss(&b, out) : out, &in, 1, &gradient);
    if (gradient) gradient->is_output = true;
    bench_plan(&b, id, 1);
    bench_put(&b, in, x->data, 1);
    bench_put_dy(&b, 1);
    cni_plan_run(b.plan, CNI_GRADIENTS, 1);
    memcpy(y, bench_get(&b, out), cni_tensor_count(out, 1) * sizeof *y);
    if (gradient) memcpy(dx, bench_get(&b, gradient), cni_tensor_count(in, 1) * sizeof *dx);
    cni_plan_free(b.plan);
}

/* A case of its own: the object, room for results. */
typedef struct object_case {
    workshop shop;
    cni_object *object;
    cn_array x;
    size_t count;
    float *y, *dx;
} object_case;

static void open_object(object_case *c, const cni_family *family, const cni_value *value, const char *id)
{
    memset(c, 0, sizeof *c);
    workshop_open(&c->shop);
    cni_maker maker = workshop_maker(&c->shop);
    if (cni_object_make(&maker, family, value, id, &c->object)) fail_msg("%s", c->shop.error.text);
}

static void use_input(object_case *c, cn_array x)
{
    c->x = x;
    c->count = golden_size(&x);
    c->y = realloc(c->y, (c->count + 1) * sizeof *c->y);
    c->dx = realloc(c->dx, (c->count + 1) * sizeof *c->dx);
}

static void close_object(object_case *c)
{
    free(c->y);
    free(c->dx);
    workshop_close(&c->shop);
}

/* {"function", "arguments"} as the dict of an object. */
static const cni_value *activation_value(golden *file, const cni_value *entry)
{
    const char *function = golden_text(entry, "function");
    if (!function) return cni_value_text(&file->arena, golden_text(entry, "id"));
    cni_value *value = cni_value_dict(&file->arena), *arguments = cni_value_dict(&file->arena);
    const cni_value *given = cni_value_get(entry, "arguments");
    for (size_t i = 0; i < given->count; i++) cni_value_add(&file->arena, arguments, given->keys[i], given->items[i]);
    cni_value_add(&file->arena, value, "class_name", cni_value_text(&file->arena, function));
    cni_value_add(&file->arena, value, "config", arguments);
    return value;
}

static void check_activation(golden *file, const cni_value *entry)
{
    object_case c;
    const char *id = golden_text(entry, "id"), *dx = golden_text(entry, "dx");
    const golden_tolerance t = golden_tolerance_of(cni_value_get(entry, "tolerance"));
    open_object(&c, &cni_activations, activation_value(file, entry), id);
    use_input(&c, golden_array(file, golden_text(entry, "input")));
    const cn_array y = golden_array(file, golden_text(entry, "output"));
    evaluate(id, cni_lower_activation, c.object, &c.x, c.y, dx ? c.dx : NULL);
    compare(id, "y", c.y, y.data, golden_size(&y), t);
    cni_shape shape = {.rank = c.x.rank};
    memcpy(shape.dims, c.x.shape, sizeof shape.dims);
    if (strcmp(id, "softmax-axis-0") != 0)
        assert_int_equal(cni_activation_shape(c.object, &shape, &c.shop.error), CN_OK);
    assert_int_equal(cni_shape_count(&shape, 0), golden_size(&y));
    if (dx) compare(id, "dx", c.dx, golden_array(file, dx).data, c.count, t);
    if (golden_text(entry, "ties")) {
        use_input(&c, golden_array(file, "ties"));
        const cn_array ties = golden_array(file, golden_text(entry, "ties"));
        evaluate(id, cni_lower_activation, c.object, &c.x, c.y, NULL);
        compare(id, "ties", c.y, ties.data, golden_size(&ties), t);
    }
    close_object(&c);
}

static void activations_compute_what_keras_computes(void **state)
{
    (void)state;
    golden file;
    golden_open(&file, "activations.json");
    for (size_t i = 0; i < file.cases->count; i++) check_activation(&file, file.cases->items[i]);
    golden_close(&file);
}

static cni_tensor *constrain(cni_graph *graph, const cni_object *constraint, cni_tensor *w)
{
    return cni_lower_constraint(graph, constraint, w, 1e-7);
}

static void check_weight_object(golden *file, const cni_value *entry)
{
    object_case c;
    const char *id = golden_text(entry, "id");
    const golden_tolerance t = golden_tolerance_of(cni_value_get(file->head, "tolerance"));
    const cni_value *regularizer = cni_value_get(entry, "regularizer");
    open_object(&c, regularizer ? &cni_regularizers : &cni_constraints,
                regularizer ? regularizer : cni_value_get(entry, "constraint"), id);
    use_input(&c, golden_array(file, golden_text(entry, "on")));
    if (regularizer) {
        memset(c.dx, 0, c.count * sizeof *c.dx);
        evaluate(id, cni_lower_regularizer, c.object, &c.x, c.y, c.dx);
        compare(id, "value", c.y, &(float){(float)cni_value_get(entry, "value")->real}, 1,
                (golden_tolerance){1e-5, 1e-7});
        compare(id, "gradient", c.dx, golden_array(file, golden_text(entry, "gradient")).data, c.count,
                (golden_tolerance){1e-5, 1e-6});
    } else {
        evaluate(id, constrain, c.object, &c.x, c.y, NULL);
        compare(id, "result", c.y, golden_array(file, golden_text(entry, "result")).data, c.count, t);
    }
    close_object(&c);
}

static void regularizers_and_constraints_compute_what_keras_computes(void **state)
{
    (void)state;
    golden file;
    golden_open(&file, "learning/weights.json");
    for (size_t i = 0; i < file.cases->count; i++) check_weight_object(&file, file.cases->items[i]);
    golden_close(&file);
}

/* Keras: scale is reshaped to (C, 1, 1) where keras.json says channels_first, offset is not. */
static void lists_of_scales_follow_the_context(void **state)
{
    (void)state;
    static const float x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, expected[8] = {10, 120, 30, 140, 150, 280, 210, 340};
    workshop shop;
    bench b;
    workshop_open(&shop);
    cni_maker maker = workshop_maker(&shop);
    cni_object *config = NULL;
    maker.data_format = CN_CHANNELS_FIRST;
    assert_int_equal(cni_object_make(&maker, &cni_layers, workshop_value(&shop, "Rescaling([10, 30], offset=[0, 100])"),
                                     "it", &config),
                     CN_OK);
    cn_layer layer = layer_of(&shop, config);
    cni_shape in = CNI_SHAPE(CNI_UNKNOWN, 2, 2, 2), out;
    assert_int_equal(layer.kind->output_shape(&layer, 1, &in, &out, &shop.error), CN_OK);
    assert_true(cni_shape_equal(&in, &out));
    bench_open(&b);
    cni_lowering lowering = {.graph = b.graph, .layer = &layer};
    cni_tensor *from = cni_graph_input(b.graph, in), *to = layer.kind->lower(&lowering, &layer, 1, &from);
    to->is_output = true;
    bench_plan(&b, "rescaling", 1);
    bench_put(&b, from, x, 1);
    cni_plan_run(b.plan, CNI_GRADIENTS, 1);
    compare("rescaling", "y", bench_get(&b, to), expected, 8, (golden_tolerance){0, 0});
    cni_plan_free(b.plan);
    workshop_close(&shop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv2d_layers_compute_what_keras_computes),
        cmocka_unit_test(depthwise_conv2d_layers_compute_what_keras_computes),
        cmocka_unit_test(transposed_layers_compute_what_keras_computes),
        cmocka_unit_test(dense_layers_compute_what_keras_computes),
        cmocka_unit_test(pooling_layers_compute_what_keras_computes),
        cmocka_unit_test(shapes_layers_compute_what_keras_computes),
        cmocka_unit_test(activation_layers_layers_compute_what_keras_computes),
        cmocka_unit_test(batch_normalization_layers_compute_what_keras_computes),
        cmocka_unit_test(activations_compute_what_keras_computes),
        cmocka_unit_test(regularizers_and_constraints_compute_what_keras_computes),
        cmocka_unit_test(lists_of_scales_follow_the_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void)
{
    puts("built without formats: the golden files cannot be read");
    return 77;
}
#endif
