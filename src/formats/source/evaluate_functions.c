/* SPDX-License-Identifier: Apache-2.0
 * Calls of what stands outside the text: who answers for a path, and the functions that stand for a layer. */
#include "formats/source/evaluate.h"

#include "layers/kind_members.h"
#include "layers/layers.h"
#include "learning/optimizers.h"

#include <string.h>

/* ---- functions that stand for a layer ---- */

typedef struct parameter {
    const char *name, *renamed; /* renamed NULL: it says nothing */
} parameter;

enum { MAX_PARAMETERS = 16 };

/* "kernel_size p=rate -inplace" */
static int parameters_of(cni_evaluator *e, const char *text, parameter out[MAX_PARAMETERS])
{
    int count = 0;
    for (const char *at = text; *at && count < MAX_PARAMETERS; at += strspn(at, " ")) {
        const size_t length = strcspn(at, " ");
        char *word = cni_arena_text_n(e->arena, at, length);
        if (!word) return count;
        char *equals = strchr(word, '=');
        if (equals) *equals = '\0';
        out[count].name = word + (*word == '-');
        out[count++].renamed = *word == '-' ? NULL : equals ? equals + 1 : word;
        at += length;
    }
    return count;
}

static const parameter *find_parameter(const parameter *parameters, int count, const char *key)
{
    for (int i = 0; i < count; i++)
        if (strcmp(parameters[i].name, key) == 0) return &parameters[i];
    return NULL;
}

/* The function's arguments under the names that the class has for them. */
static cni_actuals renamed(cni_evaluator *e, const cni_function *row, const cni_actuals *given)
{
    cni_actuals out = {.span = given->span, .callee = given->callee};
    parameter parameters[MAX_PARAMETERS];
    const int count = parameters_of(e, row->parameters, parameters);
    int position = 0;
    for (int i = 0; i < given->count; i++) {
        const cni_actual *actual = &given->items[i];
        const parameter *p = actual->key        ? find_parameter(parameters, count, actual->key)
                             : position < count ? &parameters[position++]
                                                : NULL;
        if (p && !p->renamed) continue;
        if (p && actual->thing->type == CNI_THING_NONE) continue;
        cni_actuals_add(e, &out, p ? p->renamed : actual->key, actual->thing, actual->span);
    }
    return out;
}

cni_thing *cni_actuals_tensor(cni_actuals *actuals)
{
    static const char *const names[] = {"input",  "x", "inputs", "tensors", "features", "images",       "image",
                                        "tensor", "a", "values", "value",   "xs",       "input_tensor", "array"};
    cni_thing *first = cni_actuals_thing(actuals, 0, NULL);
    for (size_t i = 0; !first && i < sizeof names / sizeof *names; i++)
        first = cni_actuals_thing(actuals, -1, names[i]);
    return first;
}

static cni_dialect dialect_of(const cni_function *row)
{
    return cni_path_under(row->path, "torch") ? CNI_TORCH : CNI_KERAS;
}

/* np.random.rand(...) through relu stays an array: only what is a tensor makes a layer; but an array alone is one when
 * a layer is asked for. */
static bool is_network(const cni_thing *inputs)
{
    return cni_thing_holds_tensor(inputs) || inputs->type == CNI_THING_OPAQUE || cni_thing_is_list(inputs);
}

cni_thing *cni_function_layer(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    cni_thing *inputs = cni_actuals_tensor(actuals);
    if (!inputs)
        return cni_evaluate_error(e, "I810", actuals->span, NULL, "%s() needs a tensor", cni_path_last(row->path));
    if (inputs->type == CNI_THING_BROKEN) return inputs;
    if (!is_network(inputs)) return cni_thing_follows(e, inputs, actuals->span);
    cni_actuals rest = cni_actuals_rest(e, actuals);
    if (row->parameters) rest = renamed(e, row, &rest);
    return cni_apply_row(e, row, dialect_of(row), inputs, &rest);
}

/* f(a, b, ...): both are tensors. */
cni_thing *cni_function_merge(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    cni_thing *a = cni_actuals_thing(actuals, 0, dialect_of(row) == CNI_TORCH ? "input" : "x1");
    cni_thing *b = cni_actuals_thing(actuals, 1, dialect_of(row) == CNI_TORCH ? "other" : "x2");
    if (!a || !b)
        return cni_evaluate_error(e, "I810", actuals->span, NULL, "%s() needs two tensors", cni_path_last(row->path));
    if (!cni_thing_holds_tensor(a) && !cni_thing_holds_tensor(b))
        return cni_thing_follows(e, cni_thing_is_doubtful(a) ? a : b, actuals->span);
    if (cni_thing_is_number(a) || cni_thing_is_number(b)) {
        const char *operator_ = row->parameters ? row->parameters : "?";
        return cni_evaluate_binary(e, operator_, a, b, actuals->span);
    }
    cni_thing *both = cni_thing_new(e, CNI_THING_LIST, actuals->span);
    cni_thing_append(e, both, a);
    cni_thing_append(e, both, b);
    cni_actuals none = {.span = actuals->span, .callee = actuals->callee};
    return cni_apply_row(e, row, dialect_of(row), both, &none);
}

