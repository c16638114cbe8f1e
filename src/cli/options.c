/* SPDX-License-Identifier: Apache-2.0
 * The reader of options. */
#include "cli/options.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS cli_settings
static const cli_option common_options[] = {
    CLI_OPTION(math, "math", 0, "fast|direct", 0, 0,
               "convolutions by Winograd's algorithm where it is faster (fast), or as defined (direct)"),
    CLI_OPTION(plan, "plan", 0, "estimate|measure", 0, 0,
               "choose how convolutions are computed by rules (estimate), or by timing each (measure)"),
    CLI_OPTION(plan_file, "plan-file", 0, "FILE", 0, 0,
               "choose as this file says, which serves the batch it was measured with; --plan measure adds to it"),
    CLI_OPTION(threads, "threads", 0, "N", 1, 1024, "threads to compute with (as many as there are cores)"),
    CLI_OPTION(quiet, "quiet", 'q', NULL, 0, 0, "no progress and no messages but errors"),
    CLI_OPTION(help, "help", 'h', NULL, 0, 0, "this text"),
};
#undef SETTINGS
enum { COMMON = sizeof common_options / sizeof *common_options, OF_CONVOLUTIONS = 3, LONGEST_NAME = 40 };

/* Its own, and then the common ones; NULL behind the last. */
static const cli_option *option_at(const cli_verb *verb, size_t i)
{
    if (i < verb->option_count) return &verb->options[i];
    i += (verb->convolves ? 0 : OF_CONVOLUTIONS) - verb->option_count;
    return i < COMMON ? &common_options[i] : NULL;
}

/* ---- the nearest name ---- */

/* Changes, insertions, deletions and swaps of neighbours that make b of a. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][LONGEST_NAME + 1], *before = rows[0], *last = rows[1], *now = rows[2];
    const size_t n = strlen(b);
    for (size_t j = 0; j <= n; j++) last[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        now[0] = i;
        for (size_t j = 1; j <= n; j++) {
            const size_t change = last[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = change < last[j] + 1 ? change : last[j] + 1;
            if (now[j - 1] + 1 < now[j]) now[j] = now[j - 1] + 1;
            const bool swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swap && before[j - 2] + 1 < now[j]) now[j] = before[j - 2] + 1;
        }
        size_t *rest = before;
        before = last, last = now, now = rest;
    }
    return last[n];
}

const char *cli_nearest(const char *word, const char *const *first, size_t count, size_t stride)
{
    const char *nearest = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < count && strlen(word) <= LONGEST_NAME; i++) {
        const char *name = *(const char *const *)(const void *)((const char *)first + i * stride);
        const size_t edits = distance(word, name);
        if (edits < least) {
            least = edits;
            nearest = name;
        }
    }
    return least <= 1 || least <= strlen(word) / 3 ? nearest : NULL;
}

/* ---- reading ---- */

typedef struct reader {
    const cli_verb *verb;
    void *settings;
    char *const *words;
    int count, at;
    const char **arguments; /* collected; room for `count` */
    int argument_count;
    char *message;
    size_t size;
} reader;

__attribute__((format(printf, 2, 3))) static bool wrong(reader *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->message, r->size, format, args);
    va_end(args);
    return false;
}

static const cli_option *find(const reader *r, const char *name, size_t length, char letter)
{
    const cli_option *option;
    for (size_t i = 0; (option = option_at(r->verb, i)); i++)
        if (letter ? option->letter == letter : strlen(option->name) == length && !memcmp(option->name, name, length))
            return option;
    return NULL;
}

static bool unknown(reader *r, const char *word)
{
    char name[LONGEST_NAME + 1] = "";
    const char *names[64];
    size_t count = 0;
    strncat(name, word + 2, strcspn(word + 2, "=") < LONGEST_NAME ? strcspn(word + 2, "=") : LONGEST_NAME);
    const cli_option *option;
    while ((option = option_at(r->verb, count))) names[count++] = option->name;
    const char *nearest = cli_nearest(name, names, count, sizeof *names);
    if (nearest) return wrong(r, "there is no option --%s; did you mean --%s?", name, nearest);
    return wrong(r, "there is no option --%s", name);
}

static bool is_bounded(const cli_option *option)
{
    return option->min != 0 || option->max != 0;
}

static bool unexpected_number(reader *r, const cli_option *option, const char *text, const char *what)
{
    char bounds[80] = "";
    if (is_bounded(option) && option->max >= 1e30)
        snprintf(bounds, sizeof bounds, option->min < 1e-20 ? " above 0" : " from %.10g", option->min);
    else if (is_bounded(option))
        snprintf(bounds, sizeof bounds, " from %.10g to %.10g", option->min, option->max);
    return wrong(r, "--%s %s: expected a %s%s", option->name, text, what, bounds);
}

static bool is_within(const cli_option *option, double value)
{
    return !is_bounded(option) || (value >= option->min && value <= option->max);
}

static bool read_int(reader *r, const cli_option *option, const char *text, int *out)
{
    char *end;
    errno = 0;
    const long value = strtol(text, &end, 10);
    if (end == text || *end || errno || value < INT_MIN || value > INT_MAX || !is_within(option, (double)value))
        return unexpected_number(r, option, text, "whole number");
    *out = (int)value;
    return true;
}

static bool read_real(reader *r, const cli_option *option, const char *text, double *out)
{
    char *end;
    const double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value) || !is_within(option, value))
        return unexpected_number(r, option, text, "number");
    *out = value;
    return true;
}

static bool append(reader *r, const cli_option *option, const char *text, const char **list)
{
    for (int i = 0; i < CLI_TEXTS; i++)
        if (!list[i]) {
            list[i] = text;
            return true;
        }
    return wrong(r, "--%s: given more than %d times", option->name, CLI_TEXTS);
}

