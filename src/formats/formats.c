/* SPDX-License-Identifier: Apache-2.0
 * The files that hold models: one row per format, told by suffix when written and by content when read. */
#include "model/format.h"

#include "formats/bytes.h"
#include "formats/json.h"
#include "formats/keras.h"
#include "formats/npy.h"
#include "formats/plan_file.h"
#include "formats/source/source.h"
#include "formats/weights_h5.h"
#include "formats/zip.h"
#include "model/config.h"
#include "model/stored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

typedef struct format {
    const char *suffix, *what;
    cn_status (*save)(cn_model *model, const char *path, cni_error *error);
} format;

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcasecmp(text + length - tail, end) == 0;
}

/* ---- writing ---- */

static cn_status save_weights(cn_model *model, const char *path, cni_error *error)
{
    cni_arena arena = {0};
    cni_buffer bytes = {0};
    cn_status status = cni_weights_write(model, &arena, &bytes, error);
    if (!status) status = cni_file_write(path, cni_buffer_bytes(&bytes), error);
    cni_buffer_free(&bytes);
    cni_arena_free(&arena);
    return status;
}

static cn_status save_keras(cn_model *model, const char *path, cni_error *error)
{
    cni_buffer bytes = {0};
    cn_status status = cni_keras_write(model, &bytes, error);
    if (!status) status = cni_file_write(path, cni_buffer_bytes(&bytes), error);
    cni_buffer_free(&bytes);
    return status;
}

static cn_status model_json(cn_model *model, cni_arena *arena, cni_bytes *out, cni_error *error)
{
    cni_value *value = cni_model_to_value(arena, model, true);
    if (!value) return cni_no_memory(error, "the configuration");
    return cni_json_write(arena, value, 0, out, error);
}

static cn_status save_json(cn_model *model, const char *path, cni_error *error)
{
    cni_arena arena = {0};
    cni_bytes bytes;
    cn_status status = model_json(model, &arena, &bytes, error);
    if (!status) status = cni_file_write(path, bytes, error);
    cni_arena_free(&arena);
    return status;
}

typedef struct npz_writing {
    cni_zip_writer zip;
    int index;
    cni_error *error;
} npz_writing;

static void add_to_npz(void *user, cn_layer *layer, cni_variable *weight, bool frozen)
{
    (void)layer;
    (void)frozen;
    npz_writing *w = user;
    char name[16];
    cn_array array = {.data = weight->data, .rank = weight->shape.rank};
    memcpy(array.shape, weight->shape.dims, sizeof array.shape);
    snprintf(name, sizeof name, "%d", w->index++);
    if (!w->error->status) cni_npz_add(&w->zip, name, &array, w->error);
}

static cn_status save_npz(cn_model *model, const char *path, cni_error *error)
{
    npz_writing w = {.error = error};
    CN_TRY(cni_model_materialise(model, error));
    cni_model_weights(model, add_to_npz, &w);
    cn_status status = error->status ? error->status : cni_zip_finish(&w.zip, error);
    if (!status) status = cni_file_write(path, cni_buffer_bytes(&w.zip.bytes), error);
    cni_zip_writer_free(&w.zip);
    return status;
}

static const format formats[] = {
    {".weights.h5", "weights", save_weights}, /* before any other .h5 */
    {".keras", "a whole model", save_keras},
    {".json", "a configuration", save_json},
    {".npz", "weights as arrays 0, 1, ...", save_npz},
};

static cn_status save(cn_model *model, const char *path, cni_error *error)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (ends_with(path, formats[i].suffix)) return formats[i].save(model, path, error);
    return cni_fail(error, CN_ERR_UNSUPPORTED,
                    "%s: cannot tell the format from the name; use .keras (everything), .weights.h5, .json or .npz",
                    path);
}

static cn_status json(cn_model *model, char **text, cni_error *error)
{
    cni_arena arena = {0};
    cni_bytes bytes;
    cn_status status = model_json(model, &arena, &bytes, error);
    if (!status) *text = strndup((const char *)bytes.data, bytes.size);
    if (!status && !*text) status = cni_no_memory(error, "the configuration");
    cni_arena_free(&arena);
    return status;
}

/* ---- reading ---- */

static cn_status read_json(cni_arena *arena, cni_bytes bytes, const char *path, cni_value **value, cni_error *error)
{
    cn_status status = cni_json_read(arena, bytes, NULL, value, error);
    return status ? cni_fail_in(error, "%s", path) : CN_OK;
}

static cn_status load_config(const cn_load_options *options, cni_arena *arena, cni_bytes bytes, const char *path,
                             cn_model **model, cni_error *error)
{
    cni_value *value;
    CN_TRY(read_json(arena, bytes, path, &value, error));
    cn_status status = cni_model_from_value(options->context, value, !options->no_compile, model, error);
    return status ? cni_fail_in(error, "%s", path) : CN_OK;
}

