/* SPDX-License-Identifier: Apache-2.0
 * Losses: their arguments, the shapes that they want, and how they become ops. */
#include "learning/losses.h"

#include "graph/ops/loss.h"
#include "graph/ops/reduce.h"
#include "graph/ops/reshape.h"
#include "learning/target_shapes.h"

#include <string.h>

typedef struct arguments {
    const char *reduction, *name;
    bool from_logits;
    double label_smoothing, delta;
    int ignore_class, axis;
} arguments;

struct cni_loss_kind {
    cni_kind kind;
    const char *name; /* of the object */
    cni_loss_function function;
    bool same_shape; /* targets must have the shape of the predictions; else they are broadcast */
};

/* ---- shapes ---- */

/* Predictions and targets once ranks are adjusted, for the kind that "crossentropy" stands for. */
typedef struct resolved {
    const cni_loss_kind *kind;
    arguments args;
    cni_shape y_true, y_pred;
    int axis; /* from 0 */
} resolved;

/* Arguments that the kind does not take. */
static void complete(arguments *args, const cni_loss_kind *given, const cni_loss_kind *kind)
{
    const bool sparse = kind->function == CNI_SPARSE_CROSSENTROPY;
    if (!sparse && !kind->same_shape) args->axis = -1;
    if (!sparse || given != kind) args->ignore_class = CNI_NONE_INT;
}

static const cni_loss_kind *kind_for(const cni_loss_kind *kind, const cni_shape *y_true, const cni_shape *y_pred);

#define FLATTEN ": is a Flatten missing before the last Dense?"

/* Images are predicted where the targets are a number or a row each. */
static bool images(const cni_shape *y_true, const cni_shape *y_pred)
{
    return y_pred->rank == 4 && y_true->rank <= 2;
}

static cn_status resolve(const cni_object *loss, const cni_shape *y_true, const cni_shape *y_pred, resolved *r,
                         cni_error *error)
{
    const cni_loss_kind *given = (const cni_loss_kind *)loss->kind;
    *r = (resolved){.kind = kind_for(given, y_true, y_pred), .y_true = *y_true, .y_pred = *y_pred};
    r->args = *(const arguments *)loss->args;
    complete(&r->args, given, r->kind);
    const bool sparse = r->kind->function == CNI_SPARSE_CROSSENTROPY;
    if (y_pred->rank < 2)
        return cni_fail(error, CN_ERR_SHAPE, "loss %s: predictions of shape %s; expected two dimensions or more",
                        cni_loss_name(loss), CNI_SHOW_SHAPE(y_pred));
    if (sparse) {
        if (!cni_labels_fit(y_true, y_pred))
            return cni_fail(
                error, CN_ERR_SHAPE,
                "loss %s: targets of shape %s for predictions of shape %s; expected class numbers, one where "
                "the predictions have one row of classes%s",
                cni_loss_name(loss), CNI_SHOW_SHAPE(y_true), CNI_SHOW_SHAPE(y_pred),
                images(y_true, y_pred) ? FLATTEN : " (one-hot targets: categorical_crossentropy)");
    } else {
        cni_adjust_ranks(&r->y_true, &r->y_pred);
        if (!cni_targets_fit(&r->y_true, &r->y_pred, !r->kind->same_shape))
            return cni_fail(error, CN_ERR_SHAPE,
                            "loss %s: targets of shape %s for predictions of shape %s; expected the same shape%s",
                            cni_loss_name(loss), CNI_SHOW_SHAPE(y_true), CNI_SHOW_SHAPE(y_pred),
                            images(y_true, y_pred) ? FLATTEN
                            : r->kind->function == CNI_CATEGORICAL_CROSSENTROPY
                                ? " (class numbers: sparse_categorical_crossentropy)"
                                : "");
    }
    r->axis = r->args.axis < 0 ? r->args.axis + r->y_pred.rank : r->args.axis;
    if (r->axis < 1 || r->axis >= r->y_pred.rank || (sparse && r->axis != r->y_pred.rank - 1))
        return cni_fail(error, CN_ERR_UNSUPPORTED, "loss %s: axis=%d for predictions of shape %s; expected %s",
                        cni_loss_name(loss), r->args.axis, CNI_SHOW_SHAPE(&r->y_pred),
                        sparse ? "the last one (-1)" : "one of the axes behind the first");
    return CN_OK;
}

cn_status cni_loss_check_shapes(const cni_object *loss, const cni_shape *y_true, const cni_shape *y_pred,
                                cni_error *error)
{
    resolved r;
    return resolve(loss, y_true, y_pred, &r, error);
}

/* ---- lowering ---- */

