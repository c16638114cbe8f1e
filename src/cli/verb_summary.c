/* SPDX-License-Identifier: Apache-2.0
 * cornu summary: Keras' table. */
#include "cli/command.h"

#include <inttypes.h>

typedef struct settings {
    cli_settings common;
    bool expand_nested, show_trainable, json;
    int width;
} settings;

#define SETTINGS settings
static const cli_option options[] = {
    CLI_OPTION(expand_nested, "expand-nested", 0, NULL, 0, 0, "show the layers of models within the model"),
    CLI_OPTION(show_trainable, "show-trainable", 0, NULL, 0, 0, "show which layers are trained"),
    CLI_OPTION(width, "width", 0, "N", 40, 1000, "columns (those of the terminal; 80 where there is none)"),
    CLI_OPTION(json, "json", 0, NULL, 0, 0, "the layers as JSON"),
};

static int print_json(cn_model *model)
{
    fputs("{\"name\": ", stdout);
    cli_json_text(stdout, cn_model_name(model));
    fputs(", \"layers\": [", stdout);
    for (int i = 0; i < cn_layer_count(model); i++) {
        const cn_layer *layer = cn_layer_at(model, i);
        fputs(i ? ", {\"name\": " : "{\"name\": ", stdout);
        cli_json_text(stdout, cn_layer_name(layer));
        fputs(", \"class_name\": ", stdout);
        cli_json_text(stdout, cn_layer_class(layer));
        printf(", \"params\": %" PRId64 ", \"trainable\": %s}", cn_layer_count_params(layer),
               cn_layer_trainable(layer) ? "true" : "false");
    }
    printf("], \"params\": %" PRId64 "}\n", cn_count_params(model));
    return CLI_DONE;
}

static int print_table(cn_model *model, const settings *s)
{
    const cn_summary_options how = {.struct_size = sizeof how,
                                    .width = s->width ? s->width : cli_columns(),
                                    .expand_nested = s->expand_nested,
                                    .show_trainable = s->show_trainable};
    const char *text = cn_summary(model, &how);
    if (!text) return cli_fail_model(model);
    fputs(text, stdout);
    return CLI_DONE;
}

static int run(const void *given)
{
    const settings *s = given;
    if (!cli_prepare(&s->common, -1)) return CLI_FAILED;
    cn_model *model = cli_load_model(s->common.arguments[0], NULL, false);
    if (!model) return CLI_FAILED;
    const int status = s->json ? print_json(model) : print_table(model, s);
    cn_model_free(model);
    return status;
}

const cli_verb cli_summary = {
    .name = "summary",
    .arguments = "MODEL",
    .summary = "Shows the layers of a model, their output shapes and parameters, as Keras does",
    .details = "Example: cornu summary fashion.keras\n",
    CLI_OPTIONS(options),
    .settings_size = sizeof(settings),
    .least = 1,
    .most = 1,
    .run = run,
};
