/* SPDX-License-Identifier: Apache-2.0
 * Two networks side by side, while they are compared (explain-spec 6). */
#ifndef CNI_COMPARE_H
#define CNI_COMPARE_H

#include "explain/views/compare_steps.h"
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

/* Pair number `index`; `last`: the one before it, NULL for the first. */
pair cni_compare_pair(const comparison *c, int index, const pair *last);
/* How a side is called: by its framework where they are two, else by its file. */
const char *cni_compare_name(const comparison *c, const side *s);
bool cni_compare_crosses(const comparison *c);
const side *cni_compare_keras(const comparison *c);
/* Whether the images are of one size, as far as it is known. */
bool cni_compare_same_inputs(const comparison *c);
/* Everything that is not a window's place: false when there is no memory. */
bool cni_compare_find(comparison *c, cni_differences *out);

/* ---- compare_code.c ---- */

/* Lines of code that make the layers of `to` read what those of the other side read; their number. */
int cni_compare_recipes(const comparison *c, const side *to, int from_index, char lines[MOST_RECIPES][4 * TEXT]);

/* ---- compare_weights.c ---- */

/* Rows of a Dense layer behind Flatten stand in another order in the other framework. */
bool cni_compare_reorders(const comparison *c);
void cni_compare_weights(comparison *c);

/* ---- compare_data.c ---- */

extern const char *const cni_verdict_names[];
/* The whole as JSON or Markdown; `sentence`: the verdict in words. */
void cni_compare_json(const comparison *c, cni_text *out, const cni_differences *d, verdict worst,
                      const char *sentence);
void cni_compare_markdown(const comparison *c, cni_text *out, const cni_differences *d, const char *sentence);

#endif
