/* SPDX-License-Identifier: Apache-2.0
 * MNIST and what comes in its files: Fashion-MNIST, and others with pictures and labels as IDX. */
#include "data/dataset.h"

#include "formats/idx.h"

#include <stdio.h>
#include <unistd.h>

static const char *const clothes[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                      "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
static const char *const digits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
enum { CLASSES = 10 };

#define FASHION_FOLDER "/usr/share/datasets/fashion-mnist"

/* yann.lecun.com names the files with a hyphen, some copies with a dot. */
static const char *find_file(cni_arena *arena, const char *folder, const char *part, const char *kind)
{
    static const char marks[] = {'-', '.'};
    static const char *const endings[] = {"", ".gz"};
    for (int i = 0; i < 4; i++) {
        const char *path =
            cni_arena_printf(arena, "%s/%s%c%s-ubyte%s", folder, part, marks[i / 2], kind, endings[i % 2]);
        if (path && access(path, F_OK) == 0) return path;
    }
    return NULL;
}

static cn_status read_array(cni_arena *arena, const char *path, int rank, cn_array *out, cni_error *error)
{
    cni_bytes file;
    CN_TRY(cni_file_read(arena, path, (uint64_t)8 << 30, &file, error));
    if (cni_idx_read(arena, file, NULL, out, error)) return cni_fail_in(error, "%s", path);
    if (out->rank == rank || (rank == 3 && out->rank == 4)) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "%s: an array of rank %d; %s expected", path, out->rank,
                    rank == 1 ? "labels, of rank 1," : "pictures, of rank 3 or 4,");
}

static cn_status read_part(cn_dataset *dataset, const char *folder, const char *part, bool needed, cn_data *data,
                           cni_error *error)
{
    char images_name[32], labels_name[32];
    snprintf(images_name, sizeof images_name, "%s-images", part);
    snprintf(labels_name, sizeof labels_name, "%s-labels", part);
    const char *images = find_file(&dataset->arena, folder, images_name, "idx3");
    const char *labels = find_file(&dataset->arena, folder, labels_name, "idx1");
    if (!images && !labels && !needed) return CN_OK;
    if (!images || !labels)
        return cni_fail(error, CN_ERR_IO, "%s: there is no %s-%s-ubyte (or .gz)", folder,
                        images ? labels_name : images_name, images ? "idx1" : "idx3");
    CN_TRY(read_array(&dataset->arena, images, 3, &data->x, error));
    CN_TRY(read_array(&dataset->arena, labels, 1, &data->y, error));
    if (data->x.shape[0] == data->y.shape[0]) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "%s: %lld pictures, but %s has %lld labels", images,
                    (long long)data->x.shape[0], labels, (long long)data->y.shape[0]);
}

static cn_status read_both(cn_dataset *dataset, const char *folder, cni_error *error)
{
    CN_TRY(read_part(dataset, folder, "train", true, &dataset->train, error));
    return read_part(dataset, folder, "t10k", false, &dataset->test, error);
}

cn_status cni_name_mnist(cn_dataset *dataset, const char *folder, cni_error *error)
{
    (void)folder, (void)error;
    dataset->classes = digits;
    dataset->class_count = CLASSES;
    return CN_OK;
}

cn_status cni_name_fashion_mnist(cn_dataset *dataset, const char *folder, cni_error *error)
{
    (void)folder, (void)error;
    dataset->classes = clothes;
    dataset->class_count = CLASSES;
    return CN_OK;
}

cn_status cni_load_mnist(cn_dataset *dataset, const char *folder, const cn_model *model, cni_error *error)
{
    (void)model;
    return read_both(dataset, folder, error); /* what its labels mean is not known: EMNIST has such files too */
}

cn_status cni_load_fashion_mnist(cn_dataset *dataset, const char *folder, const cn_model *model, cni_error *error)
{
    (void)folder, (void)model;
    if (access(FASHION_FOLDER, F_OK))
        return cni_fail(error, CN_ERR_IO,
                        "fashion-mnist: there is no " FASHION_FOLDER "; install Debian's package: apt-get install "
                        "dataset-fashion-mnist (or give the folder of the IDX files as mnist:DIR)");
    CN_TRY(cni_name_fashion_mnist(dataset, NULL, error));
    return read_both(dataset, FASHION_FOLDER, error);
}
