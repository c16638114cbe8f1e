/* SPDX-License-Identifier: Apache-2.0
 * Argument structs of callers. */
#include "base/take.h"

#include <string.h>

cn_status cni_take_args(void *own, size_t known, const void *args, size_t least, const char *what, cni_error *error)
{
    size_t size = 0;
    memset(own, 0, known);
    if (!args) return cni_fail(error, CN_ERR_INVALID, "%s: no arguments given (NULL)", what);
    memcpy(&size, args, sizeof size);
    if (size < least)
        return cni_fail(error, CN_ERR_VERSION, "%s: struct_size=%zu; set it to sizeof the struct", what, size);
    const unsigned char *bytes = args;
    for (size_t i = known; i < size; i++)
        if (bytes[i])
            return cni_fail(
                error, CN_ERR_VERSION,
                "%s: the program was compiled for a newer cornu.h: it gives arguments that this library lacks", what);
    memcpy(own, args, size < known ? size : known);
    return CN_OK;
}
