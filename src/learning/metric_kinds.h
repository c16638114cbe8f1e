/* SPDX-License-Identifier: Apache-2.0
 * What sets one metric apart from the others. */
#ifndef CNI_METRIC_KINDS_H
#define CNI_METRIC_KINDS_H

#include "kernels/learning/learning.h"
#include "learning/metrics.h"

/** The arguments of all kinds; each kind's table names its own. */
typedef struct cni_metric_args {
    const char *name;
    double threshold;
    int k;
    bool from_logits;
    double label_smoothing;
    int ignore_class, axis;
    double thresholds[16];
    int top_k, class_id;
    int num_thresholds, num_labels;
    const char *curve, *summation_method;
    bool multi_label;
} cni_metric_args;

typedef enum cni_metric_targets {
    CNI_SAME_TARGETS,    /* the predictions' shape */
    CNI_REPEATS_TARGETS, /* that, or one target for all predictions of a sample, or the other way round */
    CNI_CLASS_TARGETS,   /* one-hot or scores, as many rows as predictions */
    CNI_NUMBER_TARGETS   /* class numbers */
} cni_metric_targets;

/** How a metric is counted. */
typedef struct cni_metric_class {
    cn_status (*prepare)(cni_metric *metric, cni_error *error);                                        /* or NULL */
    void (*update)(cni_metric *metric, const float *y_true, const float *y_pred, const float *weight); /* one sample */
    double (*result)(const cni_metric *metric);
} cni_metric_class;

typedef struct cni_metric_kind {
    cni_kind kind;
    const char *name;
    int direction; /* +1: more is better */
    const cni_metric_class *counting;
    cni_metric_targets targets;
    double (*sample)(const cni_metric *metric, const float *y_true, const float *y_pred); /* of means: one sample */
    cni_loss_function loss;                                                               /* of means of losses */
    bool root;                                                                            /* of the mean */
    bool of_positives; /* of confusions: divide by the real positives (recall), not by the predicted ones */
} cni_metric_kind;

struct cni_metric {
    const cni_metric_kind *kind;
    cni_metric_args args;
    double epsilon;
    cni_shape y_true, y_pred;     /* once ranks are adjusted */
    size_t true_size, pred_size;  /* elements of a sample */
    size_t rows, classes, labels; /* rows of classes in a sample; their lengths in predictions and targets */
    cni_learning_kernels kernels;
    cni_loss_spec spec;
    double total, count;
    /* confusions: by threshold and label, the weights of samples whose prediction passes this threshold and no higher
     */
    size_t buckets, columns;
    double *positives, *negatives; /* buckets * columns each */
    double *all;                   /* columns * 2: all real positives, all real negatives */
    float *thresholds;             /* NULL: evenly spread */
};

extern const cni_metric_class cni_mean_metric, cni_ratio_metric, cni_area_metric;

/** Samples of means. */
double cni_sample_equal(const cni_metric *m, const float *y_true, const float *y_pred);
double cni_sample_binary(const cni_metric *m, const float *y_true, const float *y_pred);
double cni_sample_categorical(const cni_metric *m, const float *y_true, const float *y_pred);
double cni_sample_sparse(const cni_metric *m, const float *y_true, const float *y_pred);
double cni_sample_top_k(const cni_metric *m, const float *y_true, const float *y_pred);
double cni_sample_sparse_top_k(const cni_metric *m, const float *y_true, const float *y_pred);
double cni_sample_percentage(const cni_metric *m, const float *y_true, const float *y_pred);
double cni_sample_logarithmic(const cni_metric *m, const float *y_true, const float *y_pred);
double cni_sample_loss(const cni_metric *m, const float *y_true, const float *y_pred);

/** Rules of confusions' arguments. */
cn_status cni_check_ratio(void *args, cni_error *error);
cn_status cni_check_area(void *args, cni_error *error);

#endif
