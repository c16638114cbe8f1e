/* SPDX-License-Identifier: Apache-2.0
 * The version of the library. */
#include <cornu/cornu.h>

const char *cn_version(void)
{
    return CORNU_VERSION;
}
