/* SPDX-License-Identifier: Apache-2.0
 * What was probably meant: names of the other framework, older names, and the nearest ones. */
#include "formats/source/evaluate.h"

#include "base/text.h"

#include <string.h>
#include <strings.h>

typedef struct word {
    const char *from, *to; /* NULL: none is needed; `why` tells */
    const char *why;
} word;

/* ---- arguments ---- */

static const word keras_arguments[] = {
    {"stride", "strides", NULL},
    {"dilation", "dilation_rate", NULL},
    {"bias", "use_bias", NULL},
    {"kernel", "kernel_size", NULL},
    {"filter", "filters", NULL},
    {"num_filters", "filters", NULL},
    {"n_filters", "filters", NULL},
    {"nb_filter", "filters", NULL},
    {"out_channels", "filters", NULL},
    {"channels", "filters", NULL},
    {"out_features", "units", NULL},
    {"output_dim", "units", NULL},
    {"kernel_size", "pool_size", NULL},
    {"pool_size", "kernel_size", NULL},
    {"pool_length", "pool_size", NULL},
    {"pad", "padding", NULL},
    {"border_mode", "padding", NULL},
    {"subsample", "strides", NULL},
    {"dim_ordering", "data_format", NULL},
    {"init", "kernel_initializer", NULL},
    {"W_regularizer", "kernel_regularizer", NULL},
    {"p", "rate", NULL},
    {"eps", "epsilon", NULL},
    {"dim", "axis", NULL},
    {"lr", "learning_rate", NULL},
    {"p", "rate", NULL},
    {"scale_factor", "size", NULL},
    {"activation_function", "activation", NULL},
    {"in_channels", NULL, "Keras takes the number of input channels from the input"},
    {"in_features", NULL, "Keras takes the number of inputs from the input"},
    {"num_features", NULL, "Keras takes the number of channels from the input"},
    {"inplace", NULL, "Keras has no such thing, and needs none"},
    {"input_dim", "input_shape", NULL},
};

static const word torch_arguments[] = {
    {"strides", "stride", NULL},
    {"dilation_rate", "dilation", NULL},
    {"use_bias", "bias", NULL},
    {"filters", "out_channels", NULL},
    {"units", "out_features", NULL},
    {"pool_size", "kernel_size", NULL},
    {"rate", "p", NULL},
    {"epsilon", "eps", NULL},
    {"axis", "dim", NULL},
    {"size", "scale_factor", NULL},
    {"in_channel", "in_channels", NULL},
    {"out_channel", "out_channels", NULL},
    {"activation", NULL, "PyTorch has modules for it: nn.ReLU() behind this one"},
    {"input_shape", NULL, "PyTorch takes it from the input: torch.randn(1, 3, 32, 32)"},
    {"kernel_initializer", NULL, "PyTorch has functions for it: nn.init"},
    {"data_format", NULL, "PyTorch has channels first"},
};

static const char *other_framework(cni_dialect dialect)
{
    return dialect == CNI_KERAS ? "PyTorch" : "Keras";
}

static const char *own_framework(cni_dialect dialect)
{
    return dialect == CNI_KERAS ? "Keras" : "PyTorch";
}

static bool has_argument(const cni_kind *kind, const char *key)
{
    for (size_t i = 0; i < kind->field_count; i++)
        if (strcmp(kind->fields[i].key, key) == 0) return true;
    return false;
}

static bool is_other_name(const char *key, cni_dialect dialect)
{
    const word *words = dialect == CNI_KERAS ? torch_arguments : keras_arguments;
    const size_t count =
        dialect == CNI_KERAS ? sizeof torch_arguments / sizeof *words : sizeof keras_arguments / sizeof *words;
    for (size_t i = 0; i < count; i++)
        if (words[i].to && strcmp(words[i].to, key) == 0) return true;
    return false;
}

static const char *translated(cni_evaluator *e, const cni_kind *kind, const char *key, cni_dialect dialect)
{
    const word *words = dialect == CNI_KERAS ? keras_arguments : torch_arguments;
    const size_t count =
        dialect == CNI_KERAS ? sizeof keras_arguments / sizeof *words : sizeof torch_arguments / sizeof *words;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i].from, key) != 0) continue;
        if (!words[i].to) return cni_arena_printf(e->arena, "'%s' is not needed: %s", key, words[i].why);
        if (!has_argument(kind, words[i].to)) continue;
        if (!is_other_name(key, dialect))
            return cni_arena_printf(e->arena, "%s calls it '%s'", own_framework(dialect), words[i].to);
        return cni_arena_printf(e->arena, "%s calls it '%s'; '%s' is the %s name", own_framework(dialect), words[i].to,
                                key, other_framework(dialect));
    }
    return NULL;
}

/* All arguments, where they are few. */
const char *cni_hint_arguments(cni_evaluator *e, const cni_kind *kind)
{
    cni_text list = {0};
    for (size_t i = 0; i < kind->field_count && i < 8; i++) {
        if (kind->fields[i].flags & CNI_READ_ONLY) continue;
        cni_text_printf(&list, "%s%s", list.length ? ", " : "it takes ", kind->fields[i].key);
    }
    if (kind->field_count > 8) cni_text_add(&list, ", ...");
    const char *text = list.length && !list.failed ? cni_arena_text(e->arena, cni_text_get(&list)) : NULL;
    cni_text_free(&list);
    return text;
}

