/* SPDX-License-Identifier: Apache-2.0
 *
 * Cornu: Keras' convolutional networks in C.  This header is the manual; read as far as you need:
 *
 *   1. Load a model and predict        cn_load, cn_predict, cn_predictor_*
 *   2. Build and train                 cn_sequential, cn_add, cn_compile, cn_fit, cn_evaluate, cn_save
 *   3. Layers                          cn_conv2d(...) and the others, with their formulas
 *   4. Functional models               cn_functional, cn_call, cn_outputs
 *   5. Optimizers and callbacks        cn_sgd(...), cn_early_stopping(...)
 *   6. Looking inside                  layers, weights, summary, descriptions
 *   7. Contexts                        seed, threads, defaults
 *
 * Keyword arguments.  What takes arguments is a macro over a struct: cn_conv2d(32, {3, 3}, .activation = "relu").
 * A member that is not given is zero and means Keras' default.  A number that must be exactly zero where zero is not
 * the default is written CN_ZERO (reals) or CN_ZERO_INT (ints).  In a pair a second 0 repeats the first: {3} is {3, 3}.
 * Booleans that Keras defaults to True are named so that false is the default (no_bias for use_bias=False).
 * In C such a macro makes a value that lives until the end of the block that it stands in: pass it on directly.
 * Texts such as .activation = "leaky_relu(negative_slope=0.1)" are Keras' own, names or calls; they are copied.
 *
 * Errors.  While a model is made, the first thing that goes wrong is kept with the model: check once, with cn_failed
 * and cn_error.  Fit, evaluate, predict and save report per call: what they were given does not spoil the model.  The
 * library never prints, never exits, never aborts on a user's data.
 *
 * NULL instead of a model, layer, node, history or predictor may be handed on from a call that failed: asked for
 * something it answers nothing (NULL, 0, "", -1 for a rank, an array without data), told to do something CN_ERR_MEMORY,
 * which is what a constructor without a result means.  Freeing it does nothing.  NULL for a context is the default one.
 *
 * Ownership.  What ends in _new, _load, or makes a model, gives an object that the caller frees with its _free; all
 * else belongs to what it was asked of, and is valid as long as that, unless said otherwise.  What is handed in is
 * copied, or read during the call: the caller keeps it.
 *
 * Threads.  A model belongs to one thread at a time; a predictor too; any number of predictors run at once.  Functions
 * that only read (cn_layer_name, ...) may be called by any thread while nobody changes the model.
 *
 * C99 and later, C++20 (designators in the order of declaration); older C++ and bindings fill the structs by name.
 */
#ifndef CORNU_H
#define CORNU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cornu/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** "0.1.0": static text. */
CN_API const char *cn_version(void);

/** The explicit zero of a real and of an int (see above). */
#define CN_ZERO     (-0.0)
#define CN_ZERO_INT (-2147483647 - 1)
/** An unknown dimension, Keras' None. */
#define CN_NONE (-1)

typedef struct cn_context cn_context;
typedef struct cn_model cn_model;
typedef struct cn_layer cn_layer;
typedef struct cn_node cn_node;
typedef struct cn_history cn_history;
typedef struct cn_predictor cn_predictor;

/* ------------------------------------------------------------------------------------------------ 0. arrays */

typedef enum cn_dtype { CN_FLOAT32 = 0, CN_FLOAT64, CN_UINT8, CN_INT8, CN_INT16, CN_INT32, CN_INT64, CN_BOOL } cn_dtype;

enum { CN_MAX_RANK = 8, CN_MAX_ARRAYS = 16 };

/** An array of the caller's: C-contiguous, batch first, in the model's data format.  Passed by value; the memory stays
 *  the caller's and is read until the call returns.  Whatever is not float32 is converted while a batch is gathered.
 *  data == NULL: no array. */
typedef struct cn_array {
    const void *data;
    cn_dtype dtype;
    int rank;
    int64_t shape[CN_MAX_RANK];
} cn_array;

/** Some names with values: the logs of an epoch, the result of an evaluation.  Valid until the next fit, evaluation or
 *  step of the model that gave them; in a callback, until it returns. */
typedef struct cn_logs {
    int count;
    const char *const *names;
    const double *values;
} cn_logs;

/** The value under `name`, NaN if there is none. */
CN_API double cn_logs_get(const cn_logs *logs, const char *name);

/* ------------------------------------------------------------------------------- 1. load a model and predict */

/** What a load may be told; a member that is zero is the default. */
typedef struct cn_load_options {
    size_t struct_size;
    const char *weights; /* a .weights.h5 to load too, or NULL */
    bool no_compile;     /* leave the compile configuration and the optimizer's state alone */
    int64_t memory;      /* bytes that the load may take; default 4 GiB */
    cn_context *context; /* default: the default context */
    const char *input;   /* sizes of the input where a text does not tell them: "28x28x1" */
    bool predict_only;   /* half the memory: weights that have been packed for the processor are dropped, and read from
                            the file, which stays open, when somebody asks for them.  What cn_weight answers is valid
                            until the next prediction.  Training works; then the weights stay */
} cn_load_options;

/** Reads a model: .keras, .json (a configuration: weights are initialised), a folder with a .keras' members, or a text
 *  with Keras or PyTorch code (read, never run; weights are initialised).  "-" is standard input; where no such file
 *  exists and there is a '(' in it, `path` is itself the code.  The format is told by the content.  Leaves a model in
 *  *model (free it with cn_model_free) or a text in *error (valid until the next cn_load of the same thread); the other
 *  is NULL.  A load runs no code, opens no file but these and writes nothing.  `options` may be NULL.
 *  Any thread, as long as no two use one context. */
CN_API cn_status cn_load(const char *path, const cn_load_options *options, cn_model **model, const char **error);

/** Frees a model and all that was obtained through it.  NULL is accepted. */
CN_API void cn_model_free(cn_model *model);

typedef struct cn_predict_args {
    size_t struct_size;
    cn_array x;                     /* the one input, or */
    cn_array inputs[CN_MAX_ARRAYS]; /* one for each input of the model, in the order of cn_input_shape */
    int batch_size;                 /* rows that are computed together; default 32 */
} cn_predict_args;

/** Predicts for all rows of the input: an array of cn_output_count(model) arrays of float32, owned by the model and
 *  valid until its next prediction; NULL on failure (cn_error).
 *      const cn_array x = {pixels, CN_FLOAT32, 4, {n, 28, 28, 1}}, none = {0};
 *      const cn_array *y = cn_predict(model, x);                            y[0].data: n rows
 *      const cn_array *z = cn_predict(model, none, .inputs = {left, right}); a model with two inputs */
#define cn_predict(model, ...) cn_model_predict((model), CN_CALL_X_(cn_predict_args, __VA_ARGS__))
CN_API const cn_array *cn_model_predict(cn_model *model, const cn_predict_args *args);

/** A predictor: a snapshot of the weights made ready for up to `batch` images at once.  It has an error slot and
 *  `threads` threads of its own (0 = 1; the caller's is one of them) and never sees a fit that runs meanwhile.  It is
 *  the caller's to free, and the model may be freed before it.  Inputs with free height or width are not for a
 *  predictor: use cn_predict.  NULL on failure: cn_error(model). */
CN_API cn_predictor *cn_predictor_new(cn_model *model, int batch, int threads);
CN_API void cn_predictor_free(cn_predictor *predictor);
/** Takes the present weights of the model that it was made from, which nobody may change meanwhile; refused
 *  (CN_ERR_STATE) when layers of the model have changed since. */
