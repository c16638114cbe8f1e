/* SPDX-License-Identifier: Apache-2.0
 * ModelCheckpoint: saves the model while it trains. */
#include "train/callback.h"

#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

static cn_status check(void *data, cni_error *error)
{
    const cn_model_checkpoint_args *args = data;
    if (args->save_weights_only && !ends_with(args->filepath, ".weights.h5"))
        return cni_fail(error, CN_ERR_INVALID, "filepath=%s must end in .weights.h5 with save_weights_only",
                        args->filepath);
    if (!args->save_weights_only && !ends_with(args->filepath, ".keras"))
        return cni_fail(error, CN_ERR_INVALID, "filepath=%s must end in .keras", args->filepath);
    return CN_OK;
}

#define ARGS cn_model_checkpoint_args
static const char *const modes[] = {"auto", "min", "max", NULL};
static const cni_field fields[] = {
    CNI_FIELD(filepath, "filepath", CNI_REQUIRED, NULL, 0, 0, "file to write; {epoch}, {batch} and logs are filled in"),
    CNI_FIELD(monitor, "monitor", 0, "'val_loss'", 0, 0, "the value that is watched"),
    CNI_FIELD(save_best_only, "save_best_only", 0, "False", 0, 0, "save only when the value has improved"),
    CNI_FIELD(save_weights_only, "save_weights_only", 0, "False", 0, 0, "save a .weights.h5 instead of the model"),
    CNI_CHOICE(mode, "mode", modes, "'auto'", "whether smaller or larger is better"),
    CNI_FIELD(save_freq, "save_freq", CNI_NULLABLE, "None", 1, 1e9, "batches between saves; None: every epoch"),
    CNI_FIELD(initial_value_threshold, "initial_value_threshold", CNI_NULLABLE, "None", 0, 0, "value to beat first"),
};

typedef struct watch {
    int direction;
    int64_t batches;
    bool any; /* there is a value to beat */
    double best;
} watch;

static cn_status cannot_fill(const cni_callback *callback, const char *name)
{
    const ARGS *args = callback->args;
    const bool lacks = strncmp(name, "val_", 4) == 0 && !callback->fit->validates;
    return cni_fail(callback->fit->error, CN_ERR_INVALID,
                    "ModelCheckpoint: filepath=%s: cannot fill in {%.*s}%s; known are {epoch}, {batch} with save_freq, "
                    "and the logs (%s), with formats such as {epoch:02d} and {loss:.3f}",
                    args->filepath, (int)strcspn(name, "}"), name, lacks ? ": there are no validation data" : "",
                    cni_fit_log_names(callback->fit));
}

/* A name that cannot be filled in is told before the first epoch, not behind it. */
static cn_status check_fields(const cni_callback *callback)
{
    const ARGS *args = callback->args;
    for (const char *p = args->filepath; (p = strchr(p, '{')); p++) {
        char name[80];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(p + 1, ":}"), p + 1);
        const bool batch = args->save_freq != CNI_NONE_INT && strcmp(name, "batch") == 0;
        if (p[1] == '{')
            p++;
        else if (!batch && strcmp(name, "epoch") != 0 && !cni_fit_may_log(callback->fit, name))
            return cannot_fill(callback, p + 1);
    }
    return CN_OK;
}

static cn_status train_begin(cni_callback *callback)
{
    const ARGS *args = callback->args;
    CN_TRY(check_fields(callback));
    watch *w = callback->state;
    w->best = args->initial_value_threshold;
    w->any = !isnan(w->best);
    return args->save_best_only ? cni_callback_direction(callback, args->monitor, args->mode, &w->direction) : CN_OK;
}

/* What follows the colon in a field of Python's format: [0][width][.precision][d|e|f|g].  Python and C agree on these,
 * but for a precision without a letter. */
typedef struct format_spec {
    bool zero;
    int width, precision; /* -1: none */
    char type;            /* 0: none */
} format_spec;

static int read_digits(const char **at, const char *end)
{
    int number = 0;
    if (*at == end || **at < '0' || **at > '9') return -1;
    for (; *at < end && **at >= '0' && **at <= '9'; ++*at) number = number < 1000 ? 10 * number + (**at - '0') : number;
    return number < 1000 ? number : 999;
}

static bool read_spec(const char *at, const char *end, bool whole, format_spec *spec)
{
    *spec = (format_spec){.zero = at < end && *at == '0'};
    spec->width = read_digits(&at, end);
    spec->precision = -1;
    if (at < end && *at == '.') {
        at++;
        spec->precision = read_digits(&at, end);
        if (spec->precision < 0 || spec->precision > 99) return false;
    }
    if (at < end && strchr("defgEFG", *at)) spec->type = *at++;
    if (spec->type == 'd' || !spec->type) return at == end && spec->precision < 0 && (whole || !spec->type);
    return at == end;
}

