/* SPDX-License-Identifier: Apache-2.0
 * cn_summary against the texts of Keras' model.summary() (tests/golden/summary.json, and the outside collection). */
#include "formats/bytes.h"
#include "formats/json.h"
#include "model/compile.h"
#include "model/config.h"
#include "paths.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

/* Shows the first line that differs: whole tables are hard to compare by eye. */
static void assert_same_text(const char *what, const char *ours, const char *theirs)
{
    int line = 1;
    for (; *ours && *ours == *theirs; ours++, theirs++) line += *ours == '\n';
    if (!*ours && !*theirs) return;
    while (ours[-1] != '\n' && line > 1) ours--, theirs--;
    fail_msg("%s, line %d:\n  ours:  %.*s\n  Keras: %.*s", what, line, (int)strcspn(ours, "\n"), ours,
             (int)strcspn(theirs, "\n"), theirs);
}

static bool truth(const cni_value *arguments, const char *key)
{
    const cni_value *value = cni_value_get(arguments, key);
    return value && value->truth;
}

/* Keras takes four columns off a terminal's width and gives the rest to the table. */
static void check_variant(cn_model *model, const char *id, const cni_value *variant)
{
    const cni_value *arguments = cni_value_get(variant, "arguments"), *line = cni_value_get(arguments, "line_length");
    cn_summary_options options = {.struct_size = sizeof options,
                                  .width = line ? (int)line->integer + 4 : 0,
                                  .expand_nested = truth(arguments, "expand_nested"),
                                  .show_trainable = truth(arguments, "show_trainable")};
    const char *text = cn_summary(model, &options);
    if (!text) fail_msg("%s: %s", id, cn_error(model));
    assert_same_text(id, text, cni_value_as_text(cni_value_get(variant, "text")));
}

static void check_case(const cni_value *entry)
{
    cni_error error = {0};
    cn_model *model;
    cn_context *context = cn_context_new();
    const char *id = cni_value_as_text(cni_value_get(entry, "id"));
    if (cni_model_from_value(context, cni_value_get(entry, "model"), true, &model, &error))
        fail_msg("%s: %s", id, error.text);
    if (model->compiled && !cni_compiled_state(model, &error)) fail_msg("%s: %s", id, error.text);
    const cni_value *variants = cni_value_get(entry, "variants");
    assert_true(variants->count >= 2);
    for (size_t i = 0; i < variants->count; i++) check_variant(model, id, variants->items[i]);
    cn_model_free(model);
    cn_context_free(context);
}

static void golden_summaries_are_those_of_keras(void **state)
{
    (void)state;
    char path[4096];
    cni_arena arena = {0};
    cni_error error = {0};
    cni_bytes text;
    cni_value *file;
    cn_status status = cni_file_read(&arena, source_path(path, "tests/golden/summary.json"), 1 << 24, &text, &error);
    if (!status) status = cni_json_read(&arena, text, NULL, &file, &error);
    if (status) fail_msg("%s", error.text);
    const cni_value *cases = cni_value_get(file, "cases");
    assert_true(cases->count >= 7);
    for (size_t i = 0; i < cases->count; i++) check_case(cases->items[i]);
    cni_arena_free(&arena);
}

/* ---- files of Keras with the text of summary(line_length=80) ---- */

static void check_file(const char *name)
{
    char path[4096], relative[300];
    cni_arena arena = {0};
    cni_error slot = {0};
    cni_bytes text;
    cn_model *model;
    const char *error;
    snprintf(relative, sizeof relative, "acceptance/summary/%s.keras", name);
    const char *file = shared_path(path, relative);
    if (!file) skip();
    if (cn_load(file, NULL, &model, &error)) fail_msg("%s", error);
    snprintf(relative, sizeof relative, "acceptance/summary/%s.txt", name);
    if (cni_file_read(&arena, shared_path(path, relative), 1 << 20, &text, &slot)) fail_msg("%s", slot.text);
    const char *summary =
        cn_summary(model, &(cn_summary_options){.struct_size = sizeof(cn_summary_options), .width = 84});
    char *wanted = strndup((const char *)text.data, text.size - 1); /* print() ended it with one newline more */
    assert_non_null(summary);
    assert_same_text(name, summary, wanted);
    free(wanted);
    cn_model_free(model);
    cni_arena_free(&arena);
}

static void files_are_summarised_as_by_keras(void **state)
{
    (void)state;
    static const char *const names[] = {"channels-first", "free-size", "lenet",  "lenet-compiled",
                                        "multi-output",   "nested",    "resnet", "vgg-frozen"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) check_file(names[i]);
}

/* ---- what the golden cases do not show ---- */

static void assert_line(cn_model *model, const cn_summary_options *options, const char *line)
{
    const char *text = cn_summary(model, options);
    if (!text) fail_msg("%s", cn_error(model));
    if (!strstr(text, line)) fail_msg("no \"%s\" in\n%s", line, text);
}

