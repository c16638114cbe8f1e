/* SPDX-License-Identifier: Apache-2.0
 * Gradients of ops against central differences, in double: loss = sum(y * w) with random w, h = 1e-5 max(1, |x|).
 *
 *     static cni_tensor *build(cni_graph *graph, cni_tensor *const *in, void *context) { return cni_add(graph, ...); }
 *     check_gradient(&(gradient_check){.build = build, .inputs = 2, .shape = {CNI_SHAPE(CNI_UNKNOWN, 3),
 * CNI_SHAPE(3)}});
 *
 * Up to 256 coordinates of each input are checked, all where there are no more.  The plan is run once more without
 * memory sharing, which must give the same bits. */
#ifndef CORNU_TEST_GRADIENT_CHECK_H
#define CORNU_TEST_GRADIENT_CHECK_H

#include "base/random.h"
#include "graph/ops/binary.h"
#include "graph/ops/reduce.h"
#include "graph/plan.h"
#include "kernels/kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { CHECK_INPUTS = 8, CHECK_COORDINATES = 256 };

typedef struct gradient_check {
    const char *name; /* for messages */
    /* Appends ops and answers y, of any shape.  An error is left in graph->error. */
    cni_tensor *(*build)(cni_graph *graph, cni_tensor *const *in, void *context);
    void *context;
    int inputs;
    cni_shape shape[CHECK_INPUTS]; /* of each input; dims[0] CNI_UNKNOWN: batched */
    bool variable[CHECK_INPUTS];   /* a cni_variable and not a mere input: weights, whose packing has a version */
    bool fixed[CHECK_INPUTS];      /* no gradient is wanted */
    double low[CHECK_INPUTS];      /* values are uniform in [low, high); both 0: [-1, 1) */
    double high[CHECK_INPUTS];
    bool distinct[CHECK_INPUTS]; /* evenly spread in [low, high), in random order: for maxima */
    int batch;                   /* default 3 */
    double tolerance;            /* default 1e-6, relative to max(1, |gradient|) */
    uint32_t seed;
    void (*before_run)(void *context); /* puts back what a run changes: seed counters */
} gradient_check;

typedef struct gradient_run {
    const gradient_check *check;
    int batch;
    cni_tensor *in[CHECK_INPUTS], *gradient[CHECK_INPUTS], *weights, *loss, *y;
    cni_variable variable[CHECK_INPUTS];
    float *master[CHECK_INPUTS];
    cni_plan *plan;
} gradient_run;

static inline double gradient_random(const gradient_check *c, uint32_t stream, size_t i)
{
    return 2 * (double)cni_unit((cni_key){c->seed, stream}, i) - 1 + 0x1p-23;
}

/* A random permutation of 0 .. n - 1: the rank of the i-th random number among n. */
static inline size_t gradient_rank(const gradient_check *c, uint32_t stream, size_t i, size_t n)
{
    const cni_key key = {c->seed, stream};
    const uint32_t own = cni_bits(key, i);
    size_t rank = 0;
    for (size_t k = 0; k < n; k++) rank += cni_bits(key, k) < own || (cni_bits(key, k) == own && k < i);
    return rank;
}

static inline double gradient_value(const gradient_check *c, int input, size_t i, size_t count)
{
    const bool given = c->low[input] != 0 || c->high[input] != 0;
    const double low = given ? c->low[input] : -1, high = given ? c->high[input] : 1;
    if (c->distinct[input] && count > 2)
        return low + (high - low) * ((double)gradient_rank(c, 50 + (uint32_t)input, i, count) + 0.5) / (double)count;
    return low + (high - low) * (gradient_random(c, (uint32_t)input, i) + 1) / 2;
}

