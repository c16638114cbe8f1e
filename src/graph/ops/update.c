/* SPDX-License-Identifier: Apache-2.0
 * What an optimizer does with gradients and weights.  Large variables are cut into pieces for the threads; where they
 * are cut depends on their size only. */
#include "graph/ops/update.h"

#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

enum { PIECE = 65536, MAX_PARTIALS = 64 };

static size_t pieces_of(size_t count)
{
    return (count + PIECE - 1) / PIECE;
}

static size_t piece_count(size_t count, size_t piece)
{
    return count - piece * PIECE < PIECE ? count - piece * PIECE : PIECE;
}

static void *moved(void *data, size_t bytes)
{
    return data ? (char *)data + bytes : NULL;
}

static double real_of(const void *data, size_t real_size)
{
    return real_size == sizeof(float) ? (double)*(const float *)data : *(const double *)data;
}

/* Rounds to the precision that the kernels compute in, as every intermediate result of Keras is. */
static double rounded(double value, size_t real_size)
{
    return real_size == sizeof(float) ? (double)(float)value : value;
}

/* The step */

void cni_update_rows(const cni_update_work *w, const void *gradient, const void *factors, size_t width, size_t at,
                     size_t count)
{
    const size_t bytes = at * w->kernels->real_size;
    cni_update_arrays a = w->arrays;
    a.gradient = gradient;
    a.factors = factors;
    a.width = width;
    a.before = (const char *)a.before + bytes;
    a.weights = moved(a.weights, bytes);
    a.accumulator = moved(a.accumulator, bytes);
    a.average = moved(a.average, bytes);
    for (int i = 0; i < CNI_UPDATE_SLOTS; i++) a.slots[i] = moved(a.slots[i], bytes);
    w->kernels->learning.update(&w->update, &a, count);
}

void cni_update_part(const cni_update_work *w, const void *gradient, size_t at, size_t count)
{
    cni_update_rows(w, gradient, NULL, 0, at, count);
}

typedef struct work {
    cni_update_work update;
    size_t count;
} work;

static void update_piece(void *context, size_t piece, int thread)
{
    const work *w = context;
    const size_t at = piece * PIECE;
    (void)thread;
    cni_update_part(&w->update, (const char *)w->update.arrays.gradient + at * w->update.kernels->real_size, at,
                    piece_count(w->count, piece));
}

/* clipnorm: g c / max(norm, c).  The global norm N: g (c min(1/N, 1/c) + (N - N)), so that a norm that is no number
 * spoils everything.  In Keras' order of rounding. */
static void clip(cni_update *u, const cni_update_attributes *a, const void *squares, size_t size)
{
    const double c = rounded(a->clip, size);
    if (a->clipping == CNI_CLIP_VALUE) u->clip = c;
    if (!squares) return;
    const double norm = rounded(sqrt(real_of(squares, size)), size);
    if (a->clipping == CNI_CLIP_NORM) {
        u->scale = c;
        u->over = norm > c || isnan(norm) ? norm : c;
        return;
    }
    const double by_norm = rounded(1 / norm, size), by_clip = rounded(1 / a->clip, size);
    u->scale = rounded(c * (by_norm < by_clip ? by_norm : by_clip), size) + (norm - norm);
    if (u->scale == 0) u->scale = 0x1p-1000; /* "0" would mean none; the product with it is 0 in either precision */
}

cni_update_work cni_update_begin(const cni_step *step, const cni_run *run, const cni_update_attributes *a)
{
    const double *scalars = run->scalars + a->first_scalar;
    const size_t size = run->kernels->real_size;
    cni_update_work w = {.kernels = run->kernels, .update = a->update};
    cni_update *u = &w.update;
    u->rate = scalars[CNI_SCALAR_STEP_RATE];
    u->decay_rate = scalars[CNI_SCALAR_RATE];
    u->ema = scalars[CNI_SCALAR_EMA];
    u->ema_rest = rounded(1 - u->ema, size);
    u->idle = scalars[CNI_SCALAR_DUE] == 0;
    u->overwrites = scalars[CNI_SCALAR_OVERWRITES] != 0;
    clip(u, a, step->in[CNI_UPDATE_SQUARES], size);

    cni_update_arrays *arrays = &w.arrays;
    arrays->gradient = step->in[CNI_UPDATE_GRADIENT];
    arrays->accumulator = a->zeroes ? (void *)step->in[CNI_UPDATE_GRADIENT] : NULL;
    arrays->before = step->in[CNI_UPDATE_WEIGHTS];
    arrays->weights = step->op->outputs ? step->out[0] : (void *)step->in[CNI_UPDATE_WEIGHTS];
    for (int i = 0; i < CNI_UPDATE_SLOTS; i++) arrays->slots[i] = (void *)step->in[CNI_UPDATE_SLOT + i];
    arrays->average = (void *)step->in[CNI_UPDATE_AVERAGE];
    return w;
}

static void run_update(cni_step *step, const cni_run *run)
{
    work w = {.update = cni_update_begin(step, run, step->op->attributes),
              .count = (size_t)cni_shape_count(&step->op->in[CNI_UPDATE_WEIGHTS]->shape, 0)};
    cni_parallel(run->pool, pieces_of(w.count), update_piece, &w);
}

