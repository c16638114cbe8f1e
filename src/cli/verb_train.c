/* SPDX-License-Identifier: Apache-2.0
 * cornu train: Keras' fit, from files to a file. */
#include "cli/command.h"
#include "cli/progress.h"

#include <cornu/explain.h>

#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/statvfs.h>

enum { NOT_GIVEN = -1, TEXT = 4000 };

typedef struct settings {
    cli_settings common;
    const char *data, *weights, *scale;
    int epochs, batch_size, initial_epoch, steps_per_epoch, validation_freq;
    bool no_shuffle, no_validation;
    double seed, validation_split, learning_rate;
    const char *optimizer;
    const char *losses[CLI_TEXTS], *metrics[CLI_TEXTS];
    const char *class_weight;
    int early_stopping, reduce_lr;
    bool restore_best, save_best, no_check;
    const char *monitor, *checkpoint, *csv_log;
    const char *output, *history, *plot;
} settings;

/* 0, or NOT_GIVEN where 0 means something: what the text's model.fit(...) says, or Keras' default. */
static const settings defaults = {.initial_epoch = NOT_GIVEN,
                                  .validation_split = NOT_GIVEN,
                                  .seed = NOT_GIVEN,
                                  .early_stopping = NOT_GIVEN,
                                  .reduce_lr = NOT_GIVEN};

#define SETTINGS settings
static const cli_option options[] = {
    CLI_OPTION(data, "data", 'd', "D", 0, 0, "fashion-mnist, mnist:DIR, cifar10:DIR, images:DIR or FILE.npz; required"),
    CLI_OPTION(output, "output", 'o', "OUT.keras", 0, 0, "where the trained model goes, with the optimizer's state"),
    CLI_OPTION(epochs, "epochs", 'e', "N", 1, 1e9, "passes over the data (as the text says, else 1)"),
    CLI_OPTION(batch_size, "batch-size", 'b', "B", 1, 1e7, "pictures in one step (as the text says, else 32)"),
    CLI_OPTION(optimizer, "optimizer", 0, "TEXT", 0, 0,
               "instead of the compiled one: adam, sgd(0.01, momentum=0.9), ..."),
    CLI_OPTION(losses, "loss", 0, "TEXT", 0, 0, "instead of the compiled one; several outputs: one each, with commas"),
    CLI_OPTION(metrics, "metrics", 0, "LIST", 0, 0,
               "instead of the compiled ones: accuracy,SparseTopKCategoricalAccuracy(3)"),
    CLI_OPTION(learning_rate, "learning-rate", 0, "X", 1e-30, 1e30, "the optimizer's learning rate from here on"),
    CLI_OPTION(seed, "seed", 0, "S", 0, 4294967295.0, "initial weights, dropout and order as Keras' with this seed"),
    CLI_OPTION(scale, "scale", 0, "X", 0, 0, CLI_SCALE_HELP),
    CLI_OPTION(no_shuffle, "no-shuffle", 0, NULL, 0, 0, "take the data in the order of the file"),
    CLI_OPTION(validation_split, "validation-split", 0, "X", 0, 1, "validate on this part, from the tail of the data"),
    CLI_OPTION(no_validation, "no-validation", 0, NULL, 0, 0, "do not measure on the test data after each epoch"),
    CLI_OPTION(validation_freq, "validation-freq", 0, "N", 1, 1e9, "validate after every N-th epoch (1)"),
    CLI_OPTION(class_weight, "class-weight", 0, "LIST", 0, 0, "weights of classes in the loss: 0:1,3:2.5"),
    CLI_OPTION(early_stopping, "early-stopping", 0, "N", 0, 1e9, "stop when N epochs bring no improvement"),
    CLI_OPTION(restore_best, "restore-best", 0, NULL, 0, 0, "with early stopping: keep the best epoch's weights"),
    CLI_OPTION(reduce_lr, "reduce-lr", 0, "N", 0, 1e9, "learning rate x 0.1 when N epochs bring no improvement"),
    CLI_OPTION(monitor, "monitor", 0, "NAME", 0, 0, "what counts as improvement (val_loss, or loss)"),
    CLI_OPTION(checkpoint, "checkpoint", 0, "PATH", 0, 0, "save after every epoch: best.keras, at-{epoch:02d}.keras"),
    CLI_OPTION(save_best, "save-best", 0, NULL, 0, 0, "with a checkpoint: only when it is the best so far"),
    CLI_OPTION(csv_log, "csv-log", 0, "FILE", 0, 0, "a line of numbers for every epoch"),
    CLI_OPTION(history, "history", 0, "H.json", 0, 0, "Keras' History.history and \"epoch\", as JSON"),
    CLI_OPTION(plot, "plot", 0, "P.png", 0, 0, "the curves of loss and metrics (.png, .svg, .pdf)"),
    CLI_OPTION(weights, "weights", 0, "FILE", 0, 0, "begin with the weights of a .weights.h5 (or .keras)"),
    CLI_OPTION(initial_epoch, "initial-epoch", 0, "N", 0, 1e9,
               "number of the first epoch, to go on with a training (0)"),
    CLI_OPTION(steps_per_epoch, "steps-per-epoch", 0, "N", 1, 1e9, "batches in an epoch (all)"),
    CLI_OPTION(no_check, "no-check", 0, NULL, 0, 0, "go on when data or loss are not finite, as Keras does"),
};

