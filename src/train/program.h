/* SPDX-License-Identifier: Apache-2.0
 * Programs: a model made ready to predict, to be measured or to be trained, for one shape of input and a largest
 * batch.  A training step is planned as a whole: forward, loss with regularizers, gradients, update. */
#ifndef CNI_PROGRAM_H
#define CNI_PROGRAM_H

#include "graph/plan.h"
#include "model/compile.h"

typedef enum cni_mode { CNI_PREDICT, CNI_EVALUATE, CNI_TRAIN, CNI_MODES } cni_mode;

typedef struct cni_program_key {
    cni_mode mode;
    int batch;     /* largest n */
    bool weighted; /* rows have sample weights */
    cn_math math;
    uint64_t plan;                    /* version of the context's choices */
    bool snapshot;                    /* the plan keeps copies of the weights */
    cni_shape inputs[CN_MAX_ARRAYS];  /* with the batch, all else known */
    cni_shape targets[CN_MAX_ARRAYS]; /* rank 0: there is none for this output */
} cni_program_key;

typedef struct cni_program {
    cni_program_key key;
    cni_plan *plan;
    int input_count, output_count;
    /* Where things lie: key.batch rows each. */
    float *x[CN_MAX_ARRAYS], *y_pred[CN_MAX_ARRAYS], *y_true[CN_MAX_ARRAYS];
    const cni_tensor *x_tensor[CN_MAX_ARRAYS], *y_tensor[CN_MAX_ARRAYS];
    cni_shape output_shapes[CN_MAX_ARRAYS];
    float *sample_weight;
    const float *losses[CN_MAX_ARRAYS]; /* the data loss of each output; NULL: it has none */
    const float *total;                 /* their weighted sum with all penalties; NULL in CNI_PREDICT */
} cni_program;

/** Makes a program.  `pool` may be another one than the context's (predictors). */
cn_status cni_program_new(cn_model *model, const cni_program_key *key, cni_pool *pool, cni_program **program,
                          cni_error *error);
void cni_program_free(cni_program *program);

bool cni_program_fits(const cni_program *program, const cni_program_key *key);

/** One batch of n rows that lie in x, y_true and sample_weight.  CNI_TRAIN: one step of the optimizer; `finite`: no
 * step when the loss is NaN or infinite, which is answered with false. */
bool cni_program_run(cn_model *model, cni_program *program, int n, bool finite);

#endif
