/* SPDX-License-Identifier: Apache-2.0
 * Batch normalization with given statistics as a scale and a shift: a steady op, so what it costs does not count. */
#include "graph/ops/fold.h"
#include "kernels/kernels.h"

#include <math.h>

enum { GAMMA, BETA, MEAN, VARIANCE, BIAS, INPUTS };

typedef struct fold {
    double epsilon;
} fold;

static double get(const cni_run *run, const void *data, size_t i, double otherwise)
{
    if (!data) return otherwise;
    return run->kernels->real_size == sizeof(float) ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

static void set(const cni_run *run, void *data, size_t i, double value)
{
    if (run->kernels->real_size == sizeof(float))
        ((float *)data)[i] = (float)value;
    else
        ((double *)data)[i] = value;
}

/* In double: there is no reason to lose digits. */
static void run(cni_step *step, const cni_run *run)
{
    const double epsilon = ((const fold *)step->op->attributes)->epsilon;
    const size_t channels = cni_tensor_image(step->op->out[0]);
    for (size_t i = 0; i < channels; i++) {
        const double scale = get(run, step->in[GAMMA], i, 1) / sqrt(get(run, step->in[VARIANCE], i, 1) + epsilon);
        const double centred = get(run, step->in[BIAS], i, 0) - get(run, step->in[MEAN], i, 0);
        set(run, step->out[0], i, scale);
        set(run, step->out[1], i, get(run, step->in[BETA], i, 0) + centred * scale);
    }
}

static const cni_op_kind kind = {.name = "fold batch norm", .attributes_size = sizeof(fold), .run = run};

void cni_fold_batch_norm(cni_graph *graph, cni_tensor *const statistics[4], cni_tensor *bias, double epsilon,
                         cni_tensor *affine[2])
{
    cni_tensor *const in[INPUTS] = {statistics[GAMMA], statistics[BETA], statistics[MEAN], statistics[VARIANCE], bias};
    const cni_shape shape = statistics[MEAN]->shape, shapes[] = {shape, shape};
    const cni_op *op = cni_append(graph, &kind, &(fold){epsilon}, INPUTS, in, 2, shapes);
    affine[0] = op->out[0];
    affine[1] = op->out[1];
}
