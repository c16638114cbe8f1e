/* SPDX-License-Identifier: Apache-2.0
 * The functions of one number and their slopes, written once for plain numbers and for vectors.  Whoever includes this
 * has defined
 *   real                     the element;  vec: one or several of them
 *   v_all(c)                 c everywhere; v_select(mask, a, b): a where the mask holds
 *   v_abs v_sqrt v_exp v_expm1 v_tanh v_sigmoid
 *   v_normal                 the normal distribution
 *   v_log1p                  of numbers in [0, 1]
 * Masks come from comparisons and are joined with & and |.  Comparisons are turned so that NaN falls through to x. */

/* parameters of the epilogue, in the element's type */
typedef struct params {
    real a, b, c;
} params;

#define K(constant) ((real)(constant))
#define UNUSED(x)   ((void)(x))

static const double sqrt_two_over_pi = 0.79788456080286535588;
static const double selu_scale = 1.0507009873554804934193349852946, selu_alpha = 1.6732632423543772848170429916717;

static inline vec at_least_0(vec x)
{
    return v_select(x <= K(0), v_all(0), x);
}

static inline vec at_most_0(vec x)
{
    return v_select(x >= K(0), v_all(0), x);
}

static inline vec clipped(vec x, double low, double high)
{
    return v_select(x <= K(low), v_all(low), v_select(x >= K(high), v_all(high), x));
}

/* linear, affine, powers */

static inline vec f_linear(vec x, params p)
{
    UNUSED(p);
    return x;
}

static inline vec d_linear(vec x, params p)
{
    UNUSED(x), UNUSED(p);
    return v_all(1);
}

static inline vec f_affine(vec x, params p)
{
    return x * p.a + p.b;
}

static inline vec d_affine(vec x, params p)
{
    UNUSED(x);
    return v_all(p.a);
}

static inline vec f_square(vec x, params p)
{
    UNUSED(p);
    return x * x;
}

static inline vec d_square(vec x, params p)
{
    UNUSED(p);
    return x + x;
}

static inline vec f_sqrt(vec x, params p)
{
    UNUSED(p);
    return v_sqrt(x);
}

static inline vec d_sqrt(vec y, params p)
{
    UNUSED(p);
    return K(0.5) / y;
}

static inline vec f_reciprocal(vec x, params p)
{
    UNUSED(p);
    return K(1) / x;
}

static inline vec d_reciprocal(vec y, params p)
{
    UNUSED(p);
    return -(y * y);
}

/* relus.  At the kinks: what JAX answers for the form that Keras chooses. */

static inline vec f_relu(vec x, params p)
{
    UNUSED(p);
    return at_least_0(x);
}

static inline vec d_relu(vec y, params p)
{
    UNUSED(p);
    return v_select(y > K(0), v_all(1), v_all(0));
}

static inline vec f_leaky_relu(vec x, params p)
{
    return v_select(x >= K(0), x, x * p.a);
}

/* x or y, whichever is there: they have the same sign when it is y */
static inline vec d_leaky_relu(vec x, params p)
{
    return v_select(x >= K(0), v_all(1), v_all(p.a));
}

static inline vec f_relu6(vec x, params p)
{
    UNUSED(p);
    return clipped(x, 0, 6);
}

static inline vec d_relu6(vec y, params p)
{
    UNUSED(p);
    return v_select((y > K(0)) & (y < K(6)), v_all(1), v_all(0));
}

/* x > c: min(x, b), else a (x - c); without a threshold NaN stays NaN */
static inline vec f_relu_general(vec x, params p)
{
    const vec above = p.c != 0 ? v_select(x > p.c, x, v_all(0)) : at_least_0(x);
    const vec cut = v_select(above > p.b, v_all(p.b), above);
    return p.a != 0 ? cut - p.a * at_least_0(p.c - x) : cut;
}

static inline vec d_relu_general(vec x, params p)
{
    const bool is_relu6 = p.b == 6 && p.c == 0;
    const vec above = v_select(x < p.b, v_all(1), v_select(x == p.b, v_all(is_relu6 ? 0 : 0.5), v_all(0)));
    return v_select(x > p.c, above, v_select(x < p.c, v_all(p.a), v_all(0)));
}

/* exponential linear units */

static inline vec f_elu(vec x, params p)
{
    return v_select(x > K(0), x, p.a * v_expm1(at_most_0(x)));
}

/* a exp(x) is y + a; the sum is rounded to a share of a, whatever is left of it */
static inline vec d_elu(vec y, params p)
{
    return v_select(y > K(0), v_all(1), y + p.a);
}

static inline vec d_elu_general(vec x, params p)
{
    return v_select(x > K(0), v_all(1), p.a * v_exp(at_most_0(x)));
}

static inline vec f_selu(vec x, params p)
{
    p.a = K(selu_alpha);
    return K(selu_scale) * f_elu(x, p);
}

static inline vec d_selu(vec y, params p)
{
    UNUSED(p);
    return v_select(y > K(0), v_all(selu_scale), y + K(selu_scale * selu_alpha));
}

