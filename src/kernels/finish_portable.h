/* SPDX-License-Identifier: Apache-2.0
 * The finish of a convolution in plain C, for CNI_REAL: the sum of `column`, which will lie at y[at]. */
#ifndef CNI_FINISH_PORTABLE_H
#define CNI_FINISH_PORTABLE_H

#include "kernels/elementwise/finish.h"

#include <stddef.h>

static inline CNI_REAL portable_finish(const cni_finish *f, CNI_REAL sum, size_t column, ptrdiff_t at)
{
    if (f->scale) sum *= ((const CNI_REAL *)f->scale)[column];
    if (f->shift) sum += ((const CNI_REAL *)f->shift)[column];
    if (f->add) sum += ((const CNI_REAL *)f->add)[at];
    if (f->clamps) {
        if (sum < 0) sum = f->slope == 0 ? 0 : sum * (CNI_REAL)f->slope;
        if (sum > (CNI_REAL)f->most) sum = (CNI_REAL)f->most;
    }
    if (f->mask && !(((const CNI_REAL *)f->mask)[at] > 0)) sum = 0;
    return sum;
}

#endif
