/* SPDX-License-Identifier: Apache-2.0
 * The trainer: what a model keeps between calls of fit, evaluate and predict: programs, metrics, the last results. */
#ifndef CNI_TRAINER_H
#define CNI_TRAINER_H

#include "train/program.h"
#include "train/samples.h"

enum { CNI_MAX_SCORES = 2 * CN_MAX_ARRAYS * CN_MAX_ARRAYS, CNI_SHAPES = 4 };

typedef struct cni_measure { /* one metric of one output */
    cni_metric *metric;
    const char *name; /* as it is logged */
    const cni_object *object;
    int output;
    bool weighted;
    cni_shape y_true, y_pred; /* what it was made for */
} cni_measure;

typedef struct cni_trainer {
    cn_model *model;
    uint64_t wiring; /* of the model when this was made */
    cni_arena arena;
    cni_program *programs[CNI_MODES][CNI_SHAPES]; /* for models with free sizes; the last used in front */
    uint64_t pools;                               /* of the context when they were made */
    cni_measure *measures;
    int measure_count;
    bool seen;   /* loss and metrics have met a batch since compile (keras-random 5.1: the peek) */
    double rows; /* counted since the last reset */
    double loss, losses[CN_MAX_ARRAYS];
    const char *loss_names[CN_MAX_ARRAYS]; /* "<output>_loss"; NULL: not logged */
    const char *names[CNI_MAX_SCORES];
    double values[CNI_MAX_SCORES];
    cn_logs logs;
} cni_trainer;

/** The model's trainer, made anew when the model has changed.  NULL with an error. */
cni_trainer *cni_trainer_of(cn_model *model, cni_error *error);

/** A program for these rows and batches of this size: the last few are kept from call to call. */
cn_status cni_trainer_program(cni_trainer *trainer, const cni_samples *rows, cni_mode mode, int batch,
                              cni_program **program, cni_error *error);

/** Metrics for the shapes of a program: made once, and anew where the shapes are others. */
cn_status cni_trainer_measure(cni_trainer *trainer, const cni_program *program, cni_error *error);
void cni_trainer_reset(cni_trainer *trainer);
/** Takes loss and metrics of the n rows that the program has just run. */
void cni_trainer_update(cni_trainer *trainer, const cni_program *program, int n);

/** Loss and metrics so far.  Sorted: as logs are, by name; else as evaluate lists them.  Valid until the next call. */
const cn_logs *cni_trainer_scores(cni_trainer *trainer, bool sorted);

/** Measures all rows in batches (evaluate, and fit's validation): the scores are then in the trainer. */
cn_status cni_trainer_evaluate(cni_trainer *trainer, const cni_samples *rows, int batch, int steps,
                               cn_progress_writer *progress, void *user, cni_error *error);

/** Rows of a batch when all rows are to be taken in so many steps. */
int cni_batch_for_steps(size_t rows, size_t steps);

double cni_now(void); /* seconds, monotonic */

#endif
