/* SPDX-License-Identifier: Apache-2.0
 * Plans and times of described networks: that they are there, of the right layers, and refused where nothing can run.
 */
#include "describe.h"

#include "explain/analysis/measure.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

typedef struct fixture {
    cni_arena arena;
    cn_context *context;
} fixture;

static int begin(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    f->context = cn_context_new();
    *state = f;
    return 0;
}

static int end(void **state)
{
    fixture *f = *state;
    cni_arena_free(&f->arena);
    cn_context_free(f->context);
    free(f);
    return 0;
}
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

static const char example[] = "Input(shape=(28, 28, 1))\n"
                              "Conv2D(32, 3)\n"
                              "ReLU()\n"
                              "MaxPooling2D(2)\n"
                              "conv: Conv2D(64, 3, activation='relu')\n"
                              "again <- conv: MaxPooling2D(2)\n"
                              "Flatten()\n"
                              "Dropout(0.5)\n"
                              "Dense(10, activation='softmax')";

static void the_plan_of_a_network(void **state)
{
    fixture *f = *state;
    cni_error error = {0};
    cni_analysis *a = explain_keras(&f->arena, example);
    assert_true(a->memory.plan == CNI_UNSEEN);
    assert_int_equal(cni_measure_plan(f->context, a, &error), CN_OK);
    /* the two largest neighbours must be there at once, and the packed weights of what is not tiny */
    const int64_t plan = a->memory.plan;
    assert_true(plan > a->memory.peak);
    assert_true(plan < 20 * a->memory.peak);
    assert_int_equal(cni_measure_times(f->context, a, &error), CN_OK);
    assert_int_equal(a->memory.plan, plan); /* what is really allocated */
}

static void times_of_the_layers(void **state)
{
    fixture *f = *state;
    cni_error error = {0};
    cni_analysis *a = explain_keras(&f->arena, example);
    assert_true(isnan(a->nodes[1].measured_ms) && isnan(a->nodes[1].expected_ms));
    assert_int_equal(cni_measure_times(f->context, a, &error), CN_OK);
    /* relus and maxima of 2 x 2 are taken by the convolutions before them */
    static const bool takes_time[] = {false, true, false, false, true, false, false, false, true};
    for (int i = 0; i < a->count; i++) {
        assert_true(takes_time[i] ? a->nodes[i].measured_ms > 0 : isnan(a->nodes[i].measured_ms));
        if (a->nodes[i].macs > 0) assert_true(a->nodes[i].expected_ms > 0);
    }
    const cni_explained *conv = a->nodes + 4;
    const double flops = 2.0 * (double)conv->macs + (double)conv->bias_adds;
    const double moved = (double)(conv->bytes_in + conv->bytes_out + conv->bytes_weights);
    const double expected = fmax(flops / a->options.peak_flops, moved / a->options.bandwidth);
    assert_true(fabs(conv->expected_ms - 1e3 * expected) < 1e-9);
    assert_true(conv->measured_ms > a->nodes[8].measured_ms / 100);
}

static void modules_of_pytorch_are_found_again(void **state)
{
    fixture *f = *state;
    cni_error error = {0};
    cni_analysis *a = explain_as(&f->arena, CNI_TORCH,
                                 "Input(shape=(3, 32, 32))\n"
                                 "features/0: Conv2d(3, 16, 3, stride=2, padding=1)\n"
                                 "features/1: ReLU()\n"
                                 "features/2: MaxPool2d(3, 2, 1)\n"
                                 "Flatten()\n"
                                 "fc: Linear(1024, 10)",
                                 NULL);
    const cn_status status = cni_measure_times(f->context, a, &error);
    if (status) fail_msg("%s", error.text);
    assert_true(a->nodes[1].measured_ms > 0 && a->nodes[3].measured_ms > 0 && a->nodes[5].measured_ms > 0);
}

static void calls_of_a_shared_layer_are_kept_apart(void **state)
{
    fixture *f = *state;
    cni_error error = {0};
    cni_analysis *a = explain_keras(&f->arena, "x: Input(shape=(16, 16, 4))\n"
                                               "a: Conv2D(4, 3, padding='same')\n"
                                               "b <- a: =a\n"
                                               "Add <- x, b: Add()");
    assert_int_equal(cni_measure_times(f->context, a, &error), CN_OK);
    assert_true(a->nodes[1].measured_ms > 0 && a->nodes[2].measured_ms > 0);
}

static void what_cannot_run_is_refused_by_name(void **state)
{
    fixture *f = *state;
    cni_error error = {0};
    cni_analysis *a = explain_keras(&f->arena, "Input(shape=(16, 16, 4))\nup: UpSampling2D(2)");
    assert_int_equal(cni_measure_plan(f->context, a, &error), CN_ERR_UNSUPPORTED);
    assert_non_null(strstr(error.text, "up"));
    assert_true(a->memory.plan == CNI_UNSEEN);
    cni_error_clear(&error);
    a = explain_keras(&f->arena, "Input(shape=(None, None, 4))\nConv2D(4, 3)");
    assert_int_equal(cni_measure_times(f->context, a, &error), CN_ERR_SHAPE);
    assert_true(isnan(a->nodes[1].measured_ms));
}

/* The bounds leave room for sanitizers and emulators. */
static void the_machine_is_measured(void **state)
{
    fixture *f = *state;
    double flops, bytes;
    cni_measure_machine(f->context, &flops, &bytes);
    print_message("%.1f GFLOP/s, %.1f GB/s\n", flops / 1e9, bytes / 1e9);
    assert_true(flops > 1e5 && flops < 1e15);
    assert_true(bytes > 1e5 && bytes < 1e14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_plan_of_a_network),
        TEST(times_of_the_layers),
        TEST(modules_of_pytorch_are_found_again),
        TEST(calls_of_a_shared_layer_are_kept_apart),
        TEST(what_cannot_run_is_refused_by_name),
        TEST(the_machine_is_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