CN_API cn_status cn_predictor_refresh(cn_predictor *predictor, const cn_model *model);
/** Predicts n images (1 <= n <= batch): inputs[i] and outputs[i] are float32, n rows each, in the order and the shapes
 * of cn_input_shape and cn_output_shape.  Allocates nothing.  Arrays that begin at a multiple of 64 bytes are read and
 *  written where they lie, others are copied. */
CN_API cn_status cn_predictor_run(cn_predictor *predictor, int n, const float *const *inputs, float *const *outputs);
/** Why its last call failed: one line, "" if it did not.  Valid until its next call. */
CN_API const char *cn_predictor_error(const cn_predictor *predictor);
/** Bytes that its plan takes: tensors, packed weights, copies. */
CN_API int64_t cn_predictor_memory(const cn_predictor *predictor);

/* ------------------------------------------------------------------------------------------ 2. build and train */

/** Head of every argument struct: filled by the macros. */
typedef struct cn_layer_args {
    size_t struct_size;
    const char *class_name; /* Keras' class, e.g. "Conv2D" */
} cn_layer_args;
typedef struct cn_layer_args cn_optimizer_args;
typedef struct cn_layer_args cn_callback_args;

/** An empty Sequential model in the default context.  NULL only when there is no memory. */
CN_API cn_model *cn_sequential(void);
/** The same with a name (NULL: "sequential", "sequential_1", ...) in a context, which outlives it. */
CN_API cn_model *cn_sequential_in(cn_context *context, const char *name);

/** Adds a layer.  Errors are kept with the model.  The struct is copied. */
CN_API cn_status cn_add(cn_model *model, const cn_layer_args *layer);
/** Adds a layer given as Keras' JSON, {"class_name": "Conv2D", "config": {...}}, or as Keras text, "Conv2D(32, 3)". */
CN_API cn_status cn_add_json(cn_model *model, const char *json);
/** Adds a model as a layer, which stays usable by itself.  From success on the outer model owns it and frees it; a
 * model is a layer of one model only. */
CN_API cn_status cn_add_model(cn_model *model, cn_model *inner);
/** Removes the last layer (Sequential only). */
CN_API cn_status cn_pop(cn_model *model);
/** Makes the weights of a Sequential for an input shape of `rank` sizes without the batch: {28, 28, 1}.  Only a model
 *  whose first layer tells no input shape needs it; the first fit does it, too. */
CN_API cn_status cn_build(cn_model *model, int rank, const int64_t *shape);

/** Whether something went wrong, and what: one line, "" if nothing, valid until the next call on the model.  cn_clear
 *  forgets an error of fit, evaluate, predict or save, as the next such call does; an error made while building stays.
 */
CN_API bool cn_failed(const cn_model *model);
CN_API const char *cn_error(const cn_model *model);
CN_API cn_status cn_error_status(const cn_model *model);
CN_API void cn_clear(cn_model *model);

/** Keras' compile.  A loss or metric is Keras text: "mse", "sparse_categorical_crossentropy(from_logits=True)".  With
 *  several outputs give `losses` (one each, NULL: none), `loss_weights`, and per-output metrics as `output_metrics`. */
typedef struct cn_compile_args {
    size_t struct_size;
    const cn_optimizer_args *optimizer; /* cn_sgd(...), cn_optimizer("adam(1e-3)"); default "rmsprop" */
    const char *loss;                   /* for every output */
    const char *losses[CN_MAX_ARRAYS];
    double loss_weights[CN_MAX_ARRAYS];
    const char *metrics[CN_MAX_ARRAYS];
    const char *weighted_metrics[CN_MAX_ARRAYS];
    const char *output_metrics[CN_MAX_ARRAYS][CN_MAX_ARRAYS];
} cn_compile_args;
#define cn_compile(model, ...)                                                                                         \
    cn_model_compile((model), CN_PTR_(cn_compile_args, .struct_size = sizeof(cn_compile_args), __VA_ARGS__))
CN_API cn_status cn_model_compile(cn_model *model, const cn_compile_args *args);

/** What a model is trained or measured on. */
typedef struct cn_data {
    cn_array x, y, sample_weight;
    cn_array inputs[CN_MAX_ARRAYS], targets[CN_MAX_ARRAYS]; /* when there are several */
} cn_data;

typedef struct cn_class_weight {
    int label;
    double weight;
} cn_class_weight;

/** What the progress of a long call is told to; the library itself prints nothing. */
typedef struct cn_progress {
    int epoch, epochs;   /* from 0; epochs is the final index */
    int64_t step, steps; /* done, and how many there will be (0: not known) */
    double seconds;      /* since the epoch began */
    bool end_of_epoch;   /* logs hold val_ values too */
    bool evaluating, predicting;
    cn_logs logs;
    const char *message; /* what a callback has to say ("Epoch 3: early stopping"); then the rest is empty */
} cn_progress;
typedef void cn_progress_writer(void *user, const cn_progress *progress);

/** Keras' fit. */
typedef struct cn_fit_args {
    size_t struct_size;
    cn_array x, y;
    cn_array inputs[CN_MAX_ARRAYS], targets[CN_MAX_ARRAYS]; /* when there are several */
    int batch_size;                                         /* default 32 */
    int epochs;                                             /* default 1; the final index when initial_epoch is given */
    const cn_callback_args *callbacks[CN_MAX_ARRAYS];
    double validation_split;          /* 0 to 1: this share of the rows, the last ones, before any shuffling */
    cn_array validation_data[3];      /* x, y and, if any, the sample weights */
    cn_data validation;               /* instead, when there are several inputs or targets */
    bool no_shuffle;                  /* shuffle=False */
    bool shuffle_batches;             /* shuffle="batch" */
    cn_class_weight class_weight[64]; /* ends at weight 0; CN_ZERO for a weight of zero */
    cn_array sample_weight;
    int initial_epoch;            /* the first, from 0 */
    int steps_per_epoch;          /* batches; default: all */
    int validation_steps;         /* batches; default: all */
    int validation_batch_size;    /* default: batch_size */
    int validation_freq;          /* every so many epochs; default 1 */
    bool check_finite;            /* stop with batch and row named when data or loss is NaN or infinite */
    cn_progress_writer *progress; /* NULL: silent, as verbose=0 */
    void *progress_user;
    const volatile int *interrupt; /* when it becomes non-zero the batch is finished and fit returns */
} cn_fit_args;

/** Trains.  The history belongs to the model and is valid until its next fit; NULL on failure.
 *      cn_fit(model, x, y, .epochs = 5, .validation_split = 0.1);
 *      cn_fit(model, none, none, .inputs = {a, b}, .targets = {c, d});       several; const cn_array none = {0}; */
#define cn_fit(model, ...) cn_model_fit((model), CN_CALL_XY_(cn_fit_args, __VA_ARGS__))
CN_API cn_history *cn_model_fit(cn_model *model, const cn_fit_args *args);

/** What the model.fit(...) of the text says that the model was read from, into *args, whose struct_size the caller has
 * set: batch_size, epochs, validation_split, shuffle, class_weight, initial_epoch, steps_per_epoch, validation_steps,
 *  validation_batch_size, validation_freq, and the callbacks that write no file.  Data are left out; what it does not
 *  say is zero, which is the default.  `own` (may be NULL) names what the caller sets itself, with commas:
 *  "epochs,batch_size".  Fails where the text has a value that only running it could tell. */
