/* SPDX-License-Identifier: Apache-2.0
 * Published networks.  Fields, jumps and padding are those of the table of Araujo, Norris and Sim
 * (github.com/google-research/receptive_field), 427 for torchvision's ResNet-50 that of the rfa project; parameters
 * those that Keras and torchvision report. */
#include "describe.h"
#include "networks.h"

#include "formats/source/source.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

static int begin(void **state)
{
    *state = calloc(1, sizeof(cni_arena));
    return 0;
}

static int end(void **state)
{
    cni_arena_free(*state);
    free(*state);
    return 0;
}
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

static const cni_analysis *explain(void **state, network *n)
{
    const cni_analysis *a = explain_keras(*state, n->text);
    free(n->text);
    return a;
}

static const cni_explained *find(const cni_analysis *a, const char *name)
{
    const cni_explained *node = cni_explained_find(a, name);
    if (!node) fail_msg("no node is called %s", name);
    return node;
}

static void assert_field(const cni_analysis *a, const char *name, int64_t size, int64_t jump, int64_t start)
{
    for (int axis = 0; axis < 2; axis++) {
        const cni_receptive_field *f = find(a, name)->field + axis;
        if (f->affine && f->unit == 1 && f->size == size && f->jump == jump && f->start == start) continue;
        fail_msg("%s: %d %d %d, not %d %d %d", name, (int)f->size, (int)f->jump, (int)f->start, (int)size, (int)jump,
                 (int)start);
    }
}

static double border_share(const cni_explained *node)
{
    const cni_receptive_field *y = node->field, *x = y + 1;
    return 1 - (double)(y->clean * x->clean) / (double)(y->count * x->count);
}

static void vgg16_end_points(void **state)
{
    network n;
    static const struct {
        const char *name;
        int size, jump, padding;
    } rows[] = {{"conv1_1", 3, 1, 1},   {"pool1", 6, 2, 2},     {"conv2_1", 10, 2, 4},    {"pool2", 16, 4, 6},
                {"conv3_1", 24, 4, 10}, {"conv3_2", 32, 4, 14}, {"pool3", 44, 8, 18},     {"conv4_1", 60, 8, 26},
                {"conv4_2", 76, 8, 34}, {"pool4", 100, 16, 42}, {"conv5_1", 132, 16, 58}, {"conv5_2", 164, 16, 74},
                {"pool5", 212, 32, 90}};
    vgg16(&n, 224, true);
    const cni_analysis *a = explain(state, &n);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_field(a, rows[i].name, rows[i].size, rows[i].jump, -rows[i].padding);
    assert_int_equal(a->params.trainable, 138357544);
    assert_int_equal(a->params.other, 0);
    assert_int_equal(a->macs, INT64_C(15470264320));
    assert_int_equal(a->drift2, 0);
    assert_true(fabs(a->sigma - 27.639) < 0.0005);
    assert_true(fabs(a->width95 - 108) < 0.5);
    static const double shares[] = {3.5, 13.8, 38.3, 67.3, 98.0};
    for (int i = 0; i < 5; i++) {
        char name[8];
        snprintf(name, sizeof name, "pool%d", i + 1);
        assert_true(fabs(100 * border_share(find(a, name)) - shares[i]) < 0.05);
    }
    assert_string_equal(a->nodes[a->last_map].name, "pool5");
    for (int64_t size = 180; size < 340; size++) assert_int_equal(cni_exact_input(a, size, size), size % 32 == 0);
    assert_false(cni_exact_input(a, 224, 225));
}

static void vgg16_on_small_images_sees_all_early(void **state)
{
    network n;
    vgg16(&n, 32, false);
    const cni_analysis *a = explain(state, &n);
    int64_t none = 0, all = 0;
    for (int i = 1; i < a->count; i++) {
        const cni_explained *node = a->nodes + i, *from = a->nodes + node->inputs[0];
        all += node->params.trainable;
        if (node->kernel_weights && from->field[0].least_size >= 32) none += node->kernel_weights;
    }
    assert_int_equal(find(a, "conv3_2")->field[0].least_size, 32);
    assert_int_equal(none, 13569280 - 6 * 512 - 256); /* with biases, 7 layers */
    assert_int_equal(all, 14714688);
}

