/* SPDX-License-Identifier: Apache-2.0
 * One call of fit, as its callbacks see it. */
#ifndef CNI_FIT_H
#define CNI_FIT_H

#include "train/history.h"
#include "train/trainer.h"

typedef struct cni_callback cni_callback;

typedef struct cni_fit {
    cn_model *model;
    const cn_fit_args *args;
    cni_trainer *trainer;
    cni_error *error;
    cni_arena arena;
    cni_samples train, validation;
    bool validates;
    int batch;
    int64_t batches, steps; /* of one pass over the data; of one epoch */
    int64_t done;           /* steps of this epoch */
    size_t *order;          /* of the present pass; NULL: no shuffling */
    int64_t at;             /* next batch of the present pass; 0: a new pass begins */
    cni_callback *callbacks[CN_MAX_ARRAYS];
    int callback_count;
    int epoch;
    double epoch_began;
    cn_history *history;
    const char *names[2 * CNI_MAX_SCORES + 1];
    double values[2 * CNI_MAX_SCORES + 1];
    cn_logs logs; /* of the epoch */
} cni_fit;

/** A line for the user, through the progress writer. */
void cni_fit_say(const cni_fit *fit, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** A value of the epoch's logs, which may be NaN; NULL when there is none of this name. */
const double *cni_fit_logged(const cni_fit *fit, const char *name);

/** Whether the library may log a value of this name, and the names that it logs for a model with one output, with
 *  commas: for messages before the first batch. */
bool cni_fit_may_log(const cni_fit *fit, const char *name);
const char *cni_fit_log_names(cni_fit *fit);

/** Adds to the epoch's logs, or replaces what is there. */
void cni_fit_log(cni_fit *fit, const char *name, double value);

/** Makes the callbacks that the caller gave. */
cn_status cni_fit_callbacks(cni_fit *fit);

#endif
