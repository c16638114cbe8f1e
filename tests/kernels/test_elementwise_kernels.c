/* SPDX-License-Identifier: Apache-2.0
 * Element-wise kernels of every instruction set: functions of one number against Keras and against double, everything
 * else against the portable kernels in double. */
#include "base/random.h"
#include "kernels/guarded.h"
#include "kernels/kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static cni_kernels judge; /* double */

/* Runs a check for every instruction set that this machine has. */
static void for_each_isa(void (*check)(const cni_kernels *kernels))
{
    cni_kernels_init_double(&judge);
    for (cni_isa isa = 0; isa < CNI_ISA_COUNT; isa++) {
        cni_kernels kernels;
        if (!cni_isa_available(isa)) continue;
        cni_kernels_init(&kernels, isa);
        check(&kernels);
    }
}

static float random_value(uint32_t stream, size_t i)
{
    return 4 * cni_unit((cni_key){11, stream}, i) - 2;
}

/* Keras 3.15.1 (JAX, float32): functions and their gradients, kinks and special values included. */

enum { POINTS = 15, SLOPES = 12 };

static const float points[POINTS] = {-3, -1, -0.5f, 0, 0.25f, 0.5f, 1, 2, 3, 6, -100, 100, -INFINITY, INFINITY, NAN};

