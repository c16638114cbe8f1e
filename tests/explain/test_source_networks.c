/* SPDX-License-Identifier: Apache-2.0
 * Networks of the field, written as their users write them: each text gives as many layers, parameters and outputs as
 * Keras and PyTorch report when they run it, and no remarks. */
#include "explain/analysis/analysis.h"
#include "formats/source/source.h"
#include "paths.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const struct {
    const char *file, *model;
    int layers;
    int64_t trainable, other;
    const char *output;
} networks[] = {
    {"vgg16.py", "vgg16", 23, 138357544, 0, "(None, 1000)"},
    {"resnet50.py", "resnet50", 177, 25583592, 53120, "(None, 1000)"},
    {"mobilenet.py", "mobilenet_1.00_224", 91, 4231976, 21888, "(None, 1000)"},
    {"mobilenet_v2.py", "mobilenetv2_1.00_224", 156, 3504872, 34112, "(None, 1000)"},
    {"densenet121.py", "densenet121", 429, 7978856, 83648, "(None, 1000)"},
    {"efficientnet_b0.py", "efficientnetb0", 240, 5288548, 42023, "(None, 1000)"},
    {"unet.py", "unet", 68, 31037633, 11776, "(None, 256, 256, 1)"},
    {"torch_vgg16.py", "model", 41, 138357544, 0, "(None, 1000)"},
    {"torch_resnet50.py", "model", 144, 25557032, 53120, "(None, 1000)"},
};

static char *read_file(const char *name, size_t *size)
{
    char path[4096], file[200];
    snprintf(file, sizeof file, "tests/explain/networks/%s", name);
    FILE *from = fopen(source_path(path, file), "rb");
    char *text = malloc(1 << 16);
    assert_non_null(from);
    assert_non_null(text);
    *size = fread(text, 1, 1 << 16, from);
    fclose(from);
    return text;
}

static void report(const cni_description *d)
{
    cni_text text = {0};
    for (int i = 0; i < d->remarks.count; i++) cni_remark_print(&text, d, &d->remarks.items[i], 0);
    fputs(cni_text_get(&text), stderr);
    cni_text_free(&text);
}

static void networks_are_what_their_frameworks_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        cni_arena arena = {0};
        cni_error error = {0};
        cni_description *d, *flat;
        cni_analysis *analysis;
        size_t size;
        char *text = read_file(networks[i].file, &size);
        assert_int_equal(cni_source_read(&arena, text, size, networks[i].file, NULL, &d, &error), CN_OK);
        report(d);
        assert_int_equal(d->remarks.count, 0);
        assert_string_equal(d->name, networks[i].model);
        assert_int_equal(d->layer_count, networks[i].layers);
        assert_int_equal(cni_description_flatten(&arena, d, &flat, &error), CN_OK);
        assert_int_equal(cni_analyse(&arena, flat, &(cni_explain_options){0}, &analysis, &error), CN_OK);
        assert_int_equal(analysis->params.trainable, networks[i].trainable);
        assert_int_equal(analysis->params.other, networks[i].other);
        for (int j = 0; j < analysis->count; j++)
            if (analysis->nodes[j].output)
                assert_string_equal(CNI_SHOW_SHAPE(&analysis->nodes[j].shape), networks[i].output);
        free(text);
        cni_arena_free(&arena);
    }
}

/* Reading is a small part of the 30 ms in which ResNet-50 is to be explained; the best of several runs, with room for
 * slow machines and sanitizers. */
static void reading_is_fast(void **state)
{
    (void)state;
    double best = 1e9;
    size_t size;
    char *text = read_file("resnet50.py", &size);
    for (int run = 0; run < 10; run++) {
        struct timespec before, after;
        cni_arena arena = {0};
        cni_description *d;
        clock_gettime(CLOCK_MONOTONIC, &before);
        assert_int_equal(cni_source_read(&arena, text, size, "resnet50.py", NULL, &d, NULL), CN_OK);
        clock_gettime(CLOCK_MONOTONIC, &after);
        const double ms = (double)(after.tv_sec - before.tv_sec) * 1e3 + (double)(after.tv_nsec - before.tv_nsec) / 1e6;
        best = ms < best ? ms : best;
        cni_arena_free(&arena);
    }
    free(text);
    print_message("ResNet-50 is read in %.2f ms\n", best);
    assert_true(best < 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_are_what_their_frameworks_say),
        cmocka_unit_test(reading_is_fast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
