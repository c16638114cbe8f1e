/* SPDX-License-Identifier: Apache-2.0
 * The analysis of a described network, from its parts. */
#include "explain/analyser.h"

#include <math.h>
#include <string.h>

static cn_status check(const cni_description *flat, cni_error *error)
{
    for (int i = 0; i < flat->layer_count; i++)
        if (flat->layers[i].inner)
            return cni_fail(error, CN_ERR_INVALID, "\"%s\" is a model; only flat networks can be analysed",
                            flat->layers[i].name);
    for (int i = 0; i < flat->call_count; i++)
        for (int j = 0; j < flat->calls[i].input_count; j++)
            if (flat->calls[i].inputs[j].call >= i)
                return cni_fail(error, CN_ERR_INVALID, "call %d comes before its input %d", i, j);
    return CN_OK;
}

static cn_status analyse(cni_analyser *analyser)
{
    CN_TRY(cni_analyse_nodes(analyser));
    CN_TRY(cni_analyse_fields(analyser));
    CN_TRY(cni_analyse_masks(analyser));
    cni_analyse_costs(analyser);
    return cni_analyse_memory(analyser);
}

cn_status cni_analyse(cni_arena *arena, const cni_description *flat, const cni_explain_options *options,
                      cni_analysis **out, cni_error *error)
{
    CN_TRY(check(flat, error));
    cni_analysis *analysis = CNI_NEW(arena, cni_analysis);
    if (!analysis) return cni_no_memory(error, "an analysis");
    analysis->arena = arena;
    analysis->description = flat;
    if (options) analysis->options = *options;
    if (!analysis->options.bytes) analysis->options.bytes = 4;
    analysis->image = analysis->last_map = -1;
    analysis->sigma = analysis->width95 = NAN;
    analysis->drift2 = analysis->dead_pixels = CNI_UNSEEN;
    cni_analyser analyser = {.analysis = analysis, .arena = arena, .error = error};
    const cn_status status = analyse(&analyser);
    cni_arena_free(&analyser.scratch);
    if (!status) *out = analysis;
    return status;
}

const cni_explained *cni_explained_find(const cni_analysis *analysis, const char *name)
{
    for (int i = 0; i < analysis->count; i++)
        if (!strcmp(analysis->nodes[i].name, name)) return analysis->nodes + i;
    return NULL;
}
