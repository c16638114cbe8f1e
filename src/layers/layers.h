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
    KIND(cni_concatenate_layer)                                                                                        \
    /* those without `lower` are described, explained and summarised, not run */                                       \
    KIND(cni_conv1d_layer)                                                                                             \
    KIND(cni_conv3d_layer)                                                                                             \
    KIND(cni_depthwise_conv1d_layer)                                                                                   \
    KIND(cni_separable_conv1d_layer)                                                                                   \
    KIND(cni_separable_conv2d_layer)                                                                                   \
    KIND(cni_conv1d_transpose_layer)                                                                                   \
    KIND(cni_conv2d_transpose_layer)                                                                                   \
    KIND(cni_conv3d_transpose_layer)                                                                                   \
    KIND(cni_max_pooling1d_layer)                                                                                      \
    KIND(cni_max_pooling3d_layer)                                                                                      \
    KIND(cni_average_pooling1d_layer)                                                                                  \
    KIND(cni_average_pooling3d_layer)                                                                                  \
    KIND(cni_global_average_pooling1d_layer)                                                                           \
    KIND(cni_global_average_pooling3d_layer)                                                                           \
    KIND(cni_global_max_pooling1d_layer)                                                                               \
    KIND(cni_global_max_pooling3d_layer)                                                                               \
    KIND(cni_adaptive_average_pooling1d_layer)                                                                         \
    KIND(cni_adaptive_average_pooling2d_layer)                                                                         \
    KIND(cni_adaptive_average_pooling3d_layer)                                                                         \
    KIND(cni_adaptive_max_pooling1d_layer)                                                                             \
    KIND(cni_adaptive_max_pooling2d_layer)                                                                             \
    KIND(cni_adaptive_max_pooling3d_layer)                                                                             \
    KIND(cni_up_sampling1d_layer)                                                                                      \
    KIND(cni_up_sampling2d_layer)                                                                                      \
    KIND(cni_up_sampling3d_layer)                                                                                      \
    KIND(cni_zero_padding1d_layer)                                                                                     \
    KIND(cni_zero_padding3d_layer)                                                                                     \
    KIND(cni_cropping1d_layer)                                                                                         \
    KIND(cni_cropping3d_layer)                                                                                         \
    KIND(cni_resizing_layer)                                                                                           \
    KIND(cni_center_crop_layer)                                                                                        \
    KIND(cni_random_crop_layer)                                                                                        \
    KIND(cni_permute_layer)                                                                                            \
    KIND(cni_repeat_vector_layer)                                                                                      \
    KIND(cni_layer_normalization_layer)                                                                                \
    KIND(cni_rms_normalization_layer)                                                                                  \
    KIND(cni_unit_normalization_layer)                                                                                 \
    KIND(cni_group_normalization_layer)                                                                                \
    KIND(cni_normalization_layer)                                                                                      \
    KIND(cni_spatial_dropout1d_layer)                                                                                  \
    KIND(cni_spatial_dropout2d_layer)                                                                                  \
    KIND(cni_spatial_dropout3d_layer)                                                                                  \
    KIND(cni_gaussian_noise_layer)                                                                                     \
    KIND(cni_gaussian_dropout_layer)                                                                                   \
    KIND(cni_alpha_dropout_layer)                                                                                      \
    KIND(cni_identity_layer)                                                                                           \
    KIND(cni_activity_regularization_layer)                                                                            \
    KIND(cni_random_flip_layer)                                                                                        \
    KIND(cni_random_rotation_layer)                                                                                    \
    KIND(cni_random_zoom_layer)                                                                                        \
    KIND(cni_random_translation_layer)                                                                                 \
    KIND(cni_random_contrast_layer)                                                                                    \
    KIND(cni_random_brightness_layer)                                                                                  \
    KIND(cni_subtract_layer)                                                                                           \
    KIND(cni_average_layer)                                                                                            \
    KIND(cni_maximum_layer)                                                                                            \
    KIND(cni_minimum_layer)                                                                                            \
    KIND(cni_dot_layer)

#define CNI_DECLARE_LAYER(kind) extern const cni_layer_kind kind;
CNI_LAYER_KINDS(CNI_DECLARE_LAYER)

#endif