static const struct {
    cni_epilogue f;
    float y[POINTS], slope[SLOPES];
} keras[] = {
    {{CNI_RELU, 0, INFINITY, 0},
     {0, 0, 0, 0, 0.25f, 0.5f, 1, 2, 3, 6, 0, 100, 0, INFINITY, NAN},
     {0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 1}},
    {{CNI_RELU, 0.1, INFINITY, 0},
     {-0.30000001f, -0.1f, -0.050000001f, 0, 0.25f, 0.5f, 1, 2, 3, 6, -10, 100, -INFINITY, INFINITY, NAN},
     {0.1f, 0.1f, 0.1f, 1, 1, 1, 1, 1, 1, 1, 0.1f, 1}},
    {{CNI_RELU, 0.1, 2, 0.5},
     {-0.34999999f, -0.15000001f, -0.1f, -0.050000001f, -0.025f, 0, 1, 2, 2, 2, -10.05f, 2, -INFINITY, 2, NAN},
     {0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0, 1, 0.5f, 0, 0, 0.1f, 0}},
    {{CNI_RELU, 0, 2, 0},
     {0, 0, 0, 0, 0.25f, 0.5f, 1, 2, 2, 2, 0, 2, 0, 2, NAN},
     {0, 0, 0, 0, 1, 1, 1, 0.5f, 0, 0, 0, 0}},
    {{CNI_RELU, 0, 6, 0}, {0, 0, 0, 0, 0.25f, 0.5f, 1, 2, 3, 6, 0, 6, 0, 6, NAN}, {0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0}},
    {{CNI_RELU, 0, INFINITY, 0.5},
     {0, 0, 0, 0, 0, 0, 1, 2, 3, 6, 0, 100, 0, INFINITY, 0},
     {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 1}},
    {{CNI_ELU, 1, 0, 0},
     {-0.95021296f, -0.63212055f, -0.39346933f, 0, 0.25f, 0.5f, 1, 2, 3, 6, -1, 100, -1, INFINITY, NAN},
     {0.049787045f, 0.36787945f, 0.60653067f, 1, 1, 1, 1, 1, 1, 1, 0, 1}},
    {{CNI_SELU, 0, 0, 0},
     {-1.6705688f, -1.1113307f, -0.69175822f, 0, 0.26267526f, 0.52535051f, 1.050701f, 2.101402f, 3.1521029f, 6.3042059f,
      -1.7580993f, 105.0701f, -1.7580993f, INFINITY, NAN},
     {0.087530568f, 0.64676863f, 1.0663412f, 1.7580993f, 1.050701f, 1.050701f, 1.050701f, 1.050701f, 1.050701f,
      1.050701f, 0, 1.050701f}},
    {{CNI_CELU, 1.5, 0, 0},
     {-1.2969971f, -0.72987431f, -0.425203f, 0, 0.25f, 0.5f, 1, 2, 3, 6, -1.5f, 100, -1.5f, INFINITY, NAN},
     {0.13533527f, 0.51341712f, 0.7165314f, 1, 1, 1, 1, 1, 1, 1, 0, 1}},
    {{CNI_GELU, 0, 0, 0},
     {-0.004049696f, -0.15865527f, -0.15426877f, 0, 0.14967658f, 0.34573123f, 0.84134471f, 1.9544997f, 2.9959502f, 6,
      -0, 100, NAN, INFINITY, NAN},
     {-0.011945652f, -0.083315477f, 0.13250488f, 0.5f, 0.69537336f, 0.86749512f, 1.0833155f, 1.0852318f, 1.0119456f, 1,
      0, 1}},
    {{CNI_GELU_TANH, 0, 0, 0},
     {-0.0036373436f, -0.15880796f, -0.154286f, 0, 0.14967535f, 0.345714f, 0.84119201f, 1.9545977f, 2.9963627f, 6, -0,
      100, NAN, INFINITY, NAN},
     {-0.011583906f, -0.08296407f, 0.13263011f, 0.5f, 0.6953541f, 0.86736995f, 1.0829639f, 1.0860994f, 1.0115839f, 1, 0,
      1}},
    {{CNI_SILU, 0, 0, 0},
     {-0.14227763f, -0.26894143f, -0.18877034f, 0, 0.14054413f, 0.31122968f, 0.7310586f, 1.7615941f, 2.8577223f,
      5.9851646f, -0, 100, NAN, INFINITY, NAN},
     {-0.088104106f, 0.072329491f, 0.26003882f, 0.5f, 0.62371004f, 0.73996121f, 0.92767054f, 1.0907843f, 1.0881041f,
      1.0123262f, 0, 1}},
    {{CNI_MISH, 0, 0, 0},
     {-0.14564745f, -0.30340144f, -0.22074378f, 0, 0.16957241f, 0.37524524f, 0.86509848f, 1.943959f, 2.9865355f,
      5.999927f, -0, 100, NAN, INFINITY, NAN},
     {-0.093393132f, 0.059216753f, 0.28951067f, 0.60000002f, 0.75417268f, 0.88642442f, 1.0490361f, 1.0693178f,
      1.0211061f, 1.0001334f, 0, 1}},
    {{CNI_SIGMOID, 0, 0, 0},
     {0.047425874f, 0.26894143f, 0.37754068f, 0.5f, 0.56217653f, 0.62245935f, 0.7310586f, 0.88079703f, 0.95257413f,
      0.99752742f, 0, 1, 0, 1, NAN},
     {0.045176659f, 0.19661194f, 0.23500371f, 0.25f, 0.24613407f, 0.23500371f, 0.19661193f, 0.10499363f, 0.045176655f,
      0.0024664658f, 0, 0}},
    {{CNI_HARD_SIGMOID, 0, 0, 0},
     {0, 0.33333334f, 0.41666669f, 0.5f, 0.54166669f, 0.58333337f, 0.66666669f, 0.83333337f, 1, 1, 0, 1, 0, 1, NAN},
     {0, 0.16666667f, 0.16666667f, 0.16666667f, 0.16666667f, 0.16666667f, 0.16666667f, 0.16666667f, 0, 0, 0, 0}},
    {{CNI_HARD_SILU, 0, 0, 0},
     {-0, -0.33333334f, -0.20833334f, 0, 0.13541667f, 0.29166669f, 0.66666669f, 1.6666667f, 3, 6, -0, 100, NAN,
      INFINITY, NAN},
     {0, 0.16666667f, 0.33333334f, 0.5f, 0.58333337f, 0.66666669f, 0.83333337f, 1.1666667f, 1, 1, 0, 1}},
    {{CNI_LOG_SIGMOID, 0, 0, 0},
     {-3.0485873f, -1.3132617f, -0.97407699f, -0.69314718f, -0.57593942f, -0.47407699f, -0.31326169f, -0.126928f,
      -0.048587352f, -0.0024756852f, -100, -0, -INFINITY, -0, NAN},
     {0.95257413f, 0.73105854f, 0.62245935f, 0.5f, 0.4378235f, 0.37754068f, 0.2689414f, 0.11920291f, 0.047425874f,
      0.002472623f, 1, 0}},
    {{CNI_SPARSE_SIGMOID, 0, 0, 0},
     {0, 0, 0.25f, 0.5f, 0.625f, 0.75f, 1, 1, 1, 1, 0, 1, 0, 1, NAN},
     {0, 0.25f, 0.5f, 0.5f, 0.5f, 0.5f, 0.25f, 0, 0, 0, 0, 0}},
    {{CNI_TANH, 0, 0, 0},
     {-0.99505472f, -0.76159418f, -0.46211717f, 0, 0.24491866f, 0.46211717f, 0.76159418f, 0.96402758f, 0.99505472f,
      0.9999876f, -1, 1, -1, 1, NAN},
     {0.0098661184f, 0.41997433f, 0.78644776f, 1, 0.94001484f, 0.7864477f, 0.41997433f, 0.070650816f, 0.0098661007f,
      2.4795379e-05f, 0, 0}},
    {{CNI_HARD_TANH, 0, 0, 0},
     {-1, -1, -0.5f, 0, 0.25f, 0.5f, 1, 1, 1, 1, -1, 1, -1, 1, NAN},
     {0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0}},
    {{CNI_TANH_SHRINK, 0, 0, 0},
     {-2.0049453f, -0.23840582f, -0.037882835f, 0, 0.0050813407f, 0.037882835f, 0.23840582f, 1.0359724f, 2.0049453f,
      5.0000124f, -99, 99, -INFINITY, INFINITY, NAN},
     {0.99013388f, 0.58002567f, 0.21355224f, 0, 0.059985131f, 0.21355231f, 0.58002567f, 0.92934918f, 0.99013388f,
      0.9999752f, 1, 1}},
    {{CNI_SOFT_SHRINK, 0.5, 0, 0},
     {-2.5f, -0.5f, 0, 0, 0, 0, 0.5f, 1.5f, 2.5f, 5.5f, -99.5f, 99.5f, -INFINITY, INFINITY, 0},
     {1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1}},
    {{CNI_HARD_SHRINK, 0.5, 0, 0},
     {-3, -1, 0, 0, 0, 0, 1, 2, 3, 6, -100, 100, -INFINITY, INFINITY, 0},
     {1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1}},
    {{CNI_SOFTPLUS, 0, 0, 0},
     {0.048587352f, 0.31326169f, 0.47407699f, 0.69314718f, 0.82593942f, 0.97407699f, 1.3132617f, 2.1269281f, 3.0485873f,
      6.0024757f, 0, 100, 0, INFINITY, NAN},
     {0.047425874f, 0.2689414f, 0.37754068f, 0.5f, 0.56217653f, 0.62245935f, 0.73105854f, 0.88079703f, 0.95257413f,
      0.9975273f, 0, 1}},
    {{CNI_SPARSE_PLUS, 0, 0, 0},
     {0, 0, 0.0625f, 0.25f, 0.390625f, 0.5625f, 1, 2, 3, 6, 0, 100, 0, INFINITY, NAN},
     {0, 0, 0.25f, 0.5f, 0.625f, 0.75f, 1, 1, 1, 1, 0, 1}},
    {{CNI_SQUAREPLUS, 4, 0, 0},
     {0.30277562f, 0.61803401f, 0.78077638f, 1, 1.1327822f, 1.2807764f, 1.618034f, 2.4142137f, 3.3027756f, 6.1622777f,
      0.0099983215f, 100.00999f, NAN, INFINITY, NAN},
     {0.083974853f, 0.2763932f, 0.37873217f, 0.5f, 0.56201738f, 0.6212678f, 0.72360682f, 0.85355341f, 0.91602516f,
      0.97434163f, 9.9942088e-05f, 0.99990004f}},
    {{CNI_SOFTSIGN, 0, 0, 0},
     {-0.75f, -0.5f, -0.33333334f, 0, 0.2f, 0.33333334f, 0.5f, 0.66666669f, 0.75f, 0.85714287f, -0.99009901f,
      0.99009901f, NAN, NAN, NAN},
     {0.0625f, 0.25f, 0.44444448f, 1, 0.63999999f, 0.44444448f, 0.25f, 0.11111112f, 0.0625f, 0.020408168f,
      9.8030083e-05f, 9.8030083e-05f}},
    {{CNI_EXPONENTIAL, 0, 0, 0},
     {0.049787067f, 0.36787945f, 0.60653067f, 1, 1.2840254f, 1.6487212f, 2.7182817f, 7.3890562f, 20.085537f, 403.4288f,
      0, INFINITY, 0, INFINITY, NAN},
     {0.049787067f, 0.36787945f, 0.60653067f, 1, 1.2840254f, 1.6487212f, 2.7182817f, 7.3890562f, 20.085537f, 403.4288f,
      0, INFINITY}},
    {{CNI_LEAKY_RELU, 0.2, 0, 0},
     {-0.60000002f, -0.2f, -0.1f, 0, 0.25f, 0.5f, 1, 2, 3, 6, -20, 100, -INFINITY, INFINITY, NAN},
     {0.2f, 0.2f, 0.2f, 1, 1, 1, 1, 1, 1, 1, 0.2f, 1}},
    {{CNI_RELU6, 0, 0, 0},
     {0, 0, 0, 0, 0.25f, 0.5f, 1, 2, 3, 6, 0, 6, 0, 6, NAN},
     {0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0}},
    {{CNI_SQUARE, 0, 0, 0},
     {9, 1, 0.25f, 0, 0.0625f, 0.25f, 1, 4, 9, 36, 10000, 10000, INFINITY, INFINITY, NAN},
     {-6, -2, -1, 0, 0.5f, 1, 2, 4, 6, 12, -200, 200}},
    {{CNI_SQRT, 0, 0, 0},
     {NAN, NAN, NAN, 0, 0.5f, 0.70710677f, 1, 1.4142135f, 1.7320508f, 2.4494898f, NAN, 10, NAN, INFINITY, NAN},
     {NAN, NAN, NAN, INFINITY, 1, 0.70710677f, 0.5f, 0.35355338f, 0.28867513f, 0.20412414f, NAN, 0.050000001f}},
    {{CNI_RECIPROCAL, 0, 0, 0},
     {-0.33333334f, -1, -2, INFINITY, 4, 2, 1, 0.5f, 0.33333334f, 0.16666667f, -0.0099999998f, 0.0099999998f, -0, 0,
      NAN},
     {-0.11111111f, -1, -4, -INFINITY, -16, -4, -1, -0.25f, -0.11111111f, -0.027777778f, -9.9999997e-05f,
      -9.9999997e-05f}},
};

