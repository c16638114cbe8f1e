/* SPDX-License-Identifier: Apache-2.0
 * What the verbs share. */
#include "cli/command.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- messages ---- */

int cli_fail(cn_status status, const char *text)
{
    fprintf(stderr, "cornu: %s [%s]\n", text && *text ? text : "failed", cn_status_name(status));
    return CLI_FAILED;
}

int cli_fail_model(const cn_model *model)
{
    return cli_fail(cn_error_status(model), cn_error(model));
}

/* What was typed, or stands in a file, does not drive the terminal: bytes of a control character, C1 as UTF-8 too. */
static int control_bytes(const char *at)
{
    const unsigned char c = (unsigned char)*at, next = c ? (unsigned char)at[1] : 0;
    return c == 0xc2 && next >= 0x80 && next < 0xa0 ? 2 : c < 0x20 || c == 0x7f;
}

int cli_misuse(const cli_verb *verb, const char *format, ...)
{
    char message[600];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    for (char *at = message; *at; at++) memset(at, '?', (size_t)control_bytes(at));
    fprintf(stderr, "cornu: %s: %s  (cornu %s --help)\n", verb->name, message, verb->name);
    return CLI_USED_WRONGLY;
}

void cli_say(const cli_settings *settings, const char *format, ...)
{
    if (settings->quiet) return;
    char message[2000];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    fputs("cornu: ", stderr);
    cli_print_text(stderr, message);
    fputc('\n', stderr);
}

/* ---- before the work ---- */

static bool is_direct(const cli_settings *settings)
{
    return settings->math && strcmp(settings->math, "direct") == 0;
}

static bool measures(const cli_settings *settings)
{
    return settings->plan && strcmp(settings->plan, "measure") == 0;
}

/* A file that is not there yet is begun by measuring. */
static cn_status prepare_plan(const cli_settings *settings, const char **error)
{
    const char *path = settings->plan_file;
    const cn_status status = cn_set_plan(NULL, measures(settings) ? CN_PLAN_MEASURE : CN_PLAN_ESTIMATE);
    if (status || !path) return status;
    if (measures(settings) && access(path, F_OK) != 0) return cn_plan_file_save(NULL, path, error);
    return cn_plan_file_load(NULL, path, error);
}

/* A file of another model, or measured with another batch, changes nothing and would not be missed. */
static void tell_unknown(const cli_settings *settings)
{
    int known;
    const int planned = cn_plan_convolutions(NULL, &known);
    if (known < planned)
        cli_say(settings,
                "%d of %d convolution%s in %s, which serves the network, batch and kind of run it was measured with; "
                "rules choose for the others",
                known, planned, planned == 1 ? " stands" : "s stand", settings->plan_file);
}

int cli_finish(const cli_settings *settings, int status)
{
    const char *error;
    if (settings->plan_file && status == CLI_DONE) tell_unknown(settings);
    if (!settings->plan_file || !measures(settings) || (status != CLI_DONE && status != CLI_INTERRUPTED)) return status;
    const cn_status failed = cn_plan_file_save(NULL, settings->plan_file, &error);
    return failed ? cli_fail(failed, error) : status;
}

int cli_check_plan(const cli_verb *verb, const cli_settings *settings)
{
    if (measures(settings) && settings->plan_file && strcmp(settings->plan_file, "-") == 0)
        return cli_misuse(verb, "--plan-file -: what is measured goes into a file; standard output has the results");
    if (is_direct(settings) && (measures(settings) || settings->plan_file))
        cli_say(settings, "--math direct leaves nothing to choose: %s",
                measures(settings) ? "nothing is measured" : "the plan file is not followed");
    return CLI_DONE;
}

bool cli_prepare(const cli_settings *settings, double seed)
{
    if (measures(settings) && settings->plan_file && !cli_can_replace(settings->plan_file)) return false;
    const char *error;
    cn_status status = cn_read_keras_json(NULL, NULL, &error);
    if (!status && settings->threads) status = cn_set_threads(NULL, settings->threads);
    if (!status && settings->math) status = cn_set_math(NULL, is_direct(settings) ? CN_MATH_DIRECT : CN_MATH_FAST);
    if (!status) status = prepare_plan(settings, &error);
    if (status) cli_fail(status, error ? error : "the number of threads or the way of computing was refused");
    if (seed >= 0) cn_set_random_seed((uint32_t)seed);
    return status == CN_OK;
}