static void resnet50_of_slim_at_both_sizes(void **state)
{
    static const int sizes[] = {35, 99, 291, 483}, jumps[] = {8, 16, 32, 32};
    static const int padding[][4] = {{15, 47, 143, 239}, {17, 49, 145, 241}};
    static const char *const names[] = {"b1u3", "b2u4", "b3u6", "b4u3"};
    for (int i = 0; i < 2; i++) {
        network n;
        resnet50(&n, i ? 321 : 224, RESNET_SLIM);
        const cni_analysis *a = explain(state, &n);
        for (int j = 0; j < 4; j++) assert_field(a, names[j], sizes[j], jumps[j], -padding[i][j]);
    }
}

static void assert_aligned(const cni_analysis *a)
{
    for (int i = 0; i < a->count; i++) {
        int64_t num, den;
        if (a->nodes[i].input_count < 2) continue;
        for (int axis = 0; axis < 2; axis++) {
            assert_true(cni_misalignment(a, a->nodes + i, 0, 1, axis, &num, &den));
            assert_int_equal(num, 0);
        }
    }
}

static void resnet50_of_keras(void **state)
{
    network n;
    resnet50(&n, 224, RESNET_KERAS);
    const cni_analysis *a = explain(state, &n);
    int64_t dead = 0, convolutions = 0;
    assert_field(a, "b4u3", 483, 32, -241);
    assert_int_equal(a->params.trainable + a->params.other, 25636712);
    assert_int_equal(a->params.trainable, 25583592);
    assert_int_equal(a->macs, INT64_C(3857973248));
    assert_aligned(a);
    assert_int_equal(find(a, "b1u3")->needed, 784);
    assert_int_equal(find(a, "b2u4")->needed, 196);
    assert_int_equal(find(a, "b3u6")->needed, 49);
    for (int i = 0; i < a->count; i++) {
        if (a->nodes[i].view.type != CNI_VIEW_WINDOW || !a->nodes[i].kernel_weights) continue;
        dead += a->nodes[i].macs_dead;
        convolutions += a->nodes[i].macs;
    }
    assert_int_equal(convolutions, INT64_C(3855925248));
    assert_int_equal(dead, 375717888);
    assert_int_equal(a->macs_dead, dead);
    assert_int_equal(find(a, "b1u3_2")->macs_dead, 86704128);
    assert_int_equal(find(a, "b2u4_3")->macs_dead, 38535168);
}

static void resnet50_of_torchvision(void **state)
{
    network n;
    resnet50(&n, 224, RESNET_TORCHVISION);
    const cni_analysis *a = explain(state, &n);
    assert_field(a, "b4u3", 427, 32, -213);
    assert_int_equal(a->params.trainable, 25557032);
    assert_int_equal(a->macs, INT64_C(4089184256));
    assert_int_equal(a->macs_dead, 0);
    assert_aligned(a);
}

static void mobilenet_at_both_sizes(void **state)
{
    static const int sizes[] = {3, 7, 11, 19, 27, 43, 59, 91, 123, 155, 187, 219, 251, 315};
    static const int jumps[] = {2, 2, 4, 4, 8, 8, 16, 16, 16, 16, 16, 16, 32, 32};
    static const int padding[][14] = {{0, 2, 2, 6, 6, 14, 14, 30, 46, 62, 78, 94, 94, 126},
                                      {1, 3, 5, 9, 13, 21, 29, 45, 61, 77, 93, 109, 125, 157}};
    for (int i = 0; i < 2; i++) {
        network n;
        mobilenet(&n, i ? 321 : 224, false);
        const cni_analysis *a = explain(state, &n);
        for (int j = 0; j < 14; j++) {
            char name[16];
            snprintf(name, sizeof name, "conv%d", j);
            assert_field(a, name, sizes[j], jumps[j], -padding[i][j]);
        }
        if (i) continue;
        assert_int_equal(a->params.trainable + a->params.other, 4253864);
        assert_int_equal(a->params.trainable, 4231976);
        assert_int_equal(a->macs, 568740352);
        assert_int_equal(a->drift2, 31);
        for (int64_t size = 190; size <= 330; size++) assert_int_equal(cni_exact_input(a, size, size), size % 32 == 1);
    }
}

