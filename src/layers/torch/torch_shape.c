/* SPDX-License-Identifier: Apache-2.0
 * What moves numbers without computing: Flatten, Unflatten, and the functions view, squeeze, unsqueeze, permute,
 * transpose; and mean, which takes axes away. */
#include "layers/torch/torch.h"

#include <inttypes.h>
#include <stdio.h>

#define FUNCTION "torch"

/* The sizes of one image as Keras' Reshape wants them. */
static cn_status say_reshape(cni_torch_call *call, const cni_shape *shape)
{
    char text[200] = "";
    size_t used = 0;
    int unknown = 0;
    for (int i = 1; i < shape->rank && used < sizeof text; i++) {
        unknown += shape->dims[i] < 0;
        used += (size_t)snprintf(text + used, sizeof text - used, "%" PRId64 "%s", shape->dims[i],
                                 i == shape->rank - 1 && i > 1 ? "" : ", ");
    }
    if (unknown > 1) return cni_torch_refuse(call, "more than one size of the output is not known");
    return cni_torch_say(call, "Reshape((%s))", text);
}

/* Reshape to what output_shape gives here. */
static cn_status translate_reshape(cni_torch_call *call)
{
    const cni_torch_kind *kind = (const cni_torch_kind *)call->config->kind;
    const cn_layer layer = {.kind = &kind->layer, .config = (cni_object *)(uintptr_t)call->config};
    cni_shape out;
    if (!call->place->in) return cni_torch_refuse(call, "the shape of the input is not known here");
    CN_TRY(kind->layer.output_shape(&layer, 1, call->place->in, &out, call->error));
    return say_reshape(call, &out);
}

/* ---- Flatten ---- */

typedef struct flatten_args {
    cn_layer_args head;
    int start_dim, end_dim;
} flatten_args;
#define ARGS flatten_args

static const cni_field flatten_fields[] = {
    CNI_FIELD(start_dim, "start_dim", 0, "1", 0, 0, "first dimension that becomes one with those behind it"),
    CNI_FIELD(end_dim, "end_dim", 0, "-1", 0, 0, "last of them"),
};

static int64_t product(const cni_shape *shape, int first, int last)
{
    cni_shape part = {.rank = last - first + 1};
    for (int i = 0; i < part.rank; i++) part.dims[i] = shape->dims[first + i];
    return cni_shape_count(&part, 0);
}

static cn_status flatten_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const flatten_args *args = layer->config->args;
    int first, last;
    CN_TRY(cni_torch_dim("start_dim", args->start_dim, in->rank, in, &first, error));
    CN_TRY(cni_torch_dim("end_dim", args->end_dim, in->rank, in, &last, error));
    if (first > last)
        return cni_fail(error, CN_ERR_SHAPE, "start_dim=%d stands behind end_dim=%d (the input has shape %s)",
                        args->start_dim, args->end_dim, CNI_SHOW_SHAPE(in));
    *out = (cni_shape){.rank = in->rank - (last - first)};
    for (int i = 0; i < first; i++) out->dims[i] = in->dims[i];
    out->dims[first] = product(in, first, last);
    for (int i = first + 1; i < out->rank; i++) out->dims[i] = in->dims[i + last - first];
    return CN_OK;
}

/* Keras' Flatten puts channels last before it flattens, unless it is told that they are last already. */
static cn_status translate_flatten(cni_torch_call *call)
{
    const flatten_args *args = call->config->args;
    if (args->start_dim == 1 && args->end_dim == -1) return cni_torch_say(call, "Flatten(data_format='channels_last')");
    if (args->start_dim == 0) return cni_torch_refuse(call, "it keeps the batch");
    return translate_reshape(call);
}

const cni_torch_kind cni_torch_flatten = {.layer = {.kind = {.name = "Flatten",
                                                             .args_size = sizeof(flatten_args),
                                                             CNI_FIELDS(flatten_fields),
                                                             .help = "each image as one row of numbers"},
                                                    .traits = CNI_IS_FLATTEN,
                                                    .output_shape = flatten_shape,
                                                    .view = cni_torch_view_all,
                                                    .keras = cni_torch_keras},
                                          .translate = translate_flatten};
#undef ARGS
