/* SPDX-License-Identifier: Apache-2.0
 * Activations against Keras' numbers (golden/activations.json), on every instruction set that this machine has and in
 * double: values and slopes, also at the corners, far out, and for what is no number. */
#ifdef CORNU_FORMATS
#include "golden_models.h"

#include "graph/ops/binary.h"
#include "graph/ops/reduce.h"
#include "graph/plan.h"

enum { MOST = 512, TILES = 5 };

typedef struct subject {
    golden *g;
    const cni_kernels *kernels;
    const cni_object *object;
    char label[100];
    double y[MOST], dx[MOST];
    size_t count; /* of y */
} subject;

static double number_at(const subject *s, const void *data, size_t i)
{
    return s->kernels->real_size == 8 ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

static void put(const subject *s, void *data, size_t i, double value)
{
    if (s->kernels->real_size == 8)
        ((double *)data)[i] = value;
    else
        ((float *)data)[i] = (float)value;
}

/* dy of golden/README.md, or all ones. */
static double seed_at(size_t i, bool ones)
{
    return ones ? 1 : (double)(7 * i % 11) / 8 - 5.0 / 8;
}

/* y = f(x), and the gradient of sum(dy * y). */
static void run(subject *s, cni_shape shape, const double *x, bool ones)
{
    cni_error error = {0};
    cni_plan *plan;
    cni_graph *graph = cni_graph_new();
    cni_tensor *in = cni_graph_input(graph, shape), *gradient = NULL;
    in->differentiable = true;
    cni_tensor *out = cni_lower_activation(graph, s->object, in);
    if (out == in) out = cni_multiply(graph, in, cni_graph_constant(graph, CNI_SHAPE(1), 1));
    cni_tensor *dy = cni_graph_input(graph, out->shape);
    out->is_output = true;
    cni_differentiate(graph, cni_reduce(graph, CNI_SUM, cni_multiply(graph, out, dy), CNI_ALL_AXES, false), &in, 1,
                      &gradient);
    assert_non_null(gradient);
    gradient->is_output = true;
    const cni_plan_options options = {.batch = 1, .kernels = s->kernels};
    if (cni_plan_new(graph, &options, &plan, &error)) fail_msg("%s: %s", s->label, error.text);
    const size_t count = cni_tensor_count(in, 1);
    s->count = cni_tensor_count(out, 1);
    assert_true(count <= MOST && s->count <= MOST);
    for (size_t i = 0; i < count; i++) put(s, cni_plan_data(plan, in), i, x[i]);
    for (size_t i = 0; i < s->count; i++) put(s, cni_plan_data(plan, dy), i, seed_at(i, ones));
    cni_plan_run(plan, CNI_GRADIENTS, 1);
    for (size_t i = 0; i < s->count; i++) s->y[i] = number_at(s, cni_plan_data(plan, out), i);
    for (size_t i = 0; i < count; i++) s->dx[i] = number_at(s, cni_plan_data(plan, gradient), i);
    cni_plan_free(plan);
}

static void run_array(subject *s, const cn_array *array)
{
    double x[MOST];
    cni_shape shape = {.rank = array->rank};
    memcpy(shape.dims, array->shape, sizeof shape.dims);
    assert_true(golden_size(array) <= MOST);
    for (size_t i = 0; i < golden_size(array); i++) x[i] = (double)((const float *)array->data)[i];
    run(s, shape, x, false);
}

/* The same few numbers several times over, so that whole vectors and what is left behind them meet each. */
static void run_tiled(subject *s, const double *x, size_t count)
{
    double tiled[MOST];
    assert_true(count * TILES <= MOST);
    for (size_t i = 0; i < count * TILES; i++) tiled[i] = x[i % count];
    run(s, CNI_SHAPE((int64_t)(count * TILES)), tiled, true);
}

static void compare(subject *s, golden_tolerance t, const char *what, const double *ours, const cn_array *theirs)
{
    golden_compare(s->g, t, s->label, what, ours, 8, theirs->data, golden_size(theirs));
}

static void compare_tiled(subject *s, golden_tolerance t, const char *what, const double *x, const double *ours,
                          const double *theirs, size_t count)
{
    for (size_t i = 0; i < count * TILES; i++)
        if (!golden_close_to(t, ours[i], theirs[i % count])) {
            golden_fail(s->g, "%s: %s at %g is %.9g, Keras has %.9g", s->label, what, x[i % count], ours[i],
                        theirs[i % count]);
            return;
        }
}

static void check_special(subject *s, const cni_value *c, golden_tolerance t)
{
    const double x[4] = {NAN, -INFINITY, INFINITY, -0.0};
    const cni_value *special = cni_value_get(c, "special");
    double theirs[4];
    if (!special) return;
    for (int i = 0; i < 4; i++) theirs[i] = golden_number(special->items[i]);
    run_tiled(s, x, 4);
    compare_tiled(s, t, "value", x, s->y, theirs, 4);
}

static void check_corners(subject *s, const cni_value *c, golden_tolerance t)
{
    const double x[9] = {-6, -3, -1, -0.5, 0, 0.5, 1, 3, 6};
    const cni_value *slopes = cni_value_get(c, "corner_slopes");
    double theirs[9];
    if (!slopes) return;
    for (int i = 0; i < 9; i++) theirs[i] = golden_number(slopes->items[i]);
    run_tiled(s, x, 9);
    compare_tiled(s, t, "slope", x, s->dx, theirs, 9);
}

static void check_extreme(subject *s, const cni_value *c, golden_tolerance t)
{
    const cn_array theirs = golden_of(s->g, c, "extreme");
    if (!theirs.data || s->kernels->real_size == 8) return; /* double goes further before it is infinite */
    const cn_array x = golden_array(s->g, "extreme");
    const size_t count = golden_size(&x);
    double in[64], out[64];
    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++) in[i] = (double)((const float *)x.data)[i];
    for (size_t i = 0; i < count; i++) out[i] = (double)((const float *)theirs.data)[i];
    run_tiled(s, in, count);
    compare_tiled(s, t, "value", in, s->y, out, count);
}

