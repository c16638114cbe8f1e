/* SPDX-License-Identifier: Apache-2.0
 * Plan files: what is read and refused, that plans follow them to the last bit on any number of threads, that measuring
 * fills them, and what a saved model says of the one that it was trained with. */
#include "formats/plan_file.h"
#include "graph/ops/conv2d.h"
#include "graph/ops/measure_algorithm.h"
#include "train/small_networks.h"

#include <unistd.h>

/* ---- text ---- */

static cn_status read_text(const char *text, cni_choices *choices, cni_error *error)
{
    return cni_plan_read((cni_bytes){(const uint8_t *)text, strlen(text)}, "my.plan", "avx512", choices, error);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    static const char text[] =
        "cornu plan 1 avx512\n"
        "# pass  reads       writes      window stride batch weights algorithm, microseconds of each\n"
        "forward 8x8x64      8x8x128     3x3    1x1    1     kept    F(4x4,3x3) direct=37.9 F(4x4,3x3)=20.0\n"
        "forward 8x8x64      8x8x128     3x3    1x1    2     anew    F(2x2,3x3)\n"
        "forward 8x8x64      8x8x128     3x3    1x1    2     kept    direct\n"
        "data    1048576x1x1 1048576x1x1 5x5    1x1    32    anew    F(2x2,5x5) F(2x2,5x5)=12345678901.5\n"
        "weights 8x8x64      8x8x128     3x3    2x1    1     -       direct\n";
    cni_choices choices = {0};
    cni_error error = {0};
    cni_buffer buffer = {0};
    if (read_text(text, &choices, &error)) fail_msg("%s", error.text);
    assert_int_equal(choices.count, 5);
    cni_plan_write(&buffer, "avx512", &choices);
    cni_buffer_u8(&buffer, 0);
    assert_string_equal((const char *)buffer.data, text);
    cni_conv_shape shape = choices.rows[0].shape;
    assert_int_equal(cni_choices_find(&choices, &shape, 1)->algorithm, CNI_F43);
    assert_null(cni_choices_find(&choices, &shape, 3));
    shape.from[2]++;
    assert_null(cni_choices_find(&choices, &shape, 1));
    cni_buffer_free(&buffer);
    cni_choices_clear(&choices);
}

/* Rows in any order, words any distance apart, and remarks. */
static void people_may_write_it(void **state)
{
    (void)state;
    static const char text[] = "# mine\r\n\n  cornu\tplan 1 avx512 # of the old machine\r\n"
                               "weights 8x8x64 8x8x128 3x3 1x1 1 - direct\r\n"
                               " forward 8x8x64 8x8x128 3x3 1x1 1 kept direct#so\n\t\n"
                               "data 8x8x64 8x8x128 3x3 1x1 1 anew F(2x2,3x3) direct=5 F(2x2,3x3)=4.25";
    cni_choices choices = {0};
    cni_error error = {0};
    if (read_text(text, &choices, &error)) fail_msg("%s", error.text);
    assert_int_equal(choices.count, 3);
    assert_int_equal(choices.rows[1].algorithm, CNI_F23);
    assert_true(choices.rows[1].microseconds[CNI_F23] == 4.25 && choices.rows[1].microseconds[CNI_DIRECT] == 5);
    assert_int_equal(choices.rows[2].shape.pass, CNI_PASS_WEIGHTS);
    cni_choices_clear(&choices);
}

#define HEAD "cornu plan 1 avx512\n"
#define ROW  "forward 8x8x64 8x8x128 3x3 1x1 1 kept direct"

