/* SPDX-License-Identifier: Apache-2.0
 * The analysis of a described network, from its parts. */
#include "explain/analysis/analyser.h"

#include <math.h>
#include <stdlib.h>
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
    CN_TRY(cni_analyse_symbols(analyser));
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

/* ---- other image sizes ---- */

/* The size of a node's map on one axis for other sizes of its inputs; 0 or less: it does not fit, or not exactly. */
static int64_t exact_size(const cni_explained *node, int axis, int64_t n)
{
    const cni_view_axis *v = node->view.axis + axis;
    cni_axis a;
    if (v->stride == 0 && node->view.spatial) return node->map[axis]; /* brought to a given size */
    switch (node->view.type) {
    case CNI_VIEW_SHIFT:
        return n + v->before + v->after;
    case CNI_VIEW_NEAREST:
    case CNI_VIEW_BILINEAR:
        return n * v->stride;
    case CNI_VIEW_ADAPTIVE:
        return v->size;
    case CNI_VIEW_TRANSPOSED:
        cni_axis_of(&node->view, axis, n, &a);
        return a.o;
    case CNI_VIEW_WINDOW:
        cni_axis_of(&node->view, axis, n, &a);
        return a.rest == 0 && a.before == a.after ? a.o : 0;
    default:
        return n;
    }
}

static bool is_exact(const cni_analysis *analysis, int axis, int64_t size, int64_t *sizes)
{
    for (int i = 0; i < analysis->count; i++) {
        const cni_explained *node = analysis->nodes + i;
        sizes[i] = i == analysis->image ? size : node->map[axis];
        if (node->spatial != 2 || node->view.type == CNI_VIEW_ALL || node->view.type == CNI_VIEW_UNKNOWN) continue;
        int64_t largest = 0;
        for (int j = 0; j < node->input_count; j++) {
            const int64_t n = sizes[node->inputs[j]];
            if (analysis->nodes[node->inputs[j]].spatial != 2 || n == 1) continue;
            if (largest && n != largest) return false;
            largest = n;
        }
        if (!node->input_count) continue;
        sizes[i] = exact_size(node, axis, largest ? largest : 1);
        if (sizes[i] <= 0) return false;
    }
    return true;
}

bool cni_exact_input(const cni_analysis *analysis, int64_t rows, int64_t columns)
{
    int64_t *sizes = calloc((size_t)analysis->count + 1, sizeof *sizes);
    const bool planar = analysis->image >= 0 && analysis->nodes[analysis->image].spatial == 2;
    const bool exact = sizes && planar && is_exact(analysis, 0, rows, sizes) && is_exact(analysis, 1, columns, sizes);
    free(sizes);
    return exact;
}
