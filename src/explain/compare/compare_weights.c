/* SPDX-License-Identifier: Apache-2.0
 * How weights go from Keras to PyTorch. */
#include "explain/compare/compare.h"

#include "base/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_dense(const cni_explained *node)
{
    return cni_traits_of(node) & CNI_IS_DENSE && node->input_count == 1;
}

/* The map whose values a Dense layer takes in their order, or NULL. */
static const cni_explained *flattened_map(const side *s, const cni_explained *dense)
{
    const cni_explained *at = &s->analysis->nodes[dense->inputs[0]];
    while (at->input_count == 1 && cni_traits_of(at) & (CNI_IS_NOTHING | CNI_IS_DROPOUT | CNI_IS_ACTIVATION))
        at = &s->analysis->nodes[at->inputs[0]];
    if (at->input_count != 1) return NULL;
    const bool reshape = at->shape.rank == 2 && at->layer->kind && strcmp(at->layer->kind->kind.name, "Reshape") == 0;
    if (!(cni_traits_of(at) & CNI_IS_FLATTEN) && !reshape) return NULL;
    const cni_explained *map = &s->analysis->nodes[at->inputs[0]];
    if (!map->spatial || map->channels < 2) return NULL;
    for (int i = 0; i < map->spatial; i++)
        if (map->map[i] != 1) return map;
    return NULL;
}