static void mobilenet_drifts_the_other_way_with_explicit_padding(void **state)
{
    network n;
    mobilenet(&n, 224, true);
    const cni_analysis *a = explain(state, &n);
    assert_int_equal(a->drift2, -31);
    assert_field(a, "conv13", 315, 32, -157);
    mobilenet(&n, 225, false);
    a = explain(state, &n);
    assert_field(a, "conv13", 315, 32, -157);
    assert_int_equal(find(a, "conv13")->map[0], 8);
    assert_int_equal(a->drift2, 0);
}

static void resnet20_parts_where_same_meets_strides(void **state)
{
    network n;
    int64_t num, den;
    resnet20(&n, 32, false);
    const cni_analysis *a = explain(state, &n);
    assert_field(a, "s3u3", 81, 4, -37);
    assert_true(cni_misalignment(a, find(a, "s2u1"), 0, 1, 0, &num, &den));
    assert_int_equal(num, 1);
    assert_int_equal(den, 1);
    assert_true(cni_misalignment(a, find(a, "s3u1"), 1, 0, 1, &num, &den));
    assert_int_equal(num, -2);
    resnet20(&n, 32, true);
    assert_aligned(explain(state, &n));
    resnet20(&n, 33, false);
    assert_aligned(explain(state, &n));
}

static void dilations_leave_holes(void **state)
{
    static const struct {
        int dilation[4], size, read;
    } rows[] = {{{2, 2, 2}, 13, 7},  {{1, 2, 3}, 13, 13}, {{1, 2, 5}, 17, 17},    {{1, 2, 9}, 25, 21},
                {{3, 4, 5}, 25, 21}, {{2, 4, 8}, 29, 15}, {{1, 2, 4, 8}, 31, 31}, {{4, 8, 16}, 57, 15}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        network n;
        network_begin(&n);
        line(&n, "Input(shape=(64, 64, 1))");
        for (int j = 0; j < 4 && rows[i].dilation[j]; j++)
            line(&n, "Conv2D(1, 3, dilation_rate=%d)", rows[i].dilation[j]);
        network_end(&n);
        const cni_analysis *a = explain(state, &n);
        const cni_receptive_field *f = a->nodes[a->count - 1].field;
        assert_int_equal(f->size, rows[i].size);
        assert_int_equal(f->size - f->holes, rows[i].read);
    }
}

/* Where the centres lie on average behind a step down and a step up, beside the way that stays; doubled. */
static void check_means(cni_arena *arena, cni_dialect dialect, const char *down, const char *up, int twice)
{
    network n;
    int64_t num, den;
    const bool keras = dialect == CNI_KERAS;
    network_begin(&n);
    line(&n, "x: Input(shape=%s)", keras ? "(16, 16, 4)" : "(4, 16, 16)");
    line(&n, "%s", down);
    line(&n, "up: %s", up);
    line(&n, "merge <- x, up: %s", keras ? "Concatenate()" : "Cat(dim=1)");
    network_end(&n);
    const cni_analysis *a = explain_as(arena, dialect, n.text, NULL);
    free(n.text);
    for (int axis = 0; axis < 2; axis++) {
        assert_int_equal(a->nodes[2].map[axis], 16);
        assert_true(cni_misalignment(a, a->nodes + 3, 0, 1, axis, &num, &den));
        assert_int_equal(2 * num, twice * den);
    }
}

