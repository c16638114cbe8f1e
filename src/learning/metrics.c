/* SPDX-License-Identifier: Apache-2.0
 * Metrics: their arguments, and what they have in common. */
#include "learning/metric_kinds.h"
#include "learning/target_shapes.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- the table ---- */

#define ARGS           cni_metric_args
#define NAME(default_) CNI_FIELD(name, "name", CNI_NULLABLE, default_, 0, 0, "the name under which it is logged")
#define DTYPE          CNI_ONLY("dtype", "float32", 0)
#define LOGITS         CNI_FIELD(from_logits, "from_logits", 0, "False", 0, 0, "predictions are logits, not probabilities")
#define SMOOTHING                                                                                                      \
    CNI_FIELD(label_smoothing, "label_smoothing", CNI_WHOLE, "0", 0, 1, "share of each label that is spread")
#define AXIS                     CNI_FIELD(axis, "axis", 0, "-1", 0, 0, "the axis of the classes")
#define TOP                      CNI_FIELD(k, "k", 0, "5", 1, 1e9, "how many of the highest scores count")
#define THRESHOLDS(flags, help_) CNI_FIELD(thresholds, "thresholds", CNI_NULLABLE | (flags), "None", 0, 0, help_)

#define PLAIN(var, default_)     static const cni_field var[] = {NAME("'" default_ "'"), DTYPE}
PLAIN(accuracy_fields, "accuracy");
PLAIN(categorical_fields, "categorical_accuracy");
PLAIN(sparse_fields, "sparse_categorical_accuracy");
PLAIN(squared_fields, "mean_squared_error");
PLAIN(root_fields, "root_mean_squared_error");
PLAIN(absolute_fields, "mean_absolute_error");
PLAIN(percentage_fields, "mean_absolute_percentage_error");
PLAIN(logarithmic_fields, "mean_squared_logarithmic_error");
static const cni_field binary_fields[] = {NAME("'binary_accuracy'"), DTYPE,
                                          CNI_FIELD(threshold, "threshold", 0, "0.5", 0, 0, "above it is a yes")};
static const cni_field top_fields[] = {TOP, NAME("'top_k_categorical_accuracy'"), DTYPE};
static const cni_field sparse_top_fields[] = {TOP, NAME("'sparse_top_k_categorical_accuracy'"), DTYPE,
                                              CNI_ONLY("from_sorted_ids", "False", CNI_READ_ONLY)};
static const cni_field binary_loss_fields[] = {NAME("'binary_crossentropy'"), DTYPE, LOGITS, SMOOTHING};
static const cni_field categorical_loss_fields[] = {NAME("'categorical_crossentropy'"), DTYPE, LOGITS, SMOOTHING, AXIS};
static const cni_field sparse_loss_fields[] = {
    NAME("'sparse_categorical_crossentropy'"), DTYPE, LOGITS,
    CNI_FIELD(ignore_class, "ignore_class", CNI_NULLABLE, "None", 0, 0, "samples with this label do not count"), AXIS};
static const cni_field ratio_fields[] = {
    THRESHOLDS(0, "above it is a yes; 0.5, or none with top_k"),
    CNI_FIELD(top_k, "top_k", CNI_NULLABLE, "None", 1, 1e9, "only so many of the highest scores are a yes"),
    CNI_FIELD(class_id, "class_id", CNI_NULLABLE, "None", 0, 1e9, "look at this class only"), NAME("None"), DTYPE};
static const cni_field area_fields[] = {
    CNI_FIELD(num_thresholds, "num_thresholds", 0, "200", 0, 0, "points of the curve"),
    CNI_FIELD(curve, "curve", 0, "'ROC'", 0, 0, "ROC, PR or PRGAIN"),
    CNI_FIELD(summation_method, "summation_method", 0, "'interpolation'", 0, 0, "interpolation, minoring or majoring"),
    NAME("None"),
    DTYPE,
    THRESHOLDS(CNI_SHOWN_LIST | CNI_UNWRITTEN, "points of the curve, from 0 to 1"),
    CNI_FIELD(multi_label, "multi_label", 0, "False", 0, 0, "the mean of an area for each label"),
    CNI_FIELD(num_labels, "num_labels", CNI_NULLABLE, "None", 1, 1e9, "how many labels there are"),
    CNI_ONLY("label_weights", "None", 0),
    LOGITS};

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ROW(var, class_, aliases_, rows, name_, direction_, targets_, help_, ...)                                      \
    static const cni_metric_kind var = {.kind = {.name = class_,                                                       \
                                                 .aliases = aliases_,                                                  \
                                                 .args_size = sizeof(cni_metric_args),                                 \
                                                 CNI_FIELDS(rows),                                                     \
                                                 .help = help_,                                                        \
                                                 .example = name_},                                                    \
                                        .name = name_,                                                                 \
                                        .direction = direction_,                                                       \
                                        .targets = targets_,                                                           \
                                        __VA_ARGS__}
