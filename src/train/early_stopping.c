/* SPDX-License-Identifier: Apache-2.0
 * EarlyStopping: ends the training when a value no longer improves. */
#include "train/callback.h"

#include "model/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ARGS cn_early_stopping_args
static const char *const modes[] = {"auto", "min", "max", NULL};
static const cni_field fields[] = {
    CNI_FIELD(monitor, "monitor", 0, "'val_loss'", 0, 0, "the value that is watched"),
    CNI_FIELD(min_delta, "min_delta", 0, "0.0", 0, 0, "smallest change that counts as an improvement"),
    CNI_FIELD(patience, "patience", 0, "0", 0, 1e9, "epochs without improvement that are waited for"),
    CNI_CHOICE(mode, "mode", modes, "'auto'", "whether smaller or larger is better"),
    CNI_FIELD(baseline, "baseline", CNI_NULLABLE, "None", 0, 0, "value that must be beaten"),
    CNI_FIELD(restore_best_weights, "restore_best_weights", 0, "False", 0, 0, "end with the weights of the best epoch"),
    CNI_FIELD(start_from_epoch, "start_from_epoch", 0, "0", 0, 1e9, "epochs before watching begins"),
};

typedef struct watch {
    int direction, wait, best_epoch, stopped_epoch;
    bool any;
    double best;
    float *weights; /* all weights one after the other; NULL: none kept */
} watch;

typedef struct copying {
    float *at;
    bool back;
    size_t count;
} copying;

static void copy_weight(void *user, cn_layer *layer, cni_variable *weight, bool frozen)
{
    (void)layer;
    (void)frozen;
    copying *c = user;
    size_t count = (size_t)cni_shape_count(&weight->shape, 0);
    c->count += count;
    if (!c->at) return;
    if (c->back) {
        memcpy(weight->data, c->at, count * sizeof *c->at);
        weight->version++;
    } else
        memcpy(c->at, weight->data, count * sizeof *c->at);
    c->at += count;
}

static cn_status keep_weights(cni_callback *callback, watch *w)
{
    copying c = {0};
    cni_model_weights(callback->fit->model, copy_weight, &c);
    if (!w->weights) w->weights = malloc((c.count + 1) * sizeof *w->weights);
    if (!w->weights) return cni_no_memory(callback->fit->error, "the best weights");
    c.at = w->weights;
    cni_model_weights(callback->fit->model, copy_weight, &c);
    return CN_OK;
}

static cn_status train_begin(cni_callback *callback)
{
    const ARGS *args = callback->args;
    return cni_callback_direction(callback, args->monitor, args->mode, &((watch *)callback->state)->direction);
}

static bool better(const ARGS *args, const watch *w, double value, double than)
{
    return cni_callback_better(w->direction, fabs(args->min_delta), value, than);
}

static cn_status epoch_end(cni_callback *callback, int epoch)
{
    const ARGS *args = callback->args;
    watch *w = callback->state;
    const double *logged = cni_fit_logged(callback->fit, args->monitor);
    if (!logged) {
        cni_fit_say(callback->fit, "EarlyStopping: \"%s\" is not among the logs", args->monitor);
        return CN_OK;
    }
    if (epoch < args->start_from_epoch) return CN_OK;
    const double value = *logged;
    if (args->restore_best_weights && !w->weights) {
        CN_TRY(keep_weights(callback, w));
        w->best_epoch = epoch;
    }
    w->wait++;
    if (!w->any || better(args, w, value, w->best)) {
        w->any = true;
        w->best = value;
        w->best_epoch = epoch;
        if (args->restore_best_weights) CN_TRY(keep_weights(callback, w));
        if (isnan(args->baseline) || better(args, w, value, args->baseline)) w->wait = 0;
        return CN_OK;
    }
    if (w->wait >= args->patience && epoch > 0) {
        w->stopped_epoch = epoch;
        callback->fit->model->stop_training = true;
    }
    return CN_OK;
}

static cn_status train_end(cni_callback *callback)
{
    const ARGS *args = callback->args;
    watch *w = callback->state;
    if (w->stopped_epoch > 0) cni_fit_say(callback->fit, "Epoch %d: early stopping", w->stopped_epoch + 1);
    if (!args->restore_best_weights || !w->weights) return CN_OK;
    cni_fit_say(callback->fit, "Restoring model weights from the end of the best epoch: %d", w->best_epoch + 1);
    copying c = {.at = w->weights, .back = true};
    cni_model_weights(callback->fit->model, copy_weight, &c);
    return CN_OK;
}

static void release(cni_callback *callback)
{
    free(((watch *)callback->state)->weights);
}

const cni_callback_kind cni_early_stopping = {
    .kind = {.name = "EarlyStopping",
             .args_size = sizeof(ARGS),
             CNI_FIELDS(fields),
             .help = "stops training when a value no longer improves",
             .keras = "EarlyStopping(patience=3)",
             .example = "cn_fit(model, x_train, y_train, .callbacks = {cn_early_stopping(.patience = 3)});"},
    .state_size = sizeof(watch),
    .train_begin = train_begin,
    .epoch_end = epoch_end,
    .train_end = train_end,
    .release = release,
};
