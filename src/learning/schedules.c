/* SPDX-License-Identifier: Apache-2.0
 * Learning-rate schedules, step by step in float32 as Keras computes them. */
#include "learning/optimizers.h"

#include <math.h>
#include <string.h>

enum { PIECES = 16 };

typedef struct arguments {
    double initial_learning_rate, decay_steps;
    double decay_rate, end_learning_rate, power, alpha, t_mul, m_mul, warmup_target, warmup_steps;
    bool staircase, cycle;
    double boundaries[PIECES], values[PIECES];
    const char *name;
} arguments;

typedef struct schedule_kind {
    cni_kind kind;
    float (*value)(const arguments *a, float step);
} schedule_kind;

static float periods(const arguments *a, float step)
{
    const float p = step / (float)a->decay_steps;
    return a->staircase ? floorf(p) : p;
}

static float exponential(const arguments *a, float step)
{
    return (float)a->initial_learning_rate * powf((float)a->decay_rate, periods(a, step));
}

static float inverse_time(const arguments *a, float step)
{
    return (float)a->initial_learning_rate / (1 + (float)a->decay_rate * periods(a, step));
}

static float polynomial(const arguments *a, float step)
{
    const float first = (float)a->initial_learning_rate, end = (float)a->end_learning_rate;
    float steps = (float)a->decay_steps;
    if (a->cycle)
        steps *= step == 0 ? 1 : ceilf(step / steps);
    else
        step = fminf(step, steps);
    return (first - end) * powf(1 - step / steps, (float)a->power) + end;
}

/* Boundaries are compared as integers. */
static float piecewise(const arguments *a, float step)
{
    const int count = cni_reals_count(a->boundaries);
    int i = 0;
    while (i < count && step > (float)trunc(a->boundaries[i])) i++;
    return (float)a->values[i];
}

static float cosine_part(const arguments *a, float from, float fraction, float amplitude)
{
    const float pi = 3.14159265358979323846f;
    const float wave = 0.5f * amplitude * (1 + cosf(pi * fraction));
    return from * ((float)(1 - a->alpha) * wave + (float)a->alpha);
}

static float cosine(const arguments *a, float step)
{
    const float first = (float)a->initial_learning_rate, steps = (float)a->decay_steps;
    if (isnan(a->warmup_target)) return cosine_part(a, first, fminf(step, steps) / steps, 1);
    const float warmup = (float)a->warmup_steps, target = (float)a->warmup_target;
    step = fminf(step, steps + warmup);
    if (step < warmup) return (target - first) * (step / warmup) + first;
    return cosine_part(a, target, (step - warmup) / steps, 1);
}

static float restarts(const arguments *a, float step)
{
    const float t_mul = (float)a->t_mul;
    float fraction = step / (float)a->decay_steps, period;
    if (t_mul == 1) {
        period = floorf(fraction);
        fraction -= period;
    } else {
        period = floorf(logf(1 - fraction * (1 - t_mul)) / logf(t_mul));
        const float length = powf(t_mul, period);
        fraction = (fraction - (1 - length) / (1 - t_mul)) / length;
    }
    return cosine_part(a, (float)a->initial_learning_rate, fraction, powf((float)a->m_mul, period));
}

double cni_schedule_value(const cni_object *schedule, int64_t step)
{
    return (double)((const schedule_kind *)schedule->kind)->value(schedule->args, (float)step);
}

/* ---- the table ---- */

static cn_status check_pieces(void *args, cni_error *error)
{
    const arguments *a = args;
    const int boundaries = cni_reals_count(a->boundaries), values = cni_reals_count(a->values);
    if (boundaries < 1) return cni_fail(error, CN_ERR_INVALID, "boundaries is empty; give one or more steps");
    if (boundaries != values - 1)
        return cni_fail(error, CN_ERR_INVALID,
                        "boundaries has %d entries and values %d; there must be one value more than boundaries",
                        boundaries, values);
    return CN_OK;
}

#define ARGS  arguments
#define FIRST CNI_FIELD(initial_learning_rate, "initial_learning_rate", CNI_REQUIRED, NULL, 0, 0, "rate at step 0")
#define STEPS_AS(key)                                                                                                  \
    CNI_FIELD(decay_steps, key, CNI_REQUIRED | CNI_OPEN | CNI_WHOLE, NULL, 0, 1e18, "steps of one period")
#define STEPS          STEPS_AS("decay_steps")
#define RATE           CNI_FIELD(decay_rate, "decay_rate", CNI_REQUIRED, NULL, 0, 0, "what each period multiplies or divides by")
#define STAIRS         CNI_FIELD(staircase, "staircase", 0, "False", 0, 0, "change at the end of each period only")
#define ALPHA          CNI_FIELD(alpha, "alpha", 0, "0.0", 0, 0, "lowest rate, as a share of the highest")
#define NAME(default_) CNI_FIELD(name, "name", CNI_NULLABLE, "'" default_ "'", 0, 0, "name of the schedule")

