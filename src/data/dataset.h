/* SPDX-License-Identifier: Apache-2.0
 * Data sets, seen from the inside: one owner of arrays, one row for each kind of source. */
#ifndef CNI_DATASET_H
#define CNI_DATASET_H

#include "base/arena.h"
#include "base/error.h"
#include "formats/bytes.h"
#include "formats/images.h"

#include <cornu/data.h>

struct cn_dataset {
    cni_arena arena; /* of everything below, and of the struct's own texts */
    cn_data train, test;
    const char *const *classes;
    int class_count;
    const char **row_names; /* by row of `test`, or NULL */
    const char *note;
};

/** A kind of source: "fashion-mnist" by its name, "mnist:DIR" by what stands before the colon. */
typedef struct cni_data_source {
    const char *name;
    bool takes_folder;
    cn_status (*load)(cn_dataset *dataset, const char *folder, const cn_model *model, cni_error *error);
    /** Only the names of the classes.  NULL: `load` knows none. */
    cn_status (*name_classes)(cn_dataset *dataset, const char *folder, cni_error *error);
} cni_data_source;

cn_status cni_load_fashion_mnist(cn_dataset *dataset, const char *folder, const cn_model *model, cni_error *error);
cn_status cni_name_fashion_mnist(cn_dataset *dataset, const char *folder, cni_error *error);
cn_status cni_load_mnist(cn_dataset *dataset, const char *folder, const cn_model *model, cni_error *error);
cn_status cni_name_mnist(cn_dataset *dataset, const char *folder, cni_error *error);
cn_status cni_load_cifar10(cn_dataset *dataset, const char *folder, const cn_model *model, cni_error *error);
cn_status cni_name_cifar10(cn_dataset *dataset, const char *folder, cni_error *error);
cn_status cni_load_picture_folder(cn_dataset *dataset, const char *folder, const cn_model *model, cni_error *error);
cn_status cni_name_picture_folder(cn_dataset *dataset, const char *folder, cni_error *error);
cn_status cni_load_npz_data(cn_dataset *dataset, const char *path, cni_error *error);
cn_status cni_load_npz_inputs(cn_dataset *dataset, const char *path, cni_error *error);
cn_status cni_load_inputs(cn_dataset *dataset, int count, const char *const *paths, const cn_model *model,
                          cni_error *error);

/** Multiplies the inputs; they become float32. */
cn_status cni_data_scale(cni_arena *arena, cn_data *data, double scale, cni_error *error);

/** Places arrays that belong together: one in `one`, several in `several`. */
void cni_place_arrays(int count, const cn_array *arrays, cn_array *one, cn_array *several);

/** Entries of a folder, by name, without those that begin with a dot.  `folders`: only folders, else only files. */
cn_status cni_list_folder(cni_arena *arena, const char *path, bool folders, const char ***names, int *count,
                          cni_error *error);

/** The error of the functions that have no model to keep it: cleared, and at the end told to the caller. */
cni_error *cni_data_error(const char **told);
cn_status cni_tell_error(const cni_error *error, const char **told);

/* ---- pictures ---- */

/** What a model takes: 0 where it is free. */
typedef struct cni_picture_form {
    int height, width, channels;
    bool channels_first;
    bool flat; /* no axis of channels: [n, height, width] */
} cni_picture_form;

/** The form of a model's only input; everything free without a model. */
cn_status cni_picture_form_of(const cn_model *model, cni_picture_form *form, cni_error *error);

/** A uint8 array for `count` pictures of a form in which nothing is free. */
cn_status cni_pictures_new(cni_arena *arena, const cni_picture_form *form, int64_t count, cn_array *out,
                           cni_error *error);

/** Reads a file as a picture of the form; what is free in the form is taken from it and fixed.  `pixels` are height *
 *  width * channels bytes within the array `into`, at row `row`; `into` NULL only fixes the form.  *resized tells. */
cn_status cni_picture_read(const char *path, uint64_t memory, cni_picture_form *form, bool may_resize, cn_array *into,
                           int64_t row, bool *resized, cni_error *error);

/** Puts the channels of uint8 pictures [n, h, w] or [n, h, w, c] first where the model wants them there. */
cn_status cni_pictures_arrange(cni_arena *arena, const cn_model *model, cn_array *pictures, cni_error *error);

/** Bilinear, half-pixel centres, edges repeated: tf.image.resize and Keras' Resizing without antialiasing. */
void cni_picture_resize(const cni_image *from, const cni_picture_form *form, uint8_t *to);

#endif