static const cni_op_kind update_kind = {
    .name = "update",
    .attributes_size = sizeof(cni_update_attributes),
    .run = run_update,
};

void cni_update_list(const cni_update_inputs *inputs, cni_tensor *in[CNI_UPDATE_INPUTS])
{
    in[CNI_UPDATE_GRADIENT] = inputs->gradient;
    in[CNI_UPDATE_SQUARES] = inputs->squares;
    in[CNI_UPDATE_WEIGHTS] = inputs->weights;
    memcpy(in + CNI_UPDATE_SLOT, inputs->slots, sizeof inputs->slots);
    in[CNI_UPDATE_AVERAGE] = inputs->average;
}

cni_tensor *cni_update_op(cni_graph *graph, const cni_update_attributes *attributes, const cni_update_inputs *inputs,
                          bool in_place)
{
    cni_tensor *in[CNI_UPDATE_INPUTS];
    cni_update_list(inputs, in);
    cni_op *op =
        cni_append(graph, &update_kind, attributes, CNI_UPDATE_INPUTS, in, in_place ? 0 : 1, &inputs->weights->shape);
    if (in_place) op->writes = inputs->weights->variable;
    return in_place ? NULL : op->out[0];
}

/* Sums of squares */

typedef struct squares {
    const cni_kernels *kernels;
    const char *x;
    double divide;
    size_t count;
    double *partials;
    size_t slices;
} squares;

static size_t squares_begin(const squares *s, size_t slice)
{
    return s->count / s->slices * slice + (slice < s->count % s->slices ? slice : s->count % s->slices);
}

static void square_slice(void *context, size_t slice, int thread)
{
    const squares *s = context;
    const size_t begin = squares_begin(s, slice), end = squares_begin(s, slice + 1);
    (void)thread;
    s->partials[slice] =
        s->kernels->learning.sum_of_squares(s->x + begin * s->kernels->real_size, s->divide, end - begin);
}

/* in: what was summed before or NULL, then tensors */
static void run_squares(cni_step *step, const cni_run *run)
{
    const size_t size = run->kernels->real_size;
    double sum = step->in[0] ? real_of(step->in[0], size) : 0, partials[MAX_PARTIALS];
    for (int i = 1; i < step->op->inputs; i++) {
        const size_t count = cni_tensor_count(step->op->in[i], run->n);
        size_t slices = pieces_of(count) < MAX_PARTIALS ? pieces_of(count) : MAX_PARTIALS;
        squares s = {run->kernels, step->in[i], *(const double *)step->op->attributes, count, partials, slices};
        cni_parallel(run->pool, slices, square_slice, &s);
        for (size_t k = 0; k < slices; k++) sum += partials[k];
    }
    if (size == sizeof(float))
        *(float *)step->out[0] = (float)sum;
    else
        *(double *)step->out[0] = sum;
}

static const cni_op_kind squares_kind = {
    .name = "sum of squares",
    .attributes_size = sizeof(double),
    .run = run_squares,
};

cni_tensor *cni_sum_of_squares(cni_graph *graph, cni_tensor *const *tensors, int count, double divide)
{
    cni_tensor *in[CNI_MAX_INPUTS] = {NULL};
    const cni_shape scalar = {.rank = 0};
    for (int at = 0; at < count;) {
        int inputs = 1;
        while (inputs < CNI_MAX_INPUTS && at < count) in[inputs++] = tensors[at++];
        in[0] = cni_append(graph, &squares_kind, &divide, inputs, in, 1, &scalar)->out[0];
    }
    return in[0];
}

/* Accumulation.  in: x, the sum */

typedef struct sums {
    const cni_kernels *kernels;
    const char *x;
    char *y;
    double divide;
    size_t count;
} sums;

static void accumulate_piece(void *context, size_t piece, int thread)
{
    const sums *s = context;
    const size_t at = piece * PIECE * s->kernels->real_size;
    (void)thread;
    s->kernels->learning.accumulate(s->x + at, s->divide, s->y + at, piece_count(s->count, piece));
}

static void run_accumulate(cni_step *step, const cni_run *run)
{
    const size_t count = cni_tensor_count(step->op->in[0], run->n);
    sums s = {run->kernels, step->in[0], (char *)step->in[1], *(const double *)step->op->attributes, count};
    cni_parallel(run->pool, pieces_of(count), accumulate_piece, &s);
}

static const cni_op_kind accumulate_kind = {
    .name = "accumulate gradient",
    .attributes_size = sizeof(double),
    .run = run_accumulate,
};

void cni_accumulate(cni_graph *graph, cni_tensor *x, double divide, cni_tensor *sum)
{
    cni_tensor *const in[] = {x, sum};
    cni_append(graph, &accumulate_kind, &divide, 2, in, 0, NULL)->writes = sum->variable;
}

/* Assignment.  in: x, the variable */

static void run_assign(cni_step *step, const cni_run *run)
{
    memcpy((void *)step->in[1], step->in[0], cni_tensor_count(step->op->in[0], run->n) * run->kernels->real_size);
}

static const cni_op_kind assign_kind = {.name = "assign", .run = run_assign};

void cni_assign(cni_graph *graph, cni_tensor *variable, cni_tensor *x)
{
    cni_tensor *const in[] = {x, variable};
    cni_append(graph, &assign_kind, NULL, 2, in, 0, NULL)->writes = variable->variable;
}
