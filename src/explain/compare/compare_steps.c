/* SPDX-License-Identifier: Apache-2.0
 * A network as a list of steps: one for each thing that is computed.  Layers with an activation are two steps, a layer
 * of PyTorch is as many as its translation has; what only moves or drops cells is none. */
#include "explain/compare/compare_steps.h"

#include "base/text.h"
#include "layers/torch/torch.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { STEP_NAME = 140, READS = 200, WORD = 48, MOST_NUMBERS = 16, MOST_STEPS = 2000, MOST_LINES = 40 };

/* ---- steps ---- */

typedef struct figure {
    char key[WORD], value[WORD];
} figure;

typedef struct step {
    char what[WORD]; /* "convolution", "leaky_relu", "BatchNormalization" */
    bool window;     /* pairs of windows are told elsewhere; so are those without a partner */
    bool unknown;    /* nothing is known of what it does */
    const cni_explained *node;
    figure figures[MOST_NUMBERS];
    int count;
} step;

typedef struct steps {
    cni_arena *arena;
    const cni_compared *side;
    step *items;
    int count, room;
    int *starts; /* [nodes + 1]: the first step of each node */
    step spare;  /* where there is no memory for more */
    bool failed;
} steps;

static unsigned traits(const cni_explained *node)
{
    return node->layer->kind ? node->layer->kind->traits : 0;
}

static step *begin(steps *s, const cni_explained *node, const char *what)
{
    if (s->count == s->room) {
        const int room = s->room ? 2 * s->room : 64;
        step *items = CNI_NEW_ARRAY(s->arena, step, (size_t)room);
        if (!items) {
            s->failed = true;
            return &s->spare;
        }
        if (s->count) memcpy(items, s->items, (size_t)s->count * sizeof *items);
        s->items = items;
        s->room = room;
    }
    step *made = &s->items[s->count++];
    *made = (step){.node = node};
    snprintf(made->what, WORD, "%s", what);
    return made;
}

static void say(step *to, const char *key, const char *value)
{
    if (to->count == MOST_NUMBERS) return;
    figure *f = &to->figures[to->count++];
    snprintf(f->key, WORD, "%s", key);
    snprintf(f->value, WORD, "%s", value);
}

static void say_number(step *to, const char *key, int64_t value)
{
    char text[WORD];
    snprintf(text, sizeof text, "%" PRId64, value);
    say(to, key, text);
}

/* ---- arguments ---- */

/* What says nothing of the numbers, or is compared as geometry. */
static bool is_passed_over(const char *key)
{
    static const char *const keys[] = {"name",         "trainable",    "dtype",        "autocast",    "data_format",
                                       "activation",   "inplace",      "device",       "seed",        "synchronized",
                                       "units",        "build_config", "input_shape",  "batch_shape", "sparse",
                                       "num_features", "in_features",  "out_features", "keepdims"};
    const char *end = strrchr(key, '_');
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(key, keys[i]) == 0) return true;
    return end && (!strcmp(end, "_initializer") || !strcmp(end, "_regularizer") || !strcmp(end, "_constraint"));
}

/* An axis by what it is: "channels", "axis 1" (the first of the map), "batch". */
static void say_axes(const cni_explained *node, const cni_value *value, bool torch, step *to)
{
    const int rank = node->shape.rank;
    const int channels = rank == 2 || torch || node->format == CN_CHANNELS_FIRST ? 1 : rank - 1;
    const size_t count = value->type == CNI_LIST ? value->count : 1;
    bool has[CN_MAX_RANK + 1] = {false};
    char text[WORD] = "";
    for (size_t i = 0; i < count; i++) {
        const cni_value *one = value->type == CNI_LIST ? value->items[i] : value;
        const int64_t at = one->type == CNI_INT ? one->integer + (one->integer < 0 ? rank : 0) : -1;
        if (at >= 0 && at < rank && at <= CN_MAX_RANK) has[at] = true;
    }
    if (rank > 0 && has[channels]) snprintf(text, sizeof text, "channels");
    for (int i = 0, map = 0; i < rank; i++) {
        if (i && i != channels) map++;
        if (has[i] && i != channels)
            snprintf(text + strlen(text), sizeof text - strlen(text), i ? "%s%d" : "%sbatch", *text ? "," : "", map);
    }
    say(to, "axis", text);
}

