/* SPDX-License-Identifier: Apache-2.0
 * PyTorch's modules: what they see, shapes and weights as PyTorch has them, messages, and the same in Keras' words. */
#include "layers/layer_cases.h"

#include "layers/torch/torch.h"
#include "paths.h"

/* ---- a module in a workshop ---- */

typedef struct module {
    workshop shop;
    cn_layer layer;
    cni_shape in;
} module;

static void module_open(module *m, const char *text, cni_shape in)
{
    memset(m, 0, sizeof *m);
    workshop_open(&m->shop);
    cni_object *object = workshop_object(&m->shop, &cni_torch_layers, text);
    if (!object) fail_msg("%s: %s", text, m->shop.error.text);
    m->layer = (cn_layer){.kind = (const cni_layer_kind *)object->kind,
                          .config = object,
                          .name = "it",
                          .blank = true,
                          .arena = &m->shop.arena};
    m->in = in;
}

static void module_close(module *m)
{
    cni_layer_free_weights(&m->layer);
    workshop_close(&m->shop);
}

static cni_shape module_shape(module *m)
{
    cni_shape out = {0};
    if (m->layer.kind->output_shape(&m->layer, 1, &m->in, &out, &m->shop.error)) fail_msg("%s", m->shop.error.text);
    return out;
}

static cni_view module_view(const module *m)
{
    cni_view view = {0};
    m->layer.kind->view(m->layer.config, &view);
    return view;
}

static void check_shape(const char *text, cni_shape in, cni_shape expected)
{
    module m;
    module_open(&m, text, in);
    const cni_shape out = module_shape(&m);
    if (!cni_shape_equal(&out, &expected))
        fail_msg("%s: %s, expected %s", text, CNI_SHOW_SHAPE(&out), CNI_SHOW_SHAPE(&expected));
    module_close(&m);
}

/* ---- geometry ---- */

static void check_pads(const char *text, int64_t before, int64_t after)
{
    module m;
    module_open(&m, text, (cni_shape){0});
    const cni_view view = module_view(&m);
    for (int i = 0; i < view.spatial; i++) {
        assert_int_equal(view.axis[i].rule, CNI_PAD_GIVEN);
        assert_int_equal(view.axis[i].before, before);
        assert_int_equal(view.axis[i].after, after);
    }
    assert_int_equal(view.format, CN_CHANNELS_FIRST);
    module_close(&m);
}

static void windows_have_the_worked_sizes(void **state)
{
    (void)state;
    check_pads("Conv2d(3, 16, 5, padding=2)", 2, 2); /* E5 */
    check_shape("Conv2d(3, 16, 5, padding=2)", CNI_SHAPE(1, 3, 32, 32), CNI_SHAPE(1, 16, 32, 32));
    check_pads("Conv2d(3, 16, 3, stride=2, padding=1)", 1, 1); /* E6 */
    check_shape("Conv2d(3, 16, 3, stride=2, padding=1)", CNI_SHAPE(1, 3, 32, 32), CNI_SHAPE(1, 16, 16, 16));
    check_shape("MaxPool2d(3, 2, 1)", CNI_SHAPE(1, 8, 112, 112), CNI_SHAPE(1, 8, 56, 56)); /* E10 */
    check_shape("MaxPool2d(2)", CNI_SHAPE(1, 8, 7, 7), CNI_SHAPE(1, 8, 3, 3));
    check_shape("MaxPool2d(2, ceil_mode=True)", CNI_SHAPE(1, 8, 7, 7), CNI_SHAPE(1, 8, 4, 4));
    check_shape("Conv2d(8, 8, 3, stride=2, padding=2, dilation=2)", CNI_SHAPE(1, 8, 32, 32), CNI_SHAPE(1, 8, 16, 16));
    check_shape("Conv2d(3, 64, 7, 2, 3, bias=False)", CNI_SHAPE(1, 3, 224, 224), CNI_SHAPE(1, 64, 112, 112)); /* E18 */
    check_pads("Conv2d(3, 8, 4, padding='same')", 1, 2);
    check_pads("Conv2d(3, 8, 4, padding='valid')", 0, 0);
}

