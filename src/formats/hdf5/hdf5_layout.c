/* SPDX-License-Identifier: Apache-2.0
 * What a dataset's header says: shape, type, layout, filters, fill value; and whether its data can be read. */
#include "formats/hdf5/hdf5_internal.h"

static cn_status refuse(cni_h5_object *dataset, const char *reason)
{
    if (!dataset->refusal) dataset->refusal = reason;
    return CN_OK;
}

/* ---- Layout (IV.A.2.i) ---- */

static void set_chunk(cni_h5_cursor *cursor, cni_h5_object *dataset, unsigned count, unsigned width)
{
    cni_h5_layout *layout = &dataset->layout;
    if (count < 2 || count > CNI_H5_MAX_RANK + 1 || count != dataset->info.rank + 1) {
        cni_h5_cursor_fail(cursor, CN_ERR_FORMAT, "chunks of %u dimensions for a dataset of %u", count - 1,
                           dataset->info.rank);
        return;
    }
    layout->chunk_bytes = 1;
    for (unsigned i = 0; i < count; i++) {
        const uint64_t size = cni_h5_u(cursor, width);
        const bool fits = size && !__builtin_mul_overflow(layout->chunk_bytes, size, &layout->chunk_bytes) &&
                          layout->chunk_bytes <= UINT32_MAX; /* libhdf5's own limit */
        if (!fits) cni_h5_cursor_fail(cursor, CN_ERR_FORMAT, "chunk has no elements or more than 4 GiB");
        if (i + 1 < count)
            layout->chunk[i] = size;
        else if (size != dataset->info.type.size)
            cni_h5_cursor_fail(cursor, CN_ERR_FORMAT, "chunk's elements have %llu bytes, the datatype %u",
                               (unsigned long long)size, dataset->info.type.size);
        if (cursor->status) return;
    }
}

/* Versions 1 and 2: rank, class, 5 reserved, [address], dimensions of 4 bytes, [size and data]. */
static void read_layout_1(cni_h5_cursor *cursor, cni_h5_object *dataset)
{
    cni_h5_layout *layout = &dataset->layout;
    const unsigned count = cni_h5_u8(cursor);
    layout->class = cni_h5_u8(cursor);
    cni_h5_skip(cursor, 5);
    if (layout->class != CNI_H5_COMPACT) layout->at = cni_h5_address(cursor);
    if (layout->class == CNI_H5_CHUNKED)
        set_chunk(cursor, dataset, count, 4);
    else
        cni_h5_skip(cursor, 4u * count);
    if (__builtin_mul_overflow(dataset->info.count, dataset->info.type.size, &layout->size))
        cni_h5_cursor_fail(cursor, CN_ERR_FORMAT, "dataset of more than 2^64 bytes");
    if (layout->class == CNI_H5_COMPACT) {
        layout->size = cni_h5_u32(cursor);
        layout->at = cursor->at;
        cni_h5_skip(cursor, layout->size);
    }
}

static void read_chunk_index(cni_h5_cursor *cursor, cni_h5_layout *layout)
{
    layout->index = cni_h5_u8(cursor);
    if (layout->index == CNI_H5_INDEX_SINGLE && layout->flags & 2) {
        layout->size = cni_h5_length(cursor);
        layout->mask = cni_h5_u32(cursor);
    } else if (layout->index == CNI_H5_INDEX_FIXED) {
        layout->page_bits = cni_h5_u8(cursor);
    } else if (layout->index == CNI_H5_INDEX_EXTENSIBLE) {
        cni_h5_skip(cursor, 5);
    } else if (layout->index == CNI_H5_INDEX_TREE2) {
        cni_h5_skip(cursor, 6);
    } else if (layout->index < CNI_H5_INDEX_SINGLE || layout->index > CNI_H5_INDEX_TREE2) {
        cni_h5_cursor_fail(cursor, CN_ERR_UNSUPPORTED, "chunk index of unknown type %u", (unsigned)layout->index);
    }
}

