/* SPDX-License-Identifier: Apache-2.0
 * PyTorch's functions: chains and lists of modules, functions that stand for a module, and what tells an input's size.
 */
#include "formats/source/evaluate.h"

#include <string.h>

/* ---- chains and lists ---- */

/* OrderedDict([("conv", a), ...]) is a dict by now. */
static void append_named(cni_evaluator *e, cni_source_model *model, const cni_thing *dict)
{
    for (size_t i = 0; i < dict->count; i++)
        cni_model_append(e, model, dict->keys[i]->type == CNI_THING_TEXT ? dict->keys[i]->text : NULL, dict->items[i],
                         dict->items[i]->span);
}

void cni_model_append_all(cni_evaluator *e, cni_source_model *model, cni_actuals *actuals)
{
    for (int i = 0; i < actuals->count; i++) {
        cni_thing *thing = actuals->items[i].thing;
        if (thing->type == CNI_THING_DICT)
            append_named(e, model, thing);
        else
            cni_model_append(e, model, NULL, thing, actuals->items[i].span);
    }
}

static cni_thing *sequential(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    (void)row;
    cni_source_model *model = cni_model_new(e, CNI_MODEL_CHAIN, CNI_TORCH, actuals->span);
    if (!model) return e->broken;
    model->name = "Sequential";
    model->inside = e->frame && e->frame->self;
    cni_model_append_all(e, model, actuals);
    return model->thing;
}

static cni_thing *module_list(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    cni_thing *list = cni_thing_new(e, CNI_THING_LIST, actuals->span),
              *given = cni_actuals_thing(actuals, 0, "modules");
    (void)row;
    if (list == e->broken) return list;
    list->modules = true;
    if (given && !cni_thing_is_list(given)) return given;
    for (size_t i = 0; given && cni_thing_is_list(given) && i < given->count; i++)
        cni_thing_append(e, list, given->items[i]);
    return list;
}

static cni_thing *module_dict(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    cni_thing *given = cni_actuals_thing(actuals, 0, "modules");
    (void)row;
    return given ? given : cni_thing_new(e, CNI_THING_DICT, actuals->span);
}

static cni_thing *ordered_dict(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    (void)row;
    return cni_call_builtin(e, "dict", actuals);
}

/* DataParallel(model), torch.compile(model): the model itself. */
static cni_thing *first(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    cni_thing *thing = cni_actuals_thing(actuals, 0, "module");
    (void)row;
    return thing ? thing : cni_thing_opaque(e, actuals->span);
}

/* F.pad(x, [d // 2, ...]) with sizes that are not known: taken as nothing, which it is where sizes fit. */
static cni_thing *pad(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    cni_actual *sides = cni_actuals_take(actuals, 1, "pad");
    cni_thing *x = cni_actuals_tensor(actuals);
    bool known = sides && x;
    for (size_t i = 0; known && cni_thing_is_list(sides->thing) && i < sides->thing->count; i++)
        known = sides->thing->items[i]->type != CNI_THING_OPAQUE;
    for (int i = 0; i < actuals->count; i++) actuals->items[i].taken = false;
    if (known || !sides || !x) return cni_function_layer(e, row, actuals);
    cni_evaluate_remark(e, "I805", CNI_NOTE, sides->span, "tell the size of the input: torch.randn(1, 3, 224, 224)",
                        "this padding depends on sizes that are not known here: taken as none");
    return x;
}

/* ---- sizes ---- */

static const cni_value *without_batch(cni_evaluator *e, const cni_thing *size, bool batch)
{
    cni_shape shape;
    if (!cni_thing_is_list(size) || !cni_shape_of_things(size->items, size->count, &shape)) return NULL;
    if (!batch && shape.rank < CNI_MAX_RANK) {
        memmove(shape.dims + 1, shape.dims, (size_t)shape.rank * sizeof *shape.dims);
        shape.rank++;
    }
    return cni_shape_value(e, &shape);
}

/* torchsummary: summary(m, (3, 32, 32)); torchinfo: summary(m, input_size=(1, 3, 32, 32)), told apart by the import. */
static cni_thing *summary(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    const cni_thing *model = cni_actuals_thing(actuals, 0, "model");
    const bool info = cni_path_under(row->path, "torchinfo");
    cni_actual *size = cni_actuals_take(actuals, 1, "input_size");
    cni_source_model *of = model ? cni_model_of(model) : NULL;
    if (!of || !size) return e->none;
    const cni_thing *thing = size->thing;
    if (cni_thing_is_list(thing) && thing->count && cni_thing_is_list(thing->items[0])) thing = thing->items[0];
    const bool batch = info || (cni_thing_is_list(thing) && thing->count == 4);
    cni_model_take_shape(of, 0, without_batch(e, thing, batch), size->span);
    return e->none;
}

