/* SPDX-License-Identifier: Apache-2.0
 * Graphs: ops over tensors with shapes.  A graph is built by appending ops, so the order of the ops is an order in
 * which they can run.  Differentiation appends ops; losses, regularizers, optimizer updates and constraints are ops
 * too, so that training goes the way of inference.  Layers know Keras; nothing here does.
 *
 * Data is NHWC and dense.  A tensor whose shape.dims[0] is CNI_UNKNOWN is batched: it holds n images at run time. */
#ifndef CNI_GRAPH_H
#define CNI_GRAPH_H

#include <cornu/cornu.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/threads.h"
#include "kernels/elementwise/epilogue.h"
#include "tensor/shape.h"

typedef struct cni_graph cni_graph;
typedef struct cni_tensor cni_tensor;
typedef struct cni_op cni_op;
typedef struct cni_op_kind cni_op_kind;
typedef struct cni_step cni_step;
typedef struct cni_run cni_run;
typedef struct cni_choices cni_choices; /* graph/ops/choices.h */
typedef struct cni_choosing cni_choosing;
typedef struct cni_kernels cni_kernels; /* kernels/kernels.h: for those who write `run` */

/** Memory that outlives graphs: a weight, a moving statistic, an optimizer's slot.  It belongs to a layer, an
 *  optimizer or a metric and is shared by every plan of the model.  `data` is the master copy, in Keras' layout. */
typedef struct cni_variable {
    const char *name; /* "kernel" */
    cni_shape shape;  /* no unknown dimension */
    float *data;      /* 64-byte aligned */
    uint64_t version; /* starts at 1, grows with every write: packed copies are caches with a version */
    bool trainable;   /* false: a statistic or a slot (a frozen layer is the layer's affair) */
    /* Values that stand in a file that the model keeps open (model/stored.h).  Of such a variable, as long as its
       version is stored_version, plans drop the pages that nothing reads any more; cni_model_materialise reads them
       again. */
    uint64_t stored_version, stored_at;
    bool dropped;
    int holders; /* plans that read `data` itself, run after run: as long as there is one, nothing is dropped */
    /* What the layer gave: resolved objects of layers/, NULL when absent.  The graph does not look at them. */
    const void *initializer, *regularizer, *constraint;
} cni_variable;

/** A training step is three segments.  Accumulation runs CNI_UPDATE every k-th time only. */
typedef enum cni_segment { CNI_GRADIENTS, CNI_REDUCE, CNI_UPDATE, CNI_SEGMENTS } cni_segment;

typedef enum cni_element {
    CNI_REAL_ELEMENT, /* float; double in a plan for gradient checks */
    CNI_BYTE_ELEMENT  /* masks, tap indices of max pooling */
} cni_element;

struct cni_tensor {
    int id;
    cni_element element;
    cni_shape shape;
    cni_op *producer;       /* NULL: an input, a constant or a variable */
    cni_variable *variable; /* its memory, or NULL */
    bool is_constant;       /* filled with `constant` when the plan is made */
    double constant;
    cni_tensor *alias_of; /* shares the memory of this one, an input of its producer (reshape), or NULL */
    bool differentiable;  /* a leaf that gradients are wanted for, or something that depends on one */
    bool is_input;        /* filled by whoever runs the plan */
    bool is_output;       /* must survive until the end of the run */
};

enum { CNI_MAX_INPUTS = 64, CNI_MAX_OUTPUTS = 4 };

struct cni_op {
    const cni_op_kind *kind;
    int id;
    int inputs, outputs;
    cni_tensor **in; /* an entry may be NULL: an optional input that is absent (a bias) */
    cni_tensor **out;
    void *attributes; /* kind->attributes_size bytes; each kind declares its struct in its header */
    cni_segment segment;
    const void *source;   /* what was being lowered when it was appended: for those who measure */
    cni_variable *writes; /* a variable that the op writes in place: such an op is never removed, and runs after every
                             op of its segment that reads the variable (moved to the segment's end, order kept; hence
                             its outputs are for later segments).  The plan counts the variable's version up */
    int way;              /* set by the plan: what kind->choose answered */
    cni_op *follower;     /* computed slice by slice while this one writes out[0] (cni_slicing), or NULL; a pass puts it
                             there, and right behind in the order of the ops */
    bool steady; /* set by the plan: depends on constants and variables alone, and the plan writes none of these.  Such
                    an op runs when the plan is made, and again when one of the variables has changed */
};

/** Which of its inputs an op reads at its end (cni_finish): y = epilogue(sum scale + bias + add), and 0 where mask is
 *  not above 0.  0: it takes no such thing. */
