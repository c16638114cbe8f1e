/* SPDX-License-Identifier: Apache-2.0
 * The finish of a convolution with vectors: `some` lanes of a sum, the first of which belongs to `column` and will lie
 * at y[at].  Everything is static. */
#ifndef CNI_FINISH_VECTOR_H
#define CNI_FINISH_VECTOR_H

#include "kernels/elementwise/finish.h"
#include "kernels/vector.h"

#include <stddef.h>

ALWAYS_INLINE lanes load_at(const void *from, ptrdiff_t at, int some)
{
    const float *p = (const float *)from + at;
    return some >= LANES ? load(p) : load_some(p, some);
}

ALWAYS_INLINE lanes vector_clamp(lanes x, float slope, float most)
{
    lanes low = slope == 0 ? vector_relu(x) : choose((mask)(x < (lanes){0}), x * slope, x);
    return vector_at_most(low, splat(most));
}

ALWAYS_INLINE lanes vector_finish(const cni_finish *f, lanes sum, int column, ptrdiff_t at, int some)
{
    const lanes shift = f->shift ? load_at(f->shift, column, some) : (lanes){0};
    if (f->scale)
        sum = multiply_add(sum, load_at(f->scale, column, some), shift);
    else if (f->shift)
        sum += shift;
    if (f->add) sum += load_at(f->add, at, some);
    if (f->clamps) sum = vector_clamp(sum, (float)f->slope, (float)f->most);
    if (f->mask) sum = choose((mask)(load_at(f->mask, at, some) > (lanes){0}), sum, (lanes){0});
    return sum;
}

#endif