CN_API cn_status cn_fit_from_text(cn_model *model, const char *own, cn_fit_args *args);

/** The line on which that text scales its data outside of the model, as in x_train / 255; 0: nowhere.  Cornu takes data
 *  as they are: a Rescaling layer in front of the model does the same. */
CN_API int cn_text_scaling_line(const cn_model *model);

/** History: names in Keras' order, one value per epoch (validation_freq: fewer); `count` (may be NULL) becomes their
 *  number.  NULL for an index out of range. */
CN_API int cn_history_count(const cn_history *history);
CN_API const char *cn_history_name(const cn_history *history, int index);
CN_API const double *cn_history_values(const cn_history *history, int index, int *count);
/** The epochs' numbers, from 0. */
CN_API const int *cn_history_epochs(const cn_history *history, int *count);

typedef struct cn_evaluate_args {
    size_t struct_size;
    cn_array x, y;
    cn_array inputs[CN_MAX_ARRAYS], targets[CN_MAX_ARRAYS]; /* when there are several */
    int batch_size;                                         /* default 32 */
    cn_array sample_weight;                                 /* one for each row */
    int steps;                                              /* batches; default: all */
    cn_progress_writer *progress;
    void *progress_user;
} cn_evaluate_args;
/** Keras' evaluate: loss and metrics in Keras' order (evaluate's list); NULL on failure. */
#define cn_evaluate(model, ...) cn_model_evaluate((model), CN_CALL_XY_(cn_evaluate_args, __VA_ARGS__))
CN_API const cn_logs *cn_model_evaluate(cn_model *model, const cn_evaluate_args *args);

/** One step (of training, of evaluation) on one batch of any number of rows: loss and metrics of this batch alone; NULL
 *  on failure. */
CN_API const cn_logs *cn_train_on_batch(cn_model *model, const cn_data *batch);
CN_API const cn_logs *cn_test_on_batch(cn_model *model, const cn_data *batch);

/** Bytes of the plans that fit, evaluate and predict have made for the model and keep. */
CN_API int64_t cn_plan_memory(const cn_model *model);

/** Writes a model: .keras (everything, with the optimizer's state), .weights.h5 (weights), .json (configuration), .npz
 *  (weights as arrays 0, 1, ... in the order of get_weights()).  The ending of `path` decides.  Atomic: the old file or
 *  the new one, whole. */
CN_API cn_status cn_save(cn_model *model, const char *path);
/** Reads a .weights.h5 (or the weights of a .keras) into a built model of the same layers. */
CN_API cn_status cn_load_weights(cn_model *model, const char *path);
/** The configuration as Keras' to_json writes it: owned by the model, valid until the next call.  NULL on failure. */
CN_API const char *cn_model_json(cn_model *model);

/* --------------------------------------------------------------------------------------------------- 3. layers
 * Shapes are channels_last: n images of h rows, w columns, c channels.  Every struct ends with what all layers take:
 * `name` (default: the class in snake case, numbered) and `frozen` (trainable=False).  Texts:
 *   activation   "relu", "softmax", "leaky_relu(negative_slope=0.1)", ... (cornu help activations)
 *   initializer  "glorot_uniform", "he_normal(seed=1)", "constant(0.1)", ...
 *   regularizer  "l2(1e-4)", "l1_l2(l1=1e-5, l2=1e-4)", "orthogonal_regularizer", ...
 *   constraint   "max_norm(3, axis=[0, 1, 2])", "non_neg", ... */

typedef enum cn_data_format { CN_FORMAT_DEFAULT = 0, CN_CHANNELS_LAST, CN_CHANNELS_FIRST } cn_data_format;

typedef enum cn_padding_mode {
    CN_PADDING_DEFAULT = 0,
    CN_PADDING_VALID,
    CN_PADDING_SAME,
    CN_PADDING_SIDES
} cn_padding_mode;

typedef struct cn_padding {
    cn_padding_mode mode;
    int top, bottom, left, right; /* CN_PADDING_SIDES */
} cn_padding;

#ifdef __cplusplus
#define CN_VALID                                                                                                       \
    cn_padding                                                                                                         \
    {                                                                                                                  \
        CN_PADDING_VALID, 0, 0, 0, 0                                                                                   \
    }
#define CN_SAME                                                                                                        \
    cn_padding                                                                                                         \
    {                                                                                                                  \
        CN_PADDING_SAME, 0, 0, 0, 0                                                                                    \
    }
#define CN_PAD(top, bottom, left, right)                                                                               \
    cn_padding                                                                                                         \
    {                                                                                                                  \
        CN_PADDING_SIDES, top, bottom, left, right                                                                     \
    }
#else
#define CN_VALID                                                                                                       \
    {                                                                                                                  \
        CN_PADDING_VALID, 0, 0, 0, 0                                                                                   \
    }
#define CN_SAME                                                                                                        \
    {                                                                                                                  \
        CN_PADDING_SAME, 0, 0, 0, 0                                                                                    \
    }
#define CN_PAD(top, bottom, left, right)                                                                               \
    {                                                                                                                  \
        CN_PADDING_SIDES, top, bottom, left, right                                                                     \
    }
#endif

/** Input(shape, batch_size): the shape of one image, without the batch; CN_NONE for a free dimension.  {28, 28, 1} */
typedef struct cn_input_args {
    cn_layer_args head;
    int shape[CN_MAX_RANK]; /* ends at 0 */
    int batch_size;         /* default: free */
    const char *name;
} cn_input_args;
#define cn_input(...) CN_ARGS_(cn_input_args, "InputLayer", __VA_ARGS__)

/** 2-D convolution (cross-correlation, as Keras: the kernel is not flipped).
 *  in [n, h, w, c] -> out [n, h', w', filters];  weights kernel [kh, kw, c / groups, filters], bias [filters]
 *      out = activation(sum over the window of in * kernel + bias)
 *      valid: h' = floor((h - dilation * (kh - 1) - 1) / stride) + 1      same: h' = ceil(h / stride)
 *  Errors when it is added: CN_ERR_INVALID (filters or kernel_size missing; groups does not divide filters; strides and
 *  dilation_rate both above 1), CN_ERR_SHAPE (groups does not divide c; the kernel is larger than its input). */
typedef struct cn_conv2d_args {
    cn_layer_args head;
    int filters;                    /* output channels; required */
    int kernel_size[2];             /* rows, columns; required */
    int strides[2];                 /* default 1 */
    cn_padding padding;             /* CN_VALID (default), CN_SAME, CN_PAD(top, bottom, left, right) */
    cn_data_format data_format;     /* default: the context's */
    int dilation_rate[2];           /* default 1 */
    int groups;                     /* default 1 */
    const char *activation;         /* default "linear" */
    bool no_bias;                   /* use_bias=False */
    const char *kernel_initializer; /* default "glorot_uniform" */
    const char *bias_initializer;   /* default "zeros" */
    const char *kernel_regularizer;
    const char *bias_regularizer;
    const char *activity_regularizer; /* of the output, divided by the batch size */
    const char *kernel_constraint;
    const char *bias_constraint;
    const char *name;
    bool frozen;
} cn_conv2d_args;
#define cn_conv2d(...) CN_ARGS_(cn_conv2d_args, "Conv2D", __VA_ARGS__)

