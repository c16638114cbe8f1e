/* SPDX-License-Identifier: Apache-2.0
 * The element-wise functions: what a convolution or a dense layer can end with, and what stands alone.  One row per
 * function in cni_unary_rows (elementwise) says what its gradient needs; there is no switch over them elsewhere. */
#ifndef CNI_EPILOGUE_H
#define CNI_EPILOGUE_H

typedef enum cni_unary {
    CNI_LINEAR, /* 0: an epilogue that does nothing */
    CNI_RELU,   /* a = negative_slope, b = max_value (infinity: none), c = threshold; see keras-semantics 2.13 */
    CNI_ELU,    /* a = alpha */
    CNI_SELU,
    CNI_CELU, /* a = alpha */
    CNI_GELU, /* exact */
    CNI_GELU_TANH,
    CNI_SILU,
    CNI_MISH,
    CNI_SIGMOID,
    CNI_HARD_SIGMOID,
    CNI_HARD_SILU,
    CNI_LOG_SIGMOID,
    CNI_SPARSE_SIGMOID,
    CNI_TANH,
    CNI_HARD_TANH,
    CNI_TANH_SHRINK,
    CNI_SOFT_SHRINK, /* a = threshold */
    CNI_HARD_SHRINK, /* a = threshold */
    CNI_SOFTPLUS,
    CNI_SPARSE_PLUS,
    CNI_SQUAREPLUS, /* a = b */
    CNI_SOFTSIGN,
    CNI_EXPONENTIAL,
    CNI_LEAKY_RELU, /* a = negative_slope: x >= 0: x, else a x */
    CNI_RELU6,
    CNI_AFFINE, /* a x + b */
    CNI_SQUARE,
    CNI_SQRT,
    CNI_RECIPROCAL,
    CNI_UNARY_COUNT
} cni_unary;

typedef struct cni_epilogue {
    cni_unary function;
    double a, b, c;
} cni_epilogue;

#endif