/* ---- interruption: the first signal asks for an end after the batch, the second one ends at once ---- */

static volatile int interrupted; /* a signal handler can reach nothing else */

static void on_signal(int number)
{
    if (interrupted) {
        signal(number, SIG_DFL);
        raise(number);
    }
    interrupted = number;
}

static void catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGXCPU};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction old;
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) sigaction(numbers[i], &action, NULL);
    }
}

/* ---- what the options say ---- */

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcasecmp(text + length - tail, end) == 0;
}

static int check_epochs(const settings *s)
{
    if (!s->epochs || s->initial_epoch < s->epochs) return CLI_DONE;
    return cli_misuse(&cli_train, "--initial-epoch %d: --epochs %d is the number of the last one, so nothing is left",
                      s->initial_epoch, s->epochs);
}

static int check_usage(const settings *s)
{
    if (!s->data) return cli_misuse(&cli_train, "--data is missing: what to train on");
    if (s->output && !ends_with(s->output, ".keras") && !ends_with(s->output, ".weights.h5"))
        return cli_misuse(&cli_train, "-o %s: expected a name that ends in .keras (or .weights.h5)", s->output);
    if (s->plot && !ends_with(s->plot, ".png") && !ends_with(s->plot, ".svg") && !ends_with(s->plot, ".pdf"))
        return cli_misuse(&cli_train, "--plot %s: expected a name that ends in .png, .svg or .pdf", s->plot);
    if (s->checkpoint && !ends_with(s->checkpoint, ".keras") && !ends_with(s->checkpoint, ".weights.h5"))
        return cli_misuse(&cli_train, "--checkpoint %s: expected a name that ends in .keras (or .weights.h5)",
                          s->checkpoint);
    if (s->restore_best && s->early_stopping < 0)
        return cli_misuse(&cli_train, "--restore-best goes with --early-stopping N");
    if (s->monitor && s->early_stopping < 0 && s->reduce_lr < 0 && !s->save_best)
        return cli_misuse(&cli_train, "--monitor goes with --early-stopping, --reduce-lr or --save-best");
    if (s->save_best && !s->checkpoint) return cli_misuse(&cli_train, "--save-best goes with --checkpoint PATH");
    return check_epochs(s);
}

/* ---- what the text says, where the model comes from one ---- */

/* The names of what is given here. */
static const char *given_names(const settings *s, char names[200])
{
    const struct {
        const char *name;
        bool given;
    } all[] = {{"epochs", s->epochs > 0},
               {"batch_size", s->batch_size > 0},
               {"initial_epoch", s->initial_epoch >= 0},
               {"steps_per_epoch", s->steps_per_epoch > 0},
               {"validation_freq", s->validation_freq > 0},
               {"validation_split", s->validation_split >= 0},
               {"shuffle", s->no_shuffle},
               {"class_weight", s->class_weight != NULL}};
    *names = '\0';
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].given) strcat(strcat(names, all[i].name), ",");
    return names;
}

static int first_of(int given, int text, int otherwise)
{
    return given ? given : text ? text : otherwise;
}