static bool near(double got, double expected, double tolerance)
{
    if (isnan(expected)) return isnan(got);
    if (isinf(expected)) return got == expected;
    return fabs(got - expected) <= tolerance * fmax(1, fabs(expected));
}

static void check_keras(const cni_kernels *kernels)
{
    for (size_t t = 0; t < sizeof keras / sizeof *keras; t++) {
        const cni_epilogue *f = &keras[t].f;
        const cni_unary_needs needs = cni_unary_gradient_needs(f);
        float x[POINTS], y[POINTS], dy[POINTS], dx[POINTS];
        memcpy(x, points, sizeof x);
        for (int i = 0; i < POINTS; i++) dy[i] = 1;
        kernels->elementwise.unary(f, x, y, POINTS);
        kernels->elementwise.unary_gradient(f, needs == CNI_NEEDS_INPUT ? x : NULL,
                                            needs == CNI_NEEDS_OUTPUT ? y : NULL, dy, dx, POINTS);
        kernels->elementwise.unary(f, x, x, POINTS);
        for (int i = 0; i < POINTS; i++) {
            if (!near(y[i], keras[t].y[i], 1e-6))
                fail_msg("%s: %s (row %zu) of %g is %.9g instead of %.9g", kernels->name,
                         cni_unary_rows[f->function].name, t, (double)points[i], (double)y[i], (double)keras[t].y[i]);
            if (i < SLOPES && !near(dx[i], keras[t].slope[i], 1e-6))
                fail_msg("%s: slope of %s (row %zu) at %g is %.9g instead of %.9g", kernels->name,
                         cni_unary_rows[f->function].name, t, (double)points[i], (double)dx[i],
                         (double)keras[t].slope[i]);
            if (memcmp(&x[i], &y[i], sizeof *x)) fail_msg("in place, %g gives something else", (double)points[i]);
        }
    }
}

