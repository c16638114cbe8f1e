/* SPDX-License-Identifier: Apache-2.0
 * The table of convolution kernels, put together from its parts. */
#include "kernels/convolution/convolution.h"

void cni_convolution_portable(cni_convolution_kernels *kernels)
{
    cni_depthwise_part_f32(kernels);
    cni_grouped_part_f32(kernels);
}

void cni_convolution_double(cni_convolution_kernels *kernels)
{
    cni_depthwise_part_f64(kernels);
    cni_grouped_part_f64(kernels);
}

#define OVERLAY(isa)                                                                                                   \
    void cni_convolution_##isa(cni_convolution_kernels *kernels)                                                       \
    {                                                                                                                  \
        cni_depthwise_part_##isa(kernels);                                                                             \
        cni_depthwise_weights_part_##isa(kernels);                                                                     \
        cni_grouped_part_##isa(kernels);                                                                               \
    }
#if defined(__x86_64__)
OVERLAY(avx2)
OVERLAY(avx512)
#elif defined(__aarch64__)
OVERLAY(neon)
#endif
