/* SPDX-License-Identifier: Apache-2.0
 * Models as they were described.  Keras makes layers in the order of the text, and each draws its default seeds when it
 * is made; calls come afterwards.  So the arguments of all layers are read first, then the model is wired. */
#include "base/text.h"
#include "layers/layers.h"
#include "layers/torch/torch.h"
#include "model/compile.h"
#include "model/config.h"
#include "model/description_seeds.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* A layer of Keras that a described layer becomes: one, but of PyTorch's any number. */
typedef struct part {
    const cni_layer_kind *kind;
    cni_object *config;
    bool seeded; /* it drew a seed of its own */
    uint32_t seed;
    cn_layer *layer; /* once it is made */
} part;

typedef struct building building;
typedef struct planned {
    part *parts; /* NULL: not yet known (PyTorch's depend on what comes in) */
    int count;
    building *inner; /* the model that it is */
    bool waits;      /* an input of unknown shape, which the model goes without */
} planned;

struct building {
    cn_model *model; /* until it is a layer of another, it is ours to free */
    const cni_description *d;
    const char *file;
    int depth;
    cni_seeds *seeds;
    planned *layers;
    cn_node ***nodes; /* by call: its outputs */
    bool *needed, *not_negative;
    cni_error *error; /* the model's */
};

static cn_status no_memory(const building *b)
{
    return cni_no_memory(b->error, "a model");
}

/* Puts "model.py:12: " before a message. */
static cn_status fail_at(const building *b, const cni_span *span)
{
    return span->line ? cni_fail_in(b->error, "%s:%d", b->file, span->line) : cni_fail_in(b->error, "%s", b->file);
}

/* Models do not take '/' in names; a flat description has it. */
static const char *plain_name(const building *b, const char *name)
{
    char *copy = cni_arena_text(&b->model->arena, name);
    for (char *at = copy; at && (at = strchr(at, '/'));) *at = '.';
    return copy;
}

/* ---- arguments, in the order of the text ---- */

static void draw_seed(const building *b, part *p)
{
    const cn_layer probe = {.kind = p->kind, .config = p->config};
    if (!p->kind->seeded || !p->kind->seeded(&probe)) return;
    const int *seed = cni_object_member(p->config, "seed");
    p->seeded = !seed || *seed == CNI_NONE_INT;
    if (p->seeded) p->seed = cni_py_default_seed(&b->model->context->python);
}

static cn_status read_part(const building *b, const cni_layer_kind *kind, const cni_value *arguments, const char *where,
                           part *out)
{
    const cni_maker maker = cni_model_maker(b->model);
    out->kind = kind;
    CN_TRY(cni_object_read(&maker, &kind->kind, arguments, where, &out->config));
    out->config->family = &cni_layers;
    draw_seed(b, out);
    return CN_OK;
}

/* An input's shape may come from elsewhere than its arguments. */
static cn_status plan_input(const building *b, const cni_described_layer *layer, planned *plan)
{
    cni_arena *arena = &b->model->arena;
    const cni_object *config = layer->config;
    const int *shape = config ? cni_object_member(config, "batch_shape") : NULL;
    const cni_value *whole = config ? cni_object_config(arena, config) : NULL;
    cni_value *arguments = cni_value_dict(arena);
    plan->waits = !shape || !cni_ints_count(shape);
    if (plan->waits) return CN_OK;
    const bool made =
        whole && arguments &&
        cni_value_add(arena, arguments, "batch_shape", (cni_value *)(uintptr_t)cni_value_get(whole, "batch_shape")) &&
        cni_value_add(arena, arguments, "name", cni_value_text(arena, plain_name(b, layer->name)));
    if (!made) return no_memory(b);
    return read_part(b, layer->kind, arguments, CNI_DESCRIBED_LABEL(layer), plan->parts);
}

