/* SPDX-License-Identifier: Apache-2.0
 * How much a file may ask for.  The struct travels with every call; nothing in a file or the environment widens it. */
#ifndef CNI_LIMITS_H
#define CNI_LIMITS_H

#include <stdint.h>

typedef struct cni_limits {
    uint64_t memory;                    /* bytes charged to one load: the budget of its arena */
    uint64_t file_bytes;                /* of one input file */
    uint64_t free_expansion, expansion; /* up to `expansion` : 1 once the output passes free_expansion bytes */
    uint64_t zip_entries, zip_name_bytes, zip_directory_bytes;
    uint64_t json_bytes, json_depth, json_values, json_string_bytes;
    uint64_t dimension, elements; /* of one array; its rank is at most 8 */
    uint64_t npy_header_bytes;
    uint64_t h5_objects, h5_depth;             /* groups and datasets; groups within groups */
    uint64_t h5_btree_depth, h5_continuations; /* levels of an index; pieces of an object's header */
    uint64_t h5_attribute_bytes,
        h5_name_bytes; /* of one attribute with all its texts; of a link's or attribute's name */
    uint64_t image_side, image_pixels, image_bytes;
    uint64_t png_chunks, png_chunk_bytes; /* ancillary chunks; bytes of one, and of all that are kept */
    uint64_t jpeg_scans, jpeg_markers;
} cni_limits;

/** What is used where a caller passes NULL. */
extern const cni_limits cni_default_limits;

#endif