static void each_fault_is_told_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "my.plan: is empty; expected a line \"cornu plan 1 avx512\""},
        {"# nothing\n", "my.plan: is empty; expected a line \"cornu plan 1 avx512\""},
        {"PK\003\004", "my.plan: line 1: this is no plan file; expected \"cornu plan 1 avx512\""},
        {"\ncornu plan 2 avx512\n",
         "my.plan: line 2: the version is \"2\"; expected 1: a newer Cornu wrote it, perhaps"},
        {"cornu plan 1 avx2\n",
         "my.plan: line 1: choices for the instruction set \"avx2\"; here it is avx512: measure a file of its own"},
        {HEAD "forward 8x8x64 8x8x128 3x3\n",
         "my.plan: line 2: 4 words; expected 8 (pass, image read, image written, window, stride, batch, weights, "
         "algorithm) and times"},
        {HEAD ROW " direct=1 direct=1 direct=1 direct=1 direct=1 direct=1 direct=1 direct=1 direct=1\n",
         "my.plan: line 2: more than 16 words; expected 8 (pass, image read, image written, window, stride, batch, "
         "weights, algorithm) and times"},
        {HEAD "back 8x8x64 8x8x128 3x3 1x1 1 kept direct\n",
         "my.plan: line 2: the pass is \"back\"; expected forward, data or weights"},
        {HEAD "data 8x8 8x8x128 3x3 1x1 1 anew direct\n",
         "my.plan: line 2: the image that is read is \"8x8\"; expected height x width x channels, as 56x56x64"},
        {HEAD "data 8x8x8 8x0x128 3x3 1x1 1 anew direct\n",
         "my.plan: line 2: the image that is written is \"8x0x128\"; expected height x width x channels, as 56x56x64"},
        {HEAD "data 8x8x8 8x8x99999999999999999999 3x3 1x1 1 anew direct\n",
         "my.plan: line 2: the image that is written is \"8x8x99999999999999999999\"; expected height x width x "
         "channels, as 56x56x64"},
        {HEAD "data 8x8x8 8x8x8 3 1x1 1 anew direct\n", "my.plan: line 2: the window is \"3\"; expected sizes as 3x3"},
        {HEAD "data 8x8x8 8x8x8 3x3 -1x1 1 anew direct\n",
         "my.plan: line 2: the stride is \"-1x1\"; expected sizes as 1x1"},
        {HEAD "data 8x8x8 8x8x8 3x3 1x1 0 anew direct\n",
         "my.plan: line 2: the batch is \"0\"; expected a whole number from 1 to 1048576"},
        {HEAD "data 8x8x8 8x8x8 3x3 1x1 1 - direct\n",
         "my.plan: line 2: what is done with weights is \"-\"; expected kept or anew"},
        {HEAD "weights 8x8x8 8x8x8 3x3 1x1 1 kept direct\n",
         "my.plan: line 2: what is done with weights is \"kept\"; expected - for this pass"},
        {HEAD "# first\n" ROW "ly\n",
         "my.plan: line 3: the algorithm is \"directly\"; expected direct, F(4x4,3x3), F(2x2,3x3), F(2x2,5x5), "
         "overlapping-F(4x4,3x3) or overlapping-F(2x2,5x5)"},
        {HEAD ROW " fast=3\n", "my.plan: line 2: a time is \"fast=3\"; expected ALGORITHM=MICROSECONDS"},
        {HEAD ROW " direct=1e3\n", "my.plan: line 2: a time is \"direct=1e3\"; expected ALGORITHM=MICROSECONDS"},
        {HEAD ROW " direct=\n", "my.plan: line 2: a time is \"direct=\"; expected ALGORITHM=MICROSECONDS"},
        {HEAD ROW "\n\n" ROW "\n", "my.plan: line 4: the same convolution stands in an earlier line"},
        {HEAD "forward 8x8x64 8x8x128 3x3 1x1 1 kept F(2x2,5x5)\n",
         "my.plan: line 2: F(2x2,5x5) does not serve the pass forward with a window of 3x3 and stride 1x1"},
        {HEAD "forward 8x8x64 8x8x128 3x3 1x1 1 kept overlapping-F(4x4,3x3)\n",
         "my.plan: line 2: overlapping-F(4x4,3x3) does not serve the pass forward with a window of 3x3 and stride 1x1"},
        {HEAD "forward 8x8x64 4x4x128 3x3 2x2 1 kept F(4x4,3x3)\n",
         "my.plan: line 2: F(4x4,3x3) does not serve the pass forward with a window of 3x3 and stride 2x2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cni_choices choices = {0};
        cni_error error = {0};
        assert_int_not_equal(read_text(cases[i].text, &choices, &error), CN_OK);
        assert_string_equal(error.text, cases[i].message);
        cni_choices_clear(&choices);
    }
    cni_choices choices = {0};
    cni_error error = {0};
    static const uint8_t zero[] = HEAD ROW "\0\n";
    assert_int_equal(cni_plan_read((cni_bytes){zero, sizeof zero - 1}, "my.plan", "avx512", &choices, &error),
                     CN_ERR_FORMAT);
    assert_string_equal(error.text, "my.plan: line 2: a zero byte; expected text");
    cni_choices_clear(&choices);
}

