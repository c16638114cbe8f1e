/* SPDX-License-Identifier: Apache-2.0
 * Optimizers, step by step, against Keras' numbers. */
#include "learning/optimizers.h"

#include "graph/plan.h"
#include "kernels/kernels.h"
#include "layers/constraints.h"
#include "learning/golden_cases.h"
#include "learning/objects.h"

enum { WEIGHTS = 2 };

typedef struct trainer {
    cni_variable weights[WEIGHTS], *list[WEIGHTS];
    size_t sizes[WEIGHTS];
    cni_optimizer_state *state;
    cni_tensor *gradients[WEIGHTS];
    cni_plan *plan;
    cni_kernels kernels;
} trainer;

static void start(trainer *t, golden *g, const cni_object *optimizer, const cni_object *constraint, cni_isa isa,
                  cni_pool *pool)
{
    const cni_value *shapes = cni_value_get(g->head, "shapes");
    const cn_array values = golden_array(g, "start");
    const float *from = values.data;
    cni_error error = {0};
    *t = (trainer){0};
    for (int i = 0; i < WEIGHTS; i++) {
        cni_variable *w = t->list[i] = &t->weights[i];
        *w = (cni_variable){.name = i ? "b" : "a", .version = 1, .trainable = true};
        w->constraint = i ? NULL : constraint;
        w->shape.rank = (int)shapes->items[i]->count;
        for (int k = 0; k < w->shape.rank; k++) w->shape.dims[k] = shapes->items[i]->items[k]->integer;
        t->sizes[i] = (size_t)cni_shape_count(&w->shape, 0);
        w->data = cni_arena_alloc(&g->arena, 4096);
        memcpy(w->data, from, t->sizes[i] * sizeof(float));
        from += t->sizes[i];
    }
    assert_int_equal(cni_optimizer_state_new(optimizer, t->list, WEIGHTS, &t->state, &error), CN_OK);
    cni_graph *graph = cni_graph_new();
    cni_graph_scalar(graph); /* somebody else's */
    for (int i = 0; i < WEIGHTS; i++) t->gradients[i] = cni_graph_input(graph, t->weights[i].shape);
    cni_lower_optimizer(graph, t->state, t->gradients, 1e-7);
    cni_kernels_init(&t->kernels, isa);
    const cni_plan_options options = {.batch = 1, .kernels = &t->kernels, .pool = pool, .no_sharing = true};
    if (cni_plan_new(graph, &options, &t->plan, &error)) fail_msg("%s", error.text);
}

static void step(trainer *t, const float *gradients)
{
    for (int i = 0; i < WEIGHTS; i++) {
        memcpy(cni_plan_data(t->plan, t->gradients[i]), gradients, t->sizes[i] * sizeof(float));
        gradients += t->sizes[i];
    }
    const bool due = cni_optimizer_begin(t->state, cni_plan_scalars(t->plan));
    cni_plan_run(t->plan, CNI_GRADIENTS, 1);
    cni_plan_run(t->plan, CNI_REDUCE, 1);
    if (due) cni_plan_run(t->plan, CNI_UPDATE, 1);
    cni_optimizer_end(t->state);
}

static void finish(trainer *t)
{
    cni_plan_free(t->plan);
    cni_optimizer_state_free(t->state);
}

static void compare_weights(golden *g, const trainer *t, const char *id, const char *what, const float *theirs)
{
    for (int i = 0; i < WEIGHTS; i++) {
        golden_compare(g, g->tolerance, id, what, t->weights[i].data, 4, theirs, t->sizes[i]);
        theirs += t->sizes[i];
    }
}

static void compare_state(golden *g, trainer *t, const cni_value *c)
{
    const cni_value *names = cni_value_get(c, "state");
    const cn_array values = golden_of(g, c, "state_values");
    const float *theirs = values.data;
    assert_int_equal(cni_optimizer_variable_count(t->state), names->count);
    for (size_t i = 0; i < names->count; i++) {
        const cni_optimizer_variable v = cni_optimizer_variable_at(t->state, (int)i);
        const cni_value *name = names->items[i];
        assert_string_equal(v.name, name->items[0]->text);
        assert_int_equal(v.shape.rank, name->items[1]->count);
        const size_t size = (size_t)cni_shape_count(&v.shape, 0);
        if (v.integer)
            assert_int_equal(*v.integer, (int64_t)*theirs);
        else
            golden_compare(g, g->tolerance, golden_id(c), v.name, v.data, 4, theirs, size);
        theirs += size;
    }
}

