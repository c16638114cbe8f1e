/* SPDX-License-Identifier: Apache-2.0
 * Metrics that are means over samples: accuracies, errors, losses. */
#include "learning/metric_kinds.h"

#include <math.h>

/* Element i of targets or predictions, where one may stand for all. */
static double element(const float *values, size_t size, size_t i)
{
    return (double)values[size == 1 ? 0 : i];
}

static size_t elements(const cni_metric *m)
{
    return m->true_size > m->pred_size ? m->true_size : m->pred_size;
}

static size_t largest(const float *values, size_t count)
{
    size_t at = 0;
    for (size_t i = 1; i < count; i++)
        if (values[i] > values[at] || (isnan(values[i]) && !isnan(values[at]))) at = i;
    return at;
}

double cni_sample_equal(const cni_metric *m, const float *y_true, const float *y_pred)
{
    size_t matches = 0;
    for (size_t i = 0; i < elements(m); i++)
        matches += element(y_true, m->true_size, i) == element(y_pred, m->pred_size, i);
    return (double)matches / (double)elements(m);
}

double cni_sample_binary(const cni_metric *m, const float *y_true, const float *y_pred)
{
    const float threshold = (float)m->args.threshold;
    size_t matches = 0;
    for (size_t i = 0; i < elements(m); i++)
        matches += element(y_true, m->true_size, i) == (element(y_pred, m->pred_size, i) > (double)threshold);
    return (double)matches / (double)elements(m);
}

double cni_sample_categorical(const cni_metric *m, const float *y_true, const float *y_pred)
{
    size_t matches = 0;
    for (size_t r = 0; r < m->rows; r++)
        matches += largest(y_true + r * m->labels, m->labels) == largest(y_pred + r * m->classes, m->classes);
    return (double)matches / (double)m->rows;
}

double cni_sample_sparse(const cni_metric *m, const float *y_true, const float *y_pred)
{
    size_t matches = 0;
    for (size_t r = 0; r < m->rows; r++) matches += y_true[r] == (float)largest(y_pred + r * m->classes, m->classes);
    return (double)matches / (double)m->rows;
}

/* Whether fewer than k scores are larger than that of the class; a class that is not there scores nothing, and negative
 * numbers count from the end, as in an array of Python. */
static bool in_top_k(const cni_metric *m, const float *scores, int64_t class)
{
    const int64_t classes = (int64_t)m->classes;
    if (class < 0) class += classes;
    float score = class < 0 || class >= classes ? NAN : scores[class];
    if (isnan(score)) score = -INFINITY;
    int larger = 0;
    for (size_t i = 0; i < m->classes; i++) larger += scores[i] > score;
    return larger < m->args.k;
}

double cni_sample_top_k(const cni_metric *m, const float *y_true, const float *y_pred)
{
    size_t matches = 0;
    for (size_t r = 0; r < m->rows; r++)
        matches += in_top_k(m, y_pred + r * m->classes, (int64_t)largest(y_true + r * m->labels, m->labels));
    return (double)matches / (double)m->rows;
}

double cni_sample_sparse_top_k(const cni_metric *m, const float *y_true, const float *y_pred)
{
    size_t matches = 0;
    for (size_t r = 0; r < m->rows; r++)
        if (fabsf(y_true[r]) < 1e9F) matches += in_top_k(m, y_pred + r * m->classes, (int64_t)y_true[r]);
    return (double)matches / (double)m->rows;
}

double cni_sample_percentage(const cni_metric *m, const float *y_true, const float *y_pred)
{
    double sum = 0;
    for (size_t i = 0; i < elements(m); i++) {
        const double y = element(y_true, m->true_size, i), p = element(y_pred, m->pred_size, i);
        sum += fabs((y - p) / fmax(fabs(y), m->epsilon));
    }
    return 100 * sum / (double)elements(m);
}

double cni_sample_logarithmic(const cni_metric *m, const float *y_true, const float *y_pred)
{
    double sum = 0;
    for (size_t i = 0; i < elements(m); i++) {
        const double y = element(y_true, m->true_size, i), p = element(y_pred, m->pred_size, i);
        const double difference = log(fmax(p, m->epsilon) + 1) - log(fmax(y, m->epsilon) + 1);
        sum += difference * difference;
    }
    return sum / (double)elements(m);
}

/* The kernels that train compute the losses, row by row. */
double cni_sample_loss(const cni_metric *m, const float *y_true, const float *y_pred)
{
    const bool numbers = m->kind->targets == CNI_NUMBER_TARGETS, repeats = m->true_size != m->pred_size && !numbers;
    const size_t rows = repeats ? elements(m) : m->rows, width = repeats ? 1 : m->classes;
    const cni_loss_rows one = {.rows = 1, .count = width, .pitch = width, .step = 1};
    double sum = 0;
    for (size_t r = 0; r < rows; r++) {
        const size_t y = numbers ? r : repeats && m->true_size == 1 ? 0 : r * width;
        float value;
        m->kernels.loss(&m->spec, &one, y_true + y, y_pred + (repeats && m->pred_size == 1 ? 0 : r * width), &value);
        sum += (double)value;
    }
    return sum / (double)rows;
}

/* ---- counting ---- */

static cn_status prepare(cni_metric *m, cni_error *error)
{
    const cni_metric_args *a = &m->args;
    const bool binary = m->kind->loss == CNI_BINARY_CROSSENTROPY;
    if (m->kind->sample != cni_sample_loss) return CN_OK;
    if (a->axis != -1 && a->axis != m->y_pred.rank - 1)
        return cni_fail(error, CN_ERR_UNSUPPORTED, "metric %s: axis=%d for predictions of shape %s; expected -1",
                        m->kind->name, a->axis, CNI_SHOW_SHAPE(&m->y_pred));
    cni_learning_portable(&m->kernels);
    m->spec = (cni_loss_spec){
        .function = m->kind->loss,
        .from_logits = a->from_logits,
        .ignores = a->ignore_class != CNI_NONE_INT,
        .ignored = a->ignore_class,
        .smoothing_keep = 1 - a->label_smoothing,
        .smoothing_add = binary ? 0.5 * a->label_smoothing : a->label_smoothing / (double)m->labels,
        .epsilon = m->epsilon,
    };
    return CN_OK;
}

/* Keras leaves ignored samples out of the weights, but counts them where there are no weights. */
static void update(cni_metric *m, const float *y_true, const float *y_pred, const float *weight)
{
    const bool ignored = m->spec.ignores && m->rows == 1 && (double)y_true[0] == m->spec.ignored;
    const double w = !weight ? 1 : ignored ? 0 : (double)*weight;
    m->total += w * m->kind->sample(m, y_true, y_pred);
    m->count += w;
}

static double result(const cni_metric *m)
{
    const double mean = m->count == 0 ? 0 : m->total / m->count;
    return m->kind->root ? sqrt(mean) : mean;
}

const cni_metric_class cni_mean_metric = {.prepare = prepare, .update = update, .result = result};
