/* SPDX-License-Identifier: Apache-2.0
 * Options from tables: one row gives the name, the type, the bounds and the line of help.
 *
 *     typedef struct settings { cli_settings common; int epochs; const char *data; } settings;
 *     #define SETTINGS settings
 *     static const cli_option options[] = {
 *         CLI_OPTION(data, "data", 0, "D", 0, 0, "what to train on"),
 *         CLI_OPTION(epochs, "epochs", 0, "N", 1, 1e6, "passes over the data (1)"),
 *     };
 *
 * The type follows from the member: bool is a flag, int, double and const char * take an argument, an array of texts
 * may be given several times. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum { CLI_TEXTS = 16 }; /* of one option that may be given several times */

typedef enum cli_type { CLI_FLAG, CLI_INT, CLI_REAL, CLI_TEXT, CLI_LIST } cli_type;

typedef struct cli_option {
    const char *name;     /* without the two hyphens */
    char letter;          /* of the short form; 0: none */
    const char *argument; /* how the help calls it, or its choices: "fast|direct"; NULL for a flag */
    cli_type type;
    size_t offset;   /* in the verb's settings */
    double min, max; /* of a number; both 0: any */
    const char *help;
} cli_option;

#define CLI_TYPE_OF_(m)                                                                                                \
    _Generic(&((SETTINGS *)0)->m,                                                                                      \
        bool *: CLI_FLAG,                                                                                              \
        int *: CLI_INT,                                                                                                \
        double *: CLI_REAL,                                                                                            \
        const char **: CLI_TEXT,                                                                                       \
        const char *(*)[CLI_TEXTS]: CLI_LIST)
#define CLI_OPTION(m, name_, letter_, argument_, min_, max_, help_)                                                    \
    {                                                                                                                  \
        name_, letter_, argument_, CLI_TYPE_OF_(m), offsetof(SETTINGS, m), min_, max_, help_                           \
    }

/** What every verb knows, or every one that computes convolutions; the first member of its settings. */
typedef struct cli_settings {
    int threads;
    const char *math;             /* NULL: fast */
    const char *plan, *plan_file; /* NULL: estimate; none */
    bool quiet, help;
    int count; /* arguments that are no options */
    const char *const *arguments;
} cli_settings;

typedef struct cli_verb {
    const char *name, *arguments; /* "train", "MODEL --data D" */
    const char *summary;          /* one line, for the list of verbs */
    const char *details;          /* for `cornu VERB --help`, below the options */
    const cli_option *options;
    size_t option_count;
    const void *defaults; /* settings to begin with */
    size_t settings_size;
    bool convolves;  /* knows the options of cli_settings that tell how convolutions are computed */
    int least, most; /* arguments */
    int (*run)(const void *settings);
} cli_verb;
#define CLI_OPTIONS(rows) .options = (rows), .option_count = sizeof(rows) / sizeof *(rows)

/** Reads the arguments after the verb into settings, which begin as the verb's defaults.  False when they are wrong:
 *  the reason, one line, is then in `message`. */
bool cli_read_options(const cli_verb *verb, int count, char *const *words, void *settings, char *message, size_t size);

/** Prints the help of a verb to standard output. */
void cli_print_help(const cli_verb *verb);

/** The one of some names that a word was probably meant to be, or NULL.  `stride`: bytes from one name to the next. */
const char *cli_nearest(const char *word, const char *const *first, size_t count, size_t stride);

/** Splits a text at its outer commas, in place of "(", "[" and quotes: accuracy,top_k(3).  The pieces are written into
 *  `buffer`.  Returns their number, -1 when they are more than `most` or do not fit. */
int cli_split(const char *text, char *buffer, size_t size, const char **pieces, int most);

#endif
