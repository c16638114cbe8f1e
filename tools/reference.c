/* SPDX-License-Identifier: Apache-2.0
 * Prints docs/reference.md, made from the tables of kinds:  reference > docs/reference.md
 * or docs/pytorch.md, PyTorch's modules:  reference --pytorch > docs/pytorch.md
 * or every example of the tables as one C program, to be compiled:  reference --examples | cc -fsyntax-only -x c - */
#include "layers/torch/torch.h"
#include "train/describe.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In a cell of a Markdown table a bar would end the cell. */
static void print_cell(const char *text)
{
    for (; *text; text++) {
        if (*text == '|' || *text == '<' || *text == '*' || *text == '_') putchar('\\');
        putchar(*text);
    }
}

/* A line of help as a sentence. */
static void print_sentence(const char *help)
{
    char first[2] = {(char)toupper((unsigned char)*help), 0};
    print_cell(first);
    print_cell(help + 1);
    printf(".");
}

static void print_code(const char *language, cni_text *code)
{
    printf("```%s\n%s\n```\n\n", language, cni_text_get(code));
    cni_text_free(code);
}

static void print_argument(const cni_group *group, const cni_kind *kind, const cni_field *field)
{
    cni_text takes = {0}, member = {0};
    cni_describe_field(&takes, group, kind, field);
    cni_describe_member(&member, group, kind, field);
    printf("| `%s` | ", field->key);
    print_cell(cni_text_get(&takes));
    printf(" | ");
    print_cell(field->help);
    if (member.length) printf(" (%s)", cni_text_get(&member));
    printf(" |\n");
    cni_text_free(&takes);
    cni_text_free(&member);
}

static void print_arguments(const cni_group *group, const cni_kind *kind)
{
    bool any = false;
    for (size_t i = 0; i < kind->field_count; i++) {
        if (!cni_field_is_argument(kind->fields + i)) continue;
        if (!any) printf("| argument | takes | meaning |\n|---|---|---|\n");
        any = true;
        print_argument(group, kind, kind->fields + i);
    }
    if (any) printf("\n");
    cni_text fixed = {0};
    cni_describe_fixed(&fixed, kind);
    if (fixed.length) printf("Taken at this value only: `%s`.\n\n", cni_text_get(&fixed));
    cni_text_free(&fixed);
}

static void print_formula(const char *formula)
{
    if (!formula) return;
    printf("```text\n");
    for (const char *end; (end = strstr(formula, ";  ")); formula = end + 3)
        printf("%.*s\n", (int)(end - formula), formula);
    printf("%s\n```\n\n", formula);
}

static void print_kind(const cni_group *group, const cni_kind *kind)
{
    cni_text keras = {0}, c = {0}, limits = {0};
    printf("### %s\n\n", kind->name);
    print_sentence(kind->help);
    for (const char *const *alias = kind->aliases; alias && *alias; alias++)
        printf("%s`%s`%s", alias == kind->aliases ? " Also called " : ", ", *alias, alias[1] ? "" : ".");
    printf("\n\n");
    print_formula(kind->formula);
    print_arguments(group, kind);
    cni_describe_keras(&keras, group, kind);
    print_code("python", &keras);
    cni_describe_c(&c, group, kind);
    if (c.length)
        print_code("c", &c);
    else
        cni_text_free(&c);
    cni_describe_limits(&limits, group, kind);
    if (limits.length) printf("%s\n\n", cni_text_get(&limits));
    cni_text_free(&limits);
}

static void print_reference(void)
{
    printf(
        "# Reference\n\n"
        "Every layer, activation, initializer, ... that Cornu knows, with every argument. This page is printed from "
        "the tables that the program reads arguments with (`tools/reference.c`); `cornu help NAME` shows the same in "
        "a terminal. Names, order and defaults are those of Keras 3.\n\n");
    for (size_t i = 0; i < cni_group_count; i++) {
        const cni_family *family = cni_groups[i].family;
        printf("- [%s](#%s): ", cni_groups[i].name, cni_groups[i].name);
        for (size_t j = 0; j < family->count; j++)
            if (cni_group_owns(cni_groups + i, family->kinds[j])) printf("%s%s", j ? ", " : "", family->kinds[j]->name);
        printf("\n");
    }
    for (size_t i = 0; i < cni_group_count; i++) {
        printf("\n## %s\n\n", cni_groups[i].name);
        print_sentence(cni_groups[i].help);
        printf("\n\n");
        for (size_t j = 0; j < cni_groups[i].family->count; j++)
            if (cni_group_owns(cni_groups + i, cni_groups[i].family->kinds[j]))
                print_kind(cni_groups + i, cni_groups[i].family->kinds[j]);
    }
}

