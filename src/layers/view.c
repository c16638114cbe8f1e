/* SPDX-License-Identifier: Apache-2.0
 * What the rows of layer kinds say about geometry and activations, for those who explain. */
#include "layers/layer.h"

#include <math.h>
#include <string.h>
#include <strings.h>

void cni_layer_view(const cni_layer_kind *kind, const cni_object *config, cni_view *view)
{
    *view = (cni_view){.type = CNI_VIEW_POINT, .groups = 1};
    for (int i = 0; i < CNI_MAX_SPATIAL; i++) view->axis[i] = (cni_view_axis){.size = 1, .stride = 1, .dilation = 1};
    if (kind->view) kind->view(config, view);
}

void cni_view_windows(cni_view *view, const cni_windowed *windowed, const cn_padding *padding)
{
    const int sides[2][2] = {{padding->top, padding->bottom}, {padding->left, padding->right}};
    const bool given = padding->mode == CN_PADDING_SIDES;
    view->type = CNI_VIEW_WINDOW;
    view->spatial = 2;
    view->format = windowed->format;
    for (int i = 0; i < 2; i++)
        view->axis[i] = (cni_view_axis){.size = windowed->size[i],
                                        .stride = windowed->strides[i],
                                        .dilation = windowed->dilation ? windowed->dilation[i] : 1,
                                        .rule = padding->mode == CN_PADDING_SAME ? CNI_PAD_SAME : CNI_PAD_GIVEN,
                                        .before = given ? sides[i][0] : 0,
                                        .after = given ? sides[i][1] : 0};
}

const char *cni_layer_activation(const cni_layer_kind *kind, const cni_object *config)
{
    const cni_object *activation = cni_object_of(config, "activation");
    if (activation) return strcmp(activation->kind->name, "linear") == 0 ? NULL : activation->kind->name;
    return kind->traits & CNI_IS_ACTIVATION ? kind->kind.name : NULL;
}

/* Is 0, None or no argument of the kind. */
static bool is_nothing(const cni_object *config, const char *key)
{
    const double *real = cni_object_member(config, key);
    return !real || isnan(*real) || *real == 0;
}

static bool is_above_zero(const cni_object *activation)
{
    static const char *const names[] = {"relu6",   "sigmoid",     "hard_sigmoid", "sparse_sigmoid", "softplus",
                                        "softmax", "sparse_plus", "squareplus",   "exponential",    "sparsemax"};
    const char *name = activation->kind->name;
    if (strcasecmp(name, "relu") == 0)
        return is_nothing(activation, "negative_slope") && is_nothing(activation, "threshold");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i]) == 0) return true;
    return false;
}

bool cni_layer_is_not_negative(const cni_layer_kind *kind, const cni_object *config)
{
    const cni_object *activation = cni_object_of(config, "activation");
    if (activation) return is_above_zero(activation);
    return (kind->traits & (CNI_IS_NOT_NEGATIVE | CNI_IS_SOFTMAX)) && is_nothing(config, "negative_slope");
}
