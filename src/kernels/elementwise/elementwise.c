/* SPDX-License-Identifier: Apache-2.0
 * The table of element-wise kernels, put together from its parts. */
#include "kernels/elementwise/elementwise.h"

void cni_elementwise_portable(cni_elementwise_kernels *kernels)
{
    cni_unary_part_f32(kernels);
    cni_binary_part_f32(kernels);
    cni_reduce_part_f32(kernels);
    cni_linear_part_f32(kernels);
    cni_finish_part_f32(kernels);
}

void cni_elementwise_double(cni_elementwise_kernels *kernels)
{
    cni_unary_part_f64(kernels);
    cni_binary_part_f64(kernels);
    cni_reduce_part_f64(kernels);
    cni_linear_part_f64(kernels);
    cni_finish_part_f64(kernels);
}

#define OVERLAY(isa)                                                                                                   \
    void cni_elementwise_##isa(cni_elementwise_kernels *kernels)                                                       \
    {                                                                                                                  \
        cni_unary_part_##isa(kernels);                                                                                 \
        cni_binary_part_##isa(kernels);                                                                                \
        cni_reduce_part_##isa(kernels);                                                                                \
        cni_linear_part_##isa(kernels);                                                                                \
        cni_finish_part_##isa(kernels);                                                                                \
    }
#if defined(__x86_64__)
OVERLAY(avx2)
OVERLAY(avx512)
#elif defined(__aarch64__)
OVERLAY(neon)
#endif
