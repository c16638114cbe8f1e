/* SPDX-License-Identifier: Apache-2.0
 * Windows over one, two or three axes, and what else such layers share (keras-semantics 1.3). */
#include "layers/spatial_layers.h"

#include <inttypes.h>
#include <string.h>

const char *const cni_padding_choices[] = {"valid", "same", NULL};
const char *const cni_causal_choices[] = {"valid", "same", "causal", NULL};

cn_status cni_spatial_check(const cni_spatial_args *args, int axes, cni_error *error)
{
    int stride = 1, dilation = 1;
    for (int i = 0; i < axes; i++) {
        if (args->strides[i] > stride) stride = args->strides[i];
        if (args->dilation_rate[i] > dilation) dilation = args->dilation_rate[i];
    }
    if (stride == 1 || dilation == 1) return CN_OK;
    return cni_fail(error, CN_ERR_INVALID, "strides=%d and dilation_rate=%d are both above 1; one of them must be 1",
                    stride, dilation);
}

static bool is_valid(const cni_spatial_args *args)
{
    return strcmp(args->padding, "valid") == 0;
}

cn_status cni_spatial_windows(const cni_object *config, const char *argument, const cni_shape *in, int64_t channels,
                              cni_shape *out, cni_error *error)
{
    const cni_spatial_args *args = config->args;
    const int axes = cni_spatial_axes(config), first = cni_first_axis(args->data_format);
    *out = *in;
    for (int i = 0; i < axes; i++) {
        const int64_t n = in->dims[first + i];
        const int dilation = args->dilation_rate[i] ? args->dilation_rate[i] : 1;
        const int64_t span = (int64_t)(args->size[i] - 1) * dilation + 1;
        if (span > INT32_MAX)
            return cni_fail(error, CN_ERR_LIMIT, "%s=%d with dilation_rate=%d covers %" PRId64 " cells; too many",
                            argument, args->size[i], dilation, span);
        out->dims[first + i] = cni_window_of(n, args->size[i], args->strides[i], dilation,
                                             is_valid(args) ? CN_PADDING_VALID : CN_PADDING_SAME)
                                   .out;
        if (is_valid(args) && n >= 0 && span > n)
            return cni_fail(error, CN_ERR_SHAPE,
                            "%s=%d covers %" PRId64 " cells of axis %d, more than the input's %" PRId64
                            " (shape %s): make it smaller, the input larger, or padding 'same'",
                            argument, args->size[i], span, first + i, n, CNI_SHOW_SHAPE(in));
    }
    out->dims[cni_channel_axis(args->data_format, axes)] = channels;
    return CN_OK;
}

void cni_view_spatial(const cni_object *config, cni_view *view)
{
    const cni_spatial_args *args = config->args;
    view->type = CNI_VIEW_WINDOW;
    view->spatial = cni_spatial_axes(config);
    view->format = args->data_format;
    for (int i = 0; i < view->spatial; i++)
        view->axis[i] = (cni_view_axis){.size = args->size[i],
                                        .stride = args->strides[i],
                                        .dilation = args->dilation_rate[i] ? args->dilation_rate[i] : 1,
                                        .rule = is_valid(args)                         ? CNI_PAD_GIVEN
                                                : strcmp(args->padding, "causal") == 0 ? CNI_PAD_CAUSAL
                                                                                       : CNI_PAD_SAME};
}

cn_status cni_same_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)layer, (void)count, (void)error;
    *out = *in;
    return CN_OK;
}

void cni_view_of_all(const cni_object *config, cni_view *view)
{
    const cn_data_format *format = cni_object_member(config, "data_format");
    view->type = CNI_VIEW_ALL;
    if (format) view->format = *format;
}

cn_status cni_layer_plain_weight(cn_layer *layer, const char *name, const char *initializer, const cni_shape *shape,
                                 bool trainable, cni_error *error)
{
    const cni_maker maker = {.arena = layer->arena, .error = error};
    const cni_value text = {.type = CNI_TEXT, .text = initializer};
    cni_object *object;
    CN_TRY(cni_object_make(&maker, &cni_initializers, &text, "initializer", &object));
    return cni_layer_weight(layer, name, shape, object, NULL, NULL, trainable, error);
}
