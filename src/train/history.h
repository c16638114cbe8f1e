/* SPDX-License-Identifier: Apache-2.0
 * History: the logs of every epoch. */
#ifndef CNI_HISTORY_H
#define CNI_HISTORY_H

#include "base/error.h"

#include <cornu/cornu.h>

cn_history *cni_history_new(void);
void cni_history_free(void *history);
cn_status cni_history_add(cn_history *history, int epoch, const cn_logs *logs, cni_error *error);

#endif
