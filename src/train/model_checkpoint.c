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
    double best;
} watch;

static cn_status train_begin(cni_callback *callback)
{
    const ARGS *args = callback->args;
    watch *w = callback->state;
    w->best = args->initial_value_threshold;
    return args->save_best_only ? cni_callback_direction(callback, args->monitor, args->mode, &w->direction) : CN_OK;
}

/* A field of Python's format: {epoch:02d}, {val_loss:.2f}, {batch}.  Only digits, a point and d or f may follow. */
static bool format_value(cni_text *out, const char *spec, size_t length, double value, bool integer)
{
    char format[16];
    if (length > 8 || strspn(spec, "0123456789.df") < length) return false;
    char type = length && (spec[length - 1] == 'd' || spec[length - 1] == 'f') ? spec[length - 1] : 0;
    int digits = (int)length - (type != 0);
    if (integer && type != 'f') {
        snprintf(format, sizeof format, "%%%.*s" PRId64, digits, spec);
        char text[64];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof text, format, (int64_t)value);
        cni_text_add(out, text);
        return true;
    }
    char text[400], shortest[32];
    snprintf(format, sizeof format, "%%%.*sf", digits, spec);
    if (length) snprintf(text, sizeof text, format, value);
#pragma GCC diagnostic pop
    cni_text_add(out, length ? text : cni_show_real(value, shortest));
    return true;
}

static cn_status format_path(const cni_callback *callback, int epoch, int64_t batch, const cn_logs *logs, cni_text *out)
{
    const ARGS *args = callback->args;
    for (const char *p = args->filepath; *p;) {
        const char *close = *p == '{' ? strchr(p, '}') : NULL;
        if (!close) {
            cni_text_char(out, *p++);
            continue;
        }
        char name[80];
        size_t length = strcspn(p + 1, ":}");
        const char *spec = p + 1 + length + (p[1 + length] == ':');
        snprintf(name, sizeof name, "%.*s", (int)length, p + 1);
        bool integer = strcmp(name, "epoch") == 0 || strcmp(name, "batch") == 0;
        double value = strcmp(name, "epoch") == 0   ? epoch + 1
                       : strcmp(name, "batch") == 0 ? (double)batch
                                                    : cn_logs_get(logs, name);
        if (isnan(value) || !format_value(out, spec, (size_t)(close - spec), value, integer))
            return cni_fail(callback->fit->error, CN_ERR_INVALID, "ModelCheckpoint: filepath=%s: {%s} is not known",
                            args->filepath, name);
        p = close + 1;
    }
    return out->failed ? cni_no_memory(callback->fit->error, "a file's name") : CN_OK;
}

static cn_status save(cni_callback *callback, int epoch, int64_t batch, const cn_logs *logs)
{
    const ARGS *args = callback->args;
    watch *w = callback->state;
    if (args->save_best_only) {
        double value = cn_logs_get(logs, args->monitor);
        if (isnan(value))
            cni_fit_say(callback->fit, "ModelCheckpoint: \"%s\" is not among the logs: saving", args->monitor);
        else if (!isnan(w->best) && !(w->direction > 0 ? value > w->best : value < w->best))
            return CN_OK;
        else
            w->best = value;
    }
    cni_text path = {0};
    cn_status status = format_path(callback, epoch, batch, logs, &path);
    if (!status) status = cn_save(callback->fit->model, cni_text_get(&path));
    cni_text_free(&path);
    return status;
}

static cn_status batch_end(cni_callback *callback, int64_t batch, const cn_logs *logs)
{
    const ARGS *args = callback->args;
    watch *w = callback->state;
    if (args->save_freq == CNI_NONE_INT || ++w->batches % args->save_freq) return CN_OK;
    return save(callback, callback->fit->epoch, batch + 1, logs);
}

static cn_status epoch_end(cni_callback *callback, int epoch)
{
    const ARGS *args = callback->args;
    return args->save_freq == CNI_NONE_INT ? save(callback, epoch, 0, &callback->fit->logs) : CN_OK;
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
