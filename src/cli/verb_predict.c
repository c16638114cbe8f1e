/* SPDX-License-Identifier: Apache-2.0
 * cornu predict: pictures or arrays in, labels or arrays out. */
#include "cli/command.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <strings.h>

typedef struct settings {
    cli_settings common;
    const char *output, *weights, *labels, *scale;
    int batch_size, top;
    bool json, values;
} settings;

static const settings defaults = {.batch_size = 32};
enum { MOST_TOP = 100, SHOWN_VALUES = 10 };

#define SETTINGS settings
static const cli_option options[] = {
    CLI_OPTION(output, "output", 'o', "OUT", 0, 0,
               "write arrays instead: OUT.npy, or OUT.npz with output_0, output_1, ..."),
    CLI_OPTION(labels, "labels", 0, "FILE", 0, 0,
               "names of the classes, one a line; or fashion-mnist, cifar10, ...; else the model's own"),
    CLI_OPTION(top, "top", 0, "K", 1, MOST_TOP,
               "show the K most probable classes (1), of logits those with the largest"),
    CLI_OPTION(values, "values", 0, NULL, 0, 0, "show the numbers, not the class"),
    CLI_OPTION(scale, "scale", 0, "X", 0, 0, CLI_SCALE_HELP),
    CLI_OPTION(weights, "weights", 0, "FILE", 0, 0, "take the weights from a .weights.h5 (or .keras)"),
    CLI_OPTION(batch_size, "batch-size", 'b', "B", 1, 1e7, "pictures computed at once (32)"),
    CLI_OPTION(json, "json", 0, NULL, 0, 0, "a list with one object for each row"),
};

/* ---- what the output is ---- */

/* Probabilities of classes: rows of at least two values in 0 .. 1 whose sum is 1. */
static bool are_probabilities(const cn_array *out)
{
    const int64_t size = cli_row_size(out);
    const float *values = out->data;
    if (out->rank != 2 || size < 2) return false;
    for (int64_t row = 0; row < out->shape[0]; row++) {
        double sum = 0;
        for (int64_t i = 0; i < size; i++) {
            const double value = values[row * size + i];
            if (!(value >= 0 && value <= 1)) return false;
            sum += value;
        }
        if (fabs(sum - 1) > 1e-3) return false;
    }
    return true;
}

/* ---- one row, one output ---- */

typedef struct printing {
    const settings *settings;
    const cn_model *model;
    const cn_dataset *inputs, *names; /* names: NULL when the model's own are to be shown */
} printing;

typedef enum ranking { NOT_RANKED, PROBABILITIES, OTHER_VALUES } ranking;

/* Who asks for classes gets them of logits too: the largest is the most probable one. */
static ranking ranking_of(const printing *p, const cn_array *out)
{
    const settings *s = p->settings;
    if (s->values) return NOT_RANKED;
    if (are_probabilities(out)) return PROBABILITIES;
    if (!s->top && !s->labels) return NOT_RANKED;
    const bool ranked = out->rank == 2 && cli_row_size(out) > 1;
    cli_say(&s->common, ranked ? "the output is no probabilities (logits, perhaps): the largest values come first"
                               : "the output is no row of classes: its values are shown");
    return ranked ? OTHER_VALUES : NOT_RANKED;
}

static const char *class_name(const printing *p, int64_t class, char buffer[24])
{
    const char *name = p->names ? cn_dataset_class_name(p->names, (int)class) : cn_label(p->model, (int)class);
    snprintf(buffer, 24, "%" PRId64, class);
    return name ? name : buffer;
}

/* The largest values, the first of equal ones first. */
static int top_classes(const float *values, int64_t size, int wanted, int64_t *best)
{
    int found = 0;
    for (; found < wanted && found < size; found++) {
        best[found] = -1;
        for (int64_t i = 0; i < size; i++) {
            bool taken = false;
            for (int k = 0; k < found; k++) taken |= best[k] == i;
            if (!taken && (best[found] < 0 || values[i] > values[best[found]])) best[found] = i;
        }
    }
    return found;
}

