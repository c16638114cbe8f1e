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
}

static void overlay(cni_kernels *kernels, cni_isa isa)
{
    (void)kernels, (void)isa;
}

void cni_kernels_init(cni_kernels *kernels, cni_isa isa)
{
    *kernels = (cni_kernels){.name = cni_isa_name(isa), .real_size = sizeof(float)};
    portable(kernels);
    overlay(kernels, isa);
}

void cni_kernels_init_double(cni_kernels *kernels)
{
    *kernels = (cni_kernels){.name = "double", .real_size = sizeof(double)};
    cni_convolution_double(&kernels->convolution);
    cni_matmul_double(&kernels->matmul);
    cni_pooling_double(&kernels->pooling);
    cni_elementwise_double(&kernels->elementwise);
    cni_normalization_double(&kernels->normalization);
    cni_layout_double(&kernels->layout);
    cni_learning_double(&kernels->learning);
}
