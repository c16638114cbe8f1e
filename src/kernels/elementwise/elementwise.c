/* SPDX-License-Identifier: Apache-2.0
 * The table of element-wise kernels, put together from its parts. */
#include "kernels/elementwise/elementwise.h"

void cni_elementwise_portable(cni_elementwise_kernels *kernels)
{
    cni_unary_part_f32(kernels);
    cni_binary_part_f32(kernels);
    cni_reduce_part_f32(kernels);
    cni_linear_part_f32(kernels);
}

void cni_elementwise_double(cni_elementwise_kernels *kernels)
{
    cni_unary_part_f64(kernels);
    cni_binary_part_f64(kernels);
    cni_reduce_part_f64(kernels);
    cni_linear_part_f64(kernels);
}
