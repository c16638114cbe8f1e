/* SPDX-License-Identifier: Apache-2.0
 * What a layer kind is: a configuration, its weights, and a rule that lowers it to ops.  A kind is one file that ends
 * with its row; the list of rows is in layers.c. */
#ifndef CNI_LAYER_H
#define CNI_LAYER_H

#include "graph/graph.h"
#include "graph/ops/dropout.h"
#include "layers/activations.h"
#include "layers/constraints.h"
#include "layers/initializers.h"
#include "layers/kind.h"
#include "layers/regularizers.h"
#include "layers/view.h"

typedef struct cni_layer_kind cni_layer_kind;

enum { CNI_MAX_WEIGHTS = 8 };

struct cn_layer {
    const cni_layer_kind *kind;
    cni_object *config;
    const char *name;
    bool trainable; /* as the caller says */
    bool trained;   /* as it was when the model was compiled: training goes by this */
    bool built;
    bool unused;     /* no output of the model needs it */
    int input_count; /* at build */
    cni_shape *input_shapes;
    cni_variable *weights[CNI_MAX_WEIGHTS];
    int weight_count;
    cni_seed_state seed; /* of a layer that draws in training */
    cni_mt19937 *seeds;  /* draws the seed of a default initializer (None) when a weight is made; NULL: 0 */
    bool blank;          /* weights get shapes but no memory: a file's values follow, or cni_layer_fill */
    cn_model *model;     /* whose layer it is */
    cn_model *inner;     /* the model that this layer is, or NULL */
    cn_layer *padding;   /* the ZeroPadding2D that its explicit padding became, or NULL */
    bool deferred;       /* `inner` had no shapes yet when it became a layer */
    cni_arena *arena;    /* the model's; weights are allocated apart (freed by cni_layer_free_weights) */
    int index, calls;    /* the model's: place among its layers, number of calls */
};

/** What lowering adds to and reads. */
typedef struct cni_lowering {
    cni_graph *graph;
    bool training;
    const cn_layer *layer; /* being lowered, for messages */
    bool penalize;         /* activity regularizers are wanted */
    bool frozen;           /* the outermost model is not trainable */
    bool inside;           /* inside a model that is a layer */
    cni_tensor *penalty;   /* scalar, sum of the activity regularizers so far, or NULL */
    void (*seen)(void *user, const cn_layer *layer, cni_tensor *y); /* told of each call's output; or NULL */
    void *user;
} cni_lowering;

struct cni_layer_kind {
    cni_kind kind;          /* module: keras.layers */
    int min_rank, max_rank; /* of every input, with the batch; 0: any */
    bool merges;            /* is called on a list of inputs */
    bool lazily_built;      /* Keras writes a build_config */
    unsigned traits;        /* CNI_IS_... */

    /** Shape of the output, unknown dimensions allowed.  Messages need not name the layer: the caller puts its name
     *  and class before them. */
    cn_status (*output_shape)(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error);

    /** Makes the weights with cni_layer_weight.  NULL: there are none. */
    cn_status (*build)(cn_layer *layer, int count, const cni_shape *in, cni_error *error);

    /** What an output position sees of the input: geometry, from the arguments alone.  NULL: CNI_VIEW_POINT. */
    void (*view)(const cni_object *config, cni_view *view);

    /** Appends ops.  Shapes are known now, but for the batch.  NULL: the kind is described and explained, and running
     *  it is refused. */
    cni_tensor *(*lower)(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in);

    /** A PyTorch kind: the same layer in Keras' words, as a list of calls that follow each other, with
     *  data_format='channels_first' where they take one; a failure says why there is none.  NULL for Keras' own. */
    cn_status (*keras)(const cni_object *config, cni_arena *arena, cni_value **list, cni_error *error);

    /** Draws a default seed when it is made (Dropout with rate > 0).  NULL: never. */
    bool (*seeded)(const cn_layer *layer);

    /** A padding per side that the model turns into a ZeroPadding2D before the layer.  NULL: has none. */
    cn_padding *(*padding)(void *args);
};

/** "name trainable dtype": the rows that every layer's table ends with. */
#define CNI_LAYER_FIELDS                                                                                               \
    CNI_FIELD(name, "name", CNI_NULLABLE, "None", 0, 0, "name of the layer; numbered when absent"),                    \
        CNI_FIELD(frozen, "trainable", CNI_NEGATED, "True", 0, 0, "whether training changes the weights"),             \
        CNI_ONLY("dtype", "float32", 0), CNI_ONLY("autocast", "True", CNI_READ_ONLY)

/** The base argument of Keras' layers that have no member for it. */
#define CNI_ACTIVITY                                                                                                   \
    {                                                                                                                  \
        .key = "activity_regularizer", .type = CNI_FIELD_OBJECT, .otherwise = "None", .family = &cni_regularizers,     \
        .flags = CNI_EARLY | CNI_UNWRITTEN | CNI_NO_MEMBER, .help = "penalty on the output, divided by the batch size" \
    }

