/* SPDX-License-Identifier: Apache-2.0
 * Dot: sums of products of two inputs along an axis of each.  Described, not run. */
#include "layers/layers.h"

#include <inttypes.h>

typedef struct dot_args {
    cn_layer_args head;
    int axes[8];
    bool normalize;
    const char *name;
    bool frozen;
} dot_args;

#define ARGS dot_args
static const cni_field fields[] = {
    CNI_FIELD(axes, "axes", CNI_REQUIRED | CNI_SHOWN_SINGLE, NULL, 0, 0,
              "the axis along which products are summed, or one for each input"),
    CNI_FIELD(normalize, "normalize", 0, "False", 0, 0, "whether the inputs have length 1 along it: the cosine"),
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};

static cn_status check(void *given, cni_error *error)
{
    const int count = cni_ints_count(((const dot_args *)given)->axes);
    if (count == 1 || count == 2) return CN_OK;
    return cni_fail(error, CN_ERR_INVALID, "axes holds %d numbers; expected one or two", count);
}

static cn_status find_axis(int axis, const cni_shape *in, int *at, cni_error *error)
{
    *at = axis < 0 ? axis + in->rank : axis;
    if (*at > 0 && *at < in->rank) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "axes holds %d, which is not an axis of the input, shape %s, beside the batch",
                    axis, CNI_SHOW_SHAPE(in));
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    const dot_args *args = layer->config->args;
    int at[2];
    if (count != 2) return cni_fail(error, CN_ERR_SHAPE, "%d inputs; expected two", count);
    for (int i = 0; i < 2; i++)
        CN_TRY(find_axis(args->axes[cni_ints_count(args->axes) == 2 ? i : 0], in + i, at + i, error));
    const int64_t a = in[0].dims[at[0]], b = in[1].dims[at[1]];
    if (a >= 0 && b >= 0 && a != b)
        return cni_fail(error, CN_ERR_SHAPE,
                        "axis %d of the first input, shape %s, is %" PRId64
                        " and axis %d of the second, shape %s, %" PRId64 "; they must be equal",
                        at[0], CNI_SHOW_SHAPE(in), a, at[1], CNI_SHOW_SHAPE(in + 1), b);
    if (in[0].rank + in[1].rank - 3 > CNI_MAX_RANK)
        return cni_fail(error, CN_ERR_LIMIT, "the output would have more than %d axes", CNI_MAX_RANK);
    *out = (cni_shape){.rank = 0};
    for (int i = 0; i < in[0].rank; i++)
        if (i != at[0]) out->dims[out->rank++] = in[0].dims[i];
    for (int i = 1; i < in[1].rank; i++)
        if (i != at[1]) out->dims[out->rank++] = in[1].dims[i];
    if (out->rank == 1) out->dims[out->rank++] = 1;
    return CN_OK;
}

static void view(const cni_object *config, cni_view *view)
{
    (void)config;
    view->type = CNI_VIEW_ALL;
}

const cni_layer_kind cni_dot_layer = {
    .kind = {.name = "Dot",
             .module = "keras.layers",
             .args_size = sizeof(dot_args),
             CNI_FIELDS(fields),
             .check = check,
             .help = "sums of products of two inputs along an axis",
             .keras = "Dot(axes=1)"},
    .min_rank = 2,
    .merges = true,
    .lazily_built = true,
    .traits = CNI_IS_MERGE,
    .output_shape = output_shape,
    .view = view,
};
