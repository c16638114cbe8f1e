/* SPDX-License-Identifier: Apache-2.0
 * The table of kernels for learning, put together from its parts. */
#include "kernels/learning/learning.h"

void cni_learning_portable(cni_learning_kernels *kernels)
{
    cni_losses_part_f32(kernels);
    cni_updates_part_f32(kernels);
}

void cni_learning_double(cni_learning_kernels *kernels)
{
    cni_losses_part_f64(kernels);
    cni_updates_part_f64(kernels);
}

#ifdef __x86_64__
void cni_learning_avx2(cni_learning_kernels *kernels)
{
    cni_losses_part_avx2(kernels);
    cni_class_losses_part_avx2(kernels);
    cni_updates_part_avx2(kernels);
}

void cni_learning_avx512(cni_learning_kernels *kernels)
{
    cni_losses_part_avx512(kernels);
    cni_class_losses_part_avx512(kernels);
    cni_updates_part_avx512(kernels);
}
#endif

#ifdef __aarch64__
void cni_learning_neon(cni_learning_kernels *kernels)
{
    cni_losses_part_neon(kernels);
    cni_class_losses_part_neon(kernels);
    cni_updates_part_neon(kernels);
}
#endif
