/* SPDX-License-Identifier: Apache-2.0
 * Metrics that count right and wrong positives: precision, recall, and areas under curves of them.
 *
 * Every prediction falls into the bucket of the highest threshold that it passes.  What passes threshold t is then the
 * sum of the buckets from t on. */
#include "learning/metric_kinds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double ratio(double a, double b)
{
    return b == 0 ? 0 : a / b;
}

/* ---- precision and recall ---- */

static cn_status prepare_ratio(cni_metric *m, cni_error *error)
{
    const cni_metric_args *a = &m->args;
    if (a->top_k != CNI_NONE_INT && (size_t)a->top_k > m->classes)
        return cni_fail(error, CN_ERR_INVALID, "metric %s: top_k=%d for predictions of shape %s; expected at most %zu",
                        m->kind->name, a->top_k, CNI_SHOW_SHAPE(&m->y_pred), m->classes);
    if (a->class_id != CNI_NONE_INT && (size_t)a->class_id >= m->classes)
        return cni_fail(error, CN_ERR_INVALID, "metric %s: class_id=%d for predictions of shape %s; expected 0 to %zu",
                        m->kind->name, a->class_id, CNI_SHOW_SHAPE(&m->y_pred), m->classes - 1);
    m->buckets = 1;
    m->columns = 1;
    return CN_OK;
}

/* Of equal scores the first ones count as the larger. */
static bool among_top(const float *row, size_t count, size_t at, int k)
{
    int before = 0;
    for (size_t i = 0; i < count; i++) before += row[i] > row[at] || (row[i] == row[at] && i < at);
    return before < k;
}

static bool passes(const cni_metric *m, const float *row, size_t at)
{
    const cni_metric_args *a = &m->args;
    const bool limited = a->top_k != CNI_NONE_INT, given = cni_reals_count(a->thresholds) > 0;
    if (limited && !among_top(row, m->classes, at, a->top_k)) return false;
    return row[at] > (given ? (float)a->thresholds[0] : limited ? -1e10F : 0.5F);
}

static void update_ratio(cni_metric *m, const float *y_true, const float *y_pred, const float *weight)
{
    const int only = m->args.class_id;
    const double w = weight ? (double)*weight : 1;
    for (size_t i = 0; i < m->pred_size; i++) {
        const size_t at = i % m->classes;
        if (only != CNI_NONE_INT && at != (size_t)only) continue;
        const bool real = y_true[i] != 0, predicted = passes(m, y_pred + i - at, at);
        if (predicted) *(real ? m->positives : m->negatives) += w;
        m->all[real ? 0 : 1] += w;
    }
}

static double result_ratio(const cni_metric *m)
{
    return ratio(*m->positives, m->kind->of_positives ? m->all[0] : *m->positives + *m->negatives);
}

const cni_metric_class cni_ratio_metric = {.prepare = prepare_ratio, .update = update_ratio, .result = result_ratio};

cn_status cni_check_ratio(void *args, cni_error *error)
{
    const cni_metric_args *a = args;
    const int count = cni_reals_count(a->thresholds);
    if (count > 1)
        return cni_fail(error, CN_ERR_UNSUPPORTED,
                        "thresholds has %d entries; expected one: a log holds one number for each metric", count);
    if (count && !(a->thresholds[0] >= 0 && a->thresholds[0] <= 1))
        return cni_fail(error, CN_ERR_INVALID, "thresholds=%g; expected a number from 0 to 1", a->thresholds[0]);
    return CN_OK;
}

/* ---- areas ---- */

