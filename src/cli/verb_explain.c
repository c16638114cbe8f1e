/* SPDX-License-Identifier: Apache-2.0
 * cornu explain: what a network does, layer by layer, and what is wrong with it. */
#include "cli/command.h"

#include <cornu/explain.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct settings {
    cli_settings common;
    const char *input, *as, *dtype, *layer, *off, *only, *why, *like, *model;
    const char *svg, *png, *picture, *features, *html;
    bool dark, full, json, markdown, compare, define, strict, ascii, measure, inplace;
    int batch, width;
} settings;

#define SETTINGS settings
static const cli_option options[] = {
    CLI_OPTION(input, "input", 0, "SIZES", 0, 0, "input, where the text tells none or another: 224x224x3"),
    CLI_OPTION(layer, "layer", 'l', "NAME", 0, 0, "the card of one layer: formulas, window walk, costs"),
    CLI_OPTION(full, "full", 0, NULL, 0, 0, "the table, and every layer's card; with --compare equal pairs too"),
    CLI_OPTION(compare, "compare", 0, NULL, 0, 0, "how two networks differ; with --as: a network and itself"),
    CLI_OPTION(as, "as", 0, "FRAMEWORK", 0, 0, "keras or torch: translate first"),
    CLI_OPTION(model, "model", 0, "NAME", 0, 0, "of several models in a text, the one to explain (the last)"),
    CLI_OPTION(batch, "batch", 0, "N", 1, 1e6, "samples at once, for memory (1)"),
    CLI_OPTION(dtype, "dtype", 0, "TYPE", 0, 0, "f32, f16 or i8: bytes of a number (f32)"),
    CLI_OPTION(inplace, "inplace", 0, NULL, 0, 0, "element-wise layers reuse the memory of their input"),
    CLI_OPTION(like, "like", 0, "PROGRAM", 0, 0, "count as torchinfo, tf or darknet does"),
    CLI_OPTION(measure, "measure", 0, NULL, 0, 0, "run each layer: its time beside the expected one"),
    CLI_OPTION(off, "off", 0, "IDS", 0, 0, "findings to leave out: P201,C501"),
    CLI_OPTION(only, "only", 0, "IDS", 0, 0, "the only findings to look for"),
    CLI_OPTION(strict, "strict", 0, NULL, 0, 0, "warnings fail too (exit status 1)"),
    CLI_OPTION(why, "why", 0, "[ID]", 0, 0,
               "the reasoning behind a finding: K302; at the end without one: all findings"),
    CLI_OPTION(define, "define", 0, NULL, 0, 0, "what a term means; without one: all terms"),
    CLI_OPTION(json, "json", 0, NULL, 0, 0, "everything, for programs"),
    CLI_OPTION(markdown, "markdown", 0, NULL, 0, 0, "as Markdown"),
    CLI_OPTION(html, "html", 0, "FILE", 0, 0, "one page with everything, that needs no other file"),
    CLI_OPTION(svg, "svg", 0, "DIR", 0, 0, "the pictures that the network calls for, into a folder"),
    CLI_OPTION(png, "png", 0, "DIR", 0, 0, "the same as PNG"),
    CLI_OPTION(picture, "picture", 0, "IDS", 0, 0, "only some: D1,field; of one layer with --layer"),
    CLI_OPTION(features, "features", 0, "IMAGE", 0, 0, "pictures of learned kernels and of an image's feature maps"),
    CLI_OPTION(dark, "dark", 0, NULL, 0, 0, "pictures on a dark page"),
    CLI_OPTION(width, "width", 0, "N", 60, 1000, "columns (those of the terminal, 80 at least)"),
    CLI_OPTION(ascii, "ascii", 0, NULL, 0, 0, "nothing but ASCII"),
};

/* ---- what needs no network ---- */

static int print_wrapped(const char *text)
{
    fputs(text, stdout);
    if (*text && text[strlen(text) - 1] != '\n') putchar('\n');
    return CLI_DONE;
}

