/* SPDX-License-Identifier: Apache-2.0
 * Memory that running and training takes (explain-spec 3.2): of the tensors of a network, not of any kernel's own. */
#include "explain/analysis/analyser.h"

#include <string.h>
#include <strings.h>

/* ---- what becomes one step ---- */

static bool is_element_wise_activation(const cni_explained *node)
{
    return cni_traits(node) & CNI_IS_ACTIVATION && !(cni_traits(node) & CNI_IS_SOFTMAX);
}

static bool has_kernel(const cni_explained *node)
{
    return node->view.multiplies != CNI_MULTIPLIES_NOT;
}

static bool is_view_of_input(const cni_explained *node)
{
    return cni_traits(node) & (CNI_IS_NOTHING | CNI_IS_FLATTEN);
}

/* By node: whose tensor its output is.  Batch norm and activations right behind a kernel run with it; what does nothing
 * in inference, and Flatten, have no tensor of their own. */
static void find_owners(const cni_analysis *analysis, int *owner)
{
    for (int i = 0; i < analysis->count; i++) {
        const cni_explained *node = analysis->nodes + i;
        owner[i] = i;
        if (node->input_count != 1) continue;
        const int from = node->inputs[0];
        const cni_explained *root = analysis->nodes + owner[from];
        const bool fuses = cni_traits(node) & CNI_IS_BATCH_NORM || is_element_wise_activation(node);
        const bool alone = analysis->nodes[from].consumer_count == 1 && !analysis->nodes[from].output;
        if (is_view_of_input(node) || (fuses && alone && has_kernel(root))) owner[i] = owner[from];
    }
}

/* ---- inference: a depth-first schedule ---- */

typedef struct schedule {
    const cni_analysis *analysis;
    const int *owner;
    int *order, count; /* nodes that own tensors, as they run */
    int *waiting;      /* by owner: reads that are still to come */
    bool *seen;
} schedule;

/* Post-order from a node, without recursion: `stack` holds nodes and how many of their inputs were gone into. */
static void visit(schedule *s, int root, int *stack, int *next)
{
    int top = 0;
    if (s->seen[root]) return;
    stack[0] = root;
    next[0] = 0;
    s->seen[root] = true;
    while (top >= 0) {
        const cni_explained *node = s->analysis->nodes + stack[top];
        if (next[top] == node->input_count) {
            s->order[s->count++] = stack[top--];
            continue;
        }
        const int from = node->inputs[next[top]++];
        if (s->seen[from]) continue;
        s->seen[from] = true;
        stack[++top] = from;
        next[top] = 0;
    }
}

static void count_reads(schedule *s)
{
    for (int i = 0; i < s->count; i++) {
        const cni_explained *node = s->analysis->nodes + s->order[i];
        for (int j = 0; j < node->input_count; j++)
            if (s->owner[node->id] != s->owner[node->inputs[j]]) s->waiting[s->owner[node->inputs[j]]]++;
        if (node->output) s->waiting[s->owner[node->id]]++; /* until the end */
    }
}

/* With `inplace`, the input that an element-wise node writes over: its owner, or -1.  Nobody else needs it, and it is
 * not the user's. */
static int reused_input(const schedule *s, const cni_explained *node)
{
    if (!s->analysis->options.inplace || node->view.type != CNI_VIEW_POINT || has_kernel(node)) return -1;
    if (cni_traits(node) & CNI_IS_CONCATENATE) return -1;
    for (int i = 0; i < node->input_count; i++) {
        const cni_explained *from = s->analysis->nodes + s->owner[node->inputs[i]];
        if (s->waiting[from->id] == 1 && from->bytes_out == node->bytes_out && from->input_count) return from->id;
    }
    return -1;
}

static int64_t run_schedule(schedule *s)
{
    const cni_explained *nodes = s->analysis->nodes;
    int64_t live = 0, peak = 0;
    for (int i = 0; i < s->analysis->count; i++)
        if (!nodes[i].input_count) live = cni_plus(live, nodes[i].bytes_out);
    peak = live;
    for (int i = 0; i < s->count; i++) {
        const cni_explained *node = nodes + s->order[i];
        const bool owns = s->owner[node->id] == node->id && node->input_count;
        const int reused = owns ? reused_input(s, node) : -1;
        if (owns && reused < 0) live = cni_plus(live, node->bytes_out);
        if (live == CNI_UNSEEN) return CNI_UNSEEN;
        if (live > peak) peak = live;
        for (int j = 0; j < node->input_count; j++) {
            const int from = s->owner[node->inputs[j]];
            if (from == s->owner[node->id] || --s->waiting[from]) continue;
            if (from != reused) live -= nodes[from].bytes_out;
        }
    }
    return peak;
}

static cn_status find_peak(cni_analyser *a, const int *owner)
{
    cni_analysis *analysis = a->analysis;
    const size_t count = (size_t)analysis->count;
    int *numbers = CNI_NEW_ARRAY(&a->scratch, int, 4 * count);
    bool *seen = CNI_NEW_ARRAY(&a->scratch, bool, count);
    if (!numbers || !seen) return cni_no_memory(a->error, "a schedule");
    schedule s = {analysis, owner, numbers, 0, numbers + count, seen};
    for (int i = 0; i < analysis->count; i++)
        if (analysis->nodes[i].output) visit(&s, i, numbers + 2 * count, numbers + 3 * count);
    count_reads(&s);
    analysis->memory.peak = run_schedule(&s);
    return CN_OK;
}

/* ---- training ---- */

enum { SAVES_INPUT = 1, SAVES_OUTPUT = 2 };

static bool is_named(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (!strcasecmp(name, *names)) return true;
    return false;
}

