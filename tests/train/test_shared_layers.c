/* SPDX-License-Identifier: Apache-2.0
 * Layers that are called more than once in a step: their state meets the calls in the order in which Keras runs them,
 * which is not that in which they were made. */
#include <cornu/cornu.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const float two[2] = {0.5f, 1.5f};
static const cn_array x = {two, CN_FLOAT32, 2, {2, 1}};

/* One step; then the moving mean and variance are Keras'. */
static void check(cn_model *model, cn_layer *norm, float mean, float variance)
{
    cn_compile(model, .optimizer = cn_sgd(), .loss = "mse");
    if (cn_failed(model)) fail_msg("%s", cn_error(model));
    if (!cn_train_on_batch(model, &(cn_data){.x = x, .y = x})) fail_msg("%s", cn_error(model));
    const float *ours[] = {cn_layer_weight(norm, 2).data, cn_layer_weight(norm, 3).data};
    if (fabsf(*ours[0] - mean) > 1e-6f || fabsf(*ours[1] - variance) > 1e-6f)
        fail_msg("moving mean %g, variance %g; in Keras %g and %g", (double)*ours[0], (double)*ours[1], (double)mean,
                 (double)variance);
    cn_model_free(model);
}

/* a = norm(2 x) is made before b = norm(x); Add()([b, a]) runs b first. */
static void the_reader_decides_among_calls_of_one_depth(void **state)
{
    (void)state;
    cn_model *m = cn_functional();
    cn_node *in = cn_input_node(m, cn_input({1}));
    cn_layer *norm = cn_layer_new(m, cn_batch_normalization(.momentum = 0.5));
    cn_node *a = cn_call_layer(norm, cn_call(m, cn_rescaling({2}), in)), *b = cn_call_layer(norm, in);
    cn_outputs(m, cn_call(m, cn_add_layer(), b, a));
    check(m, norm, 1.25f, 0.8125f);
}

/* With more layers behind b the calls still have one depth, that of the layer, and a was met first. */
static void calls_of_a_layer_have_its_depth(void **state)
{
    (void)state;
    cn_model *m = cn_functional();
    cn_node *in = cn_input_node(m, cn_input({1}));
    cn_layer *norm = cn_layer_new(m, cn_batch_normalization(.momentum = 0.5));
    cn_node *a = cn_call_layer(norm, cn_call(m, cn_rescaling({2}), in)), *b = cn_call_layer(norm, in);
    b = cn_call(m, cn_relu(), cn_call(m, cn_relu(), b));
    cn_outputs(m, cn_call(m, cn_add_layer(), a, b));
    check(m, norm, 1.0f, 0.625f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reader_decides_among_calls_of_one_depth),
        cmocka_unit_test(calls_of_a_layer_have_its_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
