/* SPDX-License-Identifier: Apache-2.0
 * Files, seen from below: models know that they can be read and written, formats/ knows how.  A build without formats
 * links a table that says so. */
#ifndef CNI_FORMAT_H
#define CNI_FORMAT_H

#include "model/model.h"

typedef struct cni_file_formats {
    cn_status (*load)(const char *path, const cn_load_options *options, cn_model **model, cni_error *error);
    cn_status (*load_weights)(cn_model *model, const char *path, int64_t memory, cni_error *error);
    cn_status (*save)(cn_model *model, const char *path, cni_error *error);
    /** The configuration as JSON text; the caller frees it. */
    cn_status (*json)(cn_model *model, char **text, cni_error *error);
    /** A value from JSON or Keras text. */
    cn_status (*read_keras_json)(const char *path, cni_arena *arena, const cni_value **value, cni_error *error);
    /** Plan files for an instruction set; reading adds to `choices`. */
    cn_status (*read_plan)(const char *path, const char *isa, cni_choices *choices, cni_error *error);
    cn_status (*write_plan)(const char *path, const char *isa, const cni_choices *choices, cni_error *error);
} cni_file_formats;

extern const cni_file_formats cni_formats;

#endif