static int explain_why(const settings *s)
{
    const char *text = cn_explain_why(*s->why ? s->why : NULL);
    if (text) return print_wrapped(text);
    return cli_misuse(&cli_explain, "there is no finding called '%s'; --why alone lists them", s->why);
}

enum { MOST_TERMS = 500 };

/* The names in the list of all terms, "adaptive pool  (adaptive, to 7x7)": cut out of it in place. */
static int split_terms(char *list, const char **names)
{
    int count = 0;
    for (char *line = list, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = 0;
        char *also = strstr(line, "  (");
        if (*line == ' ' || count == MOST_TERMS) continue;
        names[count++] = line;
        if (!also) continue;
        *also = 0;
        for (char *one = also + 3, *end; *one && count < MOST_TERMS; one = end) {
            char *word = one;
            end = one + strcspn(one, ",)");
            if (*end) *end++ = 0;
            end += strspn(end, " ");
            names[count++] = word;
        }
    }
    return count;
}

static int define(const char *term)
{
    const char *text = cn_explain_define(term), *names[MOST_TERMS];
    if (text) return print_wrapped(text);
    const char *all = cn_explain_define(NULL);
    char *list = all ? strdup(all) : NULL;
    const int count = list ? split_terms(list, names) : 0;
    const char *nearest = cli_nearest(term, names, (size_t)count, sizeof *names);
    const int status =
        nearest ? cli_misuse(&cli_explain, "'%s' is no term that Cornu uses; did you mean '%s'?", term, nearest)
                : cli_misuse(&cli_explain, "'%s' is no term that Cornu uses; --define alone lists them", term);
    free(list);
    return status;
}

/* ---- options ---- */

static bool one_of(const char *text, const char *const *names)
{
    for (; text && *names; names++)
        if (strcmp(text, *names) == 0) return true;
    return !text;
}

/* "K302,P201" or NULL */
static bool are_ids(const char *text)
{
    for (const char *at = text; at && *at;) {
        char id[8];
        at += strspn(at, ", ");
        const size_t length = strcspn(at, ", ");
        snprintf(id, sizeof id, "%.*s", (int)(length < sizeof id ? length : sizeof id - 1), at);
        if (length >= sizeof id || (length && !cn_explain_why(id))) return false;
        at += length;
    }
    return true;
}

/* NULL, or what is wrong with the words after an option. */
static const char *wrong_choice(const settings *s, const char **word)
{
    static const char *const types[] = {"f32", "f16", "i8", NULL}, *const frameworks[] = {"keras", "torch", NULL};
    static const char *const programs[] = {"cornu", "torchinfo", "tf", "darknet", NULL};
    if (!one_of(*word = s->dtype, types)) return "--dtype %s: expected f32, f16 or i8";
    if (!one_of(*word = s->as, frameworks)) return "--as %s: expected keras or torch";
    if (!one_of(*word = s->like, programs)) return "--like %s: expected cornu, torchinfo, tf or darknet";
    if (!are_ids(*word = s->off)) return "--off %s: expected names of findings, like K302,P201";
    if (!are_ids(*word = s->only)) return "--only %s: expected names of findings, like K302,P201";
    if (!cli_are_sizes(*word = s->input)) return "--input %s: expected sizes joined by x, like 224x224x3";
    return NULL;
}

static bool has_colour(void)
{
    const char *none = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(none && *none) && !(terminal && strcmp(terminal, "dumb") == 0);
}

static cn_explain_style style_of(const settings *s)
{
    const int columns = cli_columns();
    return (cn_explain_style){.struct_size = sizeof(cn_explain_style),
                              .layer = s->layer,
                              .width = s->width       ? s->width
                                       : columns < 80 ? 80
                                                      : columns,
                              .ascii = s->ascii,
                              .colour = has_colour(),
                              .full = s->full,
                              .view = s->json       ? CN_EXPLAIN_JSON
                                      : s->markdown ? CN_EXPLAIN_MARKDOWN
                                                    : CN_EXPLAIN_SUMMARY};
}

/* ---- networks ---- */

