/* SPDX-License-Identifier: Apache-2.0
 * A description is what the user wrote: layers with their arguments, calls of them, and where in the text each of them
 * stands.  Readers of texts make one; explain/ works on it, also when no model can be built from it, and on kinds that
 * Cornu describes and does not run.  A model is built from it for training and the like. */
#ifndef CNI_DESCRIPTION_H
#define CNI_DESCRIPTION_H

#include "layers/layer.h"
#include "model/model.h"

/** A piece of the text: lines and columns from 1, columns in code points; the end is behind the last character.
 *  line 0: not known. */
typedef struct cni_span {
    int line, column, end_line, end_column;
} cni_span;

/* ---- remarks: what a reader has to say about a text ---- */

typedef enum cni_severity { CNI_NOTE, CNI_HINT, CNI_WARNING, CNI_ERROR } cni_severity;

typedef struct cni_remark {
    char id[8]; /* "I803" */
    cni_severity severity;
    cni_span span;
    const char *text, *hint; /* hint: how to mend it, or NULL */
} cni_remark;

enum { CNI_MAX_REMARKS = 64, CNI_MAX_ERRORS = 20 };

typedef struct cni_remarks {
    cni_arena *arena;
    cni_remark items[CNI_MAX_REMARKS]; /* in the order of the text */
    int count, errors;                 /* errors beyond CNI_MAX_ERRORS are counted, not kept */
} cni_remarks;

/** Adds a remark; the text is formatted into the arena.  The hint (NULL for none) is kept as it is. */
void cni_remark_add(cni_remarks *remarks, const char *id, cni_severity severity, cni_span span, const char *hint,
                    const char *format, ...) __attribute__((format(printf, 6, 7)));

/** # cornu: off K302,P201 on the line or the line before;  # cornu: input 32x32x3;  # cornu: name MODEL;
 *  # cornu: shape 30x30x4, what a layer that is not read gives: on its lines. */
enum { CNI_MAX_OFF = 64, CNI_MAX_TOLD = 64 };
typedef struct cni_source_comments {
    struct {
        int line;
        cni_span span;
        char id[8];
    } off[CNI_MAX_OFF];
    int off_count;
    struct {
        int line;
        char sizes[40];
    } told[CNI_MAX_TOLD]; /* shape */
    int told_count;
    char input[64], name[64]; /* "" where there is none */
    cni_span input_span;
} cni_source_comments;

/* ---- layers and calls ---- */

typedef enum cni_dialect { CNI_KERAS, CNI_TORCH } cni_dialect;

typedef struct cni_description cni_description;

/** An argument as it was written. */
typedef struct cni_described_argument {
    const char *key;        /* the field's */
    const cni_value *value; /* evaluated */
    cni_span span;          /* of the value; with the keyword where there was one */
    bool positional;
} cni_described_argument;

typedef struct cni_described_layer {
    const cni_layer_kind *kind; /* a row of cni_layers or of cni_torch_layers; NULL: unknown, or a model */
    const char *class_name;     /* as written: "Conv2D", "nn.Conv2d" without the module: "Conv2d" */
    const char *name;           /* Keras: conv2d_1; PyTorch: the path, block.1 */
    bool named;                 /* the user gave the name */
    cni_object *config;         /* the arguments, with defaults; NULL when kind is NULL or they are wrong */
    cni_span span;              /* of the call that makes it, module included: layers.Conv2D(32, 3) */
    cni_span site;      /* made in a function of the text: of the outermost call that leads there; line 0: not */
    cni_shape told;     /* what it gives, where a comment says so and Cornu cannot know; rank 0: it does not */
    const char *inside; /* that function's name, or NULL */
    cni_described_argument *arguments;
    int argument_count;
    cni_description *inner; /* a model that is a layer */
    int made;               /* its number among cni_description.made, from 1; 0: not told */
} cni_described_layer;

