/* SPDX-License-Identifier: Apache-2.0
 * Every layer with every argument, and small graphs, as whole models against Keras' numbers (golden/layers/): on every
 * instruction set that this machine has, and in double. */
#ifdef CORNU_FORMATS
#include "golden_models.h"

#include "graph/ops/binary.h"
#include "graph/ops/reduce.h"
#include "graph/plan.h"

#include <inttypes.h>

enum { MOST_WEIGHTS = 32 };

typedef struct trial {
    golden *g;
    const cni_value *c;
    const char *id;
    char label[160];
    const cni_kernels *kernels;
    cn_context *context;
    cn_model *model;
    cni_graph *graph;
    cni_plan *plan;
    int n, weights;
    cn_array x[CN_MAX_ARRAYS];
    cni_tensor *in[CN_MAX_ARRAYS], *out[CN_MAX_ARRAYS], *dy[CN_MAX_ARRAYS];
    cni_tensor *weight[MOST_WEIGHTS], *loss, *penalty;
    cni_tensor *gradient[CN_MAX_ARRAYS + MOST_WEIGHTS];
} trial;

/* ---- what is known before anything runs ---- */

/* Where Keras promises another shape than it computes (the halves of glu), what it computes counts. */
static bool same_shape(const cni_value *symbolic, const cn_array *y, int rank, const int64_t *shape)
{
    bool same = rank == (int)symbolic->count && rank == y->rank;
    for (int k = 0; same && k < rank; k++)
        same = shape[k] == (symbolic->items[k]->type == CNI_NULL ? CN_NONE : y->shape[k]);
    return same;
}

static void check_shapes(trial *t)
{
    const cni_value *symbolic = cni_value_get(t->c, "symbolic"), *names = cni_value_get(t->c, "outputs");
    assert_int_equal(cn_output_count(t->model), symbolic->count);
    for (int i = 0; i < (int)symbolic->count; i++) {
        int64_t shape[CN_MAX_RANK];
        const int rank = cn_output_shape(t->model, i, shape);
        const cn_array y = golden_array(t->g, names->items[i]->text);
        if (!same_shape(symbolic->items[i], &y, rank, shape))
            golden_fail(t->g, "%s: output %d has another shape than in Keras", t->id, i);
    }
    if (cn_count_params(t->model) != cni_value_get(t->c, "params")->integer)
        golden_fail(t->g, "%s: %" PRId64 " params", t->id, cn_count_params(t->model));
}

static const char *json_of(golden *g, const cni_value *value)
{
    cni_error error = {0};
    cni_bytes text = {0};
    if (cni_json_write(&g->arena, value, 0, &text, &error)) fail_msg("%s", error.text);
    return (const char *)text.data;
}

/* Every key that we write is Keras', in Keras' order and with Keras' value, though -1 may be -1.0.  Keras writes more:
 * what Cornu has not (renorm, input_axes), and a whole policy for "float32". */
static bool matches(golden *g, const cni_value *ours, const cni_value *theirs)
{
    const bool numbers = ours->type == CNI_INT || ours->type == CNI_REAL;
    size_t at = 0;
    if (theirs->type == CNI_DICT && ours->type == CNI_TEXT)
        return strcmp(golden_text(theirs, "class_name"), "DTypePolicy") == 0 && strcmp(ours->text, "float32") == 0;
    if (numbers && (theirs->type == CNI_INT || theirs->type == CNI_REAL)) return ours->real == theirs->real;
    if (ours->type != CNI_DICT || theirs->type != CNI_DICT) return strcmp(json_of(g, ours), json_of(g, theirs)) == 0;
    for (size_t i = 0; i < ours->count; i++, at++) {
        while (at < theirs->count && strcmp(theirs->keys[at], ours->keys[i]) != 0) at++;
        if (at == theirs->count || !matches(g, ours->items[i], theirs->items[at])) return false;
    }
    return true;
}

static void check_config(trial *t)
{
    const cni_value *theirs = cni_value_get(t->c, "config");
    if (!theirs) return;
    const cn_layer *last = cn_layer_at(t->model, cn_layer_count(t->model) - 1);
    const cni_value *ours = cni_object_config(&t->g->arena, last->config);
    if (!matches(t->g, ours, theirs))
        golden_fail(t->g, "%s: config is\n%s\nKeras writes\n%s", t->id, json_of(t->g, ours), json_of(t->g, theirs));
}

/* ---- a graph that is run once ---- */

static void collect(void *user, cn_layer *layer, cni_variable *weight, bool frozen)
{
    (void)layer;
    trial *t = user;
    if (frozen || !weight->trainable) return;
    assert_true(t->weights < MOST_WEIGHTS);
    cni_tensor *w = t->weight[t->weights++] = cni_graph_variable(t->graph, weight);
    w->differentiable = true;
    if (!weight->regularizer) return;
    cni_tensor *own = cni_lower_regularizer(t->graph, weight->regularizer, w);
    t->penalty = t->penalty ? cni_add(t->graph, t->penalty, own) : own;
}

