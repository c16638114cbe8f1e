/* SPDX-License-Identifier: Apache-2.0
 * A dense layer's gradient that is made while its weights are stepped: the same bits as when it is stored in between.
 */
#include "graph/ops/dense.h"
#include "graph/plan.h"
#include "kernels/kernels.h"
#include "learning/objects.h"
#include "learning/optimizers.h"

#include <stdio.h>
#include <stdlib.h>

enum { STEPS = 3, MOST = 300 * 5000 };

typedef struct net {
    int rows, in, out;
    bool bias;
} net;

static void fill(float *to, size_t count, uint32_t seed)
{
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525 + 1013904223;
        to[i] = (float)(seed >> 8) / (1 << 23) - 1;
    }
}

static void no_run(cni_step *step, const cni_run *run)
{
    (void)step, (void)run;
}

static void end_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    (void)graph, (void)dout;
    din[0] = op->in[1];
}

/* A loss whose gradient is what the test says. */
static const cni_op_kind end_kind = {.name = "end", .gradient = end_gradient, .run = no_run};

static bool has(const cni_plan *plan, const char *kind)
{
    for (int i = 0; i < cni_plan_steps(plan); i++)
        if (!strcmp(cni_plan_step_op(plan, i)->kind->name, kind)) return true;
    return false;
}

/* Three steps; what was in `w` is then what they made of it, w first and the bias behind. */
static void train(const net *n, const char *optimizer, bool stored, const cni_kernels *kernels, int threads, float *w,
                  bool fuses)
{
    const size_t size = (size_t)n->in * (size_t)n->out;
    cni_variable weights = {.name = "w", .shape = CNI_SHAPE(n->in, n->out), .data = w, .version = 1, .trainable = true};
    cni_variable bias = {.name = "b", .shape = CNI_SHAPE(n->out), .data = w + size, .version = 1, .trainable = true};
    cni_variable *list[] = {&weights, &bias};
    const int count = n->bias ? 2 : 1;
    scratch s = {0};
    cni_optimizer_state *state;
    assert_int_equal(cni_optimizer_state_new(object_of(&s, &cni_optimizers, optimizer), list, count, &state, &s.error),
                     CN_OK);
    fill(w, size + (size_t)n->out, 5);
    cni_graph *graph = cni_graph_new();
    cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN, n->in)), *gradients[2], *wanted[2];
    for (int i = 0; i < count; i++) {
        wanted[i] = cni_graph_variable(graph, list[i]);
        wanted[i]->differentiable = true;
    }
    cni_tensor *y = cni_dense(graph, x, wanted[0], n->bias ? wanted[1] : NULL, NULL);
    cni_tensor *dy = cni_graph_input(graph, y->shape);
    cni_tensor *loss = cni_append(graph, &end_kind, NULL, 2, (cni_tensor *[]){y, dy}, 1, &(cni_shape){0})->out[0];
    cni_differentiate(graph, loss, wanted, count, gradients);
    gradients[0]->is_output = stored;
    cni_lower_optimizer(graph, state, gradients, 1e-7);
    cni_pool *pool = cni_pool_new(threads);
    cni_plan *plan = NULL;
    const cni_plan_options options = {.batch = n->rows + 1, .kernels = kernels, .pool = pool, .no_sharing = true};
    if (cni_plan_new(graph, &options, &plan, &s.error)) fail_msg("%s", s.error.text);
    assert_true(has(plan, "dense_update") == (fuses && !stored));
    for (uint32_t k = 0; k < STEPS; k++) {
        fill(cni_plan_data(plan, x), (size_t)(n->rows * n->in), 100 + k);
        fill(cni_plan_data(plan, dy), (size_t)(n->rows * n->out), 200 + k);
        const bool due = cni_optimizer_begin(state, cni_plan_scalars(plan));
        for (int segment = 0; segment < (due ? CNI_SEGMENTS : CNI_UPDATE); segment++)
            cni_plan_run(plan, (cni_segment)segment, n->rows);
        cni_optimizer_end(state);
    }
    cni_plan_free(plan);
    cni_optimizer_state_free(state);
    cni_pool_free(pool);
    cni_arena_free(&s.arena);
}

static void same_bits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool fuses;
    } optimizers[] = {
        {"sgd", true},
        {"SGD(0.1, momentum=0.9)", true},
        {"SGD(0.1, momentum=0.9, nesterov=True, clipvalue=0.5)", true},
        {"adam", true},
        {"AdamW(amsgrad=True)", true},
        {"RMSprop(momentum=0.5, centered=True)", true},
        {"SGD(0.1, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2)", true},
        {"SGD(0.1, clipnorm=1.0)", false},
        {"SGD(0.1, global_clipnorm=1.0)", false},
        {"SGD(0.1, gradient_accumulation_steps=2)", false},
    };
    static const net nets[] = {
        {1, 513, 130, true}, {3, 300, 250, true}, {9, 70, 1000, false}, {40, 257, 260, true}, {2, 300, 5000, true},
    };
    float *fused = malloc(sizeof *fused * (MOST + 5000)), *stored = malloc(sizeof *stored * (MOST + 5000));
    for (int isa = 0; isa < CNI_ISA_COUNT; isa++) {
        if (!cni_isa_available((cni_isa)isa)) continue;
        cni_kernels kernels;
        cni_kernels_init(&kernels, (cni_isa)isa);
        for (size_t o = 0; o < sizeof optimizers / sizeof *optimizers; o++)
            for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
                const net *n = &nets[i];
                if (isa == CNI_ISA_PORTABLE && (o + i) % 5) continue;
                train(n, optimizers[o].text, true, &kernels, 1, stored, optimizers[o].fuses);
                for (int threads = 1; threads <= 3; threads += 2) {
                    train(n, optimizers[o].text, false, &kernels, threads, fused, optimizers[o].fuses);
                    if (memcmp(fused, stored, sizeof *fused * (size_t)((n->in + n->bias) * n->out)))
                        fail_msg("%s, %s kernels, rows %d in %d out %d, %d threads: other bits", optimizers[o].text,
                                 kernels.name, n->rows, n->in, n->out, threads);
                }
            }
    }
    free(fused);
    free(stored);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