/** Depthwise convolution: output channel c * depth_multiplier + m is input channel c under slice m.
 *  in [n, h, w, c] -> out [n, h', w', c * depth_multiplier];  weights kernel [kh, kw, c, depth_multiplier], bias */
typedef struct cn_depthwise_conv2d_args {
    cn_layer_args head;
    int kernel_size[2];   /* required */
    int strides[2];       /* default 1 */
    cn_padding padding;   /* default CN_VALID */
    int depth_multiplier; /* default 1 */
    cn_data_format data_format;
    int dilation_rate[2]; /* default 1 */
    const char *activation;
    bool no_bias;
    const char *depthwise_initializer; /* default "glorot_uniform" */
    const char *bias_initializer;      /* default "zeros" */
    const char *depthwise_regularizer;
    const char *bias_regularizer;
    const char *activity_regularizer;
    const char *depthwise_constraint;
    const char *bias_constraint;
    const char *name;
    bool frozen;
} cn_depthwise_conv2d_args;
#define cn_depthwise_conv2d(...) CN_ARGS_(cn_depthwise_conv2d_args, "DepthwiseConv2D", __VA_ARGS__)

/** Transposed convolution: each cell of in is spread over a window of out, which makes images larger.
 *  in [n, h, w, c] -> out [n, h', w', filters];  weights kernel [kh, kw, filters, c], bias [filters]
 *      out = activation(bias + sum of in[i, j] * kernel[r, q] at the cells (i * stride + r * dilation - cut, ...))
 *      valid: h' = (h - 1) * stride + max(k, stride)      same: h' = h * stride      k = dilation * (kh - 1) + 1
 *      with output_padding a: valid: (h - 1) * stride + k + a      same: (h - 1) * stride + k % 2 + a
 *  Errors: CN_ERR_INVALID (output_padding is not below strides; strides and dilation_rate both above 1). */
typedef struct cn_conv2d_transpose_args {
    cn_layer_args head;
    int filters;           /* output channels; required */
    int kernel_size[2];    /* rows, columns; required */
    int strides[2];        /* default 1; {2} doubles the image */
    cn_padding padding;    /* CN_VALID (default) or CN_SAME */
    int output_padding[2]; /* default: as padding says; {CN_ZERO_INT} is 0 */
    cn_data_format data_format;
    int dilation_rate[2]; /* default 1 */
    const char *activation;
    bool no_bias;
    const char *kernel_initializer; /* default "glorot_uniform" */
    const char *bias_initializer;   /* default "zeros" */
    const char *kernel_regularizer;
    const char *bias_regularizer;
    const char *activity_regularizer;
    const char *kernel_constraint;
    const char *bias_constraint;
    const char *name;
    bool frozen;
} cn_conv2d_transpose_args;
#define cn_conv2d_transpose(...) CN_ARGS_(cn_conv2d_transpose_args, "Conv2DTranspose", __VA_ARGS__)

/** out = activation(in . kernel + bias), over the last axis.  in [n, ..., c] -> out [n, ..., units] */
typedef struct cn_dense_args {
    cn_layer_args head;
    int units;              /* required */
    const char *activation; /* default "linear" */
    bool no_bias;
    const char *kernel_initializer; /* default "glorot_uniform" */
    const char *bias_initializer;   /* default "zeros" */
    const char *kernel_regularizer;
    const char *bias_regularizer;
    const char *activity_regularizer;
    const char *kernel_constraint;
    const char *bias_constraint;
    const char *name;
    bool frozen;
} cn_dense_args;
#define cn_dense(...) CN_ARGS_(cn_dense_args, "Dense", __VA_ARGS__)

/** Maximum, or mean of the real (unpadded) cells, over a window.  in [n, h, w, c] -> out [n, h', w', c] */
typedef struct cn_pooling2d_args {
    cn_layer_args head;
    int pool_size[2];   /* default 2 for MaxPooling2D; required for AveragePooling2D */
    int strides[2];     /* default: pool_size */
    cn_padding padding; /* default CN_VALID */
    cn_data_format data_format;
    const char *name;
    bool frozen;
} cn_pooling2d_args;
#define cn_max_pooling2d(...)     CN_ARGS_(cn_pooling2d_args, "MaxPooling2D", __VA_ARGS__)
#define cn_average_pooling2d(...) CN_ARGS_(cn_pooling2d_args, "AveragePooling2D", __VA_ARGS__)

/** Mean or maximum over rows and columns.  in [n, h, w, c] -> out [n, c], or [n, 1, 1, c] with keepdims */
typedef struct cn_global_pooling2d_args {
    cn_layer_args head;
    cn_data_format data_format;
    bool keepdims;
    const char *name;
    bool frozen;
} cn_global_pooling2d_args;
#define cn_global_average_pooling2d(...) CN_ARGS_(cn_global_pooling2d_args, "GlobalAveragePooling2D", __VA_ARGS__)
#define cn_global_max_pooling2d(...)     CN_ARGS_(cn_global_pooling2d_args, "GlobalMaxPooling2D", __VA_ARGS__)

/** in [n, ...] -> out [n, product]; channels_first inputs are put in channels_last order first, as in Keras */
typedef struct cn_flatten_args {
    cn_layer_args head;
    cn_data_format data_format;
    const char *name;
    bool frozen;
} cn_flatten_args;
#define cn_flatten(...) CN_ARGS_(cn_flatten_args, "Flatten", __VA_ARGS__)

/** in [n, ...] -> out [n, target_shape]; at most one -1, which takes what is left */
typedef struct cn_reshape_args {
    cn_layer_args head;
    int target_shape[CN_MAX_RANK]; /* required; ends at 0 */
    const char *name;
    bool frozen;
} cn_reshape_args;
#define cn_reshape(...) CN_ARGS_(cn_reshape_args, "Reshape", __VA_ARGS__)

typedef struct cn_activation_args {
    cn_layer_args head;
    const char *activation; /* required */
    const char *name;
    bool frozen;
} cn_activation_args;
#define cn_activation(...) CN_ARGS_(cn_activation_args, "Activation", __VA_ARGS__)

/** x > threshold: min(x, max_value), else negative_slope * (x - threshold) */
typedef struct cn_relu_args {
    cn_layer_args head;
    double max_value;      /* default: none */
    double negative_slope; /* default 0 */
    double threshold;      /* default 0 */
    const char *name;
    bool frozen;
} cn_relu_args;
#define cn_relu(...) CN_ARGS_(cn_relu_args, "ReLU", __VA_ARGS__)

/** x >= 0: x, else negative_slope * x */
typedef struct cn_leaky_relu_args {
    cn_layer_args head;
    double negative_slope; /* default 0.3 */
    const char *name;
    bool frozen;
} cn_leaky_relu_args;
#define cn_leaky_relu(...) CN_ARGS_(cn_leaky_relu_args, "LeakyReLU", __VA_ARGS__)

/** x > 0: x, else alpha * (exp(x) - 1) */
typedef struct cn_elu_args {
    cn_layer_args head;
    double alpha; /* default 1 */
    const char *name;
    bool frozen;
} cn_elu_args;
#define cn_elu(...) CN_ARGS_(cn_elu_args, "ELU", __VA_ARGS__)