#define MEAN(f) .counting = &cni_mean_metric, .sample = f
#define LOSS(f) MEAN(cni_sample_loss), .loss = f

/* The name alone, in any case, means the accuracy that fits the shapes; an object means equality. */
ROW(accuracy, "Accuracy", NAMES("acc"), accuracy_fields, "accuracy", 1, CNI_REPEATS_TARGETS,
    "share of predictions that are right, as the shapes of the targets say", .kind.any_case = true,
    MEAN(cni_sample_equal));
ROW(binary, "BinaryAccuracy", NAMES("binary_accuracy"), binary_fields, "binary_accuracy", 1, CNI_REPEATS_TARGETS,
    "share of right answers to yes-or-no questions", MEAN(cni_sample_binary));
ROW(categorical, "CategoricalAccuracy", NAMES("categorical_accuracy"), categorical_fields, "categorical_accuracy", 1,
    CNI_CLASS_TARGETS, "share of rows whose highest score is that of the one-hot class", MEAN(cni_sample_categorical));
ROW(sparse, "SparseCategoricalAccuracy", NAMES("sparse_categorical_accuracy"), sparse_fields,
    "sparse_categorical_accuracy", 1, CNI_NUMBER_TARGETS,
    "share of rows whose highest score is that of the class number", MEAN(cni_sample_sparse));
ROW(top_k, "TopKCategoricalAccuracy", NAMES("top_k_categorical_accuracy"), top_fields, "top_k_categorical_accuracy", 1,
    CNI_CLASS_TARGETS, "share of rows whose one-hot class is among the k highest scores", MEAN(cni_sample_top_k));
ROW(sparse_top_k, "SparseTopKCategoricalAccuracy", NAMES("sparse_top_k_categorical_accuracy"), sparse_top_fields,
    "sparse_top_k_categorical_accuracy", 1, CNI_NUMBER_TARGETS,
    "share of rows whose class number is among the k highest scores", MEAN(cni_sample_sparse_top_k));
ROW(precision, "Precision", NAMES("precision"), ratio_fields, "precision", 1, CNI_SAME_TARGETS,
    "share of the yeses that are right", .counting = &cni_ratio_metric, .kind.check = cni_check_ratio);
ROW(recall, "Recall", NAMES("recall"), ratio_fields, "recall", 1, CNI_SAME_TARGETS, "share of the right that are yeses",
    .counting = &cni_ratio_metric, .kind.check = cni_check_ratio, .of_positives = true);
ROW(auc, "AUC", NAMES("auc"), area_fields, "auc", 1, CNI_SAME_TARGETS, "area under the ROC or precision-recall curve",
    .counting = &cni_area_metric, .kind.check = cni_check_area,
    .kind.order = "name dtype num_thresholds curve summation_method multi_label num_labels label_weights from_logits "
                  "thresholds");
ROW(squared, "MeanSquaredError", NAMES("mean_squared_error", "mse", "MSE"), squared_fields, "mean_squared_error", -1,
    CNI_REPEATS_TARGETS, "mean of the squared errors", LOSS(CNI_SQUARED_ERROR));
ROW(root, "RootMeanSquaredError", NAMES("root_mean_squared_error"), root_fields, "root_mean_squared_error", -1,
    CNI_REPEATS_TARGETS, "root of the mean of the squared errors", LOSS(CNI_SQUARED_ERROR), .root = true);
ROW(absolute, "MeanAbsoluteError", NAMES("mean_absolute_error", "mae", "MAE"), absolute_fields, "mean_absolute_error",
    -1, CNI_REPEATS_TARGETS, "mean of the absolute errors", LOSS(CNI_ABSOLUTE_ERROR));
ROW(percentage, "MeanAbsolutePercentageError", NAMES("mean_absolute_percentage_error", "mape", "MAPE"),
    percentage_fields, "mean_absolute_percentage_error", -1, CNI_REPEATS_TARGETS,
    "mean of the absolute errors in percent of the targets", MEAN(cni_sample_percentage));
ROW(logarithmic, "MeanSquaredLogarithmicError", NAMES("mean_squared_logarithmic_error", "msle", "MSLE"),
    logarithmic_fields, "mean_squared_logarithmic_error", -1, CNI_REPEATS_TARGETS,
    "mean of the squared differences of log(1 + x)", MEAN(cni_sample_logarithmic));
ROW(binary_loss, "BinaryCrossentropy", NAMES("binary_crossentropy", "bce", "BCE"), binary_loss_fields,
    "binary_crossentropy", -1, CNI_SAME_TARGETS, "crossentropy of yes and no", LOSS(CNI_BINARY_CROSSENTROPY));
