/* SPDX-License-Identifier: Apache-2.0
 * cornu bench: how long a network takes to predict, or for a whole step of its training, on random input. */
#include "cli/command.h"

#include <cornu/explain.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

typedef struct settings {
    cli_settings common;
    const char *weights, *input;
    int batch, runs;
    double seconds;
    bool train, json;
} settings;

static const settings defaults = {.batch = 1, .seconds = 2};

#define SETTINGS settings
static const cli_option options[] = {
    CLI_OPTION(train, "train", 0, NULL, 0, 0, "a whole step of training: forward, loss, backward, update"),
    CLI_OPTION(batch, "batch", 'b', "N", 1, 1e6, "samples at once (1)"),
    CLI_OPTION(seconds, "seconds", 's', "S", 0, 1e5, "how long to measure (2); at least five runs are taken"),
    CLI_OPTION(runs, "runs", 0, "N", 1, 1e6, "at most so many runs"),
    CLI_OPTION(input, "input", 0, "SIZES", 0, 0, "input, where the text tells none: 224x224x3"),
    CLI_OPTION(weights, "weights", 0, "FILE", 0, 0, "take the weights from a .weights.h5 (or .keras)"),
    CLI_OPTION(json, "json", 0, NULL, 0, 0, "the numbers as JSON"),
};

enum { LEAST_RUNS = 5, MOST_RUNS = 1 << 20 };

/* What is measured: one call of `run` is one run. */
typedef struct bench {
    const settings *settings;
    cn_model *model;
    cn_predictor *predictor;
    cn_data data; /* training */
    float *inputs[CN_MAX_ARRAYS], *outputs[CN_MAX_ARRAYS];
    double load, plan, first, best, median; /* seconds */
    double begun;                           /* by the first step of training: the plan and that step */
    double gflop, memory, peak;
    int count; /* of runs */
    double *times;
} bench;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* ---- random numbers, the same every time ---- */

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* On a line of cache, as who wants to be fast has it. */
static float *new_floats(size_t count)
{
    enum { LINE = 64 };
    const size_t bytes = (count * sizeof(float) / LINE + 1) * LINE;
    float *values = aligned_alloc(LINE, bytes);
    if (values) memset(values, 0, bytes);
    return values;
}

static float *random_floats(size_t count)
{
    float *values = new_floats(count);
    uint32_t state = 1;
    for (size_t i = 0; values && i < count; i++) values[i] = (float)next_random(&state) / (float)(1 << 24);
    return values;
}

/* ---- arrays ---- */

/* The values in one sample; -1 when a size is free. */
static int64_t sample_size(int rank, const int64_t *shape)
{
    int64_t size = 1;
    for (int i = 1; i < rank; i++) {
        if (shape[i] < 0) return -1;
        size *= shape[i];
    }
    return size;
}

static cn_array array_of(const void *data, cn_dtype dtype, int batch, int rank, const int64_t *shape)
{
    cn_array array = {.data = data, .dtype = dtype, .rank = rank};
    memcpy(array.shape, shape, sizeof array.shape);
    array.shape[0] = batch;
    return array;
}

static int fail_sizes(void)
{
    return cli_fail(CN_ERR_SHAPE, "the sizes of the model's input are not known: --input tells them");
}

/* "28x28x1,10" */
static void write_sizes(const cn_model *model, char *text, size_t size)
{
    size_t used = 0;
    *text = 0;
    for (int i = 0; i < cn_input_count(model); i++) {
        int64_t shape[CN_MAX_RANK] = {0};
        const int rank = cn_input_shape(model, i, shape);
        for (int axis = 1; axis < rank && used < size; axis++)
            used += (size_t)snprintf(text + used, size - used, "%s%" PRId64,
                                     axis > 1 ? "x"
                                     : i      ? ","
                                              : "",
                                     shape[axis]);
    }
}

/* "3x32x32" and "32x32x3" */
static bool is_turned(const char *first, const char *last)
{
    const char *x = strchr(first, 'x');
    const size_t head = x ? (size_t)(x - first) : 0, tail = x ? strlen(x + 1) : 0;
    return x && strlen(last) == head + tail + 1 && strncmp(x + 1, last, tail) == 0 && last[tail] == 'x' &&
           strncmp(first, last + tail + 1, head) == 0;
}

/* Others than the model's own would not be what is measured.  Of PyTorch's networks channels may stand first or last.
 */
