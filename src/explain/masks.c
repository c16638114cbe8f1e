/* SPDX-License-Identifier: Apache-2.0
 * Read masks: which positions of each map can still reach an output of the network (explain-spec 2.7). */
#include "explain/analyser.h"
#include "explain/reads.h"

cn_status cni_analyse_masks(cni_analyser *a)
{
    for (int i = 0; i < a->analysis->count; i++) {
        cni_explained *node = a->analysis->nodes + i;
        int64_t positions = node->shape.rank ? 1 : CNI_UNSEEN;
        for (int j = 0; j < node->spatial; j++)
            positions = cni_times(positions, node->map[j] < 0 ? CNI_UNSEEN : node->map[j]);
        node->positions = node->needed = positions;
    }
    return CN_OK;
}