extern const cni_family cni_layers;
/** PyTorch's modules under their own names and arguments ("Conv2d", in_channels): described, translated, never run. */
extern const cni_family cni_torch_layers;

/** Adds a weight of a known shape: `initializer`, `regularizer` and `constraint` are objects or NULL.  Its values are
 *  drawn now, in Keras' order. */
cn_status cni_layer_weight(cn_layer *layer, const char *name, const cni_shape *shape, const cni_object *initializer,
                           const cni_object *regularizer, const cni_object *constraint, bool trainable,
                           cni_error *error);
/** The same with the objects that the configuration has as `argument`_initializer, _regularizer and _constraint. */
cn_status cni_layer_add_weight(cn_layer *layer, const char *name, const char *argument, const cni_shape *shape,
                               bool trainable, cni_error *error);
void cni_layer_free_weights(cn_layer *layer);

/** Memory for a weight that has none (zeros), and initial values for all weights of a layer that have none. */
cn_status cni_variable_allocate(cni_variable *variable, cni_error *error);
cn_status cni_layer_fill(cn_layer *layer, cni_error *error);

/** The weight as a tensor of the lowering's graph; differentiable when the layer and the weight are trainable. */
cni_tensor *cni_lower_weight(cni_lowering *lowering, const cn_layer *layer, int index);

/** channels_first -> channels_last and back; nothing when the format is channels_last. */
cni_tensor *cni_lower_to_nhwc(cni_lowering *lowering, cn_data_format format, cni_tensor *x);
cni_tensor *cni_lower_from_nhwc(cni_lowering *lowering, cn_data_format format, cni_tensor *x);

/** activation(y) in the layer's format, for a `y` that is channels_last: element-wise functions run before the
 *  transpose, where the op that makes y can take them up. */
cni_tensor *cni_lower_finish(cni_lowering *lowering, cn_data_format format, const cni_object *activation,
                             cni_tensor *y);

/** A vector of numbers as a tensor of the lowering's graph, of rank 1 and not differentiable. */
cni_tensor *cni_lower_numbers(cni_lowering *lowering, const double *numbers, int count);

/** Where an image has its axes. */
typedef struct cni_image_axes {
    int rows, columns, channels;
} cni_image_axes;
static inline cni_image_axes cni_image_axes_of(cn_data_format format)
{
    return format == CN_CHANNELS_FIRST ? (cni_image_axes){2, 3, 1} : (cni_image_axes){1, 2, 3};
}

/** Sizes that convolution and pooling share (keras-semantics 1.3).  n < 0 is unknown. */
typedef struct cni_window {
    int64_t out;       /* -1 when unknown; may be <= 0 with 'valid': the window is larger than n */
    int before, after; /* padding; 0 when n is unknown */
} cni_window;
cni_window cni_window_of(int64_t n, int kernel, int stride, int dilation, cn_padding_mode mode);

/** The windows of a layer over images. */
typedef struct cni_windowed {
    const char *argument; /* for messages: "kernel_size", "pool_size" */
    const int *size, *strides;
    const int *dilation; /* NULL: 1 */
    cn_padding_mode mode;
    cn_data_format format;
} cni_windowed;

/** The shape of what such windows give, with this many channels. */
cn_status cni_windowed_shape(const cni_windowed *windowed, const cni_shape *in, int64_t channels, cni_shape *out,
                             cni_error *error);

/** The number of channels of images, or a failure when it is not known. */
cn_status cni_known_channels(const cni_shape *in, int axis, int64_t *channels, cni_error *error);

/** A failure when the layer is built and this axis is not what it was built for. */
cn_status cni_same_channels(const cn_layer *layer, const cni_shape *in, int axis, cni_error *error);

/** The geometry of a layer as its row tells it; every member of `view` is set. */
void cni_layer_view(const cni_layer_kind *kind, const cni_object *config, cni_view *view);

/** For kinds: the view of windows over the two axes of images. */
void cni_view_windows(cni_view *view, const cni_windowed *windowed, const cn_padding *padding);

/** What a layer passes its output through: "relu", "softmax"; for a layer that is nothing but an activation and takes
 *  no name, its class: "ReLU", "Softmax".  NULL: nothing ("linear").  Compare without regard to case. */
const char *cni_layer_activation(const cni_layer_kind *kind, const cni_object *config);

/** Whether no number that the layer puts out is below zero, whatever comes in (ReLU, Conv2D(activation='relu')). */
bool cni_layer_is_not_negative(const cni_layer_kind *kind, const cni_object *config);

/** The numbers from 1 that divide both, as text: "1, 2 or 4".  Returns buffer. */
char *cni_common_divisors(int64_t a, int64_t b, char *buffer, size_t size);

#endif