typedef struct cni_finish_inputs {
    int bias, scale, add, mask;
} cni_finish_inputs;

/** How an op is computed slice by slice, in any order: slices of the rows [pixels, channels] of its first input, the
 *  same for any number of threads.  Then another op may do it while it writes that input (graph/ops/gather.h). */
typedef struct cni_slicing {
    size_t (*slices)(const cni_op *op, int n);
    void (*begin)(cni_step *step, const cni_run *run); /* before the first slice; may be NULL */
    void (*slice)(const cni_step *step, const cni_run *run, size_t slice);
} cni_slicing;

/** Zeros round a tensor: so many before and after the elements of each axis; negative: so many are cut off. */
typedef struct cni_padding {
    int64_t before[CNI_MAX_RANK], after[CNI_MAX_RANK];
} cni_padding;

/** What the machine does.  One row per kind, one file per family; registered nowhere: whoever appends an op names its
 *  kind. */
struct cni_op_kind {
    const char *name;
    size_t attributes_size;

    /** Appends ops that compute gradients: given dout[i] (NULL where no gradient arrives), sets din[i] for every input
     *  with in[i] && in[i]->differentiable (others may stay NULL).  A NULL function: the kind has no gradient. */
    void (*gradient)(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din);

    /** Which of several ways computes it, asked once, before all that follows; it is kept in op->way.  NULL: there is
     *  one way. */
    int (*choose)(const cni_op *op, const cni_run *most, const cni_choosing *choosing);

    /** Bytes of scratch memory for the largest run (most->n is the plan's batch); NULL = none.  64-byte aligned. */
    size_t (*workspace)(const cni_op *op, const cni_run *most);

    /** Bytes of such memory for each thread, at cni_own(run, thread): in one place for all steps of a plan, since what
     *  another core has written comes slowly. */
    size_t (*own)(const cni_op *op, const cni_run *most);

    /** Bytes of zeroed memory that stays with the step from run to run: packed weights.  NULL = none. */
    size_t (*persistent)(const cni_op *op, const cni_run *most);

    /** Input 1 is read only in order to pack it: once step->packed_version is its version, the step does without.  With
     *  run->pack_only `run` does nothing else. */
    bool packs;

    /** The op would rather read input 1, a matrix, condensed (kernels/matmul/condensed.h) in a plan with this `most`.
     *  Where the variable's values are the plan's own and no other step reads them, that is done, and told by
     *  step->condensed.  NULL: never. */
    bool (*condenses)(const cni_op *op, const cni_run *most);

    /** Does it.  No allocation, no look-up.  NULL: nothing is to be done (a reshape: the output is an alias). */
    void (*run)(cni_step *step, const cni_run *run);

    bool in_place; /* out[0] may share the memory of in[0] when nobody reads in[0] afterwards and sizes are equal */
    int in_place_input; /* or that of this one */

    /** Where the attributes keep a cni_epilogue that the op applies to out[0] at its end; 0 = it cannot (an epilogue is
     *  never the first member). */
    size_t epilogue_offset;

    /** What the passes may know.  The element-wise function that this op is and nothing else, so that it may become the
     *  epilogue of the op before it; a NULL function or answer: it is more than that. */
    const cni_epilogue *(*epilogue_of)(const cni_op *op);

    /** Transposes: p with out.dims[i] = in.dims[p[i]]; all else is told by `attributes`, which hold no shape.  NULL:
     * not a transpose.  Two that undo each other are dropped. */
    const int *(*permutation_of)(const cni_op *op);

    /** One output, and each element of it depends on the elements at the same place of inputs of the same shape (or of
     *  one element) and on nothing else: the op may change places with transposes. */
    bool element_wise;

    /** What passes may put at the end of the op; they do so where the input is NULL. */
    cni_finish_inputs takes;

    /** The op is y = x scale + shift for each channel, x being its first input, before its epilogue: appends ops that
     *  compute scale and shift [c], those of (x + bias) scale + shift where bias is not NULL. */
    void (*affine_of)(cni_graph *graph, const cni_op *op, cni_tensor *bias, cni_tensor *affine[2]);

    /** The op is the sum of its two inputs, before its epilogue. */
    bool (*is_sum)(const cni_op *op);

    /** y = x where the answer is above 0 and 0 elsewhere, x being the first input; NULL: it is something else. */
    cni_tensor *(*mask_of)(const cni_op *op);

    /** The op puts zeros round its input, and nothing else. */
    const cni_padding *(*padding_of)(const cni_op *op);

    /** Takes the place of a padding before it, if it can: from now on the op reads what was padded.  `positive`:
     * nothing that was padded is below 0. */
    bool (*take_padding)(cni_op *op, const cni_padding *padding, bool positive);