cn_model *cli_load_model(const char *path, const char *weights, bool predict_only)
{
    const cn_load_options options = {.struct_size = sizeof options, .weights = weights, .predict_only = predict_only};
    const char *error;
    cn_model *model;
    const cn_status status = cn_load(path, &options, &model, &error);
    if (status) cli_fail(status, error);
    return model;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcasecmp(text + length - tail, end) == 0;
}

cn_model *cli_load_trained(const cli_settings *settings, const char *weights)
{
    const char *path = settings->arguments[0];
    cn_model *model = cli_load_model(path, weights, true);
    if (model && !weights && (ends_with(path, ".json") || ends_with(path, ".py") || strchr(path, '(')))
        cli_say(settings, "%s holds no weights: these are the initial ones (--weights takes a .weights.h5)", path);
    return model;
}

bool cli_read_scale(const cli_verb *verb, const char *text, double *scale)
{
    char *end;
    *scale = 0;
    if (!text) return true;
    double number = strtod(text, &end);
    if (end != text && *end == '/') {
        const char *below = end + 1;
        number /= strtod(below, &end);
        if (end == below) end = (char *)(uintptr_t)text;
    }
    if (end == text || *end || !isfinite(number) || number == 0) {
        cli_misuse(verb, "--scale %s: expected a number or a fraction, like 1/255", text);
        return false;
    }
    *scale = number;
    return true;
}

/* A model within the model is not looked into. */
static bool scales(const cn_model *model)
{
    static const char *const classes[] = {"Rescaling", "Normalization", "Sequential", "Functional"};
    bool first = true;
    for (int i = 0; i < cn_layer_count(model); i++) {
        const char *class = cn_layer_class(cn_layer_at(model, i));
        for (size_t j = 0; j < sizeof classes / sizeof *classes; j++)
            if (strcmp(class, classes[j]) == 0) return true;
        if (strcmp(class, "InputLayer") == 0) continue;
        if (first && strcmp(class, "BatchNormalization") == 0) return true;
        first = false;
    }
    return false;
}

bool cli_takes_raw_pixels(const cn_model *model, const cn_array *x)
{
    enum { LOOKED_AT = 100000 };
    if (!x->data || x->dtype != CN_UINT8 || x->rank < 3 || scales(model)) return false;
    int64_t count = 1;
    for (int i = 0; i < x->rank; i++) count *= x->shape[i];
    for (int64_t i = 0; i < count && i < LOOKED_AT; i++)
        if (((const uint8_t *)x->data)[i] > 1) return true;
    return false;
}

void cli_tell_scaled_twice(const cli_settings *settings, const cn_model *model, double scale)
{
    for (int i = 0; scale != 0 && scale != 1 && i < cn_layer_count(model); i++) {
        const cn_layer *layer = cn_layer_at(model, i);
        if (strcmp(cn_layer_class(layer), "Rescaling") != 0) continue;
        cli_say(settings, "the inputs are multiplied twice, by --scale and by the model's layer %s",
                cn_layer_name(layer));
        return;
    }
}

cn_dataset *cli_load_data(const cli_settings *settings, const char *spec, const cn_model *model, double scale)
{
    const cn_dataset_options options = {.struct_size = sizeof options, .model = model, .scale = scale};
    cli_tell_scaled_twice(settings, model, scale);
    const char *error;
    cn_dataset *data;
    const cn_status status = cn_dataset_load(spec, &options, &data, &error);
    if (status)
        cli_fail(status, error);
    else if (*cn_dataset_note(data))
        cli_say(settings, "%s", cn_dataset_note(data));
    return data;
}

bool cli_check_names(const char *spec, const cn_dataset *names, const cn_model *model)
{
    char text[300];
    int64_t classes = 0;
    const int count = cn_dataset_class_count(names);
    for (int i = 0; i < cn_output_count(model); i++) {
        int64_t shape[CN_MAX_RANK] = {0};
        const int rank = cn_output_shape(model, i, shape);
        const int64_t own = rank != 2 || shape[1] < 1 ? count : shape[1] == 1 ? 2 : shape[1];
        if (own == count) return true;
        if (!i) classes = own;
    }
    if (!classes) return true;
    snprintf(text, sizeof text, "--labels: %.200s has %d name%s, the model %" PRId64 " classes", spec, count,
             count == 1 ? "" : "s", classes);
    cli_fail(CN_ERR_SHAPE, text);
    return false;
}