static inline vec f_celu(vec x, params p)
{
    return at_least_0(x) + p.a * v_expm1(at_most_0(x) / p.a);
}

static inline vec d_celu(vec x, params p)
{
    return v_exp(at_most_0(x) / p.a);
}

/* x times something that rises from 0 to 1 */

static inline vec f_gelu(vec x, params p)
{
    UNUSED(p);
    return x * v_normal(x);
}

static inline vec d_gelu(vec x, params p)
{
    UNUSED(p);
    return v_normal(x) + x * (K(0.5 * sqrt_two_over_pi) * v_exp(x * x * K(-0.5)));
}

static inline vec gelu_tanh_part(vec x)
{
    return v_tanh(K(sqrt_two_over_pi) * (x + K(0.044715) * (x * x * x)));
}

static inline vec f_gelu_tanh(vec x, params p)
{
    UNUSED(p);
    return x * (K(0.5) * (gelu_tanh_part(x) + K(1)));
}

static inline vec d_gelu_tanh(vec x, params p)
{
    UNUSED(p);
    const vec t = gelu_tanh_part(x), inner = K(sqrt_two_over_pi) * (K(1) + K(3 * 0.044715) * (x * x));
    return K(0.5) * (t + K(1) + x * (K(1) - t * t) * inner);
}

static inline vec f_silu(vec x, params p)
{
    UNUSED(p);
    return x * v_sigmoid(x);
}

static inline vec d_silu(vec x, params p)
{
    UNUSED(p);
    const vec s = v_sigmoid(x);
    return s + x * s * (K(1) - s);
}

/* tanh(softplus(x)) = m / (m + 2) with m = e (e + 2), e = exp(x); it is 1 above 20 */
static inline vec f_mish(vec x, params p)
{
    UNUSED(p);
    const vec e = v_exp(v_select(x > K(20), v_all(20), x)), m = e * (e + K(2));
    return x * (m / (m + K(2)));
}

static inline vec d_mish(vec x, params p)
{
    UNUSED(p);
    const vec e = v_exp(v_select(x > K(20), v_all(20), x)), m = e * (e + K(2)), m2 = m + K(2);
    return m / m2 + x * (K(4) * e * (e + K(1)) / (m2 * m2));
}

static inline vec f_hard_sigmoid(vec x, params p)
{
    UNUSED(p);
    return clipped(x + K(3), 0, 6) / K(6);
}

static inline vec d_hard_sigmoid(vec x, params p)
{
    UNUSED(p);
    return v_select((x + K(3) > K(0)) & (x + K(3) < K(6)), v_all(1.0 / 6), v_all(0));
}

static inline vec f_hard_silu(vec x, params p)
{
    return x * f_hard_sigmoid(x, p);
}

static inline vec d_hard_silu(vec x, params p)
{
    const vec y = f_hard_sigmoid(x, p);
    return v_select((x + K(3) > K(0)) & (x + K(3) < K(6)), y + x / K(6), y);
}

/* from 0 to 1, from -1 to 1 */

static inline vec f_sigmoid(vec x, params p)
{
    UNUSED(p);
    return v_sigmoid(x);
}

static inline vec d_sigmoid(vec y, params p)
{
    UNUSED(p);
    return y * (K(1) - y);
}

static inline vec f_sparse_sigmoid(vec x, params p)
{
    UNUSED(p);
    return K(0.5) * clipped(x + K(1), 0, 2);
}

static inline vec d_sparse_sigmoid(vec x, params p)
{
    UNUSED(p);
    const vec size = v_abs(x);
    return v_select(size < K(1), v_all(0.5), v_select(size == K(1), v_all(0.25), v_all(0)));
}

static inline vec f_tanh(vec x, params p)
{
    UNUSED(p);
    return v_tanh(x);
}

static inline vec d_tanh(vec y, params p)
{
    UNUSED(p);
    return (K(1) - y) * (K(1) + y);
}

static inline vec f_hard_tanh(vec x, params p)
{
    UNUSED(p);
    return clipped(x, -1, 1);
}

static inline vec d_hard_tanh(vec x, params p)
{
    UNUSED(p);
    return v_select(v_abs(x) > K(1), v_all(0), v_all(1));
}

static inline vec f_softsign(vec x, params p)
{
    UNUSED(p);
    return x / (v_abs(x) + K(1));
}

static inline vec d_softsign(vec x, params p)
{
    UNUSED(p);
    const vec d = v_abs(x) + K(1);
    return K(1) / (d * d);
}

/* soft forms of max(x, 0) */

static inline vec f_softplus(vec x, params p)
{
    UNUSED(p);
    return at_least_0(x) + v_log1p(v_exp(-v_abs(x)));
}

static inline vec d_softplus(vec x, params p)
{
    UNUSED(p);
    return v_sigmoid(x);
}

static inline vec f_log_sigmoid(vec x, params p)
{
    return -f_softplus(-x, p);
}

