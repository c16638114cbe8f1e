/* SPDX-License-Identifier: Apache-2.0
 * What two networks compute beside their windows' places: activations, biases, norms, merges, the numbers of each. Both
 * are told in Keras' words and laid beside each other. */
#ifndef CNI_COMPARE_STEPS_H
#define CNI_COMPARE_STEPS_H

#include "explain/analysis/analysis.h"

typedef struct cni_compared {
    const cni_analysis *analysis;
    const char *name; /* what the side is called: "Keras", "b.py" */
    bool torch;
} cni_compared;

/** What differs, a line each.  `outputs`: how many of the lines change what the networks give, with the same weights;
 *  the others change the training. */
typedef struct cni_differences {
    const char **lines;
    int count, outputs;
} cni_differences;

/** False when there is no memory. */
bool cni_compare_steps(cni_arena *arena, const cni_compared *a, const cni_compared *b, cni_differences *out);

#endif