ROW(categorical_loss, "CategoricalCrossentropy", NAMES("categorical_crossentropy"), categorical_loss_fields,
    "categorical_crossentropy", -1, CNI_SAME_TARGETS, "crossentropy of one-hot targets",
    LOSS(CNI_CATEGORICAL_CROSSENTROPY));
ROW(sparse_loss, "SparseCategoricalCrossentropy", NAMES("sparse_categorical_crossentropy"), sparse_loss_fields,
    "sparse_categorical_crossentropy", -1, CNI_NUMBER_TARGETS, "crossentropy of class numbers",
    LOSS(CNI_SPARSE_CROSSENTROPY));

static const cni_kind *const kinds[] = {&accuracy.kind,   &binary.kind,       &categorical.kind, &sparse.kind,
                                        &top_k.kind,      &sparse_top_k.kind, &precision.kind,   &recall.kind,
                                        &auc.kind,        &squared.kind,      &root.kind,        &absolute.kind,
                                        &percentage.kind, &logarithmic.kind,  &binary_loss.kind, &categorical_loss.kind,
                                        &sparse_loss.kind};

static const char *const absent[] = {"Mean",
                                     "Sum",
                                     "MeanMetricWrapper",
                                     "mean_metric_wrapper",
                                     "CosineSimilarity",
                                     "cosine_similarity",
                                     "LogCoshError",
                                     "log_cosh_error",
                                     "R2Score",
                                     "r2_score",
                                     "FalseNegatives",
                                     "false_negatives",
                                     "FalsePositives",
                                     "false_positives",
                                     "TrueNegatives",
                                     "true_negatives",
                                     "TruePositives",
                                     "true_positives",
                                     "PrecisionAtRecall",
                                     "precision_at_recall",
                                     "RecallAtPrecision",
                                     "recall_at_precision",
                                     "SensitivityAtSpecificity",
                                     "sensitivity_at_specificity",
                                     "SpecificityAtSensitivity",
                                     "specificity_at_sensitivity",
                                     "ConcordanceCorrelation",
                                     "concordance_correlation",
                                     "PearsonCorrelation",
                                     "pearson_correlation",
                                     "Hinge",
                                     "SquaredHinge",
                                     "squared_hinge",
                                     "CategoricalHinge",
                                     "categorical_hinge",
                                     "KLDivergence",
                                     "kl_divergence",
                                     "Poisson",
                                     "F1Score",
                                     "f1_score",
                                     "FBetaScore",
                                     "f_beta_score",
                                     "IoU",
                                     "io_u",
                                     "BinaryIoU",
                                     "binary_io_u",
                                     "MeanIoU",
                                     "mean_io_u",
                                     "OneHotIoU",
                                     "one_hot_io_u",
                                     "OneHotMeanIoU",
                                     "one_hot_mean_io_u",
                                     NULL};

const cni_family cni_metrics = {.absent = absent,
                                .what = "metric",
                                .module = "keras.metrics",
                                .kinds = kinds,
                                .count = sizeof kinds / sizeof *kinds};

/* ---- names ---- */

const char *cni_metric_name(const cni_object *object)
{
    const char *name = ((const cni_metric_args *)object->args)->name;
    if (object->by_name) return object->given;
    return name ? name : ((const cni_metric_kind *)object->kind)->name;
}

/* "output_accuracy_2" ends in "accuracy" as far as this goes. */
static bool ends_in(const char *name, size_t length, const char *end)
{
    const size_t size = strlen(end);
    if (size > length || strncasecmp(name + length - size, end, size) != 0) return false;
    return size == length || name[length - size - 1] == '_';
}

int cni_metric_direction(const char *name)
{
    size_t length = strlen(name), digits = length;
    while (digits > 0 && isdigit((unsigned char)name[digits - 1])) digits--;
    if (digits > 1 && digits < length && name[digits - 1] == '_') length = digits - 1;
    for (size_t i = 0; i < cni_metrics.count; i++) {
        const cni_metric_kind *kind = (const cni_metric_kind *)kinds[i];
        if (ends_in(name, length, kind->name) || ends_in(name, length, kind->kind.name)) return kind->direction;
        for (const char *const *alias = kind->kind.aliases; *alias; alias++)
            if (ends_in(name, length, *alias)) return kind->direction;
    }
    return 0;
}

/* ---- metrics ---- */

static bool shapes_fit(cni_metric *m)
{
    cni_shape *y = &m->y_true, *p = &m->y_pred;
    if (p->rank < 2) return false;
    if (m->kind->targets == CNI_NUMBER_TARGETS) return cni_labels_fit(y, p);
    if (m->kind->targets == CNI_CLASS_TARGETS) {
        cni_shape rows = *y;
        if (rows.rank == p->rank) rows.dims[rows.rank - 1] = p->dims[p->rank - 1];
        return cni_targets_fit(&rows, p, false);
    }
    cni_adjust_ranks(y, p);
    if (cni_targets_fit(y, p, false)) return true;
    /* one number for all of a sample */
    return m->kind->targets == CNI_REPEATS_TARGETS && cni_targets_fit(y, p, true) &&
           (cni_shape_count(y, 1) == 1 || cni_shape_count(p, 1) == 1);
}