void cli_existing_folder(const char *path, char folder[4096])
{
    struct stat info;
    snprintf(folder, 4096, "%s", path);
    for (char *slash; (slash = strrchr(folder, '/'));) {
        slash[slash == folder] = '\0';
        if (slash == folder || lstat(folder, &info) == 0 || errno != ENOENT) return;
    }
    snprintf(folder, 4096, ".");
}

bool cli_can_write(const char *path)
{
    char folder[4096], text[8400] = "";
    struct stat info;
    if (!path || !*path || strcmp(path, "-") == 0) return true;
    cli_existing_folder(path, folder);
    if (path[strlen(path) - 1] == '/' || (stat(path, &info) == 0 && S_ISDIR(info.st_mode)))
        snprintf(text, sizeof text, "%s: is a folder; the name of a file is expected", path);
    else if (stat(folder, &info))
        snprintf(text, sizeof text, "%s: cannot look into the folder %s: %m", path, folder);
    else if (!S_ISDIR(info.st_mode))
        snprintf(text, sizeof text, "%s: %s is a file, not a folder", path, folder);
    else if (access(folder, W_OK | X_OK))
        snprintf(text, sizeof text, "%s: cannot write into the folder %s: %m", path, folder);
    else if (lstat(path, &info) && errno != ENOENT)
        snprintf(text, sizeof text, "%s: cannot write: %m", path);
    if (*text) cli_fail(CN_ERR_IO, text);
    return !*text;
}

/* In a folder like /tmp only the owner of a file, or of the folder, may put another in its place. */
static bool is_of_others(const char *folder, const struct stat *file)
{
    struct stat info;
    const uid_t own = geteuid();
    return own && stat(folder, &info) == 0 && (info.st_mode & S_ISVTX) && info.st_uid != own && file->st_uid != own;
}

bool cli_can_replace(const char *path)
{
    char folder[4096], text[4200];
    struct stat info;
    const char *why = NULL;
    if (!cli_can_write(path)) return false;
    if (!path || strcmp(path, "-") == 0 || lstat(path, &info)) return true;
    cli_existing_folder(path, folder);
    if (!S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode))
        why = "is not a regular file";
    else if (is_of_others(folder, &info))
        why = "belongs to somebody else, and its folder lets nobody else replace it";
    if (!why) return true;
    snprintf(text, sizeof text, "%s: %s", path, why);
    cli_fail(CN_ERR_IO, text);
    return false;
}

bool cli_are_sizes(const char *text)
{
    for (const char *at = text; at && *at;) {
        const size_t digits = strspn(at, "0123456789");
        if (!digits || strspn(at, "0") == digits || (at[digits] && !strchr("x,", at[digits]))) return false;
        at += digits;
        if (*at && !*++at) return false;
    }
    return !text || *text;
}

/* ---- output ---- */

void cli_json_text(FILE *to, const char *text)
{
    fputc('"', to);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c == '"' || *c == '\\')
            fprintf(to, "\\%c", *c);
        else if (*c < 0x20 || *c == 0x7f)
            fprintf(to, "\\u%04x", *c);
        else
            fputc(*c, to);
    fputc('"', to);
}

void cli_json_real(FILE *to, double value)
{
    char text[32];
    if (isnan(value))
        fputs("NaN", to);
    else if (isinf(value))
        fputs(value < 0 ? "-Infinity" : "Infinity", to);
    else {
        for (int digits = 15; digits <= 17; digits++) {
            snprintf(text, sizeof text, "%.*g", digits, value);
            if (strtod(text, NULL) == value) break;
        }
        fputs(text, to);
        if (!strpbrk(text, ".e")) fputs(".0", to);
    }
}

void cli_print_text(FILE *to, const char *text)
{
    while (*text) {
        const int size = control_bytes(text);
        fputc(size ? '?' : *text, to);
        text += size ? size : 1;
    }
}

int cli_columns(void)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_col < 40) return 80;
    return size.ws_col;
}

int64_t cli_row_size(const cn_array *array)
{
    int64_t size = 1;
    for (int i = 1; i < array->rank; i++) size *= array->shape[i];
    return size;
}
