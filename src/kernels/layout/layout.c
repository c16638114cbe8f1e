/* SPDX-License-Identifier: Apache-2.0
 * The table of layout kernels, and boxes made simple. */
#include "kernels/layout/layout.h"

void cni_layout_portable(cni_layout_kernels *kernels)
{
    cni_layout_part_f32(kernels);
}

void cni_layout_double(cni_layout_kernels *kernels)
{
    cni_layout_part_f64(kernels);
}

cni_box cni_box_simplified(const cni_box *box)
{
    cni_box out = {.rank = 0};
    for (int i = 0; i < box->rank; i++) {
        if (box->dims[i] == 1) continue;
        const int last = out.rank - 1;
        const ptrdiff_t size = (ptrdiff_t)box->dims[i];
        const int joins = last >= 0 && out.from[last] == box->from[i] * size && out.to[last] == box->to[i] * size;
        const int at = joins ? last : out.rank++;
        out.dims[at] = joins ? out.dims[at] * box->dims[i] : box->dims[i];
        out.from[at] = box->from[i];
        out.to[at] = box->to[i];
    }
    if (out.rank == 0) out = (cni_box){1, {1}, {1}, {1}};
    return out;
}

#define OVERLAY(isa)                                                                                                   \
    void cni_layout_##isa(cni_layout_kernels *kernels)                                                                 \
    {                                                                                                                  \
        cni_layout_part_##isa(kernels);                                                                                \
    }
#if defined(__x86_64__)
OVERLAY(avx2)
OVERLAY(avx512)
#elif defined(__aarch64__)
OVERLAY(neon)
#endif
