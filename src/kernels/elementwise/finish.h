/* SPDX-License-Identifier: Apache-2.0
 * How a convolution ends: what becomes of a sum while it is still in a register. */
#ifndef CNI_FINISH_H
#define CNI_FINISH_H

#include "kernels/elementwise/epilogue.h"

#include <stdbool.h>

/** y = clamp(sum * scale[column] + shift[column] + add[at]), and 0 where mask[at] is not above 0.
 *
 *  `at` is where the result lies, counted from y: `add` and `mask` are laid out as y is.  NULL leaves a part out.
 *  clamp(v) = v < 0 ? slope v : v, then at most `most`; a slope of 0 gives 0 also for minus infinity, and NaN stays
 * NaN.
 *
 *  scale and shift: a folded BatchNormalization; add: a residual; mask: the output of a relu whose gradient this is. */
typedef struct cni_finish {
    const void *scale, *shift, *add, *mask;
    bool clamps;
    double slope, most;
} cni_finish;

/** True when the function is a clamp; then it is filled in. */
bool cni_finish_clamp(cni_finish *finish, const cni_epilogue *epilogue);

#endif
