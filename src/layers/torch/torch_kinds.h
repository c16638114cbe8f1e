/* SPDX-License-Identifier: Apache-2.0
 * The list of PyTorch's modules: a new one is a row in its file and one line here. */
#ifndef CNI_TORCH_KINDS_H
#define CNI_TORCH_KINDS_H

#define CNI_TORCH_KINDS(KIND)                                                                                          \
    KIND(cni_torch_conv1d)                                                                                             \
    KIND(cni_torch_conv2d)                                                                                             \
    KIND(cni_torch_conv3d)                                                                                             \
    KIND(cni_torch_lazy_conv1d)                                                                                        \
    KIND(cni_torch_lazy_conv2d)                                                                                        \
    KIND(cni_torch_lazy_conv3d)                                                                                        \
    KIND(cni_torch_max_pool1d)                                                                                         \
    KIND(cni_torch_max_pool2d)                                                                                         \
    KIND(cni_torch_max_pool3d)                                                                                         \
    KIND(cni_torch_avg_pool1d)                                                                                         \
    KIND(cni_torch_avg_pool2d)                                                                                         \
    KIND(cni_torch_avg_pool3d)                                                                                         \
    KIND(cni_torch_adaptive_avg_pool1d)                                                                                \
    KIND(cni_torch_adaptive_avg_pool2d)                                                                                \
    KIND(cni_torch_adaptive_avg_pool3d)                                                                                \
    KIND(cni_torch_adaptive_max_pool1d)                                                                                \
    KIND(cni_torch_adaptive_max_pool2d)                                                                                \
    KIND(cni_torch_adaptive_max_pool3d)                                                                                \
    KIND(cni_torch_linear)                                                                                             \
    KIND(cni_torch_lazy_linear)                                                                                        \
    KIND(cni_torch_batch_norm1d)                                                                                       \
    KIND(cni_torch_batch_norm2d)                                                                                       \
    KIND(cni_torch_batch_norm3d)                                                                                       \
    KIND(cni_torch_lazy_batch_norm1d)                                                                                  \
    KIND(cni_torch_lazy_batch_norm2d)                                                                                  \
    KIND(cni_torch_lazy_batch_norm3d)                                                                                  \
    KIND(cni_torch_instance_norm1d)                                                                                    \
    KIND(cni_torch_instance_norm2d)                                                                                    \
    KIND(cni_torch_instance_norm3d)                                                                                    \
    KIND(cni_torch_group_norm)                                                                                         \
    KIND(cni_torch_layer_norm)                                                                                         \
    KIND(cni_torch_dropout)                                                                                            \
    KIND(cni_torch_dropout1d)                                                                                          \
    KIND(cni_torch_dropout2d)                                                                                          \
    KIND(cni_torch_dropout3d)                                                                                          \
    KIND(cni_torch_alpha_dropout)                                                                                      \
    KIND(cni_torch_identity)                                                                                           \
    KIND(cni_torch_flatten)                                                                                            \
    KIND(cni_torch_relu)                                                                                               \
    KIND(cni_torch_relu6)                                                                                              \
    KIND(cni_torch_leaky_relu)                                                                                         \
    KIND(cni_torch_elu)                                                                                                \
    KIND(cni_torch_selu)                                                                                               \
    KIND(cni_torch_celu)                                                                                               \
    KIND(cni_torch_gelu)                                                                                               \
    KIND(cni_torch_silu)                                                                                               \
    KIND(cni_torch_mish)                                                                                               \
    KIND(cni_torch_sigmoid)                                                                                            \
    KIND(cni_torch_log_sigmoid)                                                                                        \
    KIND(cni_torch_tanh)                                                                                               \
    KIND(cni_torch_tanhshrink)                                                                                         \
    KIND(cni_torch_softsign)                                                                                           \
    KIND(cni_torch_hardswish)                                                                                          \
    KIND(cni_torch_hardsigmoid)                                                                                        \
    KIND(cni_torch_hardtanh)                                                                                           \
    KIND(cni_torch_softplus)                                                                                           \
    KIND(cni_torch_threshold)                                                                                          \
    KIND(cni_torch_cat)                                                                                                \
    KIND(cni_torch_add)                                                                                                \
    KIND(cni_torch_sub)                                                                                                \
    KIND(cni_torch_mul)                                                                                                \
    KIND(cni_torch_div)                                                                                                \
    KIND(cni_torch_maximum)                                                                                            \
    KIND(cni_torch_minimum)

#define CNI_DECLARE_TORCH_KIND(kind) extern const struct cni_torch_kind kind;
CNI_TORCH_KINDS(CNI_DECLARE_TORCH_KIND)

#endif