/* ---- functions ---- */

/* view(x, 2, -1), reshape(x, (2, -1)): a size that is not known is the batch's, as x.size(0) is, or a rest. */
cni_thing *cni_view_tensor(cni_evaluator *e, cni_thing *x, cni_actuals *sizes)
{
    cni_thing *shape = cni_thing_new(e, CNI_THING_LIST, sizes->span);
    bool rest = false;
    for (int i = 0; i < sizes->count; i++) {
        const cni_thing *thing = sizes->items[i].thing;
        if (cni_thing_is_list(thing))
            for (size_t j = 0; j < thing->count; j++) cni_thing_append(e, shape, thing->items[j]);
        else
            cni_thing_append(e, shape, sizes->items[i].thing);
    }
    for (size_t i = 0; i < shape->count; i++) {
        if (shape->items[i]->type == CNI_THING_BROKEN) return shape->items[i];
        if (i) rest |= shape->items[i]->type == CNI_THING_INT && shape->items[i]->integer == -1;
        if (shape->items[i]->type == CNI_THING_INT) continue;
        if (i && shape->items[i]->type != CNI_THING_OPAQUE)
            return cni_evaluate_error(e, "I804", sizes->span, NULL, "a size is %s",
                                      cni_thing_describe(shape->items[i]));
        if (i && rest) return cni_evaluate_error(e, "I805", sizes->span, NULL, "a size is not constant");
        rest |= i > 0;
        shape->items[i] = i ? cni_thing_int(e, -1, sizes->span) : e->none;
    }
    if (shape->count && shape->items[0]->type == CNI_THING_INT && rest && shape->items[0]->integer == -1)
        shape->items[0] = e->none;
    return cni_apply_class(e, CNI_TORCH, "View", "view", x, sizes->span, "shape", shape, (char *)NULL);
}

static cni_thing *reshape(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    cni_thing *x = cni_actuals_tensor(actuals);
    (void)row;
    if (!x || !cni_thing_holds_tensor(x)) return cni_thing_follows(e, x, actuals->span);
    cni_actuals rest = cni_actuals_rest(e, actuals);
    return cni_view_tensor(e, x, &rest);
}

#define F       "torch.nn.functional."
#define POOL    "kernel_size stride padding dilation ceil_mode return_indices"
#define AVERAGE "kernel_size stride padding ceil_mode count_include_pad divisor_override"
#define DROP    "p -training inplace"

