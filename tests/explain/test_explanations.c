/* SPDX-License-Identifier: Apache-2.0
 * Views of networks against tests/explain/golden/NAME.txt: a line that says what it is, then
 *
 *     @ file mnist.py      what follows is the text of this file
 *     @ code               what follows is given as code
 *     @ input 32x32x3      options: input, only, off, like, dtype, batch, as
 *     @ layer conv2d       the card of this layer;  @ view json, full, markdown
 *     @ expect             what follows is expected; a line "..." stands for any number of lines
 *
 * With two files the two are compared.  Expected numbers come from section 4 of the specification and from hand. */
#include "base/table.h"
#include "paths.h"

#include <cornu/explain.h>

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { MOST_LINES = 400 };

typedef struct example {
    char name[256];
    char *data;
    const char *files[2], *code, *layer, *view;
    cn_explain_options options;
    const char *as;
    char *text[2]; /* of the files */
    char *expected;
    int file_count;
} example;

/* ---- reading ---- */

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *data = calloc(1, 1 << 16);
    const size_t size = fread(data, 1, (1 << 16) - 1, file);
    assert_true(size > 0 && size < (1 << 16) - 1);
    fclose(file);
    return data;
}

static bool option(const char *line, const char *name, const char **value)
{
    const size_t length = strlen(name);
    if (strncmp(line, name, length) != 0 || (line[length] && line[length] != ' ')) return false;
    *value = line[length] ? line + length + 1 : "";
    return true;
}

/* A line that begins with "@ "; returns where text that follows is kept, or NULL. */
static char **directive(example *e, const char *line)
{
    const char *value;
    if (option(line, "file", &e->files[e->file_count < 2 ? e->file_count : 1])) {
        assert_true(e->file_count < 2);
        return &e->text[e->file_count++];
    }
    if (option(line, "code", &e->code)) return &e->text[0];
    if (option(line, "expect", &value)) return &e->expected;
    if (option(line, "batch", &value)) {
        e->options.batch = atoi(value);
        return NULL;
    }
    assert_true(option(line, "input", &e->options.input) || option(line, "only", &e->options.only) ||
                option(line, "off", &e->options.off) || option(line, "like", &e->options.like) ||
                option(line, "dtype", &e->options.dtype) || option(line, "model", &e->options.model) ||
                option(line, "layer", &e->layer) || option(line, "view", &e->view) || option(line, "as", &e->as));
    return NULL;
}

static void read_example(example *e, const char *path)
{
    e->data = read_whole(path);
    e->options.struct_size = sizeof e->options;
    for (char *line = e->data, *next; *line; line = next) {
        next = strchr(line, '\n');
        assert_non_null(next);
        next++;
        if (strncmp(line, "@ ", 2) != 0) continue;
        if (line > e->data) line[-1] = 0; /* ends the text before it */
        next[-1] = 0;
        char **text = directive(e, line + 2);
        if (text) *text = next;
    }
}

/* ---- comparing ---- */

static int split(char *text, char **lines)
{
    int count = 0;
    for (char *line = text; *line;) {
        assert_true(count < MOST_LINES);
        lines[count++] = line;
        line += strcspn(line, "\n");
        if (*line) *line++ = 0;
    }
    return count;
}

static bool matches(char **want, int wanted, char **have, int found)
{
    if (!wanted) return !found;
    if (strcmp(*want, "...") == 0)
        return matches(want + 1, wanted - 1, have, found) || (found && matches(want, wanted, have + 1, found - 1));
    return found && strcmp(*want, *have) == 0 && matches(want + 1, wanted - 1, have + 1, found - 1);
}

static void check_text(const example *e, const char *found)
{
    static char *want[MOST_LINES], *have[MOST_LINES];
    char *expected = strdup(e->expected), *text = strdup(found);
    const int wanted = split(expected, want), count = split(text, have);
    if (!matches(want, wanted, have, count)) fail_msg("%s: expected\n%s\nfound\n%s", e->name, e->expected, found);
    free(expected);
    free(text);
}

/* ---- running ---- */

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    /* The newline of the last line gave way to the 0. */
    assert_true(fputs(text, file) >= 0 && fputc('\n', file) != EOF);
    fclose(file);
}

static cn_explanation *explain(const example *e, const char *source)
{
    const char *error = NULL;
    cn_explanation *explanation = NULL;
    if (cn_explain(source, &e->options, &explanation, &error)) fail_msg("%s: %s", e->name, error);
    assert_null(error);
    return explanation;
}

static cn_explain_view view_of(const char *name)
{
    static const char *const names[] = {"summary", "layer", "full", "json", "markdown"};
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0) return (cn_explain_view)i;
    assert_null(name);
    return CN_EXPLAIN_SUMMARY;
}

static void run_example(const example *e)
{
    const cn_explain_style style = {.struct_size = sizeof style, .layer = e->layer};
    for (int i = 0; i < e->file_count; i++) write_file(e->files[i], e->text[i]);
    cn_explanation *a = explain(e, e->file_count ? e->files[0] : e->text[0]), *b = NULL;
    const char *error = NULL, *text;
    if (e->file_count > 1) b = explain(e, e->files[1]);
    if (e->as && cn_explanation_translate(a, e->as, &b, &error)) fail_msg("%s: %s", e->name, error);
    if (b && !e->view)
        text = cn_explanation_compare(a, b, &style);
    else
        text = cn_explanation_text(b ? b : a, e->layer ? CN_EXPLAIN_LAYER : view_of(e->view), &style);
    if (!text) fail_msg("%s: %s", e->name, cn_explanation_error(a));
    check_text(e, text);
    cn_explanation_free(b);
    cn_explanation_free(a);
    for (int i = 0; i < e->file_count; i++) unlink(e->files[i]);
}

