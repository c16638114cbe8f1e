/* SPDX-License-Identifier: Apache-2.0
 * CIFAR-10's binary version: data_batch_1.bin to data_batch_5.bin, test_batch.bin. */
#include "data/dataset.h"

#include "formats/cifar.h"

#include <string.h>
#include <sys/stat.h>

static const char *const names[] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                    "dog",      "frog",       "horse", "ship", "truck"};
enum { RECORD = 1 + 3 * 32 * 32 };

static bool is_batch(const char *name, const char *prefix)
{
    const size_t length = strlen(name);
    return strncmp(name, prefix, strlen(prefix)) == 0 && length > 4 && strcmp(name + length - 4, ".bin") == 0;
}

static cn_status add_file(cni_buffer *records, const char *folder, const char *name, cni_error *error)
{
    cni_arena arena = {0};
    cni_bytes file;
    const char *path = cni_arena_printf(&arena, "%s/%s", folder, name);
    cn_status status =
        path ? cni_file_read(&arena, path, (uint64_t)1 << 30, &file, error) : cni_no_memory(error, folder);
    if (!status && file.size % RECORD)
        status = cni_fail(error, CN_ERR_FORMAT, "%s: %zu bytes are not a whole number of records of %d", path,
                          file.size, RECORD);
    if (!status) cni_buffer_add(records, file.data, file.size);
    cni_arena_free(&arena);
    return status;
}

/* The files of one part are read as one: records behind records. */
static cn_status read_part(cn_dataset *dataset, const char *folder, const char **files, int count, const char *prefix,
                           cn_data *data, cni_error *error)
{
    cni_buffer records = {0};
    cn_status status = CN_OK;
    for (int i = 0; i < count && !status; i++)
        if (is_batch(files[i], prefix)) status = add_file(&records, folder, files[i], error);
    if (!status && records.failed) status = cni_no_memory(error, folder);
    if (!status && records.size &&
        cni_cifar10_read(&dataset->arena, cni_buffer_bytes(&records), &data->x, &data->y, error))
        status = cni_fail_in(error, "%s/%s", folder, prefix);
    cni_buffer_free(&records);
    return status;
}

cn_status cni_name_cifar10(cn_dataset *dataset, const char *folder, cni_error *error)
{
    (void)folder, (void)error;
    dataset->classes = names;
    dataset->class_count = sizeof names / sizeof *names;
    return CN_OK;
}

cn_status cni_load_cifar10(cn_dataset *dataset, const char *folder, const cn_model *model, cni_error *error)
{
    (void)model;
    struct stat info;
    const char **files;
    int count;
    /* What the archive unpacks to. */
    const char *inner = cni_arena_printf(&dataset->arena, "%s/cifar-10-batches-bin", folder);
    if (inner && stat(inner, &info) == 0 && S_ISDIR(info.st_mode)) folder = inner;
    CN_TRY(cni_list_folder(&dataset->arena, folder, false, &files, &count, error));
    CN_TRY(read_part(dataset, folder, files, count, "data_batch", &dataset->train, error));
    CN_TRY(read_part(dataset, folder, files, count, "test_batch", &dataset->test, error));
    if (!dataset->train.x.data && !dataset->test.x.data)
        return cni_fail(error, CN_ERR_IO,
                        "%s: there is no data_batch_1.bin; CIFAR-10's binary version is expected "
                        "(cifar-10-binary.tar.gz, unpacked)",
                        folder);
    return cni_name_cifar10(dataset, folder, error);
}
