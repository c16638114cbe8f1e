/* SPDX-License-Identifier: Apache-2.0
 * IDX, the format of MNIST and Fashion-MNIST (yann.lecun.com/exdb/mnist), plain or gzipped. */
#ifndef CNI_IDX_H
#define CNI_IDX_H

#include "formats/bytes.h"
#include "formats/limits.h"

#include <cornu/cornu.h>

/** The array of a file; the length must match exactly.  Plain uint8 and int8 data are not copied: `file` must outlive
 *  them. */
cn_status cni_idx_read(cni_arena *arena, cni_bytes file, const cni_limits *limits, cn_array *out, cni_error *error);

#endif
