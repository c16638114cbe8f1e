/* SPDX-License-Identifier: Apache-2.0
 * Activations: one row per function (keras-semantics 3).  Most are one element-wise function; the others look at a
 * whole axis. */
#include "layers/activations.h"

#include "graph/ops/binary.h"
#include "graph/ops/reshape.h"
#include "graph/ops/softmax.h"
#include "graph/ops/transpose.h"
#include "graph/ops/unary.h"
#include "layers/layers.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>

typedef struct arguments {
    double a, b, c; /* negative_slope, max_value, threshold | alpha | threshold, default_value | b */
    bool approximate;
    int axis;
} arguments;

typedef struct row {
    const cni_kind *kind;
    cni_unary function;                         /* element-wise functions without `epilogue` */
    cni_epilogue (*epilogue)(const void *args); /* those with arguments */
    cni_tensor *(*lower)(cni_graph *graph, const void *args, cni_tensor *x); /* functions of an axis */
    cn_status (*shape)(const void *args, cni_shape *shape, cni_error *error);
} row;

/* ---- element-wise functions with arguments ---- */

static cni_epilogue relu_of(double negative_slope, double max_value, double threshold)
{
    return (cni_epilogue){CNI_RELU, negative_slope, isnan(max_value) ? (double)INFINITY : max_value, threshold};
}

static cni_epilogue relu(const void *given)
{
    const arguments *args = given;
    return relu_of(args->a, args->b, args->c);
}

static cni_epilogue relu_layer(const void *given)
{
    const cn_relu_args *args = given;
    return relu_of(args->negative_slope, args->max_value, args->threshold);
}

static cni_epilogue leaky_relu(const void *given)
{
    return (cni_epilogue){CNI_LEAKY_RELU, ((const arguments *)given)->a, 0, 0};
}

static cni_epilogue leaky_relu_layer(const void *given)
{
    return (cni_epilogue){CNI_LEAKY_RELU, ((const cn_leaky_relu_args *)given)->negative_slope, 0, 0};
}

static cni_epilogue elu(const void *given)
{
    return (cni_epilogue){CNI_ELU, ((const arguments *)given)->a, 0, 0};
}

static cni_epilogue elu_layer(const void *given)
{
    return (cni_epilogue){CNI_ELU, ((const cn_elu_args *)given)->alpha, 0, 0};
}

static cni_epilogue celu(const void *given)
{
    return (cni_epilogue){CNI_CELU, ((const arguments *)given)->a, 0, 0};
}

static cni_epilogue gelu(const void *given)
{
    return (cni_epilogue){.function = ((const arguments *)given)->approximate ? CNI_GELU_TANH : CNI_GELU};
}

static cni_epilogue soft_shrink(const void *given)
{
    return (cni_epilogue){CNI_SOFT_SHRINK, ((const arguments *)given)->a, 0, 0};
}

static cni_epilogue hard_shrink(const void *given)
{
    return (cni_epilogue){CNI_HARD_SHRINK, ((const arguments *)given)->a, 0, 0};
}

static cni_epilogue squareplus(const void *given)
{
    return (cni_epilogue){CNI_SQUAREPLUS, ((const arguments *)given)->a, 0, 0};
}

/* ---- functions of an axis ---- */

static cn_status check_axis(int axis, const cni_shape *shape, cni_error *error)
{
    const int at = axis < 0 ? axis + shape->rank : axis;
    if (at > 0 && at < shape->rank) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE,
                    "axis=%d is not an axis of %s beside the batch; expected %d to %d, or -1 to %d", axis,
                    CNI_SHOW_SHAPE(shape), 1, shape->rank - 1, 1 - shape->rank);
}

static cn_status axis_shape(const void *given, cni_shape *shape, cni_error *error)
{
    return check_axis(((const arguments *)given)->axis, shape, error);
}

static cni_tensor *softmax(cni_graph *graph, const void *given, cni_tensor *x)
{
    return cni_softmax(graph, x, ((const arguments *)given)->axis);
}

