/* SPDX-License-Identifier: Apache-2.0
 * cornu filter: a convolution on a picture. */
#include "cli/command.h"

#include <cornu/explain.h>

#include <string.h>

typedef struct settings {
    cli_settings common;
    const char *kernel, *border, *output;
    bool show, dark, list;
} settings;

static const settings defaults = {.border = "edge"};

#define SETTINGS settings
static const cli_option options[] = {
    CLI_OPTION(kernel, "kernel", 'k', "K", 0, 0, "a name (--list), or rows of numbers: '0 -1 0; -1 5 -1; 0 -1 0'"),
    CLI_OPTION(border, "border", 0, "B", 0, 0, "cells outside: edge (as given), zero, reflect; valid: none"),
    CLI_OPTION(output, "output", 'o', "OUT.png", 0, 0, "where the result goes"),
    CLI_OPTION(show, "show", 0, NULL, 0, 0, "draw kernel, window and result side by side: OUT.svg, .png or .pdf"),
    CLI_OPTION(dark, "dark", 0, NULL, 0, 0, "--show on a dark page"),
    CLI_OPTION(list, "list", 0, NULL, 0, 0, "print the kernels that have names"),
};

static int print_kernels(void)
{
    const char *name, *numbers, *help;
    for (int i = 0; cn_filter_kernel(i, &name, &numbers, &help); i++)
        printf("%-10s  %s\n            %s\n", name, help, numbers);
    return CLI_DONE;
}

static int run(const void *given)
{
    const settings *s = given;
    if (s->list) return print_kernels();
    if (s->common.count != 1) return cli_misuse(&cli_filter, "one picture is expected");
    if (!s->kernel) return cli_misuse(&cli_filter, "--kernel K is missing: a name (--list) or rows of numbers");
    if (!s->output) return cli_misuse(&cli_filter, "-o OUT.png is missing: where the result goes");
    const size_t length = strlen(s->output);
    if (!s->show && (length < 4 || strcmp(s->output + length - 4, ".png") != 0))
        return cli_misuse(&cli_filter, "%s: the result is a PNG; give a name that ends in .png", s->output);
    if (!cli_prepare(&s->common, -1) || !cli_can_replace(s->output)) return CLI_FAILED;
    const cn_filter_options how = {.struct_size = sizeof how, .kernel = s->kernel, .border = s->border};
    const char *error;
    const char *image = s->common.arguments[0];
    const cn_status status =
        s->show ? cn_filter_draw(image, s->output, &how, s->dark, &error) : cn_filter(image, s->output, &how, &error);
    if (status == CN_ERR_INVALID) return cli_misuse(&cli_filter, "%s", error);
    return status ? cli_fail(status, error) : CLI_DONE;
}

const cli_verb cli_filter = {
    .name = "filter",
    .arguments = "IMAGE --kernel K -o OUT.png",
    .summary = "Blurs, sharpens, embosses a picture, finds edges, or takes your own kernel",
    .details = "The kernel goes over the picture as Conv2D's does: a correlation, the kernel is not\n"
               "flipped.  Every channel by itself, in float, rounded to the nearest whole number and\n"
               "clipped to 0..255; alpha stays.  Numbers may be fractions: 1/9.\n"
               "\n"
               "Example: cornu filter photo.jpg --kernel sharpen -o sharp.png\n"
               "         cornu filter photo.jpg --kernel '-1 0 1; -2 0 2; -1 0 1' --border zero -o x.png\n",
    CLI_OPTIONS(options),
    .defaults = &defaults,
    .settings_size = sizeof(settings),
    .least = 0,
    .most = 1,
    .run = run,
};
