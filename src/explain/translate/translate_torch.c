/* SPDX-License-Identifier: Apache-2.0
 * Keras networks in PyTorch's words: one module with a forward(), a line or two for each layer.
 *
 *     class Translated(nn.Module):
 *         def __init__(self):
 *             super().__init__()
 *             self.conv2d = nn.Conv2d(3, 32, 3, padding=1)
 *         def forward(self, input):
 *             conv2d = F.relu(self.conv2d(input)) */
#include "explain/translate/translate.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct telling {
    const cni_analysis *analysis;
    const cni_explained *node, *input; /* input: the first */
    const cni_object *config;
    cni_text *modules, *forward;
    cni_error *error;
    char name[80], argument[80]; /* identifiers: of the node, of its first input */
} telling;

typedef cn_status tell(telling *t);

/* ---- identifiers ---- */

const char *cni_identifier(const cni_explained *node, char *buffer, size_t size)
{
    size_t at = 0;
    if (*node->name >= '0' && *node->name <= '9' && at + 1 < size) buffer[at++] = '_';
    for (const char *c = node->name; *c && at + 1 < size; c++)
        buffer[at++] = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ? *c : '_';
    buffer[at] = 0;
    return buffer;
}

/* ---- lines ---- */

/* self.NAME = MODULE, once for a layer that is shared. */
static void module(telling *t, const char *suffix, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void module(telling *t, const char *suffix, const char *format, ...)
{
    char text[400];
    va_list args;
    if (t->node->shared_with >= 0) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cni_text_printf(t->modules, "        self.%s%s = %s\n", t->name, suffix, text);
}

/* The name that the module has: that of the layer's first call. */
static const char *module_name(const telling *t, char *buffer, size_t size)
{
    const cni_explained *node = t->node->shared_with >= 0 ? &t->analysis->nodes[t->node->shared_with] : t->node;
    return cni_identifier(node, buffer, size);
}

/* NAME = self.NAME(ARGUMENT) */
static void apply(telling *t, const char *suffix, const char *argument)
{
    char own[80];
    cni_text_printf(t->forward, "        %s = self.%s%s(%s)\n", t->name, module_name(t, own, sizeof own), suffix,
                    argument);
}

static cn_status refuse(telling *t, const char *why)
{
    return cni_fail(t->error, CN_ERR_UNSUPPORTED, "%s: %s cannot be said in PyTorch's words%s%s", t->node->name,
                    t->node->layer->class_name, *why ? ": " : "", why);
}

/* ---- arguments ---- */

static int64_t channels_of(const cni_explained *node)
{
    return node->spatial ? node->channels : node->shape.rank == 2 ? node->shape.dims[1] : -1;
}

/* "3" or "(3, 5)" from a member of the view's axes. */
static void numbers(const telling *t, size_t offset, char *text, size_t size)
{
    int64_t values[CNI_MAX_SPATIAL] = {1};
    bool same = true;
    for (int i = 0; i < t->node->view.spatial; i++) {
        memcpy(&values[i], (const char *)&t->node->view.axis[i] + offset, sizeof *values);
        same &= values[i] == values[0];
    }
    if (same) {
        snprintf(text, size, "%" PRId64, values[0]);
        return;
    }
    strcpy(text, "(");
    for (int i = 0; i < t->node->view.spatial; i++)
        snprintf(text + strlen(text), size - strlen(text), "%s%" PRId64, i ? ", " : "", values[i]);
    snprintf(text + strlen(text), size - strlen(text), ")");
}

#define NUMBERS(member, text) numbers(t, offsetof(cni_view_axis, member), text, sizeof text)

static void optional(char *text, size_t size, const char *key, const char *value, const char *otherwise)
{
    if (strcmp(value, otherwise) != 0) snprintf(text + strlen(text), size - strlen(text), ", %s=%s", key, value);
}

/* PyTorch's habit for 'same': (k-1)/2 with stride 1, k/2 with a larger one; pools (k-1)/2. */
static void same_padding(const telling *t, bool pool, char *text, size_t size)
{
    int64_t pads[CNI_MAX_SPATIAL] = {0};
    bool alike = true;
    const int count = t->node->view.spatial;
    for (int i = 0; i < count; i++) {
        const cni_view_axis *a = &t->node->view.axis[i];
        const int64_t extent = (a->size - 1) * a->dilation + 1;
        pads[i] = a->stride == 1 || pool ? (extent - 1) / 2 : extent / 2;
        if (a->stride == 1 && extent % 2 == 0 && !pool) { /* only 'same' itself can be uneven */
            snprintf(text, size, "'same'");
            return;
        }
        alike &= pads[i] == pads[0];
    }
    if (alike) {
        snprintf(text, size, "%" PRId64, pads[0]);
        return;
    }
    strcpy(text, "(");
    for (int i = 0; i < count; i++)
        snprintf(text + strlen(text), size - strlen(text), "%s%" PRId64, i ? ", " : "", pads[i]);
    snprintf(text + strlen(text), size - strlen(text), ")");
}

static bool is_same(const telling *t)
{
    return t->node->view.axis[0].rule == CNI_PAD_SAME;
}

static bool has_bias(const telling *t)
{
    return cni_amount_sum(t->node->params) > t->node->kernel_weights;
}

/* ---- activations ---- */

/* `rest` follows the argument; with the number that `key` has, unless that is PyTorch's own (`usual`). */
static const struct {
    const char *keras, *torch, *rest, *key;
    double usual;
} activations[] = {
    {"relu", "F.relu", "", NULL, 0},
    {"relu6", "F.relu6", "", NULL, 0},
    {"sigmoid", "torch.sigmoid", "", NULL, 0},
    {"tanh", "torch.tanh", "", NULL, 0},
    {"softmax", "F.softmax", ", dim=1", NULL, 0},
    {"log_softmax", "F.log_softmax", ", dim=1", NULL, 0},
    {"elu", "F.elu", ", alpha=%s", "alpha", 1},
    {"selu", "F.selu", "", NULL, 0},
    {"gelu", "F.gelu", "", NULL, 0},
    {"silu", "F.silu", "", NULL, 0},
    {"swish", "F.silu", "", NULL, 0},
    {"mish", "F.mish", "", NULL, 0},
    {"softplus", "F.softplus", "", NULL, 0},
    {"softsign", "F.softsign", "", NULL, 0},
    {"hard_sigmoid", "F.hardsigmoid", "", NULL, 0},
    {"hard_silu", "F.hardswish", "", NULL, 0},
    {"hard_swish", "F.hardswish", "", NULL, 0},
    {"leaky_relu", "F.leaky_relu", ", %s", "negative_slope", 0.01},
};

static tell tell_flatten;

static double number_of(const cni_object *config, const char *key, double otherwise)
{
    const double *number = key ? cni_object_member(config, key) : NULL;
    return number && !isnan(*number) ? *number : otherwise;
}

/* relu with a limit, a slope or a threshold. */
static cn_status activate_relu(telling *t, const cni_object *config, const char *argument, bool *done)
{
    const double limit = number_of(config, "max_value", INFINITY), slope = number_of(config, "negative_slope", 0);
    char number[40];
    *done = isfinite(limit) || slope != 0 || number_of(config, "threshold", 0) != 0;
    if (!*done) return CN_OK;
    if (number_of(config, "threshold", 0) != 0 || (isfinite(limit) && slope != 0))
        return refuse(t, "relu with a threshold, or with a limit and a slope");
    cni_show_real(isfinite(limit) ? limit : slope, number);
    if (limit == 6)
        cni_text_printf(t->forward, "        %s = F.relu6(%s)\n", t->name, argument);
    else if (isfinite(limit))
        cni_text_printf(t->forward, "        %s = F.hardtanh(%s, 0.0, %s)\n", t->name, argument, number);
    else
        cni_text_printf(t->forward, "        %s = F.leaky_relu(%s, %s)\n", t->name, argument, number);
    return CN_OK;
}

/* `config` holds the arguments of the activation: of its own object, or of the layer that it is. */
static cn_status activate(telling *t, const char *name, const cni_object *config, const char *argument)
{
    char rest[80], number[40];
    bool done = false;
    if (strcmp(name, "linear") == 0) {
        if (strcmp(argument, t->name) != 0) cni_text_printf(t->forward, "        %s = %s\n", t->name, argument);
        return CN_OK;
    }
    if (strcmp(name, "relu") == 0) CN_TRY(activate_relu(t, config, argument, &done));
    for (size_t i = 0; !done && i < sizeof activations / sizeof *activations; i++) {
        if (strcmp(activations[i].keras, name) != 0) continue;
        const double usual = activations[i].usual, value = number_of(config, activations[i].key, usual);
        cni_show_real(value, number);
        const char *hole = strstr(activations[i].rest, "%s");
        *rest = 0;
        if (!hole)
            snprintf(rest, sizeof rest, "%s", activations[i].rest);
        else if (value != usual)
            snprintf(rest, sizeof rest, "%.*s%s", (int)(hole - activations[i].rest), activations[i].rest, number);
        cni_text_printf(t->forward, "        %s = %s(%s%s)\n", t->name, activations[i].torch, argument, rest);
        done = true;
    }
    return done ? CN_OK : refuse(t, name);
}

/* The argument `activation` of a layer, behind it. */
static cn_status activate_behind(telling *t)
{
    const cni_object *activation = cni_object_of(t->config, "activation");
    return activation ? activate(t, activation->kind->name, activation, t->name) : CN_OK;
}

static cn_status tell_activation(telling *t)
{
    const cni_object *activation = cni_object_of(t->config, "activation");
    return activate(t, activation ? activation->kind->name : "linear", activation, t->argument);
}

/* Values behind each other; to a map only from a vector, whose order is then the channels'. */
static cn_status tell_reshape(telling *t)
{
    if (t->node->shape.rank == 2) return tell_flatten(t);
    if (t->input->shape.rank == t->node->shape.rank && cni_shape_equal(&t->input->shape, &t->node->shape))
        return activate(t, "linear", NULL, t->argument);
    const bool same_map = t->node->view.type == CNI_VIEW_POINT && t->node->channels == 1; /* [28, 28] to one channel */
    if ((t->input->shape.rank != 2 && !same_map) || !t->node->spatial)
        return refuse(t, "the order of the values would be another");
    cni_text_printf(t->forward, "        %s = %s.view(-1, %" PRId64, t->name, t->argument, t->node->channels);
    for (int i = 0; i < t->node->spatial; i++) cni_text_printf(t->forward, ", %" PRId64, t->node->map[i]);
    cni_text_add(t->forward, ")\n");
    return CN_OK;
}

static cn_status tell_named(telling *t)
{
    static const struct {
        const char *class, *name;
    } classes[] = {{"ReLU", "relu"}, {"LeakyReLU", "leaky_relu"}, {"ELU", "elu"}, {"Softmax", "softmax"}};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strcmp(classes[i].class, t->config->kind->name) == 0)
            return activate(t, classes[i].name, t->config, t->argument);
    return refuse(t, "");
}

