/* SPDX-License-Identifier: Apache-2.0
 * What Keras refuses Cornu refuses (golden/refuse.json), in one line that names what is to be mended. */
#ifdef CORNU_FORMATS
#include "golden_models.h"
#include "model/compile.h"

static bool one_line(const char *text)
{
    return *text && !strpbrk(text, "\n\r\t");
}

static void check_words(golden *g, const cni_value *c, const char *message)
{
    const cni_value *words = cni_value_get(c, "words");
    if (!one_line(message)) golden_fail(g, "%s: not one line: %s", golden_id(c), message);
    for (size_t i = 0; i < words->count; i++)
        if (!strstr(message, words->items[i]->text))
            golden_fail(g, "%s: \"%s\" is not named: %s", golden_id(c), words->items[i]->text, message);
}

/* What Cornu takes and Keras does not: L1L2 by its old name, with its defaults; an axis as a list of one, as older
 * Keras wrote it; a merge of one input, as if it were a list of one. */
static bool is_taken(const cni_value *c)
{
    static const char *const ids[] = {"conv-regularizer-name", "norm-axis-list", "merge-alone"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (strcmp(golden_id(c), ids[i]) == 0) return true;
    return false;
}

/* Whether and how training on zeros is refused. */
static const char *train(cn_model *model)
{
    static const float x[4 * 8 * 8 * 2], y[4 * 3];
    const cn_data batch = {.x = {x, CN_FLOAT32, 4, {4, 8, 8, 2}}, .y = {y, CN_FLOAT32, 2, {4, 3}}};
    return cn_train_on_batch(model, &batch) ? NULL : cn_error(model);
}

static void check_case(golden *g, const cni_value *c)
{
    cni_error error = {0};
    cn_model *model = NULL;
    cn_context *context = golden_context(CNI_ISA_PORTABLE);
    const char *message = NULL;
    if (cni_model_from_value(context, cni_value_get(c, "model"), true, &model, &error))
        message = error.text;
    else if (cni_model_materialise(model, &error))
        message = error.text;
    else if (!is_taken(c) || model->compiled)
        message = train(model);
    if (is_taken(c)) {
        if (message) golden_fail(g, "%s: %s", golden_id(c), message);
    } else if (!message)
        golden_fail(g, "%s: not refused; Keras: %s: %.200s", golden_id(c), cni_value_get(c, "keras")->items[0]->text,
                    cni_value_get(c, "keras")->items[1]->text);
    else
        check_words(g, c, message);
    cn_model_free(model);
    cn_context_free(context);
}

static void what_keras_refuses_is_refused(void **state)
{
    (void)state;
    golden g;
    golden_open(&g, "refuse.json");
    for (size_t i = 0; i < g.cases->count; i++) check_case(&g, g.cases->items[i]);
    golden_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_keras_refuses_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
#include <stdio.h>

int main(void)
{
    puts("built without formats: the golden files cannot be read");
    return 77;
}
#endif