static cni_tensor *log_softmax(cni_graph *graph, const void *given, cni_tensor *x)
{
    return cni_log_softmax(graph, x, ((const arguments *)given)->axis);
}

/* `last` of the axes, in their order, behind the others; the answer is where they begin. */
static int move_to_end(int rank, const bool *last, int *permutation)
{
    int at = 0;
    for (int i = 0; i < rank; i++)
        if (!last[i]) permutation[at++] = i;
    const int begin = at;
    for (int i = 0; i < rank; i++)
        if (last[i]) permutation[at++] = i;
    return begin;
}

/* Makes the chosen axes one, and the last; applies f; and goes back. */
static cni_tensor *over_axes(cni_graph *graph, cni_tensor *x, const bool *chosen,
                             cni_tensor *(*f)(cni_graph *graph, cni_tensor *x))
{
    int permutation[CNI_MAX_RANK], inverse[CNI_MAX_RANK];
    const int begin = move_to_end(x->shape.rank, chosen, permutation);
    for (int i = 0; i < x->shape.rank; i++) inverse[permutation[i]] = i;
    cni_tensor *moved = cni_transpose(graph, x, permutation);
    cni_shape merged = moved->shape;
    merged.rank = begin + 1;
    merged.dims[begin] = cni_shape_count(&moved->shape, begin);
    cni_tensor *y = f(graph, cni_reshape(graph, moved, merged));
    return cni_transpose(graph, cni_reshape(graph, y, moved->shape), inverse);
}

static cni_tensor *softmax_of_last(cni_graph *graph, cni_tensor *x)
{
    return cni_softmax(graph, x, -1);
}

static cni_tensor *softmax_layer(cni_graph *graph, const void *given, cni_tensor *x)
{
    const cn_softmax_args *args = given;
    bool chosen[CNI_MAX_RANK] = {false};
    const int count = cni_ints_count(args->axis);
    if (count == 1) return cni_softmax(graph, x, args->axis[0]);
    for (int i = 0; i < count; i++) chosen[args->axis[i] < 0 ? args->axis[i] + x->shape.rank : args->axis[i]] = true;
    return over_axes(graph, x, chosen, softmax_of_last);
}

static cn_status softmax_layer_shape(const void *given, cni_shape *shape, cni_error *error)
{
    const cn_softmax_args *args = given;
    const int count = cni_ints_count(args->axis);
    for (int i = 0; i < count; i++) CN_TRY(check_axis(args->axis[i], shape, error));
    return count ? CN_OK : cni_fail(error, CN_ERR_INVALID, "axis is empty; expected an axis, e.g. -1");
}

static cni_tensor *sparsemax(cni_graph *graph, const void *given, cni_tensor *x)
{
    int axis = ((const arguments *)given)->axis;
    bool chosen[CNI_MAX_RANK] = {false};
    if (axis < 0) axis += x->shape.rank;
    chosen[axis] = true;
    return axis == x->shape.rank - 1 ? cni_sparsemax(graph, x) : over_axes(graph, x, chosen, cni_sparsemax);
}

/* x > threshold: x, else default_value.  The greater one's share is 1, 1/2 or 0; of what is equal nothing passes. */
static cni_tensor *threshold(cni_graph *graph, const void *given, cni_tensor *x)
{
    const arguments *args = given;
    cni_tensor *passed = cni_unary_op(graph, x, relu_of(0, NAN, args->a));
    if (args->b == 0) return passed;
    cni_tensor *limit = cni_graph_constant(graph, (cni_shape){.rank = 0}, args->a);
    cni_tensor *share = cni_affine(graph, cni_binary(graph, CNI_GREATER_SHARE, x, limit), 2, -1);
    cni_tensor *above = cni_unary_op(graph, share, relu_of(0, NAN, 0));
    return cni_add(graph, passed, cni_affine(graph, above, -args->b, args->b));
}

static cni_tensor *glu(cni_graph *graph, const void *given, cni_tensor *x)
{
    return cni_glu(graph, x, ((const arguments *)given)->axis);
}

