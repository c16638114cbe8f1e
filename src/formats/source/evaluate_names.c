/* SPDX-License-Identifier: Apache-2.0
 * Names: scopes, imports, what needs no import, and the many addresses under which the same thing is known. */
#include "formats/source/evaluate.h"

#include "layers/layers.h"
#include "learning/losses.h"
#include "learning/metrics.h"
#include "learning/optimizers.h"
#include "train/callback.h"

#include <string.h>

/* ---- scopes ---- */

cni_scope *cni_scope_new(cni_evaluator *e, cni_scope *outer)
{
    cni_scope *scope = CNI_NEW(e->arena, cni_scope);
    if (!scope) return e->exhausted = true, e->module;
    scope->outer = outer;
    return scope;
}

static cni_binding *find(const cni_scope *scope, const char *name)
{
    for (int i = 0; i < scope->count; i++)
        if (strcmp(scope->bindings[i].name, name) == 0) return &scope->bindings[i];
    return NULL;
}

void cni_scope_set(cni_evaluator *e, cni_scope *scope, const char *name, cni_thing *thing)
{
    cni_binding *old = find(scope, name);
    if (old) {
        old->thing = thing;
        return;
    }
    if (scope->count == scope->capacity) {
        const int capacity = scope->capacity ? 2 * scope->capacity : 8;
        cni_binding *more = CNI_NEW_ARRAY(e->arena, cni_binding, (size_t)capacity);
        if (!more) {
            e->exhausted = true;
            return;
        }
        if (scope->count) memcpy(more, scope->bindings, (size_t)scope->count * sizeof *more);
        scope->bindings = more, scope->capacity = capacity;
    }
    scope->bindings[scope->count++] = (cni_binding){name, thing};
}

cni_thing *cni_scope_get(const cni_scope *scope, const char *name)
{
    const cni_binding *binding = find(scope, name);
    return binding ? binding->thing : NULL;
}

/* ---- addresses ---- */

bool cni_path_under(const char *path, const char *prefix)
{
    const size_t length = strlen(prefix);
    return strncmp(path, prefix, length) == 0 && (path[length] == '.' || !path[length]);
}

