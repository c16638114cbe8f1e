/* SPDX-License-Identifier: Apache-2.0
 * Edits that several rules propose. */
#include "explain/rules/edits.h"
#include "explain/rules/arguments.h"
#include "explain/rules/say.h"

#include <inttypes.h>

static void add_edit(cni_edits *edits, cni_edit edit)
{
    if (edits->count == CNI_MAX_EDITS)
        edits->failed = true;
    else
        edits->items[edits->count++] = edit;
}

void cni_edit_argument(cni_edits *edits, const cni_explained *node, const char *key, const char *value)
{
    add_edit(edits, (cni_edit){.type = CNI_EDIT_ARGUMENT, .layer = node->layer_index, .key = key, .value = value});
}

void cni_edit_before(cni_edits *edits, const cni_explained *node, const char *value)
{
    add_edit(edits, (cni_edit){.type = CNI_EDIT_BEFORE, .layer = node->layer_index, .value = value});
}

void cni_edit_replace(cni_edits *edits, const cni_explained *node, const char *value)
{
    add_edit(edits, (cni_edit){.type = CNI_EDIT_REPLACE, .layer = node->layer_index, .value = value});
}

void cni_edit_remove(cni_edits *edits, const cni_explained *node)
{
    add_edit(edits, (cni_edit){.type = CNI_EDIT_REMOVE, .layer = node->layer_index});
}

void cni_edit_input(cni_edits *edits, int64_t rows, int64_t columns)
{
    add_edit(edits, (cni_edit){.type = CNI_EDIT_INPUT, .layer = -1, .rows = rows, .columns = columns});
}

static const char *pair_text(cni_findings *findings, const int64_t *pair, int count)
{
    bool equal = true;
    for (int i = 1; i < count; i++) equal &= pair[i] == pair[0];
    if (equal) return cni_say(findings, "%" PRId64, pair[0]);
    if (count == 2) return cni_say(findings, "(%" PRId64 ", %" PRId64 ")", pair[0], pair[1]);
    return cni_say(findings, "(%" PRId64 ", %" PRId64 ", %" PRId64 ")", pair[0], pair[1], pair[2]);
}

void cni_edit_pair(cni_findings *findings, cni_edits *edits, const cni_explained *node, const char *key,
                   const int64_t *pair, int count)
{
    cni_edit_argument(edits, node, key, pair_text(findings, pair, count));
}

static bool is_padded(const cni_explained *node)
{
    for (int i = 0; i < node->view.spatial; i++)
        if (node->view.axis[i].rule != CNI_PAD_GIVEN || node->view.axis[i].before || node->view.axis[i].after)
            return true;
    return false;
}

bool cni_edit_pad(cni_findings *findings, cni_edits *edits, const cni_explained *node)
{
    const bool pool = cni_is_pool(node);
    if (!cni_has_windows(node) || !cni_has_argument(node, "padding")) return false;
    if (pool && cni_has_argument(node, "ceil_mode")) {
        if (!node->view.ceil_mode) cni_edit_argument(edits, node, "ceil_mode", "True");
        return !node->view.ceil_mode;
    }
    if (is_padded(node)) return false;
    if (!cni_is_torch(findings)) {
        cni_edit_argument(edits, node, "padding", "'same'");
        return true;
    }
    int64_t half[CNI_MAX_SPATIAL];
    for (int i = 0; i < node->view.spatial; i++) {
        half[i] = (node->view.axis[i].size - 1) * node->view.axis[i].dilation / 2;
        if (node->view.axis[i].size == 1) return false;
    }
    cni_edit_pair(findings, edits, node, "padding", half, node->view.spatial);
    return true;
}

bool cni_edit_symmetric(cni_findings *findings, cni_edits *edits, const cni_explained *node)
{
    int64_t half[CNI_MAX_SPATIAL];
    if (cni_is_torch(findings) || node->view.spatial != 2 || !cni_is(node, CNI_IS_CONVOLUTION)) return false;
    for (int i = 0; i < 2; i++) {
        if (node->axis[i].extent % 2 == 0) return false;
        half[i] = node->axis[i].extent / 2;
    }
    cni_edit_before(edits, node, cni_say(findings, "ZeroPadding2D(%s)", pair_text(findings, half, 2)));
    cni_edit_argument(edits, node, "padding", "'valid'");
    return true;
}

bool cni_try(cni_findings *findings, cni_finding *finding, const cni_edits *edits)
{
    if (edits->failed || !edits->count) return false;
    return cni_finding_try(findings, finding, edits->items, edits->count, NULL);
}