static void functions_as_keras(void **state)
{
    (void)state;
    for_each_isa(check_keras);
}

/* Accuracy over all floats.  The bound is in units of the last place; libm's tanh, which the portable kernel uses, and
 * the sigmoid have the larger ones. */
static const struct {
    cni_epilogue f;
    double bound;
} accuracy[] = {
    {{CNI_EXPONENTIAL, 0, 0, 0}, 1.1}, {{CNI_TANH, 0, 0, 0}, 2.2},     {{CNI_SIGMOID, 0, 0, 0}, 2.4},
    {{CNI_ELU, 1, 0, 0}, 1},           {{CNI_SELU, 0, 0, 0}, 2.3},     {{CNI_SOFTPLUS, 0, 0, 0}, 2.8},
    {{CNI_LOG_SIGMOID, 0, 0, 0}, 2.8}, {{CNI_SOFTSIGN, 0, 0, 0}, 1.6}, {{CNI_RECIPROCAL, 0, 0, 0}, 0.51},
};

static double last_places(float got, double expected)
{
    if ((float)expected == got || (isnan(expected) && isnan(got))) return 0;
    return fabs(got - expected) / ldexp(1, ilogb(fmax(fabs(expected), 0x1p-126)) - 23);
}

static void check_accuracy(const cni_kernels *kernels)
{
    enum { N = 1000, STRIDE = 9973 };
    for (size_t t = 0; t < sizeof accuracy / sizeof *accuracy; t++)
        for (uint64_t begin = 0; begin < UINT64_C(1) << 32; begin += (uint64_t)N * STRIDE) {
            float x[N], y[N];
            double x2[N], y2[N];
            for (uint64_t i = 0; i < N; i++) {
                const uint32_t bits = (uint32_t)(begin + i * STRIDE);
                memcpy(&x[i], &bits, sizeof bits);
                x2[i] = x[i];
            }
            kernels->elementwise.unary(&accuracy[t].f, x, y, N);
            judge.elementwise.unary(&accuracy[t].f, x2, y2, N);
            for (int i = 0; i < N; i++)
                if (!(last_places(y[i], y2[i]) <= accuracy[t].bound))
                    fail_msg("%s: %s of %.9g is %.9g instead of %.17g, %.3g units off", kernels->name,
                             cni_unary_rows[accuracy[t].f.function].name, (double)x[i], (double)y[i], y2[i],
                             last_places(y[i], y2[i]));
        }
}