static void say_arguments(const cni_explained *node, const cni_value *config, bool torch, step *to)
{
    char text[WORD];
    for (size_t i = 0; config && config->type == CNI_DICT && i < config->count; i++) {
        const cni_value *value = config->items[i];
        if (is_passed_over(config->keys[i]) || value->type == CNI_NULL) continue;
        if (strcmp(config->keys[i], "axis") == 0 || strcmp(config->keys[i], "shared_axes") == 0) {
            say_axes(node, value, torch, to);
            continue;
        }
        if (value->type == CNI_INT || value->type == CNI_REAL)
            snprintf(text, sizeof text, "%.10g", value->real);
        else
            cni_value_show(value, text, sizeof text);
        say(to, config->keys[i], text);
    }
}

static const figure *find(const step *s, const char *key)
{
    for (int i = 0; i < s->count; i++)
        if (strcmp(s->figures[i].key, key) == 0) return &s->figures[i];
    return NULL;
}

/* ---- activations ---- */

static bool is_zero(const figure *f)
{
    return !f || strcmp(f->value, "0") == 0 || strcmp(f->value, "False") == 0;
}

/* "LeakyReLU", "leaky_relu", relu with a slope: one thing, one name. */
static void settle(step *s)
{
    static const char *const names[][2] = {{"LeakyReLU", "leaky_relu"}, {"ReLU", "relu"},  {"ELU", "elu"},
                                           {"Softmax", "softmax"},      {"swish", "silu"}, {"hard_swish", "hard_silu"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(s->what, names[i][0]) == 0) strcpy(s->what, names[i][1]);
    if (strcmp(s->what, "relu6") == 0) {
        strcpy(s->what, "relu");
        say(s, "max_value", "6");
    }
    if (strcmp(s->what, "relu") == 0 && !is_zero(find(s, "negative_slope")) && !find(s, "max_value") &&
        is_zero(find(s, "threshold")))
        strcpy(s->what, "leaky_relu");
    if (strcmp(s->what, "softmax") == 0 && !find(s, "axis")) say(s, "axis", "channels");
}

static void add_activation(steps *s, const cni_explained *node, const cni_object *activation)
{
    if (!activation || strcmp(activation->kind->name, "linear") == 0) return;
    step *made = begin(s, node, activation->kind->name);
    const cni_value *config = cni_object_config(s->arena, activation);
    if (!config) s->failed = true;
    if (strcmp(made->what, "softmax") == 0 && config && !cni_value_get(config, "axis"))
        say(made, "axis", node->shape.rank == 2 || node->format != CN_CHANNELS_FIRST ? "channels" : "");
    say_arguments(node, config, false, made);
    settle(made);
}

/* ---- one layer ---- */

static void add_layer(steps *s, const cni_explained *node, const cni_object *layer, bool torch)
{
    const unsigned moves = CNI_IS_PADDING | CNI_IS_CROPPING | CNI_IS_NOTHING | CNI_IS_FLATTEN | CNI_IS_INPUT;
    const cni_layer_kind *kind = (const cni_layer_kind *)layer->kind;
    const cni_object *activation = cni_object_of(layer, "activation");
    if (kind->traits & moves && !(kind->traits & CNI_IS_DROPOUT)) return;
    if (!strcmp(kind->kind.name, "Permute")) return; /* the order of axes is a habit of the framework */
    if (!strcmp(kind->kind.name, "Reshape") && node->shape.rank == 2) return;
    if (strcmp(kind->kind.name, "Activation") != 0) {
        step *made = begin(s, node, kind->kind.name);
        const cni_value *config = cni_object_config(s->arena, layer);
        if (!config) s->failed = true;
        if (strcmp(made->what, "Reshape") != 0) say_arguments(node, config, torch, made);
        settle(made);
    }
    add_activation(s, node, activation);
}

/* Convolutions and pools: their places and sizes are compared elsewhere. */
static void add_window(steps *s, const cni_explained *node)
{
    const unsigned is = traits(node);
    const bool average = is & CNI_IS_AVERAGE_POOL;
    step *made = begin(s, node,
                       is & CNI_IS_MAX_POOL    ? "max pool"
                       : average               ? "average pool"
                       : is & CNI_IS_SEPARABLE ? "separable convolution"
                                               : "convolution");
    made->window = true;
    if (is & CNI_IS_CONVOLUTION) {
        const int64_t params = cni_amount_sum(node->params);
        const cni_explained *in = &s->side->analysis->nodes[node->inputs[0]];
        const int64_t groups = node->view.groups ? node->view.groups : in->channels;
        if (params != CNI_UNSEEN && node->kernel_weights != CNI_UNSEEN && node->shared_with < 0)
            say(made, "bias", params > node->kernel_weights ? "yes" : "no");
        if (!(is & CNI_IS_SEPARABLE) && groups > 0) say_number(made, "groups", groups);
    }
    if (node->shared_with >= 0) say(made, "weights shared with an earlier call", "yes");
    if (average && node->layer->config) {
        const cni_value *config = cni_object_config(s->arena, node->layer->config);
        const cni_value *divisor = cni_value_get(config, "divisor_override");
        if (divisor && divisor->type == CNI_INT) say_number(made, "divisor_override", divisor->integer);
    }
    if (node->layer->config && !s->side->torch)
        add_activation(s, node, cni_object_of(node->layer->config, "activation"));
}

static void add_dense(steps *s, const cni_explained *node)
{
    step *made = begin(s, node, "dense");
    const int64_t params = cni_amount_sum(node->params);
    const int rank = node->shape.rank;
    if (params != CNI_UNSEEN && node->kernel_weights != CNI_UNSEEN && node->shared_with < 0)
        say(made, "bias", params > node->kernel_weights ? "yes" : "no");
    const int64_t units = rank > 1 ? node->shape.dims[rank - 1] : -1;
    if (units > 0) say_number(made, "outputs", units);
    if (units > 0 && node->kernel_weights != CNI_UNSEEN && node->shared_with < 0)
        say_number(made, "inputs", node->kernel_weights / units);
    if (node->shared_with >= 0) say(made, "weights shared with an earlier call", "yes");
    if (node->layer->config && !s->side->torch)
        add_activation(s, node, cni_object_of(node->layer->config, "activation"));
}

/* PyTorch's layer as Keras has it; by its own name where Keras has none. */
static void add_torch(steps *s, const cni_explained *node)
{
    cni_error ignored = {0};
    cni_value *list = NULL;
    const cni_torch_place place = {.in = node->input_count ? &s->side->analysis->nodes[node->inputs[0]].shape : NULL,
                                   .not_negative = true};
    const cni_maker maker = {.arena = s->arena, .error = &ignored};
    if (cni_torch_translate(node->layer->config, &place, s->arena, &list, &ignored) == CN_OK) {
        for (size_t i = 0; i < list->count; i++) {
            const cni_kind *kind = cni_family_find(&cni_layers, list->items[i]->text);
            cni_object *layer = NULL;
            if (kind && cni_object_read(&maker, kind, list->items[i], "", &layer) == CN_OK)
                add_layer(s, node, layer, true);
            else
                begin(s, node, list->items[i]->text)->unknown = true;
        }
        return;
    }
    add_layer(s, node, node->layer->config, true);
}

static bool is_max(const char *class)
{
    return strstr(class, "Max") || strstr(class, "max");
}

/* PyTorch's adaptive pools, too, which may leave more than one position. */
static void add_global(steps *s, const cni_explained *node)
{
    step *made = begin(s, node, is_max(node->layer->class_name) ? "global max pool" : "global average pool");
    int64_t positions = 1;
    for (int i = 0; i < node->spatial; i++) positions *= node->map[i] > 0 ? node->map[i] : 1;
    say_number(made, "positions", positions);
}

static void add_node(steps *s, const cni_explained *node)
{
    const unsigned is = traits(node);
    if (is & CNI_IS_INPUT || !node->input_count) return;
    if (!node->layer->kind || !node->layer->config)
        begin(s, node, node->layer->class_name ? node->layer->class_name : "layer")->unknown = true;
    else if (is & CNI_IS_DROPOUT) {
        const double *rate = cni_object_member(node->layer->config, s->side->torch ? "p" : "rate");
        step *made = begin(s, node, "dropout");
        char text[WORD];
        if (rate) snprintf(text, sizeof text, "%g", *rate);
        if (rate) say(made, "rate", text);
    } else if (is & (CNI_IS_NOTHING | CNI_IS_PADDING | CNI_IS_CROPPING | CNI_IS_FLATTEN))
        return;
    else if (is & CNI_IS_GLOBAL_POOL)
        add_global(s, node);
    else if (node->view.type == CNI_VIEW_WINDOW || node->view.type == CNI_VIEW_TRANSPOSED)
        add_window(s, node);
    else if (is & CNI_IS_DENSE)
        add_dense(s, node);
    else if (s->side->torch)
        add_torch(s, node);
    else
        add_layer(s, node, node->layer->config, false);
}

/* ---- side by side ---- */

typedef struct pairing {
    cni_arena *arena;
    const cni_compared *a, *b;
    cni_differences *out;
    int *times;
    bool failed;
} pairing;

/* Lines that were said already are counted. */
static void differ(pairing *p, bool outputs, const char *line)
{
    cni_differences *out = p->out;
    for (int i = 0; i < out->count; i++)
        if (strcmp(out->lines[i], line) == 0) {
            p->times[i]++;
            return;
        }
    out->outputs += outputs;
    if (out->count == MOST_LINES) return;
    const char *kept = cni_arena_text(p->arena, line);
    if (!kept) p->failed = true;
    if (!kept) return;
    p->times[out->count] = 1;
    out->lines[out->count++] = kept;
}

static const char *word_of(const char *what)
{
    static const char *const words[][2] = {{"BatchNormalization", "batch norm"},
                                           {"LayerNormalization", "layer norm"},
                                           {"GroupNormalization", "group norm"},
                                           {"relu", "ReLU"},
                                           {"leaky_relu", "leaky ReLU"},
                                           {"elu", "ELU"},
                                           {"gelu", "GELU"},
                                           {"negative_slope", "slope"},
                                           {"max_value", "largest value"},
                                           {"divisor_override", "divisor"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i][0], what) == 0) return words[i][1];
    return what;
}