/* ---- a network to plan ---- */

static char folder[] = "/tmp/cornu-plan-XXXXXX";

static const char *path_of(const char *name)
{
    static char paths[4][100];
    static int turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static cn_context *context_with(int threads, const char *plan)
{
    const char *error = NULL;
    cn_context *context = cn_context_new();
    assert_non_null(context);
    cn_set_threads(context, threads);
    cn_context_set_random_seed(context, 7);
    if (plan && cn_plan_file_load(context, plan, &error)) fail_msg("%s", error);
    return context;
}

/* Windows of 3x3 and 5x5, two of one shape, and one that only direct sums serve. */
static cn_model *network(cn_context *context)
{
    cn_model *m = cn_sequential_in(context, "net");
    cn_add(m, cn_input({SMALL_SIDE, SMALL_SIDE, SMALL_CHANNELS}));
    cn_add(m, cn_conv2d(16, {3}, .padding = CN_SAME, .activation = "relu"));
    cn_add(m, cn_conv2d(16, {3}, .padding = CN_SAME, .activation = "relu"));
    cn_add(m, cn_conv2d(16, {3}, .padding = CN_SAME, .activation = "relu"));
    cn_add(m, cn_conv2d(20, {5}, .activation = "relu"));
    cn_add(m, cn_conv2d(18, {3}, .strides = {2}));
    cn_add(m, cn_flatten());
    cn_add(m, cn_dense(SMALL_CLASSES, .activation = "softmax"));
    cn_compile(m, .optimizer = cn_optimizer("sgd(0.01, momentum=0.9)"), .loss = "sparse_categorical_crossentropy");
    assert_string_equal(cn_error(m), "");
    return m;
}

static void train(cn_model *model)
{
    small_data data;
    small_data_open(&data, false);
    if (!cn_fit(model, data.pictures, data.y, .batch_size = 16, .epochs = 2, .validation_split = 0.2))
        fail_msg("%s", cn_error(model));
    small_data_close(&data);
}

static cn_model *trained(int threads, const char *plan, cn_math math)
{
    cn_context *context = context_with(threads, plan);
    cn_set_math(context, math);
    cn_model *model = network(context);
    train(model);
    return model;
}

static bool is_same(cn_model *a, cn_model *b)
{
    char text[100];
    const bool same = !small_difference(a, b, text);
    small_model_free(a);
    small_model_free(b);
    return same;
}

/* What a training of the network measures. */
static void measure_file(void)
{
    const char *error;
    cn_context *context = context_with(2, NULL);
    assert_int_equal(cn_set_plan(context, CN_PLAN_MEASURE), CN_OK);
    cn_model *model = network(context);
    train(model);
    if (cn_plan_file_save(context, path_of("measured.plan"), &error)) fail_msg("%s", error);
    small_model_free(model);
}

/* The measured file with another algorithm in each row: never what the rules say, or direct sums everywhere. */
static void write_other(const char *name, bool direct)
{
    cn_context *context = context_with(1, path_of("measured.plan"));
    cni_choices *choices = &context->choices;
    cni_error error = {0};
    for (int i = 0; i < choices->count; i++) {
        cni_choice *c = &choices->rows[i];
        const cni_run run = {.batch = c->batch, .kernels = &context->kernels};
        const cni_algorithm rule = cni_choose_algorithm(&c->shape, &run);
        for (int a = 0; a < CNI_ALGORITHMS; a++)
            if (a != (int)rule && c->microseconds[a] > 0) c->algorithm = (cni_algorithm)a;
        if (direct) c->algorithm = CNI_DIRECT;
    }
    if (cni_plan_file_write(path_of(name), cn_instruction_set(context), choices, &error)) fail_msg("%s", error.text);
    cn_context_free(context);
}

static int open_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return -1;
    measure_file();
    write_other("other.plan", false);
    write_other("direct.plan", true);
    return 0;
}

