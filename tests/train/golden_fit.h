/* SPDX-License-Identifier: Apache-2.0
 * Training as the golden files describe it: arguments of fit from JSON, histories held against Keras'. */
#ifndef CORNU_TEST_GOLDEN_FIT_H
#define CORNU_TEST_GOLDEN_FIT_H

#include "golden_models.h"
#include "model/compile.h"

/* What the arguments of one fit point to. */
typedef struct golden_fit {
    cn_fit_args args;
    double table[16]; /* of LearningRateScheduler */
    char csv[64];     /* where CSVLogger logs to; "" without one */
    bool unsupported; /* asks for what the C interface has not */
    union {
        cn_early_stopping_args early;
        cn_reduce_lr_on_plateau_args plateau;
        cn_learning_rate_scheduler_args schedule;
        cn_csv_logger_args csv;
    } callbacks[4];
} golden_fit;

static inline double golden_table_rate(void *user, int epoch, double learning_rate)
{
    (void)learning_rate;
    return ((const double *)user)[epoch];
}

/* A real argument; 0 that is not the default is told apart by CN_ZERO. */
static inline double golden_real(const cni_value *c, const char *key)
{
    const cni_value *value = cni_value_get(c, key);
    return !value ? 0 : value->real == 0 ? CN_ZERO : value->real;
}

static inline int golden_int(const cni_value *c, const char *key)
{
    const cni_value *value = cni_value_get(c, key);
    return value ? (int)value->integer : 0;
}

/* The same where 0 is not the default. */
static inline int golden_whole(const cni_value *c, const char *key)
{
    return cni_value_get(c, key) && !golden_int(c, key) ? CN_ZERO_INT : golden_int(c, key);
}

static inline const cn_callback_args *golden_callback(golden_fit *fit, int index, const cni_value *callback)
{
    const char *name = golden_text(callback, "name");
    const cni_value *given = cni_value_get(callback, "arguments");
    if (strcmp(name, "EarlyStopping") == 0) {
        fit->callbacks[index].early = (cn_early_stopping_args){
            .head = {sizeof(cn_early_stopping_args), name},
            .monitor = golden_text(given, "monitor"),
            .min_delta = golden_real(given, "min_delta"),
            .patience = golden_whole(given, "patience"),
            .mode = golden_text(given, "mode"),
            .baseline = golden_real(given, "baseline"),
            .restore_best_weights = golden_true(given, "restore_best_weights"),
            .start_from_epoch = golden_int(given, "start_from_epoch"),
        };
    } else if (strcmp(name, "ReduceLROnPlateau") == 0) {
        fit->callbacks[index].plateau = (cn_reduce_lr_on_plateau_args){
            .head = {sizeof(cn_reduce_lr_on_plateau_args), name},
            .monitor = golden_text(given, "monitor"),
            .factor = golden_real(given, "factor"),
            .patience = golden_whole(given, "patience"),
            .mode = golden_text(given, "mode"),
            .min_delta = golden_real(given, "min_delta"),
            .cooldown = golden_int(given, "cooldown"),
            .min_lr = golden_real(given, "min_lr"),
        };
    } else if (strcmp(name, "LearningRateScheduler") == 0) {
        const cni_value *table = cni_value_get(given, "table");
        for (size_t i = 0; i < golden_count(table) && i < 16; i++) fit->table[i] = table->items[i]->real;
        fit->callbacks[index].schedule = (cn_learning_rate_scheduler_args){
            {sizeof(cn_learning_rate_scheduler_args), name}, golden_table_rate, fit->table};
    } else {
        assert_string_equal(name, "CSVLogger");
        snprintf(fit->csv, sizeof fit->csv, "/tmp/cornu-test-%ld.csv", (long)getpid());
        fit->callbacks[index].csv =
            (cn_csv_logger_args){.head = {sizeof(cn_csv_logger_args), name}, .filename = fit->csv};
    }
    return &fit->callbacks[index].early.head;
}

static inline int golden_arrays(golden *g, const cni_value *names, cn_array arrays[CN_MAX_ARRAYS])
{
    for (size_t i = 0; i < golden_count(names); i++)
        if (names->items[i]->type == CNI_TEXT) arrays[i] = golden_array(g, names->items[i]->text);
    return (int)golden_count(names);
}

/* One array of weights for all outputs is what the C interface takes. */
static inline cn_array golden_sample_weight(golden *g, golden_fit *fit, const cni_value *names)
{
    cn_array arrays[CN_MAX_ARRAYS] = {{0}};
    const int count = golden_arrays(g, names, arrays);
    for (int i = 1; i < count; i++) fit->unsupported |= strcmp(names->items[0]->text, names->items[i]->text) != 0;
    fit->unsupported |= count && golden_size(&arrays[0]) != (size_t)arrays[0].shape[0];
    return arrays[0];
}