static void hint_at_comment(cni_error *error)
{
    static const char hint[] = "; or write the sizes of the input as a comment: # cornu: input 28x28x1";
    const size_t length = strlen(error->text);
    if (length + sizeof hint <= sizeof error->text) memcpy(error->text + length, hint, sizeof hint);
}

static cn_status load_text(const char *text, size_t size, const char *file, const cn_load_options *options,
                           cni_arena *arena, cn_model **model, cni_error *error)
{
    cni_description *description;
    CN_TRY(cni_source_read(arena, text, size, file, NULL, &description, error));
    if (!description) return cni_fail(error, CN_ERR_FORMAT, "%s: holds no model", file);
    if (options->no_compile) description->compile = description->fit = NULL;
    if (*description->comments.input && cni_source_set_input(description, description->comments.input, error))
        return cni_fail_in(error, "%s", file);
    if (options->input && !cni_source_knows_input(description))
        CN_TRY(cni_source_set_input(description, options->input, error));
    cn_status status = cni_model_from_description(options->context, description, model, error);
    if (status == CN_ERR_SHAPE && !cni_source_knows_input(description)) hint_at_comment(error);
    return status;
}

static cn_status refuse_bytes(cni_bytes bytes, const char *path, cni_error *error)
{
    const bool hdf5 = bytes.size > 8 && memcmp(bytes.data, "\x89HDF\r\n\x1a\n", 8) == 0;
    return cni_fail(error, CN_ERR_UNSUPPORTED,
                    "%s: %s; a .keras file, a folder of one, a .json configuration, or a text with Keras or PyTorch "
                    "code expected",
                    path,
                    hdf5 ? "an HDF5 file (weights go with --weights; whole-model .h5 is not supported yet)"
                         : "not a model that Cornu reads");
}

static cn_status load_bytes(const char *path, const cn_load_options *options, cni_arena *arena, cn_model **model,
                            cni_error *error)
{
    cni_bytes bytes;
    struct stat info = {0};
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return cni_keras_read_folder(path, options, arena, model, error);
    if (cni_source_is_code(path)) return load_text(path, strlen(path), "<text>", options, arena, model, error);
    CN_TRY(cni_file_read(arena, path, (uint64_t)8 << 30, &bytes, error));
    if (cni_zip_detect(bytes)) {
        CN_TRY(cni_keras_read(path, bytes, options, arena, model, error));
        if (options->predict_only) cni_model_keep_file(*model, path, &info);
        return CN_OK;
    }
    size_t first = 0;
    while (first < bytes.size && strchr(" \t\r\n", bytes.data[first])) first++;
    if (first < bytes.size && bytes.data[first] == '{') return load_config(options, arena, bytes, path, model, error);
    const char *text = (const char *)bytes.data, *file = strcmp(path, "-") ? path : "<stdin>";
    if (!cni_source_is_model_name(file) && cni_source_detect(text, bytes.size))
        return load_text(text, bytes.size, file, options, arena, model, error);
    return refuse_bytes(bytes, path, error);
}

static cn_status load(const char *path, const cn_load_options *options, cn_model **model, cni_error *error)
{
    cni_arena arena;
    cni_arena_init(&arena, (size_t)options->memory);
    cn_status status = load_bytes(path, options, &arena, model, error);
    cni_arena_free(&arena);
    return status;
}

static cn_status read_weights(cn_model *model, cni_arena *arena, const char *path, cni_error *error)
{
    cni_bytes bytes;
    CN_TRY(cni_file_read(arena, path, (uint64_t)8 << 30, &bytes, error));
    cn_status status = cni_zip_detect(bytes) ? cni_keras_read_weights(model, bytes, arena, error)
                                             : cni_weights_from_bytes(model, bytes, arena, error);
    return status ? cni_fail_in(error, "%s", path) : CN_OK;
}

static cn_status load_weights(cn_model *model, const char *path, int64_t memory, cni_error *error)
{
    cni_arena arena;
    cni_arena_init(&arena, (size_t)memory);
    cn_status status = read_weights(model, &arena, path, error);
    cni_arena_free(&arena);
    return status;
}

/* A missing file changes nothing; a malformed one is treated as empty, as Keras does. */
static cn_status read_keras_json(const char *path, cni_arena *arena, const cni_value **value, cni_error *error)
{
    cni_bytes bytes;
    cni_value *read = NULL;
    cni_error ignored = {0};
    struct stat info;
    if (stat(path, &info)) return CN_OK;
    CN_TRY(cni_file_read(arena, path, 1 << 20, &bytes, error));
    if (cni_json_read(arena, bytes, NULL, &read, &ignored) == CN_OK) *value = read;
    return CN_OK;
}

const cni_file_formats cni_formats = {
    load, load_weights, save, json, read_keras_json, cni_plan_file_read, cni_plan_file_write};