/* ---- convolutions, dense ---- */

static cn_status tell_conv(telling *t)
{
    char size[60], stride[60], dilation[60], padding[60] = "0", groups[24], rest[300] = "";
    const int64_t in = channels_of(t->input), out = channels_of(t->node);
    const bool depthwise = t->node->layer->kind->traits & CNI_IS_DEPTHWISE;
    if (in < 1 || out < 1) return refuse(t, "the number of channels is not known");
    if (t->node->view.axis[0].rule == CNI_PAD_CAUSAL) return refuse(t, "padding='causal'");
    NUMBERS(size, size);
    NUMBERS(stride, stride);
    NUMBERS(dilation, dilation);
    if (is_same(t)) same_padding(t, false, padding, sizeof padding);
    snprintf(groups, sizeof groups, "%" PRId64, depthwise ? in : t->node->view.groups > 1 ? t->node->view.groups : 1);
    optional(rest, sizeof rest, "stride", stride, "1");
    optional(rest, sizeof rest, "padding", padding, "0");
    optional(rest, sizeof rest, "dilation", dilation, "1");
    optional(rest, sizeof rest, "groups", groups, "1");
    module(t, "", "nn.Conv%dd(%" PRId64 ", %" PRId64 ", %s%s%s)", t->node->view.spatial, in, out, size, rest,
           has_bias(t) ? "" : ", bias=False");
    apply(t, "", t->argument);
    return activate_behind(t);
}

