/* SPDX-License-Identifier: Apache-2.0
 * The caller's arrays: element sizes, and elements as float. */
#ifndef CNI_CONVERT_H
#define CNI_CONVERT_H

#include "base/error.h"

#include <cornu/cornu.h>

/** Bytes of one element; 0 for a dtype that does not exist. */
size_t cni_dtype_size(cn_dtype dtype);

/** Elements [begin, begin + count) of the array as float. */
cn_status cni_array_to_float(const cn_array *array, size_t begin, size_t count, float *out, cni_error *error);

#endif
