/* SPDX-License-Identifier: Apache-2.0
 * The parts of an analysis, in the order in which they are done, and what they share. */
#ifndef CNI_ANALYSER_H
#define CNI_ANALYSER_H

#include "explain/analysis/analysis.h"

typedef struct cni_analyser {
    cni_analysis *analysis;
    cni_arena *arena;  /* of the analysis */
    cni_arena scratch; /* gone when it is done */
    cn_layer **layers; /* by layer of the description: shapes and weights, the latter without memory; or NULL */
    cni_error *error;
} cni_analyser;

/** Nodes, wired; shapes; weights. */
cn_status cni_analyse_nodes(cni_analyser *analyser);
/** Axes and fields. */
cn_status cni_analyse_fields(cni_analyser *analyser);
/** Sizes that are not known, as formulas. */
cn_status cni_analyse_symbols(cni_analyser *analyser);
/** Read masks. */
cn_status cni_analyse_masks(cni_analyser *analyser);
/** Parameters, MACs, bytes, totals. */
void cni_analyse_costs(cni_analyser *analyser);
/** expected_ms again, for other options.peak_flops and bandwidth. */
void cni_expect_times(cni_analysis *analysis);
cn_status cni_analyse_memory(cni_analyser *analyser);

/** How two numbers that may be unknown add and multiply. */
static inline int64_t cni_plus(int64_t a, int64_t b)
{
    int64_t sum;
    return a == CNI_UNSEEN || b == CNI_UNSEEN || __builtin_add_overflow(a, b, &sum) ? CNI_UNSEEN : sum;
}

static inline int64_t cni_times(int64_t a, int64_t b)
{
    int64_t product;
    return a == CNI_UNSEEN || b == CNI_UNSEEN || __builtin_mul_overflow(a, b, &product) ? CNI_UNSEEN : product;
}

/** Numbers of one sample; CNI_UNSEEN when not known. */
static inline int64_t cni_elements(const cni_explained *node)
{
    const int64_t count = node->shape.rank ? cni_shape_count(&node->shape, 1) : -1;
    return count < 0 ? CNI_UNSEEN : count;
}

static inline unsigned cni_traits(const cni_explained *node)
{
    return node->layer->kind ? node->layer->kind->traits : 0;
}

static inline bool cni_is_later_call(const cni_explained *node)
{
    return node->shared_with >= 0;
}

#endif