/* E20: 14 out of 7, cut 1/0 and 1/1 */
static void transposed_windows_have_the_worked_sizes(void **state)
{
    (void)state;
    module m;
    check_pads("ConvTranspose2d(4, 8, 3, stride=2, padding=1, output_padding=1)", 1, 1);
    check_shape("ConvTranspose2d(4, 8, 3, stride=2, padding=1, output_padding=1)", CNI_SHAPE(1, 4, 7, 7),
                CNI_SHAPE(1, 8, 14, 14));
    check_shape("ConvTranspose2d(4, 8, 4, 2, 1)", CNI_SHAPE(1, 4, 7, 7), CNI_SHAPE(1, 8, 14, 14));
    module_open(&m, "ConvTranspose2d(4, 8, 3, stride=2, padding=1, output_padding=1)", (cni_shape){0});
    const cni_view view = module_view(&m);
    assert_int_equal(view.type, CNI_VIEW_TRANSPOSED);
    assert_true(view.axis[0].extends);
    assert_int_equal(view.axis[0].output_padding, 1);
    assert_int_equal(view.multiplies, CNI_MULTIPLIES_AT_INPUTS);
    module_close(&m);
}

static cni_view view_of(const char *text)
{
    module m;
    module_open(&m, text, (cni_shape){0});
    const cni_view view = module_view(&m);
    module_close(&m);
    return view;
}

static void views_tell_borders_and_factors(void **state)
{
    (void)state;
    assert_int_equal(view_of("MaxPool2d(3, 2, 1)").border, CNI_BORDER_EXCLUDED);
    assert_int_equal(view_of("AvgPool2d(3, 2, 1)").border, CNI_BORDER_ZERO);
    assert_int_equal(view_of("AvgPool2d(3, 2, 1, count_include_pad=False)").border, CNI_BORDER_EXCLUDED);
    assert_int_equal(view_of("Conv2d(1, 1, 3, padding=1, padding_mode='reflect')").border, CNI_BORDER_REFLECT);
    assert_int_equal(view_of("Conv2d(1, 1, 3, padding=1, padding_mode='circular')").border, CNI_BORDER_WRAP);
    assert_int_equal(view_of("ReplicationPad2d(1)").border, CNI_BORDER_EDGE);
    assert_true(view_of("MaxPool2d(3, ceil_mode=True)").ceil_mode);
    assert_int_equal(view_of("MaxPool2d(3, dilation=2)").axis[1].dilation, 2);
    assert_int_equal(view_of("Conv2d(8, 8, 3, groups=8)").groups, 8);
    assert_int_equal(view_of("AdaptiveAvgPool2d(1)").type, CNI_VIEW_ALL);
    assert_int_equal(view_of("AdaptiveAvgPool2d(7)").type, CNI_VIEW_ADAPTIVE);
    assert_int_equal(view_of("AdaptiveAvgPool2d(7)").axis[1].size, 7);
    assert_int_equal(view_of("Upsample(scale_factor=3)").type, CNI_VIEW_NEAREST);
    assert_int_equal(view_of("Upsample(scale_factor=3)").axis[0].stride, 3);
    assert_int_equal(view_of("Upsample(scale_factor=2, mode='bilinear')").type, CNI_VIEW_BILINEAR);
    assert_false(view_of("Upsample(scale_factor=2, mode='bilinear')").corners);
    assert_true(view_of("UpsamplingBilinear2d(scale_factor=2)").corners);
    const cni_view pads = view_of("ZeroPad2d((1, 2, 3, 4))"); /* left, right, top, bottom */
    assert_int_equal(pads.axis[0].before, 3);
    assert_int_equal(pads.axis[0].after, 4);
    assert_int_equal(pads.axis[1].before, 1);
    assert_int_equal(pads.axis[1].after, 2);
}

