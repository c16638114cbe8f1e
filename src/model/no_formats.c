/* SPDX-License-Identifier: Apache-2.0
 * A build without the format libraries: every file is refused by name. */
#include "model/format.h"

#ifndef CORNU_FORMATS

static cn_status refuse(const char *path, cni_error *error)
{
    return cni_fail(error, CN_ERR_UNSUPPORTED, "%s: this Cornu was built without formats (CORNU_FORMATS=OFF)", path);
}

static cn_status load(const char *path, const cn_load_options *options, cn_model **model, cni_error *error)
{
    (void)options;
    (void)model;
    return refuse(path, error);
}

static cn_status load_weights(cn_model *model, const char *path, int64_t memory, cni_error *error)
{
    (void)model;
    (void)memory;
    return refuse(path, error);
}

static cn_status save(cn_model *model, const char *path, cni_error *error)
{
    (void)model;
    return refuse(path, error);
}

static cn_status json(cn_model *model, char **text, cni_error *error)
{
    (void)text;
    return refuse(model->name, error);
}

static cn_status read_keras_json(const char *path, cni_arena *arena, const cni_value **value, cni_error *error)
{
    (void)arena;
    (void)value;
    return refuse(path, error);
}

static cn_status read_plan(const char *path, const char *isa, cni_choices *choices, cni_error *error)
{
    (void)isa;
    (void)choices;
    return refuse(path, error);
}

static cn_status write_plan(const char *path, const char *isa, const cni_choices *choices, cni_error *error)
{
    (void)isa;
    (void)choices;
    return refuse(path, error);
}

const cni_file_formats cni_formats = {load, load_weights, save, json, read_keras_json, read_plan, write_plan};

#endif