static void run_case(golden *g, const cni_value *c, cni_isa isa, cni_pool *pool)
{
    const cni_object *optimizer = golden_object(g, &cni_optimizers, cni_value_get(c, "optimizer"), golden_id(c));
    const cni_object *constraint = golden_object(g, &cni_constraints, cni_value_get(c, "constraint"), golden_id(c));
    const cn_array gradients = golden_array(g, "gradients"), steps = golden_of(g, c, "steps");
    const cn_array final = golden_of(g, c, "final");
    const size_t width = (size_t)steps.shape[1];
    trainer t;
    start(&t, g, optimizer, constraint, isa, pool);
    for (int64_t i = 0; i < steps.shape[0]; i++) {
        step(&t, (const float *)gradients.data + (size_t)i * width);
        compare_weights(g, &t, golden_id(c), "weights", (const float *)steps.data + (size_t)i * width);
    }
    compare_state(g, &t, c);
    cni_optimizer_finish(t.state);
    if (final.data) compare_weights(g, &t, golden_id(c), "final weights", final.data);
    *(const char **)cni_object_member(optimizer, "name") = golden_text(cni_value_get(c, "config"), "name");
    golden_config(g, optimizer, c);
    finish(&t);
}

static void test_golden(void **state)
{
    golden g;
    (void)state;
    golden_open(&g, "learning/optimizers.json");
    cni_pool *pool = cni_pool_new(2);
    for (size_t i = 0; i < g.cases->count; i++) {
        run_case(&g, g.cases->items[i], CNI_ISA_PORTABLE, NULL);
        run_case(&g, g.cases->items[i], cni_cpu_isa(NULL), pool);
    }
    cni_pool_free(pool);
    golden_close(&g);
}

/* One weight, stepped through a graph of its own. */
typedef struct single {
    cni_variable weight, *list[1];
    cni_tensor *gradient;
    cni_optimizer_state *state;
    cni_plan *plan;
    cni_kernels kernels;
} single;

static void single_new(single *t, const cni_object *optimizer, float *data, int64_t size, cni_isa isa, cni_pool *pool)
{
    cni_error error = {0};
    *t = (single){.weight = {.name = "w", .shape = CNI_SHAPE(size), .data = data, .version = 1, .trainable = true}};
    t->list[0] = &t->weight;
    assert_int_equal(cni_optimizer_state_new(optimizer, t->list, 1, &t->state, &error), CN_OK);
    cni_graph *graph = cni_graph_new();
    t->gradient = cni_graph_input(graph, t->weight.shape);
    cni_lower_optimizer(graph, t->state, &t->gradient, 1e-7);
    cni_kernels_init(&t->kernels, isa);
    const cni_plan_options options = {.batch = 1, .kernels = &t->kernels, .pool = pool};
    if (cni_plan_new(graph, &options, &t->plan, &error)) fail_msg("%s", error.text);
}

static float *single_gradient(single *t)
{
    return cni_plan_data(t->plan, t->gradient);
}

static void single_step(single *t)
{
    const bool due = cni_optimizer_begin(t->state, cni_plan_scalars(t->plan));
    cni_plan_run(t->plan, CNI_REDUCE, 1);
    if (due) cni_plan_run(t->plan, CNI_UPDATE, 1);
    cni_optimizer_end(t->state);
}

static void single_free(single *t)
{
    cni_plan_free(t->plan);
    cni_optimizer_state_free(t->state);
}

