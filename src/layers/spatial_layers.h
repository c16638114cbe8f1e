/* SPDX-License-Identifier: Apache-2.0
 * What layers over maps of one, two or three axes share: Conv1D and Conv3D, their pools, paddings, up-sampling.  The
 * number of axes follows from the rank that the kind's row demands. */
#ifndef CNI_SPATIAL_LAYERS_H
#define CNI_SPATIAL_LAYERS_H

#include "layers/layer.h"

/** The members that CNI_LAYER_FIELDS needs, in a struct that begins with them. */
typedef struct cni_plain_args {
    cn_layer_args head;
    const char *name;
    bool frozen;
} cni_plain_args;

/** The arguments of all of them; a kind has rows for those that it takes. */
typedef struct cni_spatial_args {
    cn_layer_args head;
    int filters, groups, depth_multiplier;
    int size[3]; /* kernel_size, pool_size, size */
    int strides[3], dilation_rate[3], output_padding[3];
    int borders[3][2];
    const char *padding, *interpolation;
    cn_data_format data_format;
    bool no_bias, keepdims;
    const char *name;
    bool frozen;
} cni_spatial_args;

extern const char *const cni_padding_choices[]; /* 'valid', 'same' */
extern const char *const cni_causal_choices[];  /* and 'causal' */

#define CNI_SPATIAL_FORMAT                                                                                             \
    CNI_FIELD(data_format, "data_format", 0, "None", 0, 0,                                                             \
              "'channels_last': (n, sizes, c); 'channels_first': (n, c, sizes)")
#define CNI_SPATIAL_PADDING(choices_)                                                                                  \
    {                                                                                                                  \
        .key = "padding", .offset = offsetof(ARGS, padding), .member = "padding", .type = CNI_FIELD_TEXT,              \
        .flags = CNI_ANY_CASE, .otherwise = "'valid'", .choices = (choices_),                                          \
        .help = "'valid': windows inside the input; 'same': zeros around, size / strides"                              \
    }

/** Axes of the maps that a layer takes, and where they are in a shape of that many axes. */
static inline int cni_spatial_axes(const cni_object *config)
{
    return ((const cni_layer_kind *)config->kind)->min_rank - 2;
}
static inline int cni_first_axis(cn_data_format format)
{
    return format == CN_CHANNELS_FIRST ? 2 : 1;
}
static inline int cni_channel_axis(cn_data_format format, int axes)
{
    return format == CN_CHANNELS_FIRST ? 1 : axes + 1;
}

/** Strides or dilations that Keras does not take together; pools without strides get their size. */
cn_status cni_spatial_check(const cni_spatial_args *args, int axes, cni_error *error);

/** The map that windows give, with so many channels; `argument` is "kernel_size" or "pool_size". */
cn_status cni_spatial_windows(const cni_object *config, const char *argument, const cni_shape *in, int64_t channels,
                              cni_shape *out, cni_error *error);

/** The view of such windows. */
void cni_view_spatial(const cni_object *config, cni_view *view);

/** What goes in comes out; a view of everything, with the layer's format. */
cn_status cni_same_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error);
void cni_view_of_all(const cni_object *config, cni_view *view);

/** A weight that starts as "zeros" or "ones" and has no argument for it. */
cn_status cni_layer_plain_weight(cn_layer *layer, const char *name, const char *initializer, const cni_shape *shape,
                                 bool trainable, cni_error *error);

#endif