/* ---- arrays of numbers: only their shape is known ---- */

/* (1, 3, 32, 32) or [(1, 3, 32, 32)] as a shape; false: not constant. */
bool cni_shape_of_things(cni_thing *const *items, size_t count, cni_shape *out)
{
    if (count == 1 && cni_thing_is_list(items[0])) count = items[0]->count, items = items[0]->items;
    *out = (cni_shape){.rank = (int)count};
    if (!count || count > CNI_MAX_RANK) return false;
    for (size_t i = 0; i < count; i++) {
        if (items[i]->type != CNI_THING_INT) {
            if (i > 0) return false;
            out->dims[i] = CNI_UNKNOWN; /* batch_size may be anything */
        } else
            out->dims[i] = items[i]->integer;
    }
    return true;
}

cni_thing *cni_make_array(cni_evaluator *e, cni_thing *const *items, size_t count, cni_span span)
{
    cni_shape shape;
    return cni_shape_of_things(items, count, &shape) ? cni_thing_array(e, &shape, span) : cni_thing_opaque(e, span);
}

/* rand(1, 3, 32, 32), zeros((1, 3)), normal(size=(..)), uniform(shape=..) */
cni_thing *cni_function_array(cni_evaluator *e, const cni_function *row, cni_actuals *actuals)
{
    cni_thing *named = cni_actuals_thing(actuals, -1, "size");
    if (!named) named = cni_actuals_thing(actuals, -1, "shape");
    (void)row;
    if (named) return cni_make_array(e, &named, 1, actuals->span);
    cni_thing *list = cni_thing_new(e, CNI_THING_LIST, actuals->span);
    for (int i = 0; i < actuals->count; i++) {
        cni_thing *thing = actuals->items[i].thing;
        if (actuals->items[i].key) continue;
        if (cni_thing_is_list(thing)) return cni_make_array(e, &thing, 1, actuals->span);
        cni_thing_append(e, list, thing);
    }
    return cni_make_array(e, list->items, list->count, actuals->span);
}

/* ---- values ---- */

/* Adam(lr=...): Keras refuses what its optimizers do not take. */
static void check_keys(cni_evaluator *e, const char *path, const cni_actuals *actuals)
{
    const char *name = cni_path_last(path);
    const cni_kind *kind = cni_path_under(path, "keras.optimizers") ? cni_family_find(&cni_optimizers, name) : NULL;
    for (int i = 0; kind && i < actuals->count; i++) {
        const cni_actual *actual = &actuals->items[i];
        if (!actual->key || cni_kind_field(kind, actual->key)) continue;
        cni_span span = actual->span;
        span.end_line = span.line, span.end_column = span.column + (int)strlen(actual->key);
        cni_evaluate_error(e, "I803", span, cni_hint_argument(e, kind, actual->key, CNI_KERAS),
                           "%s() has no argument '%.60s'", name, actual->key);
    }
}

static cni_thing *make_value(cni_evaluator *e, const char *path, cni_actuals *actuals)
{
    check_keys(e, path, actuals);
    cni_value *call = cni_value_call(e->arena, cni_path_last(path));
    for (int i = 0; call && i < actuals->count; i++) {
        cni_value *value = cni_thing_value(e, actuals->items[i].thing, true, NULL);
        if (!value || !cni_value_add(e->arena, call, actuals->items[i].key, value)) call = NULL;
    }
    cni_thing *thing = cni_thing_new(e, CNI_THING_VALUE, actuals->span);
    if (!call || thing == e->broken) return e->exhausted = true, e->broken;
    call->line = (uint32_t)actuals->span.line;
    call->column = (uint32_t)actuals->span.column;
    thing->value = call;
    return thing;
}

/* ---- paths ---- */