static void means_of_steps_down_and_up(void **state)
{
    static const char *const keras_down[] = {"MaxPooling2D(2)", "Conv2D(4, 3, strides=2, padding='same')"};
    static const char *const keras_up[] = {"UpSampling2D(2)", "Conv2DTranspose(4, 2, strides=2)",
                                           "Conv2DTranspose(4, 3, strides=2, padding='same')",
                                           "Conv2DTranspose(4, 4, strides=2, padding='same')"};
    static const int keras[2][4] = {{0, 0, -1, 0}, {1, 1, 0, 1}};
    static const char *const torch_down[] = {"MaxPool2d(2)", "Conv2d(4, 4, 3, stride=2, padding=1)"};
    static const char *const torch_up[] = {"Upsample(scale_factor=2)", "ConvTranspose2d(4, 4, 2, stride=2)",
                                           "ConvTranspose2d(4, 4, 4, stride=2, padding=1)",
                                           "ConvTranspose2d(4, 4, 3, stride=2, padding=1, output_padding=1)"};
    static const int torch[2][4] = {{0, 0, 0, 1}, {-1, -1, -1, 0}};
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 4; j++) {
            check_means(*state, CNI_KERAS, keras_down[i], keras_up[j], keras[i][j]);
            check_means(*state, CNI_TORCH, torch_down[i], torch_up[j], torch[i][j]);
        }
}

/* Windows behind up-sampling do not add up: two sources at most here. */
static void windows_behind_up_sampling(void **state)
{
    network n;
    network_begin(&n);
    line(&n, "Input(shape=(4, 16, 16))");
    line(&n, "MaxPool2d(2)");
    line(&n, "Upsample(scale_factor=2)");
    line(&n, "Conv2d(4, 4, 2)");
    network_end(&n);
    const cni_analysis *a = explain_as(*state, CNI_TORCH, n.text, NULL);
    const cni_receptive_field *f = a->nodes[3].field;
    free(n.text);
    assert_false(f->affine);
    assert_int_equal(f->least, 2);
    assert_int_equal(f->most, 4);
    assert_int_equal(f->jump, f->unit);
    assert_true(f->start == CNI_UNSEEN);
}

/* A gate sees everything; what it gates keeps its place. */
static void gates_see_all(void **state)
{
    const cni_analysis *a = explain_keras(*state, "Input(shape=(16, 16, 3))\n"
                                                  "x: Conv2D(8, 3, padding='same')\n"
                                                  "GlobalAveragePooling2D(keepdims=True)\n"
                                                  "gate: Conv2D(8, 1, activation='sigmoid')\n"
                                                  "gated <- x, gate: Multiply()\n"
                                                  "sum <- gated, x: Add()\n"
                                                  "Conv2D(8, 3, strides=2, padding='same')");
    const cni_receptive_field *f = a->nodes[6].field;
    int64_t num, den;
    assert_true(a->nodes[3].field[0].all && !a->nodes[3].field[0].local);
    assert_true(f->all && f->local);
    assert_int_equal(f->least_size, 5);
    assert_int_equal(f->jump, 2);
    assert_int_equal(a->last_map, 6);
    assert_true(cni_misalignment(a, a->nodes + 5, 0, 1, 0, &num, &den));
    assert_false(cni_misalignment(a, a->nodes + 4, 0, 1, 0, &num, &den));
}

