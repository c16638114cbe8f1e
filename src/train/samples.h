/* SPDX-License-Identifier: Apache-2.0
 * Rows: the caller's arrays checked against the model, and batches of them gathered as float. */
#ifndef CNI_SAMPLES_H
#define CNI_SAMPLES_H

#include "train/program.h"

/** Arrays that belong together: one row each per sample. */
typedef struct cni_samples {
    cn_array x[CN_MAX_ARRAYS], y[CN_MAX_ARRAYS], sample_weight;
    int inputs, targets;
    size_t first, count;  /* which rows of the arrays */
    const float *weights; /* by row of the arrays: class weights; NULL: none */
} cni_samples;

/** Checks ranks, shapes, dtypes and counts; `what` begins messages ("fit", "validation_data").  targets = 0: x only. */
cn_status cni_samples_need_targets(const cn_model *model, const cni_samples *rows, const char *what, cni_error *error);
cn_status cni_samples_check(const cn_model *model, const cni_samples *rows, const char *what, cni_error *error);

/** The arrays that a caller gave as one or as several (may be NULL): their number. */
int cni_samples_spread(cn_array one, const cn_array *several, cn_array *out);

/** Number of rows of the first array, before `first` and `count` narrow it. */
size_t cni_samples_total(const cni_samples *rows);

/** Builds a Sequential that waits for its first input. */
cn_status cni_build_for_rows(cn_model *model, const cni_samples *rows, const char *what, cni_error *error);

/** Shapes of the program that the rows need. */
void cni_samples_key(const cn_model *model, const cni_samples *rows, cni_mode mode, int batch, cni_program_key *key);

/** Gathers rows order[begin .. begin + n) (order NULL: as they stand) into the program's inputs, targets, weights. */
cn_status cni_samples_gather(const cni_samples *rows, const size_t *order, size_t begin, int n, cni_program *program,
                             cni_error *error);

/** Labels of the gathered batch that the losses cannot read are errors that name the row. */
cn_status cni_samples_check_labels(const cn_model *model, const cni_samples *rows, const cni_program *program,
                                   const size_t *order, size_t begin, int n, cni_error *error);

#endif
