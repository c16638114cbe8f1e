/* SPDX-License-Identifier: Apache-2.0
 * Add, Multiply, Subtract, Average, Maximum and Minimum: several inputs become one, number by number (keras-semantics
 * 2.14). */
#include "layers/layers.h"

#include "graph/ops/binary.h"
#include "graph/ops/reshape.h"

#define ARGS cn_merge_args
static const cni_field fields[] = {CNI_LAYER_FIELDS, CNI_ACTIVITY};

static int larger(int a, int b)
{
    return a > b ? a : b;
}

/* Dimension `i` from the end, of those after the batch; 1 where there is none. */
static int64_t dim_from_end(const cni_shape *shape, int i)
{
    return i < shape->rank - 1 ? shape->dims[shape->rank - 1 - i] : 1;
}

static cn_status broadcast(cni_shape *out, const cni_shape *in, cni_error *error)
{
    cni_shape both = {.rank = larger(out->rank, in->rank), .dims = {out->dims[0]}};
    for (int i = 0; i < both.rank - 1; i++) {
        const int64_t a = dim_from_end(out, i), b = dim_from_end(in, i);
        if (a > 1 && b > 1 && a != b)
            return cni_fail(error, CN_ERR_SHAPE, "inputs of shapes %s and %s do not fit; dimensions must be equal or 1",
                            CNI_SHOW_SHAPE(out), CNI_SHOW_SHAPE(in));
        both.dims[both.rank - 1 - i] = a < 0 || b < 0 ? CNI_UNKNOWN : a == 1 ? b : a;
    }
    *out = both;
    return CN_OK;
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    int64_t batch = CNI_UNKNOWN;
    (void)layer;
    for (int i = 0; i < count; i++) {
        if (batch >= 0 && in[i].dims[0] >= 0 && in[i].dims[0] != batch)
            return cni_fail(error, CN_ERR_SHAPE, "inputs of shapes %s and %s have different batch sizes",
                            CNI_SHOW_SHAPE(in), CNI_SHOW_SHAPE(in + i));
        if (in[i].dims[0] >= 0) batch = in[i].dims[0];
    }
    *out = in[0];
    for (int i = 1; i < count; i++) CN_TRY(broadcast(out, in + i, error));
    for (int i = 0; i < count; i++)
        if (in[i].dims[0] < 0) batch = CNI_UNKNOWN;
    out->dims[0] = batch;
    return CN_OK;
}

/* Keras puts axes of size 1 after the batch of inputs with fewer axes. */
static cni_tensor *with_rank(cni_graph *graph, cni_tensor *x, int rank)
{
    const int more = rank - x->shape.rank;
    if (more <= 0) return x;
    cni_shape shape = {.rank = rank, .dims = {x->shape.dims[0]}};
    for (int i = 1; i < rank; i++) shape.dims[i] = i <= more ? 1 : x->shape.dims[i - more];
    return cni_reshape(graph, x, shape);
}

static cni_tensor *fold(cni_graph *graph, cni_binary_function f, int count, cni_tensor *const *in)
{
    int rank = 0;
    for (int i = 0; i < count; i++) rank = larger(rank, in[i]->shape.rank);
    cni_tensor *y = with_rank(graph, in[0], rank);
    for (int i = 1; i < count; i++) y = cni_binary(graph, f, y, with_rank(graph, in[i], rank));
    return y;
}

static cn_status difference_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out,
                                  cni_error *error)
{
    if (count != 2) return cni_fail(error, CN_ERR_SHAPE, "%d inputs; expected two", count);
    return output_shape(layer, count, in, out, error);
}

#define LOWER(name, function)                                                                                          \
    static cni_tensor *name(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)                 \
    {                                                                                                                  \
        (void)layer;                                                                                                   \
        return fold(lowering->graph, function, count, in);                                                             \
    }
LOWER(lower_add, CNI_ADD)
LOWER(lower_multiply, CNI_MULTIPLY)
LOWER(lower_subtract, CNI_SUBTRACT)
LOWER(lower_maximum, CNI_MAXIMUM)
LOWER(lower_minimum, CNI_MINIMUM)

static cni_tensor *lower_average(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    cni_tensor *number = cni_graph_constant(lowering->graph, (cni_shape){.rank = 0}, count);
    return cni_divide(lowering->graph, lower_add(lowering, layer, count, in), number);
}

#define KIND(name_, shape, lower_, help_, example_, formula_)                                                          \
    {                                                                                                                  \
        .kind = {.name = name_,                                                                                        \
                 .module = "keras.layers",                                                                             \
                 .args_size = sizeof(cn_merge_args),                                                                   \
                 CNI_FIELDS(fields),                                                                                   \
                 .help = help_,                                                                                        \
                 .example = "y = cn_call(model, " example_ ");",                                                       \
                 .formula = formula_ "; dimensions equal, or 1"},                                                      \
        .min_rank = 1, .merges = true, .lazily_built = true, .traits = CNI_IS_MERGE, .output_shape = shape,            \
        .lower = lower_                                                                                                \
    }
const cni_layer_kind cni_add_layer =
    KIND("Add", output_shape, lower_add, "adds its inputs: the short cut of residual networks", "cn_add_layer(), y, x",
         "out = in 0 + in 1 + ...");
const cni_layer_kind cni_multiply_layer =
    KIND("Multiply", output_shape, lower_multiply, "multiplies its inputs: one of them weighs the others",
         "cn_multiply_layer(), y, gate", "out = in 0 * in 1 * ...");
const cni_layer_kind cni_subtract_layer =
    KIND("Subtract", difference_shape, lower_subtract, "the difference of two inputs", "cn_subtract_layer(), y, x",
         "out = in 0 - in 1");
const cni_layer_kind cni_average_layer = KIND("Average", output_shape, lower_average, "the mean of its inputs",
                                              "cn_average_layer(), y, x", "out = (in 0 + in 1 + ...) / count");
const cni_layer_kind cni_maximum_layer =
    KIND("Maximum", output_shape, lower_maximum, "the largest of its inputs, number by number",
         "cn_maximum_layer(), y, x", "out = max(in 0, in 1, ...)");
const cni_layer_kind cni_minimum_layer =
    KIND("Minimum", output_shape, lower_minimum, "the smallest of its inputs, number by number",
         "cn_minimum_layer(), y, x", "out = min(in 0, in 1, ...)");