static cn_status plan_layer(const building *b, const cni_described_layer *layer, planned *plan)
{
    cni_arena *arena = &b->model->arena;
    cni_described_layer renamed = *layer;
    renamed.name = plain_name(b, layer->name);
    plan->parts = CNI_NEW(arena, part);
    plan->count = 1;
    if (!plan->parts) return no_memory(b);
    const bool input = cni_described_is_input(layer);
    if (input) CN_TRY(plan_input(b, layer, plan));
    if (!layer->named && !plan->waits && !cni_context_name(b->model->context, arena, layer->kind->kind.name))
        return no_memory(b);
    if (input) return CN_OK;
    cni_value *arguments;
    CN_TRY(cni_seeds_draw(b->seeds, arena, &renamed, &b->model->context->python, &arguments, b->error));
    CN_TRY(read_part(b, layer->kind, arguments, CNI_DESCRIBED_LABEL(layer), plan->parts));
    cni_seeds_hide(b->seeds, layer, plan->parts->config);
    return CN_OK;
}

static cn_status plan(const building *b, int index)
{
    const cni_described_layer *layer = b->d->layers + index;
    cn_status status = CN_OK;
    if (!layer->kind)
        status = cni_fail(b->error, CN_ERR_UNSUPPORTED, "%s: not a layer that Cornu knows", CNI_DESCRIBED_LABEL(layer));
    else if (!layer->kind->keras)
        status = plan_layer(b, layer, b->layers + index);
    return status ? fail_at(b, &layer->span) : CN_OK;
}

/* ---- all layers of the text, in the order in which they were made ---- */

typedef struct turn {
    const building *b;
    int layer, made, order;
} turn;

static int count_turns(const building *b)
{
    int count = b->d->layer_count;
    for (int i = 0; i < b->d->layer_count; i++)
        if (b->layers[i].inner) count += count_turns(b->layers[i].inner);
    return count;
}

/* Layers of inner models stand where the model stands, unless it is told when they were made. */
static void list_turns(const building *b, turn *turns, int *count)
{
    for (int i = 0; i < b->d->layer_count; i++) {
        const int made = b->d->layers[i].made;
        if (b->layers[i].inner)
            list_turns(b->layers[i].inner, turns, count);
        else
            turns[*count] = (turn){b, i, made ? made : INT_MAX, *count}, ++*count;
    }
}