/* As Keras 3.15.1 prints it: layers without an own build() count as built. */
static void unbuilt_layers_are_shown_as_unbuilt(void **state)
{
    (void)state;
    cn_model *model = cn_sequential_in(NULL, "later");
    cn_model *inner = cn_sequential_in(NULL, "inner");
    cn_add(inner, cn_input({8, 8, 4}));
    cn_add(inner, cn_conv2d(4, {3}, .name = "conv"));
    cn_add(model, cn_dropout(0.5, .name = "drop"));
    cn_add_model(model, inner);
    cn_add(model, cn_dense(3, .name = "dense"));
    cn_add(model, cn_leaky_relu(.name = "leaky"));
    assert_line(model, NULL, "│ drop (Dropout)                  │ ?                      │             0 │\n");
    assert_line(model, NULL, "│ inner (Sequential)              │ (None, 6, 6, 4)        │           148 │\n");
    assert_line(model, NULL, "│ dense (Dense)                   │ ?                      │   0 (unbuilt) │\n");
    assert_line(model, NULL, "│ leaky (LeakyReLU)               │ ?                      │             0 │\n");
    cn_model_free(model);
}

static void a_model_with_two_outputs_shows_both(void **state)
{
    (void)state;
    cn_model *inner = cn_functional_in(NULL, "two"), *model = cn_functional_in(NULL, "model");
    cn_node *x = cn_input_node(inner, cn_input({4}));
    cn_outputs(inner, cn_call(inner, cn_dense(3), x), cn_call(inner, cn_dense(4), x));
    cn_node *a = cn_input_node(model, cn_input({4}));
    cn_outputs(model, cn_call_layer(cn_model_layer(model, inner), a));
    assert_line(model, NULL, "│ two (Functional)                │ [(None, 3), (None, 4)] │            35 │\n");
    cn_model_free(model);
}

static void a_layer_called_twice_shows_both_connections(void **state)
{
    (void)state;
    cn_model *model = cn_functional_in(NULL, "shared");
    cn_node *x = cn_input_node(model, cn_input({4}, .name = "x"));
    cn_layer *layer = cn_layer_new(model, cn_dense(4, .name = "s"));
    cn_outputs(model, cn_call_layer(layer, cn_call_layer(layer, x)));
    assert_line(model, NULL, "│ s (Dense)           │ (None, 4)         │         20 │ x[0][0], s[0][0]  │\n");
    assert_line(model, NULL, " Total params: 20 (80.00 B)\n");
    cn_model_free(model);
}

static void names_that_drive_terminals_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"\x1b]0;owned\x07", "two\nlines", "\x7f", "\xc2\x9b", "\xff"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cn_model *model = cn_sequential_in(NULL, names[i]);
        assert_int_equal(cn_error_status(model), CN_ERR_INVALID);
        cn_model_free(model);
        model = cn_sequential();
        assert_int_equal(cn_add(model, cn_dense(1, .name = names[i])), CN_ERR_INVALID);
        assert_null(strpbrk(cn_error(model), "\x1b\x07\n\x7f"));
        cn_model_free(model);
    }
}

static void a_wide_name_takes_two_columns(void **state)
{
    (void)state;
    cn_model *model = cn_sequential();
    cn_add(model, cn_input({2}));
    cn_add(model, cn_dense(1, .name = "層"));
    assert_line(model, NULL, "│ 層 (Dense)                      │ (None, 1)");
    cn_model_free(model);
}

static void too_narrow_a_terminal_is_refused(void **state)
{
    (void)state;
    cn_model *model = cn_sequential_in(NULL, "model");
    cn_add(model, cn_input({2}));
    cn_add(model, cn_dense(1));
    assert_non_null(cn_summary(model, &(cn_summary_options){.struct_size = sizeof(cn_summary_options), .width = 24}));
    assert_null(cn_summary(model, &(cn_summary_options){.struct_size = sizeof(cn_summary_options), .width = 16}));
    assert_non_null(strstr(cn_error(model), "16 columns are too few"));
    assert_non_null(cn_summary(model, NULL)); /* and does not spoil the model */
    assert_false(cn_failed(model));
    cn_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_summaries_are_those_of_keras),
        cmocka_unit_test(files_are_summarised_as_by_keras),
        cmocka_unit_test(unbuilt_layers_are_shown_as_unbuilt),
        cmocka_unit_test(a_model_with_two_outputs_shows_both),
        cmocka_unit_test(a_layer_called_twice_shows_both_connections),
        cmocka_unit_test(names_that_drive_terminals_are_refused),
        cmocka_unit_test(a_wide_name_takes_two_columns),
        cmocka_unit_test(too_narrow_a_terminal_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
