/* SPDX-License-Identifier: Apache-2.0
 * What a model is made of: layers, calls of layers, nodes (the tensors that calls give).  A Sequential model is a
 * functional one that happens to be a chain: one wiring, one builder, one saver. */
#ifndef CNI_MODEL_H
#define CNI_MODEL_H

#include "layers/layer.h"
#include "model/context.h"

typedef struct cni_call cni_call;
typedef struct cni_compiled cni_compiled;

/** One output of one call: Keras' [layer, node index, tensor index]. */
struct cn_node {
    cni_call *call;
    int tensor_index;
    int id; /* among the model's nodes */
    cni_shape shape;
};

struct cni_call {
    cn_layer *layer;
    int id;         /* among the model's calls, while they are put in order */
    int depth;      /* calls run from the deepest to the outputs, */
    int arrival;    /* and those of one depth in this order */
    int node_index; /* among the calls of this layer */
    int kept_index; /* among those of them that the outputs need: what files say */
    int input_count, output_count;
    cn_node **inputs;
    cn_node **outputs;
};

/** How a file gave inputs or outputs: bare, as a list, or as a dict; so that they are written as they were. */
typedef struct cni_structure {
    bool is_list, is_dict;
    const char *keys[CN_MAX_ARRAYS];
} cni_structure;

/** Something that a higher floor keeps with a model and that is freed with it. */
typedef struct cni_attachment {
    void *data;
    void (*release)(void *data);
} cni_attachment;
enum { CNI_ATTACH_TRAINER, CNI_ATTACH_RESULTS, CNI_ATTACH_HISTORY, CNI_ATTACH_FILE, CNI_ATTACHMENTS };

enum { CNI_MAX_NESTING = 16 };

struct cn_model {
    cn_context *context;
    cni_arena arena;
    bool sequential;
    bool complete;           /* has inputs and outputs; every layer is built */
    bool trainable, trained; /* as of cn_layer */
    bool busy;               /* fit runs: callbacks may not change the model */
    const char *name;
    cni_error error;      /* sticky: made while building */
    cni_error call_error; /* of the last fit, evaluate, predict, save */
    cn_layer **layers;    /* as they were made; after completion in Keras' order */
    int layer_count, layer_capacity;
    cni_call **calls; /* in an order in which they can run */
    int call_count, call_capacity;
    int node_count;
    cn_node *inputs[CN_MAX_ARRAYS], *outputs[CN_MAX_ARRAYS];
    int input_count, output_count;
    cni_structure input_structure, output_structure;
    cn_node *tip;              /* of a Sequential: the last output */
    cn_model *outer;           /* the model whose layer it is, which owns it */
    int height;                /* levels of models in it, itself included */
    cni_compiled *compiled;    /* NULL until compile */
    cni_value *unread_compile; /* a file's compile_config that Cornu cannot train by: kept, and written back */
    cni_error compile_error;   /* why it cannot */
    const char *source;        /* the text that it was read from, for messages; NULL: no text */
    const cni_value *fit;      /* its model.fit(...), or NULL */
    int scaling_line;          /* where the text scales its data outside of the model; 0: nowhere */
    uint64_t wiring; /* another number, unique in the context, whenever plans made before are no longer true */
    cni_attachment attachments[CNI_ATTACHMENTS];
    cni_choices trained_ways; /* of the convolutions in training, where not the rules alone decided; else empty */
    char trained_plan[CNI_PLAN_NAME], trained_isa[16]; /* the plan file's name, or ""; where this was */
    const char **labels;                               /* names of the classes, or NULL */
    int label_count;
    char *text; /* of cn_model_json, cn_summary */
    bool stop_training;
    bool deferred;        /* weights get no memory until they are needed */
    int64_t weights_at;   /* where model.weights.h5 begins in the file that it was read from; 0, -1: nowhere */
    cn_model *reading_in; /* the model that this one is read as a part of */
};

/* ---- wiring.c: layers, calls, nodes ---- */

