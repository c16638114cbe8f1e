/* SPDX-License-Identifier: Apache-2.0
 * The evaluator, shared by the files that make it up (evaluate*.c, keras_functions.c, torch_functions.c).  It goes
 * through the tree once, computes what is constant, and keeps what a network is made of: layers, calls of them, models.
 *
 *     evaluate_statements   -> evaluate_expressions -> evaluate_operators
 *                                    |
 *                              evaluate_calls  (functions and classes of the text are inlined)
 *                                    |
 *       evaluate_builtins, keras_functions, torch_functions, evaluate_methods  (tables)
 *                                    |
 *         evaluate_layers (arguments) , evaluate_graph (calls, shapes) , evaluate_models
 *                                    |
 *                  evaluate_choose, evaluate_describe -> cni_description
 *
 * Nothing is ever run.  What is not understood and harmless is opaque; what was found wrong is broken, and nothing more
 * is said about what follows from it. */
#ifndef CNI_EVALUATE_H
#define CNI_EVALUATE_H

#include "formats/source/source.h"
#include "formats/source/syntax.h"

typedef struct cni_thing cni_thing;
typedef struct cni_scope cni_scope;
typedef struct cni_source_model cni_source_model;
typedef struct cni_doubt cni_doubt;

/* ---- things: what expressions stand for ---- */

typedef enum cni_thing_type {
    CNI_THING_BROKEN, /* an error was told */
    CNI_THING_NONE,
    CNI_THING_BOOL,     /* truth */
    CNI_THING_INT,      /* integer */
    CNI_THING_REAL,     /* real */
    CNI_THING_TEXT,     /* text */
    CNI_THING_TUPLE,    /* items */
    CNI_THING_LIST,     /* items; may grow */
    CNI_THING_DICT,     /* items and keys; may grow */
    CNI_THING_SLICE,    /* items: begin, end, step */
    CNI_THING_PATH,     /* `text`: a name of the world outside, "keras.layers.Conv2D" */
    CNI_THING_VALUE,    /* `value`: a call that Cornu's tables know, Adam(1e-3) */
    CNI_THING_OPAQUE,   /* not understood; `text` as written; an array when it has a `shape` */
    CNI_THING_LAYER,    /* layer */
    CNI_THING_TENSOR,   /* tensor */
    CNI_THING_MODEL,    /* model */
    CNI_THING_FUNCTION, /* syntax, scope */
    CNI_THING_CLASS,    /* syntax, scope; items: its bases */
    CNI_THING_INSTANCE, /* of: its class; scope: its attributes */
    CNI_THING_BOUND, /* of: the object; text: the method; function: a method of the text, or NULL; holder: its class */
    CNI_THING_SUPER  /* of: the object; function: the class whose bases are meant */
} cni_thing_type;

struct cni_thing {
    cni_thing_type type;
    cni_span span;       /* where it was made */
    bool truth, modules; /* modules: an nn.ModuleList or ModuleDict */
    int layer;
    int64_t integer;
    double real;
    const char *text;
    size_t count, capacity;
    cni_thing **items, **keys;
    const cni_value *value;
    const cni_shape *shape;
    cni_tensor_reference tensor;
    cni_source_model *model;
    const cni_syntax *syntax;
    cni_scope *scope;
    cni_thing *of, *function, *holder;
    cni_doubt *doubt; /* BROKEN, OPAQUE: what is wrong, not told yet; or NULL */
};

/** Something that could not be understood.  It is an error once a network depends on it; else a note. */
struct cni_doubt {
    cni_remark remark;
    bool told, fed; /* fed: a layer was called on what came of it */
    cni_doubt *next;
};

/** Names and what they stand for. */
typedef struct cni_binding {
    const char *name;
    cni_thing *thing;
} cni_binding;

struct cni_scope {
    cni_scope *outer; /* of the place of the definition; NULL: the module's */
    cni_binding *bindings;
    int count, capacity;
};

/* ---- what a network is made of ---- */

