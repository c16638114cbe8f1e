/* SPDX-License-Identifier: Apache-2.0
 * Regularizers (keras-semantics 4.2). */
#include "layers/regularizers.h"

#include "graph/ops/binary.h"
#include "graph/ops/dense.h"
#include "graph/ops/reduce.h"
#include "graph/ops/transpose.h"
#include "graph/ops/unary.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef struct arguments {
    double l1, l2, factor;
    const char *mode;
} arguments;

typedef struct regularizer_kind {
    cni_kind kind;
    cni_tensor *(*lower)(cni_graph *graph, const arguments *args, cni_tensor *w);
} regularizer_kind;

static cni_tensor *sum_of(cni_graph *graph, cni_tensor *x)
{
    return cni_reduce(graph, CNI_SUM, x, CNI_ALL_AXES, false);
}

/* |x| with slope 1 at 0, as JAX has it. */
static cni_tensor *absolute(cni_graph *graph, cni_tensor *x)
{
    return cni_unary_op(graph, x, (cni_epilogue){CNI_LEAKY_RELU, -1, 0, 0});
}

static cni_tensor *square(cni_graph *graph, cni_tensor *x)
{
    return cni_unary_op(graph, x, (cni_epilogue){.function = CNI_SQUARE});
}

static cni_tensor *lower_l1(cni_graph *graph, const arguments *args, cni_tensor *w)
{
    return cni_affine(graph, sum_of(graph, absolute(graph, w)), args->l1, 0);
}

static cni_tensor *lower_l2(cni_graph *graph, const arguments *args, cni_tensor *w)
{
    return cni_affine(graph, sum_of(graph, square(graph, w)), args->l2, 0);
}

static cni_tensor *lower_l1_l2(cni_graph *graph, const arguments *args, cni_tensor *w)
{
    if (args->l1 == 0) return lower_l2(graph, args, w);
    if (args->l2 == 0) return lower_l1(graph, args, w);
    return cni_add(graph, lower_l1(graph, args, w), lower_l2(graph, args, w));
}

/* Rows of w, each divided by its length; Keras bounds 1 / length by 1 / epsilon. */
static cni_tensor *normalize_rows(cni_graph *graph, cni_tensor *w)
{
    const double epsilon = 1e-7;
    cni_tensor *squares = cni_reduce(graph, CNI_SUM, square(graph, w), 1u << 1, true);
    cni_tensor *length = cni_unary_op(graph, squares, (cni_epilogue){.function = CNI_SQRT});
    cni_tensor *inverse = cni_unary_op(graph, length, (cni_epilogue){.function = CNI_RECIPROCAL});
    cni_tensor *bound = cni_graph_constant(graph, CNI_SHAPE(1), 1 / epsilon);
    return cni_multiply(graph, w, cni_binary(graph, CNI_MINIMUM, inverse, bound));
}

/* factor / 2 * sum of |<i, j>|, i != j, divided by the number of pairs.  Of the products' matrix the diagonal is taken
 * off: the squared lengths of the rows. */
static cni_tensor *lower_orthogonal(cni_graph *graph, const arguments *args, cni_tensor *w)
{
    static const int turned[] = {1, 0};
    if (w->shape.rank != 2) {
        cni_fail(&graph->error, CN_ERR_SHAPE,
                 "OrthogonalRegularizer takes matrices, such as a Dense kernel; the weight has shape %s",
                 CNI_SHOW_SHAPE(&w->shape));
        return cni_graph_tensor(graph, (cni_shape){0});
    }
    cni_tensor *vectors = normalize_rows(graph, strcmp(args->mode, "rows") == 0 ? w : cni_transpose(graph, w, turned));
    const double size = (double)vectors->shape.dims[0], pairs = size * (size - 1) / 2;
    cni_tensor *products = cni_dense(graph, vectors, cni_transpose(graph, vectors, turned), NULL, NULL);
    cni_tensor *others =
        cni_subtract(graph, sum_of(graph, absolute(graph, products)), sum_of(graph, square(graph, vectors)));
    return cni_affine(graph, others, args->factor * 0.5 / pairs, 0);
}

