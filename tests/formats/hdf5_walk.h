/* SPDX-License-Identifier: Apache-2.0
 * Reads everything that an HDF5 file holds, and counts it: for tests that feed real and damaged files. */
#ifndef HDF5_WALK_H
#define HDF5_WALK_H

#include "formats/hdf5/hdf5.h"

#include <stdlib.h>
#include <string.h>

typedef struct walked {
    size_t groups, datasets, attributes, read;
    size_t refused; /* CN_ERR_UNSUPPORTED */
    size_t broken;  /* any other failure */
    cni_error first_refusal, first_failure;
} walked;

static inline void walk_note(walked *w, cni_error *error)
{
    if (!error->status) return;
    const bool refused = error->status == CN_ERR_UNSUPPORTED;
    *(refused ? &w->refused : &w->broken) += 1;
    cni_error *first = refused ? &w->first_refusal : &w->first_failure;
    if (!first->status) *first = *error;
    cni_error_clear(error);
}

static inline void walk_attributes(cni_h5_object *object, walked *w)
{
    cni_error error = {0};
    const char *const *names = NULL;
    size_t count = 0;
    if (cni_h5_attribute_names(object, &names, &count, &error)) count = 0;
    walk_note(w, &error);
    for (size_t i = 0; i < count; i++) {
        const cni_h5_attribute *a = NULL;
        if (!cni_h5_attribute_find(object, names[i], &a, &error) && a) {
            const cni_h5_info *info = cni_h5_attribute_info(a);
            const char *const *texts;
            size_t n;
            double number;
            w->attributes++;
            if (info->type.class == CNI_H5_TEXT || info->type.class == CNI_H5_TEXT_VARIABLE)
                (void)cni_h5_attribute_texts(a, &texts, &n, &error);
            else if (info->type.class == CNI_H5_REAL && info->count == 1)
                (void)cni_h5_attribute_read(a, CNI_H5_F64, &number, 1, &error);
        }
        walk_note(w, &error);
    }
}

static inline void walk_data(cni_h5_object *dataset, walked *w, size_t most_bytes)
{
    cni_error error = {0};
    cni_h5_info info;
    const char *const *texts;
    size_t n;
    w->datasets++;
    if (cni_h5_dataset_info(dataset, &info, &error)) {
        walk_note(w, &error);
        return;
    }
    void *out = info.count < most_bytes / 8 ? malloc((size_t)info.count * 8 + 1) : NULL;
    if (!out) return;
    if (info.type.class == CNI_H5_TEXT || info.type.class == CNI_H5_TEXT_VARIABLE)
        (void)cni_h5_read_texts(dataset, &texts, &n, &error);
    else if (info.type.class == CNI_H5_INTEGER || info.type.class == CNI_H5_BOOL)
        (void)cni_h5_read(dataset, CNI_H5_F64, out, (size_t)info.count, &error);
    else
        (void)cni_h5_read_f32(dataset, out, (size_t)info.count, &error);
    if (!error.status) w->read++;
    walk_note(w, &error);
    free(out);
}

static inline void walk_object(cni_h5_object *object, walked *w, size_t most_bytes)
{
    cni_error error = {0};
    walk_attributes(object, w);
    if (cni_h5_kind_of(object) == CNI_H5_DATASET) walk_data(object, w, most_bytes);
    if (cni_h5_kind_of(object) != CNI_H5_GROUP) return;
    w->groups++;
    const char *const *names = NULL;
    size_t count = 0;
    if (cni_h5_children(object, &names, &count, &error)) count = 0;
    walk_note(w, &error);
    for (size_t i = 0; i < count; i++) {
        cni_h5_object *child = NULL;
        if (!cni_h5_get(object, names[i], &child, &error)) walk_object(child, w, most_bytes);
        walk_note(w, &error);
    }
}

/** Opens and reads everything, on a budget; CN_OK when the file opens, whatever happens then. */
static inline cn_status walk_on_budget(cni_bytes bytes, size_t budget, walked *w)
{
    cni_arena arena;
    cni_arena_init(&arena, budget);
    cni_h5 *file = NULL;
    cni_error error = {0};
    const cn_status status = cni_h5_open(&arena, bytes, NULL, &file, &error);
    if (!status) walk_object(cni_h5_root(file), w, (size_t)64 << 20);
    walk_note(w, &error);
    cni_arena_free(&arena);
    return status;
}

static inline cn_status walk_bytes(cni_bytes bytes, walked *w)
{
    return walk_on_budget(bytes, (size_t)256 << 20, w);
}

#endif