static inline void gradient_plan(gradient_run *r, const gradient_check *c, const cni_kernels *kernels, cni_pool *pool,
                                 bool no_sharing)
{
    cni_graph *graph = cni_graph_new();
    cni_tensor *wanted[CHECK_INPUTS], *found[CHECK_INPUTS];
    int count = 0;
    *r = (gradient_run){.check = c, .batch = c->batch ? c->batch : 3};
    for (int i = 0; i < c->inputs; i++) {
        if (c->variable[i]) {
            r->master[i] = calloc((size_t)cni_shape_count(&c->shape[i], 0), sizeof(float));
            r->variable[i] = (cni_variable){
                .name = "weight", .shape = c->shape[i], .data = r->master[i], .version = 1, .trainable = true};
        }
        r->in[i] = c->variable[i] ? cni_graph_variable(graph, &r->variable[i]) : cni_graph_input(graph, c->shape[i]);
        r->in[i]->differentiable = !c->fixed[i];
        if (!c->fixed[i]) wanted[count++] = r->in[i];
    }
    r->y = c->build(graph, r->in, c->context);
    if (graph->error.status) fail_msg("%s: %s", c->name ? c->name : "", graph->error.text);
    r->weights = cni_graph_input(graph, r->y->shape);
    r->loss = cni_reduce(graph, CNI_SUM, cni_multiply(graph, r->y, r->weights), CNI_ALL_AXES, false);
    r->loss->is_output = r->y->is_output = true;
    cni_differentiate(graph, r->loss, wanted, count, found);
    for (int i = 0, k = 0; i < c->inputs; i++) {
        if (c->fixed[i]) continue;
        r->gradient[i] = found[k++];
        if (!r->gradient[i] && !graph->error.status) fail_msg("%s: no gradient for input %d", c->name, i);
        if (r->gradient[i]) r->gradient[i]->is_output = true;
    }
    cni_error error = {0};
    const cni_plan_options options = {.batch = r->batch, .kernels = kernels, .pool = pool, .no_sharing = no_sharing};
    if (cni_plan_new(graph, &options, &r->plan, &error)) fail_msg("%s: %s", c->name ? c->name : "", error.text);

    for (int i = 0; i < c->inputs; i++) {
        const size_t n = cni_tensor_count(r->in[i], r->batch);
        double *data = cni_plan_data(r->plan, r->in[i]);
        for (size_t k = 0; k < n; k++) data[k] = gradient_value(c, i, k, n);
        if (c->variable[i]) r->in[i]->variable->version++;
    }
    double *weights = cni_plan_data(r->plan, r->weights);
    for (size_t k = 0; k < cni_tensor_count(r->weights, r->batch); k++) weights[k] = gradient_random(c, 100, k);
}

static inline void gradient_free(gradient_run *r)
{
    cni_plan_free(r->plan);
    for (int i = 0; i < CHECK_INPUTS; i++) free(r->master[i]);
}

static inline double gradient_loss(gradient_run *r)
{
    if (r->check->before_run) r->check->before_run(r->check->context);
    cni_plan_run(r->plan, CNI_GRADIENTS, r->batch);
    return *(double *)cni_plan_data(r->plan, r->loss);
}

static inline void check_coordinate(gradient_run *r, int input, size_t at, double analytic)
{
    const gradient_check *c = r->check;
    double *x = (double *)cni_plan_data(r->plan, r->in[input]) + at;
    const double x0 = *x, h = 1e-5 * fmax(1, fabs(x0)), tolerance = c->tolerance ? c->tolerance : 1e-6;
    double loss[2];
    for (int side = 0; side < 2; side++) {
        *x = side ? x0 + h : x0 - h;
        if (c->variable[input]) r->in[input]->variable->version++;
        loss[side] = gradient_loss(r);
    }
    *x = x0;
    if (c->variable[input]) r->in[input]->variable->version++;
    const double numeric = (loss[1] - loss[0]) / (2 * h);
    if (!(fabs(numeric - analytic) <= tolerance * fmax(1, fabs(numeric))))
        fail_msg("%s: input %d %s, coordinate %zu (x = %.17g, seed %u): gradient %.12g, differences give %.12g",
                 c->name ? c->name : "gradient", input, CNI_SHOW_SHAPE(&c->shape[input]), at, x0, c->seed, analytic,
                 numeric);
}

static inline void check_gradient(const gradient_check *c)
{
    cni_kernels kernels;
    cni_kernels_init_double(&kernels);
    gradient_run shared, apart;
    gradient_plan(&shared, c, &kernels, NULL, false);
    gradient_plan(&apart, c, &kernels, NULL, true);
    gradient_loss(&apart);
    gradient_loss(&shared);
    assert_memory_equal(cni_plan_data(shared.plan, shared.y), cni_plan_data(apart.plan, apart.y),
                        cni_tensor_count(shared.y, shared.batch) * sizeof(double));
    for (int i = 0; i < c->inputs; i++) {
        if (c->fixed[i]) continue;
        const size_t count = cni_tensor_count(shared.in[i], shared.batch), bytes = count * sizeof(double);
        double *analytic = malloc(bytes);
        gradient_loss(&shared);
        memcpy(analytic, cni_plan_data(shared.plan, shared.gradient[i]), bytes);
        assert_memory_equal(analytic, cni_plan_data(apart.plan, apart.gradient[i]), bytes);
        for (size_t k = 0; k < count && k < CHECK_COORDINATES; k++) {
            const size_t at = count <= CHECK_COORDINATES ? k : cni_bits((cni_key){c->seed, 200}, k) % count;
            check_coordinate(&shared, i, at, analytic[at]);
        }
        free(analytic);
    }
    gradient_free(&shared);
    gradient_free(&apart);
}

#endif
