/* SPDX-License-Identifier: Apache-2.0
 * What 'same' pads unevenly, and how far that shifts a map. */
#include "explain/rules/padding/padding.h"

static bool is_same(const cni_explained *node, int axis)
{
    return node->view.axis[axis].rule == CNI_PAD_SAME || node->view.axis[axis].rule == CNI_PAD_SAME_LOWER;
}

/* J of what the node reads as a fraction of image pixels; false when it is not known. */
static bool jump_of_input(const cni_findings *findings, const cni_explained *node, int axis, int64_t *num, int64_t *den)
{
    const cni_explained *in = cni_input_of(findings, node, 0);
    const cni_receptive_field *field = in->field + axis;
    if (axis >= in->spatial || !field->local || field->unit < 1 || !cni_seen(field->jump) || field->jump < 1)
        return false;
    *num = field->jump;
    *den = field->unit;
    return true;
}

void cni_add_shift(const cni_findings *findings, const cni_explained *node, int axis, int64_t *num, int64_t *den)
{
    int64_t jump, unit;
    const cni_axis *a = node->axis + axis;
    if (!cni_seen(a->before) || !cni_seen(a->after) || !jump_of_input(findings, node, axis, &jump, &unit)) return;
    const int64_t part = (a->after - a->before) * jump, over = 2 * unit; /* part / over */
    if (*den > INT32_MAX || over > INT32_MAX) return;
    *num = *num * over + part * *den;
    *den *= over;
    for (; *num % 2 == 0 && *den % 2 == 0; *den /= 2) *num /= 2;
}

bool cni_is_uneven(const cni_explained *node, int axis)
{
    const cni_axis *a = node->axis + axis;
    return cni_has_windows(node) && !node->suspect && axis < node->view.spatial && is_same(node, axis) && a->s > 1 &&
           cni_seen(a->before) && cni_seen(a->after) && a->before != a->after;
}

bool cni_is_even(const cni_explained *node, int axis)
{
    const cni_axis *a = node->axis + axis;
    return cni_has_windows(node) && axis < node->view.spatial && is_same(node, axis) && a->s == 1 && a->extent % 2 == 0;
}
