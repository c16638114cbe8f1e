/* SPDX-License-Identifier: Apache-2.0
 * Fills the table of kernels: the portable ones first, then over them what the instruction set offers.  A family's
 * overlay has its line here as soon as it has a vector source. */
#include "kernels/kernels.h"

static void portable(cni_kernels *kernels)
{
    cni_convolution_portable(&kernels->convolution);
    cni_matmul_portable(&kernels->matmul);
    cni_pooling_portable(&kernels->pooling);
    cni_elementwise_portable(&kernels->elementwise);
    cni_normalization_portable(&kernels->normalization);
    cni_layout_portable(&kernels->layout);
    cni_learning_portable(&kernels->learning);
    cni_winograd_portable(&kernels->winograd);
}

#if defined(__x86_64__)
static void avx2(cni_kernels *kernels)
{
    cni_convolution_avx2(&kernels->convolution);
    cni_matmul_avx2(&kernels->matmul);
    cni_pooling_avx2(&kernels->pooling);
    cni_elementwise_avx2(&kernels->elementwise);
    cni_normalization_avx2(&kernels->normalization);
    cni_layout_avx2(&kernels->layout);
    cni_learning_avx2(&kernels->learning);
    cni_winograd_avx2(&kernels->winograd);
}

static void avx512(cni_kernels *kernels)
{
    cni_convolution_avx512(&kernels->convolution);
    cni_matmul_avx512(&kernels->matmul);
    cni_pooling_avx512(&kernels->pooling);
    cni_elementwise_avx512(&kernels->elementwise);
    cni_normalization_avx512(&kernels->normalization);
    cni_layout_avx512(&kernels->layout);
    cni_learning_avx512(&kernels->learning);
    cni_winograd_avx512(&kernels->winograd);
}
#elif defined(__aarch64__)
static void neon(cni_kernels *kernels)
{
    cni_convolution_neon(&kernels->convolution);
    cni_matmul_neon(&kernels->matmul);
    cni_pooling_neon(&kernels->pooling);
    cni_elementwise_neon(&kernels->elementwise);
    cni_normalization_neon(&kernels->normalization);
    cni_layout_neon(&kernels->layout);
    cni_learning_neon(&kernels->learning);
    cni_winograd_neon(&kernels->winograd);
}
#endif

static void (*const overlays[CNI_ISA_COUNT])(cni_kernels *kernels) = {
#if defined(__x86_64__)
    [CNI_ISA_AVX2] = avx2,
    [CNI_ISA_AVX512] = avx512,
#elif defined(__aarch64__)
    [CNI_ISA_NEON] = neon,
#else
    NULL
#endif
};

static void overlay(cni_kernels *kernels, cni_isa isa)
{
    if (overlays[isa]) overlays[isa](kernels);
}

void cni_kernels_init(cni_kernels *kernels, cni_isa isa)
{
    *kernels = (cni_kernels){.name = cni_isa_name(isa), .real_size = sizeof(float), .caches = cni_cpu_caches()};
    portable(kernels);
    overlay(kernels, isa);
}

void cni_kernels_init_double(cni_kernels *kernels)
{
    *kernels = (cni_kernels){.name = "double", .real_size = sizeof(double), .caches = cni_cpu_caches()};
    cni_convolution_double(&kernels->convolution);
    cni_matmul_double(&kernels->matmul);
    cni_pooling_double(&kernels->pooling);
    cni_elementwise_double(&kernels->elementwise);
    cni_normalization_double(&kernels->normalization);
    cni_layout_double(&kernels->layout);
    cni_learning_double(&kernels->learning);
    cni_winograd_double(&kernels->winograd);
}
