/* SPDX-License-Identifier: Apache-2.0
 * What there is to know of each function of one number. */
#include "kernels/elementwise/elementwise.h"

#include <math.h>
#include <stdbool.h>

/* A function whose slope can be read off its result needs the output: the input may then be overwritten. */
const cni_unary_row cni_unary_rows[CNI_UNARY_COUNT] = {
    [CNI_LINEAR] = {"linear", CNI_NEEDS_NOTHING},
    [CNI_RELU] = {"relu", CNI_NEEDS_OUTPUT},
    [CNI_ELU] = {"elu", CNI_NEEDS_OUTPUT},
    [CNI_SELU] = {"selu", CNI_NEEDS_OUTPUT},
    [CNI_CELU] = {"celu", CNI_NEEDS_INPUT},
    [CNI_GELU] = {"gelu", CNI_NEEDS_INPUT},
    [CNI_GELU_TANH] = {"gelu_tanh", CNI_NEEDS_INPUT},
    [CNI_SILU] = {"silu", CNI_NEEDS_INPUT},
    [CNI_MISH] = {"mish", CNI_NEEDS_INPUT},
    [CNI_SIGMOID] = {"sigmoid", CNI_NEEDS_OUTPUT},
    [CNI_HARD_SIGMOID] = {"hard_sigmoid", CNI_NEEDS_INPUT},
    [CNI_HARD_SILU] = {"hard_silu", CNI_NEEDS_INPUT},
    [CNI_LOG_SIGMOID] = {"log_sigmoid", CNI_NEEDS_INPUT},
    [CNI_SPARSE_SIGMOID] = {"sparse_sigmoid", CNI_NEEDS_INPUT},
    [CNI_TANH] = {"tanh", CNI_NEEDS_OUTPUT},
    [CNI_HARD_TANH] = {"hard_tanh", CNI_NEEDS_INPUT},
    [CNI_TANH_SHRINK] = {"tanh_shrink", CNI_NEEDS_INPUT},
    [CNI_SOFT_SHRINK] = {"soft_shrink", CNI_NEEDS_INPUT},
    [CNI_HARD_SHRINK] = {"hard_shrink", CNI_NEEDS_INPUT},
    [CNI_SOFTPLUS] = {"softplus", CNI_NEEDS_INPUT},
    [CNI_SPARSE_PLUS] = {"sparse_plus", CNI_NEEDS_INPUT},
    [CNI_SQUAREPLUS] = {"squareplus", CNI_NEEDS_INPUT},
    [CNI_SOFTSIGN] = {"softsign", CNI_NEEDS_INPUT},
    [CNI_EXPONENTIAL] = {"exponential", CNI_NEEDS_OUTPUT},
    [CNI_LEAKY_RELU] = {"leaky_relu", CNI_NEEDS_OUTPUT},
    [CNI_RELU6] = {"relu6", CNI_NEEDS_OUTPUT},
    [CNI_AFFINE] = {"affine", CNI_NEEDS_NOTHING},
    [CNI_SQUARE] = {"square", CNI_NEEDS_INPUT},
    [CNI_SQRT] = {"sqrt", CNI_NEEDS_OUTPUT},
    [CNI_RECIPROCAL] = {"reciprocal", CNI_NEEDS_OUTPUT},
};

cni_unary_needs cni_unary_gradient_needs(const cni_epilogue *f)
{
    const int variant = cni_unary_variant(f);
    const bool sign_is_lost = f->function == CNI_LEAKY_RELU && !(f->a > 0);
    return sign_is_lost || variant == CNI_RELU_GENERAL || variant == CNI_ELU_GENERAL
               ? CNI_NEEDS_INPUT
               : cni_unary_rows[f->function].needs;
}

/* relu(x, a, b, c) in its full generality is rare; nearly always it is the plain one or the leaky one. */
int cni_unary_variant(const cni_epilogue *f)
{
    if (f->function == CNI_ELU) return f->a > 0 ? CNI_ELU : CNI_ELU_GENERAL;
    if (f->function != CNI_RELU) return (int)f->function;
    if (f->c == 0 && f->b == 6 && f->a == 0) return CNI_RELU6;
    if (f->c != 0 || !isinf(f->b) || f->a < 0) return CNI_RELU_GENERAL;
    return f->a == 0 ? CNI_RELU : CNI_RELU_LEAKY;
}