static int take_text(settings *s, cn_model *model, cn_fit_args *text)
{
    char names[200];
    if (cn_fit_from_text(model, given_names(s, names), text)) return cli_fail_model(model);
    s->epochs = first_of(s->epochs, text->epochs, 1);
    s->batch_size = first_of(s->batch_size, text->batch_size, 32);
    s->steps_per_epoch = first_of(s->steps_per_epoch, text->steps_per_epoch, 0);
    s->validation_freq = first_of(s->validation_freq, text->validation_freq, 0);
    if (s->initial_epoch < 0) s->initial_epoch = text->initial_epoch;
    if (s->validation_split < 0) s->validation_split = text->validation_split;
    s->no_shuffle |= text->no_shuffle;
    return check_epochs(s);
}

/* What is asked for here replaces the text's. */
static int keep_callbacks(const settings *s, cn_fit_args *args)
{
    int count = 0;
    for (int i = 0; i < CN_MAX_ARRAYS && args->callbacks[i]; i++) {
        const char *text = ((const cn_text_args *)(const void *)args->callbacks[i])->text;
        const bool replaced = (s->early_stopping >= 0 && strncmp(text, "EarlyStopping", 13) == 0) ||
                              (s->reduce_lr >= 0 && strncmp(text, "ReduceLROnPlateau", 17) == 0);
        if (!replaced) args->callbacks[count++] = args->callbacks[i];
    }
    for (int i = count; i < CN_MAX_ARRAYS; i++) args->callbacks[i] = NULL;
    return count;
}

/* One list out of texts that may hold several, with commas. */
static bool split_all(const char *const given[CLI_TEXTS], char *buffer, const char **pieces)
{
    int count = 0;
    size_t used = 0;
    for (int i = 0; i < CLI_TEXTS && given[i]; i++) {
        const int more = cli_split(given[i], buffer + used, TEXT - used, pieces + count, CN_MAX_ARRAYS - 1 - count);
        if (more < 0) return false;
        count += more;
        used += strlen(given[i]) + 1;
    }
    return true;
}

static bool read_class_weights(const char *text, cn_class_weight *weights)
{
    for (int i = 0; text && *text && i < 63; i++) {
        char *end;
        const long label = strtol(text, &end, 10);
        if (end == text || (*end != ':' && *end != '=') || label < 0 || label > INT_MAX) return false;
        weights[i].label = (int)label;
        text = end + 1;
        weights[i].weight = strtod(text, &end);
        if (end == text || (*end && *end != ',') || !isfinite(weights[i].weight)) return false;
        if (weights[i].weight < 0) return false;
        if (weights[i].weight == 0) weights[i].weight = CN_ZERO;
        text = *end ? end + 1 : end;
    }
    return !text || !*text;
}

/* ---- compile ---- */

static int compile(const settings *s, cn_model *model, const cn_data *train)
{
    char losses[TEXT], metrics[TEXT];
    const char *chosen;
    cn_compile_args args = {.struct_size = sizeof args};
    if (!split_all(s->losses, losses, args.losses)) return cli_misuse(&cli_train, "--loss: too many");
    if (!split_all(s->metrics, metrics, args.metrics)) return cli_misuse(&cli_train, "--metrics: too many");
    if (args.losses[0] && !args.losses[1]) {
        args.loss = args.losses[0];
        args.losses[0] = NULL;
    }
    const cn_text_args optimizer = {.head = {sizeof optimizer, ""}, .text = s->optimizer};
    if (s->optimizer) args.optimizer = &optimizer.head;
    if (cn_compile_for(model, train, &args, &chosen)) return cli_fail_model(model);
    if (chosen) cli_say(&s->common, "the model was never compiled; chosen for it: %s", chosen);
    if (s->learning_rate > 0 && cn_set_learning_rate(model, s->learning_rate)) return cli_fail_model(model);
    return CLI_DONE;
}

/* ---- fit ---- */

