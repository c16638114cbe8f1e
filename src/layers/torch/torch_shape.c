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
    if (out.rank < 2 || out.dims[0] != call->place->in->dims[0] ||
        cni_shape_count(&out, 1) != cni_shape_count(call->place->in, 1))
        return cni_torch_refuse(call, "it leaves the batch as it is");
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
    if (args->start_dim == 0) return cni_torch_refuse(call, "it leaves the batch as it is");
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

/* ---- Unflatten ---- */

typedef struct unflatten_args {
    cn_layer_args head;
    int dim;
    cni_tuple unflattened_size;
} unflatten_args;
#define ARGS unflatten_args

static const cni_field unflatten_fields[] = {
    CNI_FIELD(dim, "dim", CNI_REQUIRED, NULL, 0, 0, "dimension that becomes several"),
    CNI_FIELD(unflattened_size, "unflattened_size", CNI_REQUIRED, NULL, -1, 1e9, "their sizes; one may be -1"),
};

/* Sizes of which one may be -1, whose product is `count`, into dims; false when they do not fit. */
static bool fill_sizes(const cni_tuple *sizes, int first, int64_t count, int64_t *dims)
{
    int open = -1;
    double known = 1;
    for (int i = first; i < sizes->count; i++) {
        dims[i - first] = sizes->at[i];
        if (sizes->at[i] < 0 && open >= 0) return false;
        if (sizes->at[i] < 0) open = i - first;
        if (sizes->at[i] >= 0) known *= sizes->at[i];
    }
    if (count < 0) return true; /* what is -1 stays unknown */
    if (known > 0x1p48) return false;
    if (open < 0) return (int64_t)known == count;
    if (known < 1 || count % (int64_t)known) return false;
    dims[open] = count / (int64_t)known;
    return true;
}

static const char *sizes_text(const cni_tuple *tuple, char buffer[160])
{
    size_t used = 0;
    buffer[0] = 0;
    for (int i = 0; i < tuple->count && used < 160; i++) {
        if (tuple->at[i] == CNI_NONE_INT)
            used += (size_t)snprintf(buffer + used, 160 - used, "%sx.size(0)", i ? ", " : "");
        else
            used += (size_t)snprintf(buffer + used, 160 - used, "%s%d", i ? ", " : "", tuple->at[i]);
    }
    return buffer;
}

static cn_status unflatten_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out,
                                 cni_error *error)
{
    (void)count;
    const unflatten_args *args = layer->config->args;
    const int more = args->unflattened_size.count - 1;
    int dim;
    CN_TRY(cni_torch_dim("dim", args->dim, in->rank, in, &dim, error));
    if (in->rank + more > CNI_MAX_RANK)
        return cni_fail(error, CN_ERR_LIMIT, "the output would have %d dimensions; at most %d are possible",
                        in->rank + more, CNI_MAX_RANK);
    *out = (cni_shape){.rank = in->rank + more};
    for (int i = 0; i < dim; i++) out->dims[i] = in->dims[i];
    for (int i = dim + 1; i < in->rank; i++) out->dims[i + more] = in->dims[i];
    if (fill_sizes(&args->unflattened_size, 0, in->dims[dim], out->dims + dim)) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE,
                    "unflattened_size=(%s) does not hold the %" PRId64 " values of dimension %d of the input, shape %s",
                    sizes_text(&args->unflattened_size, (char[160]){0}), in->dims[dim], dim, CNI_SHOW_SHAPE(in));
}

const cni_torch_kind cni_torch_unflatten = {.layer = {.kind = {.name = "Unflatten",
                                                               .args_size = sizeof(unflatten_args),
                                                               CNI_FIELDS(unflatten_fields),
                                                               .help = "one dimension as several"},
                                                      .output_shape = unflatten_shape,
                                                      .view = cni_torch_view_all,
                                                      .keras = cni_torch_keras},
                                            .translate = translate_reshape};
#undef ARGS

/* ---- view, reshape ---- */

typedef struct view_args {
    cn_layer_args head;
    cni_tuple shape;
} view_args;
#define ARGS view_args

static const cni_field view_fields[] = {
    CNI_FIELD(shape, "shape", CNI_REQUIRED | CNI_NONES, NULL, -1, 1e9,
              "sizes, with the batch; one may be -1, and None is as in the input: x.size(0)"),
};

