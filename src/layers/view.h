/* SPDX-License-Identifier: Apache-2.0
 * What one output position of a layer sees of its input: the geometry of a kind, told by its row (explain-spec 1).
 * A kind fills in a view from its arguments; sizes of the input are not needed for it, so that networks of unknown size
 * can be explained too.  Everything derived from a view (reads, fields, read masks) is computed in explain/. */
#ifndef CNI_VIEW_H
#define CNI_VIEW_H

#include <cornu/cornu.h>

#include <stdbool.h>
#include <stdint.h>

enum { CNI_MAX_SPATIAL = 3 };

typedef enum cni_view_type {
    CNI_VIEW_POINT,  /* every position sees the same position: element-wise, normalization, Dense on a map, merges */
    CNI_VIEW_WINDOW, /* convolution, pooling */
    CNI_VIEW_TRANSPOSED, /* transposed convolution */
    CNI_VIEW_SHIFT,      /* padding, and cropping as negative padding: before, after */
    CNI_VIEW_NEAREST,    /* up-sampling by `stride`, each position copied; PixelShuffle, DepthToSpace */
    CNI_VIEW_BILINEAR,   /* up-sampling by `stride`, half-pixel centres */
    /* NEAREST, BILINEAR and SHIFT with stride 0: to `size` positions, whatever comes in (Resizing, CenterCrop) */
    CNI_VIEW_ADAPTIVE,   /* output y of `size` sees floor(y n / m) .. ceil((y + 1) n / m) - 1 */
    CNI_VIEW_ALL,        /* every output sees every position: Flatten, global pooling, Reshape that mixes axes */
    CNI_VIEW_UNKNOWN     /* a layer of which nothing is known */
} cni_view_type;

/** Where padding comes from (explain-spec 1.2). */
typedef enum cni_pad_rule {
    CNI_PAD_GIVEN,      /* `before`, `after` */
    CNI_PAD_SAME,       /* ceil(n / s); the odd cell behind */
    CNI_PAD_SAME_LOWER, /* the same with the odd cell before (ONNX) */
    CNI_PAD_CAUSAL      /* all of it before */
} cni_pad_rule;

/** What padded cells hold, and what the average divides by. */
typedef enum cni_border {
    CNI_BORDER_ZERO,     /* zeros, as in every convolution; an average that counts them (PyTorch) */
    CNI_BORDER_EXCLUDED, /* -infinity for a maximum; not counted by an average (Keras, ONNX) */
    CNI_BORDER_EDGE,     /* the nearest cell */
    CNI_BORDER_REFLECT,
    CNI_BORDER_WRAP /* the cells of the other end (padding_mode='circular') */
} cni_border;

typedef struct cni_view_axis {
    int64_t size, stride, dilation; /* of the window; 1 where there is none */
    cni_pad_rule rule;
    int64_t before, after; /* CNI_PAD_GIVEN, CNI_VIEW_SHIFT */
    bool extends;          /* TRANSPOSED: `output_padding` was given */
    int64_t output_padding;
} cni_view_axis;

/** Where multiplications happen: kernel weights are used once for each of these positions. */
typedef enum cni_multiplies { CNI_MULTIPLIES_NOT, CNI_MULTIPLIES_AT_OUTPUTS, CNI_MULTIPLIES_AT_INPUTS } cni_multiplies;

typedef struct cni_view {
    cni_view_type type;
    int spatial;                         /* axes of `axis` in use: 1, 2 or 3; 0 for POINT, ALL, UNKNOWN */
    cni_view_axis axis[CNI_MAX_SPATIAL]; /* outermost first: rows, then columns */
    bool ceil_mode;                      /* PyTorch's and ONNX' pools */
    bool corners;                        /* BILINEAR: the corner cells lie on each other (align_corners=True) */
    cni_border border;
    cni_multiplies multiplies;
    int64_t groups;        /* of a convolution: 1 and more; depthwise: 0 = as many as channels */
    cn_data_format format; /* of the maps that it takes; CN_FORMAT_DEFAULT where the kind has no say */
} cni_view;

/** What a kind is, for findings that ask for more than geometry.  Bits of cni_layer_kind.traits. */
enum {
    CNI_IS_CONVOLUTION = 1 << 0, /* has a kernel that goes over positions: depthwise, separable, transposed too */
    CNI_IS_DEPTHWISE = 1 << 1,
    CNI_IS_SEPARABLE = 1 << 2,
    CNI_IS_DENSE = 1 << 3,    /* Dense, Linear: a sum over the last axis */
    CNI_IS_MAX_POOL = 1 << 4, /* local, not global */
    CNI_IS_AVERAGE_POOL = 1 << 5,
    CNI_IS_GLOBAL_POOL = 1 << 6,
    CNI_IS_ACTIVATION = 1 << 7, /* a layer that is nothing but an activation */
    CNI_IS_SOFTMAX = 1 << 8,
    CNI_IS_NOT_NEGATIVE = 1 << 9, /* its output is never below zero: ReLU, ReLU6 */
    CNI_IS_BATCH_NORM = 1 << 10,
    CNI_IS_NORMALIZATION = 1 << 11, /* any: batch, layer, group */
    CNI_IS_DROPOUT = 1 << 12,
    CNI_IS_FLATTEN = 1 << 13,
    CNI_IS_PADDING = 1 << 14,
    CNI_IS_CROPPING = 1 << 15,
    CNI_IS_MERGE = 1 << 16,
    CNI_IS_CONCATENATE = 1 << 17,
    CNI_IS_NOTHING = 1 << 18, /* does nothing in inference: Dropout, Identity, augmentation */
    CNI_IS_INPUT = 1 << 19,
    CNI_NAME_HAS_PLACE = 1 << 20 /* Keras takes the name without its keyword too, behind the kind's own arguments */
};

#endif
