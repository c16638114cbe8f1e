/* SPDX-License-Identifier: Apache-2.0
 * The steps of optimizers, vectorised by the compiler. */
typedef float real;
#define ROOT(x) sqrtf(x)
#include "kernels/learning/updates.h"

void CNI_FOR_ISA(cni_updates_part)(cni_learning_kernels *kernels)
{
    kernels->update = update;
    kernels->sum_of_squares = sum_of_squares;
    kernels->accumulate = accumulate;
}
