/* SPDX-License-Identifier: Apache-2.0
 * TerminateOnNaN: ends the training when the loss is no longer a number. */
#include "train/callback.h"

#include <inttypes.h>
#include <math.h>

#define ARGS cn_terminate_on_nan_args
static const cni_field fields[] = {
    CNI_FIELD(raise_error, "raise_error", 0, "False", 0, 0, "let fit fail instead of ending"),
};

static cn_status batch_end(cni_callback *callback, int64_t batch, const cn_logs *logs)
{
    const ARGS *args = callback->args;
    if (isfinite(cn_logs_get(logs, "loss"))) return CN_OK;
    if (args->raise_error)
        return cni_fail(callback->fit->error, CN_ERR_NUMERIC, "Batch %" PRId64 ": NaN or Inf loss encountered", batch);
    cni_fit_say(callback->fit, "Batch %" PRId64 ": Invalid loss, terminating training", batch);
    callback->fit->model->stop_training = true;
    return CN_OK;
}

const cni_callback_kind cni_terminate_on_nan = {
    .kind = {.name = "TerminateOnNaN",
             .args_size = sizeof(ARGS),
             CNI_FIELDS(fields),
             .help = "ends training when the loss is NaN or infinite",
             .keras = "TerminateOnNaN()",
             .example = "cn_terminate_on_nan()"},
    .batch_end = batch_end,
};