static bool same_value(const char *a, const char *b)
{
    double x, y;
    if (strcmp(a, b) == 0) return true;
    return cni_read_real(a, strlen(a), &x) && cni_read_real(b, strlen(b), &y) && fabs(x - y) < 1e-9;
}

static void compare_figure(pairing *p, const step *a, const step *b, const char *key)
{
    const figure *x = find(a, key), *y = find(b, key);
    const bool momentum = strcmp(key, "momentum") == 0, rate = strcmp(a->what, "dropout") == 0;
    char line[400], left[2 * WORD], right[2 * WORD];
    if ((!x && is_zero(y)) || (!y && is_zero(x)) || (x && y && same_value(x->value, y->value))) return;
    const figure *const figures[] = {x, y};
    const cni_compared *const sides[] = {p->a, p->b};
    char *const texts[] = {left, right};
    for (int i = 0; i < 2; i++) {
        double value = 0;
        const bool turned = momentum && p->a->torch != p->b->torch && sides[i]->torch && figures[i] &&
                            cni_read_real(figures[i]->value, strlen(figures[i]->value), &value);
        if (turned)
            snprintf(texts[i], 2 * WORD, "%g (= %g in Keras' terms)", 1 - value, value);
        else
            snprintf(texts[i], 2 * WORD, "%s", figures[i] ? figures[i]->value : "none");
    }
    snprintf(line, sizeof line, "%s %s: %s %s, %s %s", word_of(a->what), word_of(key), p->a->name, left, p->b->name,
             right);
    differ(p, !momentum && !rate, line);
}

