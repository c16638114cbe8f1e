/* SPDX-License-Identifier: Apache-2.0
 * cornu help: of verbs, and of every name that Cornu knows. */
#include "cli/command.h"

#include <string.h>

static int unknown(const char *name, const char *nearest)
{
    if (!nearest) nearest = cli_nearest_verb(name);
    fprintf(stderr, "cornu: help: there is nothing called '%s'%s%s%s  (cornu help names)\n", name,
            nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    return CLI_USED_WRONGLY;
}

static int run(const void *given)
{
    const cli_settings *s = given;
    const char *nearest = NULL;
    if (!s->count) {
        cli_print_overview();
        return CLI_DONE;
    }
    const cli_verb *verb = cli_find_verb(s->arguments[0]);
    if (verb) {
        cli_print_help(verb);
        return CLI_DONE;
    }
    const bool all = strcmp(s->arguments[0], "names") == 0;
    char *text = cn_describe(all ? NULL : s->arguments[0], &nearest);
    if (!text) return unknown(s->arguments[0], nearest);
    fputs(text, stdout);
    cn_text_free(text);
    return CLI_DONE;
}

const cli_verb cli_help = {
    .name = "help",
    .arguments = "[VERB|NAME]",
    .summary = "Tells about a verb, a layer, an optimizer, a loss and all that has a name",
    .details = "Examples: cornu help train, cornu help Conv2D, cornu help adam, cornu help names\n",
    .settings_size = sizeof(cli_settings),
    .least = 0,
    .most = 1,
    .run = run,
};
