/* SPDX-License-Identifier: Apache-2.0
 * Reading a dataset's data: one run of elements at a time, from the file or a chunk to where the caller wants them. */
#include "base/pages.h"
#include "formats/hdf5/hdf5_internal.h"

#include "formats/inflate.h"

#include <string.h>

/* Where elements go. */
typedef struct sink {
    const cni_h5_type *type;
    bool raw;
    cni_h5_number as;
    unsigned char *out;
    size_t step; /* bytes of an element in `out` */
} sink;

static bool put(const sink *to, const unsigned char *from, size_t count, size_t at)
{
    unsigned char *out = to->out + at * to->step;
    if (!to->raw) return cni_h5_convert(to->type, from, count, to->as, out);
    if (count) memcpy(out, from, count * to->step);
    return true;
}

static cn_status fail(const cni_h5_object *dataset, cni_error *error, cn_status status, const char *text)
{
    char shown[72];
    return cni_h5_fail(dataset->file, error, status, dataset->address, "dataset \"%s\" %s",
                       cni_h5_show(dataset->path, shown), text);
}

static cn_status misfit(const cni_h5_object *dataset, cni_error *error)
{
    return fail(dataset, error, CN_ERR_NUMERIC, "holds a number that does not fit the integers expected");
}

enum { MOST_RANK = 8 };

/* ---- Checks before anything is read ---- */

static cn_status check_limits(const cni_h5_object *dataset, cni_error *error)
{
    const cni_limits *limits = &dataset->file->limits;
    const cni_h5_info *info = &dataset->info;
    if (dataset->refusal) return fail(dataset, error, CN_ERR_UNSUPPORTED, dataset->refusal);
    if (info->rank > MOST_RANK) return fail(dataset, error, CN_ERR_LIMIT, "has more than 8 dimensions");
    for (unsigned i = 0; i < info->rank; i++)
        if (info->dims[i] > limits->dimension)
            return fail(dataset, error, CN_ERR_LIMIT, "is longer in one dimension than the limit allows");
    if (info->count > limits->elements || info->count > SIZE_MAX / info->type.size)
        return fail(dataset, error, CN_ERR_LIMIT, "has more elements than the limit allows");
    return CN_OK;
}

/* Bytes that the dataset declares against bytes that the file stores for it; summed over all that is read. */
static cn_status check_expansion(cni_h5_object *dataset, cni_error *error)
{
    cni_h5 *file = dataset->file;
    uint64_t stored = 0;
    if (dataset->layout.class != CNI_H5_CHUNKED && dataset->layout.at != CNI_H5_UNDEFINED)
        stored = dataset->layout.size;
    for (size_t i = 0; i < dataset->chunk_count; i++) stored += dataset->chunks[i].size;
    uint64_t declared = dataset->info.count * dataset->info.type.size, unpacked;
    if (__builtin_mul_overflow(dataset->chunk_count, dataset->layout.chunk_bytes, &unpacked)) unpacked = UINT64_MAX;
    if (declared < unpacked) declared = unpacked; /* chunks may be far larger than the shape that they fill */
    if (declared > UINT64_MAX - file->declared || stored > UINT64_MAX - file->stored)
        return fail(dataset, error, CN_ERR_LIMIT, "is one too many to read");
    file->declared += declared;
    file->stored += stored;
    cn_status status = cni_check_expansion(file->stored, file->declared, &file->limits, error);
    return status ? cni_fail_in(error, "@0x%zx", dataset->address + file->base) : CN_OK;
}

/* The data's place in the file, claimed once. */
static cn_status claim_data(cni_h5_object *dataset, cni_error *error)
{
    const cni_h5_layout *layout = &dataset->layout;
    if (dataset->data_claimed) return CN_OK;
    if (layout->class == CNI_H5_CHUNKED) CN_TRY(cni_h5_read_chunk_index(dataset, error));
    if (layout->class != CNI_H5_CHUNKED && layout->at != CNI_H5_UNDEFINED) {
        if (layout->size < dataset->info.count * dataset->info.type.size)
            return fail(dataset, error, CN_ERR_FORMAT, "stores fewer bytes than its shape demands");
        if (layout->class == CNI_H5_CONTIGUOUS)
            CN_TRY(cni_h5_claim_bytes(dataset->file, layout->at, layout->size, "data of a dataset", NULL, error));
    }
    dataset->data_claimed = true;
    return CN_OK;
}

