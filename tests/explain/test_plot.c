/* SPDX-License-Identifier: Apache-2.0
 * cn_plot_history: pictures that readers accept, panels and notes as the history says, errors that help. */
#include <cornu/explain.h>

#include "explain/drawing.h"
#include "formats/bytes.h"
#include "formats/images.h"
#include "train/history.h"

#include <math.h>
#include <stdio.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* Twelve epochs; validation every third where `sparse`. */
static cn_history *made(int epochs, bool sparse)
{
    cn_history *history = cni_history_new();
    for (int i = 0; i < epochs; i++) {
        const char *const names[] = {"accuracy", "loss", "val_accuracy", "val_loss"};
        double loss = 0.2 + 0.9 * exp(-0.5 * i), best = 0.28 + 0.7 * exp(-0.6 * i) + 0.004 * i;
        const double values[] = {1 - loss / 2.5, loss, 1 - best / 2.6, best};
        const cn_logs logs = {sparse && (i + 1) % 3 ? 2 : 4, names, values};
        assert_int_equal(cni_history_add(history, i, &logs, NULL), CN_OK);
    }
    return history;
}

static char folder[] = "/tmp/cornu-plot-XXXXXX";
static int make_folder(void **state)
{
    (void)state;
    setenv("CORNU_MODULES", CORNU_BINARY_DIR, 0);
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

/* The picture that a history gives, and no file left behind. */
static cni_bytes drawn(cni_arena *arena, const cn_history *history, const char *name)
{
    char path[200];
    const char *error = "untouched";
    cni_error slot = {0};
    cni_bytes bytes;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (cn_plot_history(history, path, &error)) fail_msg("%s", error);
    assert_null(error);
    if (cni_file_read(arena, path, 1 << 24, &bytes, &slot)) fail_msg("%s", slot.text);
    unlink(path);
    return bytes;
}

static void a_png_has_two_panels_of_pixels(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cn_history *history = made(12, false);
    cni_bytes bytes = drawn(&arena, history, "curves.png");
    cni_error error = {0};
    cni_image image;
    if (cni_image_read(&arena, bytes, 3, NULL, &image, &error)) fail_msg("%s", error.text);
    assert_int_equal(image.width, 2 * 2 * 540);
    bool found[2][2] = {{false}}; /* blue and vermilion, in the left and the right half */
    for (int i = 0; i < image.width * image.height; i++) {
        const uint8_t *p = image.pixels + (size_t)i * (size_t)image.channels;
        bool right = i % image.width > image.width / 2;
        if (p[0] == 0 && p[1] == 114 && p[2] == 178) found[right][0] = true;
        if (p[0] == 213 && p[1] == 94 && p[2] == 0) found[right][1] = true;
    }
    for (int i = 0; i < 4; i++) assert_true(found[i / 2][i % 2]);
    cni_history_free(history);
    cni_arena_free(&arena);
}

static void svg_and_pdf_are_what_they_say(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cn_history *history = made(1, false);
    assert_true(cni_bytes_equal((cni_bytes){drawn(&arena, history, "a.SVG").data, 5}, "<?xml", 5));
    assert_true(cni_bytes_equal((cni_bytes){drawn(&arena, history, "a.pdf").data, 5}, "%PDF-", 5));
    cni_history_free(history);
    cni_arena_free(&arena);
}

static void what_is_not_finite_does_not_hurt(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cn_history *history = cni_history_new();
    const char *const names[] = {"loss", "mean_absolute_error", "learning_rate", "precision", "val_loss"};
    const double rows[][5] = {
        {NAN, 1e300, 0.1, NAN, 0}, {1, -1e300, 1e-5, NAN, INFINITY}, {1, 5, 1e-9, NAN, -INFINITY}};
    for (int i = 0; i < 3; i++) cni_history_add(history, i, &(cn_logs){5, names, rows[i]}, NULL);
    assert_true(drawn(&arena, history, "odd.png").size > 1000);
    cni_history_free(history);
    cni_arena_free(&arena);
}

/* ---- what the library tells the module ---- */

static void losses_and_metrics_have_their_panels(void **state)
{
    (void)state;
    cni_chart chart;
    cn_history *history = made(12, false);
    assert_int_equal(cni_chart_of_history(history, &chart, NULL), CN_OK);
    assert_int_equal(chart.count, 2);
    assert_string_equal(chart.panels[0].label, "loss");
    assert_string_equal(chart.panels[1].label, "accuracy");
    const cni_series *loss = chart.panels[0].series, *validated = loss + 1;
    assert_string_equal(validated->name, "val_loss");
    assert_true(validated->second && !validated->dashed && validated->colour != loss->colour);
    assert_string_equal(loss->note, "0.2037");
    assert_string_equal(validated->note, "0.325 (best 0.3178, epoch 9)"); /* 0.28 + 0.7 exp(-0.6 * 8) + 0.032 */
    assert_int_equal(validated->best, 8);
    assert_int_equal(loss->best, -1);
    cni_chart_free(&chart);
    cni_history_free(history);
}

static void several_metrics_share_a_panel_when_they_are_shares(void **state)
{
    (void)state;
    cni_chart chart;
    cn_history *history = cni_history_new();
    const char *const names[] = {"loss",          "accuracy", "auc",   "mean_absolute_error",
                                 "learning_rate", "val_auc",  "a_loss"};
    const double rows[][7] = {{3, 0.5, 0.6, 7, 0.1, 0.55, 1}, {2, 0.6, 0.7, 5, 0.01, 0.65, 1}};
    for (int i = 0; i < 2; i++) cni_history_add(history, i, &(cn_logs){7, names, rows[i]}, NULL);
    assert_int_equal(cni_chart_of_history(history, &chart, NULL), CN_OK);
    assert_int_equal(chart.count, 4);
    assert_int_equal(chart.panels[0].count, 2);
    assert_int_equal(chart.panels[1].count, 3);
    assert_string_equal(chart.panels[1].label, "metrics");
    assert_true(chart.panels[1].series[2].dashed);
    assert_int_equal(chart.panels[1].series[2].colour, chart.panels[1].series[1].colour);
    assert_string_equal(chart.panels[2].label, "mean_absolute_error");
    assert_string_equal(chart.panels[3].label, "learning rate");
    cni_chart_free(&chart);
    cni_history_free(history);
}

static void sparse_validation_stands_at_its_epochs(void **state)
{
    (void)state;
    cni_chart chart;
    cn_history *history = made(8, true); /* validated after the epochs 3 and 6 */
    assert_int_equal(cni_chart_of_history(history, &chart, NULL), CN_OK);
    const cni_series *validated = chart.panels[0].series + 1;
    assert_int_equal(validated->count, 2);
    assert_true(validated->x[0] == 3 && validated->x[1] == 6);
    cni_chart_free(&chart);
    cni_history_free(history);
}

static void a_learning_rate_that_stays_is_not_drawn(void **state)
{
    (void)state;
    cni_chart chart;
    cn_history *history = cni_history_new();
    const char *const names[] = {"loss", "learning_rate"};
    for (int i = 0; i < 3; i++) cni_history_add(history, i, &(cn_logs){2, names, (double[]){1, 0.1}}, NULL);
    assert_int_equal(cni_chart_of_history(history, &chart, NULL), CN_OK);
    assert_int_equal(chart.count, 1);
    cni_chart_free(&chart);
    cni_history_free(history);
}

static void errors_say_what_to_do(void **state)
{
    (void)state;
    cn_history *history = made(2, true), *empty = cni_history_new();
    const char *error;
    assert_int_equal(cn_plot_history(history, "curves.gif", &error), CN_ERR_INVALID);
    assert_string_equal(error, "curves.gif: a picture's name ends in .png, .svg or .pdf");
    assert_int_equal(cn_plot_history(empty, "curves.png", &error), CN_ERR_INVALID);
    assert_non_null(strstr(error, "the history is empty"));
    assert_int_equal(cn_plot_history(NULL, "curves.png", NULL), CN_ERR_INVALID);
    assert_int_equal(cn_plot_history(history, NULL, NULL), CN_ERR_INVALID);
    assert_int_equal(cn_plot_history(history, "/dev/null/curves.png", &error), CN_ERR_IO);
    assert_non_null(strstr(error, "/dev/null/curves.png"));
    cni_history_free(history);
    cni_history_free(empty);
}

static void a_missing_module_is_named(void **state)
{
    (void)state;
    cn_history *history = made(2, false);
    char *before = strdup(getenv("CORNU_MODULES"));
    const char *error;
    setenv("CORNU_MODULES", folder, 1);
    assert_int_equal(cn_plot_history(history, "curves.png", &error), CN_ERR_UNSUPPORTED);
    assert_non_null(strstr(error, "drawing needs the module cornu-draw.so, which is not in /tmp/cornu-plot-"));
    setenv("CORNU_MODULES", before, 1);
    free(before);
    cni_history_free(history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_png_has_two_panels_of_pixels),
        cmocka_unit_test(svg_and_pdf_are_what_they_say),
        cmocka_unit_test(what_is_not_finite_does_not_hurt),
        cmocka_unit_test(losses_and_metrics_have_their_panels),
        cmocka_unit_test(several_metrics_share_a_panel_when_they_are_shares),
        cmocka_unit_test(sparse_validation_stands_at_its_epochs),
        cmocka_unit_test(a_learning_rate_that_stays_is_not_drawn),
        cmocka_unit_test(errors_say_what_to_do),
        cmocka_unit_test(a_missing_module_is_named),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
