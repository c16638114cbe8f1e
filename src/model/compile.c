/* SPDX-License-Identifier: Apache-2.0
 * compile(): from C keywords or from Keras' compile_config, both through the same tree of values. */
#include "model/compile.h"

#include "base/take.h"
#include "model/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    cn_model *model;
    cni_compiled *compiled;
    cni_maker maker;
} reader;

const char *cni_output_name(const cn_model *model, int index)
{
    return index < model->output_count ? model->outputs[index]->call->layer->name : "";
}

/* A Sequential that waits for its first input will have one output. */
static int output_count(const reader *r)
{
    return r->model->sequential ? 1 : r->model->output_count;
}

/* ---- values ---- */

/* A copy in the arena in which calls, which JSON has not, are the objects that they made. */
static cni_value *keep(const cni_maker *maker, const cni_family *family, const cni_value *value)
{
    cni_arena *arena = maker->arena;
    if (value->type == CNI_CALL && family) {
        cni_object *object;
        return cni_object_make(maker, family, value, family->what, &object) ? NULL : cni_object_write(arena, object);
    }
    cni_value *copy = cni_value_alike(arena, value);
    if (!copy) return NULL;
    for (size_t i = 0; i < value->count; i++)
        if (!cni_value_add(arena, copy, value->keys ? value->keys[i] : NULL, keep(maker, family, value->items[i])))
            return NULL;
    return copy;
}

static bool is_given(const cni_value *value)
{
    return value && value->type != CNI_NULL;
}

static bool is_leaf(const cni_value *value)
{
    return value->type != CNI_LIST && !(value->type == CNI_DICT && !cni_value_get(value, "class_name"));
}

/* A dict by output name must not hold other names. */
static cn_status check_keys(const reader *r, const cni_value *dict, const char *what)
{
    const cn_model *model = r->model;
    for (size_t i = 0; i < dict->count; i++) {
        bool known = false;
        for (int j = 0; j < output_count(r); j++) known |= strcmp(dict->keys[i], cni_output_name(model, j)) == 0;
        if (!known)
            return cni_fail(r->maker.error, CN_ERR_INVALID,
                            "%s: the dict names \"%.80s\", which is no output; the first output is \"%s\"", what,
                            dict->keys[i], cni_output_name(model, 0));
    }
    return CN_OK;
}

/* What belongs to output `index` of a leaf, list or dict; NULL when nothing does. */
static const cni_value *share(const reader *r, const cni_value *value, int index)
{
    if (value->type == CNI_LIST) return (size_t)index < value->count ? value->items[index] : NULL;
    return cni_value_get(value, cni_output_name(r->model, index));
}

/* ---- losses ---- */

static cn_status read_losses(reader *r, const cni_value *loss)
{
    if (!is_given(loss)) return CN_OK;
    if (loss->type == CNI_DICT && !is_leaf(loss)) CN_TRY(check_keys(r, loss, "loss"));
    for (int i = 0; i < output_count(r); i++) {
        const cni_value *own = is_leaf(loss) ? loss : share(r, loss, i);
        CN_TRY(cni_object_make(&r->maker, &cni_losses, own, "loss", &r->compiled->targets[i].loss));
    }
    return CN_OK;
}

static cn_status read_loss_weights(reader *r, const cni_value *weights)
{
    for (int i = 0; i < output_count(r); i++) {
        r->compiled->targets[i].loss_weight = 1;
        if (!is_given(weights)) continue;
        const cni_value *own = is_leaf(weights) ? weights : share(r, weights, i);
        if (!is_given(own)) continue;
        if (own->type != CNI_INT && own->type != CNI_REAL)
            return cni_fail(r->maker.error, CN_ERR_INVALID, "loss_weights: a number for each output expected");
        r->compiled->targets[i].loss_weight = own->real;
    }
    return CN_OK;
}

/* ---- metrics ---- */

static cn_status add_metric(reader *r, const cni_value *value, const char *what, cni_object **objects, int *count)
{
    if (!is_given(value)) return CN_OK;
    if (value->type == CNI_LIST) {
        for (size_t i = 0; i < value->count; i++) CN_TRY(add_metric(r, value->items[i], what, objects, count));
        return CN_OK;
    }
    if (*count == CN_MAX_ARRAYS)
        return cni_fail(r->maker.error, CN_ERR_LIMIT, "%s: more than %d for one output", what, CN_MAX_ARRAYS);
    return cni_object_make(&r->maker, &cni_metrics, value, what, objects + (*count)++);
}