static cn_status prepare(cni_h5_object *dataset, cni_error *error)
{
    if (dataset->kind != CNI_H5_DATASET)
        return cni_h5_fail(dataset->file, error, CN_ERR_FORMAT, dataset->address, "a dataset is expected here");
    CN_TRY(check_limits(dataset, error));
    CN_TRY(claim_data(dataset, error));
    return check_expansion(dataset, error);
}

/* ---- Elements that nobody wrote ---- */

static cn_status put_fill(const cni_h5_object *dataset, const sink *to, cni_error *error)
{
    const size_t count = (size_t)dataset->info.count;
    if (!dataset->fill) {
        if (count) memset(to->out, 0, count * to->step);
        return CN_OK;
    }
    for (size_t i = 0; i < count; i++)
        if (!put(to, dataset->fill, 1, i)) return misfit(dataset, error);
    return CN_OK;
}

/* ---- Chunks ---- */

/* Copies what lies inside the dataset's shape: a run along the last axis for each index of the others. */
static cn_status put_chunk(const cni_h5_object *dataset, const cni_h5_chunk *chunk, const unsigned char *bytes,
                           const sink *to, cni_error *error)
{
    const cni_h5_info *info = &dataset->info;
    const uint64_t *shape = dataset->layout.chunk;
    const unsigned last = info->rank - 1;
    uint64_t index[CNI_H5_MAX_RANK] = {0}, inside[CNI_H5_MAX_RANK], offset[CNI_H5_MAX_RANK];
    cni_h5_chunk_offset(dataset, chunk, offset);
    for (unsigned i = 0; i <= last; i++) {
        const uint64_t left = info->dims[i] - offset[i];
        inside[i] = left < shape[i] ? left : shape[i];
    }
    for (;;) {
        uint64_t from = 0, at = 0;
        for (unsigned i = 0; i <= last; i++) {
            from = from * shape[i] + index[i];
            at = at * info->dims[i] + offset[i] + index[i];
        }
        if (!put(to, bytes + from * info->type.size, (size_t)inside[last], (size_t)at)) return misfit(dataset, error);
        unsigned axis = last;
        while (axis > 0 && ++index[axis - 1] == inside[axis - 1]) index[--axis] = 0;
        if (!axis) return CN_OK;
    }
}

static bool at_edge(const cni_h5_object *dataset, const cni_h5_chunk *chunk)
{
    uint64_t offset[CNI_H5_MAX_RANK];
    cni_h5_chunk_offset(dataset, chunk, offset);
    for (unsigned i = 0; i < dataset->info.rank; i++)
        if (dataset->info.dims[i] - offset[i] < dataset->layout.chunk[i]) return true;
    return false;
}

static cn_status read_chunks(cni_h5_object *dataset, const sink *to, cni_error *error)
{
    CN_TRY(put_fill(dataset, to, error));
    for (size_t i = 0; i < dataset->chunk_count; i++) {
        cni_h5_chunk chunk = dataset->chunks[i];
        if (dataset->layout.flags & 1 && at_edge(dataset, &chunk)) chunk.mask = UINT32_MAX;
        const unsigned char *bytes = NULL;
        CN_TRY(cni_h5_unfilter(dataset, &chunk, &bytes, error));
        CN_TRY(put_chunk(dataset, &chunk, bytes, to, error));
    }
    return CN_OK;
}

/* ---- The calls ---- */

/* What has been read of a file that is consumed is given back piece by piece: a network may be one large matrix. */
static bool put_pieces(const cni_h5_object *dataset, const unsigned char *bytes, const sink *to)
{
    enum { PIECE = 1 << 20 };
    const size_t count = (size_t)dataset->info.count, size = dataset->info.type.size;
    for (size_t done = 0; done < count; done += PIECE) {
        const size_t some = count - done < PIECE ? count - done : PIECE;
        if (!put(to, bytes + done * size, some, done)) return false;
        if (dataset->file->consumed) cni_pages_drop((void *)(uintptr_t)(bytes + done * size), some * size);
    }
    return true;
}

