/* SPDX-License-Identifier: Apache-2.0
 * The table of kernels.  A kernel is loops over plain pointers and sizes: it knows nothing of tensors, graphs, threads
 * or Keras.  Each family keeps its part of the table, with the contract of every kernel, in a header of its own.
 *
 * A table is complete by construction: it is filled with the portable kernels, then overlaid with what the
 * instruction set offers.  The portable kernels are the judge of the others; compiled for `double` they serve the
 * gradient checks.  Hence pointers to data are `void *` (elements are `real_size` bytes) and scalars are `double`. */
#ifndef CNI_KERNELS_H
#define CNI_KERNELS_H

#include "base/cpu.h"
#include "kernels/convolution/convolution.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/layout/layout.h"
#include "kernels/learning/learning.h"
#include "kernels/matmul/matmul.h"
#include "kernels/normalization/normalization.h"
#include "kernels/pooling/pooling_kernels.h"
#include "kernels/winograd/winograd.h"

typedef struct cni_kernels {
    const char *name; /* "portable", "avx2", "avx512", "neon", "double" */
    size_t real_size; /* 4 or 8 */
    cni_caches caches;
    cni_convolution_kernels convolution;
    cni_matmul_kernels matmul;
    cni_pooling_kernels pooling;
    cni_elementwise_kernels elementwise;
    cni_normalization_kernels normalization;
    cni_layout_kernels layout;
    cni_learning_kernels learning;
    cni_winograd_kernels winograd;
} cni_kernels;

/** float kernels for an instruction set that this machine has. */
void cni_kernels_init(cni_kernels *kernels, cni_isa isa);

/** The portable kernels compiled for double. */
void cni_kernels_init_double(cni_kernels *kernels);

#endif