static inline void golden_class_weights(golden_fit *fit, const cni_value *weights)
{
    for (size_t i = 0; i < golden_count(weights); i++)
        fit->args.class_weight[i] =
            (cn_class_weight){atoi(weights->keys[i]), weights->items[i]->real == 0 ? CN_ZERO : weights->items[i]->real};
}

/** `given`: arguments by Keras' names. */
static inline void golden_fit_arguments(golden_fit *fit, const cni_value *given)
{
    cn_fit_args *args = &fit->args;
    args->batch_size = golden_int(given, "batch_size");
    args->epochs = golden_whole(given, "epochs");
    args->initial_epoch = golden_int(given, "initial_epoch");
    args->validation_split = golden_real(given, "validation_split");
    args->validation_batch_size = golden_int(given, "validation_batch_size");
    args->validation_steps = golden_int(given, "validation_steps");
    args->steps_per_epoch = golden_int(given, "steps_per_epoch");
    const cni_value *frequency = cni_value_get(given, "validation_freq");
    fit->unsupported |= frequency && frequency->type == CNI_LIST;
    if (frequency) args->validation_freq = (int)frequency->integer;
    golden_class_weights(fit, cni_value_get(given, "class_weight"));
}

/** The fit of a case of train.json or files.json. */
static inline void golden_fit_open(golden *g, const cni_value *c, golden_fit *fit)
{
    const cni_value *validation = cni_value_get(c, "validation"), *callbacks = cni_value_get(c, "callbacks");
    memset(fit, 0, sizeof *fit);
    fit->args.struct_size = sizeof fit->args;
    fit->args.no_shuffle = true;
    golden_fit_arguments(fit, cni_value_get(c, "fit"));
    golden_arrays(g, cni_value_get(c, "x"), fit->args.inputs);
    golden_arrays(g, cni_value_get(c, "y"), fit->args.targets);
    fit->args.sample_weight = golden_sample_weight(g, fit, cni_value_get(c, "sample_weight"));
    if (validation) {
        golden_arrays(g, cni_value_get(validation, "x"), fit->args.validation.inputs);
        golden_arrays(g, cni_value_get(validation, "y"), fit->args.validation.targets);
        fit->args.validation.sample_weight = golden_sample_weight(g, fit, cni_value_get(validation, "sample_weight"));
    }
    for (size_t i = 0; i < golden_count(callbacks); i++)
        fit->args.callbacks[i] = golden_callback(fit, (int)i, callbacks->items[i]);
}

/* ---- what comes out ---- */

static inline void golden_compare_logs(golden *g, golden_tolerance t, const char *id, const char *what,
                                       const cn_logs *ours, const cni_value *theirs)
{
    if (!ours || ours->count != (int)theirs->count) {
        golden_fail(g, "%s: %s: %d values, Keras has %zu", id, what, ours ? ours->count : -1, theirs->count);
        return;
    }
    for (size_t i = 0; i < theirs->count; i++) {
        const double own = cn_logs_get(ours, theirs->keys[i]);
        const cni_value *value = theirs->items[i];
        if (value->type == CNI_LIST && value->count) value = value->items[0];
        if (!golden_close_to(t, own, golden_number(value)))
            golden_fail(g, "%s: %s: %s is %.9g, Keras has %.9g (tolerance %g relative, %g absolute)", id, what,
                        theirs->keys[i], own, golden_number(value), t.rtol, t.atol);
    }
}

static inline void golden_compare_history(golden *g, golden_tolerance t, const char *id, const cn_history *ours,
                                          const cni_value *theirs)
{
    if (cn_history_count(ours) != (int)theirs->count)
        golden_fail(g, "%s: history has %d names, Keras' has %zu", id, cn_history_count(ours), theirs->count);
    for (int i = 0; i < cn_history_count(ours) && i < (int)theirs->count; i++) {
        int count = 0;
        const double *own = cn_history_values(ours, i, &count);
        const cni_value *wanted = theirs->items[i];
        if (strcmp(cn_history_name(ours, i), theirs->keys[i]) != 0)
            golden_fail(g, "%s: history's name %d is %s, in Keras %s", id, i, cn_history_name(ours, i),
                        theirs->keys[i]);
        if (count != (int)wanted->count)
            golden_fail(g, "%s: %d values of %s, Keras has %zu", id, count, theirs->keys[i], wanted->count);
        for (int k = 0; k < count && k < (int)wanted->count; k++) {
            const cni_value *value = wanted->items[k];
            if (value->type == CNI_LIST) continue; /* several thresholds in one metric */
            if (!golden_close_to(t, own[k], golden_number(value)))
                golden_fail(g, "%s: %s[%d] is %.9g, Keras has %.9g (tolerance %g relative, %g absolute)", id,
                            theirs->keys[i], k, own[k], golden_number(value), t.rtol, t.atol);
        }
    }
}

#endif