static int check_sizes(const bench *b)
{
    char own[200], message[500];
    const char *given = b->settings->input;
    if (!given || cn_input_count(b->model) < 1) return CLI_DONE;
    write_sizes(b->model, own, sizeof own);
    if (strchr(own, '-') || strcmp(given, own) == 0 || is_turned(given, own) || is_turned(own, given)) return CLI_DONE;
    snprintf(message, sizeof message, "--input %.200s: the model says that its input is %s", given, own);
    return cli_fail(CN_ERR_SHAPE, message);
}

static int make_inputs(bench *b)
{
    if (cn_input_count(b->model) < 1) return fail_sizes(); /* of a model that is built when it sees data */
    for (int i = 0; i < cn_input_count(b->model); i++) {
        int64_t shape[CN_MAX_RANK] = {0};
        const int rank = cn_input_shape(b->model, i, shape);
        const int64_t size = sample_size(rank, shape);
        if (size < 0 && b->settings->input)
            return cli_fail(CN_ERR_SHAPE,
                            "the file leaves its input's sizes free: write them there, --input serves texts");
        if (rank < 1 || size < 0) return fail_sizes();
        b->inputs[i] = random_floats((size_t)(size * b->settings->batch));
        if (!b->inputs[i]) return cli_fail(CN_ERR_MEMORY, "no memory for the input");
        b->data.inputs[i] = array_of(b->inputs[i], CN_FLOAT32, b->settings->batch, rank, shape);
    }
    return CLI_DONE;
}

static int make_outputs(bench *b)
{
    for (int i = 0; i < cn_output_count(b->model); i++) {
        int64_t shape[CN_MAX_RANK] = {0};
        const int rank = cn_output_shape(b->model, i, shape);
        const int64_t size = sample_size(rank, shape);
        b->outputs[i] = size < 0 ? NULL : new_floats((size_t)(size * b->settings->batch));
        if (!b->outputs[i]) return cli_fail(CN_ERR_MEMORY, "no memory for the output");
    }
    return CLI_DONE;
}

/* ---- targets: classes, as whole numbers or as rows of zeros with a one ---- */

static void fill_classes(int32_t *labels, int batch, int64_t classes)
{
    uint32_t state = 2;
    for (int i = 0; i < batch; i++) labels[i] = (int32_t)(next_random(&state) % (uint32_t)classes);
}

static void fill_one_hot(float *rows, int64_t count, int64_t classes)
{
    uint32_t state = 2;
    for (int64_t i = 0; i < count * classes; i++) rows[i] = 0;
    for (int64_t i = 0; i < count; i++) rows[i * classes + next_random(&state) % (uint32_t)classes] = 1;
}

/* Whether the outputs can be compared with one class a sample. */
static bool has_classes(const bench *b)
{
    int64_t shape[CN_MAX_RANK] = {0};
    return cn_output_count(b->model) == 1 && cn_output_shape(b->model, 0, shape) == 2 && shape[1] > 1;
}

static void make_targets(bench *b, bool whole)
{
    const int batch = b->settings->batch;
    for (int i = 0; i < cn_output_count(b->model); i++) {
        int64_t shape[CN_MAX_RANK] = {0};
        const int rank = cn_output_shape(b->model, i, shape);
        const int64_t classes = rank > 1 && shape[rank - 1] > 0 ? shape[rank - 1] : 1;
        if (whole)
            fill_classes((int32_t *)(void *)b->outputs[i], batch, classes);
        else
            fill_one_hot(b->outputs[i], batch * sample_size(rank, shape) / classes, classes);
        b->data.targets[i] =
            array_of(b->outputs[i], whole ? CN_INT32 : CN_FLOAT32, batch, whole ? rank - 1 : rank, shape);
    }
    if (cn_output_count(b->model) != 1) return;
    b->data.y = b->data.targets[0]; /* one array goes where one array is looked for */
    b->data.targets[0] = (cn_array){0};
}

/* ---- one run ---- */

static int fail_run(const bench *b)
{
    return b->predictor ? cli_fail(CN_ERR_INVALID, cn_predictor_error(b->predictor)) : cli_fail_model(b->model);
}

static bool run_once(bench *b)
{
    if (b->settings->train) return cn_train_on_batch(b->model, &b->data) != NULL;
    return cn_predictor_run(b->predictor, b->settings->batch, (const float *const *)b->inputs, b->outputs) == CN_OK;
}

/* ---- before the runs: plans ---- */

static int prepare_predictions(bench *b)
{
    const double start = now();
    b->predictor = cn_predictor_new(b->model, b->settings->batch, cn_threads(NULL));
    if (!b->predictor) return cli_fail_model(b->model);
    const double planned = now();
    if (!run_once(b)) return fail_run(b);
    b->plan = planned - start;
    b->first = now() - planned;
    b->memory = (double)cn_predictor_memory(b->predictor);
    return CLI_DONE;
}

