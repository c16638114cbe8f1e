/* SPDX-License-Identifier: Apache-2.0
 * HDF5, the part of it that Keras and its relatives write: a reader and a writer of files that lie in memory.
 *
 * The reader takes every byte for hostile.  Whatever it looks at is claimed first, and no byte is claimed twice: so
 * structures cannot overlap, walks cannot run in circles, and the work is linear in the size of the file.  What it does
 * not support (links to elsewhere, foreign filters, compound types) can be listed, and is refused by name when opened
 * or read.  Texts of errors begin with "@0x1a40: ", the byte in the file. */
#ifndef CNI_HDF5_H
#define CNI_HDF5_H

#include "formats/bytes.h"
#include "formats/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CNI_H5_MAX_RANK = 32 }; /* of what can be listed; 8 of what is read */

/* ---- Reading ---- */

typedef struct cni_h5 cni_h5;
typedef struct cni_h5_object cni_h5_object;
typedef struct cni_h5_attribute cni_h5_attribute;

typedef enum cni_h5_kind { CNI_H5_GROUP = 1, CNI_H5_DATASET, CNI_H5_NAMED_TYPE } cni_h5_kind;

typedef enum cni_h5_class {
    CNI_H5_INTEGER = 1,
    CNI_H5_REAL,
    CNI_H5_BOOL,          /* an enumeration FALSE = 0, TRUE = 1 of one byte, as h5py writes it */
    CNI_H5_TEXT,          /* fixed length */
    CNI_H5_TEXT_VARIABLE, /* in the global heap */
    CNI_H5_OPAQUE,        /* bytes; Keras keeps bfloat16 in it */
    CNI_H5_OTHER          /* can be listed, not read; `name` says what it is */
} cni_h5_class;

typedef struct cni_h5_type {
    cni_h5_class class;
    const char *name;    /* "float32", "int64", "text", "compound", ...: static text */
    uint32_t size;       /* bytes of one element in the file */
    bool is_signed;      /* CNI_H5_INTEGER */
    bool big_endian;     /* CNI_H5_INTEGER, CNI_H5_REAL */
    uint8_t padding;     /* CNI_H5_TEXT: 0 ends with a zero, 1 padded with zeros, 2 padded with spaces */
    uint8_t real_format; /* CNI_H5_REAL: row of the table of formats */
} cni_h5_type;

typedef struct cni_h5_info {
    unsigned rank; /* 0: a scalar */
    uint64_t dims[CNI_H5_MAX_RANK];
    uint64_t count; /* product of dims; 0 for an empty dataspace */
    cni_h5_type type;
} cni_h5_info;

/** What a dataset or attribute is converted to.  Integers go to reals by rounding and to other integers by a range
 *  check; reals never become integers. */
typedef enum cni_h5_number { CNI_H5_F32, CNI_H5_F64, CNI_H5_I32, CNI_H5_I64, CNI_H5_U32, CNI_H5_U8 } cni_h5_number;

/** Opens the file that lies in `bytes`, which must outlive `arena`.  limits NULL: the defaults.  Everything that is
 *  ever read from the file is charged to the arena. */
cn_status cni_h5_open(cni_arena *arena, cni_bytes bytes, const cni_limits *limits, cni_h5 **out, cni_error *error);

/** The root group. */
cni_h5_object *cni_h5_root(cni_h5 *file);

/** Opens what `path` ("layers/conv2d/vars/0", one component at a time) names in the group `from`.  A missing component
 *  is CN_ERR_FORMAT; with cni_h5_find it is CN_OK and *out is NULL. */
cn_status cni_h5_get(cni_h5_object *from, const char *path, cni_h5_object **out, cni_error *error);
cn_status cni_h5_find(cni_h5_object *from, const char *path, cni_h5_object **out, cni_error *error);

cni_h5_kind cni_h5_kind_of(const cni_h5_object *object);
const char *cni_h5_path(const cni_h5_object *object); /* "/layers/conv2d"; for messages */

/** The names in a group, sorted by bytes, links to elsewhere included.  The list belongs to the file. */
cn_status cni_h5_children(cni_h5_object *group, const char *const **names, size_t *count, cni_error *error);

/** Shape and type of a dataset. */
cn_status cni_h5_dataset_info(cni_h5_object *dataset, cni_h5_info *info, cni_error *error);

