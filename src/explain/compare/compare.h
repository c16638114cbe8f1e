/* SPDX-License-Identifier: Apache-2.0
 * Two networks side by side, while they are compared (explain-spec 6). */
#ifndef CNI_COMPARE_H
#define CNI_COMPARE_H

#include "explain/compare/compare_steps.h"
#include "explain/explanation.h"

enum { TEXT = 120, MOST_RECIPES = 4, MOST_BORDERS = 6 };

typedef struct side {
    cn_explanation *e;
    const cni_analysis *analysis;
    int *windows, count; /* nodes */
} side;

typedef struct comparison {
    cni_page *page;
    cni_arena arena;
    side a, b;
    int (*pairs)[2], pair_count;
    int *single_a, single_a_count, *single_b, single_b_count; /* nodes without a partner */
} comparison;

typedef struct padding {
    int64_t before, after, used; /* used: of `after` */
    bool layers;                 /* some of it is layers of their own */
    bool known;
} padding;

typedef enum verdict { IDENTICAL, OTHER_NUMBERS, SHIFTED, OTHER_SIZE } verdict;

typedef struct pair {
    const cni_explained *a, *b;
    padding pa[CNI_MAX_SPATIAL], pb[CNI_MAX_SPATIAL];
    bool shifts;                                                  /* known */
    int64_t far_num[CNI_MAX_SPATIAL], far_den[CNI_MAX_SPATIAL];   /* so far */
    int64_t here_num[CNI_MAX_SPATIAL], here_den[CNI_MAX_SPATIAL]; /* this layer */
    bool same_pads, same_border;
    bool known;    /* what the windows read, on all axes */
    int border[2]; /* what the pads hold: a cni_border, or -1 for several things */
    verdict verdict;
} pair;

static inline unsigned cni_traits_of(const cni_explained *node)
{
    return node->layer->kind ? node->layer->kind->traits : 0;
}

/* ---- compare_pairs.c ---- */

/* A text that tells no size is read with that of the other network: same rows and columns, in its own order. */
cn_status cni_compare_take_size(comparison *c, side *to, const side *from, cni_error *error);
/* The windows of a side; then the pairs of both, and what has no partner.  False without memory. */
bool cni_compare_collect(comparison *c, side *s);
bool cni_compare_pair_up(comparison *c);

/* ---- compare_pair.c ---- */

/* Pair number `index`; `last`: the one before it, NULL for the first. */
pair cni_compare_pair(const comparison *c, int index, const pair *last);
/* The worst pair, and the last whose place is known; IDENTICAL where there are none. */
verdict cni_compare_judge(const comparison *c, pair *worst, pair *final);
/* Of a window along an axis, with those of padding layers before it. */
padding cni_compare_padding(const cni_analysis *analysis, const cni_explained *node, int axis);

/* ---- compare_differences.c ---- */

/* How a side is called: by its framework where they are two, else by its file. */
const char *cni_compare_name(const comparison *c, const side *s);
/* Whether one is Keras' and the other PyTorch's; which is Keras'. */
bool cni_compare_crosses(const comparison *c);
const side *cni_compare_keras(const comparison *c);
/* Whether the images are of one size, as far as it is known. */
bool cni_compare_same_inputs(const comparison *c);
/* Everything that is not a window's place: false when there is no memory. */
bool cni_compare_find(comparison *c, cni_differences *out);

/* ---- compare_rows.c ---- */

/* `full`: those too that are equal. */
void cni_compare_print_pairs(comparison *c, bool full);
/* "+0.5 px", "+0.5,-1 px": into TEXT bytes. */
void cni_compare_shift(const int64_t *num, const int64_t *den, int count, char *text);

/* ---- compare_verdict.c ---- */

void cni_compare_print_singles(comparison *c, const side *s, const int *nodes, int count);
/* Kernels that are not the same size cannot be copied, whatever their windows read; false where there are none. */
bool cni_compare_print_uneven(comparison *c);
void cni_compare_print_verdict(comparison *c, verdict v, const cni_differences *d, const pair *worst,
                               const pair *final);

/* ---- compare_advice.c ---- */

/* The code that makes `to` read what the other side, number `from_index`, reads. */
void cni_compare_print_recipe(comparison *c, const side *to, int from_index);
/* The nearest size of the image at which both read the same, if there is one. */
void cni_compare_print_agreement(comparison *c, const pair *final);

/* ---- compare_code.c ---- */

/* Lines of code that make the layers of `to` read what those of the other side read; their number. */
int cni_compare_recipes(const comparison *c, const side *to, int from_index, char lines[MOST_RECIPES][4 * TEXT]);

/* ---- compare_weights.c ---- */

/* Rows of a Dense layer behind Flatten stand in another order in the other framework. */
bool cni_compare_reorders(const comparison *c);
void cni_compare_weights(comparison *c);

/* ---- compare_data.c ---- */

/* The whole as JSON or Markdown; `sentence`: the verdict in words. */
void cni_compare_json(const comparison *c, cni_text *out, const cni_differences *d, verdict worst,
                      const char *sentence);
void cni_compare_markdown(const comparison *c, cni_text *out, const cni_differences *d, const char *sentence);

#endif