/* One weight per sample or per entry, once they are broadcast.  `repeats`: how often each is then there.  A plain list
 * weighs samples whatever the rank of the losses; Keras wants as many dimensions, of size 1. */
static cni_tensor *spread_weights(cni_graph *graph, const resolved *r, cni_tensor *weights, double *repeats)
{
    cni_shape entries = r->y_pred, given = weights->shape, full;
    memmove(entries.dims + r->axis, entries.dims + r->axis + 1, sizeof(int64_t) * (size_t)(entries.rank - r->axis - 1));
    entries.rank--;
    full = entries;
    if (given.rank == 1) return weights;
    cni_adjust_ranks(&full, &given);
    bool whole = given.rank == full.rank, per_sample = whole, each = whole;
    for (int i = 1; i < full.rank && whole; i++) {
        whole &= given.dims[i] == 1 || given.dims[i] == full.dims[i];
        per_sample &= given.dims[i] == 1;
        each &= given.dims[i] == full.dims[i];
    }
    if (!whole) {
        cni_fail(&graph->error, CN_ERR_SHAPE,
                 "sample_weight of shape %s for losses of shape %s; expected that shape, or 1 where all weigh the same",
                 CNI_SHOW_SHAPE(&weights->shape), CNI_SHOW_SHAPE(&entries));
        return weights;
    }
    if (each || per_sample) return weights;
    *repeats = (double)cni_shape_count(&full, 1) / (double)cni_shape_count(&given, 1);
    return cni_broadcast(graph, cni_reshape(graph, weights, given), full);
}

static void set_sizes(const resolved *r, cni_loss_attributes *a)
{
    a->outer = a->inner = 1;
    a->count = (size_t)r->y_pred.dims[r->axis];
    for (int i = 1; i < r->axis; i++) a->outer *= (size_t)r->y_pred.dims[i];
    for (int i = r->axis + 1; i < r->y_pred.rank; i++) a->inner *= (size_t)r->y_pred.dims[i];
}

/* Smoothed labels: binary ones move towards 1/2, one-hot ones towards 1 / classes. */
static void set_spec(const resolved *r, cni_loss_spec *spec, double epsilon)
{
    const double smoothing = r->args.label_smoothing;
    spec->function = r->kind->function;
    spec->from_logits = r->args.from_logits;
    spec->delta = r->args.delta;
    spec->epsilon = epsilon;
    spec->smoothing_keep = 1 - smoothing;
    spec->smoothing_add =
        spec->function == CNI_BINARY_CROSSENTROPY ? 0.5 * smoothing : smoothing / (double)cni_last_dim(&r->y_true);
    spec->ignores = r->args.ignore_class != CNI_NONE_INT;
    spec->ignored = r->args.ignore_class;
}

static cni_loss_divisor divisor_of(const char *reduction)
{
    if (strcmp(reduction, "sum") == 0) return CNI_BY_ONE;
    return strcmp(reduction, "mean_with_sample_weight") == 0 ? CNI_BY_WEIGHTS : CNI_BY_ENTRIES;
}

/* Targets and predictions of a regression are repeated to a common shape. */
static void broadcast_both(cni_graph *graph, resolved *r, cni_tensor **y_true, cni_tensor **y_pred)
{
    cni_shape common = r->y_pred;
    for (int i = 1; i < common.rank; i++)
        if (common.dims[i] == 1) common.dims[i] = r->y_true.dims[i];
    if (!cni_shape_equal(&r->y_true, &common))
        *y_true = cni_broadcast(graph, cni_reshape(graph, *y_true, r->y_true), common);
    if (!cni_shape_equal(&r->y_pred, &common))
        *y_pred = cni_broadcast(graph, cni_reshape(graph, *y_pred, r->y_pred), common);
    r->y_pred = common;
}

cni_tensor *cni_lower_loss(cni_graph *graph, const cni_object *loss, cni_tensor *y_true, cni_tensor *y_pred,
                           cni_tensor *sample_weight, double epsilon)
{
    resolved r;
    cni_loss_attributes attributes = {.repeats = 1};
    if (resolve(loss, &y_true->shape, &y_pred->shape, &r, &graph->error))
        return cni_graph_constant(graph, (cni_shape){.rank = 0}, 0);
    if (!r.kind->same_shape && r.kind->function != CNI_SPARSE_CROSSENTROPY) broadcast_both(graph, &r, &y_true, &y_pred);
    set_spec(&r, &attributes.spec, epsilon);
    set_sizes(&r, &attributes);
    attributes.divisor = divisor_of(r.args.reduction);
    if (sample_weight) sample_weight = spread_weights(graph, &r, sample_weight, &attributes.repeats);
    return cni_loss(graph, &attributes, y_pred, y_true, sample_weight);
}