static int set_data(cn_fit_args *args, const settings *s, const cn_model *model, cn_dataset *data)
{
    const cn_data *test = cn_dataset_test(data);
    const char *error;
    cn_data train;
    cn_status status = cn_dataset_suit(data, model, cn_dataset_train(data), &train, &error);
    args->x = train.x;
    args->y = train.y;
    memcpy(args->inputs, train.inputs, sizeof args->inputs);
    memcpy(args->targets, train.targets, sizeof args->targets);
    args->sample_weight = train.sample_weight;
    args->validation_split = s->validation_split;
    if (!status && test && !s->no_validation && s->validation_split <= 0)
        status = cn_dataset_suit(data, model, test, &args->validation, &error);
    return status ? cli_fail(status, error) : CLI_DONE;
}

/* A weight of a class that the output lacks would have no effect, and nobody would miss it. */
static bool fits_classes(const settings *s, const cn_model *model)
{
    cn_class_weight weights[64] = {{0}};
    int64_t shape[CN_MAX_RANK] = {0};
    char text[200];
    if (cn_output_count(model) != 1 || cn_output_shape(model, 0, shape) != 2 || shape[1] < 1) return true;
    const long long classes = shape[1] == 1 ? 2 : (long long)shape[1];
    read_class_weights(s->class_weight, weights);
    for (int i = 0; i < 64 && (weights[i].weight != 0 || signbit(weights[i].weight)); i++) {
        if (weights[i].label < classes) continue;
        snprintf(text, sizeof text, "--class-weight: class %d; the model has classes 0 to %lld", weights[i].label,
                 classes - 1);
        cli_fail(CN_ERR_INVALID, text);
        return false;
    }
    return true;
}

static bool validates(const cn_fit_args *args)
{
    return args->validation_split > 0 || args->validation.x.data || args->validation.inputs[0].data;
}

/* The names of the classes go with the model, so that predict can tell them. */
static void keep_labels(cn_model *model, const cn_dataset *data)
{
    const char *labels[256];
    const int count = cn_dataset_class_count(data);
    if (count < 1 || count > 256) return;
    for (int i = 0; i < count; i++) labels[i] = cn_dataset_class_name(data, i);
    cn_set_labels(model, count, labels);
}

static cn_history *fit(const settings *s, cn_model *model, const cn_dataset *data, const cn_fit_args *prepared,
                       cli_progress *progress)
{
    cn_fit_args args = *prepared;
    args.batch_size = s->batch_size;
    args.epochs = s->epochs;
    args.no_shuffle = s->no_shuffle;
    args.initial_epoch = s->initial_epoch;
    args.steps_per_epoch = s->steps_per_epoch;
    args.validation_freq = s->validation_freq;
    args.check_finite = !s->no_check;
    args.progress = cli_progress_write;
    args.progress_user = progress;
    args.interrupt = &interrupted;
    int count = keep_callbacks(s, &args);
    keep_labels(model, data);
    read_class_weights(s->class_weight, args.class_weight);
    const char *monitor = s->monitor ? s->monitor : validates(&args) ? "val_loss" : "loss";
    const cn_early_stopping_args stopping = {.head = {sizeof stopping, "EarlyStopping"},
                                             .monitor = monitor,
                                             .patience = s->early_stopping ? s->early_stopping : CN_ZERO_INT,
                                             .restore_best_weights = s->restore_best};
    const cn_reduce_lr_on_plateau_args reduce = {.head = {sizeof reduce, "ReduceLROnPlateau"},
                                                 .monitor = monitor,
                                                 .patience = s->reduce_lr ? s->reduce_lr : CN_ZERO_INT};
    const cn_model_checkpoint_args checkpoint = {.head = {sizeof checkpoint, "ModelCheckpoint"},
                                                 .filepath = s->checkpoint,
                                                 .monitor = monitor,
                                                 .save_best_only = s->save_best,
                                                 .save_weights_only =
                                                     s->checkpoint && ends_with(s->checkpoint, ".weights.h5")};
    const cn_csv_logger_args csv = {
        .head = {sizeof csv, "CSVLogger"}, .filename = s->csv_log, .append = s->initial_epoch > 0};
    if (s->early_stopping >= 0) args.callbacks[count++] = &stopping.head;
    if (s->reduce_lr >= 0) args.callbacks[count++] = &reduce.head;
    if (s->checkpoint) args.callbacks[count++] = &checkpoint.head;
    if (s->csv_log) args.callbacks[count++] = &csv.head;
    catch_signals();
    cn_history *history = cn_model_fit(model, &args);
    cli_progress_end(progress);
    return history;
}

