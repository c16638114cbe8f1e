/* SPDX-License-Identifier: Apache-2.0
 * The steps of optimizers, plainly. */
typedef CNI_REAL real;
#define ROOT(x) ((real)(sizeof(real) == sizeof(float) ? sqrtf((float)(x)) : sqrt((double)(x))))
#include "kernels/learning/updates.h"

void CNI_FOR_REAL(cni_updates_part)(cni_learning_kernels *kernels)
{
    kernels->update = update;
    kernels->sum_of_squares = sum_of_squares;
    kernels->accumulate = accumulate;
}
