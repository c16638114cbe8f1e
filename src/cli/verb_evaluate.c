/* SPDX-License-Identifier: Apache-2.0
 * cornu evaluate: loss and metrics on data, and a report for classes. */
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/report.h"

#include <math.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    cli_settings common;
    const char *data, *weights, *labels, *scale;
    int batch_size;
    bool json, report, training_part;
} settings;

static const settings defaults = {.batch_size = 32};

#define SETTINGS settings
static const cli_option options[] = {
    CLI_OPTION(data, "data", 'd', "D", 0, 0, "fashion-mnist, mnist:DIR, cifar10:DIR, images:DIR or FILE.npz; required"),
    CLI_OPTION(batch_size, "batch-size", 'b', "B", 1, 1e7, "pictures computed at once (32)"),
    CLI_OPTION(report, "report", 0, NULL, 0, 0, "precision, recall and F1 of each class, and the confusion matrix"),
    CLI_OPTION(labels, "labels", 0, "FILE", 0, 0, "names of the classes, one a line; or fashion-mnist, cifar10, ..."),
    CLI_OPTION(training_part, "train", 0, NULL, 0, 0, "measure on x_train, y_train"),
    CLI_OPTION(scale, "scale", 0, "X", 0, 0, CLI_SCALE_HELP),
    CLI_OPTION(weights, "weights", 0, "FILE", 0, 0, "take the weights from a .weights.h5 (or .keras)"),
    CLI_OPTION(json, "json", 0, NULL, 0, 0, "Keras' return_dict=True, as JSON"),
};

/* ---- the numbers ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(**(const char *const *const *)a, **(const char *const *const *)b);
}

/* Keras' dictionary is in alphabetical order. */
static void print_logs_json(const cn_logs *logs)
{
    const char *const *order[256];
    const int count = logs->count < 256 ? logs->count : 256;
    for (int i = 0; i < count; i++) order[i] = &logs->names[i];
    qsort(order, (size_t)count, sizeof *order, by_name);
    for (int i = 0; i < count; i++) {
        if (i) fputs(", ", stdout);
        cli_json_text(stdout, *order[i]);
        fputs(": ", stdout);
        cli_json_real(stdout, logs->values[order[i] - logs->names]);
    }
}

static void print_logs(const cn_logs *logs)
{
    int width = 0;
    for (int i = 0; i < logs->count; i++)
        if ((int)strlen(logs->names[i]) > width) width = (int)strlen(logs->names[i]);
    for (int i = 0; i < logs->count; i++)
        printf("%-*s  %.6g\n", width, logs->names[i], isnan(logs->values[i]) ? (double)NAN : logs->values[i]);
}

/* Keras gives nan and is silent: what it comes from is worth a line. */
static void tell_not_finite(const settings *s, const cn_logs *logs, const cn_data *data)
{
    const double loss = cn_logs_get(logs, "loss");
    const int64_t size = cli_row_size(&data->x), count = cn_data_rows(data) * size;
    if (isfinite(loss)) return;
    for (int64_t i = 0; data->x.data && i < count; i++) {
        const double value = cn_array_value(&data->x, i);
        if (isfinite(value)) continue;
        cli_say(&s->common, "the loss is %s: the data hold %s in row %" PRId64, isnan(loss) ? "NaN" : "infinite",
                isnan(value) ? "NaN" : "infinity", i / size);
        return;
    }
    cli_say(&s->common, "the loss is %s, though the data are finite", isnan(loss) ? "NaN" : "infinite");
}

/* ---- the report ---- */

static bool make_report(const settings *s, cn_model *model, const cn_data *data, const cn_dataset *names,
                        cli_report *report)
{
    const char *why;
    cn_predict_args args = {.struct_size = sizeof args, .x = data->x, .batch_size = s->batch_size};
    memcpy(args.inputs, data->inputs, sizeof args.inputs);
    const cn_array *predicted = cn_model_predict(model, &args);
    *report = (cli_report){0};
    if (!predicted)
        cli_fail_model(model);
    else if (!cli_report_make(report, &data->y, predicted, names ? cn_dataset_class_count(names) : 0, &why))
        cli_fail(CN_ERR_INVALID, why);
    else
        return true;
    cli_report_free(report);
    return false;
}

