/* SPDX-License-Identifier: Apache-2.0
 * What the files of the HDF5 reader share.  Numbers in comments are sections of the HDF5 File Format Specification 3.0.
 */
#ifndef CNI_HDF5_INTERNAL_H
#define CNI_HDF5_INTERNAL_H

#include "formats/hdf5/hdf5.h"

#define CNI_H5_UNDEFINED UINT64_MAX /* an address that points nowhere */

typedef struct cni_h5_claim cni_h5_claim;
typedef struct cni_h5_heap cni_h5_heap;

typedef struct cni_h5_scratch {
    unsigned char *bytes;
    size_t size;
} cni_h5_scratch;

struct cni_h5 {
    cni_bytes bytes; /* from the superblock's base address to the end of file that it names */
    size_t base;     /* where they start in the caller's: for messages */
    cni_arena *arena;
    cni_limits limits;
    unsigned offset_size, length_size; /* bytes of an address, of a length */
    cni_h5_claim *claims;
    size_t objects;
    uint64_t declared, stored; /* bytes of data read so far */
    bool consumed;             /* data are read once */
    cni_h5_scratch scratch[2]; /* chunks on their way through the filters */
    void *inflater;            /* a z_stream, once one was needed */
    cni_h5_object *root;
};

/* ---- Claims: an ordered tree of disjoint ranges of the file (hdf5_claims.c) ---- */

struct cni_h5_claim {
    cni_h5_claim *left, *right;
    unsigned level;
    size_t begin, end;
    const char *what; /* static text */
    void *owner;      /* what was read from there */
};

/** The claim that begins at `begin`, or NULL. */
cni_h5_claim *cni_h5_claim_at(const cni_h5 *file, size_t begin);

/** Claims bytes for `what`; they must lie in the file and belong to nobody yet. */
cn_status cni_h5_claim_bytes(cni_h5 *file, uint64_t begin, uint64_t size, const char *what, void *owner,
                             cni_error *error);

/* ---- The cursor: the only way to the bytes (hdf5_cursor.c) ---- */

typedef struct cni_h5_cursor {
    const cni_h5 *file;
    cni_error *error;
    const char *what; /* static text: what is being read */
    size_t at, end;
    cn_status status; /* the first failure; from then on every read gives 0 */
} cni_h5_cursor;

