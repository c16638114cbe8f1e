/* SPDX-License-Identifier: Apache-2.0
 * Functions of several inputs: torch.cat, and + - * / of tensors or of a tensor and a number. */
#include "layers/torch/torch.h"

#define FUNCTION "torch"

typedef struct cat_args {
    cn_layer_args head;
    int dim;
} cat_args;
#define ARGS cat_args

static const cni_field cat_fields[] = {CNI_FIELD(dim, "dim", 0, "0", 0, 0, "dimension along which inputs follow")};

static cn_status cat_two(cni_shape *out, const cni_shape *in, int dim, cni_error *error)
{
    bool fits = out->rank == in->rank;
    for (int i = 0; fits && i < in->rank; i++) {
        const bool known = out->dims[i] >= 0 && in->dims[i] >= 0;
        fits = i == dim || !known || out->dims[i] == in->dims[i];
    }
    if (!fits)
        return cni_fail(error, CN_ERR_SHAPE,
                        "inputs of shapes %s and %s do not fit behind each other; all but dimension %d must be equal",
                        CNI_SHOW_SHAPE(out), CNI_SHOW_SHAPE(in), dim);
    for (int i = 0; i < in->rank; i++) {
        if (i != dim && out->dims[i] < 0) out->dims[i] = in->dims[i];
        if (i == dim) out->dims[i] = out->dims[i] < 0 || in->dims[i] < 0 ? CNI_UNKNOWN : out->dims[i] + in->dims[i];
    }
    return CN_OK;
}

static cn_status cat_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    const cat_args *args = layer->config->args;
    int dim;
    CN_TRY(cni_torch_dim("dim", args->dim, in->rank, in, &dim, error));
    *out = in[0];
    for (int i = 1; i < count; i++) CN_TRY(cat_two(out, in + i, dim, error));
    return CN_OK;
}

/* Along rows or columns positions are not those of the inputs. */
static void cat_view(const cni_object *config, cni_view *view)
{
    const cat_args *args = config->args;
    *view = (cni_view){.type = args->dim == 1 || args->dim == -3 ? CNI_VIEW_POINT : CNI_VIEW_UNKNOWN, .groups = 1};
}

static cn_status translate_cat(cni_torch_call *call)
{
    const cat_args *args = call->config->args;
    if (args->dim == 0) return cni_torch_refuse(call, "it cannot put batches behind each other");
    return cni_torch_say(call, "Concatenate(axis=%d)", args->dim);
}

const cni_torch_kind cni_torch_cat = {.layer = {.kind = {.name = "Cat",
                                                         .module = FUNCTION,
                                                         .args_size = sizeof(cat_args),
                                                         CNI_FIELDS(cat_fields),
                                                         .help = "inputs behind each other: torch.cat"},
                                                .merges = true,
                                                .traits = CNI_IS_MERGE | CNI_IS_CONCATENATE,
                                                .output_shape = cat_shape,
                                                .view = cat_view,
                                                .keras = cni_torch_keras},
                                      .translate = translate_cat};
#undef ARGS

/* ---- arithmetic ---- */

/* Dimension i from the end; 1 where there is none. */
static int64_t from_end(const cni_shape *shape, int i)
{
    return i < shape->rank ? shape->dims[shape->rank - 1 - i] : 1;
}

static cn_status broadcast(cni_shape *out, const cni_shape *in, cni_error *error)
{
    cni_shape both = {.rank = out->rank > in->rank ? out->rank : in->rank};
    for (int i = 0; i < both.rank; i++) {
        const int64_t a = from_end(out, i), b = from_end(in, i);
        if (a > 1 && b > 1 && a != b)
            return cni_fail(error, CN_ERR_SHAPE, "inputs of shapes %s and %s do not fit; dimensions must be equal or 1",
                            CNI_SHOW_SHAPE(out), CNI_SHOW_SHAPE(in));
        both.dims[both.rank - 1 - i] = a < 0 && b < 0 ? CNI_UNKNOWN : a < 0 ? (b > 1 ? b : a) : a == 1 ? b : a;
    }
    *out = both;
    return CN_OK;
}

static cn_status merge_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)layer;
    *out = in[0];
    for (int i = 1; i < count; i++) CN_TRY(broadcast(out, in + i, error));
    return CN_OK;
}

static cn_status translate_add(cni_torch_call *call)
{
    return cni_torch_say(call, "Add()");
}

static cn_status translate_sub(cni_torch_call *call)
{
    return cni_torch_say(call, "Subtract()");
}

static cn_status translate_mul(cni_torch_call *call)
{
    return cni_torch_say(call, "Multiply()");
}

static cn_status translate_maximum(cni_torch_call *call)
{
    return cni_torch_say(call, "Maximum()");
}

static cn_status translate_minimum(cni_torch_call *call)
{
    return cni_torch_say(call, "Minimum()");
}

#define MERGE(variable, name_, translate_, help_)                                                                      \
    const cni_torch_kind variable = {                                                                                  \
        .layer = {.kind = {.name = (name_), .module = FUNCTION, .args_size = sizeof(cn_layer_args), .help = (help_)},  \
                  .merges = true,                                                                                      \
                  .traits = CNI_IS_MERGE,                                                                              \
                  .output_shape = merge_shape,                                                                         \
                  .keras = cni_torch_keras},                                                                           \
        .translate = (translate_)}

MERGE(cni_torch_add, "Add", translate_add, "the sum of its inputs: a + b");
MERGE(cni_torch_sub, "Sub", translate_sub, "the difference of its inputs: a - b");
MERGE(cni_torch_mul, "Mul", translate_mul, "the product of its inputs: a * b");
MERGE(cni_torch_div, "Div", NULL, "the quotient of its inputs: a / b");
MERGE(cni_torch_maximum, "Maximum", translate_maximum, "the larger of its inputs: torch.maximum");
MERGE(cni_torch_minimum, "Minimum", translate_minimum, "the smaller of its inputs: torch.minimum");

/* ---- with numbers ---- */

typedef struct rescaling_args {
    cn_layer_args head;
    double scale, offset;
} rescaling_args;
#define ARGS rescaling_args

static const cni_field rescaling_fields[] = {
    CNI_FIELD(scale, "scale", CNI_REQUIRED, NULL, 0, 0, "what each number is multiplied by"),
    CNI_FIELD(offset, "offset", 0, "0.0", 0, 0, "what is added then"),
};

static cn_status translate_rescaling(cni_torch_call *call)
{
    const rescaling_args *args = call->config->args;
    return cni_torch_say(call, "Rescaling(%s, offset=%s)", cni_show_real(args->scale, (char[32]){0}),
                         cni_show_real(args->offset, (char[32]){0}));
}

const cni_torch_kind cni_torch_rescaling = {.layer = {.kind = {.name = "Rescaling",
                                                               .module = FUNCTION,
                                                               .args_size = sizeof(rescaling_args),
                                                               CNI_FIELDS(rescaling_fields),
                                                               .help = "arithmetic with numbers: 2 * x - 1"},
                                                      .output_shape = cni_torch_same_shape,
                                                      .keras = cni_torch_keras},
                                            .translate = translate_rescaling};