static int print(const settings *s, cn_model *model, const cn_logs *logs, const cn_data *data, const cn_dataset *names)
{
    cli_report report;
    if (s->json) putchar('{');
    if (s->json)
        print_logs_json(logs);
    else
        print_logs(logs);
    if (s->report) {
        if (!make_report(s, model, data, names, &report)) return CLI_FAILED;
        if (s->json) fputs(", \"report\": ", stdout);
        if (s->json)
            cli_report_json(&report, names);
        else
            cli_report_print(&report, names);
        cli_report_free(&report);
    }
    if (s->json) puts("}");
    return CLI_DONE;
}

/* ---- the work ---- */

static const cn_data *choose_part(const settings *s, const cn_dataset *data)
{
    const cn_data *train = cn_dataset_train(data), *test = cn_dataset_test(data);
    if (s->training_part && !train) cli_fail(CN_ERR_INVALID, "--train: the data have no x_train, y_train");
    if (s->training_part) return train;
    if (!test) cli_say(&s->common, "the data have no part for testing; measured on all of them");
    return test ? test : train;
}

static const cn_logs *measure(const settings *s, cn_model *model, const cn_data *data)
{
    cli_progress progress;
    cn_evaluate_args args = {.struct_size = sizeof args,
                             .x = data->x,
                             .y = data->y,
                             .batch_size = s->batch_size,
                             .progress = cli_progress_write,
                             .progress_user = &progress};
    memcpy(args.inputs, data->inputs, sizeof args.inputs);
    memcpy(args.targets, data->targets, sizeof args.targets);
    cli_progress_init(&progress, s->common.quiet);
    const cn_logs *logs = cn_model_evaluate(model, &args);
    cli_progress_end(&progress);
    return logs;
}

static int evaluate(const settings *s, cn_model *model, cn_dataset *data, const cn_dataset *names)
{
    const char *chosen, *error;
    const cn_data *part = choose_part(s, data);
    cn_data suited;
    if (!part) return CLI_FAILED;
    if (!s->scale && cli_takes_raw_pixels(model, &part->x)) cli_say(&s->common, CLI_RAW_PIXELS);
    if (cn_compile_for(model, part, NULL, &chosen)) return cli_fail_model(model);
    if (chosen) cli_say(&s->common, "the model was never compiled; chosen for it: %s", chosen);
    const cn_status status = cn_dataset_suit(data, model, part, &suited, &error);
    if (status) return cli_fail(status, error);
    const cn_logs *logs = measure(s, model, &suited);
    if (logs) tell_not_finite(s, logs, &suited);
    return logs ? print(s, model, logs, part, names ? names : data) : cli_fail_model(model);
}

static int run(const void *given)
{
    const settings *s = given;
    const char *error = NULL;
    cn_dataset *names = NULL, *data = NULL;
    double scale;
    if (!s->data) return cli_misuse(&cli_evaluate, "--data is missing: what to measure on");
    if (!cli_read_scale(&cli_evaluate, s->scale, &scale)) return CLI_USED_WRONGLY;
    if (!cli_prepare(&s->common, -1)) return CLI_FAILED;
    const cn_status status = s->labels ? cn_dataset_load_labels(s->labels, &names, &error) : CN_OK;
    if (status) return cli_fail(status, error);
    cn_model *model = cli_load_trained(&s->common, s->weights);
    if (model) data = cli_load_data(&s->common, s->data, model, scale);
    const bool named = !data || !names || cli_check_names(s->labels, names, model);
    const int done = data && named ? evaluate(s, model, data, names) : CLI_FAILED;
    cn_dataset_free(names);
    cn_dataset_free(data);
    cn_model_free(model);
    return done;
}

const cli_verb cli_evaluate = {
    .name = "evaluate",
    .arguments = "MODEL --data D",
    .summary = "Measures loss and metrics of a model on data",
    .details = "Measured is on x_test, y_test where the data have such, else on all.\n"
               "\n"
               "Examples:\n"
               "  cornu evaluate fashion.keras --data fashion-mnist --report\n"
               "  cornu evaluate fashion.keras --data fashion-mnist --json\n",
    CLI_OPTIONS(options),
    .defaults = &defaults,
    .settings_size = sizeof(settings),
    .convolves = true,
    .least = 1,
    .most = 1,
    .run = run,
};
