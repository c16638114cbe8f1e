/* SPDX-License-Identifier: Apache-2.0
 * The rules by which convolutions are computed, and what they were measured on. */
#include "graph/ops/algorithm.h"

#include "graph/ops/taps.h"
#include "kernels/kernels.h"


const cni_algorithm_row cni_algorithm_rows[CNI_ALGORITHMS] = {
    {"direct", 0, 0}, {"F(4x4,3x3)", 4, 3}, {"F(2x2,3x3)", 2, 3}, {"F(2x2,5x5)", 2, 5}};

bool cni_algorithm_serves(cni_algorithm algorithm, const cni_conv_shape *s)
{
    int window = cni_algorithm_rows[algorithm].window;
    return algorithm == CNI_DIRECT ||
           (s->groups == 1 && s->window[0] == window && s->window[1] == window && s->strides[0] == 1 &&
            s->strides[1] == 1 && s->dilation[0] == 1 && s->dilation[1] == 1);
}

cni_algorithm cni_choose_algorithm(const cni_conv_shape *s, const cni_run *run)
{
    if (run->math == CN_MATH_DIRECT || run->kernels->real_size != sizeof(float)) return CNI_DIRECT;
    if (s->from[2] < 16 || s->to[2] < 16) return CNI_DIRECT;
    if (cni_algorithm_serves(CNI_F25, s)) return CNI_F25;
    if (cni_algorithm_serves(CNI_F43, s)) return CNI_F43;
    return CNI_DIRECT;
}