static void compare_pair(pairing *p, const step *a, const step *b)
{
    char line[300];
    if (a->unknown || b->unknown) {
        snprintf(line, sizeof line, "%s: what it computes is not known", a->what);
        differ(p, true, line);
        return;
    }
    for (int i = 0; i < a->count; i++) compare_figure(p, a, b, a->figures[i].key);
    for (int i = 0; i < b->count; i++)
        if (!find(a, b->figures[i].key)) compare_figure(p, a, b, b->figures[i].key);
}

/* A step that the other network lacks.  `own`: it is the layer itself, not what the layer does behind its sums. */
static void single(pairing *p, bool first, const step *s, bool own, bool last)
{
    const cni_compared *side = first ? p->a : p->b, *other = first ? p->b : p->a;
    char line[400];
    if (s->window) return;
    const bool softmax = strcmp(s->what, "softmax") == 0, dropout = strcmp(s->what, "dropout") == 0;
    if (softmax && last)
        snprintf(line, sizeof line, "softmax at the end: in %s%s network%s", side->name,
                 side->name[strlen(side->name) - 1] == 's' ? "'" : "'s",
                 other->torch && !side->torch ? "; PyTorch's usual loss has it inside" : " only");
    else if (own && strcasecmp(word_of(s->what), s->node->name) == 0)
        snprintf(line, sizeof line, "only in %s: %s", side->name, s->node->name);
    else
        snprintf(line, sizeof line, own ? "only in %s: %s (%s)" : "only in %s: %s of %s", side->name, word_of(s->what),
                 s->node->name);
    differ(p, !dropout, line);
}