static int by_making(const void *a, const void *b)
{
    const turn *x = a, *y = b;
    if (x->made != y->made) return x->made < y->made ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

/* What a layer draws that the model does not use. */
static cn_status pass_unused(const building *b, const cni_described_layer *layer)
{
    planned unused = {0};
    if (!layer->kind || layer->kind->keras || cni_described_is_input(layer)) return CN_OK;
    return plan_layer(b, layer, &unused);
}

static cn_status plan_turns(const building *b, turn *turns, int count)
{
    int passed = 0;
    for (int i = 0; i < count; i++) {
        const turn *p = turns + i;
        for (; passed + 1 < p->made && passed < b->d->made_count; passed++) CN_TRY(pass_unused(b, b->d->made + passed));
        if (p->made <= b->d->made_count) passed = p->made;
        cn_status status = plan(p->b, p->layer);
        if (status) return cni_fail(b->error, status, "%s", p->b->error->text);
    }
    return CN_OK;
}

static cn_status plan_all(const building *b)
{
    const int most = count_turns(b);
    turn *turns = calloc((size_t)most + 1, sizeof *turns);
    int count = 0;
    if (!turns) return no_memory(b);
    list_turns(b, turns, &count);
    if (b->d->made_count) qsort(turns, (size_t)count, sizeof *turns, by_making);
    const cn_status status = plan_turns(b, turns, count);
    free(turns);
    return status;
}

/* ---- PyTorch's layers, when it is known what they are called on ---- */

static cn_status plan_call(const building *b, const char *name, cni_value *call, bool last, part *out)
{
    cni_arena *arena = &b->model->arena;
    char snake[200];
    const cni_kind *kind = cni_family_find(&cni_layers, call->text);
    if (!kind) return cni_fail(b->error, CN_ERR_UNSUPPORTED, "Cornu has no %s", call->text);
    cni_snake_case(call->text, snake, sizeof snake);
    cni_value *own =
        last ? cni_value_text(arena, name) : cni_value_text(arena, cni_arena_printf(arena, "%s_%s", name, snake));
    if (!cni_value_add(arena, call, "name", own)) return no_memory(b);
    return read_part(b, (const cni_layer_kind *)kind, call, kind->name, out);
}

static cn_status translate(const building *b, const cni_described_layer *layer, const cni_torch_place *place,
                           planned *plan)
{
    cni_arena *arena = &b->model->arena;
    cni_value *list;
    cni_described_layer copy = *layer;
    const char *name = plain_name(b, layer->name);
    CN_TRY(cni_described_configure(arena, CNI_TORCH, &copy, b->error));
    CN_TRY(cni_torch_translate(copy.config, place, arena, &list, b->error));
    plan->parts = CNI_NEW_ARRAY(arena, part, list->count + 1);
    if (!plan->parts || !name) return no_memory(b);
    for (size_t i = 0; i < list->count; i++)
        CN_TRY(plan_call(b, name, list->items[i], i + 1 == list->count, plan->parts + i));
    plan->count = (int)list->count;
    return CN_OK;
}

/* Whether what a call gives is never below zero. */
static bool is_not_negative(const building *b, const cni_described_call *call)
{
    const unsigned keeps = CNI_IS_MAX_POOL | CNI_IS_AVERAGE_POOL | CNI_IS_GLOBAL_POOL | CNI_IS_NOTHING |
                           CNI_IS_DROPOUT | CNI_IS_FLATTEN | CNI_IS_CONCATENATE;
    const cni_described_layer *layer = b->d->layers + call->layer;
    const unsigned traits = layer->kind ? layer->kind->traits : 0;
    if (traits & CNI_IS_NOT_NEGATIVE) return true;
    if (!(traits & keeps) || !call->input_count) return false;
    for (int i = 0; i < call->input_count; i++)
        if (!b->not_negative[call->inputs[i].call]) return false;
    return true;
}

/* ---- layers ---- */

/* The generator is as it was before: the seed was drawn in its turn. */
static cn_status make_part(const building *b, part *p)
{
    if (p->layer) return CN_OK;
    cni_mt19937 *python = &b->model->context->python;
    const cni_mt19937 before = *python;
    const cn_status status = cni_layer_make(b->model, p->kind, p->config, &p->layer);
    *python = before;
    if (!status && p->seeded) p->layer->seed.seed = p->seed;
    return status;
}

static cn_status make_inner(const building *b, planned *plan)
{
    if (plan->parts) return CN_OK;
    plan->parts = CNI_NEW(&b->model->arena, part);
    if (!plan->parts) return no_memory(b);
    plan->count = 1;
    CN_TRY(cni_layer_make_inner(b->model, plan->inner->model, &plan->parts->layer));
    plan->inner->model = NULL;
    return CN_OK;
}

/* The layer's parts are known from here on. */
static cn_status settle(const building *b, int index, const cni_shape *in)
{
    const cni_described_call *call = b->d->calls + index;
    const cni_described_layer *layer = b->d->layers + call->layer;
    planned *plan = b->layers + call->layer;
    if (layer->inner) return make_inner(b, plan);
    const bool first = call->input_count && b->not_negative[call->inputs[0].call];
    const cni_torch_place place = {.in = in, .not_negative = first, .initializers = true};
    if (layer->kind->keras && !plan->parts) return translate(b, layer, &place, plan);
    return CN_OK;
}

/* ---- a chain ---- */

static bool is_chain(const cni_description *d)
{
    if (!d->sequential || !d->call_count || d->output_count != 1 || d->outputs[0].call != d->call_count - 1)
        return false;
    for (int i = 0; i < d->call_count; i++) {
        const cni_described_call *call = d->calls + i;
        if (call->input_count != (i > 0) || (i > 0) == cni_described_is_input(d->layers + call->layer)) return false;
        if (i > 0 && (call->inputs[0].call != i - 1 || call->inputs[0].output)) return false;
    }
    return true;
}

static cn_status append(const building *b, int index)
{
    const cni_described_call *call = b->d->calls + index;
    const planned *plan = b->layers + call->layer;
    if (plan->waits) return CN_OK;
    CN_TRY(settle(b, index, b->model->tip ? &b->model->tip->shape : NULL));
    b->not_negative[index] = is_not_negative(b, call);
    for (int i = 0; i < plan->count; i++) {
        part *p = plan->parts + i;
        if (!b->d->layers[call->layer].inner) CN_TRY(make_part(b, p));
        CN_TRY(cni_sequential_append(b->model, p->layer));
    }
    return CN_OK;
}

static cn_status fail_in_call(const building *b, int index)
{
    const cni_described_call *call = b->d->calls + index;
    return fail_at(b, call->span.line ? &call->span : &b->d->layers[call->layer].span);
}

static cn_status build_chain(const building *b)
{
    for (int i = 0; i < b->d->call_count; i++)
        if (append(b, i)) return fail_in_call(b, i);
    return CN_OK;
}

/* ---- a graph ---- */

static cn_status make_input(const building *b, int index)
{
    const int layer = b->d->calls[index].layer;
    planned *plan = b->layers + layer;
    if (!cni_described_is_input(b->d->layers + layer) || plan->waits)
        return cni_fail(b->error, CN_ERR_SHAPE, "%s: %s", CNI_DESCRIBED_LABEL(b->d->layers + layer),
                        plan->waits ? "its shape is not known; give Input a shape" : "is no input");
    CN_TRY(make_part(b, plan->parts));
    CN_TRY(cni_call_input(plan->parts->layer));
    b->nodes[index] = b->model->inputs + b->model->input_count - 1;
    return CN_OK;
}

static cn_status find_node(const building *b, const cni_tensor_reference *r, cn_node **node)
{
    const cni_described_layer *layer = b->d->layers + b->d->calls[r->call].layer;
    const int count = layer->inner ? layer->inner->output_count : 1;
    if (r->output < 0 || r->output >= count)
        return cni_fail(b->error, CN_ERR_INVALID, "%s: has %d output%s; number %d is used", CNI_DESCRIBED_LABEL(layer),
                        count, count == 1 ? "" : "s", r->output);
    if (!b->nodes[r->call])
        return cni_fail(b->error, CN_ERR_INVALID, "%s: is used before it is called", CNI_DESCRIBED_LABEL(layer));
    *node = b->nodes[r->call][r->output];
    return CN_OK;
}

static cn_status make_call(const building *b, int index)
{
    const cni_described_call *call = b->d->calls + index;
    const planned *plan = b->layers + call->layer;
    cn_node *inputs[CNI_MAX_INPUTS];
    cni_call *made;
    if (!call->input_count)
        return cni_fail(b->error, CN_ERR_INVALID, "%s: the outputs need it, but it is not among the model's inputs",
                        CNI_DESCRIBED_LABEL(b->d->layers + call->layer));
    if (call->input_count > CNI_MAX_INPUTS)
        return cni_fail(b->error, CN_ERR_LIMIT, "%s: %d inputs; at most %d",
                        CNI_DESCRIBED_LABEL(b->d->layers + call->layer), call->input_count, CNI_MAX_INPUTS);
    for (int i = 0; i < call->input_count; i++) CN_TRY(find_node(b, call->inputs + i, inputs + i));
    CN_TRY(settle(b, index, &inputs[0]->shape));
    b->not_negative[index] = is_not_negative(b, call);
    cn_node **last = CNI_NEW(&b->model->arena, cn_node *);
    if (!last) return no_memory(b);
    *last = inputs[0]; /* of a layer that is none at all */
    b->nodes[index] = last;
    for (int i = 0; i < plan->count; i++) {
        part *p = plan->parts + i;
        if (!b->d->layers[call->layer].inner) CN_TRY(make_part(b, p));
        CN_TRY(cni_call_padded(p->layer, i ? 1 : call->input_count, i ? b->nodes[index] : inputs, &made));
        b->nodes[index] = made->outputs;
    }
    return CN_OK;
}

static void find_needed(const building *b)
{
    for (int i = 0; i < b->d->output_count; i++) b->needed[b->d->outputs[i].call] = true;
    for (int i = b->d->call_count - 1; i >= 0; i--)
        for (int j = 0; b->needed[i] && j < b->d->calls[i].input_count; j++)
            b->needed[b->d->calls[i].inputs[j].call] = true;
}

static cn_status keep_structure(const building *b, const cni_structure *from, cni_structure *to)
{
    *to = *from;
    for (int i = 0; i < CN_MAX_ARRAYS; i++) {
        to->keys[i] = cni_arena_text(&b->model->arena, from->keys[i]);
        if (from->keys[i] && !to->keys[i]) return no_memory(b);
    }
    return CN_OK;
}

static cn_status build_graph(const building *b)
{
    const cni_description *d = b->d;
    cn_node *outputs[CN_MAX_ARRAYS];
    find_needed(b);
    for (int i = 0; i < d->input_count; i++)
        if (make_input(b, d->inputs[i])) return fail_in_call(b, d->inputs[i]);
    for (int i = 0; i < d->call_count; i++)
        if (b->needed[i] && !b->nodes[i] && make_call(b, i)) return fail_in_call(b, i);
    if (d->output_count > CN_MAX_ARRAYS)
        return cni_fail(b->error, CN_ERR_LIMIT, "%s: more than %d outputs", b->model->name, CN_MAX_ARRAYS);
    for (int i = 0; i < d->output_count; i++) CN_TRY(find_node(b, d->outputs + i, outputs + i));
    CN_TRY(keep_structure(b, &d->input_structure, &b->model->input_structure));
    CN_TRY(keep_structure(b, &d->output_structure, &b->model->output_structure));
    return cni_model_set_outputs(b->model, d->output_count, outputs);
}

/* ---- the whole ---- */

static cn_status wire(building *b)
{
    for (int i = 0; i < b->d->layer_count; i++) {
        building *inner = b->layers[i].inner;
        if (!inner) continue;
        const cn_status status = wire(inner);
        if (status) return cni_fail(b->error, status, "%s", inner->error->text);
    }
    CN_TRY(b->model->sequential ? build_chain(b) : build_graph(b));
    return b->model->error.status;
}

static const char *file_of(const cni_description *d)
{
    return d->file ? d->file : "<text>";
}

/* What the text did not say well enough to be understood. */
static cn_status check_remarks(const cni_description *d, cni_error *error)
{
    for (int i = 0; i < d->remarks.count; i++) {
        const cni_remark *remark = d->remarks.items + i;
        if (remark->severity == CNI_ERROR)
            return cni_fail(error, CN_ERR_INVALID, "%s:%d:%d: error %s: %s%s%s%s", file_of(d), remark->span.line,
                            remark->span.column, remark->id, remark->text, remark->hint ? " (" : "",
                            remark->hint ? remark->hint : "", remark->hint ? ")" : "");
    }
    return CN_OK;
}

/* Models without layers yet, this one and those in it. */
static cn_status begin(cn_context *context, const cni_description *d, const char *name, const building *outer,
                       building *b)
{
    cn_model *model = is_chain(d) ? cn_sequential_in(context, name) : cn_functional_in(context, name);
    if (!model) return CN_ERR_MEMORY;
    cni_arena *arena = &model->arena;
    const size_t calls = (size_t)d->call_count + 1;
    *b = (building){.model = model,
                    .d = d,
                    .file = outer ? outer->file : file_of(d),
                    .seeds = outer ? outer->seeds : NULL,
                    .depth = outer ? outer->depth + 1 : 1,
                    .layers = CNI_NEW_ARRAY(arena, planned, (size_t)d->layer_count + 1),
                    .nodes = CNI_NEW_ARRAY(arena, cn_node **, calls),
                    .needed = CNI_NEW_ARRAY(arena, bool, calls),
                    .not_negative = CNI_NEW_ARRAY(arena, bool, calls),
                    .error = &model->error};
    if (!b->layers || !b->nodes || !b->needed || !b->not_negative) return no_memory(b);
    if (b->depth > CNI_MAX_NESTING)
        return cni_fail(b->error, CN_ERR_LIMIT, "models are nested more than %d deep", CNI_MAX_NESTING);
    if (!outer) CN_TRY(cni_seeds_find(arena, d, &b->seeds, b->error));
    model->deferred = true;
    model->trainable = model->trained = !d->frozen;
    for (int i = 0; i < d->layer_count && !model->error.status; i++) {
        const cni_described_layer *layer = d->layers + i;
        if (!layer->inner) continue;
        building *inner = b->layers[i].inner = CNI_NEW(arena, building);
        if (!inner) return no_memory(b);
        const cn_status status = begin(context, layer->inner, layer->name, b, inner);
        if (status) return inner->error ? cni_fail(b->error, status, "%s", inner->error->text) : no_memory(b);
    }
    return model->error.status;
}

/* What became no layer of another model. */
static void end(building *b)
{
    for (int i = 0; b->layers && i < b->d->layer_count; i++)
        if (b->layers[i].inner) end(b->layers[i].inner);
    cn_model_free(b->model);
}

static cn_status build_model(cn_context *context, const cni_description *d, cn_model **out, cni_error *error)
{
    building b = {0};
    cn_status status = begin(context, d, d->name, NULL, &b);
    if (!status) status = plan_all(&b);
    if (!status) status = wire(&b);
    if (!status) {
        *out = b.model;
        b.model = NULL;
    } else if (b.error)
        cni_fail(error, status, "%s", b.error->text);
    else
        cni_no_memory(error, "a model");
    end(&b);
    return status;
}

/* What a reader could not make out: a call whose name begins with '?'. */
static const cni_value *find_unknown(const cni_value *value)
{
    if (value->type == CNI_CALL && value->text[0] == '?') return value;
    for (size_t i = 0; i < value->count; i++) {
        const cni_value *unknown = find_unknown(value->items[i]);
        if (unknown) return unknown;
    }
    return NULL;
}

static cn_status refuse_unknown(cn_model *model, const char *key, const cni_value *value)
{
    const cni_value *unknown = find_unknown(value);
    if (!unknown) return CN_OK;
    return cni_fail(&model->compile_error, CN_ERR_UNSUPPORTED, "%s:%u:%u: error I805: %s: %.100s is not known here",
                    model->source, unknown->line, unknown->column, key, unknown->text + 1);
}

/* Arguments of compile() as a dict; what says nothing about training (run_eagerly) is left out. */
static cn_status compile_arguments(cn_model *model, const cni_value *call, cni_value **config, cni_error *error)
{
    static const char *const keys[] = {"optimizer", "loss", "loss_weights", "metrics", "weighted_metrics"};
    const size_t count = sizeof keys / sizeof *keys;
    *config = cni_value_dict(&model->arena);
    for (size_t i = 0; i < call->count; i++)
        for (size_t k = 0; k < count; k++) {
            if (call->keys[i] ? strcmp(call->keys[i], keys[k]) != 0 : i != k) continue;
            CN_TRY(refuse_unknown(model, keys[k], call->items[i]));
            if (!cni_value_add(&model->arena, *config, keys[k], call->items[i])) return cni_no_memory(error, "compile");
        }
    return CN_OK;
}

/* model.compile(optimizer, loss, loss_weights, metrics, weighted_metrics): what cannot be trained by does not keep the
 * model from predicting, and is told when it is to be trained. */
static cn_status compile(cn_model *model, const cni_value *call, cni_error *error)
{
    cni_value *config;
    cn_status status = compile_arguments(model, call, &config, error);
    if (status) return model->compile_error.status ? CN_OK : status;
    CN_TRY(cni_compile_read(model, config, error));
    model->unread_compile = NULL; /* it is not as a file has it */
    if (model->compile_error.status && call->line)
        cni_fail_in(&model->compile_error, "%s:%u:%u", model->source, call->line, call->column);
    return CN_OK;
}

/* What is done with the model beside what it is. */
static cn_status take_uses(cn_model *model, const cni_description *d, cni_error *error)
{
    model->source = cni_arena_text(&model->arena, file_of(d));
    model->scaling_line = d->scaling_line;
    model->fit = cni_value_copy(&model->arena, d->fit);
    if (!model->source || (d->fit && !model->fit)) return cni_no_memory(error, "a model");
    return d->compile ? compile(model, d->compile, error) : CN_OK;
}

cn_status cni_model_from_description(cn_context *context, const cni_description *description, cn_model **out,
                                     cni_error *error)
{
    *out = NULL;
    CN_TRY(check_remarks(description, error));
    CN_TRY(build_model(context, description, out, error));
    cn_status status = take_uses(*out, description, error);
    if (!status) return CN_OK;
    cn_model_free(*out);
    *out = NULL;
    return status;
}