/** max(x, 0) - alpha * max(-x, 0), alpha a weight of the input's shape, 1 on shared axes */
typedef struct cn_prelu_args {
    cn_layer_args head;
    const char *alpha_initializer; /* default "zeros" */
    const char *alpha_regularizer;
    const char *alpha_constraint;
    int shared_axes[CN_MAX_RANK]; /* from 1; ends at 0; e.g. {1, 2} shares over rows and columns */
    const char *name;
    bool frozen;
} cn_prelu_args;
#define cn_prelu(...) CN_ARGS_(cn_prelu_args, "PReLU", __VA_ARGS__)

/** exp(x - max) / sum of exp(x - max), over one axis or several */
typedef struct cn_softmax_args {
    cn_layer_args head;
    int axis[CN_MAX_RANK]; /* default -1; ends at 0 */
    const char *name;
    bool frozen;
} cn_softmax_args;
#define cn_softmax(...) CN_ARGS_(cn_softmax_args, "Softmax", __VA_ARGS__)

/** (x - mean) * gamma / sqrt(variance + epsilon) + beta: in training with the batch's mean and biased variance, which
 *  also move the moving ones by (1 - momentum); otherwise, and when frozen, with the moving ones.
 *  weights gamma, beta, moving_mean, moving_variance, each of the size of `axis` */
typedef struct cn_batch_normalization_args {
    cn_layer_args head;
    int axis;                                /* default -1 */
    double momentum;                         /* default 0.99 */
    double epsilon;                          /* default 0.001 */
    bool no_center;                          /* center=False: no beta */
    bool no_scale;                           /* scale=False: no gamma */
    const char *beta_initializer;            /* default "zeros" */
    const char *gamma_initializer;           /* default "ones" */
    const char *moving_mean_initializer;     /* default "zeros" */
    const char *moving_variance_initializer; /* default "ones" */
    const char *beta_regularizer;
    const char *gamma_regularizer;
    const char *beta_constraint;
    const char *gamma_constraint;
    const char *name;
    bool frozen;
} cn_batch_normalization_args;
#define cn_batch_normalization(...) CN_ARGS_(cn_batch_normalization_args, "BatchNormalization", __VA_ARGS__)

/** In training keeps each value with probability 1 - rate, times 1 / (1 - rate); otherwise passes it on. */
typedef struct cn_dropout_args {
    cn_layer_args head;
    double rate;                  /* required, 0 .. 1 */
    int noise_shape[CN_MAX_RANK]; /* with the batch; CN_NONE = the input's; default: the input's shape */
    int seed;                     /* default: drawn */
    const char *name;
    bool frozen;
} cn_dropout_args;
#define cn_dropout(...) CN_ARGS_(cn_dropout_args, "Dropout", __VA_ARGS__)

/** The same of whole channels: a pattern is found everywhere, or nowhere. */
typedef struct cn_spatial_dropout2d_args {
    cn_layer_args head;
    double rate; /* required, 0 .. 1 */
    cn_data_format data_format;
    int seed; /* default: drawn */
    const char *name;
    bool frozen;
} cn_spatial_dropout2d_args;
#define cn_spatial_dropout2d(...) CN_ARGS_(cn_spatial_dropout2d_args, "SpatialDropout2D", __VA_ARGS__)

/** (x - mean) gamma / sqrt(variance + epsilon) + beta, with the mean and variance of each position's channels */
typedef struct cn_layer_normalization_args {
    cn_layer_args head;
    int axis[CN_MAX_RANK]; /* default -1; ends at 0 */
    double epsilon;        /* default 0.001 */
    bool no_center;
    bool no_scale;
    const char *beta_initializer;  /* default "zeros" */
    const char *gamma_initializer; /* default "ones" */
    const char *beta_regularizer;
    const char *gamma_regularizer;
    const char *beta_constraint;
    const char *gamma_constraint;
    const char *name;
    bool frozen;
} cn_layer_normalization_args;
#define cn_layer_normalization(...) CN_ARGS_(cn_layer_normalization_args, "LayerNormalization", __VA_ARGS__)

/** The same with the mean and variance of each image's group of channels, over all positions */
typedef struct cn_group_normalization_args {
    cn_layer_args head;
    int groups;     /* default 32; -1: one for each channel */
    int axis;       /* default -1 */
    double epsilon; /* default 0.001 */
    bool no_center;
    bool no_scale;
    const char *beta_initializer;  /* default "zeros" */
    const char *gamma_initializer; /* default "ones" */
    const char *beta_regularizer;
    const char *gamma_regularizer;
    const char *beta_constraint;
    const char *gamma_constraint;
    const char *name;
    bool frozen;
} cn_group_normalization_args;
#define cn_group_normalization(...) CN_ARGS_(cn_group_normalization_args, "GroupNormalization", __VA_ARGS__)

/** x scale / sqrt(mean of x^2 + epsilon) */
typedef struct cn_rms_normalization_args {
    cn_layer_args head;
    int axis[CN_MAX_RANK]; /* default -1; ends at 0 */
    double epsilon;        /* default 1e-06 */
    const char *name;
    bool frozen;
} cn_rms_normalization_args;
#define cn_rms_normalization(...) CN_ARGS_(cn_rms_normalization_args, "RMSNormalization", __VA_ARGS__)

/** x / sqrt(sum of x^2): length 1 along the axes */
typedef struct cn_unit_normalization_args {
    cn_layer_args head;
    int axis[CN_MAX_RANK]; /* default -1; ends at 0 */
    const char *name;
    bool frozen;
} cn_unit_normalization_args;
#define cn_unit_normalization(...) CN_ARGS_(cn_unit_normalization_args, "UnitNormalization", __VA_ARGS__)

/** (x - mean) / sqrt(variance), with given numbers or those that a file holds; one, or one per channel */
typedef struct cn_normalization_args {
    cn_layer_args head;
    int axis[CN_MAX_RANK];      /* that keep numbers of their own; default -1; ends at 0 */
    double mean[CN_MAX_ARRAYS]; /* ends at 0; CN_ZERO for a zero */
    double variance[CN_MAX_ARRAYS];
    bool invert; /* x sqrt(variance) + mean */
    const char *name;
    bool frozen;
} cn_normalization_args;
#define cn_normalization(...) CN_ARGS_(cn_normalization_args, "Normalization", __VA_ARGS__)

/** Axes in another order, from 1, without the batch: {2, 1} */
typedef struct cn_permute_args {
    cn_layer_args head;
    int dims[CN_MAX_RANK]; /* required */
    const char *name;
    bool frozen;
} cn_permute_args;
#define cn_permute(...) CN_ARGS_(cn_permute_args, "Permute", __VA_ARGS__)

/** [batch, c] -> [batch, n, c] */
typedef struct cn_repeat_vector_args {
    cn_layer_args head;
    int n; /* required */
    const char *name;
    bool frozen;
} cn_repeat_vector_args;
#define cn_repeat_vector(...) CN_ARGS_(cn_repeat_vector_args, "RepeatVector", __VA_ARGS__)

/** x itself */
typedef struct cn_identity_args {
    cn_layer_args head;
    const char *name;
    bool frozen;
} cn_identity_args;
#define cn_identity(...) CN_ARGS_(cn_identity_args, "Identity", __VA_ARGS__)

/** Zeros round the image: {{top, bottom}, {left, right}}; default 1 on every side */
typedef struct cn_zero_padding2d_args {
    cn_layer_args head;
    int padding[2][2];
    cn_data_format data_format;
    const char *name;
    bool frozen;
} cn_zero_padding2d_args;
#define cn_zero_padding2d(...) CN_ARGS_(cn_zero_padding2d_args, "ZeroPadding2D", __VA_ARGS__)