static cn_status glu_shape(const void *given, cni_shape *shape, cni_error *error)
{
    int axis = ((const arguments *)given)->axis;
    CN_TRY(check_axis(axis, shape, error));
    if (axis < 0) axis += shape->rank;
    if (shape->dims[axis] < 0) return CN_OK;
    if (shape->dims[axis] % 2)
        return cni_fail(error, CN_ERR_SHAPE, "glu splits axis %d of %s in halves; its size %" PRId64 " is odd", axis,
                        CNI_SHOW_SHAPE(shape), shape->dims[axis]);
    shape->dims[axis] /= 2;
    return CN_OK;
}

/* ---- the table ---- */

#define ARGS arguments
static const cni_field relu_fields[] = {
    CNI_FIELD(a, "negative_slope", 0, "0.0", 0, 0, "slope at or below the threshold"),
    CNI_FIELD(b, "max_value", CNI_NULLABLE, "None", 0, 0, "nothing above this comes out; None: no limit"),
    CNI_FIELD(c, "threshold", 0, "0.0", 0, 0, "what is above it passes")};
static const cni_field leaky_relu_fields[] = {
    CNI_FIELD(a, "negative_slope", 0, "0.2", 0, 0, "slope for negative inputs")};
static const cni_field alpha_fields[] = {
    CNI_FIELD(a, "alpha", 0, "1.0", 0, 0, "what very negative inputs become, with a minus")};
static const cni_field gelu_fields[] = {
    CNI_FIELD(approximate, "approximate", 0, "False", 0, 0, "the formula with tanh instead of erf")};
static const cni_field shrink_fields[] = {
    CNI_FIELD(a, "threshold", 0, "0.5", 0, 0, "what is not farther from 0 than this becomes 0")};
static const cni_field squareplus_fields[] = {CNI_FIELD(a, "b", 0, "4.0", 0, 0, "how smooth the bend is")};
static const cni_field threshold_fields[] = {
    CNI_FIELD(a, "threshold", CNI_REQUIRED, NULL, 0, 0, "what is above it passes"),
    CNI_FIELD(b, "default_value", CNI_REQUIRED, NULL, 0, 0, "what the rest becomes")};
static const cni_field axis_fields[] = {
    CNI_FIELD(axis, "axis", 0, "-1", 0, 0, "the axis that is looked at as a whole")};

#define KIND(var, name_, ...)                                                                                          \
    static const cni_kind var = {.name = name_, .args_size = sizeof(arguments), .help = __VA_ARGS__}
#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

KIND(linear_kind, "linear", "x itself");
KIND(relu_kind, "relu", "rectified linear unit", .formula = "max(x, 0)", CNI_FIELDS(relu_fields), .written_as = "ReLU");
KIND(relu6_kind, "relu6", "rectified linear unit up to 6", .formula = "min(max(x, 0), 6)");
KIND(leaky_relu_kind, "leaky_relu", "rectified linear unit that lets a little of the negative through",
     .formula = "x >= 0: x, else negative_slope x", CNI_FIELDS(leaky_relu_fields), .written_as = "LeakyReLU",
     .keras = "leaky_relu(negative_slope=0.1)");
KIND(elu_kind, "elu", "exponential linear unit", .formula = "x > 0: x, else alpha (exp(x) - 1)",
     CNI_FIELDS(alpha_fields), .written_as = "ELU");
KIND(selu_kind, "selu", "scaled exponential linear unit", .formula = "1.0507009873554805 elu(x, 1.6732632423543772)");
KIND(celu_kind, "celu", "continuously differentiable exponential linear unit",
     .formula = "max(x, 0) + alpha (exp(min(x, 0) / alpha) - 1)", CNI_FIELDS(alpha_fields));
KIND(gelu_kind, "gelu", "Gaussian error linear unit", .formula = "x / 2 (1 + erf(x / sqrt(2)))",
     CNI_FIELDS(gelu_fields));