/* Rows of a Dense layer behind Flatten stand in another order in the other framework. */
bool cni_compare_reorders(const comparison *c)
{
    const side *keras = cni_compare_keras(c);
    for (int i = 0; cni_compare_crosses(c) && i < keras->analysis->count; i++) {
        const cni_explained *node = &keras->analysis->nodes[i];
        const cni_explained *map = is_dense(node) ? flattened_map(keras, node) : NULL;
        if (map && map->format != CN_CHANNELS_FIRST) return true;
    }
    return false;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool same_layout(const cni_explained *a, const cni_explained *b)
{
    const unsigned layouts = CNI_IS_CONVOLUTION | CNI_IS_DEPTHWISE | CNI_IS_SEPARABLE | CNI_IS_DENSE |
                             CNI_IS_BATCH_NORM | CNI_IS_NORMALIZATION;
    return (cni_traits_of(a) & layouts) == (cni_traits_of(b) & layouts) && a->view.type == b->view.type &&
           a->view.spatial == b->view.spatial;
}

/* "dense (in, out) -> (out, in): w.T"; the code on a line of its own where the first is too short. */
static void print_layout(comparison *c, const char *line)
{
    char what[4 * TEXT];
    const char *code = strstr(line, ": w.");
    if (!code || 4 + (int)cni_columns_of(line) <= c->page->width) {
        cni_page_paragraph(c->page, 4, 6, line);
        return;
    }
    snprintf(what, sizeof what, "%.*s", (int)(code - line) + 1, line);
    cni_page_paragraph(c->page, 4, 6, what);
    cni_page_paragraph(c->page, 6, 8, code + 2);
}

/* The line of a layer, or "". */
static void layout_of(const cni_explained *node, char *text, size_t size)
{
    static const char *const sizes[] = {"", "k", "kh, kw", "kd, kh, kw"};
    static const char *const turned[] = {"", "2, 1, 0", "3, 2, 0, 1", "4, 3, 0, 1, 2"};
    static const char *const per_channel[] = {"", "1, 2, 0", "2, 3, 0, 1", "3, 4, 0, 1, 2"};
    const unsigned is = cni_traits_of(node);
    const int n = node->view.spatial;
    *text = 0;
    if (is & CNI_IS_SEPARABLE)
        snprintf(text, size, "separable convolution: the first kernel as depthwise, the second as a convolution");
    else if (is & CNI_IS_DEPTHWISE)
        snprintf(text, size, "depthwise convolution (%s, in, m) -> (in*m, 1, %s): w.transpose(%s).reshape(in*m, 1, %s)",
                 sizes[n], sizes[n], per_channel[n], sizes[n]);
    else if (is & CNI_IS_CONVOLUTION && node->view.type == CNI_VIEW_TRANSPOSED)
        snprintf(text, size, "transposed convolution (%s, out, in) -> (in, out, %s): w.transpose(%s)", sizes[n],
                 sizes[n], turned[n]);
    else if (is & CNI_IS_CONVOLUTION)
        snprintf(text, size, "convolution (%s, in, out) -> (out, in, %s): w.transpose(%s)", sizes[n], sizes[n],
                 turned[n]);
    else if (is & CNI_IS_DENSE)
        snprintf(text, size, "dense (in, out) -> (out, in): w.T");
    else if (is & CNI_IS_BATCH_NORM)
        snprintf(text, size,
                 "batch norm: gamma -> weight, beta -> bias, moving_mean -> running_mean, "
                 "moving_variance -> running_var");
    else if (is & CNI_IS_NORMALIZATION && node->layer->kind && !begins(node->layer->kind->kind.name, "Unit"))
        snprintf(text, size, "norms: gamma -> weight, beta -> bias");
}

/* "dense_1 behind Flatten of 7x7x64: w.reshape(7, 7, 64, 10).transpose(3, 2, 0, 1).reshape(10, 3136).  w is Keras'." */
static void print_reordered(comparison *c, const side *s, const cni_explained *dense)
{
    static const char *const turned[] = {"", "2, 1, 0", "3, 2, 0, 1", "4, 3, 0, 1, 2"};
    const cni_explained *map = flattened_map(s, dense);
    char sizes[TEXT] = "", shape[TEXT] = "", text[4 * TEXT];
    int64_t values = 1;
    if (!map || map->format == CN_CHANNELS_FIRST) return;
    for (int i = 0; i <= map->spatial; i++) {
        const int64_t n = i < map->spatial ? map->map[i] : map->channels;
        if (n < 1 || __builtin_mul_overflow(values, n, &values)) return;
        snprintf(sizes + strlen(sizes), sizeof sizes - strlen(sizes), "%s%" PRId64, i ? "x" : "", n);
        snprintf(shape + strlen(shape), sizeof shape - strlen(shape), "%" PRId64 ", ", n);
    }
    const int64_t out = dense->shape.dims[dense->shape.rank - 1];
    snprintf(text, sizeof text,
             "%s, behind Flatten of %s: rows from h, w, c to c, h, w: w.reshape(%s%" PRId64
             ").transpose(%s).reshape(%" PRId64 ", %" PRId64 ")",
             dense->name, sizes, shape, out, turned[map->spatial], out, values);
    print_layout(c, text);
}

void cni_compare_weights(comparison *c)
{
    const side *s = cni_compare_keras(c);
    const cni_analysis *analysis = s->analysis;
    bool drawn = false;
    int told = 0;
    char text[3 * TEXT];
    for (int i = 0; i < analysis->count; i++) {
        const cni_explained *node = &analysis->nodes[i];
        bool before = node->shared_with >= 0;
        for (int k = 0; k < i && !before; k++) before = same_layout(&analysis->nodes[k], node);
        layout_of(node, text, sizeof text);
        if (!before && *text && !told++) cni_page_printf(c->page, "  weights, from Keras to PyTorch:\n");
        if (!before && *text) print_layout(c, text);
        if (is_dense(node) && node->shared_with < 0 && node->shape.rank > 1) print_reordered(c, s, node);
        drawn |= (cni_traits_of(node) & (CNI_IS_CONVOLUTION | CNI_IS_DENSE)) != 0;
    }
    if (drawn)
        cni_page_paragraph(c->page, 4, 6,
                           "where none are copied: Keras begins with Glorot uniform, bias 0; PyTorch with uniform "
                           "+-1/sqrt(fan_in), bias likewise");
}