static cn_status tell_separable(telling *t)
{
    char size[60], stride[60], dilation[60], padding[60] = "0", rest[300] = "";
    const int64_t in = channels_of(t->input), out = channels_of(t->node);
    if (in < 1 || out < 1) return refuse(t, "the number of channels is not known");
    NUMBERS(size, size);
    NUMBERS(stride, stride);
    NUMBERS(dilation, dilation);
    if (is_same(t)) same_padding(t, false, padding, sizeof padding);
    optional(rest, sizeof rest, "stride", stride, "1");
    optional(rest, sizeof rest, "padding", padding, "0");
    optional(rest, sizeof rest, "dilation", dilation, "1");
    /* kernel_weights = window * in * m + in * m * out */
    int64_t window = 1;
    for (int i = 0; i < t->node->view.spatial; i++) window *= t->node->view.axis[i].size;
    const int64_t multiplier = t->node->kernel_weights / (in * (window + out));
    module(t, "_depthwise", "nn.Conv%dd(%" PRId64 ", %" PRId64 ", %s%s, groups=%" PRId64 ", bias=False)",
           t->node->view.spatial, in, in * multiplier, size, rest, in);
    module(t, "_pointwise", "nn.Conv%dd(%" PRId64 ", %" PRId64 ", 1%s)", t->node->view.spatial, in * multiplier, out,
           has_bias(t) ? "" : ", bias=False");
    apply(t, "_depthwise", t->argument);
    apply(t, "_pointwise", t->name);
    return activate_behind(t);
}

