/* SPDX-License-Identifier: Apache-2.0
 * The table of normalization kernels, put together from its parts. */
#include "kernels/normalization/normalization.h"

void cni_normalization_portable(cni_normalization_kernels *kernels)
{
    cni_softmax_part_f32(kernels);
    cni_sparsemax_part_f32(kernels);
    cni_batch_norm_part_f32(kernels);
}

void cni_normalization_double(cni_normalization_kernels *kernels)
{
    cni_softmax_part_f64(kernels);
    cni_sparsemax_part_f64(kernels);
    cni_batch_norm_part_f64(kernels);
}

#define OVERLAY(isa)                                                                                                   \
    void cni_normalization_##isa(cni_normalization_kernels *kernels)                                                   \
    {                                                                                                                  \
        cni_softmax_part_##isa(kernels);                                                                               \
        cni_batch_norm_part_##isa(kernels);                                                                            \
    }
#if defined(__x86_64__)
OVERLAY(avx2)
OVERLAY(avx512)
#elif defined(__aarch64__)
OVERLAY(neon)
#endif
