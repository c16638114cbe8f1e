/* SPDX-License-Identifier: Apache-2.0
 * Where the time of a network goes: each step of its plan, with its share of the whole and its rate.
 *
 *     bench_steps MODEL [--train] [--batch N] [--threads T] [--math direct] [--seconds S] [--sort] [--plan] [--choices]
 *
 * Times are medians over the runs, one by one inside whole runs, so caches are as they are in a whole run.  GFLOP/s
 * count a multiply-add of a convolution or a dense layer as two, whatever the algorithm; bytes are those that a step
 * reads and writes at least.  --choices times every algorithm of each convolution and tells what the rules lose. */
#include "graph/ops/choices.h"
#include "kernels/kernels.h"
#include "model/model.h"
#include "train/trainer.h"

#include <cornu/cornu.h>
#include <cornu/data.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    const char *model;
    bool train, sort, plan, direct, choices;
    int batch, threads;
    double seconds;
} settings;

enum { MOST_RUNS = 400 };

typedef struct timing {
    int step;
    double seconds, flops, bytes;
} timing;

/* ---- arguments ---- */

static bool read_arguments(int argc, char **argv, settings *s)
{
    *s = (settings){.batch = 1, .threads = 1, .seconds = 1};
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *next = i + 1 < argc ? argv[i + 1] : "0";
        if (!strcmp(word, "--train"))
            s->train = true;
        else if (!strcmp(word, "--sort"))
            s->sort = true;
        else if (!strcmp(word, "--plan"))
            s->plan = true;
        else if (!strcmp(word, "--choices"))
            s->choices = true;
        else if (!strcmp(word, "--batch"))
            s->batch = atoi(next), i++;
        else if (!strcmp(word, "--threads"))
            s->threads = atoi(next), i++;
        else if (!strcmp(word, "--seconds"))
            s->seconds = atof(next), i++;
        else if (!strcmp(word, "--math"))
            s->direct = !strcmp(next, "direct"), i++;
        else if (*word == '-' || s->model)
            return false;
        else
            s->model = word;
    }
    return s->model && s->batch > 0 && s->threads > 0;
}

/* ---- the program ---- */

static float *random_values(size_t count, int classes)
{
    float *values = malloc((count + 1) * sizeof *values);
    uint32_t state = 1;
    for (size_t i = 0; values && i < count; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = classes ? (float)((state >> 8) % (uint32_t)classes) : (float)(state >> 8) / (float)(1 << 24);
    }
    return values;
}

/* The model's own program for predicting or training: made, and run once. */
static cni_program *make(cn_model *model, const settings *s)
{
    cn_data data = {0};
    int64_t shape[CN_MAX_RANK] = {0}, out[CN_MAX_RANK] = {0};
    const int rank = cn_input_shape(model, 0, shape), out_rank = cn_output_shape(model, 0, out);
    size_t count = (size_t)s->batch;
    for (int i = 1; i < rank; i++) count *= (size_t)shape[i];
    data.x = (cn_array){.data = random_values(count, 0), .rank = rank};
    memcpy(data.x.shape, shape, sizeof shape);
    data.x.shape[0] = s->batch;
    const float *labels = random_values((size_t)s->batch, (int)out[out_rank - 1]);
    data.y = (cn_array){.data = labels, .rank = 1, .shape = {s->batch}};
    const bool done =
        s->train ? cn_train_on_batch(model, &data) != NULL : cn_predict(model, data.x, .batch_size = s->batch) != NULL;
    free((void *)(uintptr_t)data.x.data);
    free((void *)(uintptr_t)labels);
    cni_error error = {0};
    cni_trainer *trainer = done ? cni_trainer_of(model, &error) : NULL;
    if (!trainer) fprintf(stderr, "bench_steps: %s\n", cn_error(model));
    return trainer ? trainer->programs[s->train ? CNI_TRAIN : CNI_PREDICT][0] : NULL;
}

/* ---- what a step costs, from its shapes ---- */

static double area(const cni_tensor *tensor)
{
    return (double)tensor->shape.dims[1] * (double)tensor->shape.dims[2];
}

static void take_tensor(const cni_tensor *tensor, int batch, const cni_tensor **weights, double *positions,
                        double *bytes)
{
    if (!tensor) return;
    const cni_shape *shape = &tensor->shape;
    *bytes += (double)cni_tensor_count(tensor, batch) * (tensor->element == CNI_BYTE_ELEMENT ? 1 : 4);
    if (!cni_tensor_batched(tensor) && (shape->rank == 4 || shape->rank == 2) &&
        (!*weights || cni_tensor_count(tensor, 1) > cni_tensor_count(*weights, 1)))
        *weights = tensor;
    if (cni_tensor_batched(tensor) && shape->rank == 4 && area(tensor) < *positions) *positions = area(tensor);
}