/* 'same' gives n * s: padding and output_padding of (k - s), rounded up. */
static cn_status tell_transposed(telling *t)
{
    char size[60], stride[60], rest[200] = "";
    const int64_t in = channels_of(t->input), out = channels_of(t->node);
    const cni_view_axis *a = &t->node->view.axis[0];
    if (in < 1 || out < 1) return refuse(t, "the number of channels is not known");
    NUMBERS(size, size);
    NUMBERS(stride, stride);
    for (int i = 1; i < t->node->view.spatial; i++)
        if (a[i].size != a[0].size || a[i].stride != a[0].stride) return refuse(t, "its axes differ");
    if (a->dilation > 1 || a->extends) return refuse(t, "dilation_rate or output_padding is given");
    const int64_t over = a->size - a->stride;
    if (is_same(t) && over < 0) return refuse(t, "the kernel is smaller than the stride");
    optional(rest, sizeof rest, "stride", stride, "1");
    if (is_same(t) && over)
        snprintf(rest + strlen(rest), sizeof rest - strlen(rest), ", padding=%" PRId64 "%s", (over + 1) / 2,
                 over % 2 ? ", output_padding=1" : "");
    module(t, "", "nn.ConvTranspose%dd(%" PRId64 ", %" PRId64 ", %s%s%s)", t->node->view.spatial, in, out, size, rest,
           has_bias(t) ? "" : ", bias=False");
    apply(t, "", t->argument);
    return activate_behind(t);
}

static cn_status tell_dense(telling *t)
{
    const int64_t in = t->input->shape.rank > 1 ? t->input->shape.dims[t->input->shape.rank - 1] : -1;
    const int64_t out = t->node->shape.rank > 1 ? t->node->shape.dims[t->node->shape.rank - 1] : -1;
    if (in < 1 || out < 1) return refuse(t, "the number of inputs is not known");
    if (t->input->spatial) /* on a map: every position by itself */
        module(t, "", "nn.Conv%dd(%" PRId64 ", %" PRId64 ", 1%s)", t->input->spatial, in, out,
               has_bias(t) ? "" : ", bias=False");
    else
        module(t, "", "nn.Linear(%" PRId64 ", %" PRId64 "%s)", in, out, has_bias(t) ? "" : ", bias=False");
    apply(t, "", t->argument);
    return activate_behind(t);
}

/* ---- pools ---- */

static cn_status tell_pool(telling *t)
{
    char size[60], stride[60], padding[60] = "0", rest[200] = "";
    const bool max = t->node->layer->kind->traits & CNI_IS_MAX_POOL;
    NUMBERS(size, size);
    NUMBERS(stride, stride);
    if (is_same(t)) same_padding(t, true, padding, sizeof padding);
    optional(rest, sizeof rest, "stride", stride, size);
    optional(rest, sizeof rest, "padding", padding, "0");
    module(t, "", "nn.%sPool%dd(%s%s%s)", max ? "Max" : "Avg", t->node->view.spatial, size, rest,
           is_same(t) && t->node->view.axis[0].size % 2 == 0 ? ", ceil_mode=True" : "");
    apply(t, "", t->argument);
    return CN_OK;
}

static cn_status tell_global(telling *t)
{
    const bool max = strstr(t->config->kind->name, "Max") != NULL;
    module(t, "", "nn.Adaptive%sPool%dd(1)", max ? "Max" : "Avg", t->input->spatial);
    apply(t, "", t->argument);
    if (!t->node->spatial) cni_text_printf(t->forward, "        %s = torch.flatten(%s, 1)\n", t->name, t->name);
    return CN_OK;
}

/* ---- the others ---- */

