/* SPDX-License-Identifier: Apache-2.0
 * The table of Winograd's transforms, put together from its parts. */
#include "kernels/winograd/winograd.h"

void cni_winograd_portable(cni_winograd_kernels *kernels)
{
    cni_winograd_part_f32(kernels);
    cni_winograd_multiply_part_f32(kernels);
}

void cni_winograd_double(cni_winograd_kernels *kernels)
{
    cni_winograd_part_f64(kernels);
    cni_winograd_multiply_part_f64(kernels);
}

#define OVERLAY(isa)                                                                                                   \
    void cni_winograd_##isa(cni_winograd_kernels *kernels)                                                             \
    {                                                                                                                  \
        cni_winograd_forth_part_##isa(kernels);                                                                        \
        cni_winograd_back_part_##isa(kernels);                                                                         \
        cni_winograd_overlap_part_##isa(kernels);                                                                      \
        cni_winograd_multiply_part_##isa(kernels);                                                                     \
    }
#if defined(__x86_64__)
OVERLAY(avx2)
OVERLAY(avx512)
#elif defined(__aarch64__)
OVERLAY(neon)
#endif
