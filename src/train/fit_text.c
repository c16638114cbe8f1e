/* SPDX-License-Identifier: Apache-2.0
 * What the model.fit(...) of a text says of a training: arguments of cn_fit out of the call that was read. */
#include "base/text.h"
#include "base/take.h"
#include "train/callback.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef struct reader {
    cn_model *model;
    const char *own;
    cn_fit_args *args;
    int callbacks;
    cni_error *error;
} reader;

typedef struct fit_row {
    const char *key;
    cn_status (*read)(reader *r, const struct fit_row *row,
                      const cni_value *value); /* NULL: says nothing that is taken */
    size_t offset;
    int least;
} fit_row;

/* ---- messages: "model.py:4:31: error I804: fit: ..." ---- */

static cn_status refuse(const reader *r, const cni_value *value, const char *id, const char *key, const char *why)
{
    char shown[65];
    if (!value->line)
        return cni_fail(r->error, CN_ERR_INVALID, "%s: error %s: fit: %s=%s: %s", r->model->source, id, key,
                        cni_value_show(value, shown, sizeof shown), why);
    return cni_fail(r->error, CN_ERR_INVALID, "%s:%u:%u: error %s: fit: %s=%s: %s", r->model->source, value->line,
                    value->column, id, key, cni_value_show(value, shown, sizeof shown), why);
}

/* What the reader of the text could not make out: a call whose name begins with '?'. */
static bool is_unknown(const cni_value *value)
{
    return value->type == CNI_CALL && value->text[0] == '?';
}

static cn_status refuse_unknown(const reader *r, const cni_value *value, const char *key)
{
    const cni_value written = {.type = CNI_TEXT, .text = value->text + 1, .line = value->line, .column = value->column};
    return refuse(r, &written, "I805", key, "is not known without running the text");
}

/* ---- values ---- */

static cn_status read_int(reader *r, const fit_row *row, const cni_value *value)
{
    if (value->type != CNI_INT || value->integer < row->least || value->integer > 1000000000)
        return refuse(r, value, "I804", row->key, row->least ? "an integer from 1 expected" : "an integer expected");
    *(int *)(void *)((char *)r->args + row->offset) = (int)value->integer;
    return CN_OK;
}

static cn_status read_split(reader *r, const fit_row *row, const cni_value *value)
{
    const bool number = value->type == CNI_INT || value->type == CNI_REAL;
    if (!number || !(value->real >= 0 && value->real < 1))
        return refuse(r, value, "I804", row->key, "a number from 0 to below 1 expected");
    r->args->validation_split = value->real;
    return CN_OK;
}

static cn_status read_shuffle(reader *r, const fit_row *row, const cni_value *value)
{
    const char *text = cni_value_as_text(value);
    if (text && strcmp(text, "batch") == 0)
        r->args->shuffle_batches = true;
    else if (value->type == CNI_BOOL)
        r->args->no_shuffle = !value->truth;
    else
        return refuse(r, value, "I804", row->key, "True, False or 'batch' expected");
    return CN_OK;
}

static cn_status read_class_weight(reader *r, const fit_row *row, const cni_value *value)
{
    const size_t room = sizeof r->args->class_weight / sizeof *r->args->class_weight - 1;
    if (value->type != CNI_DICT || value->count > room)
        return refuse(r, value, "I804", row->key, "a dict of at most 63 labels and their weights expected");
    for (size_t i = 0; i < value->count; i++) {
        const cni_value *weight = value->items[i];
        int64_t label;
        if (is_unknown(weight)) return refuse_unknown(r, weight, row->key);
        if (!value->keys[i] || !cni_read_int(value->keys[i], strlen(value->keys[i]), &label) || label != (int)label ||
            (weight->type != CNI_INT && weight->type != CNI_REAL))
            return refuse(r, value, "I804", row->key, "integers as labels and numbers as weights expected");
        r->args->class_weight[i] = (cn_class_weight){(int)label, weight->real == 0 ? CN_ZERO : weight->real};
    }
    return CN_OK;
}

/* ---- callbacks ---- */

/* Those that write files, or only tell: the program's own options are for that. */
static const char *const passed_over[] = {"ModelCheckpoint", "CSVLogger", "TensorBoard",  "BackupAndRestore",
                                          "ProgbarLogger",   "History",   "RemoteMonitor"};

static bool is_passed_over(const char *name)
{
    for (size_t i = 0; i < sizeof passed_over / sizeof *passed_over; i++) {
        const char *found = strstr(name, passed_over[i]);
        if (found && (found == name || found[-1] == '.' || found[-1] == '?')) return true;
    }
    return false;
}

static bool holds_unknown(const cni_value *value)
{
    bool unknown = is_unknown(value);
    for (size_t i = 0; i < value->count && !unknown; i++) unknown = holds_unknown(value->items[i]);
    return unknown;
}

static cn_status check_callback(reader *r, const cni_value *value)
{
    cni_arena arena = {0};
    cni_error error = {0};
    cni_object *object;
    const cni_maker maker = {.arena = &arena, .data_format = CN_CHANNELS_LAST, .error = &error};
    cn_status status = cni_object_make(&maker, &cni_callbacks, value, "callbacks", &object);
    const bool functions = !status && object && ((const cni_callback_kind *)object->kind)->has_pointers;
    cni_arena_free(&arena);
    if (status) return refuse(r, value, "I804", "callbacks", error.text);
    return functions ? refuse(r, value, "I805", "callbacks", "takes functions, which are not run") : CN_OK;
}

