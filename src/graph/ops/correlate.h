/* SPDX-License-Identifier: Apache-2.0
 * Convolutions that mix channels, forward and transposed: the driver of the product kernel.
 *
 * Forward, y = convolution of x with w [window, channels read / groups, channels written].
 * Transposed, y = what a convolution from y's shape to x's sends back; w [window, channels written / groups, channels
 * read]. */
#ifndef CNI_CORRELATE_H
#define CNI_CORRELATE_H

#include "graph/graph.h"
#include "kernels/kernels.h"
#include "graph/ops/blocks.h"
#include "graph/ops/gather.h"

typedef struct cni_correlation {
    cni_sampling sampling;
    int groups;
    cni_finish finish;            /* over all of y */
    bool adds_steps;              /* finish.add, too, is 0 between the steps of the stride */
    const cni_epilogue *epilogue; /* applied afterwards, or NULL */
    cni_gather gather;            /* told what is written */
} cni_correlation;

/** Bytes of packed weights. */
size_t cni_correlation_packed(const cni_correlation *correlation, size_t real_size);

/** `packed` is written when `pack` is true and read in any case; `scratch` has cni_blocks_scratch bytes. */
void cni_correlate(const cni_correlation *correlation, const cni_run *run, const void *x, const void *w, void *y,
                   void *packed, bool pack, void *scratch);

/** One panel: panel[k * panel + j] = w[k * k_step + j * j_step]; one of the two steps is 1. */
void cni_pack_panel(const cni_kernels *kernels, const void *w, ptrdiff_t k_step, ptrdiff_t j_step, size_t depth,
                    int width, void *panel);

/** Where the packed weights of a step lie: in its persistent memory when they are packed from a variable that does not
 *  change with every run, else at `otherwise`; *pack says whether they have to be packed. */
void *cni_packed_weights(cni_step *step, const cni_tensor *w, void *otherwise, bool *pack);

/** True when packed weights are worth keeping from run to run. */
bool cni_keeps_packed(const cni_tensor *w);

#endif