static void lower(trial *t)
{
    cni_error error = {0};
    t->graph = cni_graph_new();
    for (int i = 0; i < cn_input_count(t->model); i++) {
        cni_shape shape = {.rank = t->x[i].rank};
        memcpy(shape.dims, t->x[i].shape, sizeof shape.dims);
        shape.dims[0] = CNI_UNKNOWN;
        t->in[i] = cni_graph_input(t->graph, shape);
        t->in[i]->differentiable = cni_value_get(t->c, "dx") != NULL;
    }
    cni_lowering lowering = {.graph = t->graph, .training = golden_true(t->c, "training"), .penalize = true};
    cni_model_weights(t->model, collect, t);
    if (cni_model_lower(t->model, &lowering, t->in, t->out, &error)) fail_msg("%s: %s", t->id, error.text);
    if (lowering.penalty) t->penalty = t->penalty ? cni_add(t->graph, t->penalty, lowering.penalty) : lowering.penalty;
    if (t->penalty) t->penalty->is_output = true;
    for (int i = 0; i < cn_output_count(t->model); i++) t->out[i]->is_output = true;
}

/* The loss is sum(dy * y) over all outputs. */
static void differentiate(trial *t)
{
    cni_tensor *wanted[CN_MAX_ARRAYS + MOST_WEIGHTS];
    const int inputs = cn_input_count(t->model);
    for (int i = 0; i < cn_output_count(t->model); i++) {
        t->dy[i] = cni_graph_input(t->graph, t->out[i]->shape);
        cni_tensor *sum =
            cni_reduce(t->graph, CNI_SUM, cni_multiply(t->graph, t->out[i], t->dy[i]), CNI_ALL_AXES, false);
        t->loss = t->loss ? cni_add(t->graph, t->loss, sum) : sum;
    }
    for (int i = 0; i < inputs; i++) wanted[i] = t->in[i];
    for (int i = 0; i < t->weights; i++) wanted[inputs + i] = t->weight[i];
    cni_differentiate(t->graph, t->loss, wanted, inputs + t->weights, t->gradient);
    for (int i = 0; i < inputs + t->weights; i++)
        if (t->gradient[i]) t->gradient[i]->is_output = true;
}

static void put(trial *t, const cni_tensor *tensor, size_t i, double value)
{
    void *data = cni_plan_data(t->plan, tensor);
    if (data && t->kernels->real_size == 8) ((double *)data)[i] = value;
    if (data && t->kernels->real_size == 4) ((float *)data)[i] = (float)value;
}

static void run(trial *t)
{
    cni_error error = {0};
    const cni_plan_options options = {.batch = t->n + 1, .kernels = t->kernels};
    if (cni_plan_new(t->graph, &options, &t->plan, &error)) fail_msg("%s: %s", t->id, error.text);
    for (int i = 0; i < cn_input_count(t->model); i++)
        for (size_t k = 0; k < golden_size(&t->x[i]); k++)
            put(t, t->in[i], k, (double)((const float *)t->x[i].data)[k]);
    for (int i = 0; i < cn_output_count(t->model); i++)
        for (size_t k = 0; t->dy[i] && k < cni_tensor_count(t->dy[i], t->n); k++)
            put(t, t->dy[i], k, (double)(7 * k % 11) / 8 - 5.0 / 8);
    cni_plan_run(t->plan, CNI_GRADIENTS, t->n);
}

/* ---- against Keras ---- */

static void compare(trial *t, const char *what, const cni_tensor *tensor, const float *theirs, size_t count,
                    golden_tolerance tolerance)
{
    static const double zeros[4096];
    assert_true(tensor || count <= 4096);
    if (tensor) assert_int_equal(cni_tensor_count(tensor, t->n), count);
    golden_compare(t->g, tolerance, t->label, what, tensor ? cni_plan_data(t->plan, tensor) : zeros,
                   t->kernels->real_size, theirs, count);
}

static void compare_outputs(trial *t)
{
    const cni_value *names = cni_value_get(t->c, "outputs");
    for (size_t i = 0; i < golden_count(names); i++) {
        const cn_array y = golden_array(t->g, names->items[i]->text);
        compare(t, "y", t->out[i], y.data, golden_size(&y), golden_tolerance_of(cni_value_get(t->c, "tolerance")));
    }
    const cni_value *losses = cni_value_get(t->c, "losses");
    if ((losses != NULL) != (t->penalty != NULL)) golden_fail(t->g, "%s: losses are missing, or too many", t->label);
    if (losses && t->penalty)
        compare(t, "losses", t->penalty, &(float){(float)losses->real}, 1, (golden_tolerance){1e-5, 1e-6});
}

