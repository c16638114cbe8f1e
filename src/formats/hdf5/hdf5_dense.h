/* SPDX-License-Identifier: Apache-2.0
 * The fractal heap of the HDF5 reader. */
#ifndef CNI_HDF5_DENSE_H
#define CNI_HDF5_DENSE_H

#include "formats/hdf5/hdf5_internal.h"

typedef struct cni_h5_fractal {
    cni_h5 *file;
    uint64_t at;
    unsigned id_size;                    /* bytes of an object's place */
    unsigned offset_width, length_width; /* in it */
    bool checked_blocks;                 /* direct blocks have checksums */
    unsigned table_width, root_rows;     /* of the doubling table; 0 rows: the root is a direct block */
    uint64_t first_block, largest_block; /* sizes of direct blocks */
    uint64_t heap_bits;
    uint64_t root;
    uint64_t huge_tree;
} cni_h5_fractal;

/** Bytes that it takes to write a number of up to `most`. */
unsigned cni_h5_width(uint64_t most);

cn_status cni_h5_heap_open(cni_h5 *file, uint64_t at, cni_h5_fractal *heap, cni_error *error);

/** Reads an object's place and makes a cursor over the object. */
cn_status cni_h5_heap_find(const cni_h5_fractal *heap, cni_h5_cursor *place, const char *what, cni_h5_cursor *object);

#endif
