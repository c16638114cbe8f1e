/* SPDX-License-Identifier: Apache-2.0
 * Data sets: from a spec to the reader that knows it, and the owner of what it reads. */
#include "data/dataset.h"

#include "base/text.h"
#include "tensor/convert.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static const cni_data_source sources[] = {
    {"fashion-mnist", false, cni_load_fashion_mnist, cni_name_fashion_mnist},
    {"mnist", true, cni_load_mnist, cni_name_mnist},
    {"cifar10", true, cni_load_cifar10, cni_name_cifar10},
    {"images", true, cni_load_picture_folder, cni_name_picture_folder},
};
enum { SOURCES = sizeof sources / sizeof *sources, DEFAULT_MEMORY_GIB = 16 };

/* ---- errors that have no model to live in ---- */

cni_error *cni_data_error(const char **told)
{
    static _Thread_local cni_error error;
    cni_error_clear(&error);
    if (told) *told = NULL;
    return &error;
}

cn_status cni_tell_error(const cni_error *error, const char **told)
{
    if (error->status && told) *told = error->text;
    return error->status;
}

/* ---- the owner ---- */

static cn_status new_dataset(const cn_dataset_options *options, cn_dataset **dataset, cni_error *error)
{
    if (options && options->struct_size != sizeof *options)
        return cni_fail(error, CN_ERR_VERSION, "data: struct_size=%zu; set it to sizeof(cn_dataset_options)",
                        options->struct_size);
    *dataset = calloc(1, sizeof **dataset);
    if (!*dataset) return cni_no_memory(error, "a data set");
    const int64_t memory = options && options->memory > 0 ? options->memory : (int64_t)DEFAULT_MEMORY_GIB << 30;
    cni_arena_init(&(*dataset)->arena, (size_t)memory);
    return CN_OK;
}

/* A data set that could not be loaded is none. */
static cn_status finish(cn_dataset **dataset, const cni_error *error, const char **told)
{
    if (error->status) {
        cn_dataset_free(*dataset);
        *dataset = NULL;
    }
    return cni_tell_error(error, told);
}

void cn_dataset_free(cn_dataset *dataset)
{
    if (!dataset) return;
    cni_arena_free(&dataset->arena);
    free(dataset);
}

static bool has_rows(const cn_data *data)
{
    return data->x.data || data->inputs[0].data;
}

const cn_data *cn_dataset_train(const cn_dataset *dataset)
{
    return has_rows(&dataset->train) ? &dataset->train : NULL;
}

const cn_data *cn_dataset_test(const cn_dataset *dataset)
{
    return has_rows(&dataset->test) ? &dataset->test : NULL;
}

int cn_dataset_class_count(const cn_dataset *dataset)
{
    return dataset->class_count;
}

const char *cn_dataset_class_name(const cn_dataset *dataset, int label)
{
    return label >= 0 && label < dataset->class_count ? dataset->classes[label] : NULL;
}

const char *cn_dataset_row_name(const cn_dataset *dataset, int64_t row)
{
    return dataset->row_names && row >= 0 && row < cn_data_rows(&dataset->test) ? dataset->row_names[row] : NULL;
}

const char *cn_dataset_note(const cn_dataset *dataset)
{
    return dataset->note ? dataset->note : "";
}

int64_t cn_data_rows(const cn_data *data)
{
    const cn_array *first = data->x.data ? &data->x : &data->inputs[0];
    return first->data && first->rank > 0 ? first->shape[0] : 0;
}

void cni_place_arrays(int count, const cn_array *arrays, cn_array *one, cn_array *several)
{
    if (count == 1) *one = arrays[0];
    for (int i = 0; i < count && count > 1; i++) several[i] = arrays[i];
}