/* ---- results ---- */

static int save(const settings *s, cn_model *model, const cn_history *history)
{
    int status = CLI_DONE;
    const char *error;
    cn_status failed;
    if (s->output && cn_save(model, s->output)) status = cli_fail_model(model);
    if (s->history && (failed = cn_history_save(history, s->history, &error))) status = cli_fail(failed, error);
    if (s->plot && (failed = cn_plot_history(history, s->plot, &error))) status = cli_fail(failed, error);
    return status;
}

/* For a shell: in quotes where it is more than letters, digits and the like. */
static void print_word(const char *word)
{
    if (*word &&
        strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,=+@%") == strlen(word)) {
        fprintf(stderr, " %s", word);
        return;
    }
    fputs(" '", stderr);
    for (const char *c = word; *c; c++) fputs(*c == '\'' ? "'\\''" : (char[]){*c, '\0'}, stderr);
    fputc('\'', stderr);
}

static void print_number(double value)
{
    if (value == floor(value))
        fprintf(stderr, "%.0f", value);
    else
        cli_json_real(stderr, value);
}

/* An option as it was given, or as the text says it; nothing where it is the default. */
static void print_option(const settings *s, const cli_option *option)
{
    const char *at = (const char *)s + option->offset, *usual = (const char *)&defaults + option->offset;
    switch (option->type) {
    case CLI_FLAG:
        if (*(const bool *)(const void *)at) fprintf(stderr, " --%s", option->name);
        break;
    case CLI_INT: {
        const int value = *(const int *)(const void *)at;
        if (strcmp(option->name, "batch-size") == 0 && value == 32) break;
        if (value > 0 || (value == 0 && *(const int *)(const void *)usual))
            fprintf(stderr, " --%s %d", option->name, value);
        break;
    }
    case CLI_REAL: {
        const double value = *(const double *)(const void *)at;
        if (value < 0 || (value == 0 && strcmp(option->name, "seed") != 0)) break;
        fprintf(stderr, " --%s ", option->name);
        print_number(value);
        break;
    }
    case CLI_TEXT:
        at = *(const char *const *)(const void *)at;
        if (!at) break;
        fprintf(stderr, " --%s", option->name);
        print_word(at);
        break;
    case CLI_LIST:
        for (const char *const *text = (const void *)at; *text; text++) {
            fprintf(stderr, " --%s", option->name);
            print_word(*text);
        }
        break;
    }
}

static bool is_one_of(const char *name, const char *const *names)
{
    while (*names && strcmp(name, *names) != 0) names++;
    return *names != NULL;
}

/* Weights of classes that the text says: a .keras does not hold them. */
static void print_class_weight(const cn_fit_args *text)
{
    const cn_class_weight *weights = text->class_weight;
    for (int i = 0; i < 64 && (weights[i].weight != 0 || signbit(weights[i].weight)); i++) {
        fprintf(stderr, "%s%d:", i ? "," : " --class-weight ", weights[i].label);
        print_number(fabs(weights[i].weight)); /* CN_ZERO is -0 */
    }
}

/* The command that goes on with what lies in a file. */
static void print_command(const settings *s, const cn_fit_args *text, const char *saved, int epoch)
{
    static const char *const told[] = {"data", "epochs", "initial-epoch", "weights", "output", NULL};
    static const char *const in_the_file[] = {"optimizer", "loss", "metrics", "learning-rate", NULL};
    const bool whole = ends_with(saved, ".keras");
    fputs("cornu train", stderr);
    print_word(whole ? saved : s->common.arguments[0]);
    if (!whole) fputs(" --weights", stderr);
    if (!whole) print_word(saved);
    fputs(" --data", stderr);
    print_word(s->data);
    fprintf(stderr, " --epochs %d --initial-epoch %d", s->epochs, epoch);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (!is_one_of(options[i].name, told) && !(whole && is_one_of(options[i].name, in_the_file)))
            print_option(s, options + i);
    if (whole && !s->class_weight) print_class_weight(text);
    const struct {
        const char *name, *value;
    } common[] = {{"math", s->common.math}, {"plan", s->common.plan}, {"plan-file", s->common.plan_file}};
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
        if (!common[i].value) continue;
        fprintf(stderr, " --%s", common[i].name);
        print_word(common[i].value);
    }
    if (s->common.threads) fprintf(stderr, " --threads %d", s->common.threads);
    if (s->output) fputs(" -o", stderr);
    if (s->output) print_word(s->output);
    fputc('\n', stderr);
    cn_fit_args kept = *text;
    const bool called_back = keep_callbacks(s, &kept) > 0;
    if (whole && (called_back || text->shuffle_batches))
        fprintf(stderr, "cornu: what the text says of %s is not in %s\n",
                called_back ? "callbacks" : "shuffle=\"batch\"", saved);
}