/* NULL: *failure is the exit status. */
static cn_explanation *read_network(const settings *s, const char *source, int *failure)
{
    const cn_explain_options how = {.struct_size = sizeof how,
                                    .input = s->input,
                                    .model = s->model,
                                    .off = s->off,
                                    .only = s->only,
                                    .like = s->like,
                                    .dtype = s->dtype,
                                    .batch = s->batch,
                                    .measure = s->measure,
                                    .inplace = s->inplace};
    const char *error;
    cn_explanation *explanation = NULL;
    const cn_status status = cn_explain(source, &how, &explanation, &error);
    if (!status) return explanation;
    const bool misused = status == CN_ERR_INVALID && s->model && strstr(error, "there is no model '");
    *failure = misused ? cli_misuse(&cli_explain, "%s", error) : cli_fail(status, error);
    return NULL;
}

static cn_explanation *translate(const cn_explanation *from, const char *dialect)
{
    const char *error;
    cn_explanation *translated = NULL;
    const cn_status status = cn_explanation_translate(from, dialect, &translated, &error);
    if (status) cli_fail(status, error);
    return translated;
}

static int verdict(const settings *s, const cn_explanation *explanation)
{
    if (cn_explanation_count(explanation, 3)) return CLI_FAILED;
    return s->strict && cn_explanation_count(explanation, 2) ? CLI_FAILED : CLI_DONE;
}

static int show(const settings *s, cn_explanation *explanation)
{
    const cn_explain_style style = style_of(s);
    const cn_explain_view view = s->json       ? CN_EXPLAIN_JSON
                                 : s->markdown ? CN_EXPLAIN_MARKDOWN
                                 : s->layer    ? CN_EXPLAIN_LAYER
                                 : s->full     ? CN_EXPLAIN_FULL
                                               : CN_EXPLAIN_SUMMARY;
    const char *text = cn_explanation_text(explanation, view, &style);
    if (!text) return cli_misuse(&cli_explain, "%s", cn_explanation_error(explanation));
    fputs(text, stdout);
    return verdict(s, explanation);
}

/* ---- files ---- */

static int save_report(const settings *s, cn_explanation *explanation)
{
    const char *error, *html = cn_explanation_text(explanation, CN_EXPLAIN_HTML, NULL);
    if (!html) return cli_fail(CN_ERR_MEMORY, cn_explanation_error(explanation));
    const cn_status status = cn_text_save(s->html, html, &error);
    return status ? cli_fail(status, error) : CLI_DONE;
}

static int draw_into(const settings *s, cn_explanation *explanation, cn_explanation *other, const char *folder,
                     const char *format)
{
    int count = 0;
    cn_status status;
    if (s->features)
        status = cn_explanation_features(explanation, s->features, folder, format, s->layer, s->dark, &count);
    else if (other)
        status = cn_explanation_draw_grids(explanation, other, folder, format, s->dark, &count);
    else
        status = cn_explanation_draw(explanation, folder, format, s->picture, s->layer, s->dark, &count);
    const bool misused = status == CN_ERR_INVALID && !s->features && (s->picture || s->layer);
    if (misused) return cli_misuse(&cli_explain, "%s", cn_explanation_error(explanation));
    if (status) return cli_fail(status, cn_explanation_error(explanation));
    if (!count && s->layer)
        cli_say(&s->common, "no picture: %s%s is nothing that layer '%s' has; without --layer it is the network's",
                s->picture ? s->picture : "", s->picture ? "" : "any of them", s->layer);
    else if (!count)
        cli_say(&s->common, "no picture: nothing in this network calls for %s", s->picture ? s->picture : "one");
    else
        cli_say(&s->common, "%s: %d picture%s", folder, count, count == 1 ? "" : "s");
    return CLI_DONE;
}

static bool wants_files(const settings *s)
{
    return s->html || s->svg || s->png;
}

static int save(const settings *s, cn_explanation *explanation, cn_explanation *other)
{
    int status = s->html ? save_report(s, explanation) : CLI_DONE;
    if (!status && s->svg) status = draw_into(s, explanation, other, s->svg, "svg");
    if (!status && s->png) status = draw_into(s, explanation, other, s->png, "png");
    return status;
}

