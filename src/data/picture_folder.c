/* SPDX-License-Identifier: Apache-2.0
 * A folder of pictures for each class.
 *
 * Keras (image_dataset_from_directory) shuffles what it finds.  Here the order is fixed, and mixes the classes evenly:
 * picture i of n in its class stands at (i + 1/2) / n, so that a validation split, which takes the tail, sees every
 * class as often as the rest does. */
#include "data/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

typedef struct picture {
    const char *path;
    int label;
    double place;
} picture;

typedef struct collection {
    cni_arena arena;
    picture *pictures;
    int64_t count, room;
    int passed_over;
    const char *first_passed_over;
    int64_t resized;
} collection;

enum { MEMORY = 1 << 30 }; /* of reading one picture */

static bool is_picture(const char *name)
{
    static const char *const endings[] = {".png", ".jpg", ".jpeg"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0) return true;
    return false;
}

static bool is_folder(const char *folder, const char *name)
{
    char path[4096];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static bool add(collection *all, const char *path, int label, double place)
{
    if (all->count == all->room) {
        const int64_t room = all->room ? 2 * all->room : 256;
        picture *larger = realloc(all->pictures, (size_t)room * sizeof *larger);
        if (!larger) return false;
        all->pictures = larger;
        all->room = room;
    }
    all->pictures[all->count++] = (picture){path, label, place};
    return path != NULL;
}

static cn_status collect_class(collection *all, const char *folder, const char *name, int label, cni_error *error)
{
    const char **files, *inner = cni_arena_printf(&all->arena, "%s/%s", folder, name);
    int count, pictures = 0, seen = 0;
    if (!inner) return cni_no_memory(error, folder);
    CN_TRY(cni_list_folder(&all->arena, inner, false, &files, &count, error));
    for (int i = 0; i < count; i++) pictures += is_picture(files[i]);
    for (int i = 0; i < count; i++) {
        const char *path = cni_arena_printf(&all->arena, "%s/%s", inner, files[i]);
        if (!is_picture(files[i])) {
            if (!all->passed_over++) all->first_passed_over = path;
            continue;
        }
        if (!add(all, path, label, (seen++ + 0.5) / pictures)) return cni_no_memory(error, inner);
    }
    if (!pictures) return cni_fail(error, CN_ERR_FORMAT, "%s: holds no .png, .jpg or .jpeg", inner);
    return CN_OK;
}

static int by_place(const void *a, const void *b)
{
    const picture *x = a, *y = b;
    if (x->place != y->place) return x->place < y->place ? -1 : 1;
    return x->label != y->label ? x->label - y->label : strcmp(x->path, y->path);
}

/* ---- classes ---- */

static int label_of(const cn_dataset *dataset, const char *name)
{
    for (int i = 0; i < dataset->class_count; i++)
        if (strcmp(dataset->classes[i], name) == 0) return i;
    return -1;
}

static int label_in_model(const cn_model *model, const char *name)
{
    for (int i = 0; model && i < cn_label_count(model); i++)
        if (strcmp(cn_label(model, i), name) == 0) return i;
    return -1;
}

static const char *labels_of(cn_dataset *dataset, const cn_model *model)
{
    enum { SHOWN = 12 };
    const int count = cn_label_count(model);
    const char *all = "";
    for (int i = 0; i < count && i < SHOWN && all; i++)
        all = cni_arena_printf(&dataset->arena, "%s%s%s", all, i ? ", " : "", cn_label(model, i));
    return !all ? "" : count > SHOWN ? cni_arena_printf(&dataset->arena, "%s, ...", all) : all;
}

/* Classes are numbered as the model numbers them: a folder that lacks the first one must not move the others. */
static cn_status take_labels(cn_dataset *dataset, const cn_model *model, cni_error *error)
{
    const int count = cn_label_count(model);
    const char **names = CNI_NEW_ARRAY(&dataset->arena, const char *, (size_t)count);
    for (int i = 0; names && i < count; i++)
        if (!(names[i] = cni_arena_text(&dataset->arena, cn_label(model, i)))) names = NULL;
    if (!names) return cni_no_memory(error, "names of classes");
    dataset->classes = names;
    dataset->class_count = count;
    return CN_OK;
}

static cn_status check_count(const cn_dataset *dataset, const char *folder, const cn_model *model, cni_error *error)
{
    int64_t shape[CN_MAX_RANK] = {0};
    const int rank = model && cn_output_count(model) == 1 ? cn_output_shape(model, 0, shape) : 0;
    if (rank != 2 || shape[1] < 2 || shape[1] >= dataset->class_count) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "%s: %d folders are %d classes (%s, %s, ...), and the model has %lld", folder,
                    dataset->class_count, dataset->class_count, dataset->classes[0], dataset->classes[1],
                    (long long)shape[1]);
}

