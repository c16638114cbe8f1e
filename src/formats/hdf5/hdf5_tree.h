/* SPDX-License-Identifier: Apache-2.0
 * The tree of groups and datasets that the HDF5 writer builds (hdf5_writer.c) and lays out (hdf5_serialise.c). */
#ifndef CNI_HDF5_TREE_H
#define CNI_HDF5_TREE_H

#include "formats/hdf5/hdf5.h"

/* A datatype as it stands in the file, and what the writer must know of it. */
typedef struct cni_h5_coded_type {
    uint8_t size;      /* bytes of an element */
    uint8_t code_size; /* bytes of the description */
    uint8_t code[20];
} cni_h5_coded_type;

/* Rows as cni_h5_store, then the variable-length text. */
enum { CNI_H5_CODE_TEXT = CNI_H5_STORE_U8 + 1, CNI_H5_CODES };
extern const cni_h5_coded_type cni_h5_codes[CNI_H5_CODES];

typedef struct cni_h5_stored_text { /* where a text lies in the global heap */
    const char *text;
    uint64_t length, collection;
    uint32_t index;
} cni_h5_stored_text;

typedef struct cni_h5_value { /* a dataset's or an attribute's */
    unsigned code, rank;
    uint64_t dims[CNI_H5_MAX_RANK];
    uint64_t count;
    const void *data; /* numbers */
    cni_h5_stored_text *texts;
} cni_h5_value;

typedef struct cni_h5_added_attribute {
    const char *name;
    cni_h5_value value;
} cni_h5_added_attribute;

struct cni_h5_item {
    cni_h5_writer *writer;
    const char *name;
    unsigned depth;
    bool is_dataset;
    cni_h5_value value;     /* a dataset's */
    cni_h5_item **children; /* a group's, sorted by name */
    size_t child_count, child_room;
    cni_h5_added_attribute *attributes;
    size_t attribute_count, attribute_room;
    uint64_t name_at;            /* in the parent's heap */
    uint64_t header, tree, heap; /* addresses; tree and heap are a group's */
};

struct cni_h5_writer {
    cni_arena *arena;
    cni_error error; /* the first */
    cni_h5_item *root;
};

#endif