double cn_array_value(const cn_array *array, int64_t index)
{
    int64_t count = array->data ? 1 : 0;
    for (int i = 0; i < array->rank; i++) count *= array->shape[i];
    if (index < 0 || index >= count) return NAN;
    switch (array->dtype) { /* float would lose large integers and doubles */
    case CN_FLOAT64:
        return ((const double *)array->data)[index];
    case CN_INT32:
        return ((const int32_t *)array->data)[index];
    case CN_INT64:
        return (double)((const int64_t *)array->data)[index];
    default:
        break;
    }
    float value;
    return cni_array_to_float(array, (size_t)index, 1, &value, NULL) ? NAN : (double)value;
}

/* ---- folders ---- */

typedef struct listing {
    cni_arena *arena;
    const char **names;
    int count, room;
} listing;

static bool add_name(listing *list, const char *name)
{
    if (list->count == list->room) {
        const int room = list->room ? 2 * list->room : 64;
        const char **larger = CNI_NEW_ARRAY(list->arena, const char *, (size_t)room);
        if (!larger) return false;
        if (list->count) memcpy(larger, list->names, (size_t)list->count * sizeof *larger);
        list->names = larger;
        list->room = room;
    }
    return (list->names[list->count++] = cni_arena_text(list->arena, name)) != NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

cn_status cni_list_folder(cni_arena *arena, const char *path, bool folders, const char ***names, int *count,
                          cni_error *error)
{
    listing list = {.arena = arena};
    DIR *folder = opendir(path);
    if (!folder) return cni_fail(error, CN_ERR_IO, "%s: cannot open the folder: %m", path);
    bool fits = true;
    for (struct dirent *entry; fits && (entry = readdir(folder));) {
        struct stat info;
        if (entry->d_name[0] == '.' || fstatat(dirfd(folder), entry->d_name, &info, 0)) continue;
        if (folders ? S_ISDIR(info.st_mode) : S_ISREG(info.st_mode)) fits = add_name(&list, entry->d_name);
    }
    closedir(folder);
    if (!fits) return cni_fail(error, CN_ERR_MEMORY, "%s: no memory for its names", path);
    if (list.count) qsort(list.names, (size_t)list.count, sizeof *list.names, by_name);
    *names = list.names;
    *count = list.count;
    return CN_OK;
}

/* ---- specs ---- */

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcasecmp(text + length - tail, end) == 0;
}

static const cni_data_source *find_source(const char *spec, const char **folder)
{
    const size_t length = strcspn(spec, ":");
    for (size_t i = 0; i < SOURCES; i++)
        if (strlen(sources[i].name) == length && strncmp(spec, sources[i].name, length) == 0) {
            *folder = spec[length] ? spec + length + 1 : NULL;
            return &sources[i];
        }
    return NULL;
}

static cn_status unknown_data(const char *spec, cni_error *error)
{
    const char *names[SOURCES];
    char word[32] = "";
    strncat(word, spec, strcspn(spec, ":") < sizeof word ? strcspn(spec, ":") : sizeof word - 1);
    for (size_t i = 0; i < SOURCES; i++) names[i] = sources[i].name;
    const char *nearest = cni_nearest(word, names, SOURCES);
    struct stat info;
    const char *colon = strchr(spec, ':'), *rest = colon ? colon : "";
    if (!colon && stat(spec, &info) == 0 && S_ISDIR(info.st_mode)) {
        nearest = "images:";
        rest = spec;
    }
    return cni_fail(error, CN_ERR_INVALID,
                    "unknown data '%s'; expected fashion-mnist, mnist:DIR, cifar10:DIR, images:DIR or FILE.npz%s%s%s%s",
                    spec, nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? rest : "",
                    nearest ? "?" : "");
}

static cn_status check_folder(const cni_data_source *source, const char *folder, cni_error *error)
{
    if (source->takes_folder == (folder && *folder)) return CN_OK;
    if (source->takes_folder)
        return cni_fail(error, CN_ERR_INVALID, "%s: a folder is missing; write %s:DIR", source->name, source->name);
    return cni_fail(error, CN_ERR_INVALID, "%s: takes no folder; for IDX files elsewhere write mnist:%s", source->name,
                    folder ? folder : "DIR");
}