/* Three steps from w = 1 with g = 0.1, 0.2, -0.3, as Keras takes them. */
static void test_three_steps(void **state)
{
    static const struct {
        const char *text;
        double w[3];
    } cases[] = {
        {"sgd", {0.999, 0.997, 1.000}},
        {"SGD(momentum=0.9)", {0.999, 0.9961, 0.99649}},
        {"SGD(momentum=0.9, nesterov=True)", {0.9981, 0.99349, 0.996841}},
        {"sgd(0.01, weight_decay=0.1)", {0.998, 0.995002, 0.997006998}},
        {"rmsprop", {0.996837880, 0.993980767, 0.996571396}},
        {"RMSprop(momentum=0.9)", {0.996837880, 0.991134859, 0.988592769}},
        {"rmsprop(centered=True)", {0.996666852, 0.993527680, 0.996119779}},
        {"ADAM", {0.999000032, 0.998034863, 0.998101462}},
        {"AdamW", {0.998996032, 0.998026867, 0.998089474}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static const float gradients[] = {0.1F, 0.2F, -0.3F};
        scratch s = {0};
        float w = 1;
        single t;
        single_new(&t, object_of(&s, &cni_optimizers, cases[i].text), &w, 1, CNI_ISA_PORTABLE, NULL);
        for (int k = 0; k < 3; k++) {
            *single_gradient(&t) = gradients[k];
            single_step(&t);
            if (fabs((double)w - cases[i].w[k]) > 2e-7)
                fail_msg("%s: w is %.9g after step %d, expected %.9g", cases[i].text, (double)w, k + 1, cases[i].w[k]);
        }
        assert_int_equal(t.weight.version, 4); /* packed copies are told of each step */
        single_free(&t);
        cni_arena_free(&s.arena);
    }
}

/* However many threads there are and wherever the pieces end: each element steps as it would alone, and the norm is the
 * same to the bit. */
static void test_large(void **state)
{
    enum { SIZE = 3 * 65536 + 1237, CHECKED = 7 };
    static const size_t places[CHECKED] = {0, 1023, 1024, 65535, 65536, 3 * 65536, SIZE - 1};
    float *weights[2];
    (void)state;
    cni_pool *pool = cni_pool_new(3);
    for (int run = 0; run < 2; run++) {
        scratch s = {0};
        single t;
        float *w = weights[run] = malloc(SIZE * sizeof(float));
        for (size_t i = 0; i < SIZE; i++) w[i] = (float)(i % 1001) / 1000;
        single_new(&t, object_of(&s, &cni_optimizers, "adam(0.01, global_clipnorm=2.0, weight_decay=0.1)"), w, SIZE,
                   cni_cpu_isa(NULL), run ? pool : NULL);
        for (int k = 0; k < 2; k++) {
            for (size_t i = 0; i < SIZE; i++) single_gradient(&t)[i] = (float)((i * 7 + (size_t)k) % 13) - 5;
            single_step(&t);
        }
        single_free(&t);
        cni_arena_free(&s.arena);
    }
    assert_memory_equal(weights[0], weights[1], SIZE * sizeof(float));
    double norms[2] = {0};
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < SIZE; i++) norms[k] += pow((double)((i * 7 + (size_t)k) % 13) - 5, 2);
    for (int c = 0; c < CHECKED; c++) {
        const size_t i = places[c];
        double w = (double)(i % 1001) / 1000, m = 0, v = 0;
        for (int k = 0; k < 2; k++) {
            const double g = ((double)((i * 7 + (size_t)k) % 13) - 5) * 2 / sqrt(norms[k]);
            w -= w * 0.1 * 0.01;
            m += (g - m) * 0.1;
            v += (g * g - v) * 0.001;
            w -= 0.01 * sqrt(1 - pow(0.999, k + 1)) / (1 - pow(0.9, k + 1)) * m / (sqrt(v) + 1e-7);
        }
        if (fabs((double)weights[1][i] - w) > 2e-6)
            fail_msg("element %zu is %.9g, expected %.9g", i, (double)weights[1][i], w);
    }
    cni_pool_free(pool);
    free(weights[0]);
    free(weights[1]);
}

/* A weight that the loss does not depend on decays all the same; a norm that is no number spoils everything. */
static void test_edges(void **state)
{
    scratch s = {0};
    cni_error error = {0};
    (void)state;
    float w[2] = {1, 2};
    cni_variable variable = {.name = "w", .shape = CNI_SHAPE(2), .data = w, .version = 1}, *list[] = {&variable};
    cni_optimizer_state *optimizer;
    cni_object *object = object_of(&s, &cni_optimizers, "SGD(0.5, weight_decay=0.5)");
    assert_int_equal(cni_optimizer_state_new(object, list, 1, &optimizer, &error), CN_OK);
    cni_graph *graph = cni_graph_new();
    cni_kernels kernels;
    cni_plan *plan;
    cni_kernels_init(&kernels, CNI_ISA_PORTABLE);
    cni_lower_optimizer(graph, optimizer, &(cni_tensor *){NULL}, 1e-7);
    assert_int_equal(cni_plan_new(graph, &(cni_plan_options){.batch = 1, .kernels = &kernels}, &plan, &error), CN_OK);
    assert_true(cni_optimizer_begin(optimizer, cni_plan_scalars(plan)));
    cni_plan_run(plan, CNI_UPDATE, 1);
    assert_true(w[0] == 0.75F && w[1] == 1.5F);
    cni_plan_free(plan);
    cni_optimizer_state_free(optimizer);

    static const char *const clips[] = {"SGD(0.5, clipnorm=1.0)", "SGD(0.5, global_clipnorm=1.0)"};
    for (int i = 0; i < 2; i++) {
        single t;
        w[0] = w[1] = 1;
        single_new(&t, object_of(&s, &cni_optimizers, clips[i]), w, 2, CNI_ISA_PORTABLE, NULL);
        single_gradient(&t)[0] = single_gradient(&t)[1] = 0; /* no division by a norm of 0 */
        single_step(&t);
        assert_true(w[0] == 1 && w[1] == 1);
        single_gradient(&t)[0] = INFINITY;
        single_step(&t);
        assert_true(isnan(w[0]));
        single_free(&t);
    }
    cni_arena_free(&s.arena);
}

