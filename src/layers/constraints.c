/* SPDX-License-Identifier: Apache-2.0
 * Constraints (keras-semantics 4.3).  Lengths are L2 norms over `axis`. */
#include "layers/constraints.h"

#include "graph/ops/binary.h"
#include "graph/ops/reduce.h"
#include "graph/ops/unary.h"

typedef struct arguments {
    double min_value, max_value, rate;
    int axis[CN_MAX_RANK];
} arguments;

typedef struct constraint_kind {
    cni_kind kind;
    cni_tensor *(*lower)(cni_graph *graph, const arguments *args, cni_tensor *w, double epsilon);
} constraint_kind;

static unsigned axes_of(cni_graph *graph, const arguments *args, const cni_tensor *w)
{
    unsigned axes = 0;
    for (int i = 0; i < cni_ints_count(args->axis); i++) {
        int axis = args->axis[i] == CN_ZERO_INT ? 0 : args->axis[i];
        if (axis < 0) axis += w->shape.rank;
        if (axis < 0 || axis >= w->shape.rank)
            cni_fail(&graph->error, CN_ERR_SHAPE, "constraint: axis=%d is not an axis of the weight, shape %s",
                     args->axis[i], CNI_SHOW_SHAPE(&w->shape));
        else
            axes |= 1u << axis;
    }
    return axes;
}

static cni_tensor *lengths(cni_graph *graph, const arguments *args, cni_tensor *w)
{
    cni_tensor *squares = cni_unary_op(graph, w, (cni_epilogue){.function = CNI_SQUARE});
    cni_tensor *sums = cni_reduce(graph, CNI_SUM, squares, axes_of(graph, args, w), true);
    return cni_unary_op(graph, sums, (cni_epilogue){.function = CNI_SQRT});
}

static cni_tensor *clip(cni_graph *graph, cni_tensor *x, double low, double high)
{
    cni_tensor *above = cni_binary(graph, CNI_MAXIMUM, x, cni_graph_constant(graph, CNI_SHAPE(1), low));
    return cni_binary(graph, CNI_MINIMUM, above, cni_graph_constant(graph, CNI_SHAPE(1), high));
}

/* w * wanted / (epsilon + length) */
static cni_tensor *scale_to(cni_graph *graph, cni_tensor *w, cni_tensor *wanted, cni_tensor *length, double epsilon)
{
    return cni_multiply(graph, w, cni_divide(graph, wanted, cni_affine(graph, length, 1, epsilon)));
}

static cni_tensor *max_norm(cni_graph *graph, const arguments *args, cni_tensor *w, double epsilon)
{
    cni_tensor *length = lengths(graph, args, w);
    return scale_to(graph, w, clip(graph, length, 0, args->max_value), length, epsilon);
}

static cni_tensor *min_max_norm(cni_graph *graph, const arguments *args, cni_tensor *w, double epsilon)
{
    cni_tensor *length = lengths(graph, args, w);
    cni_tensor *bounded = cni_affine(graph, clip(graph, length, args->min_value, args->max_value), args->rate, 0);
    cni_tensor *wanted = cni_add(graph, bounded, cni_affine(graph, length, 1 - args->rate, 0));
    return scale_to(graph, w, wanted, length, epsilon);
}

static cni_tensor *unit_norm(cni_graph *graph, const arguments *args, cni_tensor *w, double epsilon)
{
    return cni_divide(graph, w, cni_affine(graph, lengths(graph, args, w), 1, epsilon));
}

static cni_tensor *non_neg(cni_graph *graph, const arguments *args, cni_tensor *w, double epsilon)
{
    (void)args, (void)epsilon;
    return cni_binary(graph, CNI_MAXIMUM, w, cni_graph_constant(graph, CNI_SHAPE(1), 0));
}

cni_tensor *cni_lower_constraint(cni_graph *graph, const cni_object *constraint, cni_tensor *w, double epsilon)
{
    return ((const constraint_kind *)constraint->kind)->lower(graph, constraint->args, w, epsilon);
}

/* ---- the table ---- */

#define ARGS arguments
#define AXIS                                                                                                           \
    CNI_FIELD(axis, "axis", CNI_SHOWN_SINGLE | CNI_ZEROS, "0", 0, 0,                                                   \
              "axis or axes of the lengths; [0, 1, 2] for each filter of a Conv2D kernel")
static const cni_field max_fields[] = {
    CNI_FIELD(max_value, "max_value", 0, "2.0", 0, 0, "longer vectors are shortened to this"), AXIS};
static const cni_field unit_fields[] = {AXIS};
static const cni_field min_max_fields[] = {
    CNI_FIELD(min_value, "min_value", 0, "0.0", 0, 0, "shorter vectors are drawn out to this"),
    CNI_FIELD(max_value, "max_value", 0, "1.0", 0, 0, "longer vectors are shortened to this"),
    CNI_FIELD(rate, "rate", 0, "1.0", 0, 0, "how much of the way is gone after each update"), AXIS};

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ROW(var, name_, alias_, lower_, formula_, ...)                                                                 \
    static const constraint_kind var = {.kind = {.name = name_,                                                        \
                                                 .aliases = NAMES(alias_),                                             \
                                                 .args_size = sizeof(arguments),                                       \
                                                 .formula = formula_,                                                  \
                                                 .help = __VA_ARGS__},                                                 \
                                        .lower = lower_}
ROW(max_norm_row, "MaxNorm", "max_norm", max_norm, "w * clip(|w|, 0, max_value) / (epsilon + |w|)",
    "no vector longer than max_value", CNI_FIELDS(max_fields), .keras = "MaxNorm(3.0)");
ROW(non_neg_row, "NonNeg", "non_neg", non_neg, "max(w, 0)", "nothing below 0");
ROW(unit_norm_row, "UnitNorm", "unit_norm", unit_norm, "w / (epsilon + |w|)", "every vector has length 1",
    CNI_FIELDS(unit_fields), .keras = "UnitNorm(axis=0)");
ROW(min_max_norm_row, "MinMaxNorm", "min_max_norm", min_max_norm,
    "w * (rate clip(|w|, min_value, max_value) + (1 - rate) |w|) / (epsilon + |w|)",
    "every vector's length between two bounds", CNI_FIELDS(min_max_fields), .keras = "MinMaxNorm(0.5, 2.0)");

static const cni_kind *const kinds[] = {&max_norm_row.kind, &non_neg_row.kind, &unit_norm_row.kind,
                                        &min_max_norm_row.kind};

const cni_family cni_constraints = {
    .what = "constraint", .module = "keras.constraints", .kinds = kinds, .count = sizeof kinds / sizeof *kinds};