const char *cni_path_last(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

/* The first that fits is put in the place of what it names, until none fits. */
static const struct address {
    const char *from, *to;
} addresses[] = {
    {"tensorflow.keras", "keras"},
    {"tensorflow.python.keras", "keras"},
    {"tensorflow.contrib.keras", "keras"},
    {"tensorflow.compat.v1", "tensorflow"},
    {"tensorflow.compat.v2", "tensorflow"},
    {"tf_keras", "keras"},
    {"keras_core", "keras"},
    {"keras.api", "keras"},
    {"keras.src", "keras"},
    {"keras.python", "keras"},
    {"keras.models.Sequential", "keras.Sequential"},
    {"keras.models.Model", "keras.Model"},
    {"keras.models.Functional", "keras.Model"},
    {"keras.engine.training.Model", "keras.Model"},
    {"keras.layers.Input", "keras.Input"},
    {"keras.engine.Input", "keras.Input"},
    {"keras.optimizers.schedules", "keras.schedules"},
    {"keras.optimizers.legacy", "keras.optimizers"},
    {"keras.optimizers.experimental", "keras.optimizers"},
    {"keras.layers.experimental.preprocessing", "keras.layers"},
    {"keras.layers.preprocessing", "keras.layers"},
    {"tensorflow.nn.relu", "keras.activations.relu"},
    {"tensorflow.initializers", "keras.initializers"},
    {"tensorflow.losses", "keras.losses"},
    {"tensorflow.metrics", "keras.metrics"},
    {"tensorflow.optimizers", "keras.optimizers"},
    {"keras.backend", "keras.ops"},
    {"torch.nn.modules", "torch.nn"},
    {"torch.nn.Module", "torch.nn.Module"},
};

static const char *readdressed(cni_evaluator *e, const char *path)
{
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
        if (strcmp(addresses[i].from, addresses[i].to) != 0 && cni_path_under(path, addresses[i].from))
            return cni_arena_printf(e->arena, "%s%s", addresses[i].to, path + strlen(addresses[i].from));
    return NULL;
}

const char *cni_path_usual(cni_evaluator *e, const char *path)
{
    for (int i = 0; i < 4; i++) {
        const char *other = readdressed(e, path);
        if (!other) break;
        path = other;
    }
    return path;
}

/* keras.layers.convolutional.Conv2D, torch.nn.modules.conv.Conv2d: the last part is the class. */
const cni_layer_kind *cni_path_layer(const char *path, bool *is_layer, cni_dialect *dialect)
{
    const bool keras = cni_path_under(path, "keras.layers"), torch = cni_path_under(path, "torch.nn");
    const char *name = cni_path_last(path);
    const bool class_like = *name >= 'A' && *name <= 'Z';
    *is_layer = class_like && (keras || torch) && !cni_path_under(path, "torch.nn.functional");
    *dialect = torch ? CNI_TORCH : CNI_KERAS;
    if (!*is_layer) return NULL;
    return (const cni_layer_kind *)cni_family_find(torch ? &cni_torch_layers : &cni_layers, name);
}

/* ---- values ---- */

static const char *const value_modules[] = {
    "keras.optimizers",   "keras.losses",      "keras.metrics",   "keras.callbacks",   "keras.initializers",
    "keras.regularizers", "keras.constraints", "keras.schedules", "keras.activations",
};

bool cni_path_is_value(const char *path)
{
    for (size_t i = 0; i < sizeof value_modules / sizeof *value_modules; i++)
        if (cni_path_under(path, value_modules[i])) return strcmp(path, value_modules[i]) != 0;
    return false;
}

static const struct value_family {
    const cni_family *family;
    const char *module;
} value_families[] = {
    {&cni_optimizers, "keras.optimizers"},
    {&cni_schedules, "keras.schedules"},
    {&cni_losses, "keras.losses"},
    {&cni_metrics, "keras.metrics"},
    {&cni_callbacks, "keras.callbacks"},
    {&cni_initializers, "keras.initializers"},
    {&cni_regularizers, "keras.regularizers"},
    {&cni_constraints, "keras.constraints"},
};

static const char *value_path(cni_evaluator *e, const char *name)
{
    for (size_t i = 0; i < sizeof value_families / sizeof *value_families; i++) {
        const cni_kind *kind = cni_family_find(value_families[i].family, name);
        if (kind && name[0] >= 'A' && name[0] <= 'Z')
            return cni_arena_printf(e->arena, "%s.%s", value_families[i].module, name);
    }
    return NULL;
}

/* ---- what needs no import ---- */

static const struct address defaults[] = {
    {"keras", "keras"},
    {"tf", "tensorflow"},
    {"tensorflow", "tensorflow"},
    {"layers", "keras.layers"},
    {"L", "keras.layers"},
    {"models", "keras.models"},
    {"Sequential", "keras.Sequential"},
    {"Model", "keras.Model"},
    {"Input", "keras.Input"},
    {"optimizers", "keras.optimizers"},
    {"losses", "keras.losses"},
    {"metrics", "keras.metrics"},
    {"callbacks", "keras.callbacks"},
    {"initializers", "keras.initializers"},
    {"regularizers", "keras.regularizers"},
    {"constraints", "keras.constraints"},
    {"activations", "keras.activations"},
    {"applications", "keras.applications"},
    {"datasets", "keras.datasets"},
    {"utils", "keras.utils"},
    {"backend", "keras.ops"},
    {"K", "keras.ops"},
    {"ops", "keras.ops"},
    {"torch", "torch"},
    {"nn", "torch.nn"},
    {"F", "torch.nn.functional"},
    {"optim", "torch.optim"},
    {"torchvision", "torchvision"},
    {"summary", "torchsummary.summary"},
    {"OrderedDict", "collections.OrderedDict"},
    {"np", "numpy"},
    {"numpy", "numpy"},
    {"plt", "matplotlib.pyplot"},
    {"pd", "pandas"},
    {"plot_model", "keras.utils.plot_model"},
    {"to_categorical", "keras.utils.to_categorical"},
    {"display", "IPython.display"},
};

static const char builtins[] =
    "range len print max min int float str bool list tuple dict set enumerate zip sum abs round sorted "
    "reversed isinstance type callable getattr hasattr setattr map filter any all iter next divmod pow repr "
    "format id hash chr ord vars dir help issubclass exec eval compile open input globals locals super object "
    "__import__ staticmethod property Exception ValueError NotImplementedError breakpoint exit quit ";

/* Whether the first `length` letters of a word are one of the words of a list, each of which ends with a blank. */
static bool is_listed(const char *list, const char *word, size_t length)
{
    for (const char *at = list; *at; at += strcspn(at, " ") + 1)
        if (strcspn(at, " ") == length && strncmp(at, word, length) == 0) return true;
    return false;
}

static const char *layer_path(cni_evaluator *e, const char *name)
{
    const bool no_torch = e->keras && !e->torch, no_keras = e->torch && !e->keras;
    const bool keras = !no_keras && cni_family_find(&cni_layers, name);
    const bool torch = !no_torch && cni_family_find(&cni_torch_layers, name);
    if (!keras && !torch) return cni_is_absent_layer(name) ? cni_arena_printf(e->arena, "keras.layers.%s", name) : NULL;
    return cni_arena_printf(e->arena, "%s.%s", keras ? "keras.layers" : "torch.nn", name);
}

static const char *default_path(cni_evaluator *e, const char *name)
{
    if (e->torch && !e->keras && strcmp(name, "Sequential") == 0) return "torch.nn.Sequential";
    if (e->torch && !e->keras && strcmp(name, "Module") == 0) return "torch.nn.Module";
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (strcmp(defaults[i].from, name) == 0) return defaults[i].to;
    if (is_listed(builtins, name, strlen(name))) return cni_arena_printf(e->arena, "builtins.%s", name);
    const char *path = layer_path(e, name);
    return path ? path : value_path(e, name);
}

static cni_thing *default_thing(cni_evaluator *e, const char *name, cni_span span)
{
    if (strcmp(name, "__name__") == 0) return cni_thing_text(e, "__main__", span);
    if (strcmp(name, "__file__") == 0) return cni_thing_opaque(e, span);
    const char *path = default_path(e, name);
    return path ? cni_thing_path(e, path, span) : NULL;
}

cni_thing *cni_evaluate_name(cni_evaluator *e, const char *name, cni_span span)
{
    for (const cni_scope *scope = e->scope; scope; scope = scope->outer) {
        cni_thing *thing = cni_scope_get(scope, name);
        if (thing) return thing;
    }
    return default_thing(e, name, span);
}

/* ---- imports ---- */

/* Modules that texts about networks begin with; what they give is opaque. */
static const char known_modules[] =
    "keras tensorflow torch torchvision torchaudio torchsummary torchinfo torchmetrics torchview torchviz "
    "numpy scipy sklearn skimage pandas matplotlib seaborn plotly PIL cv2 imageio jax flax optax mlx "
    "jaxtyping numba h5py os sys math random time datetime pathlib collections functools itertools operator "
    "typing typing_extensions dataclasses abc copy enum io json csv glob re string warnings logging argparse "
    "zipfile tarfile gzip pickle shutil urllib requests struct textwrap tempfile __future__ tqdm IPython "
    "google kagglehub gdown tensorflow_datasets tensorflow_hub tensorflow_addons tensorflow_probability "
    "tensorboard keras_cv keras_hub keras_nlp keras_tuner kerastuner keras_preprocessing tf_keras keras_core "
    "visualkeras netron graphviz pydot einops timm lightning pytorch_lightning albumentations pprint "
    "statistics unittest types contextlib inspect platform gc traceback wandb mlflow onnx onnxruntime thop "
    "fvcore ptflops datasets transformers ";

static bool is_known_module(const char *path)
{
    return is_listed(known_modules, path, strcspn(path, "."));
}

static void note_dialect(cni_evaluator *e, const char *path)
{
    e->keras |= cni_path_under(path, "keras") || cni_path_under(path, "tensorflow");
    e->torch |= cni_path_under(path, "torch");
}

/* What is imported from elsewhere is opaque; NULL: the module is known. */
static cni_thing *foreign(cni_evaluator *e, const cni_syntax *statement, const char *path)
{
    if (is_known_module(path)) return NULL;
    if (cni_path_under(path, "subprocess"))
        return cni_evaluate_error(e, "I806", statement->span, "take it out of the text", "%.80s is never run", path);
    const cni_thing *doubt =
        cni_evaluate_doubt(e, "I806", statement->span, "put the code that makes the network into one text",
                           "import of %.60s: other files are not read", *path ? path : "a part of another file");
    cni_thing *thing = cni_thing_opaque(e, statement->span);
    if (thing != e->broken) thing->doubt = doubt->doubt;
    return thing;
}

/* from keras.layers import *: the classes need no import anyway; but which of two dialects is told. */
static void import_all(cni_evaluator *e, const char *path)
{
    static const char *const torch_names[] = {"Sequential", "Module"};
    static const char *const merges[] = {"add",     "subtract", "multiply",    "average",
                                         "maximum", "minimum",  "concatenate", "dot"};
    const bool layers = strcmp(cni_path_usual(e, path), "keras.layers") == 0;
    for (size_t i = 0; layers && i < sizeof merges / sizeof *merges; i++) {
        const char *merge = cni_arena_printf(e->arena, "keras.layers.%s", merges[i]);
        if (merge) cni_scope_set(e, e->scope, merges[i], cni_thing_path(e, merge, (cni_span){0}));
    }
    if (cni_path_under(path, "torch.nn"))
        for (size_t i = 0; i < sizeof torch_names / sizeof *torch_names; i++)
            cni_scope_set(e, e->scope, torch_names[i],
                          cni_thing_path(e, i ? "torch.nn.Module" : "torch.nn.Sequential", (cni_span){0}));
}

static const char *first_part(cni_evaluator *e, const char *path)
{
    return cni_arena_text_n(e->arena, path, strcspn(path, "."));
}

static void import_member(cni_evaluator *e, const cni_syntax *statement, cni_thing *foreign_)
{
    if (strcmp(statement->name, "*") == 0) {
        import_all(e, statement->text);
        return;
    }
    const char *path = cni_arena_printf(e->arena, "%s.%s", statement->text, statement->name);
    if (!path) {
        e->exhausted = true;
        return;
    }
    path = cni_path_usual(e, path);
    note_dialect(e, path);
    cni_thing *thing = foreign_ ? foreign_ : cni_thing_path(e, path, statement->span);
    if (thing->type == CNI_THING_OPAQUE) thing->text = statement->name;
    cni_scope_set(e, e->scope, statement->alias ? statement->alias : statement->name, thing);
}

void cni_evaluate_import(cni_evaluator *e, const cni_syntax *statement)
{
    cni_thing *foreign_ = foreign(e, statement, statement->text);
    note_dialect(e, statement->text);
    if (statement->type == CNI_SYNTAX_FROM) {
        import_member(e, statement, foreign_);
        return;
    }
    const char *path = statement->alias ? statement->text : first_part(e, statement->text);
    if (!path) {
        e->exhausted = true;
        return;
    }
    cni_thing *thing = foreign_ ? foreign_ : cni_thing_path(e, cni_path_usual(e, path), statement->span);
    cni_scope_set(e, e->scope, statement->alias ? statement->alias : path, thing);
}