static void functions_are_accurate(void **state)
{
    (void)state;
    for_each_isa(check_accuracy);
}

/* Every function at every length: no element missed, none touched beyond the end, gradients as in double. */
static void check_lengths(const cni_kernels *kernels)
{
    enum { MOST = 70 };
    for (int function = 0; function < CNI_UNARY_COUNT; function++)
        for (size_t n = 0; n <= MOST; n += n < 35 ? 1 : 7) {
            const cni_epilogue f = {(cni_unary)function, 0.5, 1.25, 0.25};
            const cni_unary_needs needs = cni_unary_gradient_needs(&f);
            float x[MOST], y[MOST + 1], dx[MOST + 1], dy[MOST];
            double x2[MOST], y2[MOST], dx2[MOST], dy2[MOST];
            for (size_t i = 0; i < n; i++) {
                x2[i] = x[i] = function == CNI_SQRT ? 2.1f + random_value(1, i) : random_value(1, i);
                dy2[i] = dy[i] = random_value(2, i);
            }
            y[n] = dx[n] = 7;
            kernels->elementwise.unary(&f, x, y, n);
            judge.elementwise.unary(&f, x2, y2, n);
            kernels->elementwise.unary_gradient(&f, needs == CNI_NEEDS_INPUT ? x : NULL,
                                                needs == CNI_NEEDS_OUTPUT ? y : NULL, dy, dx, n);
            judge.elementwise.unary_gradient(&f, x2, y2, dy2, dx2, n);
            assert_true(y[n] == 7 && dx[n] == 7);
            for (size_t i = 0; i < n; i++)
                if (!near(y[i], y2[i], 1e-6) || !near(dx[i], dx2[i], 2e-6))
                    fail_msg("%s: %s, element %zu of %zu: f(%g) = %g, %g; gradient %g, %g", kernels->name,
                             cni_unary_rows[function].name, i, n, x2[i], (double)y[i], y2[i], (double)dx[i], dx2[i]);
        }
}

