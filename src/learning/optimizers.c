/* SPDX-License-Identifier: Apache-2.0
 * Optimizers: their arguments and rules. */
#include "learning/optimizer_kinds.h"

#include <math.h>
#include <string.h>

/* Powers of betas as float32, as Keras has them. */
static float adam_rate(const void *args, float rate, float t)
{
    const cn_adam_args *a = args;
    const float power_1 = powf((float)a->beta_1, t), power_2 = powf((float)a->beta_2, t);
    return rate * sqrtf(1 - power_2) / (1 - power_1);
}

static cni_update sgd_rule(const void *args)
{
    const cn_sgd_args *a = args;
    return (cni_update){
        .rule = a->momentum == 0 ? CNI_SGD : CNI_SGD_MOMENTUM, .beta_1 = a->momentum, .nesterov = a->nesterov};
}

static bool sgd_group(const void *args, int group)
{
    (void)group;
    return ((const cn_sgd_args *)args)->momentum != 0;
}

static cni_update adam_rule(const void *args)
{
    const cn_adam_args *a = args;
    return (cni_update){.rule = CNI_ADAM,
                        .beta_1 = a->beta_1,
                        .beta_2 = a->beta_2,
                        .keep_1 = 1 - a->beta_1,
                        .keep_2 = 1 - a->beta_2,
                        .epsilon = a->epsilon,
                        .corrected = a->amsgrad};
}

static bool adam_group(const void *args, int group)
{
    return group == 0 || ((const cn_adam_args *)args)->amsgrad;
}

static cni_update rmsprop_rule(const void *args)
{
    const cn_rmsprop_args *a = args;
    return (cni_update){.rule = CNI_RMSPROP,
                        .beta_1 = a->rho,
                        .keep_1 = 1 - a->rho,
                        .epsilon = a->epsilon,
                        .momentum = a->momentum,
                        .corrected = a->centered};
}

static bool rmsprop_group(const void *args, int group)
{
    const cn_rmsprop_args *a = args;
    return group == 0 || (group == 1 ? a->momentum > 0 : a->centered);
}

/* ---- checks ---- */

static cn_status check_common(const cni_optimizer_common *c, cni_error *error)
{
    if (!isnan(c->clipnorm) + !isnan(c->clipvalue) + !isnan(c->global_clipnorm) > 1)
        return cni_fail(error, CN_ERR_INVALID, "clipnorm, clipvalue and global_clipnorm: only one of them may be set");
    if (c->use_ema && !(c->ema_momentum >= 0 && c->ema_momentum <= 1))
        return cni_fail(error, CN_ERR_INVALID, "ema_momentum=%g; expected a number from 0 to 1", c->ema_momentum);
    if (c->use_ema && c->ema_overwrite_frequency != CNI_NONE_INT && c->ema_overwrite_frequency < 1)
        return cni_fail(error, CN_ERR_INVALID,
                        "ema_overwrite_frequency=%d; expected an integer from 1 upwards, or None",
                        c->ema_overwrite_frequency);
    if (c->gradient_accumulation_steps != CNI_NONE_INT && c->gradient_accumulation_steps != 0 &&
        c->gradient_accumulation_steps < 2)
        return cni_fail(error, CN_ERR_INVALID,
                        "gradient_accumulation_steps=%d; expected an integer from 2 upwards, or None",
                        c->gradient_accumulation_steps);
    if (c->loss_scale_factor == 0)
        return cni_fail(error, CN_ERR_INVALID, "loss_scale_factor=0; expected another number, or None");
    return CN_OK;
}

#define COMMON_OF(type) offsetof(type, weight_decay)
#define CHECK(name, type)                                                                                              \
    static cn_status name(void *args, cni_error *error)                                                                \
    {                                                                                                                  \
        cni_optimizer_common common;                                                                                   \
        memcpy(&common, (char *)args + COMMON_OF(type), sizeof common);                                                \
        return check_common(&common, error);                                                                           \
    }
CHECK(check_sgd, cn_sgd_args)
CHECK(check_adam, cn_adam_args)
CHECK(check_rmsprop, cn_rmsprop_args)

static cn_status check_adamw(void *args, cni_error *error)
{
    if (isnan(((cn_adam_args *)args)->weight_decay))
        return cni_fail(error, CN_ERR_INVALID, "weight_decay=None; AdamW needs a number (Adam does without)");
    return check_adam(args, error);
}

