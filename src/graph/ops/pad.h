/* SPDX-License-Identifier: Apache-2.0
 * Zeros put around a tensor, or cut off. */
#ifndef CNI_OP_PAD_H
#define CNI_OP_PAD_H

#include "graph/graph.h"

/** before[i] and after[i] zeros at the ends of axis i; negative: so many elements are cut off.  A batch has 0. */
cni_tensor *cni_pad(cni_graph *graph, cni_tensor *x, const int64_t *before, const int64_t *after);

/** Elements begin .. begin + length - 1 along `axis`, which is not the batch (negative: from the end). */
cni_tensor *cni_slice(cni_graph *graph, cni_tensor *x, int axis, int64_t begin, int64_t length);

/** For ops that read zeros round an image by themselves: when x [n, h, w, c] is a padding of rows and columns, how
 *  wide it is; NULL when it is anything else.  Their gradients then go round the padding too. */
const cni_padding *cni_zeros_round(const cni_tensor *x);

#endif
