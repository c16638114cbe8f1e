/* SPDX-License-Identifier: Apache-2.0
 * What PyTorch's modules share: maps are [batch, channels, rows, columns], sizes are one number or one per axis, a
 * module's output size follows from its view, and its translation is Keras text. */
#ifndef CNI_TORCH_H
#define CNI_TORCH_H

#include "layers/layer.h"
#include "layers/torch/torch_kinds.h"

typedef struct cni_torch_call cni_torch_call;

/** A row of cni_torch_layers. */
typedef struct cni_torch_kind {
    cni_layer_kind layer;
    int spatial; /* Conv2d: 2; 0: takes any */
    cn_status (*translate)(cni_torch_call *call);
} cni_torch_kind;

static inline int cni_torch_spatial(const cni_object *config)
{
    return ((const cni_torch_kind *)config->kind)->spatial;
}

/* ---- arguments ---- */

/** "device dtype": where PyTorch keeps the numbers is read and means nothing here. */
#define CNI_TORCH_FACTORY                                                                                              \
    CNI_FIELD(device, "device", CNI_NULLABLE, "None", 0, 0, "where the weights lie; not looked at"),                   \
        CNI_FIELD(dtype, "dtype", CNI_NULLABLE, "None", 0, 0, "type of the weights; not looked at")
#define CNI_TORCH_FACTORY_MEMBERS const char *device, *dtype
#define CNI_TORCH_INPLACE         CNI_FIELD(inplace, "inplace", 0, "False", 0, 0, "whether the input's memory is reused")

typedef struct cni_torch_size {
    const char *key;
    const cni_tuple *tuple;
} cni_torch_size;

/** Each of these sizes holds one number, or one for every axis; the list ends with a NULL key. */
cn_status cni_torch_check_sizes(int spatial, const cni_torch_size *sizes, cni_error *error);

static inline int cni_torch_at(const cni_tuple *tuple, int axis)
{
    return tuple->at[tuple->count == 1 ? 0 : axis];
}

/** "3" where all are equal, or "(3, 5)".  Returns buffer. */
char *cni_torch_show(const cni_tuple *tuple, int spatial, char *buffer, size_t size);
#define CNI_TORCH_SHOW(tuple, spatial) cni_torch_show((tuple), (spatial), (char[80]){0}, 80)

/* ---- shapes ---- */

/** The input is [batch, channels, and `spatial` sizes]. */
cn_status cni_torch_expect_map(const cn_layer *layer, const cni_shape *in, cni_error *error);
/** Axis 1 is `wanted`, which the argument `key` says. */
cn_status cni_torch_expect_channels(const char *key, int64_t wanted, const cni_shape *in, cni_error *error);
/** `dim` as an index from 0, where -1 is the last of `rank`. */
cn_status cni_torch_dim(const char *key, int dim, int rank, const cni_shape *in, int *index, cni_error *error);

/** Length of an axis of n numbers behind a view; -1 when n is unknown.  0 or less: the window does not fit. */
int64_t cni_torch_length(const cni_view *view, int axis, int64_t n);
/** The map behind the layer's view, with so many channels. */
cn_status cni_torch_map(const cn_layer *layer, const cni_shape *in, int64_t channels, cni_shape *out, cni_error *error);

/** The shape that comes in goes out. */
cn_status cni_torch_same_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error);

cn_status cni_torch_weight(cn_layer *layer, const char *name, const cni_shape *shape, bool trainable, cni_error *error);

/* ---- views ---- */

void cni_torch_view_all(const cni_object *config, cni_view *view);

/* ---- translation ---- */

/** What is known of the place where a module stands; zeros: nothing. */
typedef struct cni_torch_place {
    const cni_shape *in; /* of its first input, with the batch */
    bool not_negative;   /* what comes in is never below 0 */
    bool initializers;   /* Keras' layers are to start from what PyTorch starts from */
} cni_torch_place;

struct cni_torch_call {
    const cni_object *config;
    const cni_torch_place *place;
    cni_arena *arena;
    cni_value *list;
    cni_error *error;
};

/** Appends one layer, as Keras text. */
cn_status cni_torch_say(cni_torch_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Says that Keras has no such layer, and why. */
cn_status cni_torch_refuse(cni_torch_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** ", kernel_initializer=..., bias_initializer=..." as PyTorch has them, or "".  Returns buffer. */
char *cni_torch_initializers(const cni_torch_call *call, double fan_in, bool bias, char *buffer, size_t size);
bool cni_torch_is_padded(const cni_view *view);
/** ", strides=(2, 2)", or "" where all are `otherwise`.  Returns buffer. */
char *cni_torch_option(const char *key, const cni_tuple *tuple, int spatial, int otherwise, char *buffer, size_t size);
#define CNI_TORCH_OPTION(key, tuple, spatial, otherwise)                                                               \
    cni_torch_option((key), (tuple), (spatial), (otherwise), (char[120]){0}, 120)
/** The view's padding as a ZeroPadding layer, its negative numbers as a Cropping layer, or nothing. */
cn_status cni_torch_say_padding(cni_torch_call *call, const cni_view *view);
/** The layer of Keras that does nothing is none at all. */
cn_status cni_torch_say_nothing(cni_torch_call *call);

/** cni_layer_kind.keras of every row: a translation that knows nothing of its place. */
cn_status cni_torch_keras(const cni_object *config, cni_arena *arena, cni_value **list, cni_error *error);

/** The same with what is known of the place: more can be said then. */
cn_status cni_torch_translate(const cni_object *config, const cni_torch_place *place, cni_arena *arena,
                              cni_value **list, cni_error *error);

#endif