static char folder[] = "/tmp/cornu-explain-XXXXXX";

static void run_named(const char *name)
{
    char path[4096], relative[300];
    example e = {0};
    snprintf(relative, sizeof relative, "tests/explain/golden/%s.txt", name);
    snprintf(e.name, sizeof e.name, "%s", name);
    read_example(&e, source_path(path, relative));
    run_example(&e);
    free(e.data);
}

#define GOLDEN(name)                                                                                                   \
    static void test_##name(void **state)                                                                              \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        run_named(#name);                                                                                              \
    }

/* ---- the terminal: nothing is wider than it ---- */

/* The columns of a line without its colours. */
static size_t columns_of(const char *line, size_t length)
{
    char plain[4096];
    size_t used = 0;
    for (size_t i = 0; i < length && used + 1 < sizeof plain; i++) {
        if (line[i] == '\033')
            while (i < length && line[i] != 'm') i++;
        else
            plain[used++] = line[i];
    }
    plain[used] = 0;
    return cni_columns_of(plain);
}

static void check_width(const char *name, const char *text, const cn_explain_style *style)
{
    for (const char *line = text; *line;) {
        const size_t length = strcspn(line, "\n");
        if (columns_of(line, length) > (size_t)style->width)
            fail_msg("%s: wider than %d: %.*s", name, style->width, (int)length, line);
        for (size_t i = 0; style->ascii && i < length; i++)
            if (line[i] & 0x80) fail_msg("%s: not ASCII: %.*s", name, (int)length, line);
        if (!style->colour && memchr(line, '\033', length)) fail_msg("%s: coloured: %.*s", name, (int)length, line);
        line += length + (line[length] == '\n');
    }
}

static void check_widths(cn_explanation *e, cn_explanation *other, const char *name)
{
    static const int widths[] = {60, 80, 81, 132};
    bool coloured = false;
    for (size_t i = 0; i < 4 * sizeof widths / sizeof *widths; i++) {
        const cn_explain_style style = {
            .struct_size = sizeof style, .width = widths[i / 4], .ascii = i & 1, .colour = i & 2, .full = true};
        const char *text =
            other ? cn_explanation_compare(e, other, &style) : cn_explanation_text(e, CN_EXPLAIN_FULL, &style);
        assert_non_null(text);
        check_width(name, text, &style);
        coloured |= style.colour && strchr(text, '\033');
    }
    assert_true(coloured || cn_explanation_count(e, 3));
}

static void test_width_of_models(void **state)
{
    (void)state;
    char path[4096];
    glob_t found;
    const char *error;
    snprintf(path, sizeof path, "%s/tests/golden/files/*.keras", CORNU_SOURCE_DIR);
    assert_int_equal(glob(path, 0, NULL, &found), 0);
    int count = 0;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        cn_explanation *e;
        if (cn_explain(found.gl_pathv[i], NULL, &e, &error)) fail_msg("%s", error);
        check_widths(e, NULL, found.gl_pathv[i]);
        check_widths(e, e, found.gl_pathv[i]);
        cn_explanation_free(e);
        count++;
    }
    globfree(&found);
    assert_true(count > 5);
}

static void test_width_of_texts(void **state)
{
    (void)state;
    char path[4096];
    glob_t found;
    snprintf(path, sizeof path, "%s/tests/explain/golden/*.txt", CORNU_SOURCE_DIR);
    assert_int_equal(glob(path, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        example e = {0};
        read_example(&e, found.gl_pathv[i]);
        for (int k = 0; k < e.file_count; k++) write_file(e.files[k], e.text[k]);
        cn_explanation *a = explain(&e, e.file_count ? e.files[0] : e.text[0]);
        cn_explanation *b = e.file_count > 1 ? explain(&e, e.files[1]) : NULL;
        check_widths(a, NULL, found.gl_pathv[i]);
        if (b) check_widths(a, b, found.gl_pathv[i]);
        cn_explanation_free(b);
        cn_explanation_free(a);
        for (int k = 0; k < e.file_count; k++) unlink(e.files[k]);
        free(e.data);
    }
    globfree(&found);
}

GOLDEN(summary)
GOLDEN(card)
GOLDEN(compare)
GOLDEN(error)
GOLDEN(merge)
GOLDEN(conv_valid)
GOLDEN(conv_same_stride)
GOLDEN(conv_same_small)
GOLDEN(padded_by_hand)
GOLDEN(torch_valid)
GOLDEN(torch_padded)
GOLDEN(torch_stride)
GOLDEN(no_flatten)
GOLDEN(no_kernel)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_card),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_error),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_conv_valid),
        cmocka_unit_test(test_conv_same_stride),
        cmocka_unit_test(test_conv_same_small),
        cmocka_unit_test(test_padded_by_hand),
        cmocka_unit_test(test_torch_valid),
        cmocka_unit_test(test_torch_padded),
        cmocka_unit_test(test_torch_stride),
        cmocka_unit_test(test_no_flatten),
        cmocka_unit_test(test_no_kernel),
        cmocka_unit_test(test_width_of_models),
        cmocka_unit_test(test_width_of_texts),
    };
    if (!mkdtemp(folder) || chdir(folder)) return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (chdir("/") || rmdir(folder)) return 1;
    return failed;
}
