/* SPDX-License-Identifier: Apache-2.0
 * What can be computed of a described network without running it: sizes, padding, what is read, fields, costs.  The
 * definitions are those of Dumoulin & Visin (arXiv 1603.07285) and Araujo, Norris & Sim (Distill 2019); all of it is
 * integer arithmetic.  Unknown numbers are CNI_UNSEEN, never 0. */
#ifndef CNI_ANALYSIS_H
#define CNI_ANALYSIS_H

#include "model/description.h"

#define CNI_UNSEEN INT64_MIN /* a number that is not known */

/* ---- one axis of one window (axis.c) ---- */

/** Window y reads input index y * s - before + t * d, t = 0..k-1; what lies outside 0..n-1 is padding.
 *
 *        before     n pixels      after
 *      |::::::|................|:::::::|
 *      [--ke--]                            extent = (k-1) * d + 1
 *          [--ke--]                        s further on */
typedef struct cni_axis {
    int64_t n, k, s, d, extent;
    int64_t before, after; /* of a transposed convolution: cells cut off, negative where cells are added */
    int64_t o;             /* 0 or less: the window does not fit */
    int64_t rest;       /* n + before + after - ((o-1) s + extent); negative: the last window hangs over (ceil mode) */
    int64_t after_used; /* padding behind that windows reach */
    int64_t tail;       /* real cells at the end that no window reaches */
    int64_t unread;     /* real cells that no tap reads */
    int64_t border;     /* outputs with a tap outside */
    int64_t blind;      /* outputs without a tap inside */
    int64_t real;       /* taps inside, over all outputs; of o * k */
    int64_t live;       /* taps that some output has inside; of k */
    int64_t least_reads, most_reads; /* of a pixel far from the borders; transposed: contributions per output */
    bool ceil_mode;
    bool transposed; /* input x reaches output x * s - before + t * d; border, blind: outputs that input would reach
                        were it wider; outputs that none reaches.  unread: inputs that reach no output */
} cni_axis;

/** Everything above from n, the view's axis and its type (WINDOW or TRANSPOSED).  With n unknown what depends on it is
 *  CNI_UNSEEN.  Sizes up to 2^31; closed forms, so that a hostile size costs nothing. */
void cni_axis_of(const cni_view *view, int axis, int64_t n, cni_axis *out);

/** How often each of the n cells is read; `reads` holds n numbers. */
void cni_axis_reads(const cni_axis *axis, int32_t *reads);

/** The formula of o with the numbers in it: "floor((28-3)/1)+1 = 26", "ceil(128/2) = 64".  Returns buffer. */
char *cni_axis_formula(const cni_view *view, int axis, const cni_axis *a, char *buffer, size_t size);

/** The smallest and largest n that give exactly o outputs (explicit padding), 'same' included. */
void cni_axis_inputs(const cni_view *view, int axis, int64_t o, int64_t *least, int64_t *most);

/* ---- what one position of a node sees of the image (field.c) ---- */

/** One axis.  Numbers with a unit are multiples of 1 / `unit` image pixels: up-sampling divides the jump.  What is not
 *  known is CNI_UNSEEN.
 *
 *  A gate (squeeze and excitation) sees all and is merged with a map that does not: `all` and `local` are both set
 *  then, and the numbers tell of the local paths. */
typedef struct cni_receptive_field {
    bool all;     /* sees the whole image, on some path */
    bool local;   /* sees a part of it around a place of its own, on some path; else there are no numbers */
    bool unknown; /* behind something of which nothing is known; without all, local and unknown: not behind the image */
    bool floating; /* padding depends on sizes that are not known: only widths and distances mean something */
    bool affine;   /* size, jump and start tell it all, away from the border; else see `least`, `most` */
    int64_t unit;
    int64_t size;        /* r * unit: width of the hull of the pixels that can influence a position; the largest */
    int64_t jump;        /* J * unit: from one position to the next; CNI_UNSEEN where it is not the same everywhere */
    int64_t start;       /* A * unit: left end for position 0; negative: in the padding.  CNI_UNSEEN when not affine */
    int64_t least_size;  /* r_min * unit: over all paths */
    int64_t least, most; /* smallest and largest hull of this node, in pixels */
    int64_t count;       /* positions */
    int64_t clean;       /* those whose hull does not leave the image (2.10) */
    int32_t *lo, *hi;    /* [count]: the clipped hull of each position, in pixels; lo > hi: sees nothing but padding.
                            NULL when sizes are unknown, or beyond CNI_MOST_POSITIONS */
    int64_t holes;       /* offsets inside the hull that one interior output does not read (2.8) */
    double variance;     /* of the effective field, in pixels^2 (2.9) */

    /* Hulls as they would be in an endless image: position y sees left[y % period] + y / period * step ..
     * right[y % period] + y / period * step; left > right: nothing.  NULL when positions do not repeat like that. */
    int64_t period, step;
    const int64_t *left, *right;
} cni_receptive_field;

enum { CNI_MOST_POSITIONS = 1 << 15 };

/* ---- nodes ---- */

