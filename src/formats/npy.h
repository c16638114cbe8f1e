/* SPDX-License-Identifier: Apache-2.0
 * NumPy's .npy and .npz (numpy.lib.format): arrays in and out.
 *
 * Read are float16/32/64, all integers and bool, of either byte order, in C or Fortran order; what cn_array has no
 * dtype for is widened without loss: float16 to float32, uint16 to int32, uint32 and uint64 to int64.  Whatever could
 * hold Python objects is refused. */
#ifndef CNI_NPY_H
#define CNI_NPY_H

#include "formats/bytes.h"
#include "formats/limits.h"
#include "formats/zip.h"

#include <cornu/cornu.h>

/** One array; its data lie in the arena, or in `file` where they need no change.  The length must match exactly. */
cn_status cni_npy_read(cni_arena *arena, cni_bytes file, const cni_limits *limits, cn_array *out, cni_error *error);

/** Appends the bytes of numpy.save, version 2.4. */
cn_status cni_npy_write(cni_buffer *to, const cn_array *array, cni_error *error);

/** The array that numpy.load(file)[name] gives; other members are not touched. */
cn_status cni_npz_read(cni_arena *arena, const cni_zip *zip, const char *name, const cni_limits *limits, cn_array *out,
                       cni_error *error);

bool cni_npz_has(const cni_zip *zip, const char *name);

cn_status cni_npz_add(cni_zip_writer *writer, const char *name, const cn_array *array, cni_error *error);

#endif