static cn_status set_sizes(cni_metric *m, cni_error *error)
{
    static const char *const expected[] = {
        [CNI_SAME_TARGETS] = "the same shape",
        [CNI_REPEATS_TARGETS] = "the same shape",
        [CNI_CLASS_TARGETS] = "rows of classes, one for each row of predictions",
        [CNI_NUMBER_TARGETS] = "class numbers, one for each row of predictions",
    };
    const cni_shape y = m->y_true, p = m->y_pred;
    if (!shapes_fit(m))
        return cni_fail(error, CN_ERR_SHAPE, "metric %s: targets of shape %s for predictions of shape %s; expected %s",
                        m->kind->name, CNI_SHOW_SHAPE(&y), CNI_SHOW_SHAPE(&p), expected[m->kind->targets]);
    m->true_size = (size_t)cni_shape_count(&m->y_true, 1);
    m->pred_size = (size_t)cni_shape_count(&m->y_pred, 1);
    m->classes = m->y_pred.rank > 1 ? (size_t)cni_last_dim(&m->y_pred) : 1;
    m->labels = m->y_true.rank > 1 ? (size_t)cni_last_dim(&m->y_true) : 1;
    m->rows = m->pred_size / m->classes;
    return CN_OK;
}

static cn_status allocate(cni_metric *m, cni_error *error)
{
    if (!m->buckets) return CN_OK;
    m->positives = calloc(m->buckets * m->columns, sizeof(double));
    m->negatives = calloc(m->buckets * m->columns, sizeof(double));
    m->all = calloc(2 * m->columns, sizeof(double));
    return m->positives && m->negatives && m->all ? CN_OK : cni_no_memory(error, "a metric");
}

static const cni_metric_kind *kind_of(const cni_object *object, const cni_shape *y_true, const cni_shape *y_pred)
{
    static const cni_metric_kind *const by_style[] = {
        [CNI_BINARY_TARGETS] = &binary, [CNI_SPARSE_TARGETS] = &sparse, [CNI_CATEGORICAL_TARGETS] = &categorical};
    if (object->kind != &accuracy.kind || !object->by_name) return (const cni_metric_kind *)object->kind;
    return by_style[cni_style_of(y_true, y_pred)];
}

/* Members that the kind has no argument for. */
static void complete(cni_metric_args *args, const cni_object *object)
{
    if (!cni_object_member(object, "axis")) args->axis = -1;
    if (!cni_object_member(object, "ignore_class")) args->ignore_class = CNI_NONE_INT;
    if (!cni_object_member(object, "threshold")) args->threshold = 0.5;
}

cn_status cni_metric_new(const cni_object *object, const cni_shape *y_true, const cni_shape *y_pred, double epsilon,
                         cni_metric **metric, cni_error *error)
{
    cni_metric *m = calloc(1, sizeof *m);
    if (!m) return cni_no_memory(error, "a metric");
    m->kind = kind_of(object, y_true, y_pred);
    m->args = *(const cni_metric_args *)object->args;
    complete(&m->args, object);
    m->epsilon = epsilon;
    m->y_true = *y_true;
    m->y_pred = *y_pred;
    cn_status status = set_sizes(m, error);
    if (!status && m->kind->counting->prepare) status = m->kind->counting->prepare(m, error);
    if (!status) status = allocate(m, error);
    if (status)
        cni_metric_free(m);
    else
        *metric = m;
    return status;
}

void cni_metric_free(cni_metric *metric)
{
    if (!metric) return;
    free(metric->positives);
    free(metric->negatives);
    free(metric->all);
    free(metric->thresholds);
    free(metric);
}

void cni_metric_reset(cni_metric *metric)
{
    const size_t bytes = metric->buckets * metric->columns * sizeof(double);
    metric->total = metric->count = 0;
    if (!bytes) return;
    memset(metric->positives, 0, bytes);
    memset(metric->negatives, 0, bytes);
    memset(metric->all, 0, 2 * metric->columns * sizeof(double));
}

void cni_metric_update(cni_metric *metric, const float *y_true, const float *y_pred, const float *weights, size_t n)
{
    for (size_t i = 0; i < n; i++)
        metric->kind->counting->update(metric, y_true + i * metric->true_size, y_pred + i * metric->pred_size,
                                       weights ? weights + i : NULL);
}

double cni_metric_result(const cni_metric *metric)
{
    return metric->kind->counting->result(metric);
}