/* ---- labels ---- */

bool cni_loss_reads_classes(const cni_object *loss)
{
    const cni_loss_kind *kind = (const cni_loss_kind *)loss->kind;
    return kind->function == CNI_SPARSE_CROSSENTROPY || kind->function == CNI_LOSS_FUNCTIONS;
}

cn_status cni_loss_check_labels(const cni_object *loss, const float *labels, size_t rows, size_t per_row, int classes,
                                size_t first_row, cni_error *error)
{
    const arguments *args = loss->args;
    if (!cni_loss_reads_classes(loss) || classes <= 1) return CN_OK;
    for (size_t i = 0; i < rows * per_row; i++) {
        const float label = labels[i];
        if (label > -1 && label < (float)classes) continue;
        if (args->ignore_class != CNI_NONE_INT && label == (float)args->ignore_class) continue;
        return cni_fail(error, CN_ERR_NUMERIC, "loss %s: label %g in row %zu; expected class numbers from 0 to %d",
                        cni_loss_name(loss), (double)label, first_row + i / per_row, classes - 1);
    }
    return CN_OK;
}

const char *cni_loss_name(const cni_object *loss)
{
    const cni_loss_kind *kind = (const cni_loss_kind *)loss->kind;
    const arguments *args = loss->args;
    if (loss->by_name && strcmp(loss->given, loss->kind->name) != 0) return loss->given;
    return args->name ? args->name : kind->name;
}

/* ---- the table ---- */

/* "auto" is Keras 2's; None and 'none' keep a loss per sample, which nothing can be trained with. */
static cn_status check(void *args, cni_error *error)
{
    static const char *const reductions[] = {"sum_over_batch_size", "mean", "sum", "mean_with_sample_weight"};
    const arguments *a = args;
    const char *expected = "expected 'sum_over_batch_size', 'mean', 'sum' or 'mean_with_sample_weight'";
    if (!a->reduction || strcmp(a->reduction, "none") == 0)
        return cni_fail(error, CN_ERR_UNSUPPORTED, "reduction=%s leaves one loss per sample and is not supported; %s",
                        a->reduction ? "'none'" : "None", expected);
    for (size_t i = 0; i < sizeof reductions / sizeof *reductions; i++)
        if (strcmp(a->reduction, reductions[i]) == 0) return CN_OK;
    return cni_fail(error, CN_ERR_INVALID, "reduction='%s'; %s", a->reduction, expected);
}

#define ARGS arguments
#define REDUCTION                                                                                                      \
    CNI_FIELD(reduction, "reduction", CNI_NULLABLE, "'sum_over_batch_size'", 0, 0,                                     \
              "sum_over_batch_size, mean, sum or mean_with_sample_weight")
#define NAME(default_) CNI_FIELD(name, "name", CNI_NULLABLE, "'" default_ "'", 0, 0, "name of the loss")
#define DTYPE          CNI_ONLY("dtype", "None", CNI_READ_ONLY)
#define LOGITS         CNI_FIELD(from_logits, "from_logits", 0, "False", 0, 0, "predictions are logits, not probabilities")
#define SMOOTHING      CNI_FIELD(label_smoothing, "label_smoothing", 0, "0.0", 0, 1, "share of each label that is spread")
#define AXIS(help_)    CNI_FIELD(axis, "axis", 0, "-1", 0, 0, help_)

static const cni_field squared_fields[] = {REDUCTION, NAME("mean_squared_error"), DTYPE};
static const cni_field absolute_fields[] = {REDUCTION, NAME("mean_absolute_error"), DTYPE};
static const cni_field huber_fields[] = {
    CNI_FIELD(delta, "delta", 0, "1.0", 0, 0, "errors above it count linearly (Keras does not save it)"), REDUCTION,
    NAME("huber_loss"), DTYPE};
static const cni_field categorical_fields[] = {
    LOGITS, SMOOTHING, AXIS("the axis of the classes"), REDUCTION, NAME("categorical_crossentropy"), DTYPE};
static const cni_field sparse_fields[] = {
    LOGITS,
    CNI_FIELD(ignore_class, "ignore_class", CNI_NULLABLE, "None", 0, 0, "rows with this label do not count"),
    REDUCTION,
    AXIS("the axis of the classes: the last one"),
    NAME("sparse_categorical_crossentropy"),
    DTYPE};