static void print_classes(const printing *p, const float *values, int64_t size, ranking how)
{
    char buffer[24];
    int64_t best[MOST_TOP];
    const int count = top_classes(values, size, p->settings->top ? p->settings->top : 1, best);
    const bool json = p->settings->json;
    if (json) fputs("[", stdout);
    for (int i = 0; i < count; i++) {
        if (i) fputs(", ", stdout);
        const char *name = class_name(p, best[i], buffer);
        if (json) {
            printf("{\"class\": %" PRId64 ", \"label\": ", best[i]);
            cli_json_text(stdout, name);
            fputs(how == PROBABILITIES ? ", \"probability\": " : ", \"value\": ", stdout);
            cli_json_real(stdout, values[best[i]]);
            fputs("}", stdout);
        } else {
            cli_print_text(stdout, name);
            printf(" %.4f", isnan(values[best[i]]) ? (double)NAN : (double)values[best[i]]);
        }
    }
    if (json) fputs("]", stdout);
}

static void print_values(const printing *p, const float *values, int64_t size)
{
    const bool json = p->settings->json;
    const int64_t shown = json || size <= SHOWN_VALUES ? size : SHOWN_VALUES;
    if (json) fputs("[", stdout);
    for (int64_t i = 0; i < shown; i++) {
        if (i) fputs(json ? ", " : " ", stdout);
        if (json)
            cli_json_real(stdout, values[i]);
        else
            printf("%.6g", isnan(values[i]) ? (double)NAN : (double)values[i]); /* never "-nan" */
    }
    if (json)
        fputs("]", stdout);
    else if (shown < size)
        printf(" ... (%" PRId64 " values; -o OUT.npy writes all)", size);
}

/* ---- all rows ---- */

static void print_row_name(const printing *p, int64_t row, bool only)
{
    const char *name = cn_dataset_row_name(p->inputs, row);
    if (p->settings->json) {
        fputs("{\"input\": ", stdout);
        if (name)
            cli_json_text(stdout, name);
        else
            printf("%" PRId64, row);
        return;
    }
    if (name)
        cli_print_text(stdout, name);
    else if (!only)
        printf("%" PRId64, row);
    if (name || !only) fputs(": ", stdout);
}

static void print_row(const printing *p, const cn_array *outputs, int count, int64_t row, const ranking *how)
{
    for (int i = 0; i < count; i++) {
        const int64_t size = cli_row_size(outputs + i);
        const float *values = (const float *)outputs[i].data + row * size;
        if (p->settings->json && count > 1)
            printf(", \"output_%d\": ", i);
        else if (p->settings->json)
            fputs(how[i] ? ", \"top\": " : ", \"values\": ", stdout);
        else if (i)
            fputs(" | ", stdout);
        if (how[i])
            print_classes(p, values, size, how[i]);
        else
            print_values(p, values, size);
    }
}

static void print_rows(const printing *p, const cn_array *outputs, int count)
{
    ranking how[CN_MAX_ARRAYS];
    const int64_t rows = outputs->shape[0];
    const bool json = p->settings->json;
    for (int i = 0; i < count; i++) how[i] = ranking_of(p, outputs + i);
    if (json) fputs("[", stdout);
    for (int64_t row = 0; row < rows; row++) {
        if (json && row) fputs(",\n ", stdout);
        print_row_name(p, row, rows == 1);
        print_row(p, outputs, count, row, how);
        fputs(json ? "}" : "\n", stdout);
    }
    if (json) puts("]");
}

/* ---- the work ---- */

static int check_output(const settings *s, const cn_model *model)
{
    if (!s->output) return CLI_DONE;
    const size_t length = strlen(s->output);
    const bool npz = length > 4 && strcasecmp(s->output + length - 4, ".npz") == 0;
    const bool npy = length > 4 && strcasecmp(s->output + length - 4, ".npy") == 0;
    if (!npz && !npy) return cli_misuse(&cli_predict, "-o %s: expected a name that ends in .npy or .npz", s->output);
    if (npy && cn_output_count(model) > 1)
        return cli_misuse(&cli_predict, "-o %s: the model has %d outputs; give the name of an .npz", s->output,
                          cn_output_count(model));
    return cli_can_replace(s->output) ? CLI_DONE : CLI_FAILED;
}

