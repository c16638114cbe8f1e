/* SPDX-License-Identifier: Apache-2.0
 * cornu convert: from one format to another, by suffix. */
#include "cli/command.h"

typedef struct settings {
    cli_settings common;
    const char *weights;
    double seed;
} settings;

static const settings defaults = {.seed = -1};

#define SETTINGS settings
static const cli_option options[] = {
    CLI_OPTION(weights, "weights", 0, "FILE", 0, 0, "take the weights from a .weights.h5 (or .keras)"),
    CLI_OPTION(seed, "seed", 0, "S", 0, 4294967295.0,
               "the initial weights of a configuration, as Keras' with this seed"),
};

static int run(const void *given)
{
    const settings *s = given;
    if (!cli_prepare(&s->common, s->seed)) return CLI_FAILED;
    cn_model *model = cli_load_model(s->common.arguments[0], s->weights, false);
    if (!model) return CLI_FAILED;
    const int status = cn_save(model, s->common.arguments[1]) ? cli_fail_model(model) : CLI_DONE;
    cn_model_free(model);
    return status;
}

const cli_verb cli_convert = {
    .name = "convert",
    .arguments = "MODEL OUT",
    .summary = "Writes a model in another format: .keras, .weights.h5, .json, .npz",
    .details = "OUT.keras       everything, with the state of the optimizer\n"
               "OUT.weights.h5  the weights, for Keras' load_weights\n"
               "OUT.json        the configuration, as Keras' to_json writes it\n"
               "OUT.npz         the weights as arrays 0, 1, 2, ... in the order of get_weights()\n"
               "\n"
               "Example: cornu convert fashion.keras weights.npz\n",
    CLI_OPTIONS(options),
    .defaults = &defaults,
    .settings_size = sizeof(settings),
    .least = 2,
    .most = 2,
    .run = run,
};