static const cni_field binary_fields[] = {
    LOGITS, SMOOTHING, AXIS("the axis of which the mean is taken"), REDUCTION, NAME("binary_crossentropy"), DTYPE};

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ROW(var, class_, aliases_, rows, order_, name_, function_, same_, formula_, help_, ...)                        \
    static const cni_loss_kind var = {.kind = {.name = class_,                                                         \
                                               .aliases = aliases_,                                                    \
                                               .args_size = sizeof(arguments),                                         \
                                               CNI_FIELDS(rows),                                                       \
                                               .order = order_,                                                        \
                                               .check = check,                                                         \
                                               .formula = formula_,                                                    \
                                               .help = help_,                                                          \
                                               __VA_ARGS__},                                                           \
                                      .name = name_,                                                                   \
                                      .function = function_,                                                           \
                                      .same_shape = same_}

ROW(categorical, "CategoricalCrossentropy", NAMES("categorical_crossentropy"), categorical_fields,
    "name reduction from_logits label_smoothing axis", "categorical_crossentropy", CNI_CATEGORICAL_CROSSENTROPY, true,
    "-sum(y log p)", "crossentropy of one-hot targets", .keras = "categorical_crossentropy(label_smoothing=0.1)");
ROW(sparse, "SparseCategoricalCrossentropy", NAMES("sparse_categorical_crossentropy"), sparse_fields,
    "name reduction from_logits ignore_class", "sparse_categorical_crossentropy", CNI_SPARSE_CROSSENTROPY, false,
    "-log p[y]", "crossentropy of class numbers", .keras = "sparse_categorical_crossentropy(from_logits=True)");
ROW(binary, "BinaryCrossentropy", NAMES("binary_crossentropy", "bce", "BCE"), binary_fields,
    "name reduction from_logits label_smoothing axis", "binary_crossentropy", CNI_BINARY_CROSSENTROPY, true,
    "mean(-y log p - (1 - y) log(1 - p))", "crossentropy of yes and no", .keras = "binary_crossentropy");
ROW(squared, "MeanSquaredError", NAMES("mean_squared_error", "mse", "MSE"), squared_fields, "name reduction",
    "mean_squared_error", CNI_SQUARED_ERROR, false, "mean((y - p)^2)", "mean of the squared errors", .keras = "mse");
ROW(absolute, "MeanAbsoluteError", NAMES("mean_absolute_error", "mae", "MAE"), absolute_fields, "name reduction",
    "mean_absolute_error", CNI_ABSOLUTE_ERROR, false, "mean(|y - p|)", "mean of the absolute errors", .keras = "mae");
ROW(huber, "Huber", NAMES("huber"), huber_fields, "name reduction", "huber_loss", CNI_HUBER, false,
    "mean(|e| <= delta ? e^2 / 2 : delta |e| - delta^2 / 2)", "squared near 0, linear far out",
    .keras = "Huber(delta=2.0)");
ROW(crossentropy, "crossentropy", NAMES("ce"), categorical_fields, "name", "crossentropy", CNI_LOSS_FUNCTIONS, true,
    NULL, "the crossentropy that fits the shapes of targets and predictions", .any_case = true);

static const cni_loss_kind *kind_for(const cni_loss_kind *kind, const cni_shape *y_true, const cni_shape *y_pred)
{
    static const cni_loss_kind *const by_style[] = {
        [CNI_BINARY_TARGETS] = &binary, [CNI_SPARSE_TARGETS] = &sparse, [CNI_CATEGORICAL_TARGETS] = &categorical};
    return kind == &crossentropy ? by_style[cni_style_of(y_true, y_pred)] : kind;
}

static const cni_kind *const kinds[] = {&categorical.kind, &sparse.kind, &binary.kind,      &squared.kind,
                                        &absolute.kind,    &huber.kind,  &crossentropy.kind};

static const char *const absent[] = {"KLDivergence",
                                     "kl_divergence",
                                     "kld",
                                     "Poisson",
                                     "BinaryFocalCrossentropy",
                                     "binary_focal_crossentropy",
                                     "CategoricalFocalCrossentropy",
                                     "categorical_focal_crossentropy",
                                     "MeanAbsolutePercentageError",
                                     "mean_absolute_percentage_error",
                                     "mape",
                                     "MeanSquaredLogarithmicError",
                                     "mean_squared_logarithmic_error",
                                     "msle",
                                     "CosineSimilarity",
                                     "cosine_similarity",
                                     "LogCosh",
                                     "log_cosh",
                                     "Hinge",
                                     "SquaredHinge",
                                     "squared_hinge",
                                     "CategoricalHinge",
                                     "categorical_hinge",
                                     "Dice",
                                     "Tversky",
                                     "Circle",
                                     "CTC",
                                     NULL};

const cni_family cni_losses = {
    .absent = absent, .what = "loss", .module = "keras.losses", .kinds = kinds, .count = sizeof kinds / sizeof *kinds};