static void compare_gradients(trial *t)
{
    const cni_value *names = cni_value_get(t->c, "dx");
    const int inputs = cn_input_count(t->model);
    if (!names) return;
    const golden_tolerance tolerance = golden_tolerance_of(cni_value_get(t->c, "gradient_tolerance"));
    assert_int_equal(names->count, inputs);
    for (int i = 0; i < inputs; i++) {
        const cn_array dx = golden_array(t->g, names->items[i]->text);
        compare(t, "dx", t->gradient[i], dx.data, golden_size(&dx), tolerance);
    }
    const cn_array dw = golden_of(t->g, t->c, "dw");
    const float *theirs = dw.data;
    if (!theirs) return;
    for (int i = 0; i < t->weights; i++) {
        const size_t count = cni_tensor_count(t->weight[i], 1);
        compare(t, t->weight[i]->variable->name, t->gradient[inputs + i], theirs, count, tolerance);
        theirs += count;
    }
    assert_int_equal((size_t)(theirs - (const float *)dw.data), golden_size(&dw));
}

/* What the user calls gives the same. */
static void compare_predictions(trial *t)
{
    const cni_value *names = cni_value_get(t->c, "outputs");
    cn_predict_args args = {.struct_size = sizeof args, .batch_size = 2};
    if (golden_true(t->c, "training")) return;
    for (int i = 0; i < cn_input_count(t->model); i++) args.inputs[i] = t->x[i];
    const cn_array *y = cn_model_predict(t->model, &args);
    if (!y) {
        golden_fail(t->g, "%s: %s", t->label, cn_error(t->model));
        return;
    }
    for (size_t i = 0; i < golden_count(names); i++) {
        const cn_array theirs = golden_array(t->g, names->items[i]->text);
        bool same = y[i].rank == theirs.rank;
        for (int k = 0; same && k < theirs.rank; k++) same = y[i].shape[k] == theirs.shape[k];
        if (!same) golden_fail(t->g, "%s: predict gives output %zu another shape", t->label, i);
        if (same)
            golden_compare(t->g, golden_tolerance_of(cni_value_get(t->c, "tolerance")), t->label, "prediction",
                           y[i].data, 4, theirs.data, golden_size(&theirs));
    }
}

/* ---- a case ---- */

static void run_case(golden *g, const cni_value *c, cni_isa isa, bool in_double)
{
    cni_kernels doubles;
    cni_kernels_init_double(&doubles);
    trial t = {.g = g, .c = c, .id = golden_id(c), .context = golden_context(isa)};
    t.kernels = in_double ? &doubles : &t.context->kernels;
    snprintf(t.label, sizeof t.label, "%s (%s)", t.id, t.kernels->name);
    t.model = golden_model(c, t.context, false);
    const cni_value *inputs = cni_value_get(c, "inputs");
    assert_int_equal(cn_input_count(t.model), inputs->count);
    for (size_t i = 0; i < inputs->count; i++) t.x[i] = golden_array(g, inputs->items[i]->text);
    t.n = (int)t.x[0].shape[0];
    check_shapes(&t);
    if (in_double) check_config(&t);
    if (golden_true(c, "initial"))
        golden_weight_bits(g, c, t.model, "weights");
    else
        golden_set_weights(g, c, t.model, "weights");
    if (!in_double) compare_predictions(&t);
    lower(&t);
    if (cni_value_get(c, "dx")) differentiate(&t);
    run(&t);
    compare_outputs(&t);
    compare_gradients(&t);
    if (golden_text(c, "after") && !in_double)
        golden_compare_weights(g, c, t.model, "after", golden_tolerance_of(cni_value_get(c, "tolerance")));
    cni_plan_free(t.plan);
    cn_model_free(t.model);
    cn_context_free(t.context);
}

static void run_file(const char *name)
{
    golden g;
    cni_isa isas[CNI_ISA_COUNT];
    const int count = golden_isas(isas);
    golden_open(&g, name);
    for (size_t i = 0; i < g.cases->count; i++) {
        for (int k = 0; k < count; k++) run_case(&g, g.cases->items[i], isas[k], false);
        run_case(&g, g.cases->items[i], CNI_ISA_PORTABLE, true);
    }
    golden_close(&g);
}

#define LAYERS(name)                                                                                                   \
    static void name##_is_as_in_keras(void **state)                                                                    \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        run_file("layers/" #name ".json");                                                                             \
    }
LAYERS(conv2d)
LAYERS(depthwise_conv2d)
LAYERS(transposed)
LAYERS(dense)
LAYERS(pooling)
LAYERS(shapes)
LAYERS(activation_layers)
LAYERS(batch_normalization)
LAYERS(graphs)
LAYERS(normalizations)
LAYERS(others)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv2d_is_as_in_keras),
        cmocka_unit_test(depthwise_conv2d_is_as_in_keras),
        cmocka_unit_test(transposed_is_as_in_keras),
        cmocka_unit_test(dense_is_as_in_keras),
        cmocka_unit_test(pooling_is_as_in_keras),
        cmocka_unit_test(shapes_is_as_in_keras),
        cmocka_unit_test(activation_layers_is_as_in_keras),
        cmocka_unit_test(batch_normalization_is_as_in_keras),
        cmocka_unit_test(graphs_is_as_in_keras),
        cmocka_unit_test(normalizations_is_as_in_keras),
        cmocka_unit_test(others_is_as_in_keras),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
#include <stdio.h>

int main(void)
{
    puts("built without formats: the golden files cannot be read");
    return 77;
}
#endif
