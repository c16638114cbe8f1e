/* SPDX-License-Identifier: Apache-2.0
 * Rescaling: numbers into another range (keras-semantics 2.15). */
#include "layers/layers.h"

#include "graph/ops/binary.h"
#include "graph/ops/reshape.h"
#include "graph/ops/unary.h"

#include <inttypes.h>

/* With the context's format channels_first Keras spreads a list of scales along the channels - but not a list of
 * offsets, which stays at the last axis. */
typedef struct rescaling_args {
    cn_rescaling_args given;
    cn_data_format format;
} rescaling_args;

#define ARGS rescaling_args
static const cni_field fields[] = {
    CNI_FIELD(given.scale, "scale", CNI_REQUIRED, NULL, 0, 0, "factor; one number, or one for each channel"),
    CNI_FIELD(given.offset, "offset", 0, "0.0", 0, 0,
              "what is added then; one number, or one for each number along the last axis"),
    CNI_FIELD(given.name, "name", CNI_NULLABLE, "None", 0, 0, "name of the layer; numbered when absent"),
    CNI_FIELD(given.frozen, "trainable", CNI_NEGATED, "True", 0, 0, "whether training changes the weights"),
    CNI_ONLY("dtype", "float32", 0),
    CNI_ONLY("autocast", "True", CNI_READ_ONLY),
    CNI_ACTIVITY,
    CNI_FIELD(format, "image_data_format", CNI_READ_ONLY, "None", 0, 0, "where the channels are; the context's"),
};

/* Lists are spread along an axis; NumPy's rules, so an axis of size 1 grows. */
static cn_status spread(const char *key, int count, int axis, cni_shape *shape, cni_error *error)
{
    if (count == 1) return CN_OK;
    if (axis < 1 || axis >= shape->rank)
        return cni_fail(error, CN_ERR_SHAPE, "%s holds %d numbers; that needs images, the input has shape %s", key,
                        count, CNI_SHOW_SHAPE(shape));
    int64_t *size = &shape->dims[axis];
    if (*size < 0 || *size == count) return CN_OK;
    if (*size != 1)
        return cni_fail(error, CN_ERR_SHAPE,
                        "%s holds %d numbers; axis %d of the input, shape %s, has %" PRId64 ": give 1 or %" PRId64, key,
                        count, axis, CNI_SHOW_SHAPE(shape), *size, *size);
    *size = count;
    return CN_OK;
}

static int scale_axis(const rescaling_args *args, int rank)
{
    return args->format == CN_CHANNELS_FIRST ? rank - 3 : rank - 1;
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const rescaling_args *args = layer->config->args;
    *out = *in;
    CN_TRY(spread("scale", cni_reals_count(args->given.scale), scale_axis(args, in->rank), out, error));
    return spread("offset", cni_reals_count(args->given.offset), in->rank - 1, out, error);
}

static cni_tensor *lower(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    const rescaling_args *args = layer->config->args;
    const double *scale = args->given.scale, *offset = args->given.offset;
    const int scales = cni_reals_count(scale), offsets = cni_reals_count(offset);
    cni_graph *graph = lowering->graph;
    if (scales == 1 && offsets == 1) return cni_affine(graph, in[0], scale[0], offset[0]);
    cni_tensor *factors = cni_lower_numbers(lowering, scale, scales);
    if (scales > 1 && args->format == CN_CHANNELS_FIRST) factors = cni_reshape(graph, factors, CNI_SHAPE(scales, 1, 1));
    return cni_add(graph, cni_multiply(graph, in[0], factors), cni_lower_numbers(lowering, offset, offsets));
}

const cni_layer_kind cni_rescaling_layer = {
    .kind = {.name = "Rescaling",
             .module = "keras.layers",
             .args_size = sizeof(rescaling_args),
             .public_size = sizeof(cn_rescaling_args),
             CNI_FIELDS(fields),
             .help = "brings numbers into another range: bytes into 0 .. 1",
             .keras = "Rescaling(0.00392156862745098)",
             .example = "cn_add(model, cn_rescaling({1.0 / 255}));",
             .formula = "out = in * scale + offset"},
    .min_rank = 1,
    .lazily_built = true,
    .output_shape = output_shape,
    .lower = lower,
};
