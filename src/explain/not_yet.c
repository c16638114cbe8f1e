/* SPDX-License-Identifier: Apache-2.0
 * Stand-ins for what is being written elsewhere: the real functions take their place when they are linked. */
#include "explain/explanation.h"
#include "formats/source/source.h"

#define STAND_IN __attribute__((weak))

STAND_IN cn_status cni_source_read(cni_arena *arena, const char *text, size_t size, const char *file, const char *model,
                                   cni_description **out, cni_error *error)
{
    (void)arena, (void)text, (void)size, (void)model, (void)out;
    return cni_fail(error, CN_ERR_UNSUPPORTED, "%s: texts cannot be read yet", file);
}