/** Reads a whole dataset, converted, in C order; `count` must be the dataset's.  `out` is the caller's. */
cn_status cni_h5_read(cni_h5_object *dataset, cni_h5_number as, void *out, size_t count, cni_error *error);
static inline cn_status cni_h5_read_f32(cni_h5_object *dataset, float *out, size_t count, cni_error *error)
{
    return cni_h5_read(dataset, CNI_H5_F32, out, count, error);
}

/** From here on the memory of a dataset's data is given back as soon as they are read: for bytes that nobody else reads
 *  and datasets that are read once. */
void cni_h5_consume(cni_h5 *file);

/** Where the data of a dataset stand in the bytes, if they are just what cni_h5_read answers; else 0. */
uint64_t cni_h5_place(const cni_h5_object *dataset, cni_h5_number as);

/** Reads a whole dataset of numbers, fixed texts or opaque elements as the bytes in the file; `size` must be count *
 *  type.size. */
cn_status cni_h5_read_raw(cni_h5_object *dataset, void *out, size_t size, cni_error *error);

/** Reads a dataset of texts.  Strings end with 0 and belong to the file. */
cn_status cni_h5_read_texts(cni_h5_object *dataset, const char *const **texts, size_t *count, cni_error *error);

/** The attribute of that name; CN_OK and NULL if there is none. */
cn_status cni_h5_attribute_find(cni_h5_object *object, const char *name, const cni_h5_attribute **out,
                                cni_error *error);
cn_status cni_h5_attribute_names(cni_h5_object *object, const char *const **names, size_t *count, cni_error *error);
const cni_h5_info *cni_h5_attribute_info(const cni_h5_attribute *attribute);

/** One text (fixed or variable length, ASCII or UTF-8), or a list of them.  An empty attribute of any type is an empty
 *  list (h5py writes [] as an empty float64). */
cn_status cni_h5_attribute_text(const cni_h5_attribute *attribute, const char **text, cni_error *error);
cn_status cni_h5_attribute_texts(const cni_h5_attribute *attribute, const char *const **texts, size_t *count,
                                 cni_error *error);
cn_status cni_h5_attribute_read(const cni_h5_attribute *attribute, cni_h5_number as, void *out, size_t count,
                                cni_error *error);

/* ---- Writing ----
 * A tree is built in an arena and then serialised as h5py would by default: superblock 0, groups as symbol tables,
 * contiguous little-endian datasets, object headers of version 1.  The first thing that goes wrong is kept and told by
 * cni_h5_serialise; until then a failed call answers NULL, which the others take and ignore. */

typedef struct cni_h5_writer cni_h5_writer;
typedef struct cni_h5_item cni_h5_item; /* a group or dataset to be written */

/** Attributes beyond this (an h5py limit, all headers of the message included) are an error: split them, as Keras does.
 */
enum { CNI_H5_ATTRIBUTE_LIMIT = 65528 };

typedef enum cni_h5_store {
    CNI_H5_STORE_F32,
    CNI_H5_STORE_F64,
    CNI_H5_STORE_I32,
    CNI_H5_STORE_I64,
    CNI_H5_STORE_U32,
    CNI_H5_STORE_U8
} cni_h5_store;

cni_h5_writer *cni_h5_writer_new(cni_arena *arena); /* NULL: out of memory */
cni_h5_item *cni_h5_writer_root(cni_h5_writer *writer);

/** A group of that name, made if it is not there yet; `path` may have several components. */
cni_h5_item *cni_h5_add_group(cni_h5_item *parent, const char *path);

/** A dataset; rank 0 is a scalar.  `data` (C order, this machine's bytes) is borrowed until cni_h5_serialise. */
cni_h5_item *cni_h5_add_dataset(cni_h5_item *parent, const char *name, cni_h5_store type, unsigned rank,
                                const uint64_t *dims, const void *data);

/** Attributes: a UTF-8 text of variable length, or a list of them.  Copied.  An empty list is an empty float64. */
void cni_h5_add_text(cni_h5_item *item, const char *name, const char *text);
void cni_h5_add_texts(cni_h5_item *item, const char *name, const char *const *texts, size_t count);

/** A numeric attribute; rank 0 is a scalar.  Copied. */
void cni_h5_add_numbers(cni_h5_item *item, const char *name, cni_h5_store type, unsigned rank, const uint64_t *dims,
                        const void *data);

/** Appends the file's bytes to an empty buffer, which stays the caller's. */
cn_status cni_h5_serialise(cni_h5_writer *writer, cni_buffer *out, cni_error *error);

#endif