static void add_padded(cni_text *out, const char *text, const format_spec *spec)
{
    const size_t length = strlen(text), sign = *text == '-';
    const size_t fill = spec->width > (int)length ? (size_t)spec->width - length : 0;
    if (spec->zero && sign) cni_text_char(out, '-');
    for (size_t i = 0; i < fill; i++) cni_text_char(out, spec->zero ? '0' : ' ');
    cni_text_add(out, text + (spec->zero ? sign : 0));
}

static bool format_value(cni_text *out, const char *spec_text, size_t length, double value, bool whole)
{
    format_spec spec;
    char text[500], format[] = "%.*f";
    if (!read_spec(spec_text, spec_text + length, whole, &spec)) return false;
    if (whole && (!spec.type || spec.type == 'd'))
        snprintf(text, sizeof text, "%" PRId64, (int64_t)value);
    else if (!spec.type)
        cni_show_real(value, text);
    else {
        format[3] = spec.type;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof text, format, spec.precision < 0 ? 6 : spec.precision,
                 isnan(value) ? (double)NAN : value); /* never "-nan" */
#pragma GCC diagnostic pop
    }
    add_padded(out, text, &spec);
    return true;
}

typedef struct moment {
    int epoch;
    int64_t batch; /* from 1; 0: at the end of an epoch */
    const cn_logs *logs;
} moment;

static const double *logged(const cn_logs *logs, const char *name)
{
    for (int i = 0; i < logs->count; i++)
        if (strcmp(logs->names[i], name) == 0) return logs->values + i;
    return NULL;
}

/* {name} or {name:spec}, from the brace on; answers where it ends, or NULL. */
static const char *format_field(const char *p, const moment *now, cni_text *out)
{
    const char *close = strchr(p, '}');
    char name[80];
    if (!close) return NULL;
    const size_t length = strcspn(p + 1, ":}");
    const char *spec = p + 1 + length + (p[1 + length] == ':');
    snprintf(name, sizeof name, "%.*s", (int)length, p + 1);
    const bool epoch = strcmp(name, "epoch") == 0, batch = strcmp(name, "batch") == 0 && now->batch;
    const double *value = epoch || batch ? NULL : logged(now->logs, name);
    if (!epoch && !batch && !value) return NULL;
    const double number = epoch ? now->epoch + 1 : batch ? (double)now->batch : *value;
    return format_value(out, spec, (size_t)(close - spec), number, !value) ? close + 1 : NULL;
}

static cn_status format_path(const cni_callback *callback, const moment *now, cni_text *out)
{
    const ARGS *args = callback->args;
    for (const char *p = args->filepath; *p;) {
        if ((*p == '{' || *p == '}') && p[1] == *p) {
            cni_text_char(out, *p);
            p += 2;
        } else if (*p == '{') {
            const char *next = format_field(p, now, out);
            if (!next) return cannot_fill(callback, p + 1);
            p = next;
        } else
            cni_text_char(out, *p++);
    }
    return out->failed ? cni_no_memory(callback->fit->error, "a file's name") : CN_OK;
}

static cn_status write_file(cni_callback *callback, const moment *now)
{
    cni_text path = {0};
    cn_status status = format_path(callback, now, &path);
    if (!status) status = cn_save(callback->fit->model, cni_text_get(&path));
    cni_text_free(&path);
    return status;
}

static cn_status save(cni_callback *callback, const moment *now)
{
    const ARGS *args = callback->args;
    watch *w = callback->state;
    const double *value = logged(now->logs, args->monitor);
    if (args->save_best_only && !value)
        cni_fit_say(callback->fit, "ModelCheckpoint: \"%s\" is not among the logs: saving", args->monitor);
    if (args->save_best_only && value) {
        if (w->any && !cni_callback_better(w->direction, 0, *value, w->best)) return CN_OK;
        w->any = true;
        w->best = *value;
    }
    return write_file(callback, now);
}

static cn_status batch_end(cni_callback *callback, int64_t batch, const cn_logs *logs)
{
    const ARGS *args = callback->args;
    watch *w = callback->state;
    if (args->save_freq == CNI_NONE_INT || ++w->batches % args->save_freq) return CN_OK;
    return save(callback, &(moment){callback->fit->epoch, batch + 1, logs});
}

static cn_status epoch_end(cni_callback *callback, int epoch)
{
    const ARGS *args = callback->args;
    return args->save_freq == CNI_NONE_INT ? save(callback, &(moment){epoch, 0, &callback->fit->logs}) : CN_OK;
}

const cni_callback_kind cni_model_checkpoint = {
    .kind = {.name = "ModelCheckpoint",
             .args_size = sizeof(ARGS),
             CNI_FIELDS(fields),
             .check = check,
             .help = "saves the model while it trains",
             .keras = "ModelCheckpoint('best.keras', save_best_only=True)",
             .example = "cn_model_checkpoint(\"best.keras\", .save_best_only = true)"},
    .state_size = sizeof(watch),
    .train_begin = train_begin,
    .batch_end = batch_end,
    .epoch_end = epoch_end,
};