static cn_status tell_batch_norm(telling *t)
{
    const int spatial = t->node->spatial ? t->node->spatial : 1;
    module(t, "", "nn.BatchNorm%dd(%" PRId64 ")", spatial, channels_of(t->node));
    apply(t, "", t->argument);
    return CN_OK;
}

static cn_status tell_dropout(telling *t)
{
    const double *rate = cni_object_member(t->config, "rate");
    const bool whole = strncmp(t->config->kind->name, "Spatial", 7) == 0;
    if (!rate) return refuse(t, "");
    if (whole)
        module(t, "", "nn.Dropout%dd(%g)", t->node->spatial, *rate);
    else
        module(t, "", "nn.Dropout(%g)", *rate);
    apply(t, "", t->argument);
    return CN_OK;
}

static cn_status tell_flatten(telling *t)
{
    cni_text_printf(t->forward, "        %s = torch.flatten(%s, 1)\n", t->name, t->argument);
    return CN_OK;
}

/* nn.ZeroPad2d wants the last axis first, and takes negative numbers for a cut. */
static cn_status tell_shift(telling *t)
{
    char sides[120] = "";
    for (int i = t->node->view.spatial - 1; i >= 0; i--)
        snprintf(sides + strlen(sides), sizeof sides - strlen(sides), "%" PRId64 ", %" PRId64 "%s",
                 t->node->view.axis[i].before, t->node->view.axis[i].after, i ? ", " : "");
    module(t, "", "nn.ZeroPad%dd((%s))", t->node->view.spatial, sides);
    apply(t, "", t->argument);
    return CN_OK;
}

static cn_status tell_up(telling *t)
{
    char factor[60];
    NUMBERS(stride, factor);
    const bool linear = t->node->view.type == CNI_VIEW_BILINEAR;
    module(t, "", "nn.Upsample(scale_factor=%s%s)", factor, linear ? ", mode='bilinear'" : "");
    apply(t, "", t->argument);
    return CN_OK;
}

static cn_status tell_nothing(telling *t)
{
    module(t, "", "nn.Identity()");
    apply(t, "", t->argument);
    return CN_OK;
}

static cn_status tell_merge(telling *t)
{
    static const struct {
        const char *class, *join;
    } joins[] = {{"Add", " + "}, {"Subtract", " - "}, {"Multiply", " * "}};
    char one[80];
    const char *join = NULL;
    for (size_t i = 0; i < sizeof joins / sizeof *joins; i++)
        if (strcmp(t->config->kind->name, joins[i].class) == 0) join = joins[i].join;
    const bool cat = t->node->layer->kind->traits & CNI_IS_CONCATENATE;
    if (!join && !cat) return refuse(t, "");
    cni_text_printf(t->forward, "        %s = %s", t->name, cat ? "torch.cat([" : "");
    for (int i = 0; i < t->node->input_count; i++)
        cni_text_printf(t->forward, "%s%s", i ? (cat ? ", " : join) : "",
                        cni_identifier(&t->analysis->nodes[t->node->inputs[i]], one, sizeof one));
    cni_text_add(t->forward, cat ? "], dim=1)\n" : "\n");
    return CN_OK;
}

/* ---- rows ---- */

static const struct {
    unsigned trait;
    cni_view_type view; /* CNI_VIEW_UNKNOWN: any */
    tell *tell;
} rows[] = {
    {CNI_IS_SEPARABLE, CNI_VIEW_WINDOW, tell_separable}, {CNI_IS_CONVOLUTION, CNI_VIEW_TRANSPOSED, tell_transposed},
    {CNI_IS_CONVOLUTION, CNI_VIEW_WINDOW, tell_conv},    {CNI_IS_DENSE, CNI_VIEW_UNKNOWN, tell_dense},
    {CNI_IS_MAX_POOL, CNI_VIEW_WINDOW, tell_pool},       {CNI_IS_AVERAGE_POOL, CNI_VIEW_WINDOW, tell_pool},
    {CNI_IS_GLOBAL_POOL, CNI_VIEW_UNKNOWN, tell_global}, {CNI_IS_BATCH_NORM, CNI_VIEW_UNKNOWN, tell_batch_norm},
    {CNI_IS_DROPOUT, CNI_VIEW_UNKNOWN, tell_dropout},    {CNI_IS_FLATTEN, CNI_VIEW_UNKNOWN, tell_flatten},
    {CNI_IS_PADDING, CNI_VIEW_SHIFT, tell_shift},        {CNI_IS_CROPPING, CNI_VIEW_SHIFT, tell_shift},
    {CNI_IS_MERGE, CNI_VIEW_UNKNOWN, tell_merge},        {CNI_IS_NOTHING, CNI_VIEW_UNKNOWN, tell_nothing},
};