static int tell_interruption(const settings *s, const cn_fit_args *text, const cn_history *history)
{
    int done;
    cn_history_epochs(history, &done);
    const int epoch = s->initial_epoch + done;
    const bool one_file = s->checkpoint && !s->save_best && !strchr(s->checkpoint, '{');
    fprintf(stderr, "cornu: interrupted in epoch %d of %d; ", epoch + 1, s->epochs);
    if (s->output)
        fputs("saved as it is; go on with: ", stderr);
    else if (!s->checkpoint || !done)
        fprintf(stderr, "nothing was saved (no -o)\n");
    else if (one_file)
        fprintf(stderr, "saved is the end of epoch %d; go on with: ", epoch);
    else
        fprintf(stderr, "what was saved is in %s\n", s->checkpoint);
    if (s->output || (done && one_file)) print_command(s, text, s->output ? s->output : s->checkpoint, epoch);
    return s->output || (s->checkpoint && done) ? CLI_INTERRUPTED : CLI_FAILED;
}

/* Better told before hours of work than behind them. */
static bool has_room(const cn_model *model, const char *path)
{
    char folder[4096], text[4300];
    struct statvfs info;
    if (!path) return true;
    cli_existing_folder(path, folder);
    if (statvfs(folder, &info) || !info.f_blocks) return true; /* file systems without a size tell 0 of 0 blocks */
    const double room = (double)info.f_bavail * (double)info.f_frsize, weights = 4.0 * (double)cn_count_params(model);
    if (room >= weights) return true;
    snprintf(text, sizeof text, "%s: %.3g MB are free there, and the weights alone take %.3g MB", path, room / 1e6,
             weights / 1e6);
    cli_fail(CN_ERR_IO, text);
    return false;
}

static int train(const settings *s, cn_model *model, cn_dataset *data, const cn_fit_args *text)
{
    cli_progress progress;
    if (!cn_dataset_train(data)) {
        cli_fail(CN_ERR_INVALID, "the data hold nothing to train on: only x_test, y_test");
        return CLI_FAILED;
    }
    const int status = compile(s, model, cn_dataset_train(data));
    if (status) return status;
    if (!s->output && !s->checkpoint) cli_say(&s->common, "no -o: the trained model will not be kept");
    cn_fit_args args = *text;
    const int suited = set_data(&args, s, model, data);
    if (suited) return suited;
    if (!fits_classes(s, model)) return CLI_FAILED;
    if (!has_room(model, s->output) || !has_room(model, s->checkpoint)) return CLI_FAILED;
    const int line = cn_text_scaling_line(model);
    if (line && !s->scale)
        cli_say(&s->common,
                "the text scales its data (line %d), Cornu takes them as they are: put layers.Rescaling(1/255) first "
                "into the model, or give --scale 1/255",
                line);
    else if (!s->scale && cli_takes_raw_pixels(model, &args.x))
        cli_say(&s->common,
                "the pixels go in as 0 to 255, and no layer of the model scales them: put layers.Rescaling(1/255) "
                "first into the model, or give --scale 1/255");
    if (*cn_plan_note(model)) cli_say(&s->common, "%s: %s", s->common.arguments[0], cn_plan_note(model));
    cli_progress_init(&progress, s->common.quiet);
    const cn_history *history = fit(s, model, data, &args, &progress);
    if (!history) return cli_fail_model(model);
    const int saved = save(s, model, history);
    return interrupted && saved == CLI_DONE ? tell_interruption(s, text, history) : saved;
}