static const char *const keras_absent[] = {
    "LSTM",
    "GRU",
    "SimpleRNN",
    "RNN",
    "Bidirectional",
    "TimeDistributed",
    "ConvLSTM2D",
    "Embedding",
    "Attention",
    "MultiHeadAttention",
    "AdditiveAttention",
    "Lambda",
    "Masking",
    "Discretization",
    "CategoryEncoding",
    "Hashing",
    "StringLookup",
    "IntegerLookup",
    "TextVectorization",
    "LocallyConnected2D",
    "SpectralNormalization",
    "EinsumDense",
    "Wrapper",
    "MelSpectrogram",
};

bool cni_is_absent_layer(const char *name)
{
    for (size_t i = 0; i < sizeof keras_absent / sizeof *keras_absent; i++)
        if (strcmp(keras_absent[i], name) == 0) return true;
    return false;
}

/* # cornu: shape 30x30x4 on the lines of a layer that is not read. */
static bool told_shape(const cni_evaluator *e, const cni_span *span, cni_dialect dialect, cni_shape *out)
{
    for (int i = 0; i < e->comments->told_count; i++) {
        cni_source_size sizes[CN_MAX_ARRAYS] = {{0}};
        int count;
        cni_error error = {0};
        if (e->comments->told[i].line < span->line || e->comments->told[i].line > span->end_line) continue;
        if (cni_source_sizes(e->comments->told[i].sizes, dialect, sizes, &count, &error) || count != 1) continue;
        *out = (cni_shape){.rank = 1, .dims = {CNI_UNKNOWN}};
        for (int k = 0; k <= CNI_MAX_SPATIAL && sizes[0][k]; k++) out->dims[out->rank++] = sizes[0][k];
        return true;
    }
    return false;
}

static cni_thing *unknown_layer(cni_evaluator *e, const char *path, cni_dialect dialect, cni_actuals *actuals)
{
    cni_shape told;
    if (told_shape(e, &actuals->span, dialect, &told)) {
        const int layer = cni_make_unknown(e, cni_path_last(path), dialect, actuals->span);
        const cni_thing *name = cni_actuals_thing(actuals, -1, "name");
        if (layer < 0) return e->broken;
        cni_source_layer *made = &e->layers[layer];
        made->broken = false;
        made->described.told = told;
        made->described.named = name && name->type == CNI_THING_TEXT && dialect == CNI_KERAS;
        if (made->described.named) made->described.name = name->text;
        return cni_thing_layer(e, layer);
    }
    const char *name = cni_path_last(path), *hint = cni_hint_layer(e, name, dialect);
    for (int i = 0; i < actuals->count; i++) /* one error for one cause */
        if (actuals->items[i].thing->doubt && strcmp(actuals->items[i].thing->doubt->remark.id, "I806") == 0)
            actuals->items[i].thing->doubt->told = true;
    if (strcmp(name, "Lambda") == 0)
        cni_evaluate_error(e, "I806", actuals->callee, "give the output shape with a comment: # cornu: shape 32x32x3",
                           "a Lambda layer is not read");
    else if (cni_is_absent_layer(name))
        cni_evaluate_error(e, "I802", actuals->callee, "Cornu explains convolutional networks",
                           "%s is not among the layers that Cornu describes", name);
    else
        cni_evaluate_error(e, "I802", actuals->callee, hint, "there is no layer '%.60s'", name);
    return cni_thing_layer(e, cni_make_unknown(e, name, dialect, actuals->span));
}

/* nn.CrossEntropyLoss, nn.Parameter, nn.init...: they are no part of a network's layout. */
static bool is_no_layer(const char *path)
{
    static const char *const names[] = {"Parameter",
                                        "UninitializedParameter",
                                        "Loss",
                                        "_loss",
                                        "cross_entropy",
                                        "cross_entropy_with_logits",
                                        "DistributedDataParallel",
                                        "ParameterList",
                                        "ParameterDict",
                                        "Buffer"};
    const char *name = cni_path_last(path);
    const size_t length = strlen(name);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const size_t other = strlen(names[i]);
        if (length >= other && strcmp(name + length - other, names[i]) == 0) return true;
    }
    return cni_path_under(path, "torch.nn.utils") || cni_path_under(path, "torch.nn.init") ||
           cni_path_under(path, "torch.nn.parallel");
}

