/* SPDX-License-Identifier: Apache-2.0
 * Decompression of deflated data whose size is known beforehand: never more, never less. */
#ifndef CNI_INFLATE_H
#define CNI_INFLATE_H

#include "formats/bytes.h"
#include "formats/limits.h"

typedef enum cni_deflated { CNI_DEFLATED_RAW = 1, CNI_DEFLATED_ZLIB, CNI_DEFLATED_GZIP } cni_deflated;

/** Fills `to` with all that `from` holds: exactly `size` bytes, and the stream uses `from` up.  Checksums that the kind
 *  has are verified.  zlib's tables are charged to the arena. */
cn_status cni_inflate(cni_arena *arena, cni_bytes from, cni_deflated kind, void *to, size_t size, cni_error *error);

/** Fills `to` with the first `size` bytes, whatever follows. */
cn_status cni_inflate_first(cni_arena *arena, cni_bytes from, cni_deflated kind, void *to, size_t size,
                            cni_error *error);

/** Refuses a declared size that is out of all proportion to what is stored. */
cn_status cni_check_expansion(uint64_t stored, uint64_t declared, const cni_limits *limits, cni_error *error);

#endif