cni_tensor *cni_lower_regularizer(cni_graph *graph, const cni_object *regularizer, cni_tensor *w)
{
    return ((const regularizer_kind *)regularizer->kind)->lower(graph, regularizer->args, w);
}

/* ---- the table ---- */

/* Keras takes None for the default. */
static cn_status check(void *given, cni_error *error)
{
    arguments *args = given;
    (void)error;
    if (isnan(args->l1)) args->l1 = 0.01;
    if (isnan(args->l2)) args->l2 = 0.01;
    return CN_OK;
}

static cn_status check_both(void *given, cni_error *error)
{
    arguments *args = given;
    (void)error;
    if (isnan(args->l1)) args->l1 = 0;
    if (isnan(args->l2)) args->l2 = 0;
    return CN_OK;
}

#define ARGS arguments
static const char *const modes[] = {"rows", "columns", NULL};
static const cni_field l1_fields[] = {CNI_FIELD(l1, "l1", CNI_NULLABLE | CNI_FLOAT32, "0.01", 0, FLT_MAX,
                                                "factor of the sum of absolute values: pulls weights to exactly 0")};
static const cni_field l2_fields[] = {
    CNI_FIELD(l2, "l2", CNI_NULLABLE, "0.01", 0, FLT_MAX, "factor of the sum of squares: keeps weights small")};
static const cni_field both_fields[] = {
    CNI_FIELD(l1, "l1", CNI_NULLABLE, "0.0", 0, FLT_MAX,
              "factor of the sum of absolute values: pulls weights to exactly 0"),
    CNI_FIELD(l2, "l2", CNI_NULLABLE, "0.0", 0, FLT_MAX, "factor of the sum of squares: keeps weights small")};
static const cni_field orthogonal_fields[] = {
    CNI_FIELD(factor, "factor", CNI_FLOAT32, "0.01", 0, FLT_MAX, "factor of the mean of the products"),
    CNI_CHOICE(mode, "mode", modes, "'rows'", "whether rows or columns are to be at right angles")};

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ROW(var, name_, alias_, rows, lower_, check_, help_, formula_, keras_)                                         \
    static const regularizer_kind var = {.kind = {.name = name_,                                                       \
                                                  .aliases = alias_,                                                   \
                                                  .args_size = sizeof(arguments),                                      \
                                                  CNI_FIELDS(rows),                                                    \
                                                  .check = check_,                                                     \
                                                  .help = help_,                                                       \
                                                  .formula = formula_,                                                 \
                                                  .keras = keras_},                                                    \
                                         .lower = lower_}
ROW(l1, "L1", NAMES("l1"), l1_fields, lower_l1, check, "penalty on absolute values", "l1 sum |w|", "l1(0.0001)");
ROW(l2, "L2", NAMES("l2"), l2_fields, lower_l2, check, "penalty on squares", "l2 sum w^2", "l2(0.0001)");
ROW(l1_l2, "L1L2", NAMES("l1l2", "l1_l2"), both_fields, lower_l1_l2, check_both, "both penalties",
    "l1 sum |w| + l2 sum w^2", "L1L2(l1=1e-05, l2=0.0001)");
ROW(orthogonal, "OrthogonalRegularizer", NAMES("orthogonal_regularizer"), orthogonal_fields, lower_orthogonal, NULL,
    "penalty on rows, or columns, of a matrix that are not at right angles",
    "factor / 2 * sum of |<i, j>| over i != j / (m (m - 1) / 2)", NULL);

static const cni_kind *const kinds[] = {&l1.kind, &l2.kind, &l1_l2.kind, &orthogonal.kind};

const cni_family cni_regularizers = {
    .what = "regularizer", .module = "keras.regularizers", .kinds = kinds, .count = sizeof kinds / sizeof *kinds};