static cn_status take_classes(cn_dataset *dataset, const char *folder, const cn_model *model, cni_error *error)
{
    const char **names, *stranger = NULL;
    int known = 0;
    CN_TRY(cni_list_folder(&dataset->arena, folder, true, &names, &dataset->class_count, error));
    dataset->classes = names;
    if (!dataset->class_count)
        return cni_fail(error, CN_ERR_FORMAT, "%s: holds no folders; one folder of pictures for each class is expected",
                        folder);
    for (int i = 0; i < dataset->class_count; i++)
        if (label_in_model(model, names[i]) >= 0)
            known++;
        else if (!stranger)
            stranger = names[i];
    if (known == dataset->class_count) return take_labels(dataset, model, error);
    if (known)
        return cni_fail(error, CN_ERR_INVALID,
                        "%s/%s: the model has no such class, but %s; give the folders the names of its classes", folder,
                        stranger, labels_of(dataset, model));
    CN_TRY(check_count(dataset, folder, model, error));
    if (model && cn_label_count(model) > 0)
        dataset->note = cni_arena_printf(
            &dataset->arena,
            "%s: no folder has the name of a class of the model (%s): the folders count in the order of their names",
            folder, labels_of(dataset, model));
    return CN_OK;
}

static cn_status collect(cn_dataset *dataset, const char *folder, collection *all, cni_error *error)
{
    const char **names;
    int count;
    CN_TRY(cni_list_folder(&all->arena, folder, true, &names, &count, error));
    for (int i = 0; i < count; i++) {
        const int label = label_of(dataset, names[i]);
        if (label < 0)
            return cni_fail(error, CN_ERR_FORMAT, "%s/%s: the pictures for training have no such class", folder,
                            names[i]);
        CN_TRY(collect_class(all, folder, names[i], label, error));
    }
    if (!all->count) return cni_fail(error, CN_ERR_FORMAT, "%s: holds no pictures", folder);
    qsort(all->pictures, (size_t)all->count, sizeof *all->pictures, by_place);
    return CN_OK;
}

/* ---- pixels ---- */

static cn_status read_pictures(cn_dataset *dataset, collection *all, cni_picture_form *form, bool may_resize,
                               cn_data *data, cni_error *error)
{
    bool resized;
    CN_TRY(cni_picture_read(all->pictures[0].path, MEMORY, form, true, NULL, 0, &resized, error));
    CN_TRY(cni_pictures_new(&dataset->arena, form, all->count, &data->x, error));
    int32_t *labels = CNI_NEW_ARRAY(&dataset->arena, int32_t, (size_t)all->count);
    if (!labels) return cni_no_memory(error, "labels");
    for (int64_t i = 0; i < all->count; i++) {
        labels[i] = all->pictures[i].label;
        CN_TRY(cni_picture_read(all->pictures[i].path, MEMORY, form, may_resize, &data->x, i, &resized, error));
        all->resized += resized;
    }
    data->y = (cn_array){labels, CN_INT32, 1, {all->count}};
    return CN_OK;
}

static void add_note(cn_dataset *dataset, const char *text)
{
    if (!text) return;
    const char *both = dataset->note ? cni_arena_printf(&dataset->arena, "%s; %s", dataset->note, text) : text;
    if (both) dataset->note = both;
}

static void note(cn_dataset *dataset, const char *folder, const collection *all, const cni_picture_form *form)
{
    if (all->resized)
        add_note(dataset, cni_arena_printf(&dataset->arena, "%s: %lld of %lld pictures resized to %dx%d", folder,
                                           (long long)all->resized, (long long)all->count, form->width, form->height));
    if (all->passed_over)
        add_note(dataset, cni_arena_printf(&dataset->arena, "%d file%s passed over, no PNG or JPEG by name: %s%s",
                                           all->passed_over, all->passed_over == 1 ? "" : "s", all->first_passed_over,
                                           all->passed_over == 1 ? "" : ", ..."));
}

static cn_status load_part(cn_dataset *dataset, const char *folder, cni_picture_form *form, bool may_resize,
                           cn_data *data, cni_error *error)
{
    collection all = {0};
    cn_status status = collect(dataset, folder, &all, error);
    if (!status) status = read_pictures(dataset, &all, form, may_resize, data, error);
    if (!status) note(dataset, folder, &all, form);
    free(all.pictures);
    cni_arena_free(&all.arena);
    return status;
}

cn_status cni_name_picture_folder(cn_dataset *dataset, const char *folder, cni_error *error)
{
    if (!folder || !*folder) return cni_fail(error, CN_ERR_INVALID, "images: a folder is missing; write images:DIR");
    const char *inner = cni_arena_printf(&dataset->arena, "%s/train", folder);
    return take_classes(dataset, inner && is_folder(folder, "train") ? inner : folder, NULL, error);
}

cn_status cni_load_picture_folder(cn_dataset *dataset, const char *folder, const cn_model *model, cni_error *error)
{
    cni_picture_form form;
    CN_TRY(cni_picture_form_of(model, &form, error));
    /* A model knows its colours, a lone folder does not: red, green and blue, as Keras takes it. */
    if (!form.channels) form.channels = 3;
    const bool may_resize = form.height && form.width;
    const bool split = is_folder(folder, "train") && is_folder(folder, "test");
    const char *train = split ? cni_arena_printf(&dataset->arena, "%s/train", folder) : folder;
    const char *test = split ? cni_arena_printf(&dataset->arena, "%s/test", folder) : NULL;
    if (!train || (split && !test)) return cni_no_memory(error, folder);
    CN_TRY(take_classes(dataset, train, model, error));
    CN_TRY(load_part(dataset, train, &form, may_resize, &dataset->train, error));
    return split ? load_part(dataset, test, &form, may_resize, &dataset->test, error) : CN_OK;
}