static void count(timing *t, const cni_op *op, int batch)
{
    const cni_tensor *weights = NULL;
    double positions = 1e30;
    for (int i = 0; i < op->inputs; i++) take_tensor(op->in[i], batch, &weights, &positions, &t->bytes);
    for (int i = 0; i < op->outputs; i++) take_tensor(op->out[i], batch, &weights, &positions, &t->bytes);
    const bool multiplies = strstr(op->kind->name, "conv") || strstr(op->kind->name, "dense");
    if (!multiplies || !weights || op->segment != CNI_GRADIENTS || op->steady) return;
    t->flops = 2.0 * batch * (double)cni_tensor_count(weights, 1) * (weights->shape.rank == 4 ? positions : 1);
    if (strstr(op->kind->name, "conv2d max_pool2d")) t->flops *= 4; /* one of four results is left */
}

/* ---- measuring ---- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void run_once(cn_model *model, cni_program *program, int batch, double *seconds)
{
    if (program->key.mode == CNI_TRAIN) cni_optimizer_begin(model->compiled->state, cni_plan_scalars(program->plan));
    for (int segment = 0; segment < CNI_SEGMENTS; segment++)
        cni_plan_run_timed(program->plan, (cni_segment)segment, batch, seconds);
    if (program->key.mode == CNI_TRAIN) cni_optimizer_end(model->compiled->state);
}

/* Medians into `timings`; answers the median of whole runs. */
static double measure(cn_model *model, cni_program *program, const settings *s, timing *timings)
{
    const size_t steps = (size_t)cni_plan_steps(program->plan);
    double *all = calloc((steps + 1) * MOST_RUNS, sizeof *all), *one = calloc(steps, sizeof *one);
    int runs = 0;
    for (double start = cni_now(); runs < MOST_RUNS && (runs < 5 || cni_now() - start < s->seconds); runs++) {
        memset(one, 0, steps * sizeof *one);
        const double before = cni_now();
        run_once(model, program, s->batch, one);
        all[steps * MOST_RUNS + (size_t)runs] = cni_now() - before;
        for (size_t i = 0; i < steps; i++) all[i * MOST_RUNS + (size_t)runs] = one[i];
    }
    for (size_t i = 0; i <= steps; i++) qsort(all + i * MOST_RUNS, (size_t)runs, sizeof *all, ascending);
    for (size_t i = 0; i < steps; i++) {
        timings[i] = (timing){.step = (int)i, .seconds = all[i * MOST_RUNS + (size_t)runs / 2]};
        count(&timings[i], cni_plan_step_op(program->plan, (int)i), s->batch);
    }
    const double whole = all[steps * MOST_RUNS + (size_t)runs / 2];
    free(all);
    free(one);
    return whole;
}

/* ---- printing ---- */

static int by_time(const void *a, const void *b)
{
    const timing *x = a, *y = b;
    return (x->seconds < y->seconds) - (x->seconds > y->seconds);
}

static void print_shape(const cni_tensor *tensor)
{
    if (!tensor || tensor->shape.rank < 2) return;
    printf(" ");
    for (int i = cni_tensor_batched(tensor); i < tensor->shape.rank; i++)
        printf("%s%lld",
               i > cni_tensor_batched(tensor) ? "x"
               : cni_tensor_batched(tensor)   ? ""
                                              : "w",
               (long long)tensor->shape.dims[i]);
}

static void print_row(double seconds, double whole, double flops, double bytes)
{
    printf("%9.3f ms %5.1f%% ", 1e3 * seconds, 100 * seconds / whole);
    if (flops > 0)
        printf("%7.0f GF/s ", 1e-9 * flops / seconds);
    else
        printf("%7.0f GB/s ", seconds > 0 ? 1e-9 * bytes / seconds : 0);
}

static void print_steps(const cni_program *program, const timing *timings, double whole)
{
    static const char *const segments[] = {"", "reduce ", "update "};
    for (int i = 0; i < cni_plan_steps(program->plan); i++) {
        const timing *t = &timings[i];
        const cni_op *op = cni_plan_step_op(program->plan, t->step);
        const cni_call *call = op->source;
        if (op->steady) continue;
        printf("%4d ", t->step);
        print_row(t->seconds, whole, t->flops, t->bytes);
        const char *name = op->segment && op->writes ? op->writes->name : call ? call->layer->name : NULL;
        printf(" %s%-22s %-18s", segments[op->segment], op->kind->name, name ? name : "");
        for (int k = 0; k < op->inputs && k < 3; k++) print_shape(op->in[k]);
        printf(" ->");
        for (int k = 0; k < op->outputs && k < 2; k++) print_shape(op->out[k]);
        printf("\n");
    }
}

/* One row for each kind of op. */
static void print_kinds(const cni_program *program, const timing *timings, double whole)
{
    const int steps = cni_plan_steps(program->plan);
    timing *sums = calloc((size_t)steps, sizeof *sums);
    int kinds = 0;
    for (int i = 0; i < steps; i++) {
        const char *name = cni_plan_step_op(program->plan, timings[i].step)->kind->name;
        int at = 0;
        while (at < kinds && strcmp(cni_plan_step_op(program->plan, sums[at].step)->kind->name, name) != 0) at++;
        if (at == kinds) sums[kinds++].step = timings[i].step;
        sums[at].seconds += timings[i].seconds;
        sums[at].flops += timings[i].flops;
        sums[at].bytes += timings[i].bytes;
    }
    qsort(sums, (size_t)kinds, sizeof *sums, by_time);
    for (int i = 0; i < kinds; i++) {
        printf("     ");
        print_row(sums[i].seconds, whole, sums[i].flops, sums[i].bytes);
        printf(" %s\n", cni_plan_step_op(program->plan, sums[i].step)->kind->name);
    }
    free(sums);
}

