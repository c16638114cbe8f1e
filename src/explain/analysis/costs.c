/* SPDX-License-Identifier: Apache-2.0
 * What nodes cost: parameters, multiplications, bytes; and their sums. */
#include "explain/analysis/analyser.h"
#include "explain/analysis/reads.h"

#include <math.h>

/* ---- weights ---- */

static int64_t elements_of(const cni_variable *weight)
{
    return cni_shape_count(&weight->shape, 0);
}

/* What is multiplied has at least two axes; the rest is added to sums, or scales them. */
static bool is_kernel(const cni_explained *node, const cni_variable *weight)
{
    return node->view.multiplies != CNI_MULTIPLIES_NOT && weight->shape.rank >= 2;
}

static bool has_bias(const cn_layer *layer, const cni_explained *node)
{
    for (int i = 0; i < layer->weight_count; i++)
        if (node->view.multiplies != CNI_MULTIPLIES_NOT && layer->weights[i]->shape.rank == 1) return true;
    return false;
}

static bool can_have_weights(const cni_explained *node)
{
    return !node->layer->kind || node->layer->kind->build;
}

static void count_weights(const cn_layer *layer, cni_explained *node)
{
    const bool known = !can_have_weights(node) || (layer && (layer->built || layer->weight_count));
    node->params.trainable = node->params.other = node->kernel_weights = known ? 0 : CNI_UNSEEN;
    for (int i = 0; known && layer && i < layer->weight_count; i++) {
        const cni_variable *weight = layer->weights[i];
        *(layer->trainable && weight->trainable ? &node->params.trainable : &node->params.other) += elements_of(weight);
        if (is_kernel(node, weight)) node->kernel_weights += elements_of(weight);
    }
}

/* ---- multiplications ---- */

/* Taps of a window, all and those that count, of all its axes. */
typedef struct taps {
    int64_t all, real, window, live;
} taps;

static taps count_taps(const cni_explained *node)
{
    taps t = {1, 1, 1, 1};
    for (int i = 0; i < node->view.spatial; i++) {
        const cni_axis *a = node->axis + i;
        t.all = cni_times(t.all, a->o == CNI_UNSEEN ? CNI_UNSEEN : a->o * a->k);
        t.real = cni_times(t.real, a->real);
        t.window = cni_times(t.window, a->k);
        t.live = cni_times(t.live, a->live);
    }
    return t;
}

/* Of a separable convolution only the first kernel goes over windows. */
static int64_t windowed_weights(const cn_layer *layer, const cni_explained *node)
{
    if (cni_traits(node) & CNI_IS_SEPARABLE && layer && layer->weight_count) return elements_of(layer->weights[0]);
    return node->kernel_weights;
}

static int64_t product_of_map(const cni_explained *node)
{
    int64_t product = 1;
    for (int i = 0; i < node->spatial; i++) product = cni_times(product, node->map[i] < 0 ? CNI_UNSEEN : node->map[i]);
    return node->shape.rank ? product : CNI_UNSEEN;
}

/* Dense sums over the last axis, whatever the others are. */
static int64_t applications(const cni_analysis *analysis, const cni_explained *node)
{
    if (node->view.multiplies == CNI_MULTIPLIES_AT_INPUTS) return product_of_map(analysis->nodes + node->inputs[0]);
    if (!(cni_traits(node) & CNI_IS_DENSE)) return product_of_map(node);
    int64_t product = 1;
    for (int i = 1; i < node->shape.rank - 1; i++)
        product = cni_times(product, node->shape.dims[i] < 0 ? CNI_UNSEEN : node->shape.dims[i]);
    return node->shape.rank ? product : CNI_UNSEEN;
}

static void count_multiplications(const cni_analysis *analysis, const cn_layer *layer, cni_explained *node)
{
    node->macs = cni_times(applications(analysis, node), node->kernel_weights);
    node->macs_real = node->macs;
    node->bias_adds = !layer ? CNI_UNSEEN : has_bias(layer, node) ? cni_elements(node) : 0;
    if (node->view.type == CNI_VIEW_TRANSPOSED) node->macs_real = CNI_UNSEEN;
    if (node->view.type != CNI_VIEW_WINDOW) return;
    const taps t = count_taps(node);
    if (node->macs == CNI_UNSEEN || t.real == CNI_UNSEEN) {
        node->macs_real = CNI_UNSEEN;
        node->dead_weights = CNI_UNSEEN;
        return;
    }
    const int64_t windowed = windowed_weights(layer, node), rest = node->kernel_weights - windowed;
    if (cni_repeats_pixels(node->view.border)) return;
    node->macs_real = windowed / t.window * t.real + rest * product_of_map(node);
    node->dead_weights = windowed / t.window * (t.window - t.live);
}

/* Batch norm right behind a layer with a kernel, the only one that takes its output, becomes part of the kernel. */
static bool is_folded(const cni_analysis *analysis, const cni_explained *node)
{
    const cni_explained *before = analysis->nodes + node->inputs[0];
    return before->view.multiplies != CNI_MULTIPLIES_NOT && before->consumer_count == 1 && !before->output &&
           before->layer->config && !cni_layer_activation(before->layer->kind, before->layer->config);
}

/* ---- other operations ---- */

static int64_t window_size(const cni_explained *node)
{
    int64_t size = 1;
    for (int i = 0; i < node->view.spatial; i++) size = cni_times(size, node->view.axis[i].size);
    return size;
}

