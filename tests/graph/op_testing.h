/* SPDX-License-Identifier: Apache-2.0
 * Running one op and its gradients, on every set of kernels that this machine has. */
#ifndef OP_TESTING_H
#define OP_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "graph/toy_ops.h"

/* A generator of its own, so that a seed means the same case everywhere. */
static inline uint32_t draw(uint32_t *random, uint32_t below)
{
    *random = *random * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)*random * below) >> 32);
}

/* Small whole numbers: their sums of products are exact in float, whatever the order. */
static inline void fill_whole(uint32_t *random, double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) values[i] = (double)draw(random, 7) - 3;
}

static inline void fill_real(uint32_t *random, double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) values[i] = (double)(float)((double)draw(random, 1u << 24) / (1 << 23) - 1);
}

/* Every set of kernels here: double, portable, and what the processor has. */
enum { MOST_KERNELS = CNI_ISA_COUNT + 1 };

static inline int all_kernels(cni_kernels kernels[MOST_KERNELS])
{
    int count = 0;
    cni_kernels_init_double(&kernels[count++]);
    for (int isa = 0; isa < CNI_ISA_COUNT; isa++)
        if (cni_isa_available((cni_isa)isa)) cni_kernels_init(&kernels[count++], (cni_isa)isa);
    return count;
}

/* y = op(inputs) and the gradients of sum(dy y) for the inputs.  All are inputs of the graph here, batched when their
 * first dimension is unknown. */
enum { MOST_INPUTS = 3 };

typedef struct trial {
    int n, inputs;
    cni_shape shapes[MOST_INPUTS];
    const double *values[MOST_INPUTS], *dy;
    cni_tensor *(*build)(cni_graph *graph, cni_tensor *const *in, const void *arguments);
    const void *arguments;
    bool
        fast; /* math as shapes decide; else sums are those of the definition, so that whole numbers come out exactly */
    bool sharing; /* tensors share memory, as they do outside of tests */
    /* results: room for them comes from the caller, NULL where not wanted */
    double *y, *gradients[MOST_INPUTS];
} trial;

static inline void put(const cni_plan *plan, const cni_kernels *kernels, const cni_tensor *tensor, const double *values,
                       int n)
{
    const cni_run run = {.kernels = kernels};
    void *data = cni_plan_data(plan, tensor);
    for (size_t i = 0, count = cni_tensor_count(tensor, n); i < count && data; i++) toy_set(&run, data, i, values[i]);
}

static inline void get(const cni_plan *plan, const cni_kernels *kernels, const cni_tensor *tensor, double *values,
                       int n)
{
    const cni_run run = {.kernels = kernels};
    const void *data = cni_plan_data(plan, tensor);
    assert_non_null(data);
    for (size_t i = 0, count = cni_tensor_count(tensor, n); i < count; i++) values[i] = toy_get(&run, data, i);
}

/* The plan is made for two images more than are run. */
static inline void run_trial(const trial *t, const cni_kernels *kernels, int threads)
{
    cni_graph *graph = cni_graph_new();
    cni_tensor *in[MOST_INPUTS] = {0}, *wanted[MOST_INPUTS], *gradients[MOST_INPUTS] = {0};
    bool any = false;
    for (int i = 0; i < t->inputs; i++) {
        if (!t->shapes[i].rank) continue;
        in[i] = cni_graph_input(graph, t->shapes[i]);
        in[i]->differentiable = t->gradients[i];
        any |= in[i]->differentiable;
    }
    cni_tensor *y = t->build(graph, in, t->arguments), *dy = NULL;
    y->is_output = true;
    if (any) {
        dy = cni_graph_input(graph, y->shape);
        cni_tensor *loss = toy_sum(graph, toy_multiply(graph, y, dy));
        int count = 0;
        for (int i = 0; i < t->inputs; i++)
            if (t->gradients[i]) wanted[count++] = in[i];
        cni_differentiate(graph, loss, wanted, count, gradients);
        for (int i = 0; i < count; i++) gradients[i]->is_output = true;
    }
    cni_pool *pool = cni_pool_new(threads);
    cni_plan *plan = NULL;
    cni_error error = {0};
    const cni_plan_options options = {.batch = t->n + 2,
                                      .kernels = kernels,
                                      .pool = pool,
                                      .math = t->fast ? CN_MATH_FAST : CN_MATH_DIRECT,
                                      .no_sharing = !t->sharing};
    if (cni_plan_new(graph, &options, &plan, &error)) fail_msg("%s", error.text);
    for (int i = 0; i < t->inputs; i++)
        if (in[i]) put(plan, kernels, in[i], t->values[i], t->n);
    if (any) put(plan, kernels, dy, t->dy, t->n);
    cni_plan_run(plan, CNI_GRADIENTS, t->n);
    if (t->y) get(plan, kernels, y, t->y, t->n);
    for (int i = 0, k = 0; i < t->inputs; i++)
        if (t->gradients[i]) get(plan, kernels, gradients[k++], t->gradients[i], t->n);
    cni_plan_free(plan);
    cni_pool_free(pool);
}

static inline void assert_same(const double *got, const double *expected, size_t count, double tolerance,
                               const char *what, const char *kernels, const char *where)
{
    for (size_t i = 0; i < count; i++) {
        bool same = isnan(expected[i])
                        ? isnan(got[i])
                        : got[i] == expected[i] || fabs(got[i] - expected[i]) <= tolerance * (1 + fabs(expected[i]));
        if (!same)
            fail_msg("%s of %s, %s kernels, element %zu: got %.9g, expected %.9g", what, where, kernels, i, got[i],
                     expected[i]);
    }
}

static inline double *new_values(size_t count)
{
    double *values = calloc(count ? count : 1, sizeof *values);
    assert_non_null(values);
    return values;
}

#endif