/* A model that was never compiled gets the loss that suits its output, and SGD with momentum. */
static int compile(bench *b)
{
    const char *chosen;
    const cn_compile_args sgd = {.struct_size = sizeof sgd, .optimizer = cn_optimizer("sgd(0.01, momentum=0.9)")};
    make_targets(b, has_classes(b));
    if (cn_compile_for(b->model, &b->data, NULL, &chosen)) return cli_fail_model(b->model);
    if (!chosen) return CLI_DONE;
    const char *loss = strstr(chosen, "loss "), *end = strstr(chosen, ", metrics");
    const int length = loss && end > loss ? (int)(end - loss) : 0;
    cli_say(&b->settings->common,
            "the model was never compiled; chosen for it: optimizer sgd(0.01, momentum=0.9)%s%.*s", length ? ", " : "",
            length, length ? loss : "");
    if (cn_compile_for(b->model, &b->data, &sgd, NULL)) return cli_fail_model(b->model);
    return CLI_DONE;
}

/* The plan is made in the first step, so its time is told by what later ones take less (measure). */
static int prepare_training(bench *b)
{
    if (cn_input_count(b->model) == 1) b->data.x = b->data.inputs[0], b->data.inputs[0] = (cn_array){0};
    const int status = compile(b);
    if (status) return status;
    double start = now();
    if (!run_once(b)) { /* the loss may want the other kind of targets */
        cn_clear(b->model);
        make_targets(b, !b->data.y.data || b->data.y.dtype != CN_INT32);
        start = now();
        if (!run_once(b)) return fail_run(b);
    }
    const double second = now();
    b->begun = second - start;
    if (!run_once(b)) return fail_run(b);
    b->first = now() - second;
    b->memory = (double)cn_plan_memory(b->model);
    return CLI_DONE;
}

/* ---- the runs ---- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int measure(bench *b)
{
    const int most = b->settings->runs ? b->settings->runs : MOST_RUNS;
    const int least = most < LEAST_RUNS ? most : LEAST_RUNS;
    b->times = calloc((size_t)most, sizeof *b->times);
    if (!b->times) return cli_fail(CN_ERR_MEMORY, "no memory for the times");
    const double begin = now(), warm = b->settings->seconds / 8;
    for (int i = 0; i < most && (i < 1 || now() - begin < warm); i++)
        if (!run_once(b)) return fail_run(b);
    const double start = now();
    for (double last = start; b->count < most && (b->count < least || last - start < b->settings->seconds);) {
        if (!run_once(b)) return fail_run(b);
        const double end = now();
        b->times[b->count++] = end - last;
        last = end;
    }
    qsort(b->times, (size_t)b->count, sizeof *b->times, ascending);
    b->best = b->times[0];
    b->median = (b->times[(b->count - 1) / 2] + b->times[b->count / 2]) / 2;
    if (b->settings->train) b->plan = b->begun > b->median ? b->begun - b->median : 0;
    return CLI_DONE;
}

/* ---- the numbers ---- */

static double peak_memory(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) ? NAN : (double)usage.ru_maxrss * 1024;
}

/* Of one run; a network that cannot be examined, or was read from standard input, has none. */
static double count_gflop(const settings *s)
{
    const cn_explain_options how = {.struct_size = sizeof how, .input = s->input};
    const char *path = s->common.arguments[0];
    cn_explanation *explanation = NULL;
    if (strcmp(path, "-") == 0 || cn_explain(path, &how, &explanation, NULL)) return NAN;
    const double flops = cn_explanation_flops(explanation, s->train);
    cn_explanation_free(explanation);
    return 1e-9 * flops * s->batch;
}

static void print_json(const bench *b)
{
    const double ms = 1e3, mb = 1e-6;
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"load_ms", ms * b->load},    {"plan_ms", ms * b->plan},     {"first_ms", ms * b->first},
                   {"best_ms", ms * b->best},    {"median_ms", ms * b->median}, {"gflop", b->gflop},
                   {"arena_mb", mb * b->memory}, {"peak_mb", mb * b->peak}};
    fputs("{\"model\": ", stdout);
    cli_json_text(stdout, cn_model_name(b->model));
    const cli_settings *s = &b->settings->common;
    printf(", \"train\": %s, \"batch\": %d, \"threads\": %d, \"math\": \"%s\", \"plan\": \"%s\", \"plan_file\": ",
           b->settings->train ? "true" : "false", b->settings->batch, cn_threads(NULL), s->math ? s->math : "fast",
           s->plan ? s->plan : "estimate");
    if (s->plan_file)
        cli_json_text(stdout, s->plan_file);
    else
        fputs("null", stdout);
    printf(", \"instructions\": \"%s\", \"runs\": %d", cn_instruction_set(NULL), b->count);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        printf(", \"%s\": ", numbers[i].name);
        if (isnan(numbers[i].value))
            fputs("null", stdout);
        else
            printf("%.6g", numbers[i].value);
    }
    puts("}");
}