static int64_t other_operations(const cni_analysis *analysis, const cni_explained *node)
{
    const unsigned traits = cni_traits(node);
    const int64_t out = cni_elements(node);
    int64_t each = 0;
    if (traits & CNI_IS_MAX_POOL) each = window_size(node) - 1;
    if (traits & CNI_IS_AVERAGE_POOL) each = window_size(node);
    if (traits & CNI_IS_GLOBAL_POOL) return cni_elements(analysis->nodes + node->inputs[0]);
    if (traits & CNI_IS_MERGE && !(traits & CNI_IS_CONCATENATE)) each = node->input_count - 1;
    if (node->layer->config && cni_layer_activation(node->layer->kind, node->layer->config)) each++;
    return each ? cni_times(out, each) : 0;
}

/* ---- nodes ---- */

static int64_t bytes_of(const cni_analysis *analysis, int64_t elements)
{
    return cni_times(elements, analysis->options.bytes);
}

static int64_t batch_of(const cni_analysis *analysis)
{
    return analysis->options.batch > 0 ? analysis->options.batch : 1;
}

static void count_bytes(const cni_analysis *analysis, cni_explained *node)
{
    node->bytes_out = cni_times(bytes_of(analysis, cni_elements(node)), batch_of(analysis));
    for (int i = 0; i < node->input_count; i++)
        node->bytes_in = cni_plus(node->bytes_in, analysis->nodes[node->inputs[i]].bytes_out);
    node->bytes_weights = bytes_of(analysis, cni_plus(node->params.trainable, node->params.other));
}

/* No layer is faster than its multiplications, nor than its bytes come and go. */
static void estimate(const cni_analysis *analysis, cni_explained *node)
{
    const int64_t moved = cni_plus(cni_plus(node->bytes_in, node->bytes_out), node->bytes_weights);
    const int64_t flops = cni_times(cni_plus(cni_times(node->macs, 2), node->bias_adds), batch_of(analysis));
    const cni_explain_options *options = &analysis->options;
    node->intensity = node->expected_ms = NAN;
    if (!node->input_count || moved == CNI_UNSEEN || flops == CNI_UNSEEN || moved == 0) return;
    node->intensity = (double)flops / (double)moved;
    if (options->peak_flops > 0 && options->bandwidth > 0)
        node->expected_ms = 1e3 * fmax((double)flops / options->peak_flops, (double)moved / options->bandwidth);
}

void cni_expect_times(cni_analysis *analysis)
{
    for (int i = 0; i < analysis->count; i++) estimate(analysis, analysis->nodes + i);
}

/* The share of the multiplications whose outputs nobody needs. */
static int64_t dead_part(int64_t macs, int64_t positions, int64_t needed)
{
    if (macs == CNI_UNSEEN || positions == CNI_UNSEEN || needed == CNI_UNSEEN) return CNI_UNSEEN;
    if (positions <= 0 || needed >= positions) return 0;
    return macs % positions == 0 ? macs / positions * (positions - needed)
                                 : (int64_t)((double)macs * (double)(positions - needed) / (double)positions);
}

static void cost_of(cni_analyser *a, cni_explained *node)
{
    const cni_analysis *analysis = a->analysis;
    const cn_layer *layer = a->layers[node->layer_index];
    count_weights(layer, node);
    const bool unread = !node->layer->kind || (!node->layer->config && can_have_weights(node));
    if (unread) {
        node->macs = node->macs_real = node->bias_adds = node->dead_weights = CNI_UNSEEN;
    } else if (node->view.multiplies != CNI_MULTIPLIES_NOT) {
        count_multiplications(analysis, layer, node);
    } else if (cni_traits(node) & CNI_IS_BATCH_NORM && node->input_count && !is_folded(analysis, node)) {
        node->macs = node->macs_real = cni_elements(node);
    }
    node->other_ops = node->layer->kind && node->input_count ? other_operations(analysis, node) : 0;
    node->macs_dead = dead_part(node->macs, node->positions, node->needed);
    count_bytes(analysis, node);
    estimate(analysis, node);
    node->measured_ms = NAN;
    if (cni_is_later_call(node)) node->params = (cni_amount){0, 0};
}

void cni_analyse_costs(cni_analyser *a)
{
    cni_analysis *analysis = a->analysis;
    int64_t first_macs = 0, bias_adds = 0;
    for (int i = 0; i < analysis->count; i++) {
        cni_explained *node = analysis->nodes + i;
        cost_of(a, node);
        analysis->params.trainable = cni_plus(analysis->params.trainable, node->params.trainable);
        analysis->params.other = cni_plus(analysis->params.other, node->params.other);
        analysis->macs = cni_plus(analysis->macs, node->macs);
        analysis->macs_real = cni_plus(analysis->macs_real, node->macs_real);
        analysis->macs_dead = cni_plus(analysis->macs_dead, node->macs_dead);
        bias_adds = cni_plus(bias_adds, node->bias_adds);
        if (!first_macs) first_macs = node->macs;
    }
    analysis->weights_bytes = bytes_of(analysis, cni_plus(analysis->params.trainable, analysis->params.other));
    analysis->flops = cni_plus(cni_times(analysis->macs, 2), bias_adds);
    analysis->train_macs = cni_plus(cni_times(analysis->macs, 3), first_macs == CNI_UNSEEN ? CNI_UNSEEN : -first_macs);
}
