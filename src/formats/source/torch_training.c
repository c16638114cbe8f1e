/* SPDX-License-Identifier: Apache-2.0
 * What a PyTorch text trains with: criterion = nn.CrossEntropyLoss(), optimizer = optim.SGD(net.parameters(), lr=0.01),
 * as the model.compile(...) that Keras users write.  What has no equal is kept as unknown, and told when the model is
 * trained. */
#include "formats/source/evaluate.h"

#include <string.h>

/* ---- losses ---- */

/* Softmax does not change what is a log_softmax already: NLLLoss behind LogSoftmax is the cross entropy of logits. */
static const struct loss {
    const char *torch, *keras;
    bool logits, accuracy; /* accuracy: is told along; a threshold of 0.5 suits no logits */
} losses[] = {
    {"CrossEntropyLoss", "SparseCategoricalCrossentropy", true, true},
    {"NLLLoss", "SparseCategoricalCrossentropy", true, true},
    {"BCELoss", "BinaryCrossentropy", false, true},
    {"BCEWithLogitsLoss", "BinaryCrossentropy", true, false},
    {"MSELoss", "MeanSquaredError", false, false},
    {"L1Loss", "MeanAbsoluteError", false, false},
};

/* ---- optimizers ---- */

typedef struct parameter {
    const char *name, *keras; /* keras NULL: says nothing of the result; "": no equal, where it is not 0 */
    double otherwise;         /* where Keras' default is another one; 0: the same */
} parameter;

#define PARAMETERS 8
static const struct optimizer {
    const char *name;
    parameter parameters[PARAMETERS]; /* in PyTorch's order, behind the weights */
} optimizers[] = {
    {"SGD",
     {{"lr", "learning_rate", 1e-3},
      {"momentum", "momentum", 0},
      {"dampening", "", 0},
      {"weight_decay", "", 0}, /* goes through the momentum; Keras' does not */
      {"nesterov", "nesterov", 0},
      {"maximize", "", 0}}},
    {"Adam",
     {{"lr", "learning_rate", 1e-3},
      {"betas", "beta_", 0},
      {"eps", "epsilon", 1e-8},
      {"weight_decay", "", 0}, /* goes through the means; Keras' does not */
      {"amsgrad", "amsgrad", 0},
      {"maximize", "", 0}}},
    {"AdamW",
     {{"lr", "learning_rate", 1e-3},
      {"betas", "beta_", 0},
      {"eps", "epsilon", 1e-8},
      {"weight_decay", "weight_decay", 1e-2},
      {"amsgrad", "amsgrad", 0},
      {"maximize", "", 0}}},
    {"RMSprop",
     {{"lr", "learning_rate", 1e-2},
      {"alpha", "rho", 0.99},
      {"eps", "epsilon", 1e-8},
      {"weight_decay", "", 0},
      {"momentum", "momentum", 0},
      {"centered", "centered", 0},
      {"maximize", "", 0}}},
};

/* ---- reading ---- */

static void add(cni_evaluator *e, cni_value *call, const char *key, cni_value *value)
{
    if (!value || !cni_value_add(e->arena, call, key, value)) e->exhausted = true;
}

static cni_value *call_at(cni_evaluator *e, const char *name, const cni_span *span)
{
    cni_value *call = cni_value_call(e->arena, name);
    if (!call) {
        e->exhausted = true;
        return NULL;
    }
    call->line = (uint32_t)span->line;
    call->column = (uint32_t)span->column;
    return call;
}

/* Whether it asks for nothing: 0, False, None. */
static bool is_naught(const cni_thing *thing)
{
    return thing->type == CNI_THING_NONE || (cni_thing_is_number(thing) && cni_thing_number(thing) == 0);
}

static cni_value *loss(cni_evaluator *e, const struct loss *row, const char *name, cni_actuals *actuals)
{
    for (int i = 0; i < actuals->count; i++) {
        const cni_actual *actual = &actuals->items[i];
        const bool mean = actual->key && strcmp(actual->key, "reduction") == 0 &&
                          actual->thing->type == CNI_THING_TEXT && strcmp(actual->thing->text, "mean") == 0;
        if (mean || is_naught(actual->thing)) continue;
        const char *key = actual->key ? actual->key : "an argument";
        return call_at(
            e, cni_arena_printf(e->arena, "?%s of PyTorch's %s (--optimizer and --loss name others)", key, name),
            &actual->span);
    }
    cni_value *call = call_at(e, row->keras, &actuals->span);
    if (call && row->logits) add(e, call, "from_logits", cni_value_bool(e->arena, true));
    return call;
}

static void add_betas(cni_evaluator *e, cni_value *call, const cni_thing *betas)
{
    static const char *const keys[] = {"beta_1", "beta_2"};
    for (size_t i = 0; cni_thing_is_list(betas) && i < 2 && i < betas->count; i++)
        add(e, call, keys[i], cni_thing_value(e, betas->items[i], true, NULL));
}

static cni_value *optimizer(cni_evaluator *e, const struct optimizer *row, cni_actuals *actuals)
{
    cni_value *call = call_at(e, row->name, &actuals->span);
    for (int i = 0; call && i < PARAMETERS && row->parameters[i].name; i++) {
        const parameter *p = &row->parameters[i];
        const cni_actual *actual = cni_actuals_take(actuals, i + 1, p->name);
        if (!actual && p->otherwise > 0) add(e, call, p->keras, cni_value_real(e->arena, p->otherwise));
        if (!actual || is_naught(actual->thing)) continue;
        if (!*p->keras)
            return call_at(e,
                           cni_arena_printf(e->arena, "?%s of PyTorch's %s (--optimizer and --loss name others)",
                                            p->name, row->name),
                           &actual->span);
        if (strcmp(p->name, "betas") == 0)
            add_betas(e, call, actual->thing);
        else
            add(e, call, p->keras, cni_thing_value(e, actual->thing, true, NULL));
    }
    return call;
}

void cni_torch_keep_training(cni_evaluator *e, const char *path, cni_actuals *actuals)
{
    const char *name = cni_path_last(path);
    if (e->quiet) return;
    for (size_t i = 0; cni_path_under(path, "torch.nn") && i < sizeof losses / sizeof *losses; i++)
        if (strcmp(name, losses[i].torch) == 0 && !e->training.losses++) {
            e->training.loss = loss(e, &losses[i], name, actuals);
            e->training.accuracy = losses[i].accuracy;
        }
    for (size_t i = 0; cni_path_under(path, "torch.optim") && i < sizeof optimizers / sizeof *optimizers; i++)
        if (strcmp(name, optimizers[i].name) == 0 && !e->training.optimizers++)
            e->training.optimizer = optimizer(e, &optimizers[i], actuals);
}

const cni_value *cni_torch_training(cni_evaluator *e)
{
    const cni_span nowhere = {0};
    if (e->training.losses != 1 || e->training.optimizers != 1) return NULL; /* which one is meant? */
    cni_value *call = call_at(e, "compile", &nowhere), *metrics = cni_value_list(e->arena);
    if (!call || !metrics || !e->training.loss || !e->training.optimizer) return NULL;
    add(e, call, "optimizer", e->training.optimizer);
    add(e, call, "loss", e->training.loss);
    if (e->training.accuracy) {
        add(e, metrics, NULL, cni_value_text(e->arena, "accuracy"));
        add(e, call, "metrics", metrics);
    }
    call->line = e->training.optimizer->line;
    call->column = e->training.optimizer->column;
    return e->exhausted ? NULL : call;
}
