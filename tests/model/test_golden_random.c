/* SPDX-License-Identifier: Apache-2.0
 * Random numbers against Keras' (golden/random.json), to the last bit: seeds, draws, initializers, masks of dropout,
 * the initial weights of whole models. */
#ifdef CORNU_FORMATS
#include "golden_models.h"

#include "base/random.h"
#include "graph/plan.h"

#include <inttypes.h>

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* The fingerprint of an array: first values, exclusive or, sum. */
static void compare_fingerprint(golden *g, const char *id, const float *ours, size_t count, const cni_value *theirs)
{
    const cni_value *first = cni_value_get(theirs, "first");
    uint32_t xor = 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        xor ^= bits_of(ours[i]);
        sum += bits_of(ours[i]);
    }
    for (size_t i = 0; i < first->count; i++)
        if (bits_of(ours[i]) != strtoul(first->items[i]->text, NULL, 16)) {
            golden_fail(g, "%s: value %zu is %08" PRIx32 ", in Keras %s", id, i, bits_of(ours[i]),
                        first->items[i]->text);
            return;
        }
    if (xor != strtoul(golden_text(theirs, "xor"), NULL, 16) || sum != strtoull(golden_text(theirs, "sum"), NULL, 16))
        golden_fail(g, "%s: some value of %zu is not Keras'", id, count);
}

/* ---- set_random_seed ---- */

static void compare_seed(golden *g, const cni_value *c)
{
    const cni_value *seeds = cni_value_get(c, "default_seeds"), *orders = cni_value_get(c, "permutations");
    cn_context *context = cn_context_new();
    size_t order[64];
    cn_context_set_random_seed(context, (uint32_t)cni_value_get(c, "seed")->integer);
    for (size_t i = 0; i < seeds->count; i++) {
        const uint32_t own = cni_py_default_seed(&context->python);
        if (own != (uint32_t)seeds->items[i]->integer) golden_fail(g, "default seed %zu is %" PRIu32, i, own);
    }
    for (size_t i = 0; i < orders->count; i++) {
        const cni_value *theirs = orders->items[i];
        assert_true(theirs->count <= 64);
        cni_np_permutation(&context->numpy, order, theirs->count);
        for (size_t k = 0; k < theirs->count; k++)
            if (order[k] != (size_t)theirs->items[k]->integer) golden_fail(g, "permutation %zu is another one", i);
    }
    cn_context_free(context);
}

static void seeds_and_orders(void **state)
{
    (void)state;
    golden g;
    golden_open(&g, "random.json");
    const cni_value *cases = cni_value_get(g.head, "seeds");
    for (size_t i = 0; i < cases->count; i++) compare_seed(&g, cases->items[i]);
    golden_close(&g);
}

/* ---- keras.random ---- */

enum { DRAWS = 1000 };

static void draws(void **state)
{
    (void)state;
    golden g;
    float values[DRAWS];
    golden_open(&g, "random.json");
    const cni_value *cases = cni_value_get(g.head, "draws");
    for (size_t i = 0; i < cases->count; i++) {
        const cni_value *c = cases->items[i], *whole = cni_value_get(c, "randint");
        const cni_key key = {(uint32_t)cni_value_get(c, "seed")->integer, 0};
        cni_fill_uniform(values, 0, DRAWS, key, -0.3f, 0.3f);
        compare_fingerprint(&g, "uniform", values, DRAWS, cni_value_get(c, "uniform"));
        cni_fill_normal(values, 0, DRAWS, key, 0.5f, 2);
        compare_fingerprint(&g, "normal", values, DRAWS, cni_value_get(c, "normal"));
        cni_fill_truncated_normal(values, 0, DRAWS, key, 0.5f, 2);
        compare_fingerprint(&g, "truncated_normal", values, DRAWS, cni_value_get(c, "truncated_normal"));
        for (size_t k = 0; k < whole->count; k++) {
            const int32_t own = cni_randint(key, k, -3, 10);
            if (own != whole->items[k]->integer) golden_fail(&g, "randint %zu is %" PRId32, k, own);
        }
    }
    golden_close(&g);
}