/** Rows and columns cut off: {{top, bottom}, {left, right}} */
typedef struct cn_cropping2d_args {
    cn_layer_args head;
    int cropping[2][2];
    cn_data_format data_format;
    const char *name;
    bool frozen;
} cn_cropping2d_args;
#define cn_cropping2d(...) CN_ARGS_(cn_cropping2d_args, "Cropping2D", __VA_ARGS__)

/** x * scale + offset; one number, or one per channel (ends at 0; CN_ZERO for a zero).  cn_rescaling({1.0 / 255}) */
typedef struct cn_rescaling_args {
    cn_layer_args head;
    double scale[CN_MAX_ARRAYS]; /* required */
    double offset[CN_MAX_ARRAYS];
    const char *name;
    bool frozen;
} cn_rescaling_args;
#define cn_rescaling(...) CN_ARGS_(cn_rescaling_args, "Rescaling", __VA_ARGS__)

/** Merge layers (functional models): several inputs -> one; dimensions equal or 1 are broadcast. */
typedef struct cn_merge_args {
    cn_layer_args head;
    const char *name;
    bool frozen;
} cn_merge_args;
#define cn_add_layer(...)      CN_ARGS_(cn_merge_args, "Add", __VA_ARGS__)
#define cn_multiply_layer(...) CN_ARGS_(cn_merge_args, "Multiply", __VA_ARGS__)
#define cn_subtract_layer(...) CN_ARGS_(cn_merge_args, "Subtract", __VA_ARGS__)
#define cn_average_layer(...)  CN_ARGS_(cn_merge_args, "Average", __VA_ARGS__)
#define cn_maximum_layer(...)  CN_ARGS_(cn_merge_args, "Maximum", __VA_ARGS__)
#define cn_minimum_layer(...)  CN_ARGS_(cn_merge_args, "Minimum", __VA_ARGS__)

typedef struct cn_concatenate_args {
    cn_layer_args head;
    int axis; /* default -1 */
    const char *name;
    bool frozen;
} cn_concatenate_args;
#define cn_concatenate_layer(...) CN_ARGS_(cn_concatenate_args, "Concatenate", __VA_ARGS__)

/* -------------------------------------------------------------------------------------- 4. functional models */

/** An empty functional model: call layers on nodes, then name the outputs.  NULL only when there is no memory.  Nodes
 * and layers belong to the model; NULL for one of them says that something failed: cn_error(model). */
CN_API cn_model *cn_functional(void);
CN_API cn_model *cn_functional_in(cn_context *context, const char *name);

/** An input: cn_node *x = cn_input_node(model, cn_input({32, 32, 3})); */
CN_API cn_node *cn_input_node(cn_model *model, const cn_layer_args *input);

/** A new layer called on nodes: y = cn_call(model, cn_conv2d(64, {3}), x); y = cn_call(model, cn_add_layer(), y, x);
 *  NULL nodes (from an earlier failure) are passed on, so a chain needs no checks. */
#define cn_call(model, layer, ...) cn_call_nodes((model), (layer), CN_NODES_(__VA_ARGS__))
CN_API cn_node *cn_call_nodes(cn_model *model, const cn_layer_args *layer, int count, cn_node *const *nodes);

/** A layer to be called more than once (its weights are shared): make it, then call it. */
CN_API cn_layer *cn_layer_new(cn_model *model, const cn_layer_args *layer);
/** A model as a layer; from success on the outer model owns it, as with cn_add_model. */
CN_API cn_layer *cn_model_layer(cn_model *model, cn_model *inner);
/** Calls it on nodes: once more with the same weights. */
#define cn_call_layer(layer, ...) cn_call_layer_nodes((layer), CN_NODES_(__VA_ARGS__))
CN_API cn_node *cn_call_layer_nodes(cn_layer *layer, int count, cn_node *const *nodes);

/** Output `index` of the call that gave `node`: a model as a layer may have several.  NULL out of range. */
CN_API cn_node *cn_node_output(cn_node *node, int index);

/** The outputs: completes the model.  cn_outputs(model, y); */
#define cn_outputs(model, ...) cn_model_outputs((model), CN_NODES_(__VA_ARGS__))
CN_API cn_status cn_model_outputs(cn_model *model, int count, cn_node *const *nodes);

/* ------------------------------------------------------------------------------- 5. optimizers and callbacks */

/** What all optimizers take.  At most one of the three clips. */
#define CN_OPTIMIZER_MEMBERS_                                                                                          \
    double weight_decay; /* decoupled; default none (AdamW: 0.004) */                                                  \
    double clipnorm, clipvalue, global_clipnorm;                                                                       \
    bool use_ema;                                                                                                      \
    double ema_momentum;         /* default 0.99 */                                                                    \
    int ema_overwrite_frequency; /* default: at the end of fit */                                                      \
    double loss_scale_factor;                                                                                          \
    int gradient_accumulation_steps;    /* 2 or more; default none */                                                  \
    const char *learning_rate_schedule; /* Keras text, e.g. "ExponentialDecay(0.01, 1000, 0.9)" */                     \
    const char *name;

/** w -= learning_rate * g; with momentum v = momentum v - learning_rate g, w += v (nesterov: w += momentum v - lr g) */
typedef struct cn_sgd_args {
    cn_optimizer_args head;
    double learning_rate; /* default 0.01 */
    double momentum;      /* default 0 */
    bool nesterov;
    CN_OPTIMIZER_MEMBERS_
} cn_sgd_args;
#define cn_sgd(...) CN_ARGS_(cn_sgd_args, "SGD", __VA_ARGS__)

typedef struct cn_adam_args {
    cn_optimizer_args head;
    double learning_rate; /* default 0.001 */
    double beta_1;        /* default 0.9 */
    double beta_2;        /* default 0.999 */
    double epsilon;       /* default 1e-7 */
    bool amsgrad;
    CN_OPTIMIZER_MEMBERS_
} cn_adam_args;
#define cn_adam(...)  CN_ARGS_(cn_adam_args, "Adam", __VA_ARGS__)
#define cn_adamw(...) CN_ARGS_(cn_adam_args, "AdamW", __VA_ARGS__)

typedef struct cn_rmsprop_args {
    cn_optimizer_args head;
    double learning_rate; /* default 0.001 */
    double rho;           /* default 0.9 */
    double momentum;      /* default 0 */
    double epsilon;       /* default 1e-7 */
    bool centered;
    CN_OPTIMIZER_MEMBERS_
} cn_rmsprop_args;
#define cn_rmsprop(...) CN_ARGS_(cn_rmsprop_args, "RMSprop", __VA_ARGS__)

/** Any optimizer as Keras text or JSON: cn_optimizer("adam(1e-3, amsgrad=True)") */
typedef struct cn_text_args {
    cn_layer_args head;
    const char *text;
} cn_text_args;
#define cn_optimizer(text_) CN_ARGS_(cn_text_args, "", .text = (text_))

/** Stops when `monitor` no longer improves. */
typedef struct cn_early_stopping_args {
    cn_callback_args head;
    const char *monitor; /* default "val_loss" */
    double min_delta;
    int patience;
    const char *mode; /* "auto" (default), "min", "max" */
    double baseline;  /* default none */
    bool restore_best_weights;
    int start_from_epoch;
} cn_early_stopping_args;
#define cn_early_stopping(...) CN_ARGS_(cn_early_stopping_args, "EarlyStopping", __VA_ARGS__)

