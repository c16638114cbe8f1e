/* SPDX-License-Identifier: Apache-2.0
 * .keras files. */
#include "formats/keras.h"

#include "formats/json.h"
#include "formats/plan_file.h"
#include "formats/weights_h5.h"
#include "formats/zip.h"
#include "model/config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* The members, wherever they come from. */
typedef struct members {
    cni_bytes config, weights, metadata; /* metadata: none when size is 0 */
} members;

enum { MAX_LABELS = 100000, MAX_LABEL_BYTES = 255, MAX_CHOICES = 10000 };

/* Names of classes, and how convolutions were computed in training, are Cornu's own additions to metadata.json:
 * whatever is there and is no such thing is passed over, as Keras passes over the whole of it. */
static cn_status read_labels(cn_model *model, const cni_value *value, cni_arena *arena, cni_error *error)
{
    const cni_value *labels = cni_value_get(value, "labels");
    if (!labels || labels->type != CNI_LIST || labels->count > MAX_LABELS) return CN_OK;
    const char **texts = CNI_NEW_ARRAY(arena, const char *, labels->count + 1);
    if (!texts) return cni_no_memory(error, "labels");
    for (size_t i = 0; i < labels->count; i++) {
        texts[i] = cni_value_as_text(labels->items[i]);
        if (!texts[i] || strlen(texts[i]) > MAX_LABEL_BYTES) return CN_OK;
    }
    return cn_set_labels(model, (int)labels->count, texts) ? cni_no_memory(error, "labels") : CN_OK;
}

static void read_choices(cn_model *model, const cni_value *plan)
{
    const cni_value *rows = cni_value_get(plan, "choices");
    const char *file = cni_value_as_text(cni_value_get(plan, "file"));
    const char *isa = cni_value_as_text(cni_value_get(plan, "instructions"));
    if (!rows || rows->type != CNI_LIST || rows->count > MAX_CHOICES || !isa) return;
    for (size_t i = 0; i < rows->count; i++) {
        cni_choice choice;
        cni_error ignored = {0};
        const char *row = cni_value_as_text(rows->items[i]);
        if (!row || cni_plan_row_read(row, strlen(row), "", &choice, &ignored)) continue;
        if (!cni_choices_put(&model->trained_ways, &choice)) return;
    }
    snprintf(model->trained_plan, sizeof model->trained_plan, "%s", file ? file : "");
    snprintf(model->trained_isa, sizeof model->trained_isa, "%s", isa);
}

static cn_status read_metadata(cn_model *model, cni_bytes metadata, cni_arena *arena, cni_error *error)
{
    cni_value *value = NULL;
    cni_error ignored = {0};
    if (!metadata.size || cni_json_read(arena, metadata, NULL, &value, &ignored)) return CN_OK;
    read_choices(model, cni_value_get(value, "plan"));
    return read_labels(model, value, arena, error);
}

bool cni_keras_2(cni_bytes metadata, cni_arena *arena, cni_error *error)
{
    cni_value *value = NULL;
    cni_error ignored = {0};
    if (!metadata.size || cni_json_read(arena, metadata, NULL, &value, &ignored)) return false;
    const char *version = cni_value_as_text(cni_value_get(value, "keras_version"));
    if (!version || strncmp(version, "2.", 2) != 0) return false;
    cni_error_clear(error);
    cni_fail(
        error, CN_ERR_UNSUPPORTED,
        "was saved by Keras %.20s, and Keras 3's files are read; load it with Keras 2 (tf_keras) and save it as .h5, "
        "which Keras 3 loads and saves as .keras",
        version);
    return true;
}

static cn_status build(const members *m, const cn_load_options *options, cni_arena *arena, cn_model **model,
                       cni_error *error)
{
    cni_value *value;
    cn_status status = cni_json_read(arena, m->config, NULL, &value, error);
    if (!status) status = cni_model_from_value(options->context, value, !options->no_compile, model, error);
    if (status) return cni_fail_in(error, "config.json");
    CN_TRY(read_metadata(*model, m->metadata, arena, error));
    status = (*model)->complete ? cni_weights_from_bytes(*model, m->weights, arena, error) : CN_OK;
    return status ? cni_fail_in(error, "model.weights.h5") : CN_OK;
}

cn_status cni_weights_from_bytes(cn_model *model, cni_bytes bytes, cni_arena *arena, cni_error *error)
{
    cni_h5 *file;
    CN_TRY(cni_h5_open(arena, bytes, NULL, &file, error));
    if (cni_arena_holds(arena, bytes.data)) cni_h5_consume(file);
    return cni_weights_read(model, cni_h5_root(file), arena, error);
}

static cn_status read_member(cni_arena *arena, const cni_zip *zip, const char *name, cni_bytes *out, cni_error *error)
{
    const cni_zip_member *member = cni_zip_find(zip, name);
    if (member) return cni_zip_read(arena, member, out, error);
    for (size_t i = 0; i < zip->count; i++) {
        const size_t length = strlen(zip->members[i].name);
        if (length > 4 && strcmp(zip->members[i].name + length - 4, ".npy") == 0)
            return cni_fail(error, CN_ERR_FORMAT, "is an .npz of arrays (%.60s ...); a .keras file is expected",
                            zip->members[i].name);
    }
    return cni_fail(error, CN_ERR_FORMAT, "the archive has no member %s: is it a .keras file of version 3?", name);
}