/* One output: a list is its metrics.  Several: a list has an entry for each. */
static cn_status read_metrics(reader *r, const cni_value *metrics, const char *what, bool weighted)
{
    if (!is_given(metrics) || (!is_leaf(metrics) && !metrics->count)) return CN_OK;
    int outputs = output_count(r);
    if (metrics->type == CNI_DICT && !is_leaf(metrics)) CN_TRY(check_keys(r, metrics, what));
    if (outputs > 1 && metrics->type == CNI_LIST && metrics->count != (size_t)outputs)
        return cni_fail(r->maker.error, CN_ERR_INVALID,
                        "%s: a list must have an entry for each of the %d outputs; it has %zu", what, outputs,
                        metrics->count);
    for (int i = 0; i < outputs; i++) {
        cni_target *target = r->compiled->targets + i;
        bool whole = is_leaf(metrics) || (outputs == 1 && metrics->type == CNI_LIST);
        const cni_value *own = whole ? metrics : share(r, metrics, i);
        CN_TRY(weighted ? add_metric(r, own, what, target->weighted_metrics, &target->weighted_count)
                        : add_metric(r, own, what, target->metrics, &target->metric_count));
    }
    return CN_OK;
}

/* ---- the whole ---- */

/* Keras numbers optimizers as it numbers layers, and the name goes into the file. */
static cn_status name_optimizer(reader *r)
{
    const char **name = cni_object_member(r->compiled->optimizer, "name");
    if (name && !*name)
        *name = cni_context_name(r->model->context, &r->compiled->arena, r->compiled->optimizer->kind->name);
    return name && *name ? CN_OK : cni_no_memory(r->maker.error, "an optimizer");
}

/* What is not given now but was before stays (Keras' compile). */
static cn_status keep_part(reader *r, const cni_family *family, const cni_value *given, const cni_value *before,
                           cni_value **kept)
{
    if (!is_given(given)) given = before;
    if (!is_given(given)) return CN_OK;
    *kept = keep(&r->maker, family, given);
    return *kept ? CN_OK : r->maker.error->status ? r->maker.error->status : cni_no_memory(r->maker.error, "compile");
}

static cn_status read_parts(reader *r, const cni_value *config)
{
    const cni_compiled *old = r->model->compiled;
    cni_compiled *c = r->compiled;
    CN_TRY(keep_part(r, &cni_losses, cni_value_get(config, "loss"), old ? old->loss : NULL, &c->loss));
    CN_TRY(keep_part(r, &cni_losses, cni_value_get(config, "loss_weights"), NULL, &c->loss_weights));
    CN_TRY(keep_part(r, &cni_metrics, cni_value_get(config, "metrics"), old ? old->metrics : NULL, &c->metrics));
    CN_TRY(keep_part(r, &cni_metrics, cni_value_get(config, "weighted_metrics"), old ? old->weighted_metrics : NULL,
                     &c->weighted_metrics));
    /* from what was given: an argument that Keras does not save (Huber's delta) counts all the same */
    CN_TRY(read_losses(r, is_given(cni_value_get(config, "loss")) ? cni_value_get(config, "loss") : c->loss));
    CN_TRY(read_loss_weights(r, c->loss_weights));
    CN_TRY(read_metrics(r, c->metrics, "metrics", false));
    return read_metrics(r, c->weighted_metrics, "weighted_metrics", true);
}

static cn_status new_reader(cn_model *model, cni_error *error, reader *r)
{
    if (!model->complete && !model->sequential)
        return cni_fail(error, CN_ERR_STATE, "%s: compile comes after cn_outputs", model->name);
    cni_compiled *compiled = calloc(1, sizeof *compiled);
    if (!compiled) return cni_no_memory(error, "compile");
    *r = (reader){model, compiled, {&compiled->arena, &model->context->python, model->context->data_format, error}};
    return CN_OK;
}

static cn_status finish(reader *r, cn_status status)
{
    if (status) {
        cni_compiled_free(r->compiled);
        return status;
    }
    cni_compiled_free(r->model->compiled);
    r->model->compiled = r->compiled;
    cni_model_take_trainable(r->model);
    cni_model_detach(r->model, CNI_ATTACH_TRAINER);
    return CN_OK;
}

static cn_status read_config(cn_model *model, const cni_value *config, cni_error *error)
{
    reader r;
    CN_TRY(new_reader(model, error, &r));
    const cni_value *optimizer = cni_value_get(config, "optimizer");
    cni_value fallback = {.type = CNI_TEXT, .text = "rmsprop"};
    cn_status status = cni_object_make(&r.maker, &cni_optimizers, is_given(optimizer) ? optimizer : &fallback,
                                       "optimizer", &r.compiled->optimizer);
    if (!status) status = name_optimizer(&r);
    if (!status) status = read_parts(&r, config);
    return finish(&r, status);
}

