/* SPDX-License-Identifier: Apache-2.0
 * What a model shall predict: pictures, .npy or .npz, told apart by their content. */
#include "data/dataset.h"

#include "formats/npy.h"
#include "formats/zip.h"

#include <string.h>
#include <sys/stat.h>

enum { MEMORY = 1 << 30 };

typedef enum content { PICTURE, NPY, NPZ } content;

static const char *const content_names[] = {"pictures", ".npy files", ".npz files"};

static cn_status read_file(cn_dataset *dataset, const char *path, cni_bytes *file, content *what, cni_error *error)
{
    CN_TRY(cni_file_read(&dataset->arena, path, (uint64_t)16 << 30, file, error));
    if (cni_image_detect(*file))
        *what = PICTURE;
    else if (file->size >= 6 && memcmp(file->data, "\x93NUMPY", 6) == 0)
        *what = NPY;
    else if (cni_zip_detect(*file))
        *what = NPZ;
    else
        return cni_fail(error, CN_ERR_UNSUPPORTED, "%s: is no PNG, JPEG, .npy or .npz", path);
    return CN_OK;
}

static cn_status read_npy_files(cn_dataset *dataset, int count, const char *const *paths, const cn_model *model,
                                cni_error *error)
{
    cn_array arrays[CN_MAX_ARRAYS];
    const int wanted = model && cn_input_count(model) > 0 ? cn_input_count(model) : 1;
    if (count != wanted)
        return cni_fail(error, CN_ERR_SHAPE, "%d .npy files for a model with %d input%s; give one array for each input",
                        count, wanted, wanted == 1 ? "" : "s");
    for (int i = 0; i < count; i++) {
        cni_bytes file;
        content what;
        CN_TRY(read_file(dataset, paths[i], &file, &what, error));
        if (what != NPY)
            return cni_fail(error, CN_ERR_INVALID, "%s: is none of the %s; give inputs of one kind", paths[i],
                            content_names[NPY]);
        if (cni_npy_read(&dataset->arena, file, NULL, arrays + i, error)) return cni_fail_in(error, "%s", paths[i]);
        if (!arrays[i].rank)
            return cni_fail(error, CN_ERR_SHAPE, "%s: is one number; rows of the model's input are expected", paths[i]);
        if (!arrays[i].shape[0]) return cni_fail(error, CN_ERR_INVALID, "%s: has no rows", paths[i]);
    }
    cni_place_arrays(count, arrays, &dataset->test.x, dataset->test.inputs);
    return CN_OK;
}

static void note_resized(cn_dataset *dataset, int resized, int count, const cni_picture_form *form)
{
    if (!resized) return;
    dataset->note = count == 1
                        ? cni_arena_printf(&dataset->arena, "%s: resized to %dx%d, the model's input",
                                           dataset->row_names[0], form->width, form->height)
                        : cni_arena_printf(&dataset->arena, "%d of %d pictures resized to %dx%d, the model's input",
                                           resized, count, form->width, form->height);
}

static cn_status read_pictures(cn_dataset *dataset, int count, const char *const *paths, const cn_model *model,
                               cni_error *error)
{
    cni_picture_form form;
    int resized = 0;
    bool this_one;
    CN_TRY(cni_picture_form_of(model, &form, error));
    const bool may_resize = form.height && form.width;
    CN_TRY(cni_picture_read(paths[0], MEMORY, &form, true, NULL, 0, &this_one, error));
    CN_TRY(cni_pictures_new(&dataset->arena, &form, count, &dataset->test.x, error));
    dataset->row_names = CNI_NEW_ARRAY(&dataset->arena, const char *, (size_t)count);
    if (!dataset->row_names) return cni_no_memory(error, "inputs");
    for (int i = 0; i < count; i++) {
        dataset->row_names[i] = cni_arena_text(&dataset->arena, paths[i]);
        if (!dataset->row_names[i]) return cni_no_memory(error, "inputs");
        CN_TRY(cni_picture_read(paths[i], MEMORY, &form, may_resize, &dataset->test.x, i, &this_one, error));
        resized += this_one;
    }
    note_resized(dataset, resized, count, &form);
    return CN_OK;
}

cn_status cni_load_inputs(cn_dataset *dataset, int count, const char *const *paths, const cn_model *model,
                          cni_error *error)
{
    cn_dataset look = {0};
    cni_bytes file;
    content what = NPY;
    for (int i = 0; i < count; i++)
        if (strcmp(paths[i], "-") == 0)
            return cni_fail(error, CN_ERR_UNSUPPORTED, "-: inputs are not read from standard input; give a file");
    if (count < 1) return cni_fail(error, CN_ERR_INVALID, "nothing to predict was given");
    struct stat info;
    for (int i = 0; i < count; i++)
        if (stat(paths[i], &info) == 0 && S_ISDIR(info.st_mode))
            return cni_fail(error, CN_ERR_IO, "%s: is a folder; give the pictures in it: %s/*.png", paths[i], paths[i]);
    const cn_status status = read_file(&look, paths[0], &file, &what, error);
    cni_arena_free(&look.arena);
    CN_TRY(status);
    if (what == PICTURE) return read_pictures(dataset, count, paths, model, error);
    if (what == NPY) return read_npy_files(dataset, count, paths, model, error);
    if (count > 1) return cni_fail(error, CN_ERR_INVALID, "%s: give one .npz alone", paths[0]);
    return cni_load_npz_inputs(dataset, paths[0], error);
}
