/* SPDX-License-Identifier: Apache-2.0
 * Pictures: every kind is drawn of a network that calls for it; SVG is well-formed and needs nothing from elsewhere, a
 * PNG has the size that the scene states, the same input gives the same bytes. */
#include "explain/drawing.h"
#include "explain/pictures/scenes.h"
#include "formats/images.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- is it XML? ---- */

static const char *skip_tag(const char *at, char name[32], bool *closing, bool *empty)
{
    size_t length = 0;
    *closing = *at == '/';
    if (*closing) at++;
    while (length < 31 && *at && !strchr(" \n>/", *at)) name[length++] = *at++;
    name[length] = 0;
    for (char quote = 0; *at && (quote || *at != '>'); at++) {
        assert_true(quote || *at != '<');
        if (*at == '"') quote = quote ? 0 : '"';
    }
    *empty = at[-1] == '/';
    assert_true(*at == '>');
    return at + 1;
}

/* Tags nest, attributes are quoted, "&" begins a number. */
static void check_xml(const char *text)
{
    char open[64][32], name[32];
    int depth = 0;
    bool closing, empty;
    for (const char *at = text; *at;) {
        if (*at == '&') assert_true(at[1] == '#');
        if (*at != '<') {
            at++;
            continue;
        }
        if (at[1] == '?' || at[1] == '!') {
            at = strchr(at, '>') + 1;
            continue;
        }
        at = skip_tag(at + 1, name, &closing, &empty);
        if (closing) {
            assert_true(depth > 0);
            assert_string_equal(open[--depth], name);
        } else if (!empty) {
            assert_true(depth < 64);
            snprintf(open[depth++], sizeof *open, "%s", name);
        }
    }
    assert_int_equal(depth, 0);
}

static void check_alone(const char *text)
{
    static const char *const foreign[] = {"<script", "href=\"http", "url(http", "@import", "src=\"http", "onload"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (strstr(text, foreign[i])) fail_msg("the picture holds %s", foreign[i]);
}

/* ---- drawing ---- */

typedef struct example {
    const char *picture, *text, *layer, *words; /* what the caption must say */
} example;

static cn_explanation *explain(const char *text)
{
    const char *error;
    cn_explanation *explanation;
    if (cn_explain(text, NULL, &explanation, &error)) fail_msg("%s: %s", text, error);
    return explanation;
}

static void check_scene(const cni_scene *scene, const char *words)
{
    cni_text svg = {0}, again = {0}, dark = {0};
    assert_non_null(scene);
    assert_false(scene->failed);
    if (!strstr(scene->caption, words)) fail_msg("\"%s\" lacks \"%s\"", scene->caption, words);
    cni_scene_svg(&svg, scene, CNI_THEME_LIGHT);
    cni_scene_svg(&again, scene, CNI_THEME_LIGHT);
    cni_scene_svg(&dark, scene, CNI_THEME_DARK);
    check_xml(cni_text_get(&svg));
    check_alone(cni_text_get(&svg));
    assert_string_equal(cni_text_get(&svg), cni_text_get(&again));
    assert_string_not_equal(cni_text_get(&svg), cni_text_get(&dark));
    assert_non_null(strstr(cni_text_get(&svg), "viewBox=\"0 0 "));
    assert_non_null(strstr(cni_text_get(&svg), "aria-label=\""));
    for (int i = 0; i < scene->count; i++) { /* nothing is drawn beside the page */
        const cni_mark *m = scene->marks + i;
        assert_true(m->x >= -0.5 && m->y >= -0.5 && m->x <= scene->width + 0.5 && m->y <= scene->height + 0.5);
    }
    cni_text_free(&svg);
    cni_text_free(&again);
    cni_text_free(&dark);
}

#define MNIST                                                                                                          \
    "Sequential([Input((28, 28, 1)), Conv2D(32, 3), MaxPooling2D(2), Conv2D(64, 3), MaxPooling2D(2), Flatten(), "      \
    "Dense(10)])"
#define CROOKED                                                                                                        \
    "x = inp = keras.Input((32, 32, 16))\n"                                                                            \
    "a = Conv2D(16, 3, strides=2, padding='same')(x)\n"                                                                \
    "b = Conv2D(16, 1, strides=2)(x)\n"                                                                                \
    "y = Add()([a, b])\n"                                                                                              \
    "model = keras.Model(inp, y)\n"

static const example examples[] = {
    {"D1", "Sequential([Input((128, 128, 3)), Conv2D(64, 5, strides=2, padding='same')])", "conv2d",
     "top 1, bottom 2, left 1, right 2; the output has 64x64"},
    {"D2", MNIST, "max_pooling2d_1", "5 outputs; pixels that are never read: 1"},
    {"D3", MNIST, "conv2d", "a corner 1, far from the borders up to 9"},
    {"D4", MNIST, NULL, "sees 10x10 of the image's 28x28 pixels and steps by 4"},
    {"D6",
     "Sequential([Input((64, 64, 8))] + [Conv2D(8, 3, dilation_rate=2), Conv2D(8, 3, dilation_rate=2), "
     "Conv2D(8, 3, dilation_rate=2)])",
     "conv2d_2", "reads 7 of the 13 cells of conv2d's input that these layers span: 29 %"},
    {"D7", "Sequential([Input((7, 7, 8)), Conv2DTranspose(8, 3, strides=2, padding='same')])", "conv2d_transpose",
     "from 1 to 2 contributions; the pattern is a checkerboard"},
    {"D8", MNIST, NULL, "34,826 weights"},
    {"D9", MNIST, NULL, "2.44M multiply-adds"},
    {"D10", CROOKED, "add", "1 image pixels (0.5 cells) out of register"},
    {"D11", "Sequential([Input((9, 9, 1)), Conv2D(4, 3, padding='same')])", NULL, "49 of 81 positions"},
    {"D11", "Sequential([Input((32, 32, 3)), Conv2D(4, 3, strides=2, padding='same')])", NULL, "225 of 256 positions"},
    {"D12", MNIST, NULL, "108 image pixels cannot change the result"},
};

static void test_every_picture(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        const example *e = examples + i;
        cni_arena arena = {0};
        cn_explanation *explanation = explain(e->text);
        const cni_picture *picture = cni_picture_find(e->picture);
        const cni_sitting sitting = {&arena, explanation,
                                     e->layer ? cni_explained_find(explanation->analysis, e->layer) : NULL, NULL};
        if (e->layer && !sitting.node) fail_msg("%s: no layer %s", e->picture, e->layer);
        if (!picture->fits(&sitting)) fail_msg("%s has nothing to show", e->picture);
        check_scene(picture->draw(&sitting), e->words);
        cn_explanation_free(explanation);
        cni_arena_free(&arena);
    }
}