/* {"function", "arguments"} as the dict of an object. */
static const cni_value *described(golden *g, const cni_value *c)
{
    const char *function = golden_text(c, "function");
    if (!function) return cni_value_text(&g->arena, golden_id(c));
    cni_value *value = cni_value_dict(&g->arena), *config = cni_value_dict(&g->arena);
    const cni_value *given = cni_value_get(c, "arguments");
    for (size_t i = 0; i < given->count; i++) cni_value_add(&g->arena, config, given->keys[i], given->items[i]);
    cni_value_add(&g->arena, value, "class_name", cni_value_text(&g->arena, function));
    cni_value_add(&g->arena, value, "config", config);
    return value;
}

static void check(golden *g, const cni_value *c, const cni_kernels *kernels)
{
    cni_error error = {0};
    cni_object *object = NULL;
    const cni_maker maker = {.arena = &g->arena, .data_format = CN_CHANNELS_LAST, .error = &error};
    if (cni_object_make(&maker, &cni_activations, described(g, c), golden_id(c), &object)) fail_msg("%s", error.text);
    subject s = {.g = g, .kernels = kernels, .object = object};
    const golden_tolerance t = golden_tolerance_of(cni_value_get(c, "tolerance"));
    snprintf(s.label, sizeof s.label, "%s (%s)", golden_id(c), kernels->name);
    const cn_array x = golden_array(g, golden_text(c, "input")), y = golden_of(g, c, "output");
    const cn_array dx = golden_of(g, c, "dx"), ties = golden_of(g, c, "ties");
    run_array(&s, &x);
    compare(&s, t, "y", s.y, &y);
    if (dx.data) compare(&s, t, "dx", s.dx, &dx);
    if (ties.data) {
        const cn_array on = golden_array(g, "ties");
        run_array(&s, &on);
        compare(&s, t, "ties", s.y, &ties);
    }
    check_special(&s, c, t);
    check_corners(&s, c, t);
    check_extreme(&s, c, t);
}

static void activations_are_as_in_keras(void **state)
{
    (void)state;
    golden g;
    cni_kernels kernels[CNI_ISA_COUNT + 1];
    cni_isa isas[CNI_ISA_COUNT];
    const int count = golden_isas(isas);
    for (int i = 0; i < count; i++) cni_kernels_init(&kernels[i], isas[i]);
    cni_kernels_init_double(&kernels[count]);
    golden_open(&g, "activations.json");
    for (size_t i = 0; i < g.cases->count; i++)
        for (int k = 0; k <= count; k++) check(&g, g.cases->items[i], &kernels[k]);
    golden_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(activations_are_as_in_keras)};
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