static inline vec d_log_sigmoid(vec x, params p)
{
    UNUSED(p);
    return v_sigmoid(-x);
}

static inline vec f_sparse_plus(vec x, params p)
{
    UNUSED(p);
    const vec s = x + K(1);
    return v_select(x <= K(-1), v_all(0), v_select(x >= K(1), x, s * s * K(0.25)));
}

static inline vec d_sparse_plus(vec x, params p)
{
    UNUSED(p);
    return K(0.5) * clipped(x + K(1), 0, 2);
}

static inline vec f_squareplus(vec x, params p)
{
    return K(0.5) * (x + v_sqrt(x * x + p.a));
}

static inline vec d_squareplus(vec x, params p)
{
    return K(0.5) * (K(1) + x / v_sqrt(x * x + p.a));
}

/* the rest */

static inline vec f_exponential(vec x, params p)
{
    UNUSED(p);
    return v_exp(x);
}

static inline vec d_exponential(vec y, params p)
{
    UNUSED(p);
    return y;
}

static inline vec f_tanh_shrink(vec x, params p)
{
    UNUSED(p);
    return x - v_tanh(x);
}

static inline vec d_tanh_shrink(vec x, params p)
{
    UNUSED(p);
    const vec t = v_tanh(x);
    return t * t;
}

/* NaN gives 0 in both */
static inline vec f_soft_shrink(vec x, params p)
{
    return v_select(x > p.a, x - p.a, v_select(x < -p.a, x + p.a, v_all(0)));
}

static inline vec f_hard_shrink(vec x, params p)
{
    return v_select(v_abs(x) > p.a, x, v_all(0));
}

static inline vec d_shrink(vec x, params p)
{
    return v_select(v_abs(x) > p.a, v_all(1), v_all(0));
}

/* Every row of the table, for MAP(row, function, slope) */
#define UNARY_ROWS(ROW)                                                                                                \
    ROW(CNI_LINEAR, f_linear, d_linear)                                                                                \
    ROW(CNI_RELU, f_relu, d_relu)                                                                                      \
    ROW(CNI_ELU, f_elu, d_elu)                                                                                         \
    ROW(CNI_SELU, f_selu, d_selu)                                                                                      \
    ROW(CNI_CELU, f_celu, d_celu)                                                                                      \
    ROW(CNI_GELU, f_gelu, d_gelu)                                                                                      \
    ROW(CNI_GELU_TANH, f_gelu_tanh, d_gelu_tanh)                                                                       \
    ROW(CNI_SILU, f_silu, d_silu)                                                                                      \
    ROW(CNI_MISH, f_mish, d_mish)                                                                                      \
    ROW(CNI_SIGMOID, f_sigmoid, d_sigmoid)                                                                             \
    ROW(CNI_HARD_SIGMOID, f_hard_sigmoid, d_hard_sigmoid)                                                              \
    ROW(CNI_HARD_SILU, f_hard_silu, d_hard_silu)                                                                       \
    ROW(CNI_LOG_SIGMOID, f_log_sigmoid, d_log_sigmoid)                                                                 \
    ROW(CNI_SPARSE_SIGMOID, f_sparse_sigmoid, d_sparse_sigmoid)                                                        \
    ROW(CNI_TANH, f_tanh, d_tanh)                                                                                      \
    ROW(CNI_HARD_TANH, f_hard_tanh, d_hard_tanh)                                                                       \
    ROW(CNI_TANH_SHRINK, f_tanh_shrink, d_tanh_shrink)                                                                 \
    ROW(CNI_SOFT_SHRINK, f_soft_shrink, d_shrink)                                                                      \
    ROW(CNI_HARD_SHRINK, f_hard_shrink, d_shrink)                                                                      \
    ROW(CNI_SOFTPLUS, f_softplus, d_softplus)                                                                          \
    ROW(CNI_SPARSE_PLUS, f_sparse_plus, d_sparse_plus)                                                                 \
    ROW(CNI_SQUAREPLUS, f_squareplus, d_squareplus)                                                                    \
    ROW(CNI_SOFTSIGN, f_softsign, d_softsign)                                                                          \
    ROW(CNI_EXPONENTIAL, f_exponential, d_exponential)                                                                 \
    ROW(CNI_LEAKY_RELU, f_leaky_relu, d_leaky_relu)                                                                    \
    ROW(CNI_RELU6, f_relu6, d_relu6)                                                                                   \
    ROW(CNI_AFFINE, f_affine, d_affine)                                                                                \
    ROW(CNI_SQUARE, f_square, d_square)                                                                                \
    ROW(CNI_SQRT, f_sqrt, d_sqrt)                                                                                      \
    ROW(CNI_RECIPROCAL, f_reciprocal, d_reciprocal)                                                                    \
    ROW(CNI_RELU_LEAKY, f_leaky_relu, d_leaky_relu)                                                                    \
    ROW(CNI_RELU_GENERAL, f_relu_general, d_relu_general)                                                              \
    ROW(CNI_ELU_GENERAL, f_elu, d_elu_general)