    /** What is computed slice by slice; NULL functions: it is computed as a whole. */
    cni_slicing slicing;

    /** It can run its follower while it writes (cni_gather_begin, cni_gather_wrote). */
    bool gathers;

    /** Depends on more than its inputs (random draws): the op is never steady. */
    bool restless;
};

/** One op made ready to run: pointers resolved once, when the plan was made. */
struct cni_step {
    const cni_op *op;
    const void **in; /* NULL entries where the op's input is NULL */
    void **out;
    void *workspace, *persistent;
    cni_step *follower;      /* of op->follower */
    bool gathered;           /* of a follower: the op before it has computed all slices */
    uint64_t packed_version; /* version of the weights that `persistent` was packed from; 0 = not packed */
    uint64_t finite_version; /* version of the weights of which the step has seen that all are finite; 0 = none */
    bool condensed;          /* in[1] is: see condenses */
};

/** What each run reads; changing it never re-plans. */
struct cni_run {
    int n;        /* images in this batch */
    int batch;    /* the largest n: what is chosen by size is chosen by this one */
    cn_math math; /* CN_MATH_DIRECT: sums are those of the definition, in the order of the direct kernels */
    const cni_kernels *kernels;
    cni_pool *pool; /* NULL in some runs of a plan that has one: the step is to run in the caller's thread alone */
    const double *scalars; /* run-time scalars by slot (cni_graph_scalar): learning rate, step, ... */
    bool pack_only;        /* for kinds with `packs`: the plan is being made, tensors have no values yet */
    char *own;             /* scratch memory of each thread, one after the other, of */
    size_t own_bytes;      /* each */
};

static inline char *cni_own(const cni_run *run, int thread)
{
    return run->own + (size_t)thread * run->own_bytes;
}

struct cni_graph {
    cni_arena arena;
    cni_error error; /* sticky: building goes on, whoever builds checks once at the end */
    cni_op **ops;
    int op_count, op_capacity;
    cni_tensor **tensors;
    int tensor_count, tensor_capacity;
    cni_tensor **variables; /* those of the tensors that are variables */
    int variable_count, variable_capacity;
    cni_segment segment; /* ops are appended to this segment */
    const void *source;  /* and carry this */
    int scalar_count;
    cni_op *spare_op; /* stand in for what could not be made */
    cni_tensor *spare_tensor;
};

cni_graph *cni_graph_new(void); /* NULL: no memory */
void cni_graph_free(cni_graph *graph);

/** A tensor that the caller of the plan fills. */
cni_tensor *cni_graph_input(cni_graph *graph, cni_shape shape);

/** The tensor of a variable; the same one each time. */
cni_tensor *cni_graph_variable(cni_graph *graph, cni_variable *variable);

/** A tensor filled with one value. */
cni_tensor *cni_graph_constant(cni_graph *graph, cni_shape shape, double value);

/** A tensor of no producer yet: for those who rewire graphs.  Never NULL. */
cni_tensor *cni_graph_tensor(cni_graph *graph, cni_shape shape);

/** Appends an op with up to CNI_MAX_OUTPUTS outputs of the given shapes (of reals: set ->element for bytes).
 *  `attributes` are copied.  Never NULL: out of memory sets graph->error and answers a dummy. */
cni_op *cni_append(cni_graph *graph, const cni_op_kind *kind, const void *attributes, int inputs, cni_tensor *const *in,
                   int outputs, const cni_shape *shapes);

/** A slot in the run's scalars. */
int cni_graph_scalar(cni_graph *graph);

/** Elements of a tensor when the batch holds n images. */
size_t cni_tensor_count(const cni_tensor *tensor, int n);

/** Elements of one image (of everything, when the tensor is not batched). */
size_t cni_tensor_image(const cni_tensor *tensor);

/** The variable whose elements a tensor has, under whatever shape; NULL if it is none's. */
static inline cni_variable *cni_variable_of(const cni_tensor *tensor)
{
    while (tensor->alias_of) tensor = tensor->alias_of;
    return tensor->variable;
}

static inline bool cni_tensor_batched(const cni_tensor *tensor)
{
    return tensor->shape.rank > 0 && tensor->shape.dims[0] == CNI_UNKNOWN;
}

/** Gradients of the scalar `loss` (shape {}) with respect to `wanted`; gradients[i] stays NULL where the loss does not
 *  depend on it.  Leaves are marked (tensor->differentiable = true) before ops that read them are appended. */
void cni_differentiate(cni_graph *graph, cni_tensor *loss, cni_tensor *const *wanted, int count,
                       cni_tensor **gradients);

#endif