/** A layer that the text makes, whether or not it is used. */
typedef struct cni_source_layer {
    cni_described_layer described;
    cni_dialect dialect;
    bool used;                    /* called, or in a model */
    bool broken;                  /* its arguments are wrong */
    const char *base;             /* what a number is put behind, where it has no other name in PyTorch: "add" */
    const cni_value *input_shape; /* input_shape=..., without the batch; or NULL */
    cni_span input_span;
    cni_source_model *model; /* which it is, or NULL */
    cni_doubt *doubt;        /* what stands for it was not understood */
} cni_source_layer;

typedef struct cni_source_call {
    cni_described_call described; /* `layer` and references count among the evaluator's */
    cni_shape shape;              /* of its (first) output; rank 0: not known */
} cni_source_call;

/** A part of a chain. */
typedef struct cni_chain_part {
    const char *name; /* torch's add_module, OrderedDict; or NULL */
    cni_thing *thing; /* LAYER, MODEL, INSTANCE, FUNCTION */
    cni_span span;
} cni_chain_part;

typedef enum cni_model_form { CNI_MODEL_CHAIN, CNI_MODEL_GRAPH, CNI_MODEL_CLASS } cni_model_form;

struct cni_source_model {
    cni_model_form form;
    cni_dialect dialect;
    const char *name;     /* Keras' */
    const char *variable; /* the first name it was given in the text, or NULL */
    bool named;
    cni_span span;
    cni_thing *thing;      /* the model, or the instance of a class */
    cni_chain_part *parts; /* CHAIN */
    int part_count, part_capacity;
    cni_thing *input;                       /* the Input that begins a chain, or NULL */
    const cni_value *shape;                 /* build(), torch.randn(...), summary(): without the batch; or NULL */
    const cni_value *shapes[CN_MAX_ARRAYS]; /* of further inputs */
    int shape_count;
    cni_span shape_span;
    cni_tensor_reference *inputs, *outputs; /* GRAPH; of the others once traced */
    int input_count, output_count;
    bool built; /* a CHAIN, as Keras builds it: see cni_model_count_build */
    bool traced, tracing;
    int first_layer; /* CLASS: layers made before it are none of its */
    bool inside;     /* a part of another model */
    bool frozen;     /* trainable = False */
    cni_structure input_structure, output_structure;
    int layer; /* which it became in another model, or -1 */
    const cni_value *compile, *fit;
};

/** A function of the text that is being gone through. */
typedef struct cni_frame {
    struct cni_frame *outer;
    const cni_syntax *definition;
    cni_span site;       /* of the call */
    cni_thing *self;     /* of a method */
    cni_thing *class_of; /* which holds the method */
    cni_thing *result;   /* once returned */
} cni_frame;

/** What the statements of a loop are left for. */
typedef enum cni_leaving { CNI_STAYING, CNI_LEAVING_LOOP, CNI_LEAVING_ROUND } cni_leaving;

enum { CNI_MAX_STEPS = 10000, CNI_MAX_FRAMES = 24, CNI_MAX_DOUBTS = 256, CNI_MAX_MODELS = 64 };

typedef struct cni_evaluator {
    cni_arena *arena;
    cni_remarks *remarks;
    const cni_source_comments *comments;
    const char *text;
    size_t text_size;
    bool torch, keras; /* which of them is imported or named */
    bool exhausted;    /* out of memory */
    bool stopped;      /* the limit of steps was reached */
    int steps;
    cni_leaving leaving;
    int quiet;                /* > 0: nothing is remarked */
    int data;                 /* > 0: a name that is not defined may be data, which a text leaves out */
    int work;                 /* things and items of lists that were made, weighed by their memory */
    int walked, walk_depth;   /* items of lists that were made values of, in all and now */
    int chains;               /* that are being applied inside each other */
    cni_remarks outside;      /* what the parser told about what the grammar leaves out */
    cni_doubt *doubts, *last; /* in the order found */
    int doubt_count;
    bool lost; /* a network depends on a doubt, and which one is not known */
    struct {
        int losses, optimizers; /* that PyTorch's text makes; the first of each is kept */
        cni_value *loss, *optimizer;
        bool accuracy;
    } training;
    cni_scope *module, *scope;
    cni_frame *frame;
    int depth; /* of frames */
    cni_thing *broken, *none;
    cni_source_layer *layers;
    int layer_count, layer_capacity;
    cni_source_call *calls;
    int call_count, call_capacity;
    cni_source_model *models[CNI_MAX_MODELS];
    int model_count;
    struct {
        const char *name;
        int count;
    } * counters; /* of Keras' names */
    int counter_count, counter_capacity;
} cni_evaluator;