/* torchvision's ResNet-50, written in PyTorch's own words. */
static const char resnet_in_torch[] =
    "import torch\n"
    "import torch.nn as nn\n"
    "class Bottleneck(nn.Module):\n"
    "    def __init__(self, inplanes, planes, stride, first):\n"
    "        super().__init__()\n"
    "        self.conv1 = nn.Conv2d(inplanes, planes, 1, bias=False)\n"
    "        self.bn1 = nn.BatchNorm2d(planes)\n"
    "        self.conv2 = nn.Conv2d(planes, planes, 3, stride=stride, padding=1, bias=False)\n"
    "        self.bn2 = nn.BatchNorm2d(planes)\n"
    "        self.conv3 = nn.Conv2d(planes, planes * 4, 1, bias=False)\n"
    "        self.bn3 = nn.BatchNorm2d(planes * 4)\n"
    "        self.relu = nn.ReLU(inplace=True)\n"
    "        self.downsample = None\n"
    "        if first:\n"
    "            self.downsample = nn.Sequential(nn.Conv2d(inplanes, planes * 4, 1, stride=stride, bias=False),\n"
    "                                            nn.BatchNorm2d(planes * 4))\n"
    "    def forward(self, x):\n"
    "        identity = x\n"
    "        out = self.relu(self.bn1(self.conv1(x)))\n"
    "        out = self.relu(self.bn2(self.conv2(out)))\n"
    "        out = self.bn3(self.conv3(out))\n"
    "        if self.downsample is not None:\n"
    "            identity = self.downsample(x)\n"
    "        return self.relu(out + identity)\n"
    "class ResNet(nn.Module):\n"
    "    def __init__(self):\n"
    "        super().__init__()\n"
    "        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)\n"
    "        self.bn1 = nn.BatchNorm2d(64)\n"
    "        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)\n"
    "        blocks = []\n"
    "        inplanes = 64\n"
    "        for planes, count, stride in [(64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)]:\n"
    "            for i in range(count):\n"
    "                blocks.append(Bottleneck(inplanes, planes, stride if i == 0 else 1, i == 0))\n"
    "                inplanes = planes * 4\n"
    "        self.blocks = nn.Sequential(*blocks)\n"
    "        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))\n"
    "        self.fc = nn.Linear(2048, 1000)\n"
    "    def forward(self, x):\n"
    "        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))\n"
    "        x = self.avgpool(self.blocks(x))\n"
    "        return self.fc(torch.flatten(x, 1))\n";

static void resnet50_of_a_text(void **state)
{
    cni_error error = {0};
    cni_description *d, *flat;
    cni_analysis *a;
    const cni_explain_options options = {.input = {{3, 224, 224}}, .input_count = 1};
    const size_t size = sizeof resnet_in_torch - 1;
    assert_int_equal(cni_source_read(*state, resnet_in_torch, size, "resnet.py", NULL, &d, &error), CN_OK);
    for (int i = 0; i < d->remarks.count; i++)
        if (d->remarks.items[i].severity == CNI_ERROR) fail_msg("%s", d->remarks.items[i].text);
    assert_int_equal(cni_description_flatten(*state, d, &flat, &error), CN_OK);
    assert_int_equal(cni_analyse(*state, flat, &options, &a, &error), CN_OK);
    const cni_receptive_field *f = a->nodes[a->last_map].field;
    assert_int_equal(f->size, 427);
    assert_int_equal(f->start, -213);
    assert_int_equal(a->params.trainable, 25557032);
    assert_int_equal(a->macs, INT64_C(4089184256));
    assert_int_equal(a->macs_dead, 0);
    assert_aligned(a);
}

static void analysis_is_quick(void **state)
{
    network n;
    struct timespec from, to;
    const cni_description *d = describe_as(*state, CNI_KERAS, resnet50(&n, 224, RESNET_KERAS));
    double best = 1;
    for (int i = 0; i < 20; i++) {
        cni_arena arena = {0};
        cni_analysis *a;
        clock_gettime(CLOCK_MONOTONIC, &from);
        assert_int_equal(cni_analyse(&arena, d, NULL, &a, NULL), CN_OK);
        clock_gettime(CLOCK_MONOTONIC, &to);
        best = fmin(best, (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec));
        cni_arena_free(&arena);
    }
    free(n.text);
    print_message("ResNet-50: %.2f ms\n", 1e3 * best);
    assert_true(best < 0.05); /* a busy machine; 1 ms is what it should take */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(vgg16_end_points),
        TEST(vgg16_on_small_images_sees_all_early),
        TEST(resnet50_of_slim_at_both_sizes),
        TEST(resnet50_of_keras),
        TEST(resnet50_of_torchvision),
        TEST(mobilenet_at_both_sizes),
        TEST(mobilenet_drifts_the_other_way_with_explicit_padding),
        TEST(resnet20_parts_where_same_meets_strides),
        TEST(dilations_leave_holes),
        TEST(means_of_steps_down_and_up),
        TEST(windows_behind_up_sampling),
        TEST(gates_see_all),
        TEST(resnet50_of_a_text),
        TEST(analysis_is_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
