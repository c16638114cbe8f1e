/* SPDX-License-Identifier: Apache-2.0
 * Filters of pictures: a kernel by name or by its numbers, run by Conv2D over every channel. */
#ifndef CNI_FILTER_H
#define CNI_FILTER_H

#include "formats/images.h"

#include <cornu/data.h>

enum { CNI_MAX_FILTER = 99 }; /* rows and columns of a kernel */

typedef struct cni_filter {
    const char *name; /* NULL for numbers of the user's */
    int rows, columns;
    int kernels; /* 2: the magnitude of both is the result (sobel) */
    float *numbers[2];
} cni_filter;

/** Reads a name or "0 -1 0; -1 5 -1; 0 -1 0" (fractions as 1/9 too). */
cn_status cni_filter_read(cni_arena *arena, const char *text, cni_filter *out, cni_error *error);

/** `alpha` (NULL or height * width bytes) is cut as the picture is, and put behind the channels of the result. */
cn_status cni_filter_run(cni_arena *arena, const cni_filter *filter, const char *border, const cni_image *image,
                         const uint8_t *alpha, cni_image *out, cni_error *error);

#endif