/* ---- PyTorch ---- */

static bool is_looked_at(const cni_field *field)
{
    static const char *const passed_over[] = {"device", "dtype", "inplace"};
    for (size_t i = 0; i < sizeof passed_over / sizeof *passed_over; i++)
        if (strcmp(field->key, passed_over[i]) == 0) return false;
    return true;
}

/* Conv1d and Conv2d: one row. */
static bool is_same_row(const cni_kind *a, const cni_kind *b)
{
    return a->fields == b->fields && a->help == b->help;
}

static bool is_function(const cni_kind *kind)
{
    return kind->module;
}

static void print_module(const cni_kind *const *kinds, size_t count)
{
    const char *before = "";
    printf("| ");
    for (size_t i = 0; i < count; i++) printf("%s`%s`", i ? ", " : "", kinds[i]->name);
    printf(" | ");
    for (size_t i = 0; i < kinds[0]->field_count; i++) {
        const cni_field *field = kinds[0]->fields + i;
        if (!is_looked_at(field)) continue;
        printf("%s`%s%s%s`", before, field->key, field->otherwise ? "=" : "", field->otherwise ? field->otherwise : "");
        before = ", ";
    }
    printf(" | ");
    print_cell(kinds[0]->help);
    printf(" |\n");
}

static void print_modules(bool functions)
{
    const cni_family *family = &cni_torch_layers;
    printf("| %s | arguments | what it is |\n|---|---|---|\n", functions ? "read as" : "module");
    for (size_t i = 0, next; i < family->count; i = next) {
        for (next = i + 1; next < family->count && is_same_row(family->kinds[i], family->kinds[next]);) next++;
        if (is_function(family->kinds[i]) == functions) print_module(family->kinds + i, next - i);
    }
    printf("\n");
}

static void print_pytorch(void)
{
    printf(
        "# PyTorch's modules\n\n"
        "What Cornu reads in PyTorch texts. This page is printed from the tables that the program reads arguments with "
        "(`tools/reference.c`). Names, order and defaults are those of PyTorch 2.15; `device`, `dtype` and `inplace` "
        "are read and mean nothing here. Shapes, counts of weights and refusals are held to PyTorch's own by more than "
        "a thousand calls in the tests.\n\n"
        "Modules are described and explained as they are. To train or run a text they are turned into Keras' layers "
        "with `data_format='channels_first'`, which start from what PyTorch starts from; what has no equal in Keras "
        "(`padding_mode='reflect'`, `align_corners=True`, maximum pooling with padding behind a layer that can be "
        "negative, ...) is refused with the reason.\n\n## torch.nn\n\n");
    print_modules(false);
    printf("## Functions\n\nCalls like `F.relu(x)`, `torch.flatten(x, 1)` and `F.max_pool2d(x, 2)` are read as the "
           "module of that name; these have no module:\n\n");
    print_modules(true);
}

/* ---- examples ---- */

/* A statement ends with a semicolon; an expression is given to a function. */
static void print_examples(void)
{
    printf(
        "#include <cornu/cornu.h>\n"
        "double schedule(void *user, int epoch, double rate);\n"
        "void report(void *user, cn_model *model, int epoch, const cn_logs *logs);\n"
        "void use(const void *args);\n"
        "void examples(cn_model *model, cn_node *x, cn_node *y, cn_node *gate, cn_array x_train, cn_array y_train);\n"
        "void examples(cn_model *model, cn_node *x, cn_node *y, cn_node *gate, cn_array x_train, cn_array "
        "y_train)\n{\n");
    for (size_t i = 0; i < cni_group_count; i++)
        for (size_t j = 0; j < cni_groups[i].family->count; j++) {
            if (!cni_group_owns(cni_groups + i, cni_groups[i].family->kinds[j])) continue;
            cni_text c = {0};
            cni_describe_c(&c, cni_groups + i, cni_groups[i].family->kinds[j]);
            const char *text = cni_text_get(&c);
            if (!*text) continue;
            bool statement = *text && text[strlen(text) - 1] == ';';
            printf(statement ? "    %s\n" : "    use(%s);\n", text);
            cni_text_free(&c);
        }
    printf("    (void)x, (void)y, (void)gate, (void)x_train, (void)y_train;\n}\n");
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--examples") == 0)
        print_examples();
    else if (argc == 2 && strcmp(argv[1], "--pytorch") == 0)
        print_pytorch();
    else
        print_reference();
    return ferror(stdout) || fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