/** Frees what a higher floor keeps. */
void cni_model_detach(cn_model *model, int attachment);

/** A layer of a kind with its configuration; gets its name, draws its default seed. */
cn_status cni_layer_make(cn_model *model, const cni_layer_kind *kind, cni_object *config, cn_layer **layer);
/** A layer that is a model. */
cn_status cni_layer_make_inner(cn_model *model, cn_model *inner, cn_layer **layer);
/** The configuration says what layer->trainable says. */
void cni_layer_write_trainable(cn_layer *layer);
bool cni_is_input_layer(const cn_layer *layer);
/** Whether Keras' model.layers has it: all in use, but a Sequential's input. */
bool cni_layer_is_listed(const cn_layer *layer);
/** Appends it to a Sequential. */
cn_status cni_sequential_append(cn_model *model, cn_layer *layer);
/** The same; a layer with explicit padding is called behind the ZeroPadding2D that this becomes. */
cn_status cni_call_padded(cn_layer *layer, int count, cn_node *const *inputs, cni_call **call);
cn_status cni_call_input(cn_layer *layer);
cn_status cni_model_set_outputs(cn_model *model, int count, cn_node *const *outputs);
cn_layer *cni_find_layer(const cn_model *model, const char *name);
/** `Conv2D "stem"`, for messages.  Returns buffer. */
char *cni_layer_label(const cn_layer *layer, char *buffer, size_t size);
#define CNI_LABEL(layer) cni_layer_label((layer), (char[200]){0}, 200)
cni_maker cni_model_maker(cn_model *model);

/* ---- build.c: shapes, weights, lowering ---- */

/** Builds a layer for its inputs: rank checks, weights. */
cn_status cni_layer_build(cn_layer *layer, int count, const cni_shape *in, cni_error *error);
/** A shape that no machine holds is refused. */
cn_status cni_shape_check_size(const cni_shape *shape, cni_error *error);
/** Shapes of the outputs of a call (several only for a model). */
cn_status cni_layer_shapes(cn_layer *layer, int count, const cni_shape *in, int *out_count, cni_shape *out,
                           cni_error *error);
/** Shapes of the outputs for shapes of the inputs, through all layers; messages name the layer. */
cn_status cni_model_shapes(cn_model *model, int count, const cni_shape *in, cni_shape *out, cni_error *error);
/** Builds a Sequential that has no input yet. */
cn_status cni_sequential_build(cn_model *model, const cni_shape *input, cni_error *error);
/** A failure when a layer that the outputs need has no lowering: it is described only.  Ask before cni_model_lower. */
cn_status cni_model_check_runs(const cn_model *model, cni_error *error);
/** Appends the model's ops to the lowering's graph. */
cn_status cni_model_lower(cn_model *model, cni_lowering *lowering, cni_tensor *const *inputs, cni_tensor **outputs,
                          cni_error *error);
/** Layers in Keras' order and the calls that the outputs need. */
cn_status cni_model_order(cn_model *model, cni_error *error);

/** Every weight with the layer that owns it, in the order of get_weights(), each once; nested models included.
 *  `frozen`: the layer or the outermost model is not trainable. */
typedef void cni_weight_visitor(void *user, cn_layer *layer, cni_variable *weight, bool frozen);
void cni_model_weights(const cn_model *model, cni_weight_visitor *visit, void *user);
/** The same for the layers themselves, nested models' layers in the place of the model. */
typedef void cni_layer_visitor(void *user, cn_layer *layer, bool frozen);
void cni_model_layers(const cn_model *model, cni_layer_visitor *visit, void *user);
/** The weights that training changes: trainable, and in layers that were when the model was compiled. */
typedef void cni_trained_visitor(void *user, cni_variable *weight);
void cni_model_trained(const cn_model *model, cni_trained_visitor *visit, void *user);
/** Takes the layers' present `trainable` for training (compile). */
void cni_model_take_trainable(cn_model *model);

extern const cni_layer_kind cni_functional_kind, cni_sequential_kind;

#endif
