/* SPDX-License-Identifier: Apache-2.0
 * How far the branches of a merge are out of register, and what is said of it. */
#include "explain/rules/padding/misalignment.h"

#include <inttypes.h>
#include <string.h>

cni_misaligned cni_misaligned_of(const cni_findings *findings, const cni_explained *node)
{
    cni_misaligned m = {.axis = -1};
    if (!cni_is(node, CNI_IS_MERGE) || node->suspect || node->input_count < 2) return m;
    for (m.b = 1; m.b < node->input_count; m.b++) {
        for (int i = node->spatial - 1; i >= 0; i--) {
            m.num[i] = 0;
            m.den[i] = 1;
            if (cni_misalignment(findings->analysis, node, m.a, m.b, i, m.num + i, m.den + i) && m.num[i]) m.axis = i;
        }
        if (m.axis >= 0) return m;
    }
    return m;
}

static int64_t magnitude(int64_t number)
{
    return number < 0 ? -number : number;
}

const char *cni_say_distance(cni_findings *findings, const cni_misaligned *m, int spatial)
{
    const bool alike = spatial == 2 && m->num[0] * m->den[1] == m->num[1] * m->den[0];
    const char *first = cni_say_fraction(findings, magnitude(m->num[m->axis]), m->den[m->axis]);
    if (alike || spatial != 2 || !m->num[1 - m->axis]) return cni_say(findings, "%s image px", first);
    return cni_say(findings, "%s image px along the rows' axis and %s px along the columns'", first,
                   cni_say_fraction(findings, magnitude(m->num[1]), m->den[1]));
}

/* Centre of position 0 in image pixels; behind up-sampling, where positions differ, as if they were all alike. */
static const char *centre(cni_findings *findings, const cni_explained *node, int axis)
{
    const cni_receptive_field *field = node->field + axis;
    int64_t sum = 0;
    if (!field->local || !field->left || field->period < 1) return "?";
    for (int64_t i = 0; i < field->period; i++) {
        if (field->left[i] > field->right[i]) return "?";
        sum += field->left[i] + field->right[i];
    }
    return cni_say_fraction(findings, sum - field->step * (field->period - 1), 2 * field->period);
}

/* The last window with a step between the parting and the end of a branch, or NULL. */
static const cni_explained *step_of(cni_findings *findings, const cni_explained *end, int parting, int axis)
{
    const cni_analysis *analysis = findings->analysis;
    for (int i = end->id; i != parting && analysis->nodes[i].input_count; i = analysis->nodes[i].inputs[0]) {
        const cni_explained *at = analysis->nodes + i;
        const bool window = at->view.type == CNI_VIEW_WINDOW || at->view.type == CNI_VIEW_TRANSPOSED;
        if (window && axis < at->view.spatial && at->view.axis[axis].stride > 1) return at;
    }
    return NULL;
}

static const char *sides(cni_findings *findings, const cni_explained *node, int axis)
{
    return cni_say(findings, "%" PRId64 "/%" PRId64, node->axis[axis].before, node->axis[axis].after);
}

static const char *say_step(cni_findings *findings, const cni_explained *at, int axis)
{
    const int64_t sizes[] = {at->axis[0].k, at->axis[1].k, at->axis[2].k};
    return cni_say(findings, "   (%s%s stride %" PRId64 ", pad %s)", cni_say_sizes(findings, sizes, at->view.spatial),
                   at->view.type == CNI_VIEW_TRANSPOSED ? " transposed," : "", at->view.axis[axis].stride,
                   sides(findings, at, axis));
}

const char *cni_say_branches(cni_findings *findings, const cni_explained *a, const cni_explained *b, int parting,
                             int axis)
{
    const cni_explained *const ends[] = {a, b}, *steps[2];
    const char *lines = "", *centres[2];
    int name = 0, width = 2;
    for (int i = 0; i < 2; i++) {
        steps[i] = step_of(findings, ends[i], parting, axis);
        centres[i] = centre(findings, ends[i], axis);
        const int name_length = (int)strlen((steps[i] ? steps[i] : ends[i])->name), length = (int)strlen(centres[i]);
        name = name_length > name ? name_length : name;
        width = length > width ? length : width;
    }
    for (int i = 0; i < 2; i++)
        lines = cni_say(findings, "%sbranch %-*s   position 0 centred at %*s%s\n", lines, name,
                        (steps[i] ? steps[i] : ends[i])->name, width, centres[i],
                        steps[i] ? say_step(findings, steps[i], axis) : "");
    return lines;
}

const char *cni_say_parting(cni_findings *findings, const cni_explained *merge, const cni_misaligned *m, int parting)
{
    const cni_receptive_field *field = cni_input_of(findings, merge, m->a)->field + m->axis;
    const cni_explained *at = findings->analysis->nodes + (parting < 0 ? 0 : parting);
    const char *where = parting < 0 ? ""
                                    : cni_say(findings, "they part at %s (%s); ", cni_say_node(findings, at),
                                              cni_say_shape(findings, &at->shape));
    if (!field->local || field->unit < 1 || !cni_seen(field->jump) || field->jump < 1) return where;
    return cni_say(findings, "%sjump %s, so %s cells", where, cni_say_fraction(findings, field->jump, field->unit),
                   cni_say_fraction(findings, magnitude(m->num[m->axis]) * field->unit, m->den[m->axis] * field->jump));
}