static void views_take_sizes_of_the_input(void **state)
{
    (void)state;
    check_shape("View((None, -1))", CNI_SHAPE(-1, 16, 5, 5), CNI_SHAPE(-1, 400));
    check_shape("View((-1, 400))", CNI_SHAPE(-1, 16, 5, 5), CNI_SHAPE(-1, 400));
    check_shape("View((None, None, -1))", CNI_SHAPE(-1, 16, 5, 5), CNI_SHAPE(-1, 16, 25));
    check_shape("View((-1, 8))", CNI_SHAPE(-1, 6, 8), CNI_SHAPE(-1, 8));
    check_shape("View((None, -1))", CNI_SHAPE(-1, 16, -1, 5), CNI_SHAPE(-1, -1));
}

static void ceil_mode_starts_no_window_behind_the_input(void **state)
{
    (void)state; /* E19 */
    check_shape("MaxPool2d(2, 2, ceil_mode=True)", CNI_SHAPE(1, 1, 7, 7), CNI_SHAPE(1, 1, 4, 4));
    check_shape("MaxPool2d(3, 2, 1, ceil_mode=True)", CNI_SHAPE(1, 1, 6, 6), CNI_SHAPE(1, 1, 4, 4));
    check_shape("MaxPool2d(3, 2, 1)", CNI_SHAPE(1, 1, 6, 6), CNI_SHAPE(1, 1, 3, 3));
    check_shape("MaxPool2d(4, 4, 2, ceil_mode=True)", CNI_SHAPE(1, 1, 9, 9), CNI_SHAPE(1, 1, 3, 3));
    check_shape("MaxPool2d(3, 3, 1, ceil_mode=True)", CNI_SHAPE(1, 1, 2, 2), CNI_SHAPE(1, 1, 1, 1));
}

/* ---- messages ---- */

static void check_refused(const char *text, cni_shape in, const char *words)
{
    module m;
    cni_shape out;
    module_open(&m, text, in);
    assert_int_not_equal(m.layer.kind->output_shape(&m.layer, 1, &m.in, &out, &m.shop.error), CN_OK);
    if (!strstr(m.shop.error.text, words)) fail_msg("%s: \"%s\" lacks \"%s\"", text, m.shop.error.text, words);
    module_close(&m);
}

static void what_does_not_fit_is_told(void **state)
{
    (void)state;
    check_refused("Conv2d(16, 32, 3)", CNI_SHAPE(-1, 3, 32, 32), "in_channels=16, but 3 channels arrive");
    check_refused("Conv2d(3, 32, 3, groups=2)", CNI_SHAPE(-1, 3, 32, 32), "groups=2 does not divide in_channels=3");
    check_refused("Conv2d(3, 32, 5)", CNI_SHAPE(-1, 3, 4, 4), "a window of 5 x 5 does not fit into 4 x 4");
    check_refused("Conv2d(3, 32, 5, padding='same', stride=2)", CNI_SHAPE(-1, 3, 9, 9), "stride=1 only");
    check_refused("Conv2d(3, 32, 5)", CNI_SHAPE(-1, 3), "(batch, channels, rows, columns)");
    check_refused("MaxPool2d(3, 2, 2)", CNI_SHAPE(-1, 3, 9, 9), "at most half of kernel_size");
    check_refused("Linear(400, 10)", CNI_SHAPE(-1, 16, 5, 5), "put Flatten() before it");
    check_refused("Linear(400, 10)", CNI_SHAPE(-1, 576), "in_features=400, but 576 values arrive");
    check_refused("View((-1, 400))", CNI_SHAPE(-1, 16, 6, 6), "does not hold the 576 values of one image");
    check_refused("View((-1, 400))", CNI_SHAPE(-1, 32, 5, 5), "does not hold the 800 values of one image");
    check_refused("BatchNorm2d(16)", CNI_SHAPE(-1, 3, 9, 9), "num_features=16, but 3 channels arrive");
}

static void check_unmade(const char *text, const char *words)
{
    workshop shop;
    workshop_open(&shop);
    assert_null(workshop_object(&shop, &cni_torch_layers, text));
    if (!strstr(shop.error.text, words)) fail_msg("%s: \"%s\" lacks \"%s\"", text, shop.error.text, words);
    workshop_close(&shop);
}