static bool is_own(const steps *s, int index)
{
    return index == s->starts[s->items[index].node - s->side->analysis->nodes];
}

/* Longest common subsequence, as for windows. */
static bool lay_beside(pairing *p, const steps *a, const steps *b, int *partner)
{
    const int m = a->count, n = b->count;
    const size_t row = (size_t)n + 1;
    if (m > MOST_STEPS || n > MOST_STEPS) {
        differ(p, true, "too many layers to compare what they compute");
        return !p->failed;
    }
    int16_t *lengths = cni_arena_array(p->arena, ((size_t)m + 1) * row, sizeof *lengths);
    if (!lengths) return false;
    for (int i = m - 1; i >= 0; i--)
        for (int j = n - 1; j >= 0; j--) {
            const size_t at = (size_t)i * row + (size_t)j;
            const int16_t down = lengths[at + row], right = lengths[at + 1];
            const bool same = strcmp(a->items[i].what, b->items[j].what) == 0;
            lengths[at] = same ? (int16_t)(lengths[at + row + 1] + 1) : down > right ? down : right;
        }
    int i = 0, j = 0;
    while (i < m || j < n) {
        const size_t at = (size_t)i * row + (size_t)j;
        if (i < m && j < n && strcmp(a->items[i].what, b->items[j].what) == 0) {
            partner[i] = j;
            compare_pair(p, &a->items[i++], &b->items[j++]);
        } else if (j == n || (i < m && lengths[at + row] >= lengths[at + 1])) {
            partner[i] = -1;
            single(p, true, &a->items[i], is_own(a, i), i + 1 == m);
            i++;
        } else {
            single(p, false, &b->items[j], is_own(b, j), j + 1 == n);
            j++;
        }
    }
    return !p->failed;
}

/* ---- who reads whom ---- */

/* The step whose result a node passes on; below 0: an input of the network, by its number. */
static int result_of(const steps *s, int node)
{
    const cni_explained *nodes = s->side->analysis->nodes;
    while (s->starts[node] == s->starts[node + 1] && nodes[node].input_count) node = nodes[node].inputs[0];
    if (s->starts[node] < s->starts[node + 1]) return s->starts[node + 1] - 1;
    int inputs = 0;
    for (int i = 0; i <= node; i++) inputs += !nodes[i].input_count;
    return -inputs;
}

static int read_count(const steps *s, int index)
{
    const int node = (int)(s->items[index].node - s->side->analysis->nodes);
    return index > s->starts[node] ? 1 : s->items[index].node->input_count;
}

static int read_of(const steps *s, int index, int which)
{
    const int node = (int)(s->items[index].node - s->side->analysis->nodes);
    return index > s->starts[node] ? index - 1 : result_of(s, s->items[index].node->inputs[which]);
}

