/* SPDX-License-Identifier: Apache-2.0
 * The same network in the other framework's words. */
#include "explain/explanation.h"

cn_status cn_explanation_translate(const cn_explanation *explanation, const char *dialect, cn_explanation **translated,
                                   const char **error)
{
    (void)explanation, (void)dialect;
    if (translated) *translated = NULL;
    if (error) *error = "networks cannot be translated yet";
    return CN_ERR_UNSUPPORTED;
}