static int close_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"measured.plan", "other.plan", "direct.plan", "copy.plan", "m.keras"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unlink(path_of(names[i]));
    return rmdir(folder);
}

/* ---- plans follow files ---- */

static void measuring_fills_the_table(void **state)
{
    (void)state;
    cn_context *context = context_with(1, path_of("measured.plan"));
    const cni_choices *choices = &context->choices;
    const int vectors = context->kernels.winograd.lanes > 1;
    int passes[CNI_PASSES] = {0};
    for (int i = 0; i < choices->count; i++) {
        const cni_choice *c = &choices->rows[i];
        passes[c->shape.pass]++;
        assert_true(c->microseconds[CNI_DIRECT] > 0);
        assert_int_equal(c->shape.strides[0], 1);
        assert_true(c->microseconds[c->shape.window[0] == 5 ? CNI_F25 : CNI_F43] > 0);
    }
    /* Training and validation; the two layers of one shape have one row; the first sends nothing back. */
    assert_int_equal(passes[CNI_PASS_WEIGHTS], 3);
    assert_int_equal(passes[CNI_PASS_DATA], 2 * vectors);
    assert_int_equal(passes[CNI_PASS_FORWARD], 6 * vectors);
    /* Nothing is missing, so nothing is measured or written. */
    assert_int_equal(cn_set_plan(context, CN_PLAN_MEASURE), CN_OK);
    const int before = choices->count;
    cn_model *model = network(context);
    train(model);
    assert_int_equal(choices->count, before);
    assert_false(choices->measured);
    int known = -1;
    assert_int_equal(cn_plan_convolutions(context, &known), before);
    assert_int_equal(known, before);
    small_model_free(model);
}

/* A row serves one batch. */
static void what_a_file_lacks_is_counted(void **state)
{
    (void)state;
    cn_context *context = context_with(1, path_of("measured.plan"));
    const int forward = context->kernels.winograd.lanes > 1 ? 3 : 0;
    int known = -1;
    assert_int_equal(cn_plan_convolutions(context, &known), 0);
    assert_int_equal(known, 0);
    cn_model *model = network(context);
    small_data data;
    small_data_open(&data, false);
    assert_non_null(cn_predict(model, data.pictures, .batch_size = 7));
    small_data_close(&data);
    assert_int_equal(cn_plan_convolutions(context, &known), forward);
    assert_int_equal(known, 0);
    assert_int_equal(cn_plan_convolutions(context, NULL), forward);
    assert_int_equal(cn_plan_file_load(context, NULL, NULL), CN_OK);
    assert_int_equal(cn_plan_convolutions(context, &known), 0);
    small_model_free(model);
}

