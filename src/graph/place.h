/* SPDX-License-Identifier: Apache-2.0
 * Packing intervals of time into one piece of memory. */
#ifndef CNI_PLACE_H
#define CNI_PLACE_H

#include <stddef.h>

enum { CNI_PLACE_ALIGN = 64 };

/** Bytes that are needed from step `first` to step `last`, both included. */
typedef struct cni_place {
    int first, last;
    int id;      /* settles ties, so that the result does not depend on the sorting */
    size_t size; /* a multiple of CNI_PLACE_ALIGN; the sum of all sizes fits a size_t */
    size_t offset;
} cni_place;

/** Gives each place its offset, such that no two that are needed at the same time overlap, and returns the bytes needed
 *  in all.  The list is reordered. */
size_t cni_place_all(cni_place **places, int count);

#endif
