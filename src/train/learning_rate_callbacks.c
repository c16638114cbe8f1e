/* SPDX-License-Identifier: Apache-2.0
 * LearningRateScheduler and ReduceLROnPlateau: callbacks that set the learning rate. */
#include "train/callback.h"

#include <math.h>
#include <string.h>

/* ---- LearningRateScheduler ---- */

static cn_status scheduler_epoch_begin(cni_callback *callback, int epoch)
{
    const cn_learning_rate_scheduler_args *args = callback->args;
    cn_model *model = callback->fit->model;
    if (!args->schedule)
        return cni_fail(callback->fit->error, CN_ERR_INVALID,
                        "LearningRateScheduler: schedule is missing (a function)");
    double rate = args->schedule(args->user, epoch, cn_learning_rate(model));
    if (!isfinite(rate))
        return cni_fail(callback->fit->error, CN_ERR_INVALID,
                        "LearningRateScheduler: schedule answered %g for epoch %d", rate, epoch);
    return cn_set_learning_rate(model, rate);
}

static cn_status log_rate(cni_callback *callback, int epoch)
{
    (void)epoch;
    cni_fit_log(callback->fit, "learning_rate", cn_learning_rate(callback->fit->model));
    return CN_OK;
}

const cni_callback_kind cni_learning_rate_scheduler = {
    .kind = {.name = "LearningRateScheduler",
             .args_size = sizeof(cn_learning_rate_scheduler_args),
             .help = "sets the learning rate at the start of each epoch by a function of yours",
             .keras = "LearningRateScheduler(schedule)",
             .example = "cn_learning_rate_scheduler(schedule)"},
    .has_pointers = true,
    .epoch_begin = scheduler_epoch_begin,
    .epoch_end = log_rate,
};

/* ---- ReduceLROnPlateau ---- */

static cn_status check(void *data, cni_error *error)
{
    const cn_reduce_lr_on_plateau_args *args = data;
    if (args->factor < 1) return CN_OK;
    return cni_fail(error, CN_ERR_INVALID, "factor=%g; expected a number below 1", args->factor);
}

#define ARGS cn_reduce_lr_on_plateau_args
static const char *const modes[] = {"auto", "min", "max", NULL};
static const cni_field fields[] = {
    CNI_FIELD(monitor, "monitor", 0, "'val_loss'", 0, 0, "the value that is watched"),
    CNI_FIELD(factor, "factor", 0, "0.1", 0, 0, "what the learning rate is multiplied by"),
    CNI_FIELD(patience, "patience", 0, "10", 0, 1e9, "epochs without improvement that are waited for"),
    CNI_CHOICE(mode, "mode", modes, "'auto'", "whether smaller or larger is better"),
    CNI_FIELD(min_delta, "min_delta", 0, "0.0001", 0, 0, "smallest change that counts as an improvement"),
    CNI_FIELD(cooldown, "cooldown", 0, "0", 0, 1e9, "epochs after a reduction in which nothing is counted"),
    CNI_FIELD(min_lr, "min_lr", 0, "0.0", 0, 0, "lower bound of the learning rate"),
};

typedef struct plateau {
    int direction, wait, cooldown;
    bool any;
    double best;
} plateau;

static cn_status plateau_begin(cni_callback *callback)
{
    const ARGS *args = callback->args;
    return cni_callback_direction(callback, args->monitor, args->mode, &((plateau *)callback->state)->direction);
}

static cn_status plateau_end(cni_callback *callback, int epoch)
{
    const ARGS *args = callback->args;
    plateau *p = callback->state;
    cn_model *model = callback->fit->model;
    const double rate = cn_learning_rate(model), *logged;
    log_rate(callback, epoch);
    logged = cni_fit_logged(callback->fit, args->monitor);
    if (!logged) {
        cni_fit_say(callback->fit, "ReduceLROnPlateau: \"%s\" is not among the logs", args->monitor);
        return CN_OK;
    }
    if (p->cooldown > 0) {
        p->cooldown--;
        p->wait = 0;
    }
    if (!p->any || cni_callback_better(p->direction, fabs(args->min_delta), *logged, p->best)) {
        p->any = true;
        p->best = *logged;
        p->wait = 0;
        return CN_OK;
    }
    if (p->cooldown > 0 || ++p->wait < args->patience || rate <= (double)(float)args->min_lr) return CN_OK;
    double lower = fmax(rate * args->factor, args->min_lr);
    p->cooldown = args->cooldown;
    p->wait = 0;
    cni_fit_say(callback->fit, "Epoch %d: ReduceLROnPlateau reducing learning rate to %g.", epoch + 1, lower);
    return cn_set_learning_rate(model, lower);
}

const cni_callback_kind cni_reduce_lr_on_plateau = {
    .kind = {.name = "ReduceLROnPlateau",
             .args_size = sizeof(ARGS),
             CNI_FIELDS(fields),
             .check = check,
             .help = "lowers the learning rate when a value no longer improves",
             .keras = "ReduceLROnPlateau(factor=0.5, patience=2)",
             .example = "cn_reduce_lr_on_plateau(.factor = 0.5, .patience = 2)"},
    .state_size = sizeof(plateau),
    .train_begin = plateau_begin,
    .epoch_end = plateau_end,
};