static void functions_at_every_length(void **state)
{
    (void)state;
    for_each_isa(check_lengths);
}

/* Functions of two numbers */

static void check_binary(const cni_kernels *kernels)
{
    enum { ROWS = 40, WIDTH = 37, SIZE = ROWS * WIDTH };
    static float a[SIZE], b[SIZE], y[SIZE + 1];
    static double a2[SIZE], b2[SIZE], y2[SIZE];
    const size_t widths[] = {1, 2, 3, 15, 16, 17, 32, 37};
    for (int i = 0; i < SIZE; i++) {
        a2[i] = a[i] = i % 5 ? random_value(3, (size_t)i) : 1; /* some are equal */
        b2[i] = b[i] = i % 7 ? random_value(4, (size_t)i) : 1;
    }
    for (int f = 0; f < CNI_BINARY_COUNT; f++)
        for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
            for (int form = 0; form < 16; form++) {
                const size_t c = widths[w], rows = w % 2 ? ROWS : 7, pitches[] = {c, 0};
                const int a_step = form & 1, b_step = form >> 1 & 1;
                const size_t a_pitch = pitches[form >> 2 & 1], b_pitch = pitches[form >> 3 & 1];
                y[rows * c] = 7;
                kernels->elementwise.binary((cni_binary_function)f, (cni_rows){a, a_pitch, a_step},
                                            (cni_rows){b, b_pitch, b_step}, y, rows, c);
                judge.elementwise.binary((cni_binary_function)f, (cni_rows){a2, a_pitch, a_step},
                                         (cni_rows){b2, b_pitch, b_step}, y2, rows, c);
                assert_true(y[rows * c] == 7);
                for (size_t i = 0; i < rows * c; i++)
                    if (!near(y[i], y2[i], 1e-6))
                        fail_msg("%s: function %d, [%zu, %zu], form %d, element %zu: %g, %g", kernels->name, f, rows, c,
                                 form, i, (double)y[i], y2[i]);
            }
}

static void check_maximum_of_nan(const cni_kernels *kernels)
{
    const float a[] = {NAN, 1, NAN, -INFINITY}, b[] = {1, NAN, NAN, INFINITY};
    float y[4];
    for (int f = CNI_MAXIMUM; f <= CNI_MINIMUM; f++) {
        kernels->elementwise.binary((cni_binary_function)f, (cni_rows){a, 0, 1}, (cni_rows){b, 0, 1}, y, 1, 4);
        assert_true(isnan(y[0]) && isnan(y[1]) && isnan(y[2]));
        assert_true(y[3] == (f == CNI_MAXIMUM ? INFINITY : -INFINITY));
    }
}

static void functions_of_two(void **state)
{
    (void)state;
    for_each_isa(check_binary);
    for_each_isa(check_maximum_of_nan);
}

/* Reductions */