static const cni_function functions[] = {
    {"torch.nn.Sequential", sequential, NULL, NULL},
    {"torch.nn.ModuleList", module_list, NULL, NULL},
    {"torch.nn.ModuleDict", module_dict, NULL, NULL},
    {"collections.OrderedDict", ordered_dict, NULL, NULL},
    {"torch.nn.DataParallel", first, NULL, NULL},
    {"torch.compile", first, NULL, NULL},
    {"torch.jit.script", first, NULL, NULL},
    {"torchsummary.summary", summary, NULL, NULL},
    {"torchinfo.summary", summary, NULL, NULL},
    {"torch.randn", cni_function_array, NULL, NULL},
    {"torch.rand", cni_function_array, NULL, NULL},
    {"torch.zeros", cni_function_array, NULL, NULL},
    {"torch.ones", cni_function_array, NULL, NULL},
    {"torch.empty", cni_function_array, NULL, NULL},
    {F "max_pool1d", cni_function_layer, "MaxPool1d", POOL},
    {F "max_pool2d", cni_function_layer, "MaxPool2d", POOL},
    {F "max_pool3d", cni_function_layer, "MaxPool3d", POOL},
    {"torch.max_pool2d", cni_function_layer, "MaxPool2d", POOL},
    {F "avg_pool1d", cni_function_layer, "AvgPool1d", AVERAGE},
    {F "avg_pool2d", cni_function_layer, "AvgPool2d", AVERAGE},
    {F "avg_pool3d", cni_function_layer, "AvgPool3d", AVERAGE},
    {F "adaptive_avg_pool1d", cni_function_layer, "AdaptiveAvgPool1d", "output_size"},
    {F "adaptive_avg_pool2d", cni_function_layer, "AdaptiveAvgPool2d", "output_size"},
    {F "adaptive_max_pool2d", cni_function_layer, "AdaptiveMaxPool2d", "output_size return_indices"},
    {F "relu", cni_function_layer, "ReLU", "inplace"},
    {F "relu_", cni_function_layer, "ReLU", ""},
    {F "relu6", cni_function_layer, "ReLU6", "inplace"},
    {F "leaky_relu", cni_function_layer, "LeakyReLU", "negative_slope inplace"},
    {F "elu", cni_function_layer, "ELU", "alpha inplace"},
    {F "selu", cni_function_layer, "SELU", "inplace"},
    {F "celu", cni_function_layer, "CELU", "alpha inplace"},
    {F "gelu", cni_function_layer, "GELU", "approximate"},
    {F "silu", cni_function_layer, "SiLU", "inplace"},
    {F "mish", cni_function_layer, "Mish", "inplace"},
    {F "hardswish", cni_function_layer, "Hardswish", "inplace"},
    {F "hardsigmoid", cni_function_layer, "Hardsigmoid", "inplace"},
    {F "hardtanh", cni_function_layer, "Hardtanh", "min_val max_val inplace"},
    {F "softplus", cni_function_layer, "Softplus", "beta threshold"},
    {F "sigmoid", cni_function_layer, "Sigmoid", ""},
    {F "logsigmoid", cni_function_layer, "LogSigmoid", ""},
    {F "tanh", cni_function_layer, "Tanh", ""},
    {F "softmax", cni_function_layer, "Softmax", "dim -stacklevel -dtype"},
    {F "log_softmax", cni_function_layer, "LogSoftmax", "dim -stacklevel -dtype"},
    {F "dropout", cni_function_layer, "Dropout", DROP},
    {F "dropout2d", cni_function_layer, "Dropout2d", DROP},
    {F "alpha_dropout", cni_function_layer, "AlphaDropout", DROP},
    {F "interpolate", cni_function_layer, "Interpolate",
     "size scale_factor mode align_corners recompute_scale_factor antialias"},
    {F "upsample", cni_function_layer, "Upsample", "size scale_factor mode align_corners"},
    {F "pixel_shuffle", cni_function_layer, "PixelShuffle", "upscale_factor"},
    {F "pixel_unshuffle", cni_function_layer, "PixelUnshuffle", "downscale_factor"},
    {F "pad", pad, "Pad", NULL},
    {"torch.relu", cni_function_layer, "ReLU", ""},
    {"torch.sigmoid", cni_function_layer, "Sigmoid", ""},
    {"torch.tanh", cni_function_layer, "Tanh", ""},
    {"torch.selu", cni_function_layer, "SELU", ""},
    {"torch.softmax", cni_function_layer, "Softmax", "dim -dtype"},
    {"torch.log_softmax", cni_function_layer, "LogSoftmax", "dim -dtype"},
    {"torch.flatten", cni_function_layer, "Flatten", "start_dim end_dim"},
    {"torch.cat", cni_function_layer, "Cat", "dim axis=dim"},
    {"torch.concat", cni_function_layer, "Cat", "dim axis=dim"},
    {"torch.concatenate", cni_function_layer, "Cat", "dim axis=dim"},
    {"torch.add", cni_function_merge, "Add", "+"},
    {"torch.sub", cni_function_merge, "Sub", "-"},
    {"torch.mul", cni_function_merge, "Mul", "*"},
    {"torch.multiply", cni_function_merge, "Mul", "*"},
    {"torch.div", cni_function_merge, "Div", "/"},
    {"torch.maximum", cni_function_merge, "Maximum", NULL},
    {"torch.minimum", cni_function_merge, "Minimum", NULL},
    {"torch.mean", cni_function_layer, "Mean", "dim keepdim"},
    {"torch.amax", cni_function_layer, "Amax", "dim keepdim"},
    {"torch.squeeze", cni_function_layer, "Squeeze", "dim"},
    {"torch.unsqueeze", cni_function_layer, "Unsqueeze", "dim"},
    {"torch.permute", cni_function_layer, "Permute", "dims"},
    {"torch.transpose", cni_function_layer, "Transpose", "dim0 dim1"},
    {"torch.reshape", reshape, NULL, NULL},
    {"torch.channel_shuffle", cni_function_layer, "ChannelShuffle", "groups"},
};

cni_thing *cni_torch_call(cni_evaluator *e, const char *path, cni_actuals *actuals, bool *known)
{
    *known = true;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp(functions[i].path, path) == 0) return functions[i].call(e, &functions[i], actuals);
    *known = false;
    return NULL;
}