KIND(silu_kind, "silu", "sigmoid linear unit", .formula = "x sigmoid(x)", .aliases = NAMES("swish"));
KIND(mish_kind, "mish", "smooth and not monotonic", .formula = "x tanh(softplus(x))");
KIND(sigmoid_kind, "sigmoid", "between 0 and 1: a probability", .formula = "1 / (1 + exp(-x))");
KIND(hard_sigmoid_kind, "hard_sigmoid", "sigmoid of straight lines", .formula = "min(max(x / 6 + 0.5, 0), 1)");
KIND(hard_silu_kind, "hard_silu", "silu of straight lines", .formula = "x hard_sigmoid(x)",
     .aliases = NAMES("hard_swish"));
KIND(log_sigmoid_kind, "log_sigmoid", "logarithm of the sigmoid", .formula = "-softplus(-x)");
KIND(sparse_sigmoid_kind, "sparse_sigmoid", "sigmoid that reaches 0 and 1",
     .formula = "x <= -1: 0; x >= 1: 1; else (x + 1) / 2");
KIND(tanh_kind, "tanh", "between -1 and 1", .formula = "tanh(x)");
KIND(hard_tanh_kind, "hard_tanh", "tanh of straight lines", .formula = "min(max(x, -1), 1)");
KIND(tanh_shrink_kind, "tanh_shrink", "what tanh takes away", .formula = "x - tanh(x)");
KIND(soft_shrink_kind, "soft_shrink", "towards 0 by the threshold, small values to 0",
     .formula = "|x| > threshold: x -+ threshold, else 0", CNI_FIELDS(shrink_fields),
     .keras = "soft_shrink(threshold=0.1)");
KIND(hard_shrink_kind, "hard_shrink", "small values to 0", .formula = "|x| > threshold: x, else 0",
     CNI_FIELDS(shrink_fields));
KIND(softplus_kind, "softplus", "a smooth relu", .formula = "log(1 + exp(x))");
KIND(sparse_plus_kind, "sparse_plus", "a smooth relu that reaches 0",
     .formula = "x <= -1: 0; x < 1: (x + 1)^2 / 4; else x");
KIND(squareplus_kind, "squareplus", "a smooth relu without exponentials", .formula = "(x + sqrt(x^2 + b)) / 2",
     CNI_FIELDS(squareplus_fields));
KIND(softsign_kind, "softsign", "between -1 and 1, slowly", .formula = "x / (1 + |x|)");
KIND(exponential_kind, "exponential", "grows without end", .formula = "exp(x)");
KIND(threshold_kind, "threshold", "passes what is above the threshold",
     .formula = "x > threshold: x, else default_value", CNI_FIELDS(threshold_fields), .keras = "threshold(0.5, 0.0)");
KIND(softmax_kind, "softmax", "positive numbers that sum to 1: probabilities of classes",
     .formula = "exp(x - max) / sum of exp(x - max)", CNI_FIELDS(axis_fields), .written_as = "Softmax");
KIND(log_softmax_kind, "log_softmax", "logarithm of the softmax", .formula = "x - max - log(sum of exp(x - max))",
     CNI_FIELDS(axis_fields));
KIND(sparsemax_kind, "sparsemax", "probabilities, many of them exactly 0",
     .formula = "the point of the simplex that is nearest to x", CNI_FIELDS(axis_fields));
KIND(glu_kind, "glu", "gated linear unit: one half opens and shuts the other", .formula = "a sigmoid(b), halves of x",
     CNI_FIELDS(axis_fields));