static void bits_follow_the_file_on_any_number_of_threads(void **state)
{
    (void)state;
    for (int threads = 2; threads <= 3; threads++)
        assert_true(is_same(trained(1, path_of("other.plan"), CN_MATH_FAST),
                            trained(threads, path_of("other.plan"), CN_MATH_FAST)));
    assert_false(is_same(trained(1, path_of("other.plan"), CN_MATH_FAST), trained(1, NULL, CN_MATH_FAST)));
    assert_true(is_same(trained(1, path_of("direct.plan"), CN_MATH_FAST), trained(2, NULL, CN_MATH_DIRECT)));
}

static void direct_mode_overrules_it(void **state)
{
    (void)state;
    assert_true(is_same(trained(1, path_of("other.plan"), CN_MATH_DIRECT), trained(1, NULL, CN_MATH_DIRECT)));
    cn_context *context = context_with(1, NULL);
    cn_set_math(context, CN_MATH_DIRECT);
    cn_set_plan(context, CN_PLAN_MEASURE);
    cn_model *model = network(context);
    train(model);
    assert_int_equal(context->choices.count, 0);
    small_model_free(model);
}

/* A file that comes later makes new plans; NULL takes it away. */
static void plans_are_made_anew(void **state)
{
    (void)state;
    small_data data;
    float first[SMALL_CLASSES * SMALL_ROWS];
    small_data_open(&data, false);
    cn_context *context = context_with(1, NULL);
    cn_model *model = network(context);
    const cn_array *y = cn_predict(model, data.pictures, .batch_size = 10);
    memcpy(first, y->data, sizeof first);
    assert_int_equal(context->choices.count, 0);
    cn_set_plan(context, CN_PLAN_MEASURE);
    assert_non_null(cn_predict(model, data.pictures, .batch_size = 10));
    const int measured = context->choices.count;
    assert_true(measured == 3 || context->kernels.winograd.lanes < 2);
    for (int i = 0; i < measured; i++) context->choices.rows[i].algorithm = CNI_DIRECT;
    assert_int_equal(cn_plan_file_save(context, path_of("copy.plan"), NULL), CN_OK);
    assert_int_equal(cn_plan_file_load(context, path_of("copy.plan"), NULL), CN_OK);
    y = cn_predict(model, data.pictures, .batch_size = 10);
    assert_true(!measured || memcmp(first, y->data, sizeof first) != 0);
    assert_int_equal(cn_plan_file_load(context, NULL, NULL), CN_OK);
    assert_int_equal(cn_set_plan(context, CN_PLAN_ESTIMATE), CN_OK);
    y = cn_predict(model, data.pictures, .batch_size = 10);
    assert_memory_equal(first, y->data, sizeof first);
    small_data_close(&data);
    small_model_free(model);
}

static void wrong_use_is_refused(void **state)
{
    (void)state;
    const char *error;
    cn_context *context = context_with(1, path_of("measured.plan"));
    const int rows = context->choices.count;
    assert_int_equal(cn_set_plan(context, (cn_plan)2), CN_ERR_INVALID);
    assert_int_equal(cn_plan_file_load(context, path_of("none.plan"), &error), CN_ERR_IO);
    assert_non_null(strstr(error, "none.plan: there is no such plan file; --plan measure makes it"));
    assert_int_equal(context->choices.count, rows); /* what there was stays */
    assert_int_equal(cn_plan_file_save(context, NULL, &error), CN_ERR_INVALID);
    assert_int_equal(cn_plan_file_save(context, "/dev/null/x.plan", &error), CN_ERR_IO);
    context->running = 1;
    assert_int_equal(cn_set_plan(context, CN_PLAN_MEASURE), CN_ERR_STATE);
    assert_int_equal(cn_plan_file_load(context, NULL, &error), CN_ERR_STATE);
    context->running = 0;
    cn_context_free(context);
}