static void what_cannot_be_made_is_told(void **state)
{
    (void)state;
    workshop shop;
    check_unmade("Conv2d(3, 16)", "kernel_size is missing");
    check_unmade("Conv2d(3, 16, ())", "1 to 8 integers");
    check_unmade("Conv2d(3, 16, (3, 3, 3))", "kernel_size has 3 numbers; expected one, or 2");
    check_unmade("Conv2d(3, 16, 3, padding='half')", "'valid' or 'same'");
    check_unmade("Conv2d(3, 16, 3, strides=2)", "did you mean stride?");
    check_unmade("Conv2d(3, 16, 3, stride=0)", "from 1 upwards");
    check_unmade("Conv2D(3, 16)", "did you mean Conv2d?");
    check_unmade("Upsample(2, 2)", "both given");
    check_unmade("GroupNorm(3, 8)", "num_groups=3 does not divide num_channels=8");
    check_unmade("Unsqueeze((1, 2))", "expected one");
    workshop_open(&shop);
    assert_non_null(workshop_object(&shop, &cni_torch_layers, "Identity(54, unused=0.1)"));
    workshop_close(&shop);
}

/* ---- what PyTorch says: call, inputs, output or None, parameters, buffers ---- */

enum { LINE = 2048, COLUMNS = 5, MOST_INPUTS = 4 };

typedef struct answer {
    char *columns[COLUMNS];
    int inputs;
    cni_shape in[MOST_INPUTS], out; /* rank 0: refused */
    int64_t parameters, buffers;
} answer;

static void answer_read(workshop *shop, char *line, answer *a)
{
    line[strcspn(line, "\n")] = 0;
    for (int i = 0; i < COLUMNS; i++) {
        a->columns[i] = line;
        line += strcspn(line, "\t");
        if (*line) *line++ = 0;
    }
    a->inputs = shapes_of(workshop_value(shop, a->columns[1]), a->in);
    const cni_value *out = workshop_value(shop, a->columns[2]);
    a->out = out->type == CNI_LIST ? shape_of(out) : (cni_shape){0};
    a->parameters = atoll(a->columns[3]);
    a->buffers = atoll(a->columns[4]);
}

/* As a model does it: weights first, then the shape. */
static cn_status build_and_shape(workshop *shop, cn_layer *layer, const answer *a, cni_shape *out)
{
    if (layer->kind->build) CN_TRY(layer->kind->build(layer, a->inputs, a->in, &shop->error));
    return layer->kind->output_shape(layer, a->inputs, a->in, out, &shop->error);
}

static void count_weights(const cn_layer *layer, int64_t counts[2])
{
    for (int i = 0; i < layer->weight_count; i++)
        counts[!layer->weights[i]->trainable] += cni_shape_count(&layer->weights[i]->shape, 0);
}

static bool answer_check(workshop *shop, const answer *a)
{
    cni_shape out = {0};
    int64_t counts[2] = {0};
    cni_object *object = workshop_object(shop, &cni_torch_layers, a->columns[0]);
    if (object) {
        cn_layer layer = layer_of(shop, object);
        layer.blank = true;
        if (build_and_shape(shop, &layer, a, &out)) out.rank = 0;
        count_weights(&layer, counts);
        cni_layer_free_weights(&layer);
    }
    const bool same = cni_shape_equal(&out, &a->out);
    const bool counted = !a->out.rank || (counts[0] == a->parameters && counts[1] == a->buffers);
    if (same && counted) return true;
    fprintf(stderr, "%s %s: %s, %lld + %lld weights; PyTorch: %s, %s + %s (%s)\n", a->columns[0], a->columns[1],
            CNI_SHOW_SHAPE(&out), (long long)counts[0], (long long)counts[1], a->columns[2], a->columns[3],
            a->columns[4], shop->error.text);
    return false;
}