/* -1 for the batch may also take up dimensions in front: [b, t, c] as (-1, c).  Images per image, or 0. */
static int64_t taken_up(const cni_shape *in, int64_t rest)
{
    for (int i = 2; i < in->rank; i++)
        if (product(in, i, in->rank - 1) == rest) return product(in, 1, i - 1);
    return 0;
}

/* x.size(1) where dimension 1 stands: as the input's. */
static cni_tuple sizes_in(const cni_tuple *shape, const cni_shape *in)
{
    cni_tuple sizes = *shape;
    for (int i = 1; i < sizes.count; i++) {
        const bool known = i < in->rank && in->dims[i] >= 0 && in->dims[i] <= INT32_MAX;
        if (sizes.at[i] == CNI_NONE_INT) sizes.at[i] = known ? (int)in->dims[i] : -1;
    }
    return sizes;
}

static cn_status view_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const cni_tuple whole = sizes_in(&((const view_args *)layer->config->args)->shape, in), *shape = &whole;
    const int64_t values = cni_shape_count(in, 1);
    const int batch = shape->at[0];
    *out = (cni_shape){.rank = shape->count};
    out->dims[0] = batch < 0 ? in->dims[0] : batch;
    if (shape->count > 0 && fill_sizes(shape, 1, values, out->dims + 1)) return CN_OK;
    for (int i = 1; i < shape->count; i++) out->dims[i] = shape->at[i];
    const int64_t more = batch == -1 ? taken_up(in, cni_shape_count(out, 1)) : 0;
    out->dims[0] = cni_shape_count(&CNI_SHAPE(in->dims[0], more), 0);
    if (more) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "view(%s) does not hold the %" PRId64 " values of one image (shape %s)",
                    sizes_text(shape, (char[160]){0}), values, CNI_SHOW_SHAPE(in));
}

static const char *const view_names[] = {"Reshape", NULL};
const cni_torch_kind cni_torch_view = {
    .layer = {.kind = {.name = "View",
                       .aliases = view_names,
                       .module = FUNCTION,
                       .args_size = sizeof(view_args),
                       CNI_FIELDS(view_fields),
                       .help = "the same numbers in another shape: x.view, x.reshape"},
              .output_shape = view_shape,
              .view = cni_torch_view_all,
              .keras = cni_torch_keras},
    .translate = translate_reshape};
#undef ARGS

/* ---- mean, amax ---- */

typedef struct reduce_args {
    cn_layer_args head;
    cni_tuple dim;
    bool keepdim;
} reduce_args;
#define ARGS reduce_args

static const cni_field reduce_fields[] = {
    CNI_FIELD(dim, "dim", CNI_NULLABLE, "None", -8, 8, "dimensions that are taken together"),
    CNI_FIELD(keepdim, "keepdim", 0, "False", 0, 0, "whether they stay, with size 1"),
};

static cn_status find_reduced(const reduce_args *args, const cni_shape *in, bool gone[CNI_MAX_RANK], cni_error *error)
{
    for (int i = 0; i < args->dim.count; i++) {
        int dim;
        CN_TRY(cni_torch_dim("dim", args->dim.at[i], in->rank, in, &dim, error));
        gone[dim] = true;
    }
    if (args->dim.count && !gone[0]) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "dim=%s takes the batch away (the input has shape %s); name the others",
                    args->dim.count ? "0" : "None", CNI_SHOW_SHAPE(in));
}

static cn_status reduce_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const reduce_args *args = layer->config->args;
    bool gone[CNI_MAX_RANK] = {false};
    CN_TRY(find_reduced(args, in, gone, error));
    *out = (cni_shape){0};
    for (int i = 0; i < in->rank; i++)
        if (!gone[i] || args->keepdim) out->dims[out->rank++] = gone[i] ? 1 : in->dims[i];
    return CN_OK;
}

/* Over the channels alone positions stay. */
static void reduce_view(const cni_object *config, cni_view *view)
{
    const reduce_args *args = config->args;
    cni_torch_view_all(config, view);
    if (args->dim.count == 1 && (args->dim.at[0] == 1 || args->dim.at[0] == -3)) view->type = CNI_VIEW_POINT;
}