/* ---- the table ---- */

#define RATE(default_)                                                                                                 \
    {                                                                                                                  \
        .key = "learning_rate", .offset = offsetof(ARGS, learning_rate), .type = CNI_FIELD_REAL,                       \
        .flags = CNI_FLOAT | CNI_FLOAT32, .otherwise = (default_), .family = &cni_schedules,                           \
        .text_offset = offsetof(ARGS, learning_rate_schedule), .help = "how far a step goes, or a schedule of it"      \
    }
#define DECAY(default_)                                                                                                \
    CNI_FIELD(weight_decay, "weight_decay", CNI_NULLABLE, default_, 0, 0,                                              \
              "share of each weight, times the rate, that each step takes away")
#define CLIPS                                                                                                          \
    CNI_FIELD(clipnorm, "clipnorm", CNI_NULLABLE, "None", 0, 0, "longest gradient of a single weight"),                \
        CNI_FIELD(clipvalue, "clipvalue", CNI_NULLABLE, "None", 0, 0, "largest element of a gradient"),                \
        CNI_FIELD(global_clipnorm, "global_clipnorm", CNI_NULLABLE, "None", 0, 0, "longest gradient of all weights"),  \
        CNI_FIELD(use_ema, "use_ema", 0, "False", 0, 0, "keep a moving average of the weights"),                       \
        CNI_FIELD(ema_momentum, "ema_momentum", 0, "0.99", 0, 0, "how much of the average each step keeps"),           \
        CNI_FIELD(ema_overwrite_frequency, "ema_overwrite_frequency", CNI_NULLABLE, "None", 0, 0,                      \
                  "steps after which the averages become the weights"),                                                \
        CNI_FIELD(loss_scale_factor, "loss_scale_factor", CNI_NULLABLE, "None", 0, 0,                                  \
                  "the loss is multiplied by it, and the gradients divided"),                                          \
        CNI_FIELD(gradient_accumulation_steps, "gradient_accumulation_steps", CNI_NULLABLE, "None", 0, 0,              \
                  "batches whose mean gradient makes one step"),                                                       \
        CNI_FIELD(name, "name", CNI_NULLABLE, "None", 0, 0, "name of the optimizer")
#define ORDER                                                                                                          \
    "name learning_rate weight_decay clipnorm global_clipnorm clipvalue use_ema ema_momentum ema_overwrite_frequency " \
    "loss_scale_factor gradient_accumulation_steps "

#define ARGS cn_sgd_args
static const cni_field sgd_fields[] = {
    RATE("0.01"),
    CNI_FIELD(momentum, "momentum", CNI_FLOAT, "0.0", 0, 1, "how much of the last step each step keeps, a float"),
    CNI_FIELD(nesterov, "nesterov", 0, "False", 0, 0, "look ahead along the momentum"), DECAY("None"), CLIPS};
#undef ARGS

#define ARGS cn_adam_args
#define BETAS                                                                                                          \
    CNI_FIELD(beta_1, "beta_1", 0, "0.9", 0, 0, "how much of the mean gradient each step keeps"),                      \
        CNI_FIELD(beta_2, "beta_2", 0, "0.999", 0, 0, "how much of the mean square each step keeps"),                  \
        CNI_FIELD(epsilon, "epsilon", 0, "1e-07", 0, 0, "added to the root of the mean square"),                       \
        CNI_FIELD(amsgrad, "amsgrad", 0, "False", 0, 0, "divide by the largest mean square so far")
static const cni_field adam_fields[] = {RATE("0.001"), BETAS, DECAY("None"), CLIPS};
static const cni_field adamw_fields[] = {RATE("0.001"), DECAY("0.004"), BETAS, CLIPS};
#undef ARGS

#define ARGS cn_rmsprop_args
static const cni_field rmsprop_fields[] = {
    RATE("0.001"),
    CNI_FIELD(rho, "rho", 0, "0.9", 0, 0, "how much of the mean square each step keeps"),
    CNI_FIELD(momentum, "momentum", 0, "0.0", 0, 0, "how much of the last step each step keeps"),
    CNI_FIELD(epsilon, "epsilon", 0, "1e-07", 0, 0, "added to the mean square"),
    CNI_FIELD(centered, "centered", 0, "False", 0, 0, "divide by the variance, not by the mean square"),
    DECAY("None"),
    CLIPS};
