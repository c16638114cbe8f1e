/* SPDX-License-Identifier: Apache-2.0
 * Kernels for learning: none yet. */
#ifndef CNI_LEARNING_H
#define CNI_LEARNING_H

typedef struct cni_learning_kernels {
    int count; /* no kernels */
} cni_learning_kernels;

static inline void cni_learning_portable(cni_learning_kernels *kernels)
{
    kernels->count = 0;
}

static inline void cni_learning_double(cni_learning_kernels *kernels)
{
    kernels->count = 0;
}

#endif
