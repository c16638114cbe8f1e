/* SPDX-License-Identifier: Apache-2.0
 * Argument structs of callers: their first member, struct_size, is their version (members are only ever appended). */
#ifndef CNI_TAKE_H
#define CNI_TAKE_H

#include "base/error.h"

#include <stddef.h>

/** Copies a caller's struct into one of ours of `known` bytes, which is zeroed where theirs is smaller.  A larger one
 * is accepted when what we do not know is zero.  At least `least` bytes must be there.  `what` begins the message. */
cn_status cni_take_args(void *own, size_t known, const void *args, size_t least, const char *what, cni_error *error);

#endif
