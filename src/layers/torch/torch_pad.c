/* SPDX-License-Identifier: Apache-2.0
 * ZeroPad1d to 3d, ConstantPad, ReflectionPad, ReplicationPad, CircularPad, and the function pad.  PyTorch names sides
 * from the last axis on: (left, right, top, bottom, front, back). */
#include "layers/torch/torch.h"

#include <inttypes.h>
#include <string.h>

typedef struct pad_args {
    cn_layer_args head;
    cni_tuple padding; /* one number for all sides, or two per axis */
    double value;
    const char *mode; /* of the function; NULL: the module's name says it */
} pad_args;
#define ARGS          pad_args

#define PADDING(key_) CNI_FIELD(padding, key_, CNI_REQUIRED, NULL, -1e6, 1e6, "left, right, top, bottom, front, back")
static const char *const modes[] = {"constant", "reflect", "replicate", "circular", NULL};
static const cni_field fields[] = {PADDING("padding")};
static const cni_field constant_fields[] = {
    PADDING("padding"), CNI_FIELD(value, "value", CNI_REQUIRED, NULL, 0, 0, "what the padding holds")};
static const cni_field function_fields[] = {
    PADDING("pad"), CNI_CHOICE(mode, "mode", modes, "'constant'", "what the padding holds"),
    CNI_FIELD(value, "value", CNI_NULLABLE, "None", 0, 0, "the constant; None is 0")};

static cn_status check(int spatial, const pad_args *args, cni_error *error)
{
    const int count = args->padding.count;
    if (count == 1 || count == 2 * spatial) return CN_OK;
    return cni_fail(error, CN_ERR_INVALID, "padding has %d numbers; expected one, or two for each of %d axes", count,
                    spatial);
}

static cn_status check1(void *args, cni_error *error)
{
    return check(1, args, error);
}

static cn_status check2(void *args, cni_error *error)
{
    return check(2, args, error);
}

static cn_status check3(void *args, cni_error *error)
{
    return check(3, args, error);
}

static cn_status check_function(void *given, cni_error *error)
{
    const pad_args *args = given;
    if (args->padding.count > 0 && args->padding.count % 2 == 0) return CN_OK;
    return cni_fail(error, CN_ERR_INVALID, "pad has %d numbers; expected two for each axis, the last axis first",
                    args->padding.count);
}

/* ---- geometry ---- */

/* The axis that is the i-th from the end: before (0) and after (1). */
static int side(const cni_tuple *padding, int from_end, int which)
{
    const int index = 2 * from_end + which;
    if (padding->count == 1) return padding->at[0];
    return index < padding->count ? padding->at[index] : 0;
}

static cni_border border_of(const cni_object *config)
{
    static const struct {
        const char *begins;
        cni_border border;
    } borders[] = {{"Refl", CNI_BORDER_REFLECT}, {"refl", CNI_BORDER_REFLECT}, {"Repl", CNI_BORDER_EDGE},
                   {"repl", CNI_BORDER_EDGE},    {"Circ", CNI_BORDER_WRAP},    {"circ", CNI_BORDER_WRAP}};
    const pad_args *args = config->args;
    const char *name = args->mode ? args->mode : config->kind->name;
    for (size_t i = 0; i < sizeof borders / sizeof *borders; i++)
        if (strncmp(name, borders[i].begins, 4) == 0) return borders[i].border;
    return CNI_BORDER_ZERO;
}

/* The function pads images where its arguments do not say how many axes there are. */
static void view(const cni_object *config, cni_view *view)
{
    const pad_args *args = config->args;
    const int spatial = cni_torch_spatial(config);
    *view = (cni_view){.type = CNI_VIEW_SHIFT,
                       .spatial = spatial ? spatial : 2,
                       .border = border_of(config),
                       .groups = 1,
                       .format = CN_CHANNELS_FIRST};
    for (int i = 0; i < view->spatial; i++)
        view->axis[i] = (cni_view_axis){.size = 1,
                                        .stride = 1,
                                        .dilation = 1,
                                        .before = side(&args->padding, view->spatial - 1 - i, 0),
                                        .after = side(&args->padding, view->spatial - 1 - i, 1)};
}