/* Versions 3 to 5: class, then what the class needs.  Version 5 (HDF5 2.0) only widens sizes in the chunk indices,
 * which say themselves how wide they are. */
static void read_layout_3(cni_h5_cursor *cursor, cni_h5_object *dataset, unsigned version)
{
    cni_h5_layout *layout = &dataset->layout;
    layout->class = cni_h5_u8(cursor);
    if (layout->class == CNI_H5_COMPACT) {
        layout->size = cni_h5_u16(cursor);
        layout->at = cursor->at;
        cni_h5_skip(cursor, layout->size);
    } else if (layout->class == CNI_H5_CONTIGUOUS) {
        layout->at = cni_h5_address(cursor);
        layout->size = cni_h5_length(cursor);
    } else if (layout->class == CNI_H5_CHUNKED && version == 3) {
        const unsigned count = cni_h5_u8(cursor);
        layout->at = cni_h5_address(cursor);
        set_chunk(cursor, dataset, count, 4);
    } else if (layout->class == CNI_H5_CHUNKED) {
        layout->flags = cni_h5_u8(cursor);
        const unsigned count = cni_h5_u8(cursor), width = cni_h5_u8(cursor);
        if (width < 1 || width > 8)
            cni_h5_cursor_fail(cursor, CN_ERR_FORMAT, "chunk dimensions of %u bytes", width);
        else
            set_chunk(cursor, dataset, count, width);
        read_chunk_index(cursor, layout);
        layout->at = cni_h5_address(cursor);
    }
}

static cn_status read_layout(cni_h5_object *dataset, const cni_h5_message *message, cni_error *error)
{
    cni_h5_cursor cursor = cni_h5_message_cursor(dataset, message, "layout message", error);
    const unsigned version = cni_h5_u8(&cursor);
    if (version == 1 || version == 2)
        read_layout_1(&cursor, dataset);
    else if (version >= 3 && version <= 5)
        read_layout_3(&cursor, dataset, version);
    else
        return cni_h5_cursor_fail(&cursor, CN_ERR_FORMAT, "layout version %u; 1 to 5 are supported", version);
    CN_TRY(cursor.status);
    if (dataset->layout.class > CNI_H5_VIRTUAL)
        return cni_h5_cursor_fail(&cursor, CN_ERR_FORMAT, "layout of unknown class %u",
                                  (unsigned)dataset->layout.class);
    if (dataset->layout.class == CNI_H5_VIRTUAL) return refuse(dataset, "is a virtual dataset, stored elsewhere");
    return CN_OK;
}

/* ---- Filters (IV.A.2.l) ---- */

static void read_filter(cni_h5_cursor *cursor, unsigned version, cni_h5_filter *filter)
{
    filter->id = cni_h5_u16(cursor);
    const unsigned name = version == 1 || filter->id >= 256 ? cni_h5_u16(cursor) : 0;
    cni_h5_skip(cursor, 2); /* flags: optional filters are refused like others */
    const unsigned count = cni_h5_u16(cursor);
    cni_h5_skip(cursor, version == 1 ? (name + 7) / 8 * 8 : name);
    if (count) filter->parameter = cni_h5_u32(cursor);
    cni_h5_skip(cursor, (count ? count - 1 : 0) * 4u + (version == 1 && count % 2 ? 4u : 0u));
}

