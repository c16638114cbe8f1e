/* SPDX-License-Identifier: Apache-2.0
 * Results to files, each replaced in one step. */
#include "data/dataset.h"

#include "base/text.h"
#include "formats/json.h"
#include "formats/npy.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_npz(const char *path)
{
    const size_t length = strlen(path);
    return length >= 4 && strcasecmp(path + length - 4, ".npz") == 0;
}

static cn_status save_npz(const char *path, int count, const cn_array *arrays, const char *const *names,
                          cni_error *error)
{
    cni_zip_writer zip = {0};
    cn_status status = CN_OK;
    for (int i = 0; i < count && !status; i++) {
        char name[24];
        snprintf(name, sizeof name, "output_%d", i);
        status = cni_npz_add(&zip, names ? names[i] : name, arrays + i, error);
    }
    if (!status) status = cni_zip_finish(&zip, error);
    if (!status) status = cni_file_write(path, cni_buffer_bytes(&zip.bytes), error);
    cni_zip_writer_free(&zip);
    return status;
}

static cn_status save_npy(const char *path, const cn_array *array, cni_error *error)
{
    cni_buffer bytes = {0};
    cn_status status = cni_npy_write(&bytes, array, error);
    if (!status && bytes.failed) status = cni_no_memory(error, path);
    if (!status) status = cni_file_write(path, cni_buffer_bytes(&bytes), error);
    cni_buffer_free(&bytes);
    return status;
}

cn_status cn_arrays_save(const char *path, int count, const cn_array *arrays, const char *const *names,
                         const char **error)
{
    cni_error *slot = cni_data_error(error);
    if (is_npz(path))
        save_npz(path, count, arrays, names, slot);
    else if (count == 1)
        save_npy(path, arrays, slot);
    else
        cni_fail(slot, CN_ERR_INVALID, "%s: %d arrays go into an .npz, not into one .npy", path, count);
    return cni_tell_error(slot, error);
}

static cni_value *numbers(cni_arena *arena, const double *values, const int *integers, int count)
{
    cni_value *list = cni_value_list(arena);
    for (int i = 0; i < count && list; i++)
        if (!cni_value_add(arena, list, NULL,
                           integers ? cni_value_int(arena, integers[i]) : cni_value_real(arena, values[i])))
            return NULL;
    return list;
}

static cni_value *history_value(cni_arena *arena, const cn_history *history)
{
    cni_value *all = cni_value_dict(arena);
    int count;
    for (int i = 0; i < cn_history_count(history) && all; i++) {
        const double *values = cn_history_values(history, i, &count);
        if (!cni_value_add(arena, all, cn_history_name(history, i), numbers(arena, values, NULL, count))) return NULL;
    }
    const int *epochs = cn_history_epochs(history, &count);
    return all && cni_value_add(arena, all, "epoch", numbers(arena, NULL, epochs, count)) ? all : NULL;
}

cn_status cn_history_save(const cn_history *history, const char *path, const char **error)
{
    cni_error *slot = cni_data_error(error);
    cni_arena arena = {0};
    cni_bytes bytes;
    cni_value *all = history_value(&arena, history);
    if (!all)
        cni_no_memory(slot, path);
    else if (!cni_json_write(&arena, all, 0, &bytes, slot))
        cni_file_write(path, bytes, slot);
    cni_arena_free(&arena);
    return cni_tell_error(slot, error);
}

cn_status cn_text_save(const char *path, const char *text, const char **error)
{
    cni_error *slot = cni_data_error(error);
    cni_file_write(path, (cni_bytes){(const uint8_t *)text, strlen(text)}, slot);
    return cni_tell_error(slot, error);
}
