/* SPDX-License-Identifier: Apache-2.0
 * The public calls that read and write files, and what of a keras.json is honoured. */
#include "base/take.h"
#include "model/config.h"
#include "model/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_MEMORY_GIB = 4 };

/* The text of a failed load has no model to live in. */
static _Thread_local cni_error load_error;

cn_status cn_load(const char *path, const cn_load_options *options, cn_model **model, const char **error)
{
    cn_load_options given = {0};
    cn_status status = CN_OK;
    cni_error_clear(&load_error);
    if (model) *model = NULL;
    if (error) *error = NULL;
    if (!path || !model)
        status =
            cni_fail(&load_error, CN_ERR_INVALID, "cn_load: no %s given (NULL)", path ? "place for the model" : "path");
    if (!status && options)
        status = cni_take_args(&given, sizeof given, options, sizeof(size_t), "cn_load", &load_error);
    if (!given.context) given.context = cn_default_context();
    if (!status && !given.context) status = cni_no_memory(&load_error, "a context");
    if (given.memory <= 0) given.memory = (int64_t)DEFAULT_MEMORY_GIB << 30;
    if (!status) status = cni_formats.load(path, &given, model, &load_error);
    if (!status && given.weights) status = cni_formats.load_weights(*model, given.weights, given.memory, &load_error);
    if (!status) return CN_OK;
    if (model) {
        cn_model_free(*model);
        *model = NULL;
    }
    if (error) *error = load_error.text;
    return status;
}

static cn_status ready(cn_model *model)
{
    if (!model) return CN_ERR_MEMORY;
    cni_error_clear(&model->call_error);
    return model->error.status;
}

static cn_status ready_for(cn_model *model, const char *path, const char *what)
{
    CN_TRY(ready(model));
    return path ? CN_OK : cni_fail(&model->call_error, CN_ERR_INVALID, "%s: no path given (NULL)", what);
}

cn_status cn_save(cn_model *model, const char *path)
{
    CN_TRY(ready_for(model, path, "cn_save"));
    if (!model->complete && !model->sequential)
        return cni_fail(&model->call_error, CN_ERR_STATE, "%s: the model has no outputs yet (cn_outputs)", path);
    return cni_formats.save(model, path, &model->call_error);
}

cn_status cn_load_weights(cn_model *model, const char *path)
{
    CN_TRY(ready_for(model, path, "cn_load_weights"));
    if (!model->complete)
        return cni_fail(&model->call_error, CN_ERR_STATE, "%s: the model is not built yet: it has no weights to load",
                        path);
    return cni_formats.load_weights(model, path, (int64_t)DEFAULT_MEMORY_GIB << 30, &model->call_error);
}

const char *cn_model_json(cn_model *model)
{
    if (ready(model)) return NULL;
    free(model->text);
    model->text = NULL;
    return cni_formats.json(model, &model->text, &model->call_error) ? NULL : model->text;
}

/* ---- keras.json (keras-semantics 1.7) ---- */

static cn_status take_settings(cn_context *context, const char *path, const cni_value *settings)
{
    cni_error *error = &context->error;
    const cni_value *floatx = cni_value_get(settings, "floatx"), *epsilon = cni_value_get(settings, "epsilon");
    const cni_value *format = cni_value_get(settings, "image_data_format");
    char shown[65];
    if (floatx && strcmp(cni_value_as_text(floatx) ? cni_value_as_text(floatx) : "", "float32") != 0)
        return cni_fail(error, CN_ERR_UNSUPPORTED, "%s: floatx=%s; Cornu computes in 'float32' only", path,
                        cni_value_show(floatx, shown, sizeof shown));
    if (epsilon && epsilon->type != CNI_REAL)
        return cni_fail(error, CN_ERR_INVALID, "%s: epsilon=%s; expected a float", path,
                        cni_value_show(epsilon, shown, sizeof shown));
    if (epsilon) context->epsilon = epsilon->real;
    const char *name = format ? cni_value_as_text(format) : "channels_last";
    bool first = name && strcmp(name, "channels_first") == 0;
    if (!name || (!first && strcmp(name, "channels_last") != 0))
        return cni_fail(error, CN_ERR_INVALID, "%s: image_data_format=%s; expected 'channels_last' or 'channels_first'",
                        path, cni_value_show(format, shown, sizeof shown));
    context->data_format = first ? CN_CHANNELS_FIRST : CN_CHANNELS_LAST;
    return CN_OK;
}

static const char *default_path(char *buffer, size_t size)
{
    const char *keras = getenv("KERAS_HOME"), *home = getenv("HOME");
    if (keras && *keras)
        snprintf(buffer, size, "%s/keras.json", keras);
    else
        snprintf(buffer, size, "%s/.keras/keras.json", home ? home : "/root");
    return buffer;
}

cn_status cn_read_keras_json(cn_context *context, const char *path, const char **error)
{
    char buffer[4096];
    if (!context) context = cn_default_context();
    if (!context) return CN_ERR_MEMORY;
    if (!path) path = default_path(buffer, sizeof buffer);
    cni_arena arena = {0};
    const cni_value *settings = NULL;
    cni_error_clear(&context->error);
    if (error) *error = NULL;
    cn_status status = cni_formats.read_keras_json(path, &arena, &settings, &context->error);
    if (!status && settings) status = take_settings(context, path, settings);
    cni_arena_free(&arena);
    if (status && error) *error = context->error.text;
    return status;
}