static void test_grids_of_two(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cn_explanation *a = explain("Sequential([Input((32, 32, 3)), Conv2D(8, 3, strides=2, padding='same')])");
    cn_explanation *b =
        explain("Sequential([Input((32, 32, 3)), ZeroPadding2D(1), Conv2D(8, 3, strides=2, padding='valid')])");
    const cni_sitting sitting = {&arena, a, NULL, b};
    assert_true(cni_picture_grids.fits(&sitting));
    check_scene(cni_picture_grids.draw(&sitting), "position 0 at 1 in the first network and at 0 in the second, +1");
    cn_explanation_free(a);
    cn_explanation_free(b);
    cni_arena_free(&arena);
}

/* ---- files ---- */

static void test_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/cornu-pictures-XXXXXX", path[200];
    cni_arena arena = {0};
    cni_bytes bytes;
    cni_image image;
    int count = 0;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(setenv("CORNU_MODULES", CORNU_BINARY_DIR, 1), 0);
    cn_explanation *e = explain(MNIST);
    const cn_status status = cn_explanation_draw(e, folder, "png", "D2,reads", "conv2d", false, &count);
    if (status == CN_ERR_UNSUPPORTED) skip(); /* built without the drawing module */
    assert_int_equal(status, CN_OK);
    assert_int_equal(count, 2);
    const cni_sitting sitting = {&arena, e, cni_explained_find(e->analysis, "conv2d"), NULL};
    const cni_scene *scene = cni_picture_ruler.draw(&sitting);
    snprintf(path, sizeof path, "%s/conv2d-ruler.png", folder);
    assert_int_equal(cni_file_read(&arena, path, 1 << 24, &bytes, NULL), CN_OK);
    assert_int_equal(cni_image_read(&arena, bytes, 0, NULL, &image, NULL), CN_OK);
    assert_int_equal(image.width, (int)(2 * scene->width));
    assert_int_equal(image.height, (int)(2 * scene->height));
    unlink(path);
    snprintf(path, sizeof path, "%s/conv2d-reads.png", folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(cn_explanation_draw(e, "/dev/null/at/all", "svg", NULL, NULL, false, &count), CN_ERR_IO);
    assert_int_equal(cn_explanation_draw(e, folder, "gif", NULL, NULL, false, &count), CN_ERR_INVALID);
    assert_int_equal(cn_explanation_draw(e, folder, "svg", "D99", NULL, false, &count), CN_ERR_INVALID);
    assert_int_equal(cn_explanation_draw(e, folder, "svg", NULL, "no_such", false, &count), CN_ERR_INVALID);
    cn_explanation_free(e);
    cni_arena_free(&arena);
}

