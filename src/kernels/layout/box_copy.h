/* SPDX-License-Identifier: Apache-2.0
 * Copies boxes of `real`s: the walk over the outer dimensions, ending in rows, transposes or single elements.  The
 * including file has defined real and transpose. */
#include <string.h>

static void copy_row(const real *x, ptrdiff_t from, real *y, ptrdiff_t to, size_t n)
{
    if (from == 1 && to == 1)
        memcpy(y, x, n * sizeof *y);
    else if (from == 0 && to == 1)
        for (size_t i = 0; i < n; i++) y[i] = *x;
    else
        for (size_t i = 0; i < n; i++) y[(ptrdiff_t)i * to] = x[(ptrdiff_t)i * from];
}

/* Two inner dimensions that are a transpose: contiguous along rows there, along columns here. */
static int is_transpose(const cni_box *box, int i)
{
    return box->to[i + 1] == 1 && box->from[i] == 1 && box->from[i + 1] > 0 && box->to[i] > 0;
}

static void copy_from(const cni_box *box, int i, const real *x, real *y)
{
    if (i == box->rank - 1) {
        copy_row(x, box->from[i], y, box->to[i], box->dims[i]);
    } else if (i == box->rank - 2 && is_transpose(box, i)) {
        transpose(x, (size_t)box->from[i + 1], y, (size_t)box->to[i], box->dims[i + 1], box->dims[i]);
    } else {
        for (size_t k = 0; k < box->dims[i]; k++)
            copy_from(box, i + 1, x + (ptrdiff_t)k * box->from[i], y + (ptrdiff_t)k * box->to[i]);
    }
}

static void copy(const cni_box *box, const void *x, void *y)
{
    const cni_box simple = cni_box_simplified(box);
    copy_from(&simple, 0, x, y);
}