const char *cni_hint_argument(cni_evaluator *e, const cni_kind *kind, const char *key, cni_dialect dialect)
{
    const char *names[64], *hint = translated(e, kind, key, dialect);
    size_t count = 0;
    if (hint) return hint;
    for (size_t i = 0; i < kind->field_count && count < 64; i++)
        if (!(kind->fields[i].flags & CNI_READ_ONLY)) names[count++] = kind->fields[i].key;
    const char *near = cni_nearest(key, names, count);
    return near ? cni_arena_printf(e->arena, "did you mean '%s'?", near) : cni_hint_arguments(e, kind);
}

/* ---- layers ---- */

static const word keras_layers[] = {
    {"Linear", "Dense", NULL},
    {"FullyConnected", "Dense", NULL},
    {"Conv", "Conv2D", NULL},
    {"Convolution", "Conv2D", NULL},
    {"MaxPool2d", "MaxPooling2D", NULL},
    {"MaxPool", "MaxPooling2D", NULL},
    {"MaxPooling", "MaxPooling2D", NULL},
    {"AvgPool2d", "AveragePooling2D", NULL},
    {"AvgPool", "AveragePooling2D", NULL},
    {"AveragePooling", "AveragePooling2D", NULL},
    {"AvgPooling2D", "AveragePooling2D", NULL},
    {"AdaptiveAvgPool2d", "GlobalAveragePooling2D", NULL},
    {"GlobalAvgPooling2D", "GlobalAveragePooling2D", NULL},
    {"BatchNorm2d", "BatchNormalization", NULL},
    {"BatchNorm", "BatchNormalization", NULL},
    {"BatchNorm2D", "BatchNormalization", NULL},
    {"LayerNorm", "LayerNormalization", NULL},
    {"GroupNorm", "GroupNormalization", NULL},
    {"Dropout2d", "SpatialDropout2D", NULL},
    {"ConvTranspose2d", "Conv2DTranspose", NULL},
    {"ConvTranspose2D", "Conv2DTranspose", NULL},
    {"Deconv2D", "Conv2DTranspose", NULL},
    {"Deconvolution2D", "Conv2DTranspose", NULL},
    {"Upsample", "UpSampling2D", NULL},
    {"Upsampling2D", "UpSampling2D", NULL},
    {"ZeroPad2d", "ZeroPadding2D", NULL},
    {"Cat", "Concatenate", NULL},
    {"Concat", "Concatenate", NULL},
    {"Sum", "Add", NULL},
    {"Sigmoid", "Activation", "Activation('sigmoid')"},
    {"Tanh", "Activation", "Activation('tanh')"},
    {"SiLU", "Activation", "Activation('silu')"},
    {"GELU", "Activation", "Activation('gelu')"},
    {"Relu", "ReLU", NULL},
    {"DepthwiseConv", "DepthwiseConv2D", NULL},
    {"SeparableConvolution2D", "SeparableConv2D", NULL},
};

static const word torch_layers[] = {
    {"Dense", "Linear", NULL},
    {"Conv2D", "Conv2d", NULL},
    {"Conv", "Conv2d", NULL},
    {"MaxPooling2D", "MaxPool2d", NULL},
    {"MaxPool", "MaxPool2d", NULL},
    {"AveragePooling2D", "AvgPool2d", NULL},
    {"GlobalAveragePooling2D", "AdaptiveAvgPool2d", "AdaptiveAvgPool2d(1)"},
    {"GlobalMaxPooling2D", "AdaptiveMaxPool2d", "AdaptiveMaxPool2d(1)"},
    {"BatchNormalization", "BatchNorm2d", NULL},
    {"BatchNorm", "BatchNorm2d", NULL},
    {"LayerNormalization", "LayerNorm", NULL},
    {"GroupNormalization", "GroupNorm", NULL},
    {"SpatialDropout2D", "Dropout2d", NULL},
    {"Conv2DTranspose", "ConvTranspose2d", NULL},
    {"UpSampling2D", "Upsample", NULL},
    {"ZeroPadding2D", "ZeroPad2d", NULL},
    {"Activation", "ReLU", "a module of its own: ReLU(), Sigmoid(), ..."},
    {"DepthwiseConv2D", "Conv2d", "Conv2d(c, c, k, groups=c)"},
    {"Relu", "ReLU", NULL},
};

const char *cni_hint_layer(cni_evaluator *e, const char *name, cni_dialect dialect)
{
    const bool keras = dialect == CNI_KERAS;
    const word *words = keras ? keras_layers : torch_layers;
    const size_t count = keras ? sizeof keras_layers / sizeof *words : sizeof torch_layers / sizeof *words;
    const cni_family *family = keras ? &cni_layers : &cni_torch_layers;
    const cni_family *other = keras ? &cni_torch_layers : &cni_layers;
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(words[i].from, name) == 0 && strcmp(words[i].to, name) != 0)
            return cni_arena_printf(e->arena, "%s calls it %s", own_framework(dialect),
                                    words[i].why ? words[i].why : words[i].to);
    for (size_t i = 0; i < family->count; i++)
        if (strcasecmp(family->kinds[i]->name, name) == 0)
            return cni_arena_printf(e->arena, "%s writes it %s", own_framework(dialect), family->kinds[i]->name);
    const char *near = cni_family_nearest(family, name);
    if (near) return cni_arena_printf(e->arena, "did you mean %s?", near);
    return cni_family_find(other, name) ? cni_arena_printf(e->arena, "%s has it; %s calls it something else",
                                                           other_framework(dialect), own_framework(dialect))
                                        : NULL;
}