typedef struct cni_amount {
    int64_t trainable, other;
} cni_amount;

/** A node is an input or one call of a layer, of the flat description. */
typedef struct cni_explained {
    int id;
    const cni_described_layer *layer; /* NULL never; layer->kind NULL: unknown */
    int layer_index;
    const char *name;
    cni_span span; /* of the layer's making; of the call where that is all there is */
    cni_span call_span;
    int input_count;
    int *inputs; /* nodes */
    int *consumers, consumer_count;
    bool output;     /* of the network */
    int shared_with; /* node of the layer's first call, or -1 */

    cni_error error; /* why its shape could not be told; the finding S10x follows from it */
    bool suspect;    /* it, or something before it, has no shape because of an error */
    cni_shape shape; /* with the batch, in the framework's order; rank 0: unknown.  Unknown sizes are -1 */
    cn_data_format format;
    int spatial;                            /* axes of the map; 0 for vectors */
    int64_t map[CNI_MAX_SPATIAL], channels; /* -1 unknown */
    const char *symbol[CNI_MAX_SPATIAL];    /* "ceil(H/2)" where a size is unknown, else NULL */

    cni_view view;
    cni_axis axis[CNI_MAX_SPATIAL]; /* WINDOW, TRANSPOSED: with view.spatial axes */
    int origin;                     /* the image input that the fields refer to: the first one that it sees; -1 */
    cni_receptive_field field[CNI_MAX_SPATIAL]; /* with the spatial axes of the first image input */

    cni_amount params;
    int64_t kernel_weights;             /* those that are multiplied with the input */
    int64_t macs, macs_real, macs_dead; /* per sample; CNI_UNSEEN where not known or no rule is given */
    int64_t bias_adds, other_ops;
    int64_t dead_weights;
    int64_t positions, needed; /* of its map; needed by the network's outputs */
    uint64_t *mask;            /* rows of (columns + 63) / 64 words, 2-D only; NULL: all needed, or a very large map */
    int64_t bytes_in, bytes_out, bytes_weights; /* the first two of a whole batch */
    double intensity;                           /* FLOP per byte, 3.3; NaN when not known */
    double expected_ms, measured_ms;            /* NaN */
} cni_explained;

/** Both together; not known where one is not. */
static inline int64_t cni_amount_sum(cni_amount amount)
{
    const bool known = amount.trainable != CNI_UNSEEN && amount.other != CNI_UNSEEN;
    return known ? amount.trainable + amount.other : CNI_UNSEEN;
}

typedef struct cni_memory {
    int64_t peak;     /* inference of a batch, by a depth-first schedule; fused batch norm and activation */
    int64_t saved;    /* for backward, per sample */
    int64_t working;  /* largest gradient of output and input, per sample */
    int64_t train[3]; /* whole training: SGD, momentum, Adam; CNI_UNSEEN without a batch */
    int64_t plan;     /* bytes of the real plan's arena, CNI_UNSEEN when the engine cannot run the network */
} cni_memory;

typedef struct cni_explain_options {
    int64_t input[CN_MAX_ARRAYS][CNI_MAX_SPATIAL + 1]; /* --input, in the framework's order; 0 ends */
    int input_count;
    int64_t batch; /* 0: 1 */
    int bytes;     /* of a number: 4, 2 (f16), 1 (i8); 0: 4 */
    bool inplace;
    double peak_flops, bandwidth; /* of the machine, per second; 0: not known */
} cni_explain_options;

typedef struct cni_analysis {
    cni_arena *arena;
    const cni_description *description; /* flat */
    cni_explain_options options;
    cni_explained *nodes; /* inputs first, then calls in their order */
    int count;
    int image;    /* the input node that fields refer to, or -1 */
    int last_map; /* the last node with spatial axes before the first that sees all, or -1 */
    cni_amount params;
    int64_t macs, macs_real, macs_dead, flops, train_macs, weights_bytes;
    int64_t dead_pixels; /* of the image */
    cni_memory memory;
    double sigma, width95; /* the effective field before training (2.9), in pixels; NaN */
    int64_t drift2;        /* 2 * drift of the last map, in units of its field; CNI_UNSEEN (2.6) */
} cni_analysis;

/** Explains a flat description.  Errors of the network are in the nodes; only memory and misuse fail here. */
cn_status cni_analyse(cni_arena *arena, const cni_description *flat, const cni_explain_options *options,
                      cni_analysis **out, cni_error *error);

/** At a merge: how far the centre of position 0 of input `b` lies right of (below) that of input `a`, on one axis, in
 *  image pixels as a fraction num / den; false when it is not defined (2.5). */
bool cni_misalignment(const cni_analysis *analysis, const cni_explained *merge, int a, int b, int axis, int64_t *num,
                      int64_t *den);

/** The node by name; by layer and call.  NULL when there is none. */
const cni_explained *cni_explained_find(const cni_analysis *analysis, const char *name);

/** Whether an image size of rows x columns leaves nothing over and pads evenly in every window (7.4). */
bool cni_exact_input(const cni_analysis *analysis, int64_t rows, int64_t columns);

#endif
