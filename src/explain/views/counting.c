/* SPDX-License-Identifier: Apache-2.0
 * Ways of counting.  Programs that print "FLOPs" or "mult-adds" mean different things; each row is the rule of one of
 * them, as its source has it:
 *
 *   torchinfo   torchinfo/layer_info.py, calculate_macs: every parameter called weight or bias, times the positions of
 *               the output for a class whose name contains "Conv", times the batch alone for all others; every call of
 * a shared layer counts. tf          tensorflow/python/ops/nn_ops.py and profiler/internal/flops_registry.py: two for
 * each multiplication of Conv2D and MatMul, one for each output of BiasAdd and Add, the window for each output of a
 * pool, inputs of a mean, five for each value of a softmax; ReLU and fused batch norm are not registered. darknet
 * AlexeyAB/darknet, l.bflops: two for each weight of a convolution and position, the window for each output of a local
 * pool, outputs of a shortcut; connected layers and biases count nothing. */
#include "explain/explanation.h"

#include <string.h>

static int64_t outputs(const cni_explained *node)
{
    return cni_shape_count(&node->shape, 1);
}

static unsigned traits(const cni_explained *node)
{
    return node->layer->kind ? node->layer->kind->traits : 0;
}

static bool unknown(const cni_explained *node)
{
    return node->macs == CNI_UNSEEN || outputs(node) < 0;
}

static int64_t window_cells(const cni_explained *node)
{
    int64_t cells = 1;
    for (int i = 0; i < node->view.spatial; i++) cells *= node->view.axis[i].size;
    return cells;
}

static int64_t own(const cni_analysis *analysis, const cni_explained *node)
{
    (void)analysis;
    return node->macs;
}

static int64_t torchinfo(const cni_analysis *analysis, const cni_explained *node)
{
    if (unknown(node)) return CNI_UNSEEN;
    int64_t weights = node->params.trainable;
    const int64_t batch = analysis->options.batch ? analysis->options.batch : 1;
    if (!(traits(node) & CNI_IS_CONVOLUTION)) return batch * weights;
    for (int i = 0; i < node->spatial; i++) weights *= node->map[i];
    return batch * weights;
}

static int64_t merged(const cni_explained *node)
{
    const char *class = node->layer->class_name;
    return traits(node) & CNI_IS_CONCATENATE ? 0 : (node->input_count - 1 + !strcmp(class, "Average")) * outputs(node);
}

/* The activation within a layer, softmax being the only one that TensorFlow counts. */
static int64_t softmax_within(const cni_explained *node)
{
    const cni_object *activation = node->layer->config ? cni_object_of(node->layer->config, "activation") : NULL;
    const bool softmax = traits(node) & CNI_IS_SOFTMAX || (activation && !strcmp(activation->kind->name, "softmax"));
    return softmax ? 5 * outputs(node) : 0;
}

static int64_t inputs_of(const cni_analysis *analysis, const cni_explained *node)
{
    return node->input_count ? outputs(&analysis->nodes[node->inputs[0]]) : 0;
}

static int64_t tf(const cni_analysis *analysis, const cni_explained *node)
{
    if (unknown(node)) return CNI_UNSEEN;
    const unsigned is = traits(node);
    int64_t sum = softmax_within(node);
    if (is & (CNI_IS_CONVOLUTION | CNI_IS_DENSE)) {
        sum += 2 * node->macs + node->bias_adds;
        if (node->view.type == CNI_VIEW_TRANSPOSED) { /* 2 outputs * kernel / (filters * strides) */
            int64_t strides = 1;
            for (int i = 0; i < node->view.spatial; i++) strides *= node->view.axis[i].stride;
            sum += 2 * (outputs(node) / (node->channels > 0 ? node->channels : 1) * node->kernel_weights / strides) -
                   2 * node->macs;
        }
    } else if (is & (CNI_IS_MAX_POOL | CNI_IS_AVERAGE_POOL))
        sum += window_cells(node) * outputs(node);
    else if (is & CNI_IS_GLOBAL_POOL)
        sum += node->layer->class_name && strstr(node->layer->class_name, "Max") ? 0 : inputs_of(analysis, node);
    else if (is & CNI_IS_MERGE)
        sum += merged(node);
    return sum;
}

static int64_t darknet(const cni_analysis *analysis, const cni_explained *node)
{
    (void)analysis;
    const unsigned is = traits(node);
    if (unknown(node)) return CNI_UNSEEN;
    if (is & CNI_IS_CONVOLUTION) return 2 * node->macs;
    if (is & (CNI_IS_MAX_POOL | CNI_IS_AVERAGE_POOL)) return window_cells(node) * outputs(node);
    return is & CNI_IS_MERGE ? merged(node) : 0;
}

const cni_counting cni_countings[] = {
    {"cornu", "MACs", "1 MAC = one multiply and one add; biases, pools and activations apart", own, false},
    {"torchinfo", "mult-add", "as torchinfo: weights and biases, times the positions of a convolution; norms too",
     torchinfo, true},
    {"tf", "FLOPs", "as TensorFlow's profiler: 2 per multiply-add, biases, pools, sums; no ReLU, no norms", tf, false},
    {"darknet", "FLOPs", "as darknet's BFLOPs: 2 per multiply-add of convolutions, pools, shortcuts; no Dense", darknet,
     false},
};
const int cni_counting_count = sizeof cni_countings / sizeof *cni_countings;

/* Moving mean and variance of batch norm: what a frozen layer holds besides is a parameter. */
static int64_t statistics_of(const cni_explained *node)
{
    const int64_t both = 2 * (node->channels > 0 ? node->channels : 0);
    return traits(node) & CNI_IS_BATCH_NORM && node->params.other >= both ? both : 0;
}

static int64_t params_of(const cn_explanation *e, const cni_explained *node)
{
    const int64_t sum = node->shared_with >= 0 ? 0 : cni_amount_sum(node->params);
    if (sum == CNI_UNSEEN || !e->counting->no_statistics || node->shared_with >= 0) return sum;
    return sum - statistics_of(node);
}

int64_t cni_counted_params(const cn_explanation *e, const cni_explained *node)
{
    int64_t sum = 0;
    if (node) return params_of(e, node);
    for (int i = 0; i < e->analysis->count; i++) {
        const int64_t one = params_of(e, &e->analysis->nodes[i]);
        if (one == CNI_UNSEEN || __builtin_add_overflow(sum, one, &sum)) return CNI_UNSEEN;
    }
    return sum;
}

const cni_counting *cni_counting_find(const char *name)
{
    if (!name) return cni_countings;
    for (int i = 0; i < cni_counting_count; i++)
        if (strcmp(cni_countings[i].name, name) == 0) return &cni_countings[i];
    return NULL;
}
