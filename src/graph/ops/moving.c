/* SPDX-License-Identifier: Apache-2.0
 * Moving averages kept in variables. */
#include "graph/ops/moving.h"
#include "kernels/kernels.h"

typedef struct moving {
    double momentum;
} moving;

static void run(cni_step *step, const cni_run *run)
{
    const double momentum = ((const moving *)step->op->attributes)->momentum;
    void *variable = (void *)step->in[0]; /* which the op writes */
    run->kernels->elementwise.axpby(1 - momentum, step->in[1], momentum, variable,
                                    cni_tensor_count(step->op->in[0], run->n));
}

static const cni_op_kind kind = {.name = "assign moving", .attributes_size = sizeof(moving), .run = run};

void cni_assign_moving(cni_graph *graph, cni_variable *variable, cni_tensor *value, double momentum)
{
    if (!cni_shape_equal(&variable->shape, &value->shape)) {
        cni_fail(&graph->error, CN_ERR_SHAPE, "%s: a value of shape %s cannot be averaged into shape %s",
                 variable->name, CNI_SHOW_SHAPE(&value->shape), CNI_SHOW_SHAPE(&variable->shape));
        return;
    }
    cni_tensor *const in[] = {cni_graph_variable(graph, variable), value};
    cni_append(graph, &kind, &(moving){momentum}, 2, in, 0, NULL)->writes = variable;
}