/** A failure at a byte of the file. */
cn_status cni_h5_fail(const cni_h5 *file, cni_error *error, cn_status status, uint64_t at, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/** A limit was passed: "more than 64 <what>". */
cn_status cni_h5_over(const cni_h5 *file, cni_error *error, uint64_t at, uint64_t limit, const char *what);

/** A name or text from the file, cut at 64 bytes without splitting a character.  Returns buffer. */
const char *cni_h5_show(const char *text, char buffer[72]);

/** A cursor over size bytes; a failed one if they are not all in the file. */
cni_h5_cursor cni_h5_read_at(const cni_h5 *file, uint64_t at, uint64_t size, const char *what, cni_error *error);

uint64_t cni_h5_u(cni_h5_cursor *cursor, unsigned width); /* little-endian, 1 to 8 bytes */
static inline uint8_t cni_h5_u8(cni_h5_cursor *cursor)
{
    return (uint8_t)cni_h5_u(cursor, 1);
}
static inline uint16_t cni_h5_u16(cni_h5_cursor *cursor)
{
    return (uint16_t)cni_h5_u(cursor, 2);
}
static inline uint32_t cni_h5_u32(cni_h5_cursor *cursor)
{
    return (uint32_t)cni_h5_u(cursor, 4);
}
uint64_t cni_h5_address(cni_h5_cursor *cursor); /* CNI_H5_UNDEFINED if all ones */
uint64_t cni_h5_length(cni_h5_cursor *cursor);

/** The next size bytes, which stay in the file; NULL if they are not there. */
const unsigned char *cni_h5_take(cni_h5_cursor *cursor, uint64_t size);
void cni_h5_skip(cni_h5_cursor *cursor, uint64_t size);
void cni_h5_signature(cni_h5_cursor *cursor, const char *four); /* fails unless these four bytes follow */
cn_status cni_h5_cursor_fail(cni_h5_cursor *cursor, cn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline size_t cni_h5_left(const cni_h5_cursor *cursor)
{
    return cursor->end - cursor->at;
}

/* A build for fuzzing looks past wrong checksums, which a fuzzer would seldom get right. */
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
#define CNI_H5_FUZZING true
#else
#define CNI_H5_FUZZING false
#endif

/** Bob Jenkins' lookup3, which HDF5 uses for its metadata. */
uint32_t cni_h5_checksum(const unsigned char *bytes, size_t size);

/** Compares the checksum in the last four of these bytes with that of the bytes before. */
cn_status cni_h5_verify(const cni_h5 *file, uint64_t at, uint64_t size, const char *what, cni_error *error);

/* ---- Objects ---- */

enum cni_h5_message_type { /* IV.A.2 */
                           CNI_H5_MSG_NIL = 0x00,
                           CNI_H5_MSG_DATASPACE = 0x01,
                           CNI_H5_MSG_LINK_INFO = 0x02,
                           CNI_H5_MSG_DATATYPE = 0x03,
                           CNI_H5_MSG_FILL_OLD = 0x04,
                           CNI_H5_MSG_FILL = 0x05,
                           CNI_H5_MSG_LINK = 0x06,
                           CNI_H5_MSG_EXTERNAL = 0x07,
                           CNI_H5_MSG_LAYOUT = 0x08,
                           CNI_H5_MSG_FILTERS = 0x0B,
                           CNI_H5_MSG_ATTRIBUTE = 0x0C,
                           CNI_H5_MSG_SHARED_TABLE = 0x0F,
                           CNI_H5_MSG_CONTINUATION = 0x10,
                           CNI_H5_MSG_SYMBOL_TABLE = 0x11,
                           CNI_H5_MSG_DRIVER_INFO = 0x14,
                           CNI_H5_MSG_ATTRIBUTE_INFO = 0x15,
                           CNI_H5_MSG_CACHE_IMAGE = 0x18,
                           CNI_H5_MSG_KNOWN = 0x18 /* the last type that the specification has */
};

enum { CNI_H5_FLAG_SHARED = 0x02, CNI_H5_FLAG_MUST_KNOW = 0x80 };

typedef struct cni_h5_message {
    uint16_t type;
    uint8_t flags;
    size_t at, size;
} cni_h5_message;

typedef struct cni_h5_link {
    const char *name;
    uint64_t address;
    const char *refusal; /* NULL, or what kind of link it is */
} cni_h5_link;

struct cni_h5_attribute {
    cni_h5 *file;
    const char *name;
    cni_h5_info info;
    size_t at, size; /* of the data */
};

typedef enum cni_h5_layout_class {
    CNI_H5_COMPACT,
    CNI_H5_CONTIGUOUS,
    CNI_H5_CHUNKED,
    CNI_H5_VIRTUAL
} cni_h5_layout_class;

/* Chunk indices of layout 4 (IV.A.2.i); CNI_H5_INDEX_TREE is layout 3's. */
typedef enum cni_h5_index {
    CNI_H5_INDEX_TREE,
    CNI_H5_INDEX_SINGLE,
    CNI_H5_INDEX_IMPLICIT,
    CNI_H5_INDEX_FIXED,
    CNI_H5_INDEX_EXTENSIBLE,
    CNI_H5_INDEX_TREE2
} cni_h5_index;

typedef struct cni_h5_chunk {
    uint64_t number;   /* in C order of all chunks that the shape has room for */
    uint64_t at, size; /* stored bytes */
    uint32_t mask;     /* bit i: filter i was left out */
} cni_h5_chunk;

typedef struct cni_h5_filter {
    uint16_t id;
    uint32_t parameter; /* the first: shuffle's element size */
} cni_h5_filter;

enum { CNI_H5_DEFLATE = 1, CNI_H5_SHUFFLE = 2, CNI_H5_FLETCHER32 = 3, CNI_H5_MAX_FILTERS = 32 };

typedef struct cni_h5_pipeline {
    unsigned count;
    cni_h5_filter filters[CNI_H5_MAX_FILTERS];
} cni_h5_pipeline;

typedef struct cni_h5_layout {
    cni_h5_layout_class class;
    uint64_t at, size; /* compact and contiguous data; the chunk index */
    cni_h5_index index;
    uint8_t flags;     /* layout 4: bit 0, edge chunks are not filtered; bit 1, a single chunk is */
    uint8_t page_bits; /* fixed array */
    uint32_t mask;     /* single chunk */
    uint64_t chunk[CNI_H5_MAX_RANK];
    uint64_t chunk_bytes;
} cni_h5_layout;

struct cni_h5_object {
    cni_h5 *file;
    size_t address;
    const char *path;
    unsigned depth;
    cni_h5_kind kind;
    cni_h5_message *messages;
    size_t message_count, message_room;

    bool links_read; /* a group's */
    cni_h5_link *links;
    const char **link_names;
    size_t link_count, link_room;

    bool attributes_read;
    cni_h5_attribute *attributes;
    const char **attribute_names;
    size_t attribute_count, attribute_room;

    cni_h5_info info; /* a dataset's */
    cni_h5_layout layout;
    cni_h5_pipeline pipeline;
    const unsigned char *fill; /* info.type.size bytes, or NULL: zeros */
    bool data_claimed;
    const char *refusal; /* why its data cannot be read; NULL if they can */
    cni_h5_chunk *chunks;
    size_t chunk_count, chunk_room;
};

/** Makes room for one more element in an arena array (doubling: the waste is bounded).  False: out of memory. */
bool cni_h5_grow(cni_arena *arena, void *array, size_t count, size_t *room, size_t element);

/** The object whose header is at `address`, read once.  `kind` 0: any. */
cn_status cni_h5_object_at(cni_h5 *file, uint64_t address, const char *path, unsigned depth, cni_h5_object **out,
                           cni_error *error);
/** Reads the messages of the header at object->address (hdf5_headers.c). */
cn_status cni_h5_read_header(cni_h5_object *object, cni_error *error);
const cni_h5_message *cni_h5_message_of(const cni_h5_object *object, unsigned type); /* the first, or NULL */
cni_h5_cursor cni_h5_message_cursor(const cni_h5_object *object, const cni_h5_message *message, const char *what,
                                    cni_error *error);

/* hdf5_groups.c */
cn_status cni_h5_read_links(cni_h5_object *group, cni_error *error);
cn_status cni_h5_read_link_message(cni_h5_object *group, cni_h5_cursor cursor);
bool cni_h5_good_name(const char *name, size_t length);

/* hdf5_types.c */
void cni_h5_read_dataspace(cni_h5_cursor *cursor, cni_h5_info *info);
/** The same, or what a shared message points at: a committed datatype. */
cn_status cni_h5_read_type_message(cni_h5 *file, cni_h5_cursor *cursor, bool shared, cni_h5_type *type);
/** Whether elements stand in the file as they are wanted. */
bool cni_h5_plain(const cni_h5_type *type, cni_h5_number as);
/** Converts count elements of a convertible type; false if one of them does not fit. */
bool cni_h5_convert(const cni_h5_type *type, const unsigned char *from, size_t count, cni_h5_number as, void *out);
size_t cni_h5_number_size(cni_h5_number number);
bool cni_h5_convertible(const cni_h5_type *type, cni_h5_number as);

/* hdf5_attributes.c */
cn_status cni_h5_read_attribute_message(cni_h5_object *object, cni_h5_cursor cursor);

/* hdf5_texts.c */
/** Texts from the elements at `from`. */
cn_status cni_h5_make_texts(cni_h5 *file, const cni_h5_info *info, cni_h5_cursor cursor, const char *const **texts,
                            cni_error *error);

/* hdf5_dense.c: what is kept in a fractal heap and listed in a version 2 B-tree. */
cn_status cni_h5_read_dense(cni_h5_object *object, uint64_t heap, uint64_t tree, bool links, cni_error *error);

/* hdf5_layout.c, hdf5_chunks.c, hdf5_filters.c */
cn_status cni_h5_read_dataset_header(cni_h5_object *dataset, cni_error *error);
cn_status cni_h5_read_chunk_index(cni_h5_object *dataset, cni_error *error);
void cni_h5_chunk_offset(const cni_h5_object *dataset, const cni_h5_chunk *chunk, uint64_t offset[CNI_H5_MAX_RANK]);
/** The bytes of a chunk after its filters: layout.chunk_bytes of them, in the file or in a scratch buffer. */
cn_status cni_h5_unfilter(cni_h5_object *dataset, const cni_h5_chunk *chunk, const unsigned char **out,
                          cni_error *error);

#endif