static cn_status translate_reduce(cni_torch_call *call)
{
    const reduce_args *args = call->config->args;
    const cni_shape *in = call->place->in;
    bool gone[CNI_MAX_RANK] = {false};
    if (!in) return cni_torch_refuse(call, "the shape of the input is not known here");
    CN_TRY(find_reduced(args, in, gone, call->error));
    for (int i = 1; i < in->rank; i++)
        if (gone[i] != (i > 1)) return cni_torch_refuse(call, "it has layers for global pooling only");
    if (in->rank < 3 || in->rank > 5) return cni_torch_refuse(call, "it has global pooling for maps only");
    return cni_torch_say(call, "Global%sPooling%dD(data_format='channels_first', keepdims=%s)",
                         call->config->kind->name[0] == 'M' ? "Average" : "Max", in->rank - 2,
                         args->keepdim ? "True" : "False");
}

#define REDUCE(variable, name_, help_)                                                                                 \
    const cni_torch_kind variable = {.layer = {.kind = {.name = (name_),                                               \
                                                        .module = FUNCTION,                                            \
                                                        .args_size = sizeof(reduce_args),                              \
                                                        CNI_FIELDS(reduce_fields),                                     \
                                                        .help = (help_)},                                              \
                                               .traits = CNI_IS_GLOBAL_POOL,                                           \
                                               .output_shape = reduce_shape,                                           \
                                               .view = reduce_view,                                                    \
                                               .keras = cni_torch_keras},                                              \
                                     .translate = translate_reduce}

REDUCE(cni_torch_mean, "Mean", "means over dimensions: x.mean([2, 3])");
REDUCE(cni_torch_amax, "Amax", "maxima over dimensions: x.amax([2, 3])");
#undef ARGS

/* ---- squeeze, unsqueeze ---- */

typedef struct squeeze_args {
    cn_layer_args head;
    cni_tuple dim;
} squeeze_args;
#define ARGS squeeze_args

static const cni_field squeeze_fields[] = {
    CNI_FIELD(dim, "dim", CNI_NULLABLE, "None", -8, 8, "dimensions of size 1 that go; None: all")};
static const cni_field unsqueeze_fields[] = {
    CNI_FIELD(dim, "dim", CNI_REQUIRED, NULL, -8, 8, "where the new dimension of size 1 stands")};

static cn_status squeeze_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const squeeze_args *args = layer->config->args;
    bool named[CNI_MAX_RANK] = {false};
    for (int i = 0; i < args->dim.count; i++) {
        int dim;
        CN_TRY(cni_torch_dim("dim", args->dim.at[i], in->rank, in, &dim, error));
        named[dim] = true;
    }
    *out = (cni_shape){0};
    for (int i = 0; i < in->rank; i++)
        if (in->dims[i] != 1 || (args->dim.count && !named[i])) out->dims[out->rank++] = in->dims[i];
    return CN_OK;
}

static cn_status unsqueeze_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out,
                                 cni_error *error)
{
    (void)count;
    const squeeze_args *args = layer->config->args;
    int dim;
    CN_TRY(cni_torch_dim("dim", args->dim.at[0], in->rank + 1, in, &dim, error));
    if (in->rank == CNI_MAX_RANK)
        return cni_fail(error, CN_ERR_LIMIT, "the output would have %d dimensions; at most %d are possible",
                        in->rank + 1, CNI_MAX_RANK);
    *out = (cni_shape){.rank = in->rank + 1};
    for (int i = 0; i < out->rank; i++) out->dims[i] = i == dim ? 1 : in->dims[i - (i > dim)];
    return CN_OK;
}

static cn_status check_single(void *given, cni_error *error)
{
    const squeeze_args *args = given;
    if (args->dim.count == 1) return CN_OK;
    return cni_fail(error, CN_ERR_INVALID, "dim has %d numbers; expected one", args->dim.count);
}