static cn_status read_filters(cni_h5_object *dataset, const cni_h5_message *message, cni_error *error)
{
    cni_h5_cursor cursor = cni_h5_message_cursor(dataset, message, "filter message", error);
    cni_h5_pipeline *pipeline = &dataset->pipeline;
    const unsigned version = cni_h5_u8(&cursor);
    pipeline->count = cni_h5_u8(&cursor);
    if (version == 1) cni_h5_skip(&cursor, 6);
    CN_TRY(cursor.status);
    if (version < 1 || version > 2 || pipeline->count > CNI_H5_MAX_FILTERS)
        return cni_h5_cursor_fail(&cursor, CN_ERR_FORMAT, "filter message of version %u with %u filters", version,
                                  pipeline->count);
    for (unsigned i = 0; i < pipeline->count; i++) {
        cni_h5_filter *filter = &pipeline->filters[i];
        read_filter(&cursor, version, filter);
        CN_TRY(cursor.status);
        if (filter->id >= CNI_H5_DEFLATE && filter->id <= CNI_H5_FLETCHER32) continue;
        const char *reason = cni_arena_printf(
            dataset->file->arena, "is stored with filter %u; gzip, shuffle and fletcher32 are supported", filter->id);
        if (!reason) return cni_no_memory(error, "a message");
        refuse(dataset, reason);
    }
    return CN_OK;
}

/* ---- Fill value (IV.A.2.f, e): what elements are that nobody wrote ---- */

static cn_status read_fill(cni_h5_object *dataset, const cni_h5_message *message, cni_error *error)
{
    cni_h5_cursor cursor = cni_h5_message_cursor(dataset, message, "fill value message", error);
    bool present = true;
    if (message->type == CNI_H5_MSG_FILL) {
        const unsigned version = cni_h5_u8(&cursor);
        if (version < 1 || version > 3)
            return cni_h5_cursor_fail(&cursor, CN_ERR_UNSUPPORTED, "fill value of version %u; 1 to 3 are supported",
                                      version);
        if (version == 3)
            present = cni_h5_u8(&cursor) & 0x20;
        else
            cni_h5_skip(&cursor, 2);
        if (version == 2) present = cni_h5_u8(&cursor);
        if (version == 1) cni_h5_skip(&cursor, 1);
    }
    const uint32_t size = present ? cni_h5_u32(&cursor) : 0;
    const unsigned char *value = cni_h5_take(&cursor, size);
    CN_TRY(cursor.status);
    if (size == dataset->info.type.size) dataset->fill = value;
    return CN_OK;
}

/* ---- All together ---- */

static cn_status read_shape(cni_h5_object *dataset, cni_error *error)
{
    const cni_h5_message *space = cni_h5_message_of(dataset, CNI_H5_MSG_DATASPACE);
    const cni_h5_message *type = cni_h5_message_of(dataset, CNI_H5_MSG_DATATYPE);
    if (!space || !type)
        return cni_h5_fail(dataset->file, error, CN_ERR_FORMAT, dataset->address, "dataset has no %s",
                           space ? "datatype" : "dataspace");
    cni_h5_cursor cursor = cni_h5_message_cursor(dataset, space, "dataspace message", error);
    cni_h5_read_dataspace(&cursor, &dataset->info);
    CN_TRY(cursor.status);
    cursor = cni_h5_message_cursor(dataset, type, "datatype message", error);
    return cni_h5_read_type_message(dataset->file, &cursor, type->flags & CNI_H5_FLAG_SHARED, &dataset->info.type);
}

cn_status cni_h5_read_dataset_header(cni_h5_object *dataset, cni_error *error)
{
    CN_TRY(read_shape(dataset, error));
    const cni_h5_message *layout = cni_h5_message_of(dataset, CNI_H5_MSG_LAYOUT);
    const cni_h5_message *filters = cni_h5_message_of(dataset, CNI_H5_MSG_FILTERS);
    const cni_h5_message *fill = cni_h5_message_of(dataset, CNI_H5_MSG_FILL);
    if (!fill) fill = cni_h5_message_of(dataset, CNI_H5_MSG_FILL_OLD);
    if (!layout) return cni_h5_fail(dataset->file, error, CN_ERR_FORMAT, dataset->address, "dataset has no layout");
    CN_TRY(read_layout(dataset, layout, error));
    if (filters) CN_TRY(read_filters(dataset, filters, error));
    if (fill) CN_TRY(read_fill(dataset, fill, error));
    if (cni_h5_message_of(dataset, CNI_H5_MSG_EXTERNAL)) refuse(dataset, "is stored in external files");
    return CN_OK;
}
