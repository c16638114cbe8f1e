/* SPDX-License-Identifier: Apache-2.0
 * Shapes: up to 8 dimensions, any of which may still be unknown (-1), as Keras' None. */
#ifndef CNI_SHAPE_H
#define CNI_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CNI_MAX_RANK = 8, CNI_UNKNOWN = -1 };

typedef struct cni_shape {
    int rank;
    int64_t dims[CNI_MAX_RANK]; /* dims[0] is the batch wherever a layer is concerned */
} cni_shape;

/** CNI_SHAPE(CNI_UNKNOWN, 28, 28, 1) */
#define CNI_SHAPE(...) ((cni_shape){(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}})

bool cni_shape_equal(const cni_shape *a, const cni_shape *b);

/** Equal where both are known. */
bool cni_shape_compatible(const cni_shape *a, const cni_shape *b);

/** Product of dims[from ...]; -1 when one is unknown or the product passes 2^48. */
int64_t cni_shape_count(const cni_shape *shape, int from);

/** "(None, 28, 28, 1)", as Keras prints it.  Returns buffer. */
char *cni_shape_show(const cni_shape *shape, char *buffer, size_t size);

#define CNI_SHOW_SHAPE(shape) cni_shape_show((shape), (char[128]){0}, 128)

#endif