/** Counts work; false once there was too much of it, which is told at `span` and ends everything. */
bool cni_evaluate_work(cni_evaluator *e, int weight, cni_span span);

/** A remark; the same one at the same place only once.  Inside an inlined function its call is named. */
void cni_evaluate_remark(cni_evaluator *e, const char *id, cni_severity severity, cni_span span, const char *hint,
                         const char *format, ...) __attribute__((format(printf, 6, 7)));
/** The same as an error; gives the broken thing. */
cni_thing *cni_evaluate_error(cni_evaluator *e, const char *id, cni_span span, const char *hint, const char *format,
                              ...) __attribute__((format(printf, 5, 6)));

/** "; block() is called at line 12", for what stands inside a function. */
void cni_add_site(const cni_evaluator *e, char *text, size_t size);

/* ---- doubts: errors where a network depends on them ---- */

/** A broken thing with the reason. */
cni_thing *cni_evaluate_doubt(cni_evaluator *e, const char *id, cni_span span, const char *hint, const char *format,
                              ...) __attribute__((format(printf, 5, 6)));
/** Whether it is broken, or opaque because of a doubt. */
bool cni_thing_is_doubtful(const cni_thing *thing);
/** What comes of a thing (or NULL) that is not computed: the broken thing itself, or something opaque with its doubt.
 */
cni_thing *cni_thing_follows(cni_evaluator *e, cni_thing *from, cni_span span);
/** A network depends on this thing, or on what it holds: its doubt is told as an error. */
void cni_thing_matters(cni_evaluator *e, const cni_thing *thing);
void cni_doubt_matters(cni_evaluator *e, cni_doubt *doubt);
/** All doubts are errors: nothing else explains why there is no network.  `fed`: those that layers were called on. */
void cni_doubts_matter(cni_evaluator *e, bool fed);
/** At the end: a few notes of what was passed over. */
void cni_doubts_settle(cni_evaluator *e);

/* ---- making things; without memory: the broken one ---- */

cni_thing *cni_thing_new(cni_evaluator *e, cni_thing_type type, cni_span span);
cni_thing *cni_thing_bool(cni_evaluator *e, bool truth, cni_span span);
cni_thing *cni_thing_int(cni_evaluator *e, int64_t integer, cni_span span);
cni_thing *cni_thing_real(cni_evaluator *e, double real, cni_span span);
cni_thing *cni_thing_text(cni_evaluator *e, const char *text, cni_span span); /* text lives on */
cni_thing *cni_thing_path(cni_evaluator *e, const char *path, cni_span span);
cni_thing *cni_thing_opaque(cni_evaluator *e, cni_span span);
cni_thing *cni_thing_array(cni_evaluator *e, const cni_shape *shape, cni_span span);
cni_thing *cni_thing_layer(cni_evaluator *e, int layer);
cni_thing *cni_thing_tensor(cni_evaluator *e, int call, int output);
cni_thing *cni_thing_bound(cni_evaluator *e, cni_thing *of, const char *method, cni_thing *function, cni_span span);
/** The value of a constant; dicts and lists too. */
cni_thing *cni_thing_of_value(cni_evaluator *e, const cni_value *value, cni_span span);
void cni_thing_append(cni_evaluator *e, cni_thing *list, cni_thing *item);
void cni_thing_put(cni_evaluator *e, cni_thing *dict, cni_thing *key, cni_thing *item);

