/* SPDX-License-Identifier: Apache-2.0
 * Words and numbers for the texts of findings.  All of them live in the findings' arena; "" without memory. */
#ifndef CNI_RULES_SAY_H
#define CNI_RULES_SAY_H

#include "explain/rules/finding.h"
#include "explain/rules/node_list.h"

const char *cni_say(cni_findings *findings, const char *format, ...) __attribute__((format(printf, 2, 3)));

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
/** " Likewise conv2d_1 and conv2d_2.": all of a list but its first; "" where there is no more. */
const char *cni_say_likewise(cni_findings *findings, const cni_node_list *list);

/** "28x28x1": the shape without its batch, in the framework's order. */
const char *cni_say_shape(cni_findings *findings, const cni_shape *shape);
/** "11x11": the map. */
const char *cni_say_map(cni_findings *findings, const cni_explained *node);
/** "3x3": one number for each axis of the node's window. */
const char *cni_say_sizes(cni_findings *findings, const int64_t *sizes, int count);
/** "rows", "column": what an axis of a map is made of. */
const char *cni_say_axis(int spatial, int axis, bool plural);
/** Sizes of one axis from node `from` (-1: the image) to node `to`, over first inputs: "28>26>13>11".  What stands
 *  between sizes is `link`. */
const char *cni_say_way(cni_findings *findings, const cni_analysis *analysis, int from, int to, int axis,
                        const char *link);

#endif