static const cni_field exponential_fields[] = {FIRST, STEPS, RATE, STAIRS, NAME("ExponentialDecay")};
static const cni_field inverse_fields[] = {FIRST, STEPS, RATE, STAIRS, NAME("InverseTimeDecay")};
static const cni_field polynomial_fields[] = {
    FIRST,
    STEPS,
    CNI_FIELD(end_learning_rate, "end_learning_rate", 0, "0.0001", 0, 0, "rate at the end"),
    CNI_FIELD(power, "power", 0, "1.0", 0, 0, "exponent: 1 is a straight line"),
    CNI_FIELD(cycle, "cycle", 0, "False", 0, 0, "begin again, higher, after the last step"),
    NAME("PolynomialDecay")};
static const cni_field piecewise_fields[] = {
    CNI_FIELD(boundaries, "boundaries", CNI_REQUIRED | CNI_WHOLE | CNI_SHOWN_LIST, NULL, 0, 0,
              "the last step of each value but the last"),
    CNI_FIELD(values, "values", CNI_REQUIRED | CNI_SHOWN_LIST, NULL, 0, 0, "the rates, one more than boundaries"),
    NAME("PiecewiseConstant")};
static const cni_field cosine_fields[] = {
    FIRST,
    STEPS,
    ALPHA,
    NAME("CosineDecay"),
    CNI_FIELD(warmup_target, "warmup_target", CNI_NULLABLE, "None", 0, 0, "rate at the end of the warm-up"),
    CNI_FIELD(warmup_steps, "warmup_steps", CNI_WHOLE, "0", 0, 0, "steps of the warm-up")};
static const cni_field restarts_fields[] = {
    FIRST,
    STEPS_AS("first_decay_steps"),
    CNI_FIELD(t_mul, "t_mul", 0, "2.0", 0, 0, "how much longer each period is than the one before"),
    CNI_FIELD(m_mul, "m_mul", 0, "1.0", 0, 0, "how much higher each period begins"),
    ALPHA,
    NAME("SGDRDecay")};

#define ROW(var, class_, rows, value_, order_, formula_, help_, ...)                                                   \
    static const schedule_kind var = {.kind = {.name = class_,                                                         \
                                               .args_size = sizeof(arguments),                                         \
                                               CNI_FIELDS(rows),                                                       \
                                               .order = order_,                                                        \
                                               .formula = formula_,                                                    \
                                               .help = help_,                                                          \
                                               __VA_ARGS__},                                                           \
                                      .value = value_}

ROW(exponential_row, "ExponentialDecay", exponential_fields, exponential,
    "initial_learning_rate decay_steps decay_rate staircase name",
    "initial_learning_rate * decay_rate ^ (step / decay_steps)", "falls by the same factor in each period",
    .check = NULL, .keras = "ExponentialDecay(0.1, 1000, 0.5)");
ROW(inverse_row, "InverseTimeDecay", inverse_fields, inverse_time,
    "initial_learning_rate decay_steps decay_rate staircase name",
    "initial_learning_rate / (1 + decay_rate * step / decay_steps)", "falls as the inverse of time", .check = NULL,
    .keras = "InverseTimeDecay(0.1, 1000, 0.5)");
ROW(polynomial_row, "PolynomialDecay", polynomial_fields, polynomial,
    "initial_learning_rate decay_steps end_learning_rate power cycle name",
    "(initial_learning_rate - end_learning_rate) * (1 - step / decay_steps) ^ power + end_learning_rate",
    "falls along a polynomial", .check = NULL, .keras = "PolynomialDecay(0.1, 10000, power=2.0)");
ROW(piecewise_row, "PiecewiseConstantDecay", piecewise_fields, piecewise, "boundaries values name", NULL,
    "constant between boundaries", .check = check_pieces,
    .keras = "PiecewiseConstantDecay([1000, 2000], [0.1, 0.01, 0.001])");
ROW(cosine_row, "CosineDecay", cosine_fields, cosine,
    "initial_learning_rate decay_steps alpha name warmup_target warmup_steps",
    "rate * ((1 - alpha) / 2 * (1 + cos(pi * step / decay_steps)) + alpha)",
    "falls along half a cosine, after an optional warm-up", .check = NULL,
    .keras = "CosineDecay(0.1, 10000, warmup_target=0.2, warmup_steps=100)");
ROW(restarts_row, "CosineDecayRestarts", restarts_fields, restarts,
    "initial_learning_rate first_decay_steps t_mul m_mul alpha name", NULL, "falls along half a cosine again and again",
    .check = NULL, .keras = "CosineDecayRestarts(0.1, 1000)");

static const cni_kind *const kinds[] = {&exponential_row.kind, &inverse_row.kind, &polynomial_row.kind,
                                        &piecewise_row.kind,   &cosine_row.kind,  &restarts_row.kind};

const cni_family cni_schedules = {.what = "learning-rate schedule",
                                  .module = "keras.optimizers.schedules",
                                  .kinds = kinds,
                                  .count = sizeof kinds / sizeof *kinds};
