/* SPDX-License-Identifier: Apache-2.0
 * The table of matmul kernels, put together from its parts. */
#include "kernels/matmul/matmul.h"

void cni_matmul_portable(cni_matmul_kernels *kernels)
{
    cni_matmul_part_f32(kernels);
    cni_condensed_part_f32(kernels);
}

void cni_matmul_double(cni_matmul_kernels *kernels)
{
    cni_matmul_part_f64(kernels);
    cni_condensed_part_f64(kernels);
}

#define OVERLAY(isa)                                                                                                   \
    void cni_matmul_##isa(cni_matmul_kernels *kernels)                                                                 \
    {                                                                                                                  \
        cni_product_part_##isa(kernels);                                                                               \
        cni_narrow_part_##isa(kernels);                                                                                \
        cni_thin_part_##isa(kernels);                                                                                  \
        cni_condensed_part_##isa(kernels);                                                                             \
        cni_unpacked_part_##isa(kernels);                                                                              \
        cni_outer_part_##isa(kernels);                                                                                 \
    }
#if defined(__x86_64__)
OVERLAY(avx2)
OVERLAY(avx512)
#elif defined(__aarch64__)
OVERLAY(neon)
#endif
