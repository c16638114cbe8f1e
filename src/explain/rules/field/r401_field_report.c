/* SPDX-License-Identifier: Apache-2.0
 * R401: how much of the image a position of the last map sees. */
#include "explain/rules/rules.h"

#include <inttypes.h>
#include <string.h>

/* "10x10", or "10" twice is once; NULL where it is not known. */
static const char *width_of(cni_findings *findings, const cni_explained *node)
{
    int64_t sizes[CNI_MAX_SPATIAL];
    for (int i = 0; i < node->spatial; i++) {
        const cni_receptive_field *field = node->field + i;
        if (!cni_in_pixels(field, field->size, sizes + i)) return NULL;
        if (!field->affine && cni_seen(field->least) && field->least != field->most)
            return cni_say(findings, "%" PRId64 " to %" PRId64 " px", field->least, field->most);
    }
    return cni_say_sizes(findings, sizes, node->spatial);
}

/* "4"; "2x1" where the axes differ; NULL where one is not known. */
static const char *jump_of(cni_findings *findings, const cni_explained *node)
{
    const char *text = "", *first = NULL;
    bool differ = false;
    for (int i = 0; i < node->spatial; i++) {
        const cni_receptive_field *field = node->field + i;
        if (!cni_seen(field->jump)) return NULL;
        const char *jump = cni_say_fraction(findings, field->jump, field->unit);
        text = cni_say(findings, "%s%s%s", text, i ? "x" : "", jump);
        if (!i) first = jump;
        differ |= strcmp(jump, first) != 0;
    }
    return differ ? text : first;
}

static void look_r401(cni_findings *findings, const cni_rule *rule)
{
    const cni_analysis *analysis = findings->analysis;
    if (analysis->last_map < 0 || analysis->image < 0) return;
    const cni_explained *node = analysis->nodes + analysis->last_map, *image = analysis->nodes + analysis->image;
    if (node->id == image->id || !node->spatial || node->suspect) return;
    const char *width = width_of(findings, node), *jump = width ? jump_of(findings, node) : NULL;
    if (!jump) return;
    const char *of = image->map[0] > 0 ? cni_say(findings, " of %s", cni_say_map(findings, image)) : "";
    cni_finding_add(findings, rule, CNI_NOTE, -1, "field of the last map %s%s, jump %s", width, of, jump);
}

const cni_rule cni_rule_r401 = {
    .id = "R401",
    .name = "field-report",
    .severity = CNI_NOTE,
    .grade = 'A',
    .whole = true,
    .look = look_r401,
    .why = "The receptive field of a position is the part of the image that can influence it: r = 1 + sum of "
           "(k-1)*d*J over the windows before, where J, the jump, is the product of the strides so far and the "
           "distance of neighbouring positions in pixels of the image. VGG16 ends with a field of 212 and a jump of "
           "32. It is an upper bound: before training most of the influence comes from the middle, like a bell curve. "
           "A field well below the object's size cannot see the object as a whole. Statistics of batch normalization, "
           "which in training come from all positions, are not counted.",
    .source = "Araujo, Norris & Sim, Distill 2019; Luo et al. 2016",
};