static cn_status tell_node(telling *t)
{
    const cni_layer_kind *kind = t->node->layer->kind;
    const cni_view_type view = t->node->view.type;
    if (!kind || !t->config || t->node->suspect) return refuse(t, "");
    if (view == CNI_VIEW_NEAREST || view == CNI_VIEW_BILINEAR) return tell_up(t);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (kind->traits & rows[i].trait && (rows[i].view == CNI_VIEW_UNKNOWN || rows[i].view == view))
            return rows[i].tell(t);
    if (strcmp(kind->kind.name, "Reshape") == 0) return tell_reshape(t);
    if (kind->traits & (CNI_IS_ACTIVATION | CNI_IS_SOFTMAX))
        return strcmp(kind->kind.name, "Activation") == 0 ? tell_activation(t) : tell_named(t);
    return refuse(t, "");
}

/* ---- the whole ---- */

static bool is_input(const cni_explained *node)
{
    return node->layer->kind && node->layer->kind->traits & CNI_IS_INPUT;
}

static void tell_call(const cni_analysis *analysis, cni_text *out)
{
    cni_text_add(out, "\nmodel = Translated()\ny = model(");
    for (int i = 0, first = 1; i < analysis->count; i++) {
        const cni_explained *node = &analysis->nodes[i];
        if (!is_input(node)) continue;
        cni_text_printf(out, "%storch.zeros(1", first ? "" : ", ");
        const bool map = node->spatial && node->shape.rank == node->spatial + 2;
        if (map) cni_text_printf(out, ", %" PRId64, node->channels);
        for (int k = 0; map && k < node->spatial; k++) cni_text_printf(out, ", %" PRId64, node->map[k]);
        for (int k = 1; !map && k < node->shape.rank; k++) cni_text_printf(out, ", %" PRId64, node->shape.dims[k]);
        cni_text_char(out, ')');
        first = 0;
    }
    cni_text_add(out, ")\n");
}

static cn_status tell_nodes(const cni_analysis *analysis, cni_text *modules, cni_text *forward, cni_text *inputs,
                            cni_error *error)
{
    for (int i = 0; i < analysis->count; i++) {
        telling t = {
            .analysis = analysis, .node = &analysis->nodes[i], .modules = modules, .forward = forward, .error = error};
        t.config = t.node->layer->config;
        cni_identifier(t.node, t.name, sizeof t.name);
        if (is_input(t.node)) {
            for (int k = 1; k < t.node->shape.rank; k++)
                if (t.node->shape.dims[k] < 0) return refuse(&t, "the size of the input is not known");
            cni_text_printf(inputs, ", %s", t.name);
            continue;
        }
        if (!t.node->input_count) return refuse(&t, "");
        t.input = &analysis->nodes[t.node->inputs[0]];
        cni_identifier(t.input, t.argument, sizeof t.argument);
        CN_TRY(tell_node(&t));
    }
    return CN_OK;
}

cn_status cni_say_in_torch(const cni_analysis *analysis, cni_text *out, cni_error *error)
{
    cni_text modules = {0}, forward = {0}, inputs = {0};
    char name[80];
    const cn_status status = tell_nodes(analysis, &modules, &forward, &inputs, error);
    cni_text_add(out, "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n\n\n"
                      "class Translated(nn.Module):\n    def __init__(self):\n        super().__init__()\n");
    cni_text_add(out, cni_text_get(&modules));
    cni_text_printf(out, "\n    def forward(self%s):\n", cni_text_get(&inputs));
    cni_text_add(out, cni_text_get(&forward));
    cni_text_add(out, "        return ");
    for (int i = 0, first = 1; i < analysis->count; i++)
        if (analysis->nodes[i].output) {
            cni_text_printf(out, "%s%s", first ? "" : ", ", cni_identifier(&analysis->nodes[i], name, sizeof name));
            first = 0;
        }
    cni_text_add(out, "\n\n");
    tell_call(analysis, out);
    out->failed |= modules.failed | forward.failed | inputs.failed;
    cni_text_free(&modules);
    cni_text_free(&forward);
    cni_text_free(&inputs);
    if (status) return status;
    return out->failed ? cni_no_memory(error, "a translation") : CN_OK;
}