#define ROWS(ROW)                                                                                                      \
    ROW(linear_kind, .function = CNI_LINEAR)                                                                           \
    ROW(relu_kind, .epilogue = relu)                                                                                   \
    ROW(relu6_kind, .function = CNI_RELU6)                                                                             \
    ROW(leaky_relu_kind, .epilogue = leaky_relu)                                                                       \
    ROW(elu_kind, .epilogue = elu)                                                                                     \
    ROW(selu_kind, .function = CNI_SELU)                                                                               \
    ROW(celu_kind, .epilogue = celu)                                                                                   \
    ROW(gelu_kind, .epilogue = gelu)                                                                                   \
    ROW(silu_kind, .function = CNI_SILU)                                                                               \
    ROW(mish_kind, .function = CNI_MISH)                                                                               \
    ROW(sigmoid_kind, .function = CNI_SIGMOID)                                                                         \
    ROW(hard_sigmoid_kind, .function = CNI_HARD_SIGMOID)                                                               \
    ROW(hard_silu_kind, .function = CNI_HARD_SILU)                                                                     \
    ROW(log_sigmoid_kind, .function = CNI_LOG_SIGMOID)                                                                 \
    ROW(sparse_sigmoid_kind, .function = CNI_SPARSE_SIGMOID)                                                           \
    ROW(tanh_kind, .function = CNI_TANH)                                                                               \
    ROW(hard_tanh_kind, .function = CNI_HARD_TANH)                                                                     \
    ROW(tanh_shrink_kind, .function = CNI_TANH_SHRINK)                                                                 \
    ROW(soft_shrink_kind, .epilogue = soft_shrink)                                                                     \
    ROW(hard_shrink_kind, .epilogue = hard_shrink)                                                                     \
    ROW(softplus_kind, .function = CNI_SOFTPLUS)                                                                       \
    ROW(sparse_plus_kind, .function = CNI_SPARSE_PLUS)                                                                 \
    ROW(squareplus_kind, .epilogue = squareplus)                                                                       \
    ROW(softsign_kind, .function = CNI_SOFTSIGN)                                                                       \
    ROW(exponential_kind, .function = CNI_EXPONENTIAL)                                                                 \
    ROW(threshold_kind, .lower = threshold)                                                                            \
    ROW(softmax_kind, .lower = softmax, .shape = axis_shape)                                                           \
    ROW(log_softmax_kind, .lower = log_softmax, .shape = axis_shape)                                                   \
    ROW(sparsemax_kind, .lower = sparsemax, .shape = axis_shape)                                                       \
    ROW(glu_kind, .lower = glu, .shape = glu_shape)                                                                    \
    ROW(cni_relu_layer.kind, .epilogue = relu_layer)                                                                   \
    ROW(cni_leaky_relu_layer.kind, .epilogue = leaky_relu_layer)                                                       \
    ROW(cni_elu_layer.kind, .epilogue = elu_layer)                                                                     \
    ROW(cni_softmax_layer.kind, .lower = softmax_layer, .shape = softmax_layer_shape)

#define AS_ROW(kind_, ...)  {.kind = &kind_, __VA_ARGS__},
#define AS_KIND(kind_, ...) &kind_,
static const row rows[] = {ROWS(AS_ROW)};
static const cni_kind *const kinds[] = {ROWS(AS_KIND)};

const cni_family cni_activations = {.what = "activation",
                                    .module = "keras.activations",
                                    .kinds = kinds,
                                    .count = sizeof kinds / sizeof *kinds,
                                    .written_by_name = true,
                                    .none = "linear"};

/* ---- what others ask ---- */

static const row *row_of(const cni_object *activation)
{
    for (size_t i = 0; activation && i < sizeof rows / sizeof *rows; i++)
        if (rows[i].kind == activation->kind) return rows + i;
    return rows; /* linear */
}

cni_tensor *cni_lower_activation(cni_graph *graph, const cni_object *activation, cni_tensor *x)
{
    const row *r = row_of(activation);
    if (r->lower) return r->lower(graph, activation->args, x);
    return cni_unary_op(graph, x,
                        r->epilogue ? r->epilogue(activation->args) : (cni_epilogue){.function = r->function});
}

cn_status cni_activation_shape(const cni_object *activation, cni_shape *shape, cni_error *error)
{
    const row *r = row_of(activation);
    return r->shape ? r->shape(activation->args, shape, error) : CN_OK;
}

bool cni_activation_is_element_wise(const cni_object *activation)
{
    return !row_of(activation)->lower;
}
