/* SPDX-License-Identifier: Apache-2.0
 * What the verbs share: exit statuses, messages, models, output. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "cli/options.h"

#include <cornu/cornu.h>
#include <cornu/data.h>

#include <stdio.h>

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USED_WRONGLY = 2, CLI_INTERRUPTED = 75 };

extern const cli_verb cli_summary, cli_train, cli_evaluate, cli_predict, cli_convert, cli_explain, cli_filter,
    cli_bench, cli_help;

const cli_verb *cli_find_verb(const char *name);
const char *cli_nearest_verb(const char *name);
void cli_print_overview(void);

/** "cornu: TEXT [E_NAME]" on standard error; returns CLI_FAILED. */
int cli_fail(cn_status status, const char *text);
/** The same with what a model has to say. */
int cli_fail_model(const cn_model *model);
/** "cornu: VERB: TEXT  (cornu VERB --help)" on standard error; returns CLI_USED_WRONGLY. */
int cli_misuse(const cli_verb *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** "cornu: TEXT" on standard error unless quiet. */
void cli_say(const cli_settings *settings, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Before a verb: what is wrong or without effect in --math, --plan and --plan-file.  An exit status. */
int cli_check_plan(const cli_verb *verb, const cli_settings *settings);
/** keras.json, threads, plan file, seed (negative: none).  False after telling what is wrong. */
bool cli_prepare(const cli_settings *settings, double seed);
/** After a verb that answered `status`: writes what was measured to the plan file.  The status to end with. */
int cli_finish(const cli_settings *settings, int status);

/** A model, with other weights when `weights` is not NULL; `predict_only` as in cn_load_options.  NULL after telling
 * what is wrong. */
cn_model *cli_load_model(const char *path, const char *weights, bool predict_only);

/** The same for the first argument of a verb that needs a trained one: says so when it cannot be. */
cn_model *cli_load_trained(const cli_settings *settings, const char *weights);

/** Reads --scale: a number or a fraction, 1/255; NULL: 0.  False after telling. */
bool cli_read_scale(const cli_verb *verb, const char *text, double *scale);
#define CLI_SCALE_HELP "multiply the inputs: 1/255 for a model that takes pixels from 0 to 1"

#define CLI_RAW_PIXELS                                                                                                 \
    "the pixels go in as 0 to 255, and no layer of the model scales them: one that was trained on 0 to 1 needs "       \
    "--scale 1/255"

/** Whether an input holds pixels above 1 and no layer of the model scales them. */
bool cli_takes_raw_pixels(const cn_model *model, const cn_array *x);

/** Says so when --scale meets a model with a Rescaling of its own. */
void cli_tell_scaled_twice(const cli_settings *settings, const cn_model *model, double scale);

/** A data set for a model; `scale` as in cn_dataset_options; notes are told.  NULL after telling what is wrong. */
cn_dataset *cli_load_data(const cli_settings *settings, const char *spec, const cn_model *model, double scale);

/** Whether there are as many names as an output of the model has classes; an output of one value has two.  `spec`:
 * where they come from.  False after telling. */
bool cli_check_names(const char *spec, const cn_dataset *names, const cn_model *model);

/** Whether a file can be written where `path` says, asked before long work, and whether it can be put there in one
 * step, as all but logs are.  False after telling. */
bool cli_can_write(const char *path);
bool cli_can_replace(const char *path);

/** The nearest folder above a file that is there: those between will be made. */
void cli_existing_folder(const char *path, char folder[4096]);

/** A text and a number as JSON has them (NaN and Infinity as Python writes them). */
void cli_json_text(FILE *to, const char *text);
void cli_json_real(FILE *to, double value);

/** Whether a text, which may be NULL, is sizes of inputs: "224x224x3,10". */
bool cli_are_sizes(const char *text);

/** Text from a file for a terminal: control characters are shown as "?". */
void cli_print_text(FILE *to, const char *text);

/** Columns of the terminal that standard output is; 80 when it is none. */
int cli_columns(void);

/** Values in one row of an array. */
int64_t cli_row_size(const cn_array *array);

#endif