/* Inputs of a sum may come in any order, those of a concatenation may not. */
static bool reads_alike(const steps *a, const steps *b, const int *partner, int i, int j)
{
    const bool ordered = a->items[i].node->layer->kind &&
                         (traits(a->items[i].node) & CNI_IS_CONCATENATE || strstr(a->items[i].what, "Subtract"));
    const int count = read_count(a, i);
    if (count != read_count(b, j)) return false;
    for (int k = 0; k < count; k++) {
        const int read = read_of(a, i, k), other = read < 0 ? read : partner[read];
        bool found = read >= 0 && other < 0; /* without a partner, which was told */
        for (int l = ordered ? k : 0; !found && l < (ordered ? k + 1 : count); l++) {
            const int there = read_of(b, j, l);
            found = there == other;
        }
        if (!found) return false;
    }
    return true;
}

/* "conv2d", "ReLU of conv2d". */
static const char *step_name(const steps *s, int index, char text[STEP_NAME])
{
    const step *at = &s->items[index];
    if (is_own(s, index))
        snprintf(text, STEP_NAME, "%.90s", at->node->name);
    else
        snprintf(text, STEP_NAME, "%.40s of %.90s", word_of(at->what), at->node->name);
    return text;
}

/* "flatten", "add_1, input": what a step reads. */
static const char *reads_of(const steps *s, int index, char text[READS])
{
    char name[STEP_NAME];
    *text = 0;
    for (int k = 0; k < read_count(s, index); k++) {
        const int read = read_of(s, index, k);
        const size_t used = strlen(text);
        snprintf(text + used, READS - used, "%s%s", k ? ", " : "", read < 0 ? "the input" : step_name(s, read, name));
    }
    return text;
}

static void compare_reads(pairing *p, const steps *a, const steps *b, const int *partner)
{
    char line[800];
    for (int i = 0; i < a->count; i++) {
        if (partner[i] < 0 || reads_alike(a, b, partner, i, partner[i])) continue;
        char reads[2][READS], names[2][STEP_NAME];
        snprintf(line, sizeof line, "in %.60s %s reads %s, in %.60s %s reads %s", p->a->name, step_name(a, i, names[0]),
                 reads_of(a, i, reads[0]), p->b->name, step_name(b, partner[i], names[1]),
                 reads_of(b, partner[i], reads[1]));
        differ(p, true, line);
    }
}

static const char *counted(cni_arena *arena, const char *line, int times)
{
    return times > 1 ? cni_arena_printf(arena, "%s (%d layers)", line, times) : line;
}

bool cni_compare_steps(cni_arena *arena, const cni_compared *a, const cni_compared *b, cni_differences *out)
{
    steps sides[] = {{.arena = arena, .side = a}, {.arena = arena, .side = b}};
    *out = (cni_differences){.lines = CNI_NEW_ARRAY(arena, const char *, MOST_LINES)};
    pairing p = {.arena = arena, .a = a, .b = b, .out = out, .times = CNI_NEW_ARRAY(arena, int, MOST_LINES)};
    if (!out->lines || !p.times) return false;
    for (int k = 0; k < 2; k++) {
        const cni_analysis *analysis = sides[k].side->analysis;
        sides[k].starts = CNI_NEW_ARRAY(arena, int, (size_t)analysis->count + 1);
        if (!sides[k].starts) return false;
        for (int i = 0; i < analysis->count; i++) {
            sides[k].starts[i] = sides[k].count;
            add_node(&sides[k], &analysis->nodes[i]);
        }
        sides[k].starts[analysis->count] = sides[k].count;
    }
    int *partner = CNI_NEW_ARRAY(arena, int, (size_t)sides[0].count + 1);
    if (!partner || sides[0].failed || sides[1].failed) return false;
    for (int i = 0; i < sides[0].count; i++) partner[i] = -1;
    if (!lay_beside(&p, &sides[0], &sides[1], partner)) return false;
    if (sides[0].count <= MOST_STEPS && sides[1].count <= MOST_STEPS) compare_reads(&p, &sides[0], &sides[1], partner);
    for (int i = 0; i < out->count; i++)
        if (!(out->lines[i] = counted(arena, out->lines[i], p.times[i]))) return false;
    return true;
}