static cn_status add_callback(reader *r, const cni_value *value)
{
    char shown[2000];
    if (value->type == CNI_CALL && is_passed_over(value->text)) return CN_OK;
    if (holds_unknown(value))
        return is_unknown(value) ? refuse_unknown(r, value, "callbacks")
                                 : refuse(r, value, "I805", "callbacks", "holds what is not known");
    if (value->type == CNI_NULL) return CN_OK;
    CN_TRY(check_callback(r, value));
    cn_text_args *made = CNI_NEW(&r->model->arena, cn_text_args);
    if (!made) return cni_no_memory(r->error, "callbacks");
    made->head = (cn_callback_args){sizeof *made, ""};
    made->text = cni_arena_text(&r->model->arena, cni_value_show(value, shown, sizeof shown));
    if (!made->text) return cni_no_memory(r->error, "callbacks");
    if (r->callbacks == CN_MAX_ARRAYS - 1) return refuse(r, value, "I804", "callbacks", "too many of them");
    r->args->callbacks[r->callbacks++] = &made->head;
    return CN_OK;
}

static cn_status read_callbacks(reader *r, const fit_row *row, const cni_value *value)
{
    (void)row;
    if (value->type != CNI_LIST) return add_callback(r, value);
    for (size_t i = 0; i < value->count; i++) CN_TRY(add_callback(r, value->items[i]));
    return CN_OK;
}

/* ---- the call ---- */

#define MEMBER(name) #name, read_int, offsetof(cn_fit_args, name)

/* In Keras' order; the last ones are Keras 2's. */
static const fit_row rows[] = {
    {"x", NULL, 0, 0},
    {"y", NULL, 0, 0},
    {MEMBER(batch_size), 1},
    {MEMBER(epochs), 1},
    {"verbose", NULL, 0, 0},
    {"callbacks", read_callbacks, 0, 0},
    {"validation_split", read_split, 0, 0},
    {"validation_data", NULL, 0, 0},
    {"shuffle", read_shuffle, 0, 0},
    {"class_weight", read_class_weight, 0, 0},
    {"sample_weight", NULL, 0, 0},
    {MEMBER(initial_epoch), 0},
    {MEMBER(steps_per_epoch), 1},
    {MEMBER(validation_steps), 1},
    {MEMBER(validation_batch_size), 1},
    {MEMBER(validation_freq), 1},
    {"max_queue_size", NULL, 0, 0},
    {"workers", NULL, 0, 0},
    {"use_multiprocessing", NULL, 0, 0},
};
enum { ROWS = sizeof rows / sizeof *rows, POSITIONAL = 16 };

static const fit_row *find_row(const char *key)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].key, key) == 0) return rows + i;
    return NULL;
}

static cn_status refuse_key(const reader *r, const cni_value *value, const char *key)
{
    const char *names[ROWS];
    for (size_t i = 0; i < ROWS; i++) names[i] = rows[i].key;
    const char *nearest = cni_nearest(key, names, ROWS);
    char why[100];
    snprintf(why, sizeof why, "fit() has no such argument%s%s%s", nearest ? "; did you mean " : "",
             nearest ? nearest : "", nearest ? "?" : "");
    return refuse(r, value, "I803", key, why);
}

/* Whether a list of names with commas holds this one. */
static bool is_named(const char *names, const char *key)
{
    const size_t length = strlen(key);
    for (const char *at = names; at && *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',')) {
        while (*at == ' ') at++;
        if (strncmp(at, key, length) == 0 && strchr(", ", at[length])) return true;
    }
    return false;
}

static cn_status read_argument(reader *r, const char *key, size_t index, const cni_value *value)
{
    const fit_row *row = key ? find_row(key) : index < POSITIONAL ? rows + index : NULL;
    if (!row && key) return refuse_key(r, value, key);
    if (!row) return refuse(r, value, "I804", "argument", "fit() takes 16 of them");
    if (!row->read || value->type == CNI_NULL || is_named(r->own, row->key)) return CN_OK;
    return is_unknown(value) && row->read != read_callbacks ? refuse_unknown(r, value, row->key)
                                                            : row->read(r, row, value);
}

/* Keras' validation_data goes before validation_split. */
static bool has_validation_data(const cni_value *call)
{
    const cni_value *data = cni_value_get(call, "validation_data");
    for (size_t i = 0; i < call->count && !data; i++)
        if (!call->keys[i] && strcmp(rows[i < POSITIONAL ? i : 0].key, "validation_data") == 0) data = call->items[i];
    return data && data->type != CNI_NULL;
}

cn_status cn_fit_from_text(cn_model *model, const char *own, cn_fit_args *args)
{
    cn_fit_args made = {0};
    if (!model) return CN_ERR_MEMORY;
    if (!args) return CN_ERR_INVALID;
    cni_error_clear(&model->call_error);
    reader r = {.model = model, .own = own, .args = &made, .error = &model->call_error};
    const cni_value *call = model->fit;
    for (size_t i = 0; call && i < call->count; i++)
        CN_TRY(read_argument(&r, call->keys ? call->keys[i] : NULL, i, call->items[i]));
    if (call && has_validation_data(call)) made.validation_split = 0;
    const size_t size = args->struct_size < sizeof made ? args->struct_size : sizeof made;
    made.struct_size = args->struct_size;
    if (size >= sizeof made.struct_size) memcpy(args, &made, size);
    return CN_OK;
}

int cn_text_scaling_line(const cn_model *model)
{
    return model ? model->scaling_line : 0;
}
