/* SPDX-License-Identifier: Apache-2.0
 * What the rules of findings share: words and numbers for their texts, arguments of layers, ways through the graph, and
 * the edits that several of them propose. */
#ifndef CNI_RULES_H
#define CNI_RULES_H

#include "explain/rules/finding.h"

/* ---- the rows (rules_*.c) ---- */

extern const cni_rule cni_rule_s100, cni_rule_s101, cni_rule_s102, cni_rule_s103, cni_rule_s104, cni_rule_s105,
    cni_rule_s106, cni_rule_s107, cni_rule_s108, cni_rule_s110, cni_rule_s111;
extern const cni_rule cni_rule_p201, cni_rule_p203, cni_rule_p204, cni_rule_p205, cni_rule_p207, cni_rule_p209;
extern const cni_rule cni_rule_k301, cni_rule_k302, cni_rule_k303, cni_rule_k306, cni_rule_k308;
extern const cni_rule cni_rule_r401, cni_rule_r402, cni_rule_c501;
extern const cni_rule cni_rule_t601, cni_rule_t604, cni_rule_t611;

/* ---- texts; all of them live in the findings' arena, "" without memory ---- */

/** "415,872" */
const char *cni_say_count(cni_findings *findings, int64_t count);
/** "13.8 %": three digits that matter. */
const char *cni_say_percent(cni_findings *findings, double share);
/** num / den, which may be negative: "0.5", "1/3". */
const char *cni_say_fraction(cni_findings *findings, int64_t num, int64_t den);
/** The layer's name; a number, as PyTorch's chains have it, with its class: "5 (MaxPool2d)". */
const char *cni_say_node(cni_findings *findings, const cni_explained *node);
/** "conv2d, conv2d_1 and conv2d_2"; "a, b, c and 4 more". */
const char *cni_say_names(cni_findings *findings, const int *nodes, int count);
/** "28x28x1": the shape without its batch, in the framework's order. */
const char *cni_say_shape(cni_findings *findings, const cni_shape *shape);
/** "11x11": the map. */
const char *cni_say_map(cni_findings *findings, const cni_explained *node);
/** "3x3": one number for each axis of the node's window. */
const char *cni_say_sizes(cni_findings *findings, const int64_t *sizes, int count);
/** "rows", "column": what an axis of a map is made of. */
const char *cni_say_axis(int spatial, int axis, bool plural);
const char *cni_say(cni_findings *findings, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Sizes of one axis from node `from` (-1: the image) to node `to`, over first inputs: "28>26>13>11".  What stands
 *  between sizes is `link`. */
const char *cni_say_way(cni_findings *findings, const cni_analysis *analysis, int from, int to, int axis,
                        const char *link);

/* ---- lists of nodes ---- */

typedef struct cni_node_list {
    int *nodes;
    int count;
} cni_node_list;

/** Room for as many nodes as there are; false without memory. */
bool cni_node_list_new(cni_findings *findings, cni_node_list *list);
/** Adds it unless it is turned off, or its layer is listed (a later call of it). */
void cni_node_list_add(cni_findings *findings, const cni_rule *rule, cni_node_list *list, int node);
/** What the finding concerns. */
void cni_finding_concerns(cni_finding *finding, const cni_node_list *list);

/* ---- layers ---- */

static inline bool cni_is(const cni_explained *node, unsigned traits)
{
    return node->layer->kind && (node->layer->kind->traits & traits);
}
static inline bool cni_has_windows(const cni_explained *node)
{
    return node->view.type == CNI_VIEW_WINDOW && node->view.spatial > 0;
}
static inline bool cni_is_torch(const cni_findings *findings)
{
    return findings->analysis->description->dialect == CNI_TORCH;
}
/** Known, and so is what follows from it. */
static inline bool cni_seen(int64_t number)
{
    return number != CNI_UNSEEN;
}
const cni_explained *cni_input_of(const cni_findings *findings, const cni_explained *node, int index);

/** An argument of a layer whose arguments are right: whether it has it, and its value (as Keras' text has it). */
bool cni_config_int(const cni_explained *node, const char *key, int64_t *value);
bool cni_config_bool(const cni_explained *node, const char *key, bool *value);
/** An argument as it was written, also where the arguments are wrong; NULL when it was not given. */
const cni_value *cni_written(const cni_explained *node, const char *key);
/** The largest number of a written argument; `otherwise` where it was not given, or is no number. */
int64_t cni_written_most(const cni_explained *node, const char *key, int64_t otherwise);

/** The error of a network's node that no rule but this one tells. */
typedef enum cni_shape_cause {
    CNI_CAUSE_NONE,
    CNI_CAUSE_WINDOW,
    CNI_CAUSE_CHANNELS, /* arrive, and others are expected */
    CNI_CAUSE_GROUPS,
    CNI_CAUSE_MERGE,
    CNI_CAUSE_LINEAR,
    CNI_CAUSE_STRIDE_DILATION, /* Keras refuses both */
    CNI_CAUSE_SAME_STRIDE,     /* PyTorch refuses both */
    CNI_CAUSE_POOL_PADDING,
    CNI_CAUSE_OUTPUT_PADDING,
    CNI_CAUSE_OTHER
} cni_shape_cause;
cni_shape_cause cni_shape_cause_of(const cni_findings *findings, const cni_explained *node);

/** Where PyTorch's layer says how many channels or values arrive, the argument that says it and both numbers; false
 *  where nothing is said, or known. */
bool cni_expected(const cni_analysis *analysis, const cni_explained *node, const char **key, int64_t *expected,
                  int64_t *arriving);

/** PyTorch's x.view(batch, values), which makes rows of so many values; `batch` is CNI_UNSEEN for x.size(0). */
bool cni_flat_view(const cni_explained *node, int64_t *batch, int64_t *values);

/* ---- ways through the graph ---- */

/** The first Dense (Linear) that the node's values reach unmoved, or NULL. */
const cni_explained *cni_linear_behind(const cni_findings *findings, const cni_explained *node);

/** The node where two nodes' ways part: the last that both come from, or -1. */
int cni_parting(const cni_findings *findings, int a, int b);
/** Marks the nodes from which `node` comes, itself too; count bytes.  NULL without memory. */
bool *cni_ancestors(cni_findings *findings, int node);
/** Whether a map that is a result of the network, at a resolution that was raised again, hangs on each node. */
bool *cni_feeds_map(cni_findings *findings);

/* ---- edits ---- */

enum { CNI_MAX_EDITS = 128 };

typedef struct cni_edits {
    cni_edit items[CNI_MAX_EDITS];
    int count;
    bool failed; /* too many, or something that cannot be said */
} cni_edits;

void cni_edit_argument(cni_edits *edits, const cni_explained *node, const char *key, const char *value);
void cni_edit_before(cni_edits *edits, const cni_explained *node, const char *value);
void cni_edit_replace(cni_edits *edits, const cni_explained *node, const char *value);
void cni_edit_input(cni_edits *edits, int64_t rows, int64_t columns);
/** A number for both axes, or a pair. */
void cni_edit_pair(cni_findings *findings, cni_edits *edits, const cni_explained *node, const char *key,
                   const int64_t *pair, int count);
/** Padding so that a window without any leaves nothing over: 'same', ceil_mode, half the window.  False: has padding
 *  already, or cannot have any. */
bool cni_edit_pad(cni_findings *findings, cni_edits *edits, const cni_explained *node);
/** Zeros on both sides instead of 'same': ZeroPadding2D(1) and padding='valid'. */
bool cni_edit_symmetric(cni_findings *findings, cni_edits *edits, const cni_explained *node);

/** Tries them, under a text made of them. */
bool cni_try(cni_findings *findings, cni_finding *finding, const cni_edits *edits);
/** Tries other sizes of the image, beginning with the next that leaves nothing over and pads evenly (7.4); stops at
 *  `enough` successes. */
void cni_try_inputs(cni_findings *findings, cni_finding *finding, int enough);

#endif