static cn_status read_all(cni_h5_object *dataset, const sink *to, cni_error *error)
{
    const cni_h5_layout *layout = &dataset->layout;
    if (!dataset->info.count) return CN_OK;
    if (layout->class == CNI_H5_CHUNKED) return read_chunks(dataset, to, error);
    if (layout->at == CNI_H5_UNDEFINED) return put_fill(dataset, to, error);
    cni_h5_cursor cursor = cni_h5_read_at(dataset->file, layout->at, layout->size, "data of a dataset", error);
    const unsigned char *bytes = cni_h5_take(&cursor, layout->size);
    CN_TRY(cursor.status);
    return put_pieces(dataset, bytes, to) ? CN_OK : misfit(dataset, error);
}

void cni_h5_consume(cni_h5 *file)
{
    file->consumed = true;
}

uint64_t cni_h5_place(const cni_h5_object *dataset, cni_h5_number as)
{
    const cni_h5_layout *layout = &dataset->layout;
    if (layout->class != CNI_H5_CONTIGUOUS || layout->at == CNI_H5_UNDEFINED) return 0;
    return cni_h5_plain(&dataset->info.type, as) ? layout->at + dataset->file->base : 0;
}

cn_status cni_h5_dataset_info(cni_h5_object *dataset, cni_h5_info *info, cni_error *error)
{
    if (dataset->kind != CNI_H5_DATASET)
        return cni_h5_fail(dataset->file, error, CN_ERR_FORMAT, dataset->address, "a dataset is expected here");
    *info = dataset->info;
    return CN_OK;
}

cn_status cni_h5_read(cni_h5_object *dataset, cni_h5_number as, void *out, size_t count, cni_error *error)
{
    const cni_h5_info *info = &dataset->info;
    char shown[72];
    if (dataset->kind == CNI_H5_DATASET && !cni_h5_convertible(&info->type, as))
        return cni_h5_fail(dataset->file, error, CN_ERR_UNSUPPORTED, dataset->address,
                           "dataset \"%s\" is of type %s; %s expected", cni_h5_show(dataset->path, shown),
                           info->type.name,
                           as == CNI_H5_F32 || as == CNI_H5_F64 ? "real or integer numbers were" : "integers were");
    CN_TRY(prepare(dataset, error));
    if (count != info->count)
        return cni_h5_fail(dataset->file, error, CN_ERR_SHAPE, dataset->address,
                           "dataset \"%s\" has %llu elements; %zu expected", cni_h5_show(dataset->path, shown),
                           (unsigned long long)info->count, count);
    const sink to = {.type = &info->type, .as = as, .out = out, .step = cni_h5_number_size(as)};
    return read_all(dataset, &to, error);
}

cn_status cni_h5_read_raw(cni_h5_object *dataset, void *out, size_t size, cni_error *error)
{
    const cni_h5_info *info = &dataset->info;
    CN_TRY(prepare(dataset, error));
    if (info->type.class == CNI_H5_OTHER || info->type.class == CNI_H5_TEXT_VARIABLE)
        return fail(dataset, error, CN_ERR_UNSUPPORTED, "has elements that are not plain bytes");
    if (size != info->count * info->type.size)
        return fail(dataset, error, CN_ERR_SHAPE, "has another size than expected");
    const sink to = {.type = &info->type, .raw = true, .out = out, .step = info->type.size};
    return read_all(dataset, &to, error);
}

/* Texts lie in the file (contiguous, compact); those in chunks would have to stay in memory first. */
cn_status cni_h5_read_texts(cni_h5_object *dataset, const char *const **texts, size_t *count, cni_error *error)
{
    CN_TRY(prepare(dataset, error));
    const cni_h5_layout *layout = &dataset->layout;
    if (dataset->info.count && (layout->class == CNI_H5_CHUNKED || layout->at == CNI_H5_UNDEFINED))
        return fail(dataset, error, CN_ERR_UNSUPPORTED, "has texts in chunks, or none written");
    cni_h5_cursor cursor = cni_h5_read_at(dataset->file, dataset->info.count ? layout->at : 0,
                                          dataset->info.count ? layout->size : 0, "data of a dataset", error);
    CN_TRY(cni_h5_make_texts(dataset->file, &dataset->info, cursor, texts, error));
    *count = (size_t)dataset->info.count;
    return CN_OK;
}