static void shapes_and_weights_are_those_of_pytorch(void **state)
{
    (void)state;
    char path[4096], line[LINE];
    int count = 0, wrong = 0;
    FILE *file = fopen(source_path(path, "tests/golden/torch_modules.txt"), "r");
    assert_non_null(file);
    for (; fgets(line, sizeof line, file); count++) {
        workshop shop;
        answer a;
        workshop_open(&shop);
        answer_read(&shop, line, &a);
        wrong += !answer_check(&shop, &a);
        workshop_close(&shop);
    }
    fclose(file);
    assert_true(count > 1000);
    assert_int_equal(wrong, 0);
}

/* ---- the same in Keras' words: call, inputs, what is known, layers or "!" and the reason ---- */

static bool translation_check(workshop *shop, char *columns[4])
{
    char shown[LINE];
    cni_shape in[MOST_INPUTS];
    cni_value *list = NULL;
    const cni_object *object = workshop_object(shop, &cni_torch_layers, columns[0]);
    if (!object || !shapes_of(workshop_value(shop, columns[1]), in)) fail_msg("%s: %s", columns[0], shop->error.text);
    in[0].dims[0] = CNI_UNKNOWN;
    const cni_torch_place place = {.in = columns[2][0] == '1' ? in : NULL, .not_negative = columns[2][1] == '1'};
    if (cni_torch_translate(object, &place, &shop->arena, &list, &shop->error))
        snprintf(shown, sizeof shown, "!%s", shop->error.text);
    else
        cni_value_show(list, shown, sizeof shown);
    if (strcmp(shown, columns[3]) == 0) return true;
    fprintf(stderr, "%s %s %s:\n  %s\n  expected %s\n", columns[0], columns[1], columns[2], shown, columns[3]);
    return false;
}

static void translations_are_those_that_give_the_same_numbers(void **state)
{
    (void)state;
    char path[4096], line[LINE];
    int count = 0, wrong = 0;
    FILE *file = fopen(source_path(path, "tests/golden/torch_translations.txt"), "r");
    assert_non_null(file);
    for (; fgets(line, sizeof line, file); count++) {
        workshop shop;
        char *columns[4], *rest = line;
        line[strcspn(line, "\n")] = 0;
        for (int i = 0; i < 4; i++) columns[i] = i < 3 ? strsep(&rest, "\t") : rest;
        assert_non_null(rest);
        workshop_open(&shop);
        wrong += !translation_check(&shop, columns);
        workshop_close(&shop);
    }
    fclose(file);
    assert_true(count > 200);
    assert_int_equal(wrong, 0);
}

static void weights_start_as_in_pytorch(void **state)
{
    (void)state;
    workshop shop;
    char shown[LINE];
    cni_value *list = NULL;
    const cni_torch_place place = {.initializers = true};
    workshop_open(&shop);
    const cni_object *object = workshop_object(&shop, &cni_torch_layers, "Conv2d(4, 8, (2, 8), groups=2)");
    if (cni_torch_translate(object, &place, &shop.arena, &list, &shop.error)) fail_msg("%s", shop.error.text);
    cni_value_show(list, shown, sizeof shown); /* fan_in 2 * 2 * 8: limit 1 / sqrt(32) */
    assert_non_null(strstr(shown, "VarianceScaling(scale=0.3333333333333333, mode='fan_in', distribution='uniform')"));
    assert_non_null(strstr(shown, "RandomUniform(minval=-0.17677669529663687, maxval=0.17677669529663687)"));
    workshop_close(&shop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_have_the_worked_sizes),
        cmocka_unit_test(transposed_windows_have_the_worked_sizes),
        cmocka_unit_test(views_tell_borders_and_factors),
        cmocka_unit_test(views_take_sizes_of_the_input),
        cmocka_unit_test(ceil_mode_starts_no_window_behind_the_input),
        cmocka_unit_test(what_does_not_fit_is_told),
        cmocka_unit_test(what_cannot_be_made_is_told),
        cmocka_unit_test(shapes_and_weights_are_those_of_pytorch),
        cmocka_unit_test(translations_are_those_that_give_the_same_numbers),
        cmocka_unit_test(weights_start_as_in_pytorch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