/** Whether it is a LIST or a TUPLE. */
bool cni_thing_is_list(const cni_thing *thing);
bool cni_thing_is_number(const cni_thing *thing); /* INT, REAL, BOOL */
double cni_thing_number(const cni_thing *thing);
/** Something that is called on tensors and keeps weights: LAYER, MODEL, INSTANCE. */
bool cni_thing_is_module(const cni_thing *thing);
/** Equal as Python's ==, as far as that is known. */
bool cni_thing_equal(cni_evaluator *e, const cni_thing *a, const cni_thing *b);
/** "an integer", "a layer": for messages. */
const char *cni_thing_describe(const cni_thing *thing);

/** As a plain value; NULL when it is, or holds, something that is no constant: `culprit` (may be NULL) is that.  With
 *  `open`, such things become calls whose name begins with '?': "?x_train". */
cni_value *cni_thing_value(cni_evaluator *e, const cni_thing *thing, bool open, const cni_thing **culprit);

/* ---- names ---- */

cni_scope *cni_scope_new(cni_evaluator *e, cni_scope *outer);
void cni_scope_set(cni_evaluator *e, cni_scope *scope, const char *name, cni_thing *thing);
/** In this scope alone; NULL: none. */
cni_thing *cni_scope_get(const cni_scope *scope, const char *name);
/** In scopes from the innermost, then in the names that need no import; NULL: not defined. */
cni_thing *cni_evaluate_name(cni_evaluator *e, const char *name, cni_span span);
/** The path under its usual name: tensorflow.keras.layers -> keras.layers. */
const char *cni_path_usual(cni_evaluator *e, const char *path);
bool cni_path_under(const char *path, const char *prefix); /* "keras.layers" holds "keras.layers.Conv2D" */
const char *cni_path_last(const char *path);
void cni_evaluate_import(cni_evaluator *e, const cni_syntax *statement);
/** The layer kind that a path names; NULL: none.  `dialect` is told when the path is of layers at all. */
const cni_layer_kind *cni_path_layer(const char *path, bool *is_layer, cni_dialect *dialect);
/** LSTM and the like: Keras and PyTorch have it, and Cornu does not describe it. */
bool cni_is_absent_layer(const char *name);
/** The table of Cornu in which a path is a value: optimizers, losses, initializers...; false: none. */
bool cni_path_is_value(const char *path);

/* ---- arguments of a call ---- */

typedef struct cni_actual {
    const char *key; /* NULL: positional */
    cni_thing *thing;
    cni_span span; /* with the keyword */
    bool taken;
} cni_actual;

typedef struct cni_actuals {
    cni_actual *items;
    int count, capacity;
    bool unused;     /* a statement: what it gives is not looked at */
    cni_span span;   /* of the whole call */
    cni_span callee; /* of what is called */
} cni_actuals;

/** The argument that stands at a position or has a key; NULL: not given.  It is marked as taken. */
cni_actual *cni_actuals_take(cni_actuals *actuals, int position, const char *key);
cni_thing *cni_actuals_thing(cni_actuals *actuals, int position, const char *key);
/** The first argument, where functions have their tensor, whatever it is called; NULL: none. */
cni_thing *cni_actuals_tensor(cni_actuals *actuals);
/** What was not taken, as arguments of their own: positionals move up. */
cni_actuals cni_actuals_rest(cni_evaluator *e, const cni_actuals *actuals);
void cni_actuals_add(cni_evaluator *e, cni_actuals *actuals, const char *key, cni_thing *thing, cni_span span);

/* ---- going through the tree ---- */