static void check_reduce(const cni_kernels *kernels)
{
    enum { MOST = 1 << 17 };
    const size_t shapes[][3] = {{1, 1, 1},    {3, 7, 1},   {1, 40000, 1}, {5, 129, 1}, {2, 1000, 3}, {1, 5, 3},
                                {1, 300, 15}, {2, 9, 16},  {1, 200, 17},  {1, 70, 64}, {1, 3, 130},  {1, 100, 500},
                                {70, 10, 1},  {4, 50, 33}, {1, 65, 31},   {2, 1, 40}};
    float *x = malloc(MOST * sizeof *x), *y = malloc(MOST * sizeof *y);
    double *x2 = malloc(MOST * sizeof *x2), *y2 = malloc(MOST * sizeof *y2);
    for (size_t i = 0; i < MOST; i++) x2[i] = x[i] = 1 + random_value(5, i);
    const cni_reduction functions[] = {CNI_SUM, CNI_MAX, CNI_MIN};
    for (int f = 0; f < 3; f++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            const size_t outer = shapes[s][0], count = shapes[s][1], inner = shapes[s][2];
            y[outer * inner] = 7;
            kernels->elementwise.reduce(functions[f], x, y, outer, count, inner);
            judge.elementwise.reduce(functions[f], x2, y2, outer, count, inner);
            assert_true(y[outer * inner] == 7);
            for (size_t i = 0; i < outer * inner; i++)
                if (!near(y[i], y2[i], f ? 0 : 2e-7 * sqrt((double)count)))
                    fail_msg("%s: reduction %d of [%zu, %zu, %zu], element %zu: %.9g, %.9g", kernels->name, f, outer,
                             count, inner, i, (double)y[i], y2[i]);
        }
    free(x);
    free(y);
    free(x2);
    free(y2);
}

/* A NaN anywhere is the maximum and the minimum; infinities are found. */
static void check_extremes(const cni_kernels *kernels)
{
    enum { N = 300 };
    float x[N], y[3];
    for (size_t inner = 1; inner <= 3; inner += 2)
        for (size_t at = 0; at < N; at += 13) {
            for (size_t i = 0; i < N; i++) x[i] = -INFINITY;
            x[at] = NAN;
            kernels->elementwise.reduce(CNI_MAX, x, y, 1, N / inner, inner);
            for (size_t i = 0; i < inner; i++) assert_true(i == at % inner ? isnan(y[i]) : y[i] == -INFINITY);
            kernels->elementwise.reduce(CNI_MIN, x, y, 1, N / inner, inner);
            assert_true(isnan(y[at % inner]));
        }
}

/* Added one after the other in float, these would be 3 % off. */
static void check_sum_of_many(const cni_kernels *kernels)
{
    enum { N = 3000000 };
    float *x = malloc(N * sizeof *x), y[3];
    for (size_t i = 0; i < N; i++) x[i] = 0.1f;
    for (size_t inner = 1; inner <= 3; inner += 2) {
        kernels->elementwise.reduce(CNI_SUM, x, y, 1, N / inner, inner);
        const double expected = (double)0.1f * N / (double)inner;
        if (!near(y[0], expected, 3e-5)) fail_msg("%s: %.9g instead of %.9g", kernels->name, (double)y[0], expected);
    }
    free(x);
}

static void reductions(void **state)
{
    (void)state;
    for_each_isa(check_reduce);
    for_each_isa(check_extremes);
    for_each_isa(check_sum_of_many);
}

/* axpby, fill, keep */

static void check_linear(const cni_kernels *kernels)
{
    enum { MOST = 70 };
    for (size_t n = 0; n <= MOST; n++) {
        float x[MOST], y[MOST + 1], z[MOST + 1], k[MOST + 1], only[MOST + 1];
        unsigned char mask[MOST + 1];
        for (size_t i = 0; i <= n; i++) {
            if (i < n) x[i] = random_value(6, i);
            y[i] = random_value(7, i);
            z[i] = k[i] = 7;
            only[i] = NAN; /* b = 0 must not read it */
            mask[i] = (unsigned char)(cni_bits((cni_key){1, 2}, i) & 1);
        }
        const float y_last = y[n];
        kernels->elementwise.axpby(0.5, x, 2, y, n);
        kernels->elementwise.axpby(0.5, x, 0, only, n);
        kernels->elementwise.fill(3, z, n);
        kernels->elementwise.keep(mask, 1.25, x, k, n);
        for (size_t i = 0; i < n; i++) {
            assert_true(y[i] == 0.5f * x[i] + 2 * random_value(7, i));
            assert_true(only[i] == 0.5f * x[i] && z[i] == 3 && k[i] == (mask[i] ? 1.25f * x[i] : 0));
        }
        assert_true(y[n] == y_last && z[n] == 7 && k[n] == 7 && isnan(only[n]));
    }
}

