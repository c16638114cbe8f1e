/* SPDX-License-Identifier: Apache-2.0
 * The list of callbacks, and how they are made from what the caller gave. */
#include "train/callback.h"

#include <string.h>

extern const cni_callback_kind cni_early_stopping, cni_model_checkpoint, cni_learning_rate_scheduler,
    cni_reduce_lr_on_plateau, cni_csv_logger, cni_terminate_on_nan, cni_own_callback;

static const cni_kind *const kinds[] = {
    &cni_early_stopping.kind,       &cni_model_checkpoint.kind, &cni_learning_rate_scheduler.kind,
    &cni_reduce_lr_on_plateau.kind, &cni_csv_logger.kind,       &cni_terminate_on_nan.kind,
    &cni_own_callback.kind,
};
const cni_family cni_callbacks = {
    .what = "callback", .module = "keras.callbacks", .kinds = kinds, .count = sizeof kinds / sizeof *kinds};

cn_status cni_callback_direction(const cni_callback *callback, const char *monitor, const char *mode, int *direction)
{
    *direction = strcmp(mode, "min") == 0 ? -1 : strcmp(mode, "max") == 0 ? 1 : 0;
    if (*direction) return CN_OK;
    const char *name = strncmp(monitor, "val_", 4) == 0 ? monitor + 4 : monitor;
    *direction = strcmp(name, "loss") == 0 ? -1 : cni_metric_direction(name);
    if (*direction) return CN_OK;
    if (cni_fit_may_log(callback->fit, monitor))
        return cni_fail(callback->fit->error, CN_ERR_INVALID,
                        "%s: which way is better for monitor=\"%s\"? Give mode=\"min\" or \"max\"",
                        callback->kind->kind.name, monitor);
    return cni_fail(callback->fit->error, CN_ERR_INVALID,
                    "%s: monitor=\"%s\" is not among the logs, which are %s; for a value of your own give mode=\"min\" "
                    "or \"max\"",
                    callback->kind->kind.name, monitor, cni_fit_log_names(callback->fit));
}

static cn_status object_from_text(cni_fit *fit, const char *text, cni_object **object)
{
    const cni_maker maker = {&fit->arena, NULL, fit->model->context->data_format, fit->error};
    cni_value *value;
    CN_TRY(cni_value_read(&fit->arena, text ? text : "", "callback", &value, fit->error));
    CN_TRY(cni_object_make(&maker, &cni_callbacks, value, "callback", object));
    if (!*object) return cni_fail(fit->error, CN_ERR_INVALID, "fit: None is no callback");
    if (!((const cni_callback_kind *)(*object)->kind)->has_pointers) return CN_OK;
    return cni_fail(fit->error, CN_ERR_UNSUPPORTED, "fit: %s takes functions, which no text has",
                    (*object)->kind->name);
}

static cn_status object_from_args(cni_fit *fit, const cn_callback_args *args, cni_object **object)
{
    const cni_kind *kind = args->class_name ? cni_family_find(&cni_callbacks, args->class_name) : NULL;
    if (!kind)
        return cni_fail(fit->error, CN_ERR_INVALID, "fit: unknown callback %s",
                        args->class_name ? args->class_name : "");
    const cni_maker maker = {&fit->arena, NULL, fit->model->context->data_format, fit->error};
    CN_TRY(cni_object_copy(&maker, kind, args, kind->name, object));
    if (((const cni_callback_kind *)kind)->has_pointers)
        memcpy((*object)->args, args, args->struct_size < kind->args_size ? args->struct_size : kind->args_size);
    return CN_OK;
}

static cn_status make(cni_fit *fit, const cn_callback_args *args, cni_callback **out)
{
    const bool text = args->class_name && !*args->class_name;
    cni_object *object;
    CN_TRY(text ? object_from_text(fit, ((const cn_text_args *)(const void *)args)->text, &object)
                : object_from_args(fit, args, &object));
    const cni_callback_kind *kind = (const cni_callback_kind *)object->kind;
    cni_callback *callback = CNI_NEW(&fit->arena, cni_callback);
    if (!callback) return cni_no_memory(fit->error, kind->kind.name);
    callback->kind = kind;
    callback->args = object->args;
    callback->fit = fit;
    callback->state = cni_arena_alloc(&fit->arena, kind->state_size);
    if (!callback->state) return cni_no_memory(fit->error, kind->kind.name);
    *out = callback;
    return CN_OK;
}

cn_status cni_fit_callbacks(cni_fit *fit)
{
    for (int i = 0; i < CN_MAX_ARRAYS && fit->args->callbacks[i]; i++) {
        CN_TRY(make(fit, fit->args->callbacks[i], fit->callbacks + i));
        fit->callback_count++;
    }
    return CN_OK;
}
