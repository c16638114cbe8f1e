/* SPDX-License-Identifier: Apache-2.0
 * The list of layer kinds: a new one is one file and one line here. */
#ifndef CNI_LAYERS_H
#define CNI_LAYERS_H

#include "layers/layer.h"

#define CNI_LAYER_KINDS(KIND)                                                                                          \
    KIND(cni_input_layer)                                                                                              \
    KIND(cni_conv2d_layer)                                                                                             \
    KIND(cni_depthwise_conv2d_layer)                                                                                   \
    KIND(cni_dense_layer)                                                                                              \
    KIND(cni_max_pooling2d_layer)                                                                                      \
    KIND(cni_average_pooling2d_layer)                                                                                  \
    KIND(cni_global_average_pooling2d_layer)                                                                           \
    KIND(cni_global_max_pooling2d_layer)                                                                               \
    KIND(cni_flatten_layer)                                                                                            \
    KIND(cni_reshape_layer)                                                                                            \
    KIND(cni_activation_layer)                                                                                         \
    KIND(cni_relu_layer)                                                                                               \
    KIND(cni_leaky_relu_layer)                                                                                         \
    KIND(cni_elu_layer)                                                                                                \
    KIND(cni_softmax_layer)                                                                                            \
    KIND(cni_prelu_layer)                                                                                              \
    KIND(cni_batch_normalization_layer)                                                                                \
    KIND(cni_dropout_layer)                                                                                            \
    KIND(cni_zero_padding2d_layer)                                                                                     \
    KIND(cni_cropping2d_layer)                                                                                         \
    KIND(cni_rescaling_layer)                                                                                          \
    KIND(cni_add_layer)                                                                                                \
    KIND(cni_multiply_layer)                                                                                           \
    KIND(cni_concatenate_layer)

#define CNI_DECLARE_LAYER(kind) extern const cni_layer_kind kind;
CNI_LAYER_KINDS(CNI_DECLARE_LAYER)

#endif
