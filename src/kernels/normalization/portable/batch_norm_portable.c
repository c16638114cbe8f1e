/* SPDX-License-Identifier: Apache-2.0
 * Batch normalization, plainly.  x [rows, c]: a channel is a column. */
#include "kernels/normalization/normalization.h"

typedef CNI_REAL real;

enum { BLOCK = 128 };

/* Sum of f over a column, by blocks. */
typedef struct column {
    const real *x, *dy; /* their first element */
    size_t rows, pitch;
    real mean;
    const cni_gate *gate;
    size_t channel;
} column;

static real through(const cni_gate *gate, size_t i, real x, real dy);

static real value(const column *v, size_t r)
{
    return v->x[r * v->pitch];
}

static real squared_distance(const column *v, size_t r)
{
    const real d = v->x[r * v->pitch] - v->mean;
    return d * d;
}

static real given(const column *v, size_t r)
{
    return through(v->gate, v->channel, v->x[r * v->pitch], v->dy[r * v->pitch]);
}

static real given_by_distance(const column *v, size_t r)
{
    return given(v, r) * (v->x[r * v->pitch] - v->mean);
}

static real sum(const column *v, real (*f)(const column *, size_t))
{
    real total = 0;
    for (size_t begin = 0; begin < v->rows; begin += BLOCK) {
        real part = 0;
        for (size_t r = begin; r < v->rows && r < begin + BLOCK; r++) part += f(v, r);
        total += part;
    }
    return total;
}

static void moments(const void *x, void *mean, void *m2, size_t rows, size_t c)
{
    for (size_t i = 0; i < c; i++) {
        column v = {.x = (const real *)x + i, .rows = rows, .pitch = c};
        ((real *)mean)[i] = v.mean = sum(&v, value) / (real)rows;
        ((real *)m2)[i] = sum(&v, squared_distance);
    }
}

/* Chan, Golub & LeVeque 1983 */
static void join_moments(double count_a, void *mean, void *m2, double count_b, const void *mean_b, const void *m2_b,
                         size_t c)
{
    const real share = (real)(count_b / (count_a + count_b)), both = (real)(count_a * count_b / (count_a + count_b));
    for (size_t i = 0; i < c; i++) {
        const real distance = ((const real *)mean_b)[i] - ((real *)mean)[i];
        ((real *)mean)[i] += distance * share;
        ((real *)m2)[i] += ((const real *)m2_b)[i] + distance * distance * both;
    }
}

/* What comes back through the gate of channel i. */
static real through(const cni_gate *gate, size_t i, real x, real dy)
{
    if (!gate) return dy;
    const real v = x * ((const real *)gate->scale)[i] + ((const real *)gate->shift)[i];
    if (v >= (real)gate->most) return 0;
    return v > 0 || (gate->zero_passes && v == 0) ? dy : (real)gate->slope * dy;
}

static void gradient_sums(const void *x, const void *dy, const cni_gate *gate, const void *mean, void *sum_dy,
                          void *sum_dyx, size_t rows, size_t c)
{
    for (size_t i = 0; i < c; i++) {
        const column v = {(const real *)x + i, (const real *)dy + i, rows, c, ((const real *)mean)[i], gate, i};
        ((real *)sum_dy)[i] = sum(&v, given);
        ((real *)sum_dyx)[i] = sum(&v, given_by_distance);
    }
}

static void gradient_combine(const void *x, const void *dy, const cni_gate *gate, const void *a, const void *b,
                             const void *k, bool of_relu, void *dx, size_t rows, size_t c)
{
    const real *from = x, *arriving = dy, *by_a = a, *by_b = b, *constant = k;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < c; i++) {
            const real value = from[r * c + i], g = through(gate, i, value, arriving[r * c + i]);
            const real sum = by_a[i] * g + (by_b[i] * value + constant[i]);
            ((real *)dx)[r * c + i] = of_relu && !(value > 0) ? 0 : sum;
        }
}

void CNI_FOR_REAL(cni_batch_norm_part)(cni_normalization_kernels *kernels)
{
    kernels->moments = moments;
    kernels->join_moments = join_moments;
    kernels->gradient_sums = gradient_sums;
    kernels->gradient_combine = gradient_combine;
}