/* What is not as it would be without options. */
static void print_ways(const cli_settings *s)
{
    if (s->math) printf(", math %s", s->math);
    if (s->plan) printf(", plan %s", s->plan);
    if (s->plan_file) fputs(", plan file ", stdout);
    if (s->plan_file) cli_print_text(stdout, s->plan_file);
    putchar('\n');
}

static void print_table(const bench *b)
{
    cli_print_text(stdout, cn_model_name(b->model));
    printf(", %s, batch %d, %d thread%s, %s", b->settings->train ? "training step" : "prediction", b->settings->batch,
           cn_threads(NULL), cn_threads(NULL) == 1 ? "" : "s", cn_instruction_set(NULL));
    print_ways(&b->settings->common);
    printf("  median  %10.4g ms   of %d runs\n", 1e3 * b->median, b->count);
    printf("  best    %10.4g ms", 1e3 * b->best);
    if (!isnan(b->gflop)) printf("   %.4g GFLOP, %.4g GFLOP/s", b->gflop, b->gflop / b->best);
    printf("\n  load    %10.4g ms\n  plan    %10.4g ms\n  first   %10.4g ms\n", 1e3 * b->load, 1e3 * b->plan,
           1e3 * b->first);
    printf("  memory  %10.4g MB   of the plan; %.4g MB at most in all\n", 1e-6 * b->memory, 1e-6 * b->peak);
}

/* ---- the work ---- */

static int bench_model(bench *b)
{
    int status = check_sizes(b);
    if (!status) status = make_inputs(b);
    if (!status) status = make_outputs(b);
    if (!status) status = b->settings->train ? prepare_training(b) : prepare_predictions(b);
    if (!status) status = measure(b);
    if (status) return status;
    b->peak = peak_memory(); /* the file is read once more for the count */
    b->gflop = count_gflop(b->settings);
    if (b->settings->json)
        print_json(b);
    else
        print_table(b);
    return CLI_DONE;
}

static cn_model *load(const settings *s)
{
    const cn_load_options how = {
        .struct_size = sizeof how, .weights = s->weights, .input = s->input, .predict_only = !s->train};
    const char *error;
    cn_model *model;
    const cn_status status = cn_load(s->common.arguments[0], &how, &model, &error);
    if (status) cli_fail(status, error);
    return model;
}

static int run(const void *given)
{
    bench b = {.settings = given};
    const settings *s = given;
    if (!cli_are_sizes(s->input))
        return cli_misuse(&cli_bench, "--input %s: expected sizes joined by x, like 224x224x3", s->input);
    if (!cli_prepare(&s->common, 1)) return CLI_FAILED;
    const double start = now();
    b.model = load(s);
    b.load = now() - start;
    const int status = b.model ? bench_model(&b) : CLI_FAILED;
    cn_predictor_free(b.predictor);
    cn_model_free(b.model);
    for (int i = 0; i < CN_MAX_ARRAYS; i++) free(b.inputs[i]), free(b.outputs[i]);
    free(b.times);
    return status;
}

const cli_verb cli_bench = {
    .name = "bench",
    .arguments = "MODEL",
    .summary = "Measures how long a network takes, on random input",
    .details =
        "Predictions come from a predictor whose arrays lie in memory.  A step of training is that of the model's\n"
        "compile configuration, or of SGD with momentum and a loss that suits the output.  GFLOP count a\n"
        "multiply-add as two, in training for the forward pass and all gradients that are needed.  plan: making ready "
        "(in\n"
        "training what the first step takes longer than the median); first: the first run after it.\n"
        "\n"
        "Examples:\n"
        "  cornu bench model.keras --batch 8 --threads 2\n"
        "  cornu bench model.py --train --batch 32 --json\n",
    CLI_OPTIONS(options),
    .defaults = &defaults,
    .settings_size = sizeof(settings),
    .convolves = true,
    .least = 1,
    .most = 1,
    .run = run,
};