/** One output of a call. */
typedef struct cni_tensor_reference {
    int call, output;
} cni_tensor_reference;

typedef struct cni_described_call {
    int layer; /* among the description's */
    int input_count;
    cni_tensor_reference *inputs;
    cni_span span; /* of the call, as it stands in the text */
} cni_described_call;

/** Layers stand in the order in which they were made, calls in an order in which they can run.  An input is a call
 *  without inputs of an InputLayer; its config's shape may be unknown (rank 0) where the text does not tell it. */
struct cni_description {
    cni_arena *arena;
    cni_dialect dialect;
    bool sequential;
    const char *name; /* of the model */
    const char *file; /* for messages: "model.py", "<stdin>", "<text>" */
    const char *text; /* the source, or NULL for a model file */
    size_t text_size;
    cni_described_layer *layers;
    int layer_count;
    cni_described_call *calls;
    int call_count;
    int *inputs; /* calls */
    int input_count;
    cni_tensor_reference *outputs;
    int output_count;
    cni_structure input_structure, output_structure; /* as keras.Model was given them: bare, [..], {..} */
    bool frozen;                                     /* model.trainable = False */
    const cni_value *compile, *fit;  /* the arguments of model.compile(...) and model.fit(...) as a CNI_CALL, or NULL */
    const cni_described_layer *made; /* all layers that the text makes, in order, used here or not: each draws seeds */
    int made_count;                  /* 0 in inner models, and where it is not told */
    int scaling_line;                /* where the text scales its data, and the model does not; 0: nowhere */
    const char **models;             /* the other models that the text defines */
    int model_count;
    cni_remarks remarks;
    cni_source_comments comments;
};

/** What a model file holds, as a description: nested models stay nested.  It lives in `arena` and points into the
 *  model. */
cn_status cni_description_of_model(cni_arena *arena, const cn_model *model, cni_description **out, cni_error *error);

/** Arguments that make an InputLayer of unknown shape. */
cn_status cni_describe_unknown_input(cni_arena *arena, const char *name, cni_object **out, cni_error *error);

/** A model as it was described.  Kinds that cannot run are built all the same; running them is refused by name.  What
 *  cannot be built is told with file, line and layer. */
cn_status cni_model_from_description(cn_context *context, const cni_description *description, cn_model **out,
                                     cni_error *error);

/* ---- edits: what a finding proposes, and what is tried before it is printed ---- */

typedef enum cni_edit_type {
    CNI_EDIT_ARGUMENT, /* layer `layer`: `key` becomes `value` (a text: "'same'", "(3, 3)") */
    CNI_EDIT_REPLACE,  /* layer `layer` becomes `value`: "GlobalAveragePooling2D()" */
    CNI_EDIT_BEFORE,   /* `value` is put before every call of layer `layer`: "ZeroPadding2D(1)" */
    CNI_EDIT_REMOVE,   /* calls of layer `layer` are passed by */
    CNI_EDIT_INPUT     /* the first input becomes rows x columns */
} cni_edit_type;

typedef struct cni_edit {
    cni_edit_type type;
    int layer; /* among the flat layers: see cni_description_flatten */
    const char *key, *value;
    int64_t rows, columns;
} cni_edit;

/** The same network without nesting: calls of inner models replaced by their layers, named outer/inner. */
cn_status cni_description_flatten(cni_arena *arena, const cni_description *description, cni_description **out,
                                  cni_error *error);

/** A copy of a flat description with edits applied, one after the other.  Layers that come from one place of the text
 *  (a loop, a function) change together.  Layers keep their numbers; inserted ones come last. */
cn_status cni_description_edit(cni_arena *arena, const cni_description *description, const cni_edit *edits, int count,
                               cni_description **out, cni_error *error);

/** The same edits in the source text; NULL with a reason where the text cannot say it. */
char *cni_description_edit_text(cni_arena *arena, const cni_description *description, const cni_edit *edits, int count,
                                cni_error *error);

#endif
