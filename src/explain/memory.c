/* SPDX-License-Identifier: Apache-2.0
 * Memory that running and training takes (explain-spec 3.2). */
#include "explain/analyser.h"

cn_status cni_analyse_memory(cni_analyser *a)
{
    a->analysis->memory =
        (cni_memory){CNI_UNSEEN, CNI_UNSEEN, CNI_UNSEEN, {CNI_UNSEEN, CNI_UNSEEN, CNI_UNSEEN}, CNI_UNSEEN};
    return CN_OK;
}