static int compare(const settings *s, cn_explanation *a, cn_explanation *b)
{
    const cn_explain_style style = style_of(s);
    const char *text = cn_explanation_compare(a, b, &style);
    if (!text) return cli_fail(CN_ERR_INVALID, cn_explanation_error(a));
    fputs(text, stdout);
    return CLI_DONE;
}

static int explain(const settings *s, cn_explanation *first, cn_explanation **second)
{
    int failure = CLI_FAILED;
    if (s->common.count > 1 && !(*second = read_network(s, s->common.arguments[1], &failure))) return failure;
    const bool habits = s->compare && s->as && strcmp(s->as, "keras") == 0;
    if (s->as && !*second && !(*second = translate(first, habits ? "keras-habits" : s->as))) return CLI_FAILED;
    cn_explanation *shown = *second && !s->compare ? *second : first;
    const int saved = save(s, shown, s->compare ? *second : NULL);
    if (saved) return saved;
    if (s->compare) return compare(s, first, *second);
    if (!wants_files(s)) return show(s, shown);
    const int errors = cn_explanation_count(shown, 3);
    if (errors)
        fprintf(stderr, "cornu: %s: %d error%s; without the option they are told\n", s->common.arguments[0], errors,
                errors == 1 ? "" : "s");
    return verdict(s, shown);
}

static int run(const void *given)
{
    const settings *s = given;
    const char *word, *wrong = wrong_choice(s, &word);
    const int count = s->common.count;
    if (wrong) { /* the formats are ours: one %s each */
        char message[300];
        const char *hole = strstr(wrong, "%s");
        snprintf(message, sizeof message, "%.*s%s%s", (int)(hole - wrong), wrong, word, hole + 2);
        return cli_misuse(&cli_explain, "%s", message);
    }
    if (s->define) return define(count ? s->common.arguments[0] : NULL);
    if (s->why) return explain_why(s);
    if (s->features && !s->svg && !s->png)
        return cli_misuse(&cli_explain, "--features needs a folder for its pictures: --svg DIR or --png DIR");
    if (s->picture && !s->svg && !s->png)
        return cli_misuse(&cli_explain, "--picture needs a folder for its pictures: --svg DIR or --png DIR");
    if (s->compare ? count + (s->as != NULL) != 2 : count != 1)
        return cli_misuse(&cli_explain, s->compare ? "--compare takes two networks, or one and --as"
                                                   : "a file, - or code in quotes is expected");
    if (!cli_prepare(&s->common, -1)) return CLI_FAILED;
    int failure = CLI_FAILED;
    cn_explanation *first = read_network(s, s->common.arguments[0], &failure), *second = NULL;
    const int status = first ? explain(s, first, &second) : failure;
    cn_explanation_free(second);
    cn_explanation_free(first);
    return status;
}

const cli_verb cli_explain = {
    .name = "explain",
    .arguments = "FILE|-|CODE",
    .summary = "Tells what every layer of a network does, what it costs and what is wrong with it",
    .details = "FILE holds Keras or PyTorch code, which is read and never run, or is a .keras or .json\n"
               "model; - is standard input; CODE is the code itself, in quotes.\n"
               "\n"
               "Examples: cornu explain model.py\n"
               "          cornu explain \"Conv2D(64, 5, strides=2, padding='same')\" --input 128x128x3\n"
               "          cornu explain model.py --layer conv2d_1\n"
               "          cornu explain --compare keras.py torch.py\n"
               "          cornu explain model.py --html report.html\n"
               "          cornu explain fashion.keras --features shoe.png --svg pictures\n"
               "          cornu explain --why K302;  cornu explain --define 'receptive field'\n"
               "\n"
               "Exit status: 0, or 1 when there are errors (with --strict: warnings) or nothing could be\n"
               "read, 2 used wrongly.\n",
    CLI_OPTIONS(options),
    .settings_size = sizeof(settings),
    .least = 0,
    .most = 2,
    .run = run,
};
