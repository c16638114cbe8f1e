/* SPDX-License-Identifier: Apache-2.0
 * Windows that step over cells: of each stride some are read, the others by none. */
#include "explain/rules/coverage/coverage.h"

#include <inttypes.h>

/* Of each `stride` cells of an axis, how many are read, far from the borders (1.4). */
int64_t cni_read_of_stride(const cni_view_axis *axis)
{
    const int64_t step = axis->stride / cni_common_divisor(axis->stride, axis->dilation);
    return axis->size < step ? axis->size : step;
}

bool cni_skips_cells(const cni_explained *node)
{
    for (int i = 0; cni_has_windows(node) && i < node->view.spatial; i++) {
        const cni_view_axis *axis = node->view.axis + i;
        if (cni_read_of_stride(axis) < axis->stride && !(node->axis[i].n > 0 && node->axis[i].n <= axis->size))
            return true;
    }
    return false;
}

static const char *ordinal(cni_findings *findings, int64_t n)
{
    static const char *const ends[] = {"th", "st", "nd", "rd"};
    return cni_say(findings, "%" PRId64 "%s", n, n < 4 ? ends[n] : ends[0]);
}

/* "reads every 2nd row and column"; with a dilation that shares a factor, and other windows, what of how many. */
const char *cni_say_cells_read(cni_findings *findings, const cni_explained *node)
{
    const cni_view *view = &node->view;
    const char *all = "";
    for (int i = 0, said = 0; i < view->spatial; i++) {
        const cni_view_axis *axis = view->axis + i;
        const int64_t read = cni_read_of_stride(axis);
        if (read == axis->stride) continue;
        const bool alike = i > 0 && said && read == cni_read_of_stride(axis - 1) && axis->stride == axis[-1].stride;
        const char *word = cni_say_axis(view->spatial, i, read > 1);
        const char *share = read == 1 ? cni_say(findings, "every %s ", ordinal(findings, axis->stride))
                                      : cni_say(findings, "%" PRId64 " of %" PRId64 " ", read, axis->stride);
        all = cni_say(findings, "%s%s%s%s", all, said ? " and " : "", alike ? "" : share, word);
        said = 1;
    }
    return all;
}