static cn_status load(cn_dataset *dataset, const char *spec, const cn_model *model, cni_error *error)
{
    const char *folder = NULL;
    if (ends_with(spec, ".npz")) return cni_load_npz_data(dataset, spec, error);
    const cni_data_source *source = find_source(spec, &folder);
    if (!source) return unknown_data(spec, error);
    CN_TRY(check_folder(source, folder, error));
    CN_TRY(source->load(dataset, folder, model, error));
    CN_TRY(cni_pictures_arrange(&dataset->arena, model, &dataset->train.x, error));
    return cni_pictures_arrange(&dataset->arena, model, &dataset->test.x, error);
}

static cn_status scale(cn_dataset *dataset, const cn_dataset_options *options, cni_error *error)
{
    if (!options || options->scale == 0 || error->status) return error->status;
    if (!isfinite(options->scale))
        return cni_fail(error, CN_ERR_INVALID, "data: scale is %s; a finite number is expected",
                        isnan(options->scale) ? "NaN" : "infinite");
    CN_TRY(cni_data_scale(&dataset->arena, &dataset->train, options->scale, error));
    return cni_data_scale(&dataset->arena, &dataset->test, options->scale, error);
}

cn_status cn_dataset_load(const char *spec, const cn_dataset_options *options, cn_dataset **dataset, const char **error)
{
    cni_error *slot = cni_data_error(error);
    *dataset = NULL;
    if (!new_dataset(options, dataset, slot)) load(*dataset, spec, options ? options->model : NULL, slot);
    if (*dataset) scale(*dataset, options, slot);
    return finish(dataset, slot, error);
}

cn_status cn_dataset_load_inputs(int count, const char *const *paths, const cn_dataset_options *options,
                                 cn_dataset **dataset, const char **error)
{
    cni_error *slot = cni_data_error(error);
    *dataset = NULL;
    if (!new_dataset(options, dataset, slot))
        cni_load_inputs(*dataset, count, paths, options ? options->model : NULL, slot);
    if (*dataset) scale(*dataset, options, slot);
    return finish(dataset, slot, error);
}

/* ---- names of classes ---- */

static cn_status lines_of(cn_dataset *dataset, const char *path, cni_error *error)
{
    enum { MOST = 1 << 24 };
    cni_bytes file;
    listing list = {.arena = &dataset->arena};
    CN_TRY(cni_file_read(&dataset->arena, path, MOST, &file, error));
    char *text = cni_arena_text_n(&dataset->arena, (const char *)file.data, file.size), *rest = text;
    if (!text) return cni_no_memory(error, path);
    for (char *line; (line = strsep(&rest, "\n"));) {
        line[strcspn(line, "\r")] = 0;
        if ((*line || rest) && !add_name(&list, line)) return cni_no_memory(error, path);
    }
    while (list.count && !*list.names[list.count - 1]) list.count--;
    if (!list.count) return cni_fail(error, CN_ERR_FORMAT, "%s: holds no labels; write one a line", path);
    dataset->classes = list.names;
    dataset->class_count = list.count;
    return CN_OK;
}

static cn_status name_classes(cn_dataset *dataset, const char *spec, cni_error *error)
{
    const char *folder = NULL;
    const cni_data_source *source = find_source(spec, &folder);
    if (!source || !source->name_classes) return lines_of(dataset, spec, error);
    return source->name_classes(dataset, folder, error);
}

cn_status cn_dataset_load_labels(const char *spec, cn_dataset **dataset, const char **error)
{
    cni_error *slot = cni_data_error(error);
    *dataset = NULL;
    if (!new_dataset(NULL, dataset, slot)) name_classes(*dataset, spec, slot);
    return finish(dataset, slot, error);
}