static int by_size(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Thresholds so even that Keras takes them for even are treated as such. */
static bool is_even(const float *thresholds, size_t count)
{
    for (size_t i = 1; i + 1 < count; i++) {
        const double even = (double)i / (double)(count - 1);
        if (!(fabs((double)thresholds[i] - even) <= 1e-7 + 1e-5 * even)) return false;
    }
    return true;
}

static cn_status prepare_area(cni_metric *m, cni_error *error)
{
    const cni_metric_args *a = &m->args;
    const size_t given = (size_t)cni_reals_count(a->thresholds);
    if (a->multi_label && m->y_pred.rank != 2)
        return cni_fail(error, CN_ERR_SHAPE, "metric auc: predictions of shape %s; multi_label wants two dimensions",
                        CNI_SHOW_SHAPE(&m->y_pred));
    if (a->multi_label && a->num_labels != CNI_NONE_INT && (size_t)a->num_labels != m->pred_size)
        return cni_fail(error, CN_ERR_SHAPE, "metric auc: num_labels=%d for predictions of shape %s; expected %zu",
                        a->num_labels, CNI_SHOW_SHAPE(&m->y_pred), m->pred_size);
    m->columns = a->multi_label ? m->pred_size : 1;
    m->buckets = (size_t)a->num_thresholds;
    if (!given) return CN_OK;
    m->thresholds = calloc(given + 2, sizeof *m->thresholds);
    if (!m->thresholds) return cni_no_memory(error, "a metric");
    for (size_t i = 0; i < given; i++) m->thresholds[i + 1] = (float)a->thresholds[i];
    qsort(m->thresholds + 1, given, sizeof *m->thresholds, by_size);
    m->thresholds[0] = (float)(0 - m->epsilon);
    m->thresholds[given + 1] = (float)(1 + m->epsilon);
    if (is_even(m->thresholds, given + 2)) {
        free(m->thresholds);
        m->thresholds = NULL;
    }
    return CN_OK;
}

/* -1: it passes none. */
static ptrdiff_t bucket_of(const cni_metric *m, float p)
{
    if (m->thresholds) {
        ptrdiff_t bucket = -1;
        for (size_t i = 0; i < m->buckets && p > m->thresholds[i]; i++) bucket++;
        return bucket;
    }
    const float clipped = p > 0 ? fminf(p, 1) : 0;
    const float bucket = ceilf(clipped * (float)(m->buckets - 1)) - 1;
    return bucket > 0 ? (ptrdiff_t)bucket : 0;
}

static void update_area(cni_metric *m, const float *y_true, const float *y_pred, const float *weight)
{
    const double w = weight ? (double)*weight : 1;
    for (size_t i = 0; i < m->pred_size; i++) {
        const size_t column = i % m->columns;
        const bool real = y_true[i] != 0;
        const float p = m->args.from_logits ? 1 / (1 + expf(-y_pred[i])) : y_pred[i];
        const ptrdiff_t bucket = bucket_of(m, p);
        m->all[column * 2 + !real] += w;
        if (bucket >= 0) (real ? m->positives : m->negatives)[(size_t)bucket * m->columns + column] += w;
    }
}

/* The four counts at one threshold. */
typedef struct counts {
    double tp, fp, tn, fn;
} counts;

typedef struct point {
    double x, y;
} point;

static point roc(const counts *c)
{
    return (point){ratio(c->fp, c->fp + c->tn), ratio(c->tp, c->tp + c->fn)};
}

static point precision_recall(const counts *c)
{
    return (point){ratio(c->tp, c->tp + c->fn), ratio(c->tp, c->tp + c->fp)};
}

static point gain(const counts *c)
{
    const double scale = ratio(c->tp + c->fn, c->tn + c->fp);
    if (c->tp == 0) return (point){0, 1};
    return (point){fmax(1 - scale * ratio(c->fn, c->tp), 0), 1 - scale * ratio(c->fp, c->tp)};
}

static const struct curve {
    const char *name, *other;
    point (*at)(const counts *);
} curves[] = {{"ROC", "roc", roc}, {"PR", "pr", precision_recall}, {"PRGAIN", "prgain", gain}};

static double middle(double a, double b)
{
    return (a + b) / 2;
}

static const struct summation {
    const char *name, *other;
    double (*height)(double, double);
} summations[] = {
    {"interpolation", "Interpolation", middle}, {"minoring", "Minoring", fmin}, {"majoring", "Majoring", fmax}};

/* Between two thresholds precision is taken to change as Davis & Goadrich (2006) say: true positives linearly with all
 * positives.  `a` is the lower threshold. */
static double davis_goadrich(const counts *a, const counts *b)
{
    const double tp = a->tp - b->tp, pa = a->tp + a->fp, pb = b->tp + b->fp;
    const double slope = ratio(tp, fmax(pa - pb, 0)), intercept = b->tp - slope * pb;
    const double safe = pa > 0 && pb > 0 ? pa / pb : 1;
    return ratio(slope * (tp + intercept * log(safe)), b->tp + b->fn);
}

static const struct curve *curve_of(const cni_metric_args *a)
{
    const struct curve *c = curves;
    while (strcmp(c->name, a->curve) != 0) c++;
    return c;
}

static const struct summation *summation_of(const cni_metric_args *a)
{
    const struct summation *s = summations;
    while (strcmp(s->name, a->summation_method) != 0) s++;
    return s;
}

static double column_area(const cni_metric *m, size_t column)
{
    const struct curve *curve = curve_of(&m->args);
    const struct summation *summation = summation_of(&m->args);
    const bool interpolates = curve->at == precision_recall && summation->height == middle;
    const double *all = m->all + column * 2;
    double area = 0;
    counts above = {.tn = all[1], .fn = all[0]};
    for (size_t i = m->buckets; i-- > 0;) {
        const double tp = above.tp + m->positives[i * m->columns + column];
        const double fp = above.fp + m->negatives[i * m->columns + column];
        const counts here = {tp, fp, all[1] - fp, all[0] - tp};
        const point a = curve->at(&here), b = curve->at(&above);
        if (i + 1 < m->buckets)
            area += interpolates ? davis_goadrich(&here, &above) : (a.x - b.x) * summation->height(a.y, b.y);
        above = here;
    }
    return area;
}

static double result_area(const cni_metric *m)
{
    double sum = 0;
    for (size_t column = 0; column < m->columns; column++) sum += column_area(m, column);
    return sum / (double)m->columns;
}

const cni_metric_class cni_area_metric = {.prepare = prepare_area, .update = update_area, .result = result_area};

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static bool put_curve(cni_metric_args *a)
{
    for (size_t i = 0; i < LENGTH(curves); i++)
        if (strcmp(a->curve, curves[i].name) == 0 || strcmp(a->curve, curves[i].other) == 0) {
            a->curve = curves[i].name;
            return true;
        }
    return false;
}

static bool put_summation(cni_metric_args *a)
{
    for (size_t i = 0; i < LENGTH(summations); i++)
        if (strcmp(a->summation_method, summations[i].name) == 0 ||
            strcmp(a->summation_method, summations[i].other) == 0) {
            a->summation_method = summations[i].name;
            return true;
        }
    return false;
}

cn_status cni_check_area(void *args, cni_error *error)
{
    cni_metric_args *a = args;
    const int given = cni_reals_count(a->thresholds);
    if (!put_curve(a)) return cni_fail(error, CN_ERR_INVALID, "curve='%s'; expected 'ROC', 'PR' or 'PRGAIN'", a->curve);
    if (!put_summation(a))
        return cni_fail(error, CN_ERR_INVALID,
                        "summation_method='%s'; expected 'interpolation', 'minoring' or 'majoring'",
                        a->summation_method);
    for (int i = 0; i < given; i++)
        if (!(a->thresholds[i] >= 0 && a->thresholds[i] <= 1))
            return cni_fail(error, CN_ERR_INVALID, "thresholds holds %g; expected numbers from 0 to 1",
                            a->thresholds[i]);
    if (given) a->num_thresholds = given + 2;
    if (a->num_thresholds <= 1)
        return cni_fail(error, CN_ERR_INVALID, "num_thresholds=%d; expected an integer above 1", a->num_thresholds);
    if (a->num_labels != CNI_NONE_INT && !a->multi_label)
        return cni_fail(error, CN_ERR_INVALID, "num_labels=%d goes with multi_label=True only", a->num_labels);
    return CN_OK;
}