static cni_object *copy_of(scratch *s, const cn_optimizer_args *args)
{
    const cni_maker maker = {.arena = &s->arena, .error = &s->error};
    cni_object *object = NULL;
    const cni_kind *kind = cni_family_find(&cni_optimizers, args->class_name);
    assert_non_null(kind);
    return cni_object_copy(&maker, kind, args, "optimizer", &object) ? NULL : object;
}

static void test_structs(void **state)
{
    scratch s = {0};
    (void)state;
    const cni_object *sgd = copy_of(&s, cn_sgd(0.1, .momentum = 0.9, .clipnorm = 2));
    const cn_sgd_args *a = sgd->args;
    assert_true(a->learning_rate == 0.1 && a->momentum == 0.9 && a->clipnorm == 2 && isnan(a->weight_decay));
    const cni_object *adamw = copy_of(&s, cn_adamw(.beta_1 = CN_ZERO));
    const cn_adam_args *b = adamw->args;
    assert_true(b->learning_rate == 0.001 && b->beta_1 == 0 && b->beta_2 == 0.999 && b->weight_decay == 0.004);
    const cni_object *scheduled = copy_of(&s, cn_rmsprop(.learning_rate_schedule = "ExponentialDecay(0.1, 10, 0.5)"));
    assert_non_null(cni_object_of(scheduled, "learning_rate"));
    assert_true(isnan(((const cn_rmsprop_args *)scheduled->args)->learning_rate));
    assert_null(cni_object_of(sgd, "learning_rate"));

    cni_optimizer_state *optimizer;
    assert_int_equal(cni_optimizer_state_new(scheduled, NULL, 0, &optimizer, &s.error), CN_OK);
    assert_true(cni_optimizer_has_schedule(optimizer));
    assert_int_equal(cni_optimizer_variable_count(optimizer), 1);
    assert_true(cni_optimizer_learning_rate(optimizer) == (double)0.1F);
    for (int i = 0; i < 10; i++) cni_optimizer_end(optimizer);
    assert_true(fabs(cni_optimizer_learning_rate(optimizer) - 0.05) < 1e-8);
    cni_optimizer_state_free(optimizer);

    assert_int_equal(cni_optimizer_state_new(sgd, NULL, 0, &optimizer, &s.error), CN_OK);
    assert_true(cni_optimizer_learning_rate(optimizer) == (double)0.1F);
    cni_optimizer_set_learning_rate(optimizer, 0.3);
    assert_true(cni_optimizer_learning_rate(optimizer) == (double)0.3F);
    assert_true(*cni_optimizer_variable_at(optimizer, 1).data == 0.3F);
    cni_optimizer_state_free(optimizer);

    assert_null(copy_of(&s, cn_sgd(0.1, .learning_rate_schedule = "ExponentialDecay(0.1, 10, 0.5)")));
    assert_non_null(strstr(s.error.text, "learning_rate"));
    cni_arena_free(&s.arena);
}

static void test_refused(void **state)
{
    const cni_family *family = &cni_optimizers;
    (void)state;
    expect_refusal(family, "SGDD", "SGDD");
    expect_refusal(family, "SGD(1)", "learning_rate");
    expect_refusal(family, "SGD('fast')", "learning_rate");
    expect_refusal(family, "SGD(None)", "learning_rate");
    expect_refusal(family, "SGD(ExponentialDecay(0.1, 0, 0.5))", "decay_steps");
    expect_refusal(family, "SGD(0.1, 1)", "momentum");
    expect_refusal(family, "SGD(0.1, 1.5)", "momentum");
    expect_refusal(family, "SGD(lr=0.1)", "lr");
    expect_refusal(family, "adam(use_ema=True, ema_momentum=3.0)", "ema_momentum");
    expect_refusal(family, "adam(use_ema=True, ema_overwrite_frequency=0)", "ema_overwrite_frequency");
    expect_refusal(family, "adam(gradient_accumulation_steps=1)", "gradient_accumulation_steps");
    expect_refusal(family, "adam(clipnorm=1.0, clipvalue=1.0)", "clipvalue");
    expect_refusal(family, "AdamW(weight_decay=None)", "weight_decay");
    expect_refusal(family, "nadam", "Keras has this optimizer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden), cmocka_unit_test(test_three_steps), cmocka_unit_test(test_large),
        cmocka_unit_test(test_edges),  cmocka_unit_test(test_structs),     cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