static cn_status read_archive(cni_bytes file, const cn_load_options *options, cni_arena *arena, cn_model **model,
                              cni_error *error)
{
    cni_zip zip;
    members m = {0};
    CN_TRY(cni_zip_open(arena, file, NULL, &zip, error));
    if (cni_zip_find(&zip, "metadata.json")) CN_TRY(read_member(arena, &zip, "metadata.json", &m.metadata, error));
    CN_TRY(read_member(arena, &zip, "config.json", &m.config, error));
    CN_TRY(read_member(arena, &zip, "model.weights.h5", &m.weights, error));
    const cn_status status = build(&m, options, arena, model, error);
    if (status) return cni_keras_2(m.metadata, arena, error) ? CN_ERR_UNSUPPORTED : status;
    const uintptr_t at = (uintptr_t)m.weights.data - (uintptr_t)file.data; /* beyond the end: they were compressed */
    (*model)->weights_at = at < file.size ? (int64_t)at : -1;
    return CN_OK;
}

cn_status cni_keras_read(const char *path, cni_bytes file, const cn_load_options *options, cni_arena *arena,
                         cn_model **model, cni_error *error)
{
    cn_status status = read_archive(file, options, arena, model, error);
    return status ? cni_fail_in(error, "%s", path) : CN_OK;
}

cn_status cni_keras_read_folder(const char *path, const cn_load_options *options, cni_arena *arena, cn_model **model,
                                cni_error *error)
{
    members m = {0};
    const char *config = cni_arena_printf(arena, "%s/config.json", path);
    const char *weights = cni_arena_printf(arena, "%s/model.weights.h5", path);
    if (!config || !weights) return cni_no_memory(error, path);
    CN_TRY(cni_file_read(arena, config, 1 << 26, &m.config, error));
    CN_TRY(cni_file_read(arena, weights, (uint64_t)8 << 30, &m.weights, error));
    cn_status status = build(&m, options, arena, model, error);
    return status ? cni_fail_in(error, "%s", path) : CN_OK;
}

cn_status cni_keras_read_weights(cn_model *model, cni_bytes file, cni_arena *arena, cni_error *error)
{
    cni_zip zip;
    cni_bytes weights;
    CN_TRY(cni_zip_open(arena, file, NULL, &zip, error));
    CN_TRY(read_member(arena, &zip, "model.weights.h5", &weights, error));
    const cn_status status = cni_weights_from_bytes(model, weights, arena, error);
    cni_bytes metadata = {0};
    cni_error ignored = {0};
    const cni_zip_member *member = cni_zip_find(&zip, "metadata.json");
    if (!status || !member || cni_zip_read(arena, member, &metadata, &ignored)) return status;
    return cni_keras_2(metadata, arena, error) ? CN_ERR_UNSUPPORTED : status;
}

/* ---- writing ---- */

static cni_value *choices_value(const cn_model *model, cni_arena *arena)
{
    cni_value *plan = cni_value_dict(arena), *rows = cni_value_list(arena);
    bool made = plan && rows;
    if (made && *model->trained_plan)
        made = cni_value_add(arena, plan, "file", cni_value_text(arena, model->trained_plan));
    if (made) made = cni_value_add(arena, plan, "instructions", cni_value_text(arena, model->trained_isa));
    for (int i = 0; i < model->trained_ways.count && made; i++) {
        cni_buffer row = {0};
        cni_plan_row_write(&row, &model->trained_ways.rows[i]);
        cni_buffer_u8(&row, 0);
        made = !row.failed && cni_value_add(arena, rows, NULL, cni_value_text(arena, (const char *)row.data));
        cni_buffer_free(&row);
    }
    return made && cni_value_add(arena, plan, "choices", rows) ? plan : NULL;
}

/* The release whose layout is written; loaders do not read it. */
static cn_status metadata(const cn_model *model, cni_arena *arena, cni_bytes *out, cni_error *error)
{
    char date[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(date, sizeof date, "%Y-%m-%d@%H:%M:%S", gmtime_r(&now, &utc));
    cni_value *value = cni_value_dict(arena);
    bool made = value && cni_value_add(arena, value, "keras_version", cni_value_text(arena, "3.15.1")) &&
                cni_value_add(arena, value, "date_saved", cni_value_text(arena, date));
    cni_value *labels = model->label_count ? cni_value_list(arena) : NULL;
    for (int i = 0; i < model->label_count && made; i++)
        made = labels && cni_value_add(arena, labels, NULL, cni_value_text(arena, model->labels[i]));
    if (labels && made) made = cni_value_add(arena, value, "labels", labels);
    if (model->trained_ways.count && made) made = cni_value_add(arena, value, "plan", choices_value(model, arena));
    return made ? cni_json_write(arena, value, 0, out, error) : cni_no_memory(error, "metadata.json");
}

static cn_status write_members(cn_model *model, cni_arena *arena, cni_zip_writer *zip, cni_buffer *weights,
                               cni_error *error)
{
    cni_bytes meta, config;
    cni_value *value = cni_model_to_value(arena, model, true);
    if (!value) return cni_no_memory(error, "config.json");
    CN_TRY(metadata(model, arena, &meta, error));
    CN_TRY(cni_json_write(arena, value, 0, &config, error));
    CN_TRY(cni_weights_write(model, arena, weights, error));
    CN_TRY(cni_zip_add(zip, "metadata.json", meta, error));
    CN_TRY(cni_zip_add(zip, "config.json", config, error));
    CN_TRY(cni_zip_add(zip, "model.weights.h5", cni_buffer_bytes(weights), error));
    return cni_zip_finish(zip, error);
}

cn_status cni_keras_write(cn_model *model, cni_buffer *out, cni_error *error)
{
    cni_arena arena = {0};
    cni_zip_writer zip = {0};
    cni_buffer weights = {0};
    cn_status status = write_members(model, &arena, &zip, &weights, error);
    if (!status) {
        *out = zip.bytes; /* moved: the writer keeps only its directory */
        zip.bytes = (cni_buffer){0};
    }
    cni_zip_writer_free(&zip);
    cni_buffer_free(&weights);
    cni_arena_free(&arena);
    return status;
}