/* ---- initializers ---- */

static void compare_initializer(golden *g, const cni_value *c)
{
    cni_error error = {0};
    cni_object *object = NULL;
    const cni_maker maker = {.arena = &g->arena, .data_format = CN_CHANNELS_LAST, .error = &error};
    const cni_value *list = cni_value_get(c, "shape"), *described = cni_value_get(c, "initializer");
    cni_shape shape = {.rank = (int)list->count};
    char id[100];
    for (size_t i = 0; i < list->count; i++) shape.dims[i] = list->items[i]->integer;
    snprintf(id, sizeof id, "%s %s",
             described->type == CNI_TEXT ? described->text : golden_text(described, "class_name"),
             CNI_SHOW_SHAPE(&shape));
    const cni_value *seed = cni_value_get(cni_value_get(described, "config"), "seed");
    const bool refused = seed && seed->integer > INT32_MAX; /* a seed is an int in C */
    if ((cni_object_make(&maker, &cni_initializers, described, id, &object) != CN_OK) != refused)
        golden_fail(g, "%s: %s", id, error.text);
    if (!object) return;
    const size_t count = (size_t)cni_shape_count(&shape, 0);
    float *values = calloc(count + 1, sizeof *values);
    if (cni_initialize(object, &shape, values, &error)) fail_msg("%s: %s", id, error.text);
    const cn_array theirs = golden_of(g, c, "values");
    if (theirs.data)
        golden_compare(g, golden_tolerance_of(cni_value_get(c, "tolerance")), id, "value", values, 4, theirs.data,
                       count);
    else
        compare_fingerprint(g, id, values, count, c);
    free(values);
}

static void initializers(void **state)
{
    (void)state;
    golden g;
    golden_open(&g, "random.json");
    for (size_t i = 0; i < g.cases->count; i++) compare_initializer(&g, g.cases->items[i]);
    golden_close(&g);
}

/* ---- dropout ---- */

static cn_model *model_of_layer(golden *g, const cni_value *c, cn_context *context, const cn_array *steps)
{
    cni_error error = {0};
    cni_bytes text;
    cn_model *model = cn_sequential_in(context, NULL);
    int64_t shape[CN_MAX_RANK];
    if (cni_json_write(&g->arena, cni_value_get(c, "layer"), 0, &text, &error)) fail_msg("%s", error.text);
    cn_add_json(model, (const char *)text.data);
    for (int i = 2; i < steps->rank; i++) shape[i - 2] = steps->shape[i];
    cn_build(model, steps->rank - 2, shape);
    assert_string_equal(cn_error(model), "");
    return model;
}

/* Three steps in training mode, input all 3. */
static void compare_masks(golden *g, const cni_value *c, cni_isa isa)
{
    cni_error error = {0};
    cn_context *context = golden_context(isa);
    const cn_array steps = golden_of(g, c, "steps");
    cn_model *model = model_of_layer(g, c, context, &steps);
    const int n = (int)steps.shape[1];
    const size_t count = golden_size(&steps) / (size_t)steps.shape[0];
    cni_shape shape = {.rank = steps.rank - 1};
    for (int i = 1; i < steps.rank; i++) shape.dims[i - 1] = i == 1 ? CNI_UNKNOWN : steps.shape[i];
    cni_graph *graph = cni_graph_new();
    cni_lowering lowering = {.graph = graph, .training = true};
    cni_tensor *x = cni_graph_input(graph, shape), *y = NULL;
    if (cni_model_lower(model, &lowering, &x, &y, &error)) fail_msg("%s", error.text);
    y->is_output = true;
    cni_plan *plan;
    const cni_plan_options options = {.batch = n, .kernels = &context->kernels, .pool = cni_context_pool(context)};
    if (cni_plan_new(graph, &options, &plan, &error)) fail_msg("%s", error.text);
    for (int64_t step = 0; step < steps.shape[0]; step++) {
        float *in = cni_plan_data(plan, x);
        for (size_t i = 0; i < count; i++) in[i] = 3;
        cni_plan_run(plan, CNI_GRADIENTS, n);
        golden_compare_bits(g, golden_id(c), "y", cni_plan_data(plan, y),
                            (const float *)steps.data + (size_t)step * count, count);
    }
    const cni_value *after = cni_value_get(c, "state_after");
    const cni_seed_state own = cn_layer_at(model, 0)->seed;
    if (after->count && (own.seed != (uint32_t)after->items[0]->items[0]->integer ||
                         own.counter != (uint32_t)after->items[0]->items[1]->integer))
        golden_fail(g, "%s: the generator is at (%" PRIu32 ", %" PRIu32 ")", golden_id(c), own.seed, own.counter);
    cni_plan_free(plan);
    cn_model_free(model);
    cn_context_free(context);
}