/* Gradients of these follow from the output; others need what went in. */
static const char *const by_output[] = {"relu",        "relu6",       "leakyrelu", "leaky_relu", "elu",
                                        "selu",        "sigmoid",     "tanh",      "softmax",    "hard_sigmoid",
                                        "hardsigmoid", "exponential", "softplus",  NULL};

static int saved_by(const cni_explained *node)
{
    const unsigned traits = cni_traits(node);
    const char *activation = node->layer->config ? cni_layer_activation(node->layer->kind, node->layer->config) : NULL;
    int saved = 0;
    if (has_kernel(node) || traits & (CNI_IS_BATCH_NORM | CNI_IS_NORMALIZATION)) saved |= SAVES_INPUT;
    if (activation && is_named(activation, by_output)) saved |= SAVES_OUTPUT;
    if (activation && !is_named(activation, by_output))
        saved |= traits & CNI_IS_ACTIVATION ? SAVES_INPUT : SAVES_OUTPUT;
    if (traits & CNI_IS_MERGE && !strcasecmp(node->layer->kind->kind.name, "Multiply")) saved |= SAVES_INPUT;
    return saved;
}

/* The tensor that a node's output is in training, where nothing is fused.  Dropout may work in place: a lower bound. */
static int tensor_of(const cni_analysis *analysis, int node)
{
    while (analysis->nodes[node].input_count == 1 && is_view_of_input(analysis->nodes + node))
        node = analysis->nodes[node].inputs[0];
    return node;
}

/* An activation in a layer that cannot go by the output keeps the sums as well. */
static bool keeps_sums(const cni_explained *node)
{
    if (!has_kernel(node) || !node->layer->config) return false;
    const char *activation = cni_layer_activation(node->layer->kind, node->layer->config);
    return activation && !is_named(activation, by_output);
}

static int64_t size_of_window(const cni_explained *node)
{
    int64_t size = 1;
    for (int i = 0; i < node->view.spatial; i++) size = cni_times(size, node->view.axis[i].size);
    return size;
}

/* Max pooling finds its maxima again from input and output when both are there; else it keeps an index per output. */
static int64_t indices_of(const cni_analysis *analysis, const cni_explained *node, const bool *saved)
{
    if (saved[tensor_of(analysis, node->inputs[0])] && saved[tensor_of(analysis, node->id)]) return 0;
    return cni_times(cni_elements(node), size_of_window(node) <= 256 ? 1 : 4);
}

static int64_t sample_bytes(const cni_analysis *analysis, const cni_explained *node)
{
    return cni_times(cni_elements(node), analysis->options.bytes);
}

static void mark_saved(const cni_analysis *analysis, bool *saved)
{
    for (int i = 0; i < analysis->count; i++) {
        const cni_explained *node = analysis->nodes + i;
        const int what = saved_by(node);
        if (what & SAVES_OUTPUT) saved[tensor_of(analysis, i)] = true;
        for (int j = 0; j < node->input_count && what & SAVES_INPUT; j++)
            saved[tensor_of(analysis, node->inputs[j])] = true;
    }
}

static int64_t count_saved(const cni_analysis *analysis, const bool *saved)
{
    int64_t sum = 0;
    for (int i = 0; i < analysis->count; i++) {
        const cni_explained *node = analysis->nodes + i;
        if (saved[i]) sum = cni_plus(sum, sample_bytes(analysis, node));
        if (keeps_sums(node)) sum = cni_plus(sum, sample_bytes(analysis, node));
        if (cni_traits(node) & CNI_IS_MAX_POOL) sum = cni_plus(sum, indices_of(analysis, node, saved));
        if (cni_traits(node) & CNI_IS_BATCH_NORM && node->channels > 0)
            sum = cni_plus(sum, 2 * node->channels * analysis->options.bytes);
    }
    return sum;
}

/* Gradients of output and input at once, of the node where they are largest; inputs of the network have none. */
static int64_t largest_gradients(const cni_analysis *analysis)
{
    int64_t largest = 0;
    for (int i = 0; i < analysis->count; i++) {
        const cni_explained *node = analysis->nodes + i;
        int64_t both = sample_bytes(analysis, node);
        for (int j = 0; j < node->input_count; j++)
            if (analysis->nodes[node->inputs[j]].input_count)
                both = cni_plus(both, sample_bytes(analysis, analysis->nodes + node->inputs[j]));
        if (both == CNI_UNSEEN) return CNI_UNSEEN;
        if (node->input_count && both > largest) largest = both;
    }
    return largest;
}

cn_status cni_analyse_memory(cni_analyser *a)
{
    cni_analysis *analysis = a->analysis;
    cni_memory *memory = &analysis->memory;
    const int64_t batch = analysis->options.batch;
    int *owner = CNI_NEW_ARRAY(&a->scratch, int, (size_t)analysis->count);
    bool *saved = CNI_NEW_ARRAY(&a->scratch, bool, (size_t)analysis->count);
    if (!owner || !saved) return cni_no_memory(a->error, "a schedule");
    *memory = (cni_memory){.plan = CNI_UNSEEN};
    find_owners(analysis, owner);
    CN_TRY(find_peak(a, owner));
    mark_saved(analysis, saved);
    memory->saved = count_saved(analysis, saved);
    memory->working = largest_gradients(analysis);
    for (int slots = 0; slots < 3; slots++) {
        const int64_t weights = cni_times(analysis->weights_bytes, 2 + slots);
        const int64_t samples = cni_times(cni_plus(memory->saved, memory->working), batch);
        memory->train[slots] = batch > 0 ? cni_plus(weights, samples) : CNI_UNSEEN;
    }
    return CN_OK;
}