/* A text need not tell the sizes of its input: those of the data are taken then. */
static bool sizes_of_data(const settings *s, char sizes[100])
{
    const cn_dataset_options plain = {.struct_size = sizeof plain};
    cn_dataset *data;
    if (cn_dataset_load(s->data, &plain, &data, NULL)) return false;
    const cn_array *x = &cn_dataset_train(data)->x;
    size_t used = 0;
    for (int i = 1; i < x->rank; i++)
        used += (size_t)snprintf(sizes + used, 100 - used, "%s%lld", i > 1 ? "x" : "", (long long)x->shape[i]);
    if (x->rank == 3) snprintf(sizes + used, 100 - used, "x1"); /* pictures without an axis for colours */
    cn_dataset_free(data);
    return used > 0;
}

static cn_model *load_model(const settings *s)
{
    char sizes[100];
    const cn_load_options plain = {.struct_size = sizeof plain, .weights = s->weights};
    const cn_load_options sized = {.struct_size = sizeof sized, .weights = s->weights, .input = sizes};
    const char *path = s->common.arguments[0];
    cn_model *model;
    const cn_status status = cn_load(path, &plain, &model, NULL);
    if (status == CN_OK) return model;
    if (!cli_prepare(&s->common, s->seed)) return NULL; /* the seeds of the model begin anew */
    if (status == CN_ERR_SHAPE && sizes_of_data(s, sizes) && cn_load(path, &sized, &model, NULL) == CN_OK) {
        cli_say(&s->common, "%s does not tell the size of its input: that of the data is taken, %s", path, sizes);
        return model;
    }
    return cli_prepare(&s->common, s->seed) ? cli_load_model(path, s->weights, false) : NULL;
}

static int run(const void *given)
{
    settings own = *(const settings *)given, *s = &own;
    cn_class_weight weights[64] = {{0}};
    cn_fit_args text = {.struct_size = sizeof text};
    double scale;
    int status = check_usage(s);
    if (status) return status;
    if (!cli_read_scale(&cli_train, s->scale, &scale)) return CLI_USED_WRONGLY;
    if (!read_class_weights(s->class_weight, weights))
        return cli_misuse(&cli_train,
                          "--class-weight %s: expected LABEL:WEIGHT,LABEL:WEIGHT,..., numbers from 0 on, at most 63",
                          s->class_weight);
    if (!cli_can_replace(s->output) || !cli_can_replace(s->history) || !cli_can_replace(s->plot) ||
        !cli_can_write(s->csv_log) || !cli_can_replace(s->checkpoint))
        return CLI_FAILED;
    if (!cli_prepare(&s->common, s->seed)) return CLI_FAILED;
    cn_model *model = load_model(s);
    status = model ? take_text(s, model, &text) : CLI_FAILED;
    cn_dataset *data = status == CLI_DONE ? cli_load_data(&s->common, s->data, model, scale) : NULL;
    if (status == CLI_DONE) status = data ? train(s, model, data, &text) : CLI_FAILED;
    cn_dataset_free(data);
    cn_model_free(model);
    return status;
}

const cli_verb cli_train = {
    .name = "train",
    .arguments = "MODEL --data D [-o OUT.keras]",
    .summary = "Fits a model to data",
    .details =
        "MODEL is a .keras, a .json, or Keras or PyTorch code: a file, '-', or the code itself.  Of code, "
        "model.compile()\n"
        "and model.fit() say how to train, as far as no option does; callbacks that write files are passed over.\n"
        "MODEL is trained as it was compiled (Keras' compile) unless --optimizer, --loss or --metrics replace parts "
        "of\n"
        "that; for a model that was never compiled they are chosen.  x_test, y_test of the data, where there are\n"
        "such, are the validation data.  Training stops with an error when data or loss are not finite.\n"
        "Ctrl-C (SIGINT, SIGTERM) finishes the batch, saves, and ends with status 75; a second one ends at once.\n"
        "\n"
        "Examples:\n"
        "  cornu train examples/fashion.json --data fashion-mnist --epochs 4 -o fashion.keras\n"
        "  cornu train model.keras --data images:flowers --epochs 20 --early-stopping 3 --restore-best -o best.keras\n",
    CLI_OPTIONS(options),
    .defaults = &defaults,
    .settings_size = sizeof(settings),
    .convolves = true,
    .least = 1,
    .most = 1,
    .run = run,
};