static int predict(const settings *s, cn_model *model, const cn_dataset *inputs, const cn_dataset *names)
{
    const char *error;
    const cn_data *data = cn_dataset_test(inputs);
    cn_predict_args args = {.struct_size = sizeof args, .x = data->x, .batch_size = s->batch_size};
    memcpy(args.inputs, data->inputs, sizeof args.inputs);
    const cn_array *outputs = cn_model_predict(model, &args);
    if (!outputs && s->common.count == 2) {
        char text[1200];
        snprintf(text, sizeof text, "%.300s: %s", s->common.arguments[1], cn_error(model));
        return cli_fail(cn_error_status(model), text);
    }
    if (!outputs) return cli_fail_model(model);
    if (!s->output) {
        print_rows(&(printing){s, model, inputs, names}, outputs, cn_output_count(model));
        return CLI_DONE;
    }
    const cn_status status = cn_arrays_save(s->output, cn_output_count(model), outputs, NULL, &error);
    return status ? cli_fail(status, error) : CLI_DONE;
}

static int load_and_predict(const settings *s, cn_model *model, const cn_dataset *names)
{
    cn_dataset_options how = {.struct_size = sizeof how, .model = model};
    const char *error;
    cn_dataset *inputs;
    if (!cli_read_scale(&cli_predict, s->scale, &how.scale)) return CLI_USED_WRONGLY;
    int done = check_output(s, model);
    if (!done && names && !cli_check_names(s->labels, names, model)) done = CLI_FAILED;
    if (done) return done;
    const cn_status status =
        cn_dataset_load_inputs(s->common.count - 1, s->common.arguments + 1, &how, &inputs, &error);
    if (status) return cli_fail(status, error);
    cli_tell_scaled_twice(&s->common, model, how.scale);
    if (*cn_dataset_note(inputs)) cli_say(&s->common, "%s", cn_dataset_note(inputs));
    const cn_data *rows = cn_dataset_test(inputs);
    if (rows && !s->scale && cli_takes_raw_pixels(model, &rows->x)) cli_say(&s->common, CLI_RAW_PIXELS);
    if (rows)
        done = predict(s, model, inputs, names);
    else
        done = cli_fail(CN_ERR_INVALID, "the inputs hold no rows");
    cn_dataset_free(inputs);
    return done;
}

static int run(const void *given)
{
    const settings *s = given;
    const char *error;
    cn_dataset *names = NULL;
    if (!cli_prepare(&s->common, -1)) return CLI_FAILED;
    const cn_status status = s->labels ? cn_dataset_load_labels(s->labels, &names, &error) : CN_OK;
    if (status) return cli_fail(status, error);
    cn_model *model = cli_load_trained(&s->common, s->weights);
    const int done = model ? load_and_predict(s, model, names) : CLI_FAILED;
    cn_dataset_free(names);
    cn_model_free(model);
    return done;
}

const cli_verb cli_predict = {
    .name = "predict",
    .arguments = "MODEL INPUT...",
    .summary = "Predicts for pictures (.png, .jpg) or arrays (.npy, .npz)",
    .details =
        "Pictures are brought to the model's size and colours, one row each.  Arrays: one .npy for each input of the\n"
        "model, or one .npz.  Without -o the most probable class of each row is shown, or the values.\n"
        "\n"
        "Examples:\n"
        "  cornu predict fashion.keras shoe.png --top 3\n"
        "  cornu predict model.keras x.npy -o y.npy\n",
    CLI_OPTIONS(options),
    .defaults = &defaults,
    .settings_size = sizeof(settings),
    .convolves = true,
    .least = 2,
    .most = -1,
    .run = run,
};