void cni_evaluate_block(cni_evaluator *e, const cni_syntax *block);
void cni_evaluate_assign(cni_evaluator *e, const cni_syntax *target, cni_thing *thing);
cni_thing *cni_evaluate(cni_evaluator *e, const cni_syntax *expression);
cni_thing *cni_evaluate_call(cni_evaluator *e, const cni_syntax *call, bool statement);
cni_thing *cni_evaluate_attribute(cni_evaluator *e, cni_thing *of, const char *name, cni_span span);
cni_thing *cni_evaluate_subscript(cni_evaluator *e, const cni_syntax *subscript);
cni_thing *cni_evaluate_binary(cni_evaluator *e, const char *operator_, cni_thing *a, cni_thing *b, cni_span span);
cni_thing *cni_evaluate_unary(cni_evaluator *e, const char *operator_, cni_thing *a, cni_span span);
cni_thing *cni_evaluate_compare(cni_evaluator *e, const char *operator_, cni_thing *a, cni_thing *b, cni_span span);
/** Takes the parser's errors about what is outside of the grammar: they are doubts. */
void cni_outside_take(cni_evaluator *e);
/** An expression or statement outside of the grammar is gone past. */
cni_thing *cni_evaluate_outside(cni_evaluator *e, const cni_syntax *node);
/** Whether a loop's statements would change a network: add to a model, apply the loop's own names to tensors, or in a
 *  method set tensors anew. */
bool cni_touches_network(cni_evaluator *e, const cni_syntax *node, const cni_syntax *target);
/** 1, 0, or -1 where it is not known. */
int cni_evaluate_truth(const cni_thing *thing);
/** The items that a for goes through; NULL: not known. */
cni_thing *cni_evaluate_items(cni_evaluator *e, cni_thing *thing, cni_span span);

/** Where a condition is not known: the doubt about it, told at once where a network could depend on these branches. */
cni_thing *cni_branch_doubt(cni_evaluator *e, cni_thing *condition, const cni_syntax *node, const cni_syntax *a,
                            const cni_syntax *b);
/** What such a branch sets is doubtful from there on. */
void cni_branch_forget(cni_evaluator *e, const cni_syntax *branch, cni_thing *doubt);

/** The line on which a text scales its data, outside of its classes; 0: none. */
int cni_scaling_line(const cni_syntax *node);
/** Whether a piece of text makes layers. */
bool cni_builds_layers(cni_evaluator *e, const cni_syntax *node);

cni_thing *cni_call_thing(cni_evaluator *e, cni_thing *callee, cni_actuals *actuals);
cni_thing *cni_call_function(cni_evaluator *e, cni_thing *function, cni_thing *self, cni_thing *class_of,
                             cni_actuals *actuals);
cni_thing *cni_call_path(cni_evaluator *e, const char *path, cni_actuals *actuals);
/** reshape, astype and the like, which keep track of an array's shape. */
bool cni_is_array_method(const char *name);
cni_thing *cni_call_method(cni_evaluator *e, cni_thing *of, const char *name, cni_actuals *actuals);
cni_thing *cni_call_builtin(cni_evaluator *e, const char *name, cni_actuals *actuals);
/** math.ceil and the like, on numbers; `known` tells whether it is one of them. */
cni_thing *cni_call_math(cni_evaluator *e, const char *name, cni_actuals *actuals, bool *known);
/** 'conv%d' % 3: the text with what stands in it, or something opaque. */
cni_thing *cni_format_percent(cni_evaluator *e, const cni_thing *format, const cni_thing *given, cni_span span);
/** A method of a list, a dict or something opaque. */
cni_thing *cni_call_container(cni_evaluator *e, cni_thing *of, const char *name, cni_actuals *actuals);
/** A method of a text: format, join, ... */
cni_thing *cni_call_text(cni_evaluator *e, cni_thing *of, const char *name, cni_actuals *actuals);
/** What is called on tensors and not known gives tensors of which nothing is known; else something opaque. */
cni_thing *cni_call_unknown(cni_evaluator *e, const char *name, cni_actuals *actuals);
/** A subclass of Sequential without forward() of its own. */
bool cni_is_chain_class(const cni_thing *class_);
/** A class of the text, or of one of its bases, as the outside path that it goes back to: "torch.nn.Module". */
const char *cni_class_root(const cni_thing *class_);
/** A method in a class of the text or its bases; NULL: none.  `holder` gets the class that has it. */
cni_thing *cni_class_member(const cni_thing *class_, const char *name, cni_thing **holder);

/* ---- functions of Keras, TensorFlow, NumPy and PyTorch ---- */

