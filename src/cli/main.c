/* SPDX-License-Identifier: Apache-2.0
 * The command: a table of verbs, each a file of its own. */
#include "cli/command.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In the order of the list that `cornu help` prints. */
static const cli_verb *const verbs[] = {
    &cli_explain, &cli_summary, &cli_train, &cli_evaluate, &cli_predict,
    &cli_convert, &cli_filter,  &cli_bench, &cli_help,     NULL,
};
enum { VERBS = sizeof verbs / sizeof *verbs - 1 };

const cli_verb *cli_find_verb(const char *name)
{
    for (size_t i = 0; i < VERBS; i++)
        if (strcmp(verbs[i]->name, name) == 0) return verbs[i];
    return NULL;
}

const char *cli_nearest_verb(const char *name)
{
    const char *names[VERBS];
    for (size_t i = 0; i < VERBS; i++) names[i] = verbs[i]->name;
    return cli_nearest(name, names, VERBS, sizeof *names);
}

void cli_print_overview(void)
{
    puts("cornu: Keras' convolutional networks, without Python\n");
    for (size_t i = 0; i < VERBS; i++) {
        char left[64];
        snprintf(left, sizeof left, "cornu %-8s %s", verbs[i]->name, verbs[i]->arguments);
        printf("  %-45s %s\n", left, verbs[i]->summary);
    }
    puts("\n"
         "MODEL is a .keras file, a configuration (.json), or Keras or PyTorch code: model.py, '-', or the code "
         "itself.\n"
         "D is fashion-mnist, mnist:DIR, cifar10:DIR, images:DIR (a folder of pictures for each class) or FILE.npz\n"
         "with arrays x_train, y_train, x_test, y_test.\n"
         "\n"
         "  cornu VERB --help     the options of a verb\n"
         "  cornu help Conv2D     the arguments of a layer, optimizer, loss, activation, ...; cornu help names lists "
         "them\n"
         "  cornu --version\n"
         "\n"
         "Exit status: 0 done, 1 failed, 2 used wrongly, 75 interrupted but resumable.");
}

static int run(const cli_verb *verb, int count, char *const *words)
{
    char message[600];
    int status;
    void *settings = calloc(1, verb->settings_size);
    if (!settings) return cli_fail(CN_ERR_MEMORY, "no memory");
    if (!cli_read_options(verb, count, words, settings, message, sizeof message)) {
        status = cli_misuse(verb, "%s", message);
    } else if (((cli_settings *)settings)->help) {
        cli_print_help(verb);
        status = CLI_DONE;
    } else {
        status = cli_check_plan(verb, settings);
        if (status == CLI_DONE) status = cli_finish(settings, verb->run(settings));
    }
    free((void *)((cli_settings *)settings)->arguments);
    free(settings);
    return status;
}

static int unknown(const char *word)
{
    static const char *const options[] = {"--help", "--version"};
    const bool is_option = *word == '-';
    const char *nearest = is_option ? cli_nearest(word, options, 2, sizeof *options) : cli_nearest_verb(word);
    const char *what = is_option ? "option" : "verb";
    fprintf(stderr, "cornu: there is no %s '%s'%s%s%s  (cornu --help)\n", what, word, nearest ? "; did you mean '" : "",
            nearest ? nearest : "", nearest ? "'?" : "");
    return CLI_USED_WRONGLY;
}

static int start(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        cli_print_overview();
        return CLI_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("cornu %s\n", cn_version());
        return CLI_DONE;
    }
    const cli_verb *verb = cli_find_verb(argv[1]);
    return verb ? run(verb, argc - 2, argv + 2) : unknown(argv[1]);
}

/* "cornu explain model.py | head": who reads no further wants no message about it. */
static bool reader_left(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return errno == EPIPE || (poll(&out, 1, 0) > 0 && out.revents & POLLERR);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a reader that goes away ends no program in the middle of a file */
    const int status = start(argc, argv);
    errno = 0;
    if (ferror(stdout) || fflush(stdout) || ferror(stdout)) {
        if (reader_left()) return CLI_FAILED;
        const char *reason = errno ? strerror(errno) : "an earlier write failed (a full disk?)";
        fprintf(stderr, "cornu: cannot write to standard output: %s [E_IO]\n", reason);
        return CLI_FAILED;
    }
    return status;
}
