/* SPDX-License-Identifier: Apache-2.0
 * Weights that need not be in memory. */
#include "model/stored.h"

#include "model/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { LEAST_BYTES = 1 << 16 }; /* what is smaller stays */

typedef struct stored {
    int fd;
    struct stat info;
    int64_t weights_at;
} stored;

static void close_file(void *data)
{
    stored *file = data;
    if (!file) return;
    close(file->fd);
    free(file);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void mark(void *user, cn_layer *layer, cni_variable *weight, bool frozen)
{
    (void)layer, (void)frozen;
    const bool keep = *(const bool *)user && cni_shape_count(&weight->shape, 0) * (int64_t)sizeof(float) >= LEAST_BYTES;
    weight->stored_version = keep && weight->stored_at ? weight->version : 0;
}

void cni_model_keep_file(cn_model *model, const char *path, const struct stat *before)
{
    stored *file = model->weights_at > 0 ? calloc(1, sizeof *file) : NULL;
    if (!file) return;
    file->weights_at = model->weights_at;
    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file->fd < 0 || fstat(file->fd, &file->info) || !same_file(&file->info, before)) {
        if (file->fd >= 0) close(file->fd);
        free(file);
        return;
    }
    model->attachments[CNI_ATTACH_FILE] = (cni_attachment){file, close_file};
    cni_model_weights(model, mark, &(bool){true});
}

void cni_model_forget_file(cn_model *model)
{
    if (!model->attachments[CNI_ATTACH_FILE].data) return;
    cni_model_weights(model, mark, &(bool){false});
    cni_model_detach(model, CNI_ATTACH_FILE);
}

typedef struct reading {
    const stored *file;
    cni_error *error;
} reading;

static bool read_all(int fd, void *data, size_t size, int64_t at)
{
    for (size_t done = 0; done < size;) {
        const ssize_t got = pread(fd, (char *)data + done, size - done, (off_t)at + (off_t)done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        done += (size_t)got;
    }
    return true;
}

static bool unchanged(const stored *file)
{
    struct stat now;
    return fstat(file->fd, &now) == 0 && same_file(&file->info, &now);
}

static void read_again(void *user, cn_layer *layer, cni_variable *weight, bool frozen)
{
    (void)frozen;
    reading *r = user;
    if (!weight->dropped || r->error->status) return;
    const size_t bytes = (size_t)cni_shape_count(&weight->shape, 0) * sizeof(float);
    const int64_t at = r->file ? r->file->weights_at + (int64_t)weight->stored_at : 0;
    if (r->file && read_all(r->file->fd, weight->data, bytes, at) && unchanged(r->file))
        weight->dropped = false;
    else
        cni_fail(r->error, CN_ERR_IO,
                 "%s: its weights were to be read again, but the model's file has changed since it was loaded",
                 CNI_LABEL(layer));
}

cn_status cni_model_read_dropped(cn_model *model, cni_error *error)
{
    const cn_model *whole = model;
    while (whole->outer) whole = whole->outer;
    reading r = {whole->attachments[CNI_ATTACH_FILE].data, error};
    cni_model_weights(model, read_again, &r);
    return error->status;
}