typedef struct cni_function cni_function;
struct cni_function {
    const char *path;
    cni_thing *(*call)(cni_evaluator *e, const cni_function *row, cni_actuals *actuals);
    const char *class_name; /* of the layer that it stands for */
    const char *parameters; /* its parameters behind the tensors, in order; a '-' before those that say nothing;
                               '=' renames: "p=rate".  NULL: those of the class */
};
/** Calls a function of these frameworks; `known` tells whether there is one with this path. */
cni_thing *cni_keras_call(cni_evaluator *e, const char *path, cni_actuals *actuals, bool *known);
cni_thing *cni_torch_call(cni_evaluator *e, const char *path, cni_actuals *actuals, bool *known);
/** nn.CrossEntropyLoss() and optim.SGD(...) are kept, and become what Keras' model.compile() is given; NULL: not both,
 *  or more than one. */
void cni_torch_keep_training(cni_evaluator *e, const char *path, cni_actuals *actuals);
const cni_value *cni_torch_training(cni_evaluator *e);
/** The functions that stand for a layer: the tensors are the first argument. */
cni_thing *cni_function_layer(cni_evaluator *e, const cni_function *row, cni_actuals *actuals);

/** Those of two tensors; `parameters` is the operator for a tensor and a number. */
cni_thing *cni_function_merge(cni_evaluator *e, const cni_function *row, cni_actuals *actuals);
/** Those that make arrays of numbers, of which the shape is known. */
cni_thing *cni_function_array(cni_evaluator *e, const cni_function *row, cni_actuals *actuals);
cni_thing *cni_make_array(cni_evaluator *e, cni_thing *const *items, size_t count, cni_span span);
bool cni_shape_of_things(cni_thing *const *items, size_t count, cni_shape *out);

/* ---- layers, calls, models ---- */

/** Makes a layer from its class, by the name as written (NULL: the kind's), and its arguments; -1 only without memory.
 *  Errors are remarked. */
int cni_make_layer(cni_evaluator *e, const cni_layer_kind *kind, const char *class_name, cni_dialect dialect,
                   cni_actuals *actuals);
/** layer.key = value, after it was made. */
void cni_layer_set(cni_evaluator *e, int layer, const char *key, cni_thing *value);
/** A layer of which nothing is known but the name. */
int cni_make_unknown(cni_evaluator *e, const char *class_name, cni_dialect dialect, cni_span span);
/** It is an error once the network has this layer. */
void cni_layer_doubt(cni_evaluator *e, int layer, const cni_thing *doubtful);
/** A layer that stands for a function or an operator, called on its inputs, with arguments from the evaluator: key,
 *  thing, ..., NULL.  `base`: what it is numbered by, NULL: the class. */
cni_thing *cni_apply_class(cni_evaluator *e, cni_dialect dialect, const char *class_name, const char *base,
                           cni_thing *inputs, cni_span span, ...) __attribute__((sentinel));
cni_thing *cni_apply_row(cni_evaluator *e, const cni_function *row, cni_dialect dialect, cni_thing *inputs,
                         cni_actuals *actuals);
/** The names that I802 and I803 propose: text for the hint, or NULL. */
const char *cni_hint_layer(cni_evaluator *e, const char *name, cni_dialect dialect);
const char *cni_hint_arguments(cni_evaluator *e, const cni_kind *kind); /* all of them, or the first */
const char *cni_hint_argument(cni_evaluator *e, const cni_kind *kind, const char *key, cni_dialect dialect);

/** The name that Keras gives to the next object of a class. */
const char *cni_keras_name(cni_evaluator *e, const char *class_name);

int cni_make_unknown_input(cni_evaluator *e, const char *name, cni_dialect dialect, cni_span span);
/** An input: shape without the batch, or NULL where it is not known. */
cni_thing *cni_make_input(cni_evaluator *e, const cni_value *shape, const char *name, cni_dialect dialect,
                          cni_span span);