/* "fast|direct": one of these words. */
static bool is_choice(const char *choices, const char *text)
{
    const size_t length = strlen(text);
    for (const char *word = choices; word; word = strchr(word, '|') ? strchr(word, '|') + 1 : NULL)
        if (strcspn(word, "|") == length && !memcmp(word, text, length)) return true;
    return false;
}

static void *place_of(const reader *r, const cli_option *option)
{
    return (char *)r->settings + option->offset; /* cli_settings comes first, so its rows have the same offsets */
}

static bool store(reader *r, const cli_option *option, const char *text)
{
    void *place = place_of(r, option);
    switch (option->type) {
    case CLI_FLAG:
        *(bool *)place = true;
        return true;
    case CLI_INT:
        return read_int(r, option, text, place);
    case CLI_REAL:
        return read_real(r, option, text, place);
    case CLI_LIST:
        return append(r, option, text, place);
    case CLI_TEXT:
        break;
    }
    if (!*text) return wrong(r, "--%s: %s is empty", option->name, option->argument);
    if (strchr(option->argument, '|') && !is_choice(option->argument, text))
        return wrong(r, "--%s %s: expected %s", option->name, text, option->argument);
    *(const char **)place = text;
    return true;
}

/* The argument stands in the same word, or is the next one whatever it begins with. */
static bool take(reader *r, const cli_option *option, const char *attached)
{
    if (option->type == CLI_FLAG && attached) return wrong(r, "--%s takes no argument", option->name);
    if (option->type == CLI_FLAG) return store(r, option, NULL);
    if (!attached && r->at >= r->count && *option->argument == '[') { /* it may be left out, at the end */
        *(const char **)place_of(r, option) = "";
        return true;
    }
    if (!attached && r->at >= r->count) return wrong(r, "--%s: %s is missing", option->name, option->argument);
    return store(r, option, attached ? attached : r->words[r->at++]);
}

static bool read_word(reader *r, const char *word)
{
    if (!*word) return wrong(r, "an argument is empty");
    if (word[0] != '-' || !word[1]) {
        r->arguments[r->argument_count++] = word;
        return true;
    }
    if (word[1] == '-') {
        const size_t length = strcspn(word + 2, "=");
        const cli_option *option = find(r, word + 2, length, 0);
        return option ? take(r, option, word[2 + length] ? word + 3 + length : NULL) : unknown(r, word);
    }
    const cli_option *option = find(r, NULL, 0, word[1]);
    if (!option) return wrong(r, "there is no option -%c", word[1]);
    return take(r, option, word[2] ? word + 2 : NULL);
}

static bool check_count(reader *r)
{
    const cli_verb *verb = r->verb;
    if (r->argument_count < verb->least) return wrong(r, "expected %s", verb->arguments);
    if (verb->most >= 0 && r->argument_count > verb->most)
        return wrong(r, "'%s' is one argument too many; expected %s", r->arguments[verb->most], verb->arguments);
    return true;
}

bool cli_read_options(const cli_verb *verb, int count, char *const *words, void *settings, char *message, size_t size)
{
    cli_settings *common = settings;
    reader r = {.verb = verb, .settings = settings, .words = words, .count = count, .message = message, .size = size};
    if (verb->defaults) memcpy(settings, verb->defaults, verb->settings_size);
    r.arguments = calloc((size_t)count + 1, sizeof *r.arguments);
    common->arguments = r.arguments;
    if (!r.arguments) return wrong(&r, "no memory");
    while (r.at < count) {
        const char *word = words[r.at++];
        if (strcmp(word, "--") == 0) {
            while (r.at < count) r.arguments[r.argument_count++] = words[r.at++];
        } else if (!read_word(&r, word)) {
            return false;
        }
    }
    common->count = r.argument_count;
    return common->help || check_count(&r);
}

/* ---- help ---- */

static void print_option(const cli_option *option)
{
    enum { COLUMN = 27 };
    char left[64];
    const bool has = option->argument != NULL;
    if (option->letter)
        snprintf(left, sizeof left, "-%c, --%s%s%s", option->letter, option->name, has ? " " : "",
                 has ? option->argument : "");
    else
        snprintf(left, sizeof left, "--%s%s%s", option->name, has ? " " : "", has ? option->argument : "");
    if (strlen(left) > COLUMN)
        printf("  %s\n  %*s %s\n", left, COLUMN, "", option->help);
    else
        printf("  %-*s %s\n", COLUMN, left, option->help);
}

void cli_print_help(const cli_verb *verb)
{
    printf("cornu %s %s\n\n%s.\n\n", verb->name, verb->arguments, verb->summary);
    const cli_option *option;
    for (size_t i = 0; (option = option_at(verb, i)); i++) print_option(option);
    if (verb->details) printf("\n%s", verb->details);
}

/* ---- lists in one text ---- */

int cli_split(const char *text, char *buffer, size_t size, const char **pieces, int most)
{
    int count = 0, depth = 0;
    char quote = 0;
    if (strlen(text) >= size) return -1;
    strcpy(buffer, text);
    for (char *c = buffer, *begin = buffer;; c++) {
        const char is = *c;
        if (quote)
            quote = is == quote ? 0 : quote;
        else if (is == '"' || is == '\'')
            quote = is;
        else if (is == '(' || is == '[')
            depth++;
        else if (is == ')' || is == ']')
            depth--;
        if (is && (is != ',' || depth > 0 || quote)) continue;
        *c = 0;
        if (count == most) return -1;
        pieces[count++] = begin;
        begin = c + 1;
        if (!is) return count;
    }
}
