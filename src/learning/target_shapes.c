/* SPDX-License-Identifier: Apache-2.0
 * How targets and predictions must match. */
#include "learning/target_shapes.h"

int64_t cni_last_dim(const cni_shape *shape)
{
    return shape->rank ? shape->dims[shape->rank - 1] : 0;
}

void cni_adjust_ranks(cni_shape *a, cni_shape *b)
{
    cni_shape *longer = a->rank > b->rank ? a : b, *shorter = a->rank > b->rank ? b : a;
    if (longer->rank != shorter->rank + 1 || cni_last_dim(longer) != 1) return;
    if (shorter->rank == 1)
        shorter->dims[shorter->rank++] = 1;
    else
        longer->rank--;
}

static bool fits(int64_t a, int64_t b)
{
    return a == b || a == CNI_UNKNOWN || b == CNI_UNKNOWN;
}

bool cni_labels_fit(const cni_shape *y_true, const cni_shape *y_pred)
{
    if (y_true->rank != y_pred->rank - 1 && !(y_true->rank == y_pred->rank && cni_last_dim(y_true) == 1)) return false;
    for (int i = 0; i < y_pred->rank - 1; i++)
        if (!fits(y_true->dims[i], y_pred->dims[i])) return false;
    return true;
}

bool cni_targets_fit(const cni_shape *y_true, const cni_shape *y_pred, bool repeats)
{
    if (y_true->rank != y_pred->rank) return false;
    for (int i = 0; i < y_pred->rank; i++) {
        const int64_t a = y_true->dims[i], b = y_pred->dims[i];
        if (!fits(a, b) && (!repeats || i == 0 || (a != 1 && b != 1))) return false;
    }
    return true;
}

cni_target_style cni_style_of(const cni_shape *y_true, const cni_shape *y_pred)
{
    const int64_t classes = cni_last_dim(y_pred);
    if (classes == 1) return CNI_BINARY_TARGETS;
    return y_true->rank < y_pred->rank || (cni_last_dim(y_true) == 1 && classes > 1) ? CNI_SPARSE_TARGETS
                                                                                     : CNI_CATEGORICAL_TARGETS;
}