#undef ARGS

static const cni_optimizer_kind sgd = {.kind = {.name = "SGD",
                                                .any_case = true,
                                                .args_size = sizeof(cn_sgd_args),
                                                CNI_FIELDS(sgd_fields),
                                                .order = ORDER "momentum nesterov",
                                                .check = check_sgd,
                                                .help = "gradient descent, with momentum",
                                                .keras = "SGD(0.01, momentum=0.9)",
                                                .example = "cn_sgd(0.01, .momentum = 0.9)",
                                                .formula = "w -= learning_rate * g"},
                                       .common = COMMON_OF(cn_sgd_args),
                                       .groups = {{{"momentum"}, {0}}},
                                       .has_group = sgd_group,
                                       .rule = sgd_rule};

#define ADAM_GROUPS                                                                                                    \
    {                                                                                                                  \
        {{"momentum", "velocity"}, {0, 1}},                                                                            \
        {                                                                                                              \
            {"velocity_hat"},                                                                                          \
            {                                                                                                          \
                2                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
#define ADAM_FORMULA                                                                                                   \
    "m += (g - m)(1 - beta_1);  v += (g^2 - v)(1 - beta_2);  "                                                         \
    "w -= learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)"
static const cni_optimizer_kind adam = {.kind = {.name = "Adam",
                                                 .any_case = true,
                                                 .args_size = sizeof(cn_adam_args),
                                                 CNI_FIELDS(adam_fields),
                                                 .order = ORDER "beta_1 beta_2 epsilon amsgrad",
                                                 .check = check_adam,
                                                 .help = "steps scaled by running means of gradient and square",
                                                 .keras = "Adam(0.001)",
                                                 .example = "cn_adam(0.001)",
                                                 .formula = ADAM_FORMULA},
                                        .common = COMMON_OF(cn_adam_args),
                                        .groups = ADAM_GROUPS,
                                        .has_group = adam_group,
                                        .rule = adam_rule,
                                        .step_rate = adam_rate};

static const cni_optimizer_kind adamw = {.kind = {.name = "AdamW",
                                                  .any_case = true,
                                                  .args_size = sizeof(cn_adam_args),
                                                  CNI_FIELDS(adamw_fields),
                                                  .order = ORDER "beta_1 beta_2 epsilon amsgrad",
                                                  .check = check_adamw,
                                                  .help = "Adam with weight decay apart from the gradient",
                                                  .keras = "AdamW(0.001, weight_decay=0.01)",
                                                  .example = "cn_adamw(0.001, .weight_decay = 0.01)",
                                                  .formula = "w -= weight_decay * learning_rate * w;  " ADAM_FORMULA},
                                         .common = COMMON_OF(cn_adam_args),
                                         .groups = ADAM_GROUPS,
                                         .has_group = adam_group,
                                         .rule = adam_rule,
                                         .step_rate = adam_rate};

static const cni_optimizer_kind rmsprop = {
    .kind = {.name = "RMSprop",
             .any_case = true,
             .args_size = sizeof(cn_rmsprop_args),
             CNI_FIELDS(rmsprop_fields),
             .order = ORDER "rho momentum epsilon centered",
             .check = check_rmsprop,
             .help = "steps divided by the root of a running mean square",
             .keras = "RMSprop(0.001)",
             .example = "cn_rmsprop(0.001)",
             .formula = "v = rho v + (1 - rho) g^2;  w -= learning_rate g / sqrt(v + epsilon)"},
    .common = COMMON_OF(cn_rmsprop_args),
    .groups = {{{"velocity"}, {0}}, {{"momentum"}, {1}}, {{"average_gradient"}, {2}}},
    .has_group = rmsprop_group,
    .rule = rmsprop_rule};

static const cni_kind *const kinds[] = {&sgd.kind, &adam.kind, &adamw.kind, &rmsprop.kind};

static const char *const absent[] = {
    "Adadelta", "Adafactor", "Adagrad",           "Adamax", "Ftrl", "Lamb", "Lion", "LossScaleOptimizer",
    "Muon",     "Nadam",     "ScheduleFreeAdamW", NULL};

const cni_family cni_optimizers = {.absent = absent,
                                   .what = "optimizer",
                                   .module = "keras.optimizers",
                                   .kinds = kinds,
                                   .count = sizeof kinds / sizeof *kinds};