cn_status cni_compile_read(cn_model *model, const cni_value *config, cni_error *error)
{
    cni_error_clear(&model->compile_error);
    cn_status status = read_config(model, config, &model->compile_error);
    if (!status || status == CN_ERR_MEMORY) return status;
    cni_maker maker = {.arena = &model->arena, .error = error};
    model->unread_compile = keep(&maker, NULL, config);
    return model->unread_compile ? CN_OK : cni_no_memory(error, "compile_config");
}

cn_status cni_compiled_check(const cn_model *model, const char *what, cni_error *error)
{
    if (model->compiled) return CN_OK;
    if (model->compile_error.status)
        return cni_fail(error, model->compile_error.status, "%s: %s: %s", what,
                        model->source ? "compile" : "compile_config", model->compile_error.text);
    return cni_fail(error, CN_ERR_STATE, "%s: you must compile the model first (cn_compile, or --loss and --optimizer)",
                    what);
}

cni_value *cni_compile_write(cni_arena *arena, const cn_model *model)
{
    const cni_compiled *c = model->compiled;
    if (!c) return model->unread_compile ? model->unread_compile : cni_value_dict(arena);
    cni_value *config = cni_value_dict(arena);
    const cni_value *parts[] = {c->loss, c->loss_weights, c->metrics, c->weighted_metrics};
    static const char *const names[] = {"loss", "loss_weights", "metrics", "weighted_metrics"};
    bool made = config && cni_value_add(arena, config, "optimizer", cni_object_write(arena, c->optimizer));
    for (int i = 0; i < 4 && made; i++) /* the parts live as long as the model, which the caller keeps */
        made =
            cni_value_add(arena, config, names[i], parts[i] ? (cni_value *)(uintptr_t)parts[i] : cni_value_null(arena));
    made = made && cni_value_add(arena, config, "run_eagerly", cni_value_bool(arena, false)) &&
           cni_value_add(arena, config, "steps_per_execution", cni_value_int(arena, 1)) &&
           cni_value_add(arena, config, "jit_compile", cni_value_bool(arena, true));
    return made ? config : NULL;
}

void cni_compiled_forget_state(cni_compiled *compiled)
{
    if (!compiled) return;
    cni_optimizer_state_free(compiled->state);
    compiled->state = NULL;
}

void cni_compiled_free(cni_compiled *compiled)
{
    if (!compiled) return;
    cni_compiled_forget_state(compiled);
    cni_arena_free(&compiled->arena);
    free(compiled);
}

/* ---- the optimizer's state ---- */

typedef struct collection {
    cni_variable **weights;
    int count;
} collection;

static void collect(void *user, cni_variable *weight)
{
    collection *c = user;
    if (c->weights) c->weights[c->count] = weight;
    c->count++;
}

cni_optimizer_state *cni_compiled_state(cn_model *model, cni_error *error)
{
    if (model->compiled->state) return model->compiled->state;
    if (cni_model_materialise(model, error)) return NULL;
    collection c = {0};
    cni_model_trained(model, collect, &c);
    c.weights = calloc((size_t)c.count + 1, sizeof *c.weights);
    c.count = 0;
    if (!c.weights) {
        cni_no_memory(error, "an optimizer");
        return NULL;
    }
    cni_model_trained(model, collect, &c);
    cni_optimizer_state_new(model->compiled->optimizer, c.weights, c.count, &model->compiled->state, error);
    free(c.weights);
    return model->compiled->state;
}

double cn_learning_rate(const cn_model *model)
{
    if (!model || !model->compiled) return 0;
    cni_error error = {0};
    const cni_optimizer_state *state = cni_compiled_state((cn_model *)(uintptr_t)model, &error);
    return state ? cni_optimizer_learning_rate(state) : 0;
}

cn_status cn_set_learning_rate(cn_model *model, double learning_rate)
{
    if (!model) return CN_ERR_MEMORY;
    cni_error_clear(&model->call_error);
    if (!model->compiled) return cni_fail(&model->call_error, CN_ERR_STATE, "set the learning rate after cn_compile");
    cni_optimizer_state *state = cni_compiled_state(model, &model->call_error);
    if (!state) return model->call_error.status;
    if (cni_optimizer_has_schedule(state))
        return cni_fail(&model->call_error, CN_ERR_STATE, "learning_rate: a schedule rules it; it cannot be set");
    cni_optimizer_set_learning_rate(state, learning_rate);
    return CN_OK;
}

/* ---- C keywords ---- */