static void test_report(void **state)
{
    (void)state;
    cn_explanation *e = explain(MNIST);
    const char *html = cn_explanation_text(e, CN_EXPLAIN_HTML, NULL);
    assert_non_null(html);
    check_alone(html);
    assert_non_null(strstr(html, "Content-Security-Policy"));
    assert_non_null(strstr(html, "prefers-color-scheme:dark"));
    assert_non_null(strstr(html, "34,826"));
    assert_non_null(strstr(html, "K302"));
    cn_explanation_free(e);
}

static void test_hostile_texts(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cni_text svg = {0};
    cni_scene *scene = cni_scene_new(&arena, "D1", "x", 100, 100);
    scene->title = "</title><script>alert(1)</script>";
    scene->caption = "\"onload=\"x\" & \xff\x01";
    cni_scene_text(scene, 10, 10, 10, 0, CNI_INK_TEXT, 0, "%s", "<b>&amp;\x1b[31m");
    cni_scene_svg(&svg, scene, CNI_THEME_LIGHT);
    check_xml(cni_text_get(&svg));
    assert_null(strstr(cni_text_get(&svg), "<script"));
    assert_null(strchr(cni_text_get(&svg), '\x1b'));
    cni_text_free(&svg);
    cni_arena_free(&arena);
}

/* What is not known, or not finite, is no length. */
static void test_numbers_that_are_none(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cni_text svg = {0};
    cni_scene *scene = cni_scene_new(&arena, "D1", "x", 100, 100);
    cni_scene_rect(scene, NAN, -INFINITY, 1e300, 4, CNI_INK_FIELD, CNI_INK_FIELD, 0);
    cni_scene_svg(&svg, scene, CNI_THEME_LIGHT);
    assert_non_null(strstr(cni_text_get(&svg), "x=\"0\" y=\"-1000000000\" width=\"1000000000\" height=\"4\""));
    cni_text_free(&svg);
    cni_arena_free(&arena);
    cn_explanation *e = explain("Sequential([Input((8, 8, 3)), Conv2D('x', 3)])");
    const char *html = cn_explanation_text(e, CN_EXPLAIN_HTML, NULL);
    assert_non_null(html);
    assert_null(strstr(html, "1000000000"));
    cn_explanation_free(e);
}

/* A layer's name neither drives a terminal nor ends what it stands in. */
static void test_hostile_names(void **state)
{
    (void)state;
    static const cn_explain_view views[] = {CN_EXPLAIN_JSON, CN_EXPLAIN_MARKDOWN, CN_EXPLAIN_HTML, CN_EXPLAIN_SUMMARY,
                                            CN_EXPLAIN_FULL};
    cn_explanation *e =
        explain("Sequential([Input((28, 28, 3)), Conv2D(8, 3, strides=2, name='a\\u009b31m\\x1b\\x7f')])");
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        const char *text = cn_explanation_text(e, views[i], NULL);
        assert_non_null(text);
        if (strstr(text, "\xc2\x9b") || strpbrk(text, "\x1b\x7f")) fail_msg("view %zu", i);
    }
    cn_explanation_free(e);
    e = explain("Sequential([Input((28, 28, 3)), Conv2D(8, 3, strides=2, name='a``<b>')])");
    const char *text = cn_explanation_text(e, CN_EXPLAIN_MARKDOWN, NULL);
    for (const char *at = text; (at = strstr(at, "a``<b>")); at++) {
        const char *line = at;
        while (line > text && line[-1] != '\n') line--;
        assert_non_null(strstr(line, "``` "));
        assert_true(strstr(line, "``` ") < at);
    }
    cn_explanation_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_picture), cmocka_unit_test(test_grids_of_two),
        cmocka_unit_test(test_files),         cmocka_unit_test(test_report),
        cmocka_unit_test(test_hostile_texts), cmocka_unit_test(test_numbers_that_are_none),
        cmocka_unit_test(test_hostile_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
