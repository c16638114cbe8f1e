/* SPDX-License-Identifier: Apache-2.0
 * Shapes. */
#include "tensor/shape.h"

#include <inttypes.h>
#include <stdio.h>

bool cni_shape_equal(const cni_shape *a, const cni_shape *b)
{
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i]) return false;
    return true;
}

bool cni_shape_compatible(const cni_shape *a, const cni_shape *b)
{
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dims[i] >= 0 && b->dims[i] >= 0 && a->dims[i] != b->dims[i]) return false;
    return true;
}

int64_t cni_shape_count(const cni_shape *shape, int from)
{
    const int64_t most = INT64_C(1) << 48;
    int64_t count = 1;
    bool zero = false;
    for (int i = from; i < shape->rank; i++) {
        if (shape->dims[i] < 0) return CNI_UNKNOWN;
        if (shape->dims[i] == 0)
            zero = true;
        else if (shape->dims[i] > most / count)
            return CNI_UNKNOWN;
        else
            count *= shape->dims[i];
    }
    return zero ? 0 : count;
}

char *cni_shape_show(const cni_shape *shape, char *buffer, size_t size)
{
    size_t used = (size_t)snprintf(buffer, size, "(");
    for (int i = 0; i < shape->rank && used < size; i++) {
        const char *separator = i ? ", " : "";
        int n = shape->dims[i] < 0 ? snprintf(buffer + used, size - used, "%sNone", separator)
                                   : snprintf(buffer + used, size - used, "%s%" PRId64, separator, shape->dims[i]);
        used += (size_t)n;
    }
    if (used < size) snprintf(buffer + used, size - used, shape->rank == 1 ? ",)" : ")");
    return buffer;
}