static cn_status optimizer_from_args(reader *r, const cn_optimizer_args *args)
{
    cni_object **out = &r->compiled->optimizer;
    const cn_text_args *text = (const cn_text_args *)(const void *)args;
    if (!args || !args->class_name) args = NULL;
    if (!args || !*args->class_name) {
        cni_value *value;
        CN_TRY(cni_value_read(r->maker.arena, args && text->text ? text->text : "rmsprop", "optimizer", &value,
                              r->maker.error));
        return cni_object_make(&r->maker, &cni_optimizers, value, "optimizer", out);
    }
    const cni_kind *kind = cni_family_find(&cni_optimizers, args->class_name);
    if (!kind) return cni_fail(r->maker.error, CN_ERR_INVALID, "optimizer: unknown %s", args->class_name);
    CN_TRY(cni_object_copy(&r->maker, kind, args, kind->name, out));
    (*out)->family = &cni_optimizers;
    return CN_OK;
}

static cni_value *texts_value(reader *r, const char *const *texts)
{
    cni_arena *arena = r->maker.arena;
    cni_value *list = NULL;
    for (int i = 0; i < CN_MAX_ARRAYS && texts[i]; i++) {
        cni_value *value;
        if (!list) list = cni_value_list(arena);
        if (cni_value_read(arena, texts[i], "compile", &value, r->maker.error) || !list ||
            !cni_value_add(arena, list, NULL, value))
            return NULL;
    }
    return list;
}

static cni_value *losses_value(reader *r, const cn_compile_args *args)
{
    cni_value *value = NULL;
    if (args->loss) return cni_value_read(r->maker.arena, args->loss, "loss", &value, r->maker.error) ? NULL : value;
    bool any = false;
    cni_value *list = cni_value_list(r->maker.arena);
    for (int i = 0; i < output_count(r); i++) {
        any |= args->losses[i] != NULL;
        value = NULL;
        if (!args->losses[i])
            value = cni_value_null(r->maker.arena);
        else if (cni_value_read(r->maker.arena, args->losses[i], "losses", &value, r->maker.error))
            return NULL;
        if (!list || !cni_value_add(r->maker.arena, list, NULL, value)) return NULL;
    }
    return any ? list : NULL;
}

static cni_value *weights_value(reader *r, const double *weights)
{
    bool any = false;
    cni_value *list = cni_value_list(r->maker.arena);
    for (int i = 0; i < output_count(r); i++) {
        uint64_t bits;
        memcpy(&bits, weights + i, sizeof bits);
        any |= bits != 0;
        if (!list ||
            !cni_value_add(r->maker.arena, list, NULL, cni_value_real(r->maker.arena, bits ? weights[i] + 0.0 : 1)))
            return NULL;
    }
    return any ? list : NULL;
}

/* Several outputs: output_metrics has a row for each; `metrics` then goes to none. */
static cni_value *metrics_value(reader *r, const cn_compile_args *args)
{
    bool any = false;
    for (int i = 0; i < output_count(r); i++) any |= args->output_metrics[i][0] != NULL;
    if (!any) return texts_value(r, args->metrics);
    cni_value *list = cni_value_list(r->maker.arena);
    for (int i = 0; i < output_count(r); i++) {
        cni_value *row =
            args->output_metrics[i][0] ? texts_value(r, args->output_metrics[i]) : cni_value_list(r->maker.arena);
        if (!list || !cni_value_add(r->maker.arena, list, NULL, row)) return NULL;
    }
    return list;
}

static cn_status add_part(reader *r, cni_value *config, const char *key, cni_value *part)
{
    if (r->maker.error->status) return r->maker.error->status;
    bool added = config && cni_value_add(r->maker.arena, config, key, part ? part : cni_value_null(r->maker.arena));
    return added ? CN_OK : cni_no_memory(r->maker.error, "compile");
}

static cn_status compile_from_args(reader *r, const cn_compile_args *args)
{
    cni_value *config = cni_value_dict(r->maker.arena);
    CN_TRY(optimizer_from_args(r, args->optimizer));
    CN_TRY(name_optimizer(r));
    CN_TRY(add_part(r, config, "loss", losses_value(r, args)));
    CN_TRY(add_part(r, config, "loss_weights", weights_value(r, args->loss_weights)));
    CN_TRY(add_part(r, config, "metrics", metrics_value(r, args)));
    CN_TRY(add_part(r, config, "weighted_metrics", texts_value(r, args->weighted_metrics)));
    return read_parts(r, config);
}

cn_status cn_model_compile(cn_model *model, const cn_compile_args *args)
{
    if (!model) return CN_ERR_MEMORY;
    if (model->error.status) return model->error.status;
    if (model->busy) {
        cni_error_clear(&model->call_error);
        return cni_fail(&model->call_error, CN_ERR_STATE, "compile: the model is in training");
    }
    cn_compile_args given;
    CN_TRY(cni_take_args(&given, sizeof given, args, sizeof(size_t), "compile", &model->error));
    reader r;
    CN_TRY(new_reader(model, &model->error, &r));
    return finish(&r, compile_from_args(&r, &given));
}
