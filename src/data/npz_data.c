/* SPDX-License-Identifier: Apache-2.0
 * Arrays of an .npz by their names: x_train, y_train, x_test, y_test, sample_weight; or x, y. */
#include "data/dataset.h"

#include "formats/npy.h"

#include <stdio.h>
#include <string.h>

typedef struct archive {
    const char *path;
    cni_arena *arena;
    cni_zip zip;
    cni_error *error;
} archive;

static bool has(const archive *in, const char *name)
{
    return cni_npz_has(&in->zip, name);
}

static cn_status read_array(archive *in, const char *name, cn_array *out)
{
    if (cni_npz_read(in->arena, &in->zip, name, NULL, out, in->error)) return cni_fail_in(in->error, "%s", in->path);
    return CN_OK;
}

/* x; or x_0, x_1, ...; or x0, x1, ... */
static cn_status read_group(archive *in, const char *name, int *count, cn_array arrays[CN_MAX_ARRAYS])
{
    static const char *const forms[] = {"%s_%d", "%s%d"};
    *count = 0;
    if (has(in, name)) {
        *count = 1;
        return read_array(in, name, arrays);
    }
    for (int form = 0; form < 2 && !*count; form++)
        for (char member[40];;) {
            snprintf(member, sizeof member, form ? "%s%d" : "%s_%d", name, *count);
            if (!has(in, member)) break;
            if (*count == CN_MAX_ARRAYS)
                return cni_fail(in->error, CN_ERR_LIMIT, "%s: more than %d arrays %s", in->path, CN_MAX_ARRAYS,
                                forms[form]);
            CN_TRY(read_array(in, member, arrays + (*count)++));
        }
    return CN_OK;
}

static const char *names_of(const archive *in)
{
    enum { SHOWN = 12 };
    const char *all = "";
    for (size_t i = 0; i < in->zip.count && i < SHOWN; i++) {
        const char *name = in->zip.members[i].name;
        const size_t length = strlen(name), tail = length > 4 && strcmp(name + length - 4, ".npy") == 0 ? 4 : 0;
        all = cni_arena_printf(in->arena, "%s%s%.*s", all, i ? ", " : "",
                               (int)(length - tail > 40 ? 40 : length - tail), name);
        if (!all) return "";
    }
    return in->zip.count > SHOWN ? cni_arena_printf(in->arena, "%s, ...", all) : all;
}

/* True when the part is there. */
static cn_status read_part(archive *in, const char *x, const char *y, cn_data *data, bool *found)
{
    int inputs, targets;
    cn_array arrays[CN_MAX_ARRAYS];
    CN_TRY(read_group(in, x, &inputs, arrays));
    *found = inputs > 0;
    if (!inputs) return CN_OK;
    cni_place_arrays(inputs, arrays, &data->x, data->inputs);
    if (!y) return CN_OK;
    CN_TRY(read_group(in, y, &targets, arrays));
    if (!targets)
        return cni_fail(in->error, CN_ERR_FORMAT, "%s: holds %s but no %s; its arrays are %s", in->path, x, y,
                        names_of(in));
    cni_place_arrays(targets, arrays, &data->y, data->targets);
    return CN_OK;
}

static cn_status open_archive(archive *in)
{
    cni_bytes file;
    CN_TRY(cni_file_read(in->arena, in->path, (uint64_t)16 << 30, &file, in->error));
    if (cni_zip_open(in->arena, file, NULL, &in->zip, in->error)) return cni_fail_in(in->error, "%s", in->path);
    return CN_OK;
}

cn_status cni_load_npz_data(cn_dataset *dataset, const char *path, cni_error *error)
{
    archive in = {path, &dataset->arena, {0}, error};
    bool train, test;
    CN_TRY(open_archive(&in));
    CN_TRY(read_part(&in, "x_train", "y_train", &dataset->train, &train));
    CN_TRY(read_part(&in, "x_test", "y_test", &dataset->test, &test));
    if (!train && !test) CN_TRY(read_part(&in, "x", "y", &dataset->train, &train));
    if (!train && !test)
        return cni_fail(error, CN_ERR_FORMAT, "%s: holds neither x_train and y_train nor x and y; its arrays are %s",
                        path, names_of(&in));
    if (train && has(&in, "sample_weight")) return read_array(&in, "sample_weight", &dataset->train.sample_weight);
    return CN_OK;
}

cn_status cni_load_npz_inputs(cn_dataset *dataset, const char *path, cni_error *error)
{
    static const char *const names[] = {"x_test", "x", "x_train", "input", "output"};
    archive in = {path, &dataset->arena, {0}, error};
    bool found = false;
    CN_TRY(open_archive(&in));
    for (size_t i = 0; i < sizeof names / sizeof *names && !found; i++)
        CN_TRY(read_part(&in, names[i], NULL, &dataset->test, &found));
    if (found && has(&in, "x_test") && has(&in, "x_train"))
        dataset->note = cni_arena_printf(in.arena, "%s: x_test is taken, not x_train", path);
    if (found) return CN_OK;
    if (in.zip.count == 1) { /* whatever its name */
        char name[256];
        snprintf(name, sizeof name, "%s", in.zip.members[0].name);
        const size_t length = strlen(name);
        if (length > 4) name[length - 4] = 0;
        return read_array(&in, name, &dataset->test.x);
    }
    return cni_fail(error, CN_ERR_FORMAT, "%s: holds no x_test, x or x_0, x_1, ...; its arrays are %s", path,
                    names_of(&in));
}