/** Calls a layer on a tensor, an array, or a list of them. */
cni_thing *cni_apply_layer(cni_evaluator *e, int layer, cni_thing *inputs, cni_span span);
/** The tensors among `inputs` as references (arrays become inputs); false after an error. */
bool cni_tensors_of(cni_evaluator *e, cni_thing *inputs, cni_dialect dialect, cni_span span, cni_tensor_reference **out,
                    int *count);
bool cni_thing_holds_tensor(const cni_thing *thing);
/** What is known of a tensor's shape; rank 0: nothing. */
cni_shape cni_tensor_shape(cni_evaluator *e, cni_tensor_reference tensor);

/** Keras makes a Functional without a name whenever it builds a Sequential, and those count: a model that comes later
 * is called functional_1.  The same goes for its input.  To be told when parts have changed, and when it is `called`.
 */
void cni_model_count_build(cni_evaluator *e, cni_source_model *model, bool called);

cni_source_model *cni_model_new(cni_evaluator *e, cni_model_form form, cni_dialect dialect, cni_span span);
void cni_model_append(cni_evaluator *e, cni_source_model *model, const char *name, cni_thing *part, cni_span span);
/** All that nn.Sequential is given: modules, or dicts of them. */
void cni_model_append_all(cni_evaluator *e, cni_source_model *model, cni_actuals *actuals);
/** x.view(...), with its sizes; what is not known of them is the batch. */
cni_thing *cni_view_tensor(cni_evaluator *e, cni_thing *x, cni_actuals *sizes);
/** Replaces the part with this name, as model.fc = nn.Linear(...) does. */
void cni_model_set_part(cni_evaluator *e, cni_source_model *model, const char *name, cni_thing *part);
/** The name of the part at an index, which may count from the end; "" when there is none.  Returns a text that lives on
 *  or the buffer. */
const char *cni_part_at(const cni_source_model *model, int64_t index, char buffer[24]);
/** Applies a model, an instance, a layer or a function to tensors. */
cni_thing *cni_apply(cni_evaluator *e, cni_thing *module, cni_actuals *actuals);
cni_thing *cni_apply_to(cni_evaluator *e, cni_thing *module, cni_thing *inputs, cni_span span);
/** A shape without its batch, as a value; NULL: not known. */
const cni_value *cni_shape_value(cni_evaluator *e, const cni_shape *shape);
/** Whether a layer is an InputLayer. */
bool cni_layer_is_input(const cni_evaluator *e, int layer);
/** x = torch.randn(1, 3, 32, 32), which nothing is called on: where it is the only such array, and fits, it tells the
 *  input. */
void cni_model_take_lone_array(cni_evaluator *e, cni_source_model *model);
/** Gives a model its inputs and outputs; false where it cannot be done. */
bool cni_model_trace(cni_evaluator *e, cni_source_model *model);
/** The shape of input `index`, as a model is told it from outside; the first one to tell is believed. */
void cni_model_take_shape(cni_source_model *model, int index, const cni_value *shape, cni_span span);
/** A layer that is a model. */
int cni_make_model_layer(cni_evaluator *e, cni_source_model *model);
/** The call of an InputLayer, made where there is none yet. */
int cni_call_of_input(cni_evaluator *e, int layer);
/** The model of a MODEL or INSTANCE; NULL: another thing. */
cni_source_model *cni_model_of(const cni_thing *thing);

/** PyTorch's names: every layer below a thing that has none is called by its path. */
void cni_name_modules(cni_evaluator *e, cni_thing *thing, const char *path, int depth);
/** What lies between these tensors becomes the description's layers and calls; false without memory.  `depth`: of
 * models in models. */
bool cni_fill_description(cni_evaluator *e, cni_description *d, const cni_tensor_reference *inputs, int input_count,
                          const cni_tensor_reference *outputs, int output_count, int depth);
/** Name, dialect and the like. */
void cni_fill_head(cni_description *d, const cni_source_model *model);
/** Tells that a text makes no network. */
void cni_evaluate_nothing(cni_evaluator *e);
/** The description of the chosen model. */
cn_status cni_evaluate_describe(cni_evaluator *e, const char *choice, cni_description *out, cni_error *error);

#endif