/* With the caches emptied in between. */
static void large_networks_are_measured_too(void **state)
{
    (void)state;
    cni_kernels kernels;
    cni_kernels_init(&kernels, cni_cpu_isa(NULL));
    assert_true(cni_is_beyond_caches((size_t)1 << 30, &kernels) && !cni_is_beyond_caches(1 << 20, &kernels));
    cni_graph *graph = cni_graph_new();
    cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN, 9, 8, 20));
    cni_tensor *w = cni_graph_input(graph, CNI_SHAPE(3, 3, 20, 33));
    const cni_conv2d_attributes a = {{1, 1}, {1, 1}, 1, 1, 1, 1, 1, {0}};
    const cni_op *op = cni_conv2d(graph, x, w, NULL, &a)->producer;
    const cni_conv_shape shape = {
        .from = {9, 8, 20}, .to = {9, 8, 33}, .window = {3, 3}, .strides = {1, 1}, .dilation = {1, 1}, .groups = 1};
    const cni_run run = {.n = 2, .batch = 2, .kernels = &kernels};
    cni_choice choice;
    assert_true(cni_measure_algorithms(op, &shape, &run, true, &choice));
    for (int i = 0; i < CNI_ALGORITHMS; i++)
        assert_int_equal(choice.microseconds[i] > 0, cni_algorithm_allowed((cni_algorithm)i, &shape, &run));
    cni_graph_free(graph);
}

/* ---- what models say ---- */

static cn_model *load_in(cn_context *context)
{
    const char *error;
    const cn_load_options options = {.struct_size = sizeof options, .context = context};
    cn_model *model;
    if (cn_load(path_of("m.keras"), &options, &model, &error)) fail_msg("%s", error);
    return model;
}

static void check_note(const char *plan, cn_math math, const char *first, const char *second)
{
    cn_context *context = context_with(1, plan);
    cn_set_math(context, math);
    cn_model *model = load_in(context);
    const char *note = cn_plan_note(model);
    if (!first) assert_string_equal(note, "");
    if (first && (!strstr(note, first) || !strstr(note, second)))
        fail_msg("%s, %s expected; got: %s", first, second, note);
    small_model_free(model);
}

static void a_model_names_its_plan(void **state)
{
    (void)state;
    cn_model *model = trained(1, path_of("other.plan"), CN_MATH_FAST);
    assert_string_equal(cn_plan_note(model), "");
    if (cn_save(model, path_of("m.keras"))) fail_msg("%s", cn_error(model));
    small_model_free(model);
    static const char name[] = "it was trained with the plan file other.plan on ";
    check_note(path_of("other.plan"), CN_MATH_FAST, NULL, NULL);
    check_note(NULL, CN_MATH_FAST, name, "there is none now, ");
    check_note(path_of("direct.plan"), CN_MATH_FAST, name, "with direct.plan now, ");
    check_note(path_of("other.plan"), CN_MATH_DIRECT, name, "direct now): bits will differ");

    /* Saved again it still says so; trained by rules it has nothing to say. */
    model = load_in(context_with(1, NULL));
    if (cn_save(model, path_of("m.keras"))) fail_msg("%s", cn_error(model));
    small_model_free(model);
    check_note(NULL, CN_MATH_FAST, name, "there is none now, ");
    model = load_in(context_with(1, NULL));
    train(model);
    assert_string_equal(cn_plan_note(model), "");
    if (cn_save(model, path_of("m.keras"))) fail_msg("%s", cn_error(model));
    small_model_free(model);
    check_note(path_of("other.plan"), CN_MATH_FAST, NULL, NULL);
    assert_string_equal(cn_plan_note(NULL), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(people_may_write_it),
        cmocka_unit_test(each_fault_is_told_with_its_line),
        cmocka_unit_test(measuring_fills_the_table),
        cmocka_unit_test(what_a_file_lacks_is_counted),
        cmocka_unit_test(bits_follow_the_file_on_any_number_of_threads),
        cmocka_unit_test(direct_mode_overrules_it),
        cmocka_unit_test(plans_are_made_anew),
        cmocka_unit_test(wrong_use_is_refused),
        cmocka_unit_test(large_networks_are_measured_too),
        cmocka_unit_test(a_model_names_its_plan),
    };
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
