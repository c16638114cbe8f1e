/* SPDX-License-Identifier: Apache-2.0
 * The user's own callbacks: C functions. */
#include "train/callback.h"

typedef cn_own_callback_args own;

static cn_status train_begin(cni_callback *callback)
{
    const own *args = callback->args;
    if (args->on_train_begin) args->on_train_begin(args->user, callback->fit->model);
    return CN_OK;
}

static cn_status train_end(cni_callback *callback)
{
    const own *args = callback->args;
    if (args->on_train_end) args->on_train_end(args->user, callback->fit->model, &callback->fit->logs);
    return CN_OK;
}

static cn_status epoch_begin(cni_callback *callback, int epoch)
{
    const own *args = callback->args;
    if (args->on_epoch_begin) args->on_epoch_begin(args->user, callback->fit->model, epoch);
    return CN_OK;
}

static cn_status epoch_end(cni_callback *callback, int epoch)
{
    const own *args = callback->args;
    if (args->on_epoch_end) args->on_epoch_end(args->user, callback->fit->model, epoch, &callback->fit->logs);
    return CN_OK;
}

static cn_status batch_begin(cni_callback *callback, int64_t batch)
{
    const own *args = callback->args;
    if (args->on_batch_begin) args->on_batch_begin(args->user, callback->fit->model, batch);
    return CN_OK;
}

static cn_status batch_end(cni_callback *callback, int64_t batch, const cn_logs *logs)
{
    const own *args = callback->args;
    if (args->on_batch_end) args->on_batch_end(args->user, callback->fit->model, batch, logs);
    return CN_OK;
}

const cni_callback_kind cni_own_callback = {
    .kind = {.name = "Callback",
             .args_size = sizeof(own),
             .help = "your own C functions round epochs and batches",
             .keras = "Callback()",
             .example = "cn_callback(.on_epoch_end = report)"},
    .has_pointers = true,
    .train_begin = train_begin,
    .train_end = train_end,
    .epoch_begin = epoch_begin,
    .epoch_end = epoch_end,
    .batch_begin = batch_begin,
    .batch_end = batch_end,
};
