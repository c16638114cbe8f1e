/* SPDX-License-Identifier: Apache-2.0
 * The table of pooling kernels, put together from its parts. */
#include "kernels/pooling/pooling_kernels.h"

void cni_pooling_portable(cni_pooling_kernels *kernels)
{
    cni_pooling_part_f32(kernels);
}

void cni_pooling_double(cni_pooling_kernels *kernels)
{
    cni_pooling_part_f64(kernels);
}

#define OVERLAY(isa)                                                                                                   \
    void cni_pooling_##isa(cni_pooling_kernels *kernels)                                                               \
    {                                                                                                                  \
        cni_pooling_part_##isa(kernels);                                                                               \
    }
#if defined(__x86_64__)
OVERLAY(avx2)
OVERLAY(avx512)
#elif defined(__aarch64__)
OVERLAY(neon)
#endif