static void sums_of_multiples(void **state)
{
    (void)state;
    for_each_isa(check_linear);
}

/* Finishes of matrices: whole numbers and halves, so that float and double agree; every buffer ends where memory does.
 */

enum { FINISH_MOST = 40 * 130 };

typedef struct finish_case {
    int parts; /* bits: scale, shift, add, clamp, mask */
    size_t rows, c;
} finish_case;

static double half(uint32_t stream, size_t i)
{
    return floor(16 * (double)cni_unit((cni_key){31, stream}, i) - 8) / 2;
}

static guarded halves(uint32_t stream, size_t count, double *same)
{
    guarded g = new_guarded(count);
    for (size_t i = 0; i < count; i++) g.data[i] = (float)(same[i] = half(stream, i));
    return g;
}

static void check_finish_case(const cni_kernels *kernels, const finish_case *k)
{
    static double x[FINISH_MOST], add[FINISH_MOST], mask[FINISH_MOST], scale[FINISH_MOST], shift[FINISH_MOST],
        want[FINISH_MOST];
    const size_t count = k->rows * k->c;
    guarded of[] = {halves(1, count, x),   halves(2, k->c, scale), halves(3, k->c, shift),
                    halves(4, count, add), halves(5, count, mask), new_guarded(count)};
    const bool clamps = k->parts & 8;
    const cni_finish f = {.scale = k->parts & 1 ? of[1].data : NULL,
                          .shift = k->parts & 2 ? of[2].data : NULL,
                          .add = k->parts & 4 ? of[3].data : NULL,
                          .mask = k->parts & 16 ? of[4].data : NULL,
                          .clamps = clamps,
                          .slope = k->c % 2 ? 0.5 : 0,
                          .most = k->c % 3 ? 6 : INFINITY};
    const cni_finish f2 = {.scale = f.scale ? scale : NULL,
                           .shift = f.shift ? shift : NULL,
                           .add = f.add ? add : NULL,
                           .mask = f.mask ? mask : NULL,
                           .clamps = clamps,
                           .slope = f.slope,
                           .most = f.most};
    judge.elementwise.finish(&f2, x, want, k->rows, k->c);
    kernels->elementwise.finish(&f, of[0].data, of[5].data, k->rows, k->c);
    kernels->elementwise.finish(&f, of[0].data, of[0].data, k->rows, k->c); /* in place */
    for (size_t i = 0; i < count; i++)
        if ((double)of[5].data[i] != want[i] || (double)of[0].data[i] != want[i])
            fail_msg("%s: finish %d of %zu x %zu, element %zu: %g, %g instead of %g", kernels->name, k->parts, k->rows,
                     k->c, i, (double)of[5].data[i], (double)of[0].data[i], want[i]);
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) free_guarded(&of[i]);
}

static void check_finish(const cni_kernels *kernels)
{
    static const size_t columns[] = {1, 3, 7, 8, 15, 16, 17, 24, 33, 64, 100, 129}, rows[] = {1, 2, 5, 9, 33, 40};
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++)
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
            for (int parts = 0; parts < 32; parts++)
                check_finish_case(kernels, &(finish_case){parts, rows[r], columns[c]});
}

static void finishes(void **state)
{
    (void)state;
    for_each_isa(check_finish);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_as_keras),
        cmocka_unit_test(functions_are_accurate),
        cmocka_unit_test(functions_at_every_length),
        cmocka_unit_test(functions_of_two),
        cmocka_unit_test(reductions),
        cmocka_unit_test(sums_of_multiples),
        cmocka_unit_test(finishes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