static void print(const cni_program *program, const settings *s, timing *timings, double whole)
{
    const size_t steps = (size_t)cni_plan_steps(program->plan);
    double sum = 0;
    if (s->plan) cni_plan_print(program->plan, stdout);
    for (size_t i = 0; i < steps; i++) sum += timings[i].seconds;
    if (s->sort) qsort(timings, steps, sizeof *timings, by_time);
    print_steps(program, timings, whole);
    printf("by kind of step:\n");
    print_kinds(program, timings, whole);
    printf("whole run %.3f ms, sum of steps %.3f ms\n", 1e3 * whole, 1e3 * sum);
}

/* ---- what the rules lose ---- */

static cni_run run_of(const cni_choice *choice)
{
    return (cni_run){.n = choice->batch, .batch = choice->batch, .kernels = &cn_default_context()->kernels};
}

/* How many steps of the program compute such a convolution. */
static int steps_like(const cni_program *program, const cni_choice *choice)
{
    int count = 0;
    for (int i = 0; i < cni_plan_steps(program->plan); i++) {
        const cni_op *op = cni_plan_step_op(program->plan, i);
        cni_choices nothing = {0}, one = {0};
        if (!op->kind->choose) continue;
        const cni_run run = run_of(choice);
        const cni_choosing choosing = {.known = &nothing, .used = &one};
        op->kind->choose(op, &run, &choosing);
        count += one.count && cni_choice_order(&one.rows[0], choice) == 0;
        cni_choices_clear(&one);
    }
    return count;
}

static cni_algorithm by_rules(const cni_choice *choice)
{
    const cni_run run = run_of(choice);
    return cni_choose_algorithm(&choice->shape, &run);
}

/* A row for each convolution whose rule is not the fastest, and the sum of what that costs. */
static void print_choices(const cni_program *program, const settings *s, double whole)
{
    const cni_choices *choices = &cn_default_context()->choices;
    static const char *const passes[CNI_PASSES] = {"forward", "data", "weights"};
    double lost = 0, worst = 1;
    int steps = 0;
    for (int i = 0; i < choices->count; i++) {
        const cni_choice *c = &choices->rows[i];
        const int count = steps_like(program, c);
        const cni_algorithm rule = by_rules(c);
        cni_algorithm best = rule;
        for (int a = 0; a < CNI_ALGORITHMS; a++)
            if (c->microseconds[a] > 0 && c->microseconds[a] < c->microseconds[best]) best = (cni_algorithm)a;
        const double more = c->microseconds[rule] - c->microseconds[best], ratio = 1 + more / c->microseconds[best];
        lost += count * more;
        steps += count;
        if (ratio > worst) worst = ratio;
        if (ratio < 1.05) continue;
        printf(
            "%-8s %dx%dx%d -> %dx%dx%d %dx%d batch %d, %d steps: rule %s %.1f us, best %s %.1f us, x %.2f, %.2f %%\n",
            passes[c->shape.pass], c->shape.from[0], c->shape.from[1], c->shape.from[2], c->shape.to[0], c->shape.to[1],
            c->shape.to[2], c->shape.window[0], c->shape.window[1], c->batch, count, cni_algorithm_rows[rule].name,
            c->microseconds[rule], cni_algorithm_rows[best].name, c->microseconds[best], ratio,
            1e-4 * count * more / whole);
    }
    printf("%s batch %d%s: %d convolutions with a choice; the rules lose %.1f us of %.1f (%.2f %%), at worst x %.2f\n",
           s->model, s->batch, s->train ? " training" : "", steps, lost, 1e6 * whole, 1e-4 * lost / whole, worst);
}

int main(int argc, char **argv)
{
    settings s;
    const char *error;
    cn_model *model;
    if (!read_arguments(argc, argv, &s)) {
        fprintf(stderr,
                "bench_steps MODEL [--train] [--batch N] [--threads T] [--math direct] [--seconds S] [--sort] [--plan] "
                "[--choices]\n");
        return 2;
    }
    cn_set_threads(NULL, s.threads);
    if (s.choices) cn_set_plan(NULL, CN_PLAN_MEASURE);
    cn_set_math(NULL, s.direct ? CN_MATH_DIRECT : CN_MATH_FAST);
    if (cn_load(s.model, NULL, &model, &error)) {
        fprintf(stderr, "bench_steps: %s\n", error);
        return 1;
    }
    cni_program *program = make(model, &s);
    if (program) {
        timing *timings = calloc((size_t)cni_plan_steps(program->plan) + 1, sizeof *timings);
        const double whole = measure(model, program, &s, timings);
        if (s.choices)
            print_choices(program, &s, whole);
        else
            print(program, &s, timings, whole);
        free(timings);
    }
    cn_model_free(model);
    return program ? 0 : 1;
}