static cn_status pad_axis(const cni_object *config, const cni_shape *in, int from_end, cni_shape *out, cni_error *error)
{
    const pad_args *args = config->args;
    const int axis = in->rank - 1 - from_end;
    const int64_t n = in->dims[axis];
    const int before = side(&args->padding, from_end, 0), after = side(&args->padding, from_end, 1);
    const cni_border border = border_of(config);
    const int64_t most = border == CNI_BORDER_REFLECT ? n - 1 : border == CNI_BORDER_WRAP ? n : INT32_MAX;
    if (n < 0) return CN_OK;
    if (before > most || after > most)
        return cni_fail(error, CN_ERR_SHAPE,
                        "padding of %d and %d on axis %d of the input, shape %s: at most %" PRId64 " cells can be %s",
                        before, after, axis, CNI_SHOW_SHAPE(in), most,
                        border == CNI_BORDER_WRAP ? "repeated" : "mirrored");
    out->dims[axis] = n + before + after;
    if (out->dims[axis] > 0) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "padding of %d and %d leaves nothing of axis %d of the input, shape %s",
                    before, after, axis, CNI_SHOW_SHAPE(in));
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const pad_args *args = layer->config->args;
    const int spatial = cni_torch_spatial(layer->config), axes = spatial ? spatial : args->padding.count / 2;
    if (spatial) CN_TRY(cni_torch_expect_map(layer, in, error));
    if (axes >= in->rank)
        return cni_fail(error, CN_ERR_SHAPE, "pad has numbers for %d axes; the input has shape %s", axes,
                        CNI_SHOW_SHAPE(in));
    *out = *in;
    for (int i = 0; i < axes; i++) CN_TRY(pad_axis(layer->config, in, i, out, error));
    return CN_OK;
}

static cn_status translate(cni_torch_call *call)
{
    const pad_args *args = call->config->args;
    const cni_shape *in = call->place->in;
    cni_view v = {0};
    view(call->config, &v);
    if (v.border != CNI_BORDER_ZERO || args->value < 0 || args->value > 0)
        return cni_torch_refuse(call, "its layers pad with zeros only");
    if (!cni_torch_spatial(call->config)) {
        if (args->padding.count != 4 || (in && in->rank != 4))
            return cni_torch_refuse(call, "it is not the rows and columns of images that are padded");
    }
    return cni_torch_say_padding(call, &v);
}

#define PAD(variable, name_, fields_, spatial_, check_, module_, help_)                                                \
    const cni_torch_kind variable = {.layer = {.kind = {.name = (name_),                                               \
                                                        .module = (module_),                                           \
                                                        .args_size = sizeof(pad_args),                                 \
                                                        CNI_FIELDS(fields_),                                           \
                                                        .check = (check_),                                             \
                                                        .help = (help_)},                                              \
                                               .traits = CNI_IS_PADDING,                                               \
                                               .output_shape = output_shape,                                           \
                                               .view = view,                                                           \
                                               .keras = cni_torch_keras},                                              \
                                     .spatial = (spatial_),                                                            \
                                     .translate = translate}
#define PADS(variable, name_, fields_, help_)                                                                          \
    PAD(variable##1d, name_ "1d", fields_, 1, check1, NULL, help_);                                                    \
    PAD(variable##2d, name_ "2d", fields_, 2, check2, NULL, help_);                                                    \
    PAD(variable##3d, name_ "3d", fields_, 3, check3, NULL, help_)

PADS(cni_torch_zero_pad, "ZeroPad", fields, "zeros around the input");
PADS(cni_torch_constant_pad, "ConstantPad", constant_fields, "a number around the input");
PADS(cni_torch_reflection_pad, "ReflectionPad", fields, "the input mirrored at its edges");
PADS(cni_torch_replication_pad, "ReplicationPad", fields, "the edges of the input, repeated");
PADS(cni_torch_circular_pad, "CircularPad", fields, "the other end of the input");
PAD(cni_torch_pad, "Pad", function_fields, 0, check_function, "torch.nn.functional",
    "cells around the last axes: F.pad");
