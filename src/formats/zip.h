/* SPDX-License-Identifier: Apache-2.0
 * ZIP archives in memory: a reader that takes every byte for hostile, and a writer of stored members.
 *
 * We walk the directory ourselves rather than through a zip library: the checks that matter here (both headers agree,
 * nothing overlaps, names, sizes to the byte) are on bytes that such libraries do not show, and once they are made only
 * inflate and a CRC are left to do.  Field names are those of PKWARE's APPNOTE 6.3.10. */
#ifndef CNI_ZIP_H
#define CNI_ZIP_H

#include "formats/bytes.h"
#include "formats/limits.h"

typedef struct cni_zip_member {
    const char *name; /* UTF-8, relative, no "..", unique; folders end in "/" */
    bool deflated;
    uint32_t crc;
    uint64_t size;    /* of the content */
    cni_bytes stored; /* as it lies in the archive */
} cni_zip_member;

typedef struct cni_zip {
    size_t count;
    cni_zip_member *members; /* in the order of the directory */
} cni_zip;

/** Checks the whole archive except the contents of members.  `file` must outlive `out`. */
cn_status cni_zip_open(cni_arena *arena, cni_bytes file, const cni_limits *limits, cni_zip *out, cni_error *error);

const cni_zip_member *cni_zip_find(const cni_zip *zip, const char *name); /* NULL if there is none */

/** The content, its size and CRC verified.  A stored member is not copied. */
cn_status cni_zip_read(cni_arena *arena, const cni_zip_member *member, cni_bytes *out, cni_error *error);

/** Whether bytes begin as an archive does. */
bool cni_zip_detect(cni_bytes file);

/* Writing: begin with {0}, add members, finish, write `bytes`, free.  Equal members give equal bytes: the time is
 * always 1980-01-01. */
typedef struct cni_zip_writer {
    cni_buffer bytes, directory;
    unsigned count;
} cni_zip_writer;

cn_status cni_zip_add(cni_zip_writer *writer, const char *name, cni_bytes content, cni_error *error);
cn_status cni_zip_finish(cni_zip_writer *writer, cni_error *error);
void cni_zip_writer_free(cni_zip_writer *writer);

#endif