/** Saves the model after every epoch, or every save_freq batches.  "model-{epoch:02d}-{val_loss:.2f}.keras" */
typedef struct cn_model_checkpoint_args {
    cn_callback_args head;
    const char *filepath; /* required; .keras, or .weights.h5 with save_weights_only */
    const char *monitor;  /* default "val_loss" */
    bool save_best_only;
    bool save_weights_only;
    const char *mode;
    int save_freq; /* default: every epoch */
    double initial_value_threshold;
} cn_model_checkpoint_args;
#define cn_model_checkpoint(...) CN_ARGS_(cn_model_checkpoint_args, "ModelCheckpoint", __VA_ARGS__)

/** At the start of each epoch the learning rate becomes schedule(user, epoch, learning_rate). */
typedef struct cn_learning_rate_scheduler_args {
    cn_callback_args head;
    double (*schedule)(void *user, int epoch, double learning_rate); /* required */
    void *user;
} cn_learning_rate_scheduler_args;
#define cn_learning_rate_scheduler(...) CN_ARGS_(cn_learning_rate_scheduler_args, "LearningRateScheduler", __VA_ARGS__)

/** Any of these as Keras text: cn_callback_text("EarlyStopping(patience=3)") */
#define cn_callback_text(text_) CN_ARGS_(cn_text_args, "", .text = (text_))

/** Multiplies the learning rate by `factor` when `monitor` no longer improves. */
typedef struct cn_reduce_lr_on_plateau_args {
    cn_callback_args head;
    const char *monitor; /* default "val_loss" */
    double factor;       /* default 0.1; below 1 */
    int patience;        /* default 10 */
    const char *mode;
    double min_delta; /* default 0.0001 */
    int cooldown;
    double min_lr;
} cn_reduce_lr_on_plateau_args;
#define cn_reduce_lr_on_plateau(...) CN_ARGS_(cn_reduce_lr_on_plateau_args, "ReduceLROnPlateau", __VA_ARGS__)

typedef struct cn_csv_logger_args {
    cn_callback_args head;
    const char *filename;  /* required */
    const char *separator; /* default "," */
    bool append;
} cn_csv_logger_args;
#define cn_csv_logger(...) CN_ARGS_(cn_csv_logger_args, "CSVLogger", __VA_ARGS__)

typedef struct cn_terminate_on_nan_args {
    cn_callback_args head;
    bool raise_error; /* fit fails instead of ending */
} cn_terminate_on_nan_args;
#define cn_terminate_on_nan(...) CN_ARGS_(cn_terminate_on_nan_args, "TerminateOnNaN", __VA_ARGS__)

/** The user's own.  Each function may be NULL; they may read and set weights and the learning rate, save, and stop the
 *  training (cn_stop_training); they may not add layers or fit.  `logs` may be changed by nobody. */
typedef struct cn_own_callback_args {
    cn_callback_args head;
    void *user;
    void (*on_train_begin)(void *user, cn_model *model);
    void (*on_train_end)(void *user, cn_model *model, const cn_logs *logs);
    void (*on_epoch_begin)(void *user, cn_model *model, int epoch);
    void (*on_epoch_end)(void *user, cn_model *model, int epoch, const cn_logs *logs);
    void (*on_batch_begin)(void *user, cn_model *model, int64_t batch);
    void (*on_batch_end)(void *user, cn_model *model, int64_t batch, const cn_logs *logs);
} cn_own_callback_args;
#define cn_callback(...) CN_ARGS_(cn_own_callback_args, "Callback", __VA_ARGS__)

/** From within a callback: fit ends after this batch (in on_batch_end) or epoch. */
CN_API void cn_stop_training(cn_model *model);
/** The learning rate now, 0 before cn_compile; setting it fails before, and while a schedule rules it. */
CN_API double cn_learning_rate(const cn_model *model);
CN_API cn_status cn_set_learning_rate(cn_model *model, double learning_rate);

/* ------------------------------------------------------------------------------------------- 6. looking inside */

/** Texts belong to the model. */
CN_API const char *cn_model_name(const cn_model *model);
CN_API int cn_input_count(const cn_model *model);
CN_API int cn_output_count(const cn_model *model);
/** Shape with the batch (CN_NONE where free); returns the rank, -1 out of range or not built. */
CN_API int cn_input_shape(const cn_model *model, int index, int64_t shape[CN_MAX_RANK]);
CN_API int cn_output_shape(const cn_model *model, int index, int64_t shape[CN_MAX_RANK]);

/** Names of the classes that a model tells apart, kept in its .keras file (in metadata.json, which Keras does not
 * read). Copied; count 0 forgets them.  cn_label: NULL where there is none. */
CN_API cn_status cn_set_labels(cn_model *model, int count, const char *const *labels);
CN_API int cn_label_count(const cn_model *model);
CN_API const char *cn_label(const cn_model *model, int index);

/** Layers in Keras' order (model.layers), the InputLayer of a Sequential left out.  NULL out of range or unknown. */
CN_API int cn_layer_count(const cn_model *model);
CN_API cn_layer *cn_layer_at(const cn_model *model, int index);
CN_API cn_layer *cn_get_layer(const cn_model *model, const char *name);
CN_API const char *cn_layer_name(const cn_layer *layer);
CN_API const char *cn_layer_class(const cn_layer *layer);
CN_API bool cn_layer_trainable(const cn_layer *layer);
/** Freezes or thaws; takes effect with the next compile, as in Keras. */
CN_API void cn_set_trainable(cn_layer *layer, bool trainable);
CN_API void cn_model_set_trainable(cn_model *model, bool trainable);
/** Weights as numbers, trainable or not. */
CN_API int64_t cn_layer_count_params(const cn_layer *layer);
CN_API int64_t cn_count_params(const cn_model *model);

/** Weights in the order of get_weights(), float32 in Keras' layout: a view of the master copy, valid until the model is
 *  freed or built anew (predict_only: until the next prediction); without data where there is none.  Setting one copies
 *  an array of the same shape and any dtype. */
CN_API int cn_layer_weight_count(const cn_layer *layer);
CN_API cn_array cn_layer_weight(const cn_layer *layer, int index);
CN_API cn_status cn_layer_set_weight(cn_layer *layer, int index, cn_array value);
CN_API int cn_weight_count(const cn_model *model);
CN_API cn_array cn_weight(const cn_model *model, int index);
CN_API cn_status cn_set_weight(cn_model *model, int index, cn_array value);

/** Keras' summary table, owned by the model, valid until the next call; NULL on failure.  `options` may be NULL. */
typedef struct cn_summary_options {
    size_t struct_size;
    int width;                          /* columns of the terminal; default 80 */
    bool expand_nested, show_trainable; /* layers of models that are layers; a column of what is frozen */
} cn_summary_options;
CN_API const char *cn_summary(cn_model *model, const cn_summary_options *options);

/** What Cornu knows of a name - a layer, optimizer, loss, metric, activation, initializer, ... - as text for a
 * terminal: every argument with type, default, meaning, and an example.  NULL: the list of names.  Free with
 * cn_text_free; NULL when the name is unknown (then *nearest, if not NULL, is the nearest name, static, or NULL). */
