/* SPDX-License-Identifier: Apache-2.0
 * What ways by Winograd's algorithm share: M = V U, a product for each of a tile's n n elements. */
#ifndef CNI_WINOGRAD_ELEMENTS_H
#define CNI_WINOGRAD_ELEMENTS_H

#include "kernels/kernels.h"

enum { CNI_WINOGRAD_LINE = 16, CNI_WANTED = 4 };

/** From element to element: an odd number of lines, so that the elements of a tile do not share sets of the cache. */
static inline ptrdiff_t cni_winograd_spaced(ptrdiff_t count)
{
    const ptrdiff_t lines = (count + CNI_WINOGRAD_LINE - 1) / CNI_WINOGRAD_LINE;
    return (lines + 1 - lines % 2) * CNI_WINOGRAD_LINE;
}

/** From tile to tile of V, whose pixels would share few sets of the first cache 2 KiB apart. */
static inline ptrdiff_t cni_winograd_pixel(int channels)
{
    const ptrdiff_t lines = (channels + CNI_WINOGRAD_LINE - 1) / CNI_WINOGRAD_LINE;
    return (lines % 16 ? lines : lines + 1) * CNI_WINOGRAD_LINE;
}

/** What will be needed soon, and lies in memory in another order: products ask for it on the way, in its own order. */
typedef struct cni_wanted {
    const char *at[CNI_WANTED];
    size_t bytes[CNI_WANTED];
    int range;
} cni_wanted;

/** Sizes and distances in elements: v [elements, tiles, channels], u [elements, channels, panel] for one panel, m
 *  [elements, tiles, panel], of which `width` columns are written. */
typedef struct cni_winograd_elements {
    const void *v, *u;
    void *m;
    ptrdiff_t v_element, v_tile, u_element, m_element;
    int elements, channels, width;
    size_t tiles;
} cni_winograd_elements;

/** `soon` may be NULL; what is asked for is taken off it. */
void cni_winograd_multiply_elements(const cni_kernels *kernels, const cni_winograd_elements *products,
                                    cni_wanted *soon);

#endif
