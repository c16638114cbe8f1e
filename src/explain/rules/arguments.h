/* SPDX-License-Identifier: Apache-2.0
 * What a rule asks of one layer: its kind, its window, its arguments in either framework's words. */
#ifndef CNI_RULES_ARGUMENTS_H
#define CNI_RULES_ARGUMENTS_H

#include "explain/rules/finding.h"

static inline bool cni_is(const cni_explained *node, unsigned traits)
{
    return node->layer->kind && (node->layer->kind->traits & traits);
}
static inline bool cni_is_pool(const cni_explained *node)
{
    return cni_is(node, CNI_IS_MAX_POOL | CNI_IS_AVERAGE_POOL);
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

/* ---- what the framework calls them ---- */

static inline const char *cni_stride_key(const cni_findings *findings)
{
    return cni_is_torch(findings) ? "stride" : "strides";
}
static inline const char *cni_dilation_key(const cni_findings *findings)
{
    return cni_is_torch(findings) ? "dilation" : "dilation_rate";
}
static inline const char *cni_window_key(const cni_findings *findings, const cni_explained *node)
{
    return cni_is_pool(node) && !cni_is_torch(findings) ? "pool_size" : "kernel_size";
}
/** The argument that says how many channels or values the layer makes, and its value; NULL: it has none. */
const char *cni_outputs_key(const cni_explained *node, int64_t *outputs);

/* ---- values ---- */

/** Whether the layer takes such an argument; only of layers whose arguments are right. */
bool cni_has_argument(const cni_explained *node, const char *key);
/** An argument of a layer whose arguments are right: whether it has it, and its value (as Keras' text has it). */
bool cni_config_int(const cni_explained *node, const char *key, int64_t *value);
bool cni_config_bool(const cni_explained *node, const char *key, bool *value);
/** The axis that "axis" or "dim" names, from the front of `rank` axes; `otherwise`, which may be negative too, where
 *  nothing is said. */
int64_t cni_config_axis(const cni_explained *node, int rank, int64_t otherwise);

/** An argument as it was written, also where the arguments are wrong; NULL when it was not given. */
const cni_value *cni_written(const cni_explained *node, const char *key);
/** The largest number of a written argument; `otherwise` where it was not given, or is no number. */
int64_t cni_written_most(const cni_explained *node, const char *key, int64_t otherwise);

/** Where PyTorch's layer says how many channels or values arrive, the argument that says it and both numbers; false
 *  where nothing is said, or known. */
bool cni_expected(const cni_analysis *analysis, const cni_explained *node, const char **key, int64_t *expected,
                  int64_t *arriving);

/** PyTorch's x.view(batch, values), which makes rows of so many values; `batch` is CNI_UNSEEN for x.size(0). */
bool cni_flat_view(const cni_explained *node, int64_t *batch, int64_t *values);

/** A length of a field, such as its width or jump, in whole pixels; false where it is not known or no whole number. */
bool cni_in_pixels(const cni_receptive_field *field, int64_t length, int64_t *pixels);

#endif