/* What would act on the machine is named, and not run. */
static bool is_dangerous(const char *path)
{
    static const char *const paths[] = {"os.system",   "os.popen",    "os.remove",     "os.unlink", "os.rmdir",
                                        "os.execv",    "subprocess",  "shutil.rmtree", "os.kill",   "os.fork",
                                        "os.rename",   "os.spawnl",   "sys.exit",      "runpy",     "importlib",
                                        "pickle.load", "pickle.loads"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (cni_path_under(path, paths[i])) return true;
    return false;
}

static bool holds_tensors(const cni_actuals *actuals)
{
    for (int i = 0; i < actuals->count; i++)
        if (cni_thing_holds_tensor(actuals->items[i].thing)) return true;
    return false;
}

/* A function of a framework that is called on tensors and not known: a layer of which nothing is known. */
static cni_thing *unknown_function(cni_evaluator *e, const char *path, cni_actuals *actuals)
{
    static const char *const silent[] = {"numpy",      "matplotlib",        "keras.utils", "keras.ops.print",
                                         "torch.jit",  "torchvision.utils", "torchviz",    "visualkeras",
                                         "torch.onnx", "torch.save",        "IPython",     "torchsummary",
                                         "torchinfo",  "torch.utils",       "sklearn",     "pandas"};
    if (actuals->unused || !holds_tensors(actuals)) return cni_thing_opaque(e, actuals->span);
    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++)
        if (cni_path_under(path, silent[i])) return cni_thing_opaque(e, actuals->span);
    cni_thing *doubt =
        cni_evaluate_doubt(e, "I802", actuals->callee, NULL, "%.100s() is not among the functions that are read", path);
    const cni_dialect dialect = cni_path_under(path, "torch") ? CNI_TORCH : CNI_KERAS;
    const int layer = cni_make_unknown(e, cni_path_last(path), dialect, actuals->span);
    cni_layer_doubt(e, layer, doubt);
    for (int i = 0; i < actuals->count; i++)
        if (cni_thing_holds_tensor(actuals->items[i].thing))
            return cni_apply_layer(e, layer, actuals->items[i].thing, actuals->span);
    return e->broken;
}

/* models.resnet18 without its import; Keras calls its own ResNet50. */
static bool is_torchvision(const char *path)
{
    static const char *const names[] = {"resnet",      "vgg",        "alexnet",   "mobilenet", "densenet",
                                        "squeezenet",  "efficientn", "inception", "googlenet", "regnet",
                                        "shufflenet",  "mnasnet",    "convnext",  "vit_",      "swin",
                                        "wide_resnet", "resnext"};
    if (!cni_path_under(path, "keras.models")) return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(cni_path_last(path), names[i], strlen(names[i])) == 0) return true;
    return false;
}

static cni_thing *built_in_graph(cni_evaluator *e, const char *path, cni_actuals *actuals)
{
    const char *hint = cni_path_under(path, "keras") && !is_torchvision(path)
                           ? "save the model and read its file: model.save('model.keras')"
                           : "put the source of its class into the text, as torchvision/models/*.py and timm have it";
    return cni_evaluate_error(e, "I806", actuals->span, hint, "the graph of %s is not in the text",
                              cni_path_last(path));
}

static bool is_built_in_graph(const char *path)
{
    const char *name = cni_path_last(path);
    const bool function = cni_path_under(path, "keras.applications") && *name >= 'A' && *name <= 'Z';
    return function || is_torchvision(path) ||
           (cni_path_under(path, "torchvision.models") && strcmp(path, "torchvision.models") != 0) ||
           strcmp(path, "torch.hub.load") == 0 || strcmp(path, "timm.create_model") == 0;
}

cni_thing *cni_call_path(cni_evaluator *e, const char *path, cni_actuals *actuals)
{
    bool is_layer = false;
    cni_dialect dialect;
    if (cni_path_under(path, "builtins")) return cni_call_builtin(e, cni_path_last(path), actuals);
    cni_torch_keep_training(e, path, actuals);
    bool known;
    cni_thing *thing = cni_keras_call(e, path, actuals, &known);
    if (!known) thing = cni_torch_call(e, path, actuals, &known);
    if (!known && (cni_path_under(path, "math") || cni_path_under(path, "numpy")))
        thing = cni_call_math(e, cni_path_last(path), actuals, &known);
    if (known) return thing;
    if (is_no_layer(path) && cni_path_under(path, "torch.nn")) return make_value(e, path, actuals);
    const cni_layer_kind *kind = cni_path_layer(path, &is_layer, &dialect);
    if (kind) return cni_thing_layer(e, cni_make_layer(e, kind, cni_path_last(path), dialect, actuals));
    if (is_layer) return unknown_layer(e, path, dialect, actuals);
    if (is_dangerous(path))
        return cni_evaluate_error(e, "I806", actuals->span, "take it out of the text", "%.80s() is never run", path);
    if (is_built_in_graph(path)) return built_in_graph(e, path, actuals);
    if (cni_path_is_value(path) && !holds_tensors(actuals)) return make_value(e, path, actuals);
    return unknown_function(e, path, actuals);
}