CN_API char *cn_describe(const char *name, const char **nearest);
CN_API void cn_text_free(char *text);

/* -------------------------------------------------------------------------------------------------- 7. contexts */

/** What models share: seed streams, name counters, defaults, threads.  There is a default one for simple programs; it
 *  lives as long as the program and is not freed.  A context outlives its models and belongs to one thread at a time,
 * as all of its models together do; predictors have left it.  cn_context_new: NULL without memory. */
CN_API cn_context *cn_context_new(void);
CN_API void cn_context_free(cn_context *context);
CN_API cn_context *cn_default_context(void);

/** keras.utils.set_random_seed: the same initial weights, dropout masks and shuffling as Keras (JAX) with this seed. */
CN_API void cn_set_random_seed(uint32_t seed);
CN_API void cn_context_set_random_seed(cn_context *context, uint32_t seed);

/** Threads used by fit, evaluate and predict, the caller's among them: 1 to 1024, or 0 = as many as the process may use
 *  (the default).  Results do not depend on it.  Refused (CN_ERR_STATE) while a fit runs. */
CN_API cn_status cn_set_threads(cn_context *context, int threads);
CN_API int cn_threads(cn_context *context);
/** How convolutions are computed.  CN_MATH_FAST (the default) lets shapes decide, and may take Winograd's algorithm,
 * whose rounding error is about twice that of direct summation, up to six times for the weights' gradients, and at most
 * 1e-5 of the result (L2 norms; docs/performance.md has what was measured), and which spreads a NaN or an infinity over
 * up to 4 x 4 neighbouring outputs.  CN_MATH_DIRECT sums products as the definition says. NULL: the default context.
 * Refused (CN_ERR_STATE) while a fit runs; predictors keep what they were made with. */
typedef enum cn_math { CN_MATH_FAST, CN_MATH_DIRECT } cn_math;
CN_API cn_status cn_set_math(cn_context *context, cn_math math);
/** How the arithmetic of convolutions is chosen while something is planned (the first prediction or step, a predictor).
 * CN_PLAN_ESTIMATE (the default): by rules, from shapes.  CN_PLAN_MEASURE: each convolution that can be computed in
 * several ways (kernels of 3x3 and 5x5 with stride 1, CN_MATH_FAST) is timed in all of them on the threads that will
 * run it, equal ones once, and the fastest is taken; the rules' stays unless another is 5 % faster.  Choices stay with
 * the context and are followed in either mode; what is timed again may be chosen otherwise and then gives other bits,
 * so keep them in a file.  NULL: the default context.  Refused (CN_ERR_STATE) while a fit runs. */
typedef enum cn_plan { CN_PLAN_ESTIMATE, CN_PLAN_MEASURE } cn_plan;
CN_API cn_status cn_set_plan(cn_context *context, cn_plan plan);
/** Choices from a plan file, in the place of those that the context has (a path of NULL: none).  Convolutions that
 * stand in it are computed as it says, others as cn_set_plan says: with one file, seed and instruction set the bits are
 * the same on every machine, on any number of threads.  CN_MATH_DIRECT overrules it.  A file of another instruction set
 * is refused.  The same CN_ERR_STATE; the text of a failure (`error` may be NULL) is valid until the next call. */
CN_API cn_status cn_plan_file_load(cn_context *context, const char *path, const char **error);
/** Writes the context's choices, in one step; nothing, where they are those of that file as it was loaded or saved. */
CN_API cn_status cn_plan_file_save(cn_context *context, const char *path, const char **error);
/** A .keras file names the plan file that a model was trained with, and the choices made.  When training on would now
 * compute convolutions in another way, and so give other bits than an unbroken training: one line that says so; "" when
 * not.  Owned by the model, valid until the next call. */
CN_API const char *cn_plan_note(cn_model *model);
/** How many different convolutions that can be computed in several ways have been planned since a plan file was loaded
 * or begun; `known` of them (NULL: not told) stand in the choices.  One is told by its sizes, pass and batch: a file
 * serves the batch it was measured with.  0 without a plan file, and with CN_MATH_DIRECT.  NULL: the default context.
 */
CN_API int cn_plan_convolutions(cn_context *context, int *known);
/** Where images have their channels, for layers that do not say it; CN_CHANNELS_LAST unless set. */
CN_API cn_status cn_set_data_format(cn_context *context, cn_data_format format);
/** Reads keras.json (NULL: $KERAS_HOME or ~/.keras) and takes image_data_format and epsilon.  No file: no change.  The
 * text of a failure (`error` may be NULL) is valid until the next call. */
CN_API cn_status cn_read_keras_json(cn_context *context, const char *path, const char **error);
/** Restarts the numbering of automatic names, as keras.backend.clear_session does. */
CN_API void cn_clear_names(cn_context *context);
/** The instruction set in use: "portable", "avx2", "avx512", "neon".  Static text. */
CN_API const char *cn_instruction_set(cn_context *context);

/* ------------------------------------------------------------------------------ how the keyword macros work */

#ifdef __cplusplus
}
#if defined __GNUC__ /* keywords that are not given are no warning (-Wmissing-field-initializers) */
#pragma GCC system_header
#endif
template <class T> const cn_layer_args *cn_head_(const T &args)
{
    return &args.head;
}
template <class T> const T *cn_pointer_(const T &args)
{
    return &args;
}
#define CN_ARGS_(T, NAME, ...)      cn_head_(T{.head = {sizeof(T), NAME}, __VA_ARGS__})
#define CN_PTR_(T, ...)             cn_pointer_(T{__VA_ARGS__})
#define CN_CALL_X_(T, x_, ...)      cn_pointer_(T{.struct_size = sizeof(T), .x = (x_), __VA_ARGS__})
#define CN_CALL_XY_(T, x_, y_, ...) cn_pointer_(T{.struct_size = sizeof(T), .x = (x_), .y = (y_), __VA_ARGS__})
template <class... N> cn_node *cn_call_nodes(cn_model *model, const cn_layer_args *layer, cn_node *first, N... more)
{
    cn_node *nodes[] = {first, more...};
    return cn_call_nodes(model, layer, (int)(1 + sizeof...(N)), nodes);
}
template <class... N> cn_node *cn_call_layer_nodes(cn_layer *layer, cn_node *first, N... more)
{
    cn_node *nodes[] = {first, more...};
    return cn_call_layer_nodes(layer, (int)(1 + sizeof...(N)), nodes);
}
template <class... N> cn_status cn_model_outputs(cn_model *model, cn_node *first, N... more)
{
    cn_node *nodes[] = {first, more...};
    return cn_model_outputs(model, (int)(1 + sizeof...(N)), nodes);
}
#define CN_NODES_(...) __VA_ARGS__
#else
#define CN_ARGS_(T, NAME, ...) (&(T){.head = {sizeof(T), NAME}, __VA_ARGS__}.head)
#define CN_PTR_(T, ...)        (&(T){__VA_ARGS__})
#define CN_CALL_X_(T, ...)     (&(T){.struct_size = sizeof(T), .x = __VA_ARGS__}) /* x, then keywords */
#define CN_CALL_XY_            CN_CALL_X_                                         /* x, y, then keywords */
#define CN_NODES_(...)                                                                                                 \
    (int)(sizeof((cn_node *const[]){__VA_ARGS__}) / sizeof(cn_node *)), (cn_node *const[])                             \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
#endif

#endif