static void masks_of_dropout(void **state)
{
    (void)state;
    golden g;
    cni_isa isas[CNI_ISA_COUNT];
    const int count = golden_isas(isas);
    golden_open(&g, "random.json");
    const cni_value *cases = cni_value_get(g.head, "dropout");
    for (size_t i = 0; i < cases->count; i++)
        for (int k = 0; k < count; k++) compare_masks(&g, cases->items[i], isas[k]);
    golden_close(&g);
}

/* ---- models ---- */

typedef struct generators {
    golden *g;
    const cni_value *c, *theirs;
    size_t seen;
} generators;

static void compare_generator(void *user, cn_layer *layer, bool frozen)
{
    (void)frozen;
    generators *own = user;
    if (!layer->kind->seeded || !layer->kind->seeded(layer)) return;
    const cni_value *state = own->seen < golden_count(own->theirs) ? own->theirs->items[own->seen] : NULL;
    own->seen++;
    if (!state || layer->seed.seed != (uint32_t)state->items[0]->integer ||
        layer->seed.counter != (uint32_t)state->items[1]->integer)
        golden_fail(own->g, "%s: %s has the seed %" PRIu32, golden_id(own->c), layer->name, layer->seed.seed);
}

static void compare_model(golden *g, const cni_value *c)
{
    cn_context *context = cn_context_new();
    const cni_value *weights = cni_value_get(c, "weights"), *shape = cni_value_get(c, "build");
    int64_t dims[CN_MAX_RANK] = {0};
    cn_context_set_random_seed(context, (uint32_t)cni_value_get(c, "seed")->integer);
    cn_model *model = golden_model(c, context, false);
    for (size_t i = 1; i < golden_count(shape); i++) dims[i - 1] = shape->items[i]->integer;
    if (shape) assert_int_equal(cn_build(model, (int)shape->count - 1, dims), CN_OK);
    if (cn_weight_count(model) != (int)weights->count)
        fail_msg("%s: %d weights, in Keras %zu", golden_id(c), cn_weight_count(model), weights->count);
    for (int i = 0; i < cn_weight_count(model); i++) {
        const cn_array own = cn_weight(model, i);
        char id[200];
        snprintf(id, sizeof id, "%s: %s", golden_id(c), golden_text(weights->items[i], "path"));
        assert_true(golden_same_shape(&own, cni_value_get(weights->items[i], "shape")));
        compare_fingerprint(g, id, own.data, golden_size(&own), weights->items[i]);
    }
    generators own = {g, c, cni_value_get(c, "generators"), 0};
    cni_model_layers(model, compare_generator, &own);
    assert_int_equal(own.seen, golden_count(own.theirs));
    const uint32_t next = cni_py_default_seed(&context->python);
    if (next != (uint32_t)cni_value_get(c, "next_default_seed")->integer)
        golden_fail(g, "%s: the next default seed is %" PRIu32, golden_id(c), next);
    cn_model_free(model);
    cn_context_free(context);
}

static void initial_weights_of_models(void **state)
{
    (void)state;
    golden g;
    golden_open(&g, "random.json");
    const cni_value *cases = cni_value_get(g.head, "models");
    for (size_t i = 0; i < cases->count; i++) compare_model(&g, cases->items[i]);
    golden_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeds_and_orders),
        cmocka_unit_test(draws),
        cmocka_unit_test(initializers),
        cmocka_unit_test(masks_of_dropout),
        cmocka_unit_test(initial_weights_of_models),
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