#define SQUEEZE(variable, name_, fields_, check_, shape_, help_)                                                       \
    const cni_torch_kind variable = {.layer = {.kind = {.name = (name_),                                               \
                                                        .module = FUNCTION,                                            \
                                                        .args_size = sizeof(squeeze_args),                             \
                                                        CNI_FIELDS(fields_),                                           \
                                                        .check = (check_),                                             \
                                                        .help = (help_)},                                              \
                                               .output_shape = (shape_),                                               \
                                               .view = cni_torch_view_all,                                             \
                                               .keras = cni_torch_keras},                                              \
                                     .translate = translate_reshape}

SQUEEZE(cni_torch_squeeze, "Squeeze", squeeze_fields, NULL, squeeze_shape, "without dimensions of size 1: x.squeeze");
SQUEEZE(cni_torch_unsqueeze, "Unsqueeze", unsqueeze_fields, check_single, unsqueeze_shape,
        "with one of size 1 more: x.unsqueeze");
#undef ARGS

/* ---- permute, transpose ---- */

typedef struct permute_args {
    cn_layer_args head;
    cni_tuple dims;
    int dim0, dim1;
} permute_args;
#define ARGS permute_args

static const cni_field permute_fields[] = {
    CNI_FIELD(dims, "dims", CNI_REQUIRED, NULL, -8, 8, "which dimension of the input each of the output's is")};
static const cni_field transpose_fields[] = {
    CNI_FIELD(dim0, "dim0", CNI_REQUIRED, NULL, 0, 0, "a dimension"),
    CNI_FIELD(dim1, "dim1", CNI_REQUIRED, NULL, 0, 0, "the dimension that it changes places with")};

static cn_status permutation(const cni_object *config, const cni_shape *in, int from[CNI_MAX_RANK], cni_error *error)
{
    const permute_args *args = config->args;
    bool used[CNI_MAX_RANK] = {false};
    for (int i = 0; i < in->rank; i++) from[i] = i;
    if (!args->dims.count) {
        int a, b;
        CN_TRY(cni_torch_dim("dim0", args->dim0, in->rank, in, &a, error));
        CN_TRY(cni_torch_dim("dim1", args->dim1, in->rank, in, &b, error));
        from[a] = b, from[b] = a;
        return CN_OK;
    }
    bool fits = args->dims.count == in->rank;
    for (int i = 0; fits && i < in->rank; i++) {
        CN_TRY(cni_torch_dim("dims", args->dims.at[i], in->rank, in, from + i, error));
        fits = !used[from[i]];
        used[from[i]] = true;
    }
    if (fits) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "dims=(%s) does not name each dimension of the input, shape %s, once",
                    sizes_text(&args->dims, (char[160]){0}), CNI_SHOW_SHAPE(in));
}

static cn_status permute_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    int from[CNI_MAX_RANK];
    CN_TRY(permutation(layer->config, in, from, error));
    *out = (cni_shape){.rank = in->rank};
    for (int i = 0; i < in->rank; i++) out->dims[i] = in->dims[from[i]];
    return CN_OK;
}

static cn_status translate_permute(cni_torch_call *call)
{
    const cni_shape *in = call->place->in;
    int from[CNI_MAX_RANK];
    char text[80] = "";
    size_t used = 0;
    if (!in) return cni_torch_refuse(call, "the shape of the input is not known here");
    CN_TRY(permutation(call->config, in, from, call->error));
    if (from[0]) return cni_torch_refuse(call, "it leaves the batch where it is");
    for (int i = 1; i < in->rank; i++) used += (size_t)snprintf(text + used, sizeof text - used, "%d, ", from[i]);
    return cni_torch_say(call, "Permute((%s))", text);
}

#define PERMUTE(variable, name_, fields_, help_)                                                                       \
    const cni_torch_kind variable = {.layer = {.kind = {.name = (name_),                                               \
                                                        .module = FUNCTION,                                            \
                                                        .args_size = sizeof(permute_args),                             \
                                                        CNI_FIELDS(fields_),                                           \
                                                        .help = (help_)},                                              \
                                               .output_shape = permute_shape,                                          \
                                               .view = cni_torch_view_all,                                             \
                                               .keras = cni_torch_keras},                                              \
                                     .translate = translate_permute}

PERMUTE(cni_torch_permute, "Permute", permute_fields, "dimensions in another order: x.permute");
PERMUTE(cni_torch_transpose, "Transpose", transpose_fields, "two dimensions change places: x.transpose");
