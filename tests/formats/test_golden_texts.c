/* SPDX-License-Identifier: Apache-2.0
 * Texts with Keras code against what Keras makes of them when it runs them (golden/texts): summary, configuration,
 * compile() and the arguments of fit(). */
#include "golden_models.h"

#include <string.h>

static cn_model *load_text(golden *g, const cni_value *c, cn_context *context)
{
    char path[4096], name[200];
    const char *error;
    cn_model *model;
    const cn_load_options options = {.struct_size = sizeof options, .context = context};
    snprintf(name, sizeof name, "tests/golden/texts/%s", golden_id(c));
    if (cn_load(source_path(path, name), &options, &model, &error)) golden_fail(g, "%s: %s", golden_id(c), error);
    return model;
}

static void check_lines(golden *g, const cni_value *c, const char *ours, const char *theirs)
{
    for (int line = 1; *ours || *theirs; line++) {
        const size_t a = strcspn(ours, "\n"), b = strcspn(theirs, "\n");
        if (a != b || memcmp(ours, theirs, a) != 0) {
            golden_fail(g, "%s, line %d:\n  ours:  %.*s\n  Keras: %.*s", golden_id(c), line, (int)a, ours, (int)b,
                        theirs);
            return;
        }
        ours += a + (ours[a] == '\n');
        theirs += b + (theirs[b] == '\n');
    }
}

/* Both through the writer: what was read from the text, and what was read from Keras' own configuration. */
static void check_config(golden *g, const cni_value *c, cn_model *model)
{
    cni_error error = {0};
    cn_model *theirs;
    cn_context *context = cn_context_new();
    if (cni_model_from_value(context, cni_value_get(c, "model"), true, &theirs, &error)) {
        golden_fail(g, "%s: %s", golden_id(c), error.text);
        cn_context_free(context);
        return;
    }
    const char *a = cn_model_json(model), *b = cn_model_json(theirs);
    size_t same = 0;
    if (!a || !b)
        golden_fail(g, "%s: %s %s", golden_id(c), cn_error(model), cn_error(theirs));
    else if (strcmp(a, b) != 0) {
        while (a[same] == b[same]) same++;
        same -= same < 60 ? same : 60;
        golden_fail(g, "%s:\n  ours:  ...%.200s\n  Keras: ...%.200s", golden_id(c), a + same, b + same);
    }
    cn_model_free(theirs);
    cn_context_free(context);
}

/* What the text does not say is zero here. */
static double number(const cni_value *fit, const char *key)
{
    const cni_value *value = cni_value_get(fit, key);
    return value ? value->real : 0;
}

static void check_class_weights(golden *g, const cni_value *c, const cn_class_weight *ours, const cni_value *theirs)
{
    for (size_t i = 0; theirs && i < theirs->count; i++)
        if (ours[i].label != atoi(theirs->keys[i]) || ours[i].weight != theirs->items[i]->real)
            golden_fail(g, "%s: class_weight %s", golden_id(c), theirs->keys[i]);
    if (ours[theirs ? theirs->count : 0].weight != 0) golden_fail(g, "%s: more class weights", golden_id(c));
}

static void check_fit(golden *g, const cni_value *c, cn_model *model)
{
    cn_fit_args args = {.struct_size = sizeof args};
    const cni_value *fit = cni_value_get(c, "fit"), *shuffle = cni_value_get(fit, "shuffle"),
                    *callbacks = cni_value_get(fit, "callbacks");
    if (cn_fit_from_text(model, NULL, &args)) golden_fail(g, "%s: %s", golden_id(c), cn_error(model));
    if (args.batch_size != number(fit, "batch_size") || args.epochs != number(fit, "epochs") ||
        args.initial_epoch != number(fit, "initial_epoch") || args.validation_split != number(fit, "validation_split"))
        golden_fail(g, "%s: fit with %d, %d, %d, %g", golden_id(c), args.batch_size, args.epochs, args.initial_epoch,
                    args.validation_split);
    if (args.no_shuffle != (shuffle && !shuffle->truth)) golden_fail(g, "%s: shuffle", golden_id(c));
    check_class_weights(g, c, args.class_weight, cni_value_get(fit, "class_weight"));
    for (size_t i = 0; callbacks && i < callbacks->count; i++) {
        const cn_text_args *ours = (const cn_text_args *)(const void *)args.callbacks[i];
        const char *theirs = cni_value_as_text(callbacks->items[i]);
        if (!ours || strncmp(ours->text, theirs, strlen(theirs)) != 0) golden_fail(g, "%s: %s", golden_id(c), theirs);
    }
}

static void check(golden *g, const cni_value *c)
{
    cn_context *context = cn_context_new();
    cn_model *model = load_text(g, c, context);
    if (model) {
        const char *summary = cn_summary(model, NULL);
        if (!summary)
            golden_fail(g, "%s: %s", golden_id(c), cn_error(model));
        else
            check_lines(g, c, summary, cni_value_as_text(cni_value_get(c, "summary")));
        if (cni_value_get(c, "model")) check_config(g, c, model);
        check_fit(g, c, model);
    }
    cn_model_free(model);
    cn_context_free(context);
}

static void texts_are_what_keras_makes_of_them(void **state)
{
    (void)state;
    golden g;
    golden_open(&g, "texts.json");
    for (size_t i = 0; i < g.cases->count; i++) check(&g, g.cases->items[i]);
    golden_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts_are_what_keras_makes_of_them)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
