/* SPDX-License-Identifier: Apache-2.0
 * What PyTorch's modules share: sizes, shapes and their messages. */
#include "layers/torch/torch.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- arguments ---- */

char *cni_torch_show(const cni_tuple *tuple, int spatial, char *buffer, size_t size)
{
    size_t used = 0;
    bool equal = true;
    for (int i = 1; i < spatial; i++) equal &= cni_torch_at(tuple, i) == cni_torch_at(tuple, 0);
    buffer[0] = 0;
    if (equal) snprintf(buffer, size, "%d", cni_torch_at(tuple, 0));
    for (int i = 0; !equal && i < spatial && used < size; i++)
        used += (size_t)snprintf(buffer + used, size - used, "%s%d%s", i ? ", " : "(", cni_torch_at(tuple, i),
                                 i < spatial - 1 ? "" : ")");
    return buffer;
}

cn_status cni_torch_check_sizes(int spatial, const cni_torch_size *sizes, cni_error *error)
{
    for (; sizes->key; sizes++) {
        const int count = sizes->tuple->count;
        if (count > 1 && count != spatial)
            return cni_fail(error, CN_ERR_INVALID, "%s has %d numbers; expected one, or %d", sizes->key, count,
                            spatial);
    }
    return CN_OK;
}

/* ---- shapes ---- */

cn_status cni_torch_expect_map(const cn_layer *layer, const cni_shape *in, cni_error *error)
{
    static const char *const maps[] = {"", "(batch, channels, length)", "(batch, channels, rows, columns)",
                                       "(batch, channels, depth, rows, columns)"};
    const int spatial = cni_torch_spatial(layer->config);
    if (in->rank == spatial + 2) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "expected an input %s, got one of shape %s", maps[spatial],
                    CNI_SHOW_SHAPE(in));
}

cn_status cni_torch_expect_channels(const char *key, int64_t wanted, const cni_shape *in, cni_error *error)
{
    const int64_t given = in->rank > 1 ? in->dims[1] : CNI_UNKNOWN;
    if (given < 0 || given == wanted) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE,
                    "%s=%" PRId64 ", but %" PRId64 " channels arrive (shape %s); %s=%" PRId64 " would fit", key, wanted,
                    given, CNI_SHOW_SHAPE(in), key, given);
}

cn_status cni_torch_dim(const char *key, int dim, int rank, const cni_shape *in, int *index, cni_error *error)
{
    *index = dim < 0 ? dim + rank : dim;
    if (*index >= 0 && *index < rank) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "%s=%d is not a dimension of the input, shape %s; expected %d to %d", key, dim,
                    CNI_SHOW_SHAPE(in), -rank, rank - 1);
}

static int64_t extent(const cni_view_axis *axis)
{
    return (axis->size - 1) * axis->dilation + 1;
}

/* The last window of ceil mode may hang over, but not start behind the input and the padding before it. */
static int64_t windows(const cni_view_axis *axis, bool ceil_mode, int64_t n)
{
    const int64_t room = n + axis->before + axis->after - extent(axis), s = axis->stride;
    if (room < 0) return ceil_mode && room > -s ? 1 : 0;
    if (!ceil_mode) return room / s + 1;
    const int64_t o = (room + s - 1) / s + 1;
    return (o - 1) * s >= n + axis->before ? o - 1 : o;
}

int64_t cni_torch_length(const cni_view *view, int i, int64_t n)
{
    const cni_view_axis *axis = view->axis + i;
    switch (view->type) {
    case CNI_VIEW_ADAPTIVE:
        return axis->size ? axis->size : n;
    case CNI_VIEW_WINDOW:
        return n < 0 ? CNI_UNKNOWN : windows(axis, view->ceil_mode, n);
    case CNI_VIEW_TRANSPOSED:
        if (n < 0) return CNI_UNKNOWN;
        n = (n - 1) * axis->stride + extent(axis) - axis->before - axis->after + axis->output_padding;
        break;
    case CNI_VIEW_SHIFT:
        if (n < 0) return CNI_UNKNOWN;
        n += axis->before + axis->after;
        break;
    case CNI_VIEW_NEAREST:
    case CNI_VIEW_BILINEAR:
        return n < 0 ? CNI_UNKNOWN : n * axis->stride;
    default:
        break;
    }
    return n < 0 ? 0 : n;
}

static const char *sizes_text(const cni_view *view, const int64_t *sizes, char buffer[80])
{
    size_t used = 0;
    for (int i = 0; i < view->spatial && used < 80; i++)
        used += (size_t)snprintf(buffer + used, 80 - used, "%s%" PRId64, i ? " x " : "", sizes[i]);
    return buffer;
}

/* "a window of 5 x 5 ... 3 x 3 with its padding" */
static cn_status too_large(const cni_view *view, const cni_shape *in, cni_error *error)
{
    int64_t window[CNI_MAX_SPATIAL] = {0}, room[CNI_MAX_SPATIAL] = {0};
    bool padded = false;
    if (view->type != CNI_VIEW_WINDOW)
        return cni_fail(error, CN_ERR_SHAPE, "nothing is left of the input, shape %s: padding cuts off all of it",
                        CNI_SHOW_SHAPE(in));
    for (int i = 0; i < view->spatial; i++) {
        const cni_view_axis *axis = view->axis + i;
        window[i] = extent(axis);
        room[i] = in->dims[i + 2] < 0 ? CNI_UNKNOWN : in->dims[i + 2] + axis->before + axis->after;
        padded |= axis->before || axis->after;
    }
    return cni_fail(error, CN_ERR_SHAPE,
                    "a window of %s does not fit into %s%s (the input has shape %s): make kernel_size smaller, the "
                    "input larger, or add padding",
                    sizes_text(view, window, (char[80]){0}), sizes_text(view, room, (char[80]){0}),
                    padded ? " with its padding" : "", CNI_SHOW_SHAPE(in));
}

cn_status cni_torch_map(const cn_layer *layer, const cni_shape *in, int64_t channels, cni_shape *out, cni_error *error)
{
    cni_view view = {0};
    layer->kind->view(layer->config, &view);
    CN_TRY(cni_torch_expect_map(layer, in, error));
    *out = *in;
    out->dims[1] = channels;
    for (int i = 0; i < in->rank - 2; i++) {
        if (view.type == CNI_VIEW_ALL) {
            out->dims[i + 2] = 1; /* global pooling */
            continue;
        }
        out->dims[i + 2] = cni_torch_length(&view, i, in->dims[i + 2]);
        if (out->dims[i + 2] == 0) return too_large(&view, in, error);
    }
    return CN_OK;
}

cn_status cni_torch_same_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)layer, (void)count, (void)error;
    *out = *in;
    return CN_OK;
}

cn_status cni_torch_weight(cn_layer *layer, const char *name, const cni_shape *shape, bool trainable, cni_error *error)
{
    return cni_layer_weight(layer, name, shape, NULL, NULL, NULL, trainable, error);
}

/* ---- views ---- */

void cni_torch_view_all(const cni_object *config, cni_view *view)
{
    (void)config;
    *view = (cni_view){.type = CNI_VIEW_ALL, .groups = 1, .format = CN_CHANNELS_FIRST};
}
